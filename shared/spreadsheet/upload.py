"""The rows of a small uploaded XLSX: its first visible sheet, piece by piece, within named limits."""

import hashlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts.refusals import Refusal
from shared.spreadsheet.limits import Limits
from shared.spreadsheet.rows import Cell, Formula, SheetRow
from shared.spreadsheet.sheet import CellReader, Sheet
from shared.spreadsheet.workbook import Workbook, open_container

FILE_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadSheet:
    """The rows of a file that are not blank, and the SHA-256 of its bytes in hexadecimal."""

    file_sha256: str
    rows: Sequence[SheetRow]


def upload_limits(too_large: Callable[[str, int], Refusal], unreadable: Callable[[str], Refusal]) -> Limits:
    """What a workbook of `FILE_BYTES_MAX` may hold, with a service's two ways to say that it holds more or something else."""
    return Limits(
        entries=200,
        unpacked_bytes=32 * 1024 * 1024,
        shared_text_bytes=16 * 1024 * 1024,
        token_bytes=256 * 1024,
        elements=300_000,
        columns=50,
        text_characters=500,
        reading_s=20.0,
        too_large=too_large,
        unreadable=unreadable,
    )


def read_upload(content: bytes, limits: Limits, rows_max: int) -> ReadSheet:
    """Read a whole file with at most `rows_max` rows that are not blank; takes up to seconds, so not on the event loop.

    Raises Refusal.
    """
    if len(content) > FILE_BYTES_MAX:
        raise limits.too_large("bytes", FILE_BYTES_MAX)
    rows: list[SheetRow] = []
    with open_container(io.BytesIO(content), limits, time.monotonic()) as container:
        workbook = Workbook(container)
        entry = workbook.entry_of()
        if entry is None:
            raise limits.unreadable("no visible sheet")
        sheet = Sheet(CellReader.of(container, workbook), _formula)
        for _ in container.hear(entry, sheet):
            for number, cells in sheet.rows:
                filled = tuple(None if _is_blank(cell) else cell for cell in cells)
                if any(cell is not None for cell in filled):
                    rows.append(SheetRow(number, filled))
            sheet.rows.clear()
            if len(rows) > rows_max:
                raise limits.too_large("rows", rows_max)
    return ReadSheet(hashlib.sha256(content).hexdigest(), rows)


def _formula(*_shown: str) -> Formula:
    """What a formula shows is not believed."""
    return Formula()


def _is_blank(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()
