"""The rows of one XLSX sheet, as its elements are heard."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Generic, TypeAlias, TypeVar

from shared.spreadsheet.guarded_xml import Listener
from shared.spreadsheet.limits import Limits
from shared.spreadsheet.workbook import Container, DateStyles, SharedTexts, Workbook

Value: TypeAlias = str | float | bool | date | None
FormulaT = TypeVar("FormulaT")

ROW_NUMBER_MAX: Final = 1_048_576
FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no zone
FIRST_DAY_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
SERIAL_DAYS_MAX: Final = 2_958_465
"""31 December 9999."""
_NUMBER_CHARACTERS_MAX: Final = 12
_DIGITS: Final = "0123456789"
_LETTERS: Final = 26


@dataclass(frozen=True, slots=True)
class CellReader:
    """Turns what a cell writes into a value."""

    texts: SharedTexts
    date_styles: frozenset[str]
    from_1904: bool
    limits: Limits

    @classmethod
    def of(cls, container: Container, workbook: Workbook) -> "CellReader":
        """The reader of all sheets of the workbook. Raises Refusal."""
        return cls(SharedTexts(container), DateStyles(container).dates, workbook.from_1904, container.limits)

    def read(self, kind: str, style: str, written: str) -> Value:
        """The value of a cell of type `kind`; an error of a formula is its text. Raises Refusal."""
        if kind == "n":
            return self._number(style, written) if written else None
        if kind == "s":
            if not _is_number(written) or int(written) >= len(self.texts):
                raise self.limits.unreadable("a cell names a text that is not there")
            return self.texts.get(int(written))
        if kind == "b":
            return written.strip() in ("1", "true")
        if kind == "d":
            with suppress(ValueError):
                return datetime.fromisoformat(written)
        return written

    def _number(self, style: str, written: str) -> Value:
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
        try:
            moment = (FIRST_DAY_1904 if self.from_1904 else FIRST_DAY) + timedelta(days=serial)
        except OverflowError:
            return serial
        return moment.date() if serial.is_integer() else moment


class Sheet(Listener, Generic[FormulaT]):
    """Collects the rows that are complete, with their numbers; `rows` is the caller's to take and to empty.

    `read_formula` gives the value of a computed cell by its type, its style and what it shows. Rows and cells that are out
    of order, or beyond the limits, raise Refusal.
    """

    def __init__(self, reader: CellReader, read_formula: Callable[[str, str, str], FormulaT]) -> None:
        self.rows: list[tuple[int, list[Value | FormulaT]]] = []
        self.is_in_table = False
        self._reader = reader
        self._read_formula = read_formula
        self._limits = reader.limits
        self._columns_max = reader.limits.columns
        self._text_characters_max = reader.limits.text_characters
        self._columns: dict[str, int] = {}
        self._number = 0
        self._cells: list[Value | FormulaT] = []
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
        if self._collects and self._characters < self._text_characters_max:
            self._characters += len(data)
            self._parts.append(data[: self._text_characters_max])

    def add_row(self, number: str, cells: Sequence[tuple[str, str, str, str, str]]) -> None:
        """Take a row that was not heard: of each cell the letters of its column, style, type, value and text inline."""
        self._start_row(number)
        for letters, style, kind, value, text in cells:
            if written := value or text:
                self._keep(self._column(letters), self._reader.read(kind or "n", style, written))
        self._end_row()

    def _start_row(self, written: str | None) -> None:
        number = self._number + 1
        if written is not None:
            if not _is_number(written) or int(written) < number:
                raise self._limits.unreadable("rows out of order")
            number = int(written)
        if number > ROW_NUMBER_MAX:
            raise self._limits.too_large("rows", ROW_NUMBER_MAX)
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
        written = "".join(self._parts)[: self._text_characters_max]
        self._parts.clear()
        if self._is_formula:
            self._keep(self._place, self._read_formula(self._kind, self._style, written))
        elif written:
            self._keep(self._place, self._reader.read(self._kind, self._style, written))

    def _keep(self, place: int, value: Value | FormulaT) -> None:
        if place >= self._columns_max:
            raise self._limits.too_large("columns", self._columns_max)
        gap = place - len(self._cells)
        if gap < 0:
            raise self._limits.unreadable("cells out of order")
        if gap:
            self._cells.extend([None] * gap)
        self._cells.append(value)

    def _column(self, letters: str) -> int:
        place = self._columns.get(letters)
        if place is None:
            place = _column_number(letters)
            if place is None:
                raise self._limits.unreadable("a cell without a place")
            if len(self._columns) < self._columns_max:
                self._columns[letters] = place
        return place


def _is_number(written: str) -> bool:
    return written.isascii() and written.isdigit() and len(written) <= _NUMBER_CHARACTERS_MAX


def _column_number(letters: str) -> int | None:
    """The column from 0 by its letters, of which four are beyond every sheet; None if they are no letters."""
    number = 0
    for letter in letters[:4].upper():
        if not "A" <= letter <= "Z":
            return None
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1 if number else None
