"""A file that is read: its rows, judged alone, wait on the disk for the transaction that takes them up in batches."""

import hashlib
import tempfile
from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import IO, Any

import orjson

from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.registry import Judgement, SharedIds, judge
from services.warehouse.domain.registry_header import Header
from services.warehouse.domain.registry_row import ReadRow, RegistryRow, RowError
from shared.contracts.counties import County
from shared.contracts.warehouse import RowReason, WarehouseKind

CONTENT_BYTES = 16


class Spool:
    """Takes rows as they are read, and counts which ids they share."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever gets the finished file
        self._shared = SharedIds()
        self._row_count = 0

    def add(self, read: ReadRow) -> None:
        """Keep one row."""
        content = None
        if read.parsed is None:
            errors = [(error.column, error.reason, error.value) for error in read.errors]
            line: bytes = orjson.dumps((read.row, read.registry_id, read.registry_id_text, errors))
        else:
            said = orjson.dumps(_fields(read.parsed), default=str)
            content = hashlib.blake2b(said, digest_size=CONTENT_BYTES).digest()
            line = orjson.dumps((read.row, read.registry_id, read.registry_id_text, None, orjson.Fragment(said)))
        self._shared.add(read, content)
        self._file.write(line + b"\n")
        self._row_count += 1

    def finished(self, header: Header, file_sha256: str) -> "ReadRegistry":
        """What was read; it closes the spool."""
        self._file.flush()
        return ReadRegistry(header, file_sha256, self._row_count, self._shared, self._file)

    def close(self) -> None:
        """Forget everything."""
        self._file.close()


class ReadRegistry:
    """A registry file whose rows are read; `close` it."""

    def __init__(self, header: Header, file_sha256: str, row_count: int, shared: SharedIds, file: IO[bytes]) -> None:
        self.header = header
        self.file_sha256 = file_sha256
        self.row_count = row_count
        self._shared = shared
        self._file = file

    def __enter__(self) -> "ReadRegistry":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the rows."""
        self._file.close()

    @property
    def registry_ids(self) -> Collection[str]:
        """Every legible id of the file, of refused rows as well."""
        return self._shared.all

    def judgements(self, today: date, rows: int) -> Iterator[Judgement]:
        """All rows in the order of the sheet, `rows` of them at a time, judged; may be asked again."""
        self._file.seek(0)
        while lines := list(islice(self._file, rows)):
            yield judge(self.header, map(_decode, lines), self._shared, today)


def _fields(row: RegistryRow) -> tuple[object, ...]:
    return (
        row.registry_id,
        row.name,
        row.kind,
        row.county,
        row.floor_area_m2,
        row.capacity_tonnes,
        row.address,
        row.postal_code,
        row.latitude,
        row.longitude,
        row.operator,
        row.operator_id,
        row.status,
        row.updated_on,
    )


def _decode(line: bytes) -> ReadRow:
    written: list[Any] = orjson.loads(line)
    row, registry_id, registry_id_text, errors = written[:4]
    if errors is not None:
        found = tuple(RowError(row, column, RowReason(reason), value) for column, reason, value in errors)
        return ReadRow(row, registry_id, registry_id_text, None, found)
    (
        registry_id,
        name,
        kind,
        county,
        floor_area_m2,
        capacity_tonnes,
        address,
        postal_code,
        latitude,
        longitude,
        operator,
        operator_id,
        status,
        updated_on,
    ) = written[4]
    parsed = RegistryRow(
        row=row,
        registry_id=registry_id,
        name=name,
        kind=WarehouseKind(kind),
        county=County(county),
        floor_area_m2=Decimal(floor_area_m2),
        capacity_tonnes=Decimal(capacity_tonnes),
        address=address,
        postal_code=postal_code,
        latitude=_decimal(latitude),
        longitude=_decimal(longitude),
        operator=operator,
        operator_id=operator_id,
        status=SiteStatus(status) if status else None,
        updated_on=date.fromisoformat(updated_on) if updated_on else None,
    )
    return ReadRow(row, registry_id, registry_id_text, parsed, ())


def _decimal(written: str | None) -> Decimal | None:
    return None if written is None else Decimal(written)
