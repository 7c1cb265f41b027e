"""The rows of an uploaded XLSX: its first visible sheet, piece by piece, within named limits."""

import hashlib
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.nationals.free_services.domain.sheet import Cell, Formula, SheetRow
from services.nationals.free_services.spreadsheet.guarded_xml import CONTAINER_ERRORS, Listener, too_large, unreadable
from services.nationals.free_services.spreadsheet.workbook_parts import (
    TEXT_CHARACTERS_MAX,
    Container,
    DateStyles,
    SharedTexts,
    SheetList,
)

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
ROWS_MAX: Final = 10_000
"""Rows that are not blank."""
ROW_NUMBER_MAX: Final = 1_048_576
COLUMNS_MAX: Final = 50
SERIAL_DAYS_MAX: Final = 2_958_465
"""31 December 9999."""
FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no zone
FIRST_DAY_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
NUMBER_CHARACTERS_MAX: Final = 12

_DIGITS = "0123456789"
_LETTERS = 26
_COLUMN_LETTERS_MAX = 3


@dataclass(frozen=True, slots=True)
class ReadSheet:
    """The rows of a file that are not blank, and the SHA-256 of its bytes in hexadecimal."""

    file_sha256: str
    rows: Sequence[SheetRow]


def read_sheet(content: bytes) -> ReadSheet:
    """Read a whole file; takes up to seconds, so not on the event loop. Raises Refusal."""
    if len(content) > FILE_BYTES_MAX:
        raise too_large(FILE_BYTES_MAX, "bytes")
    try:
        container = Container(io.BytesIO(content))
        sheets = SheetList(container)
        reader = _CellReader(SharedTexts(container).texts, DateStyles(container).dates, sheets.from_1904)
        sheet = _Sheet(reader)
        container.listen(sheets.first_visible, sheet)
    except CONTAINER_ERRORS as error:
        raise unreadable("damaged container") from error
    return ReadSheet(hashlib.sha256(content).hexdigest(), sheet.rows)


@dataclass(frozen=True, slots=True)
class _CellReader:
    texts: Sequence[str]
    date_styles: frozenset[str]
    from_1904: bool

    def read(self, kind: str, style: str, written: str) -> Cell:
        """The value of a cell of type `kind`; an error is its text. Raises Refusal."""
        if kind == "s":
            if not _is_number(written) or int(written) >= len(self.texts):
                raise unreadable("a cell names a text that is not there")
            return self.texts[int(written)]
        if kind == "b":
            return written.strip() in ("1", "true")
        if kind == "d":
            with suppress(ValueError):
                return datetime.fromisoformat(written)
        return self._number(style, written) if kind == "n" and written else written

    def _number(self, style: str, written: str) -> Cell:
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


class _Sheet(Listener):
    def __init__(self, reader: _CellReader) -> None:
        self.rows: list[SheetRow] = []
        self.starts = {
            "row": self._start_row,
            "c": self._start_cell,
            "v": self._start_text,
            "t": self._start_text,
            "f": self._start_formula,
            "rPh": self._start_phonetic,
        }
        self.ends = {
            "row": self._end_row,
            "c": self._end_cell,
            "v": self._end_text,
            "t": self._end_text,
            "rPh": self._end_phonetic,
        }
        self._reader = reader
        self._number = 0
        self._cells: list[Cell] = []
        self._place = -1
        self._kind = self._style = ""
        self._is_formula = self._collects = self._phonetic = False
        self._parts: list[str] = []
        self._characters = 0

    def text(self, data: str) -> None:
        if self._collects and self._characters < TEXT_CHARACTERS_MAX:
            self._characters += len(data)
            self._parts.append(data[:TEXT_CHARACTERS_MAX])

    def _start_text(self, _: dict[str, str]) -> None:
        self._collects = not self._phonetic

    def _end_text(self) -> None:
        self._collects = False

    def _start_formula(self, _: dict[str, str]) -> None:
        self._is_formula = True

    def _start_phonetic(self, _: dict[str, str]) -> None:
        self._phonetic = True

    def _end_phonetic(self) -> None:
        self._phonetic = False

    def _start_row(self, attributes: dict[str, str]) -> None:
        number, written = self._number + 1, attributes.get("r")
        if written is not None:
            if not _is_number(written) or int(written) < number:
                raise unreadable("rows out of order")
            number = int(written)
        if number > ROW_NUMBER_MAX:
            raise too_large(ROW_NUMBER_MAX, "rows")
        self._number, self._cells, self._place = number, [], -1

    def _end_row(self) -> None:
        if any(cell is not None and not (isinstance(cell, str) and not cell.strip()) for cell in self._cells):
            if len(self.rows) >= ROWS_MAX:
                raise too_large(ROWS_MAX, "rows")
            self.rows.append(SheetRow(self._number, tuple(self._cells)))
        self._cells = []

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        self._place = self._place + 1 if place is None else _column_number(place.rstrip(_DIGITS)) - 1
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._is_formula = False
        self._parts.clear()
        self._characters = 0

    def _end_cell(self) -> None:
        written = "".join(self._parts)[:TEXT_CHARACTERS_MAX]
        self._parts.clear()
        if not written and not self._is_formula:
            return
        if self._place >= COLUMNS_MAX:
            raise too_large(COLUMNS_MAX, "columns")
        value = Formula() if self._is_formula else self._reader.read(self._kind, self._style, written)
        if self._place < len(self._cells):
            raise unreadable("cells out of order")
        self._cells.extend([None] * (self._place - len(self._cells)))
        self._cells.append(value if not isinstance(value, str) or value.strip() else None)


def _is_number(written: str) -> bool:
    return written.isascii() and written.isdigit() and len(written) <= NUMBER_CHARACTERS_MAX


def _column_number(letters: str) -> int:
    number = 0
    if not 1 <= len(letters) <= _COLUMN_LETTERS_MAX:
        raise unreadable("a cell without a place")
    for letter in letters.upper():
        if not "A" <= letter <= "Z":
            raise unreadable("a cell without a place")
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number
