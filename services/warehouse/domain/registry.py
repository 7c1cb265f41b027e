"""The registry file as a table: which of its rows may be believed.

Pure: the cells come in as Python values, today's date as an argument. Rows are read and judged in the order of the
sheet; what one row must know of the others is kept apart from them, so that no file is ever held whole.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.warehouse.domain import refusals
from services.warehouse.domain.personal_id import PersonalIdCensus, shown_text
from services.warehouse.domain.registry_column import TEN_DIGIT_COLUMNS, Cell, Column
from services.warehouse.domain.registry_header import Header, read_header
from services.warehouse.domain.registry_mapping import USUAL_LAYOUT, RegistryMapping
from services.warehouse.domain.registry_row import ReadRow, RegistryRow, RowError, read_row
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import RowReason

SheetRow = tuple[int, Sequence[Cell]]
"""A row of the sheet with its number there, from 1; numbers rise, and blank rows may be left out."""

_VOCABULARY = frozenset(
    {
    Column.KIND,
    Column.COUNTY,
    Column.PROVINCE,
    Column.FLOOR_AREA_M2,
    Column.CAPACITY_TONNES,
    Column.LATITUDE,
    Column.LONGITUDE,
    Column.STATUS,
    Column.UPDATED_ON,
})  # fmt: skip
"""Columns in which nothing but a known word or a figure is ever kept."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What of some rows is taken and what is not; errors in the order of the sheet."""

    accepted: tuple[RegistryRow, ...]
    errors: tuple[RowError, ...]


class SharedIds:
    """The registry ids of a file, and which of them several rows claim.

    Rows that share an id and say the same count once; where they differ, or one of them is illegible, none is taken,
    because which one is right is not for software to guess.
    """

    def __init__(self) -> None:
        self._first: dict[str, tuple[int, bytes | None]] = {}
        self._repeated: set[str] = set()
        self._conflicting: set[str] = set()

    def add(self, read: ReadRow, content: bytes | None) -> None:
        """Count one row; `content` is the same for rows that say the same, None for one that is not legible."""
        if read.registry_id is None:
            return
        first = self._first.setdefault(read.registry_id, (read.row, content))
        if first[0] == read.row:
            return
        self._repeated.add(read.registry_id)
        if content is None or first[1] != content:
            self._conflicting.add(read.registry_id)

    def reason(self, read: ReadRow) -> RowReason | None:
        """Why this row is not taken although it may be sound alone. Ask when all rows are counted."""
        if read.registry_id not in self._repeated:
            return None
        if read.registry_id in self._conflicting:
            return RowReason.REGISTRY_ID_CONFLICT
        return RowReason.REGISTRY_ID_REPEATED if self._first[read.registry_id][0] != read.row else None

    @property
    def all(self) -> Collection[str]:
        """Every legible id of the file, of refused rows as well."""
        return self._first.keys()


class TableReader:
    """Reads a sheet row by row. After the last one, `header` is known and `check` says whether the file may be kept."""

    def __init__(self, mapping: RegistryMapping = USUAL_LAYOUT, *, delimited: bool = False) -> None:
        self._mapping = mapping
        self._delimited = delimited
        self._header: Header | None = None
        self._census = PersonalIdCensus()
        self._examined: tuple[int, ...] = ()
        self.row_count = 0

    @property
    def header(self) -> Header:
        """Raises Refusal while no header row has come."""
        if self._header is None:
            raise Refusal(refusals.IMPORT_EMPTY)
        return self._header

    def read(self, rows: Iterable[SheetRow]) -> Iterator[ReadRow]:
        """The rows under the header that are not blank. Raises Refusal as `read_header` does."""
        for number, cells in rows:
            if number < self._mapping.header_row:
                continue
            if self._header is None:
                self._begin(number, cells)
            elif any(cell not in (None, "") for cell in cells):
                self.row_count += 1
                for place in self._examined:
                    if place < len(cells) and (cell := cells[place]) not in (None, ""):
                        self._census.add(place, cell)
                yield read_row(self._header, number, cells)

    def check(self) -> None:
        """Raises Refusal: no rows, or a column most of whose cells are national ids of natural persons."""
        columns = {place: column for column, place in self.header.places.items()}
        for place in self._examined:
            if self._census.is_personal(place, may_hold_ten_digits=columns.get(place) in TEN_DIGIT_COLUMNS):
                heading = self.header.headings.get(place, f"{place + 1}")
                raise Refusal(refusals.IMPORT_PERSONAL_ID_COLUMN, column=shown_text(heading))
        if not self.row_count:
            raise Refusal(refusals.IMPORT_EMPTY)

    def _begin(self, number: int, cells: Sequence[Cell]) -> None:
        # A sheet may leave out blank rows: then the header's own row is blank, too.
        at_header = number == self._mapping.header_row
        header = read_header(cells if at_header else (), self._mapping, delimited=self._delimited)
        skipped = {place for column, place in header.places.items() if column in _VOCABULARY} | header.unread
        self._examined = tuple(place for place in header.headings if place not in skipped)
        self._header = header


def judge(header: Header, rows: Iterable[ReadRow], shared: SharedIds, today: date) -> Judgement:
    """Judge rows of a file beside all others of it and against the calendar."""
    accepted: list[RegistryRow] = []
    errors: list[RowError] = []
    for read in rows:
        own = [*read.errors, *_future_error(header, read, today), *_sharing_error(header, read, shared)]
        if own:
            errors.extend(own)
        elif read.parsed is not None:
            accepted.append(read.parsed)
    return Judgement(tuple(accepted), tuple(errors))


def _future_error(header: Header, read: ReadRow, today: date) -> list[RowError]:
    updated_on = read.parsed.updated_on if read.parsed else None
    if updated_on is None or updated_on <= today:
        return []
    text = header.texts[Column.UPDATED_ON]
    return [RowError(read.row, text, RowReason.DATE_IN_FUTURE, updated_on.isoformat())]


def _sharing_error(header: Header, read: ReadRow, shared: SharedIds) -> list[RowError]:
    reason = shared.reason(read)
    return [RowError(read.row, header.texts[Column.REGISTRY_ID], reason, read.registry_id_text)] if reason else []
