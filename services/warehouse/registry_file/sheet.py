"""The rows of one XLSX sheet, as they come off the disk."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, BinaryIO

from services.warehouse.domain.registry import SheetRow
from services.warehouse.domain.registry_column import Cell
from services.warehouse.domain.registry_mapping import RegistryMapping
from services.warehouse.domain.registry_row import UNCOMPUTED
from services.warehouse.registry_file.guarded_xml import CHUNK_BYTES, GuardedParser, Listener, read_pieces
from services.warehouse.registry_file.limits import (
    COLUMNS_MAX,
    ROW_NUMBER_MAX,
    TEXT_CHARACTERS_MAX,
    too_large,
    unreadable,
)
from services.warehouse.registry_file.progress import Progress
from services.warehouse.registry_file.usual_rows import ROW_END, read_usual_row, starts_usually
from services.warehouse.registry_file.workbook import Container, DateStyles, SharedTexts, Workbook, open_container

FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no zone
FIRST_DAY_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
SERIAL_DAYS_MAX = 2_958_465
"""31 December 9999."""
_DIGITS = "0123456789"
_LETTERS = 26
_TABLE_DEPTH = 2
"""Elements that are open between two rows."""


def read_workbook(file: IO[bytes], mapping: RegistryMapping, progress: Progress) -> Generator[SheetRow]:
    """The rows of the chosen sheet. Raises Refusal."""
    with open_container(file, progress) as container:
        workbook = Workbook(container)
        entry = workbook.entry_of(mapping.sheet)
        sheet = _Sheet(CellReader(SharedTexts(container), DateStyles(container).dates, workbook.from_1904))
        with container.open(entry) as (stream, size_bytes):
            for read_bytes in _hear(stream, sheet, container):
                progress.share = min(1.0, read_bytes / max(size_bytes, 1))
                yield from sheet.rows
                sheet.rows.clear()


def _hear(stream: BinaryIO, sheet: "_Sheet", container: Container) -> Generator[int]:
    """Let `sheet` hear its rows; yields the number of bytes read so far after each piece."""
    parser = GuardedParser(sheet)
    is_usual, read_bytes, rest = False, 0, b""
    for piece in read_pieces(stream, container.budget, container.progress):
        is_usual = is_usual if read_bytes else starts_usually(piece)
        read_bytes += len(piece)
        *rows, rest = (rest + piece).split(ROW_END)
        for row in rows:
            written = row + ROW_END
            is_between_rows = sheet.is_in_table and parser.is_between_marks(_TABLE_DEPTH)
            found = read_usual_row(written) if is_usual and is_between_rows else None
            if found:
                sheet.add_usual_row(*found)
            else:
                parser.feed(written)
        if len(rest) > CHUNK_BYTES:
            parser.feed(rest)
            rest = b""
        yield read_bytes
    parser.feed(rest, is_last=True)
    yield read_bytes


@dataclass(slots=True)
class CellReader:
    """Turns what a cell writes into a value."""

    texts: SharedTexts
    date_styles: frozenset[str]
    from_1904: bool

    def read(self, kind: str, style: str, written: str, *, is_formula: bool) -> Cell:
        """The value of a cell of type `kind`; an error of a formula is its text. Raises Refusal."""
        if kind == "n":
            return self._number(style, written, is_formula=is_formula)
        if kind == "s":
            if not (written.isascii() and written.isdigit()) or int(written[:12]) >= len(self.texts):
                raise unreadable("a cell names a text that is not there")
            return self.texts.get(int(written))
        if kind == "b":
            return written.strip() in ("1", "true")
        if kind == "d":
            with suppress(ValueError):
                return datetime.fromisoformat(written)
        return written

    def _number(self, style: str, written: str, *, is_formula: bool) -> Cell:
        if not written:
            return UNCOMPUTED if is_formula else None
        try:
            number = float(written) if "_" not in written else None
        except ValueError:
            number = None
        if number is None:
            return written
        return self._date(number) if style in self.date_styles else number

    def _date(self, serial: float) -> date | float:
        if not 1 <= serial <= SERIAL_DAYS_MAX:
            return serial
        moment = (FIRST_DAY_1904 if self.from_1904 else FIRST_DAY) + timedelta(days=serial)
        return moment.date() if serial.is_integer() else moment


class _Sheet(Listener):
    """Collects the rows that are complete; `rows` is the caller's to take and to empty."""

    def __init__(self, reader: CellReader) -> None:
        self.rows: list[tuple[int, list[Cell]]] = []
        self.is_in_table = False
        self._reader = reader
        self._columns: dict[str, int] = {}
        self._number = 0
        self._cells: list[Cell] = []
        self._place = -1
        self._kind = self._style = ""
        self._is_formula = self._collects = self._phonetic = False
        self._parts: list[str] = []
        self._characters = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self._collects = not self._phonetic
        elif name == "f":
            self._is_formula = True
        elif name == "row":
            self._start_row(attributes.get("r"))
        elif name == "rPh":
            self._phonetic = True
        elif name == "sheetData":
            self.is_in_table = not self._phonetic

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._collects = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._phonetic = False
        elif name == "sheetData":
            self.is_in_table = False

    def text(self, data: str) -> None:
        if self._collects and self._characters < TEXT_CHARACTERS_MAX:
            self._characters += len(data)
            self._parts.append(data[:TEXT_CHARACTERS_MAX])

    def add_usual_row(self, number: str, cells: Sequence[tuple[str, str, str, str, str]]) -> None:
        """Take a row as `read_usual_row` found it. Raises Refusal."""
        self._start_row(number)
        for letters, style, kind, value, text in cells:
            if written := value or text:
                self._keep(self._column(letters), kind or "n", style, written)
        self._end_row()

    def _start_row(self, written: str | None) -> None:
        number = self._number + 1
        if written is not None:
            if not (written.isascii() and written.isdigit()) or int(written[:12]) < number:
                raise unreadable("rows out of order")
            number = int(written[:12])
        if number > ROW_NUMBER_MAX:
            raise too_large("rows", ROW_NUMBER_MAX)
        self._number, self._cells, self._place = number, [], -1

    def _end_row(self) -> None:
        self.rows.append((self._number, self._cells))
        self._cells = []

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        self._place = self._place + 1 if place is None else self._column(place.rstrip(_DIGITS))
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._is_formula = False
        self._parts.clear()
        self._characters = 0

    def _end_cell(self) -> None:
        written = "".join(self._parts)
        self._parts.clear()
        if not written and not self._is_formula:
            return
        self._keep(self._place, self._kind, self._style, written, is_formula=self._is_formula)

    def _keep(self, place: int, kind: str, style: str, written: str, *, is_formula: bool = False) -> None:
        if place >= COLUMNS_MAX:
            raise too_large("columns", COLUMNS_MAX)
        value = self._reader.read(kind, style, written, is_formula=is_formula)
        gap = place - len(self._cells)
        if gap < 0:
            raise unreadable("cells out of order")
        if gap:
            self._cells.extend([None] * gap)
        self._cells.append(value)

    def _column(self, letters: str) -> int:
        place = self._columns.get(letters)
        if place is None:
            place = _column_number(letters)
            if len(self._columns) < COLUMNS_MAX:
                self._columns[letters] = place
        return place


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters[:4].upper():
        if not "A" <= letter <= "Z":
            raise unreadable("a cell without a place")
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    if not number:
        raise unreadable("a cell without a place")
    return number - 1
