"""One row of a registry file: read whole, or refused with every reason found in it.

What a row does not say (an absent column, a blank optional cell) is None and changes nothing that is stored.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from services.warehouse.domain.names import (
    SiteStatus,
    is_tehran_province,
    known_key,
    read_county,
    read_kind,
    read_status,
)
from services.warehouse.domain.personal_id import holds_personal_id
from services.warehouse.domain.registry_column import REQUIRED_COLUMNS, Cell, Column
from services.warehouse.domain.registry_header import PERSONAL_ID_WORDS, Header
from shared.contracts.counties import County
from shared.contracts.warehouse import RowReason, WarehouseKind
from shared.persian.calendar import read_date
from shared.persian.numbers import NumberUnreadableError, read_number
from shared.persian.text import ZWNJ, ascii_digits, comparison_key, display_text

WordT = TypeVar("WordT")

CAPACITY_TONNES_MAX = Decimal(1_000_000)
"""The largest silo complexes of the country hold a few hundred thousand tonnes."""
FLOOR_AREA_M2_MAX = Decimal(5_000_000)
LATITUDE_RANGE_DEG = (Decimal("34.7"), Decimal("36.4"))
LONGITUDE_RANGE_DEG = (Decimal("50.0"), Decimal("53.3"))
"""Box around Tehran province, a few kilometres wide of its border."""
DECIMALS = 3
"""Figures are kept to this many decimals: tonnes to the kilogram."""
NUMBER_DIGITS_MAX = 20
"""Before the decimals; more is no figure of anything."""
COORDINATE_DECIMALS = 6
"""About a tenth of a metre."""
REGISTRY_ID_CHARACTERS_MAX = 32
NAME_CHARACTERS_MAX = 200
ADDRESS_CHARACTERS_MAX = 500
VALUE_CHARACTERS_SHOWN_MAX = 80
SHORT_CHARACTERS_MAX = 24
WHOLE_NUMBER_MAX = 10**15
"""A spreadsheet keeps 15 digits of a number; a longer identifier in a numeric cell has already lost its end."""

UNCOMPUTED = "#FORMULA!"
"""Stands for a formula whose result the file does not hold."""
CELL_ERRORS = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
    | {UNCOMPUTED}
)

_FIGURE_STEP = Decimal(1).scaleb(-DECIMALS)
_DEGREE_STEP = Decimal(1).scaleb(-COORDINATE_DECIMALS)
_OFFICE_ERROR = re.compile(r"Err:\d{3}", re.ASCII)
_TEN_DIGITS = re.compile(r"\d{10}", re.ASCII)
_ELEVEN_DIGITS = re.compile(r"\d{11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One believable row. Figures are finite, 0 or more, of 3 decimals; None means that the file does not say."""

    row: int
    registry_id: str
    name: str
    kind: WarehouseKind
    county: County
    floor_area_m2: Decimal
    capacity_tonnes: Decimal
    address: str | None = None
    postal_code: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    operator: str | None = None
    operator_id: str | None = None
    status: SiteStatus | None = None
    updated_on: date | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """One reason against one row: `row` as the sheet numbers it, `column` as the file heads it."""

    row: int
    column: str
    reason: RowReason
    value: str | None = None


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One non-blank row as read alone: believable (`parsed`), or with its errors. `registry_id` where it is legible."""

    row: int
    registry_id: str | None
    registry_id_text: str | None
    parsed: RegistryRow | None
    errors: tuple[RowError, ...]


def read_row(header: Header, row: int, cells: Sequence[Cell]) -> ReadRow:
    """Read the cells of sheet row `row`; cells beyond the end of a short row are blank."""
    return _RowReader(header, row, cells).read()


class _RowReader:
    """Collects the values of one row, and what is wrong with them."""

    def __init__(self, header: Header, row: int, cells: Sequence[Cell]) -> None:
        self._header = header
        self._row = row
        self._errors: list[RowError] = []
        self._broken: set[Column] = set()
        self._cells = {column: _clean(cells[place]) for column, place in header.places.items() if place < len(cells)}
        self._has_slipped = header.width is not None and any(cell not in (None, "") for cell in cells[header.width :])

    def read(self) -> ReadRow:
        self._take_unreadable_cells()
        registry_id = self._identifier()
        name = self._impersonal(Column.NAME, NAME_CHARACTERS_MAX)
        kind = self._word(Column.KIND, read_kind, RowReason.KIND_UNKNOWN)
        county = self._word(Column.COUNTY, read_county, RowReason.COUNTY_UNKNOWN)
        self._check_province()
        floor_area_m2 = self._figure(Column.FLOOR_AREA_M2, FLOOR_AREA_M2_MAX)
        capacity_tonnes = self._figure(Column.CAPACITY_TONNES, CAPACITY_TONNES_MAX)
        if floor_area_m2 == 0 and capacity_tonnes:
            self._refuse(Column.FLOOR_AREA_M2, RowReason.AREA_ZERO_WITH_CAPACITY)
        address = self._impersonal(Column.ADDRESS, ADDRESS_CHARACTERS_MAX)
        postal_code = self._digits(Column.POSTAL_CODE, _TEN_DIGITS, RowReason.POSTAL_CODE_NOT_TEN_DIGITS)
        latitude, longitude = self._coordinates()
        operator = self._impersonal(Column.OPERATOR, NAME_CHARACTERS_MAX)
        operator_id = self._digits(Column.OPERATOR_ID, _ELEVEN_DIGITS, RowReason.OPERATOR_ID_NOT_ELEVEN_DIGITS)
        status = self._word(Column.STATUS, read_status, RowReason.STATUS_UNKNOWN)
        updated_on = self._date()
        parsed = None
        if not self._errors:
            parsed = RegistryRow(
                row=self._row,
                registry_id=_known(registry_id),
                name=_known(name),
                kind=_known(kind),
                county=_known(county),
                floor_area_m2=_known(floor_area_m2),
                capacity_tonnes=_known(capacity_tonnes),
                address=address,
                postal_code=postal_code,
                latitude=latitude,
                longitude=longitude,
                operator=operator,
                operator_id=operator_id,
                status=status,
                updated_on=updated_on,
            )
        return ReadRow(self._row, registry_id, self._shown(Column.REGISTRY_ID), parsed, tuple(self._errors))

    def _take_unreadable_cells(self) -> None:
        """Refuse what cannot be read as any field: errors of formulas, and a row whose cells have slipped."""
        if self._has_slipped:
            self._refuse(Column.REGISTRY_ID, RowReason.TOO_MANY_CELLS)
        for column, cell in self._cells.items():
            if isinstance(cell, str) and cell[0] in "#E" and (cell in CELL_ERRORS or _OFFICE_ERROR.fullmatch(cell)):
                self._refuse(column, RowReason.CELL_ERROR)
                self._broken.add(column)
        for column in self._broken:
            self._cells[column] = None

    def _shown(self, column: Column) -> str | None:
        cell = self._cells.get(column)
        # A wrong operator id may be a person's national id: it is not repeated anywhere.
        if cell is None or column is Column.OPERATOR_ID or holds_personal_id(cell):
            return None
        return str(cell)[:VALUE_CHARACTERS_SHOWN_MAX]

    def _refuse(self, column: Column, reason: RowReason) -> None:
        self._errors.append(RowError(self._row, self._header.texts[column], reason, self._shown(column)))

    def _required(self, column: Column) -> Cell:
        cell = self._cells.get(column)
        if cell is None and column in REQUIRED_COLUMNS and column not in self._broken:
            self._refuse(column, RowReason.VALUE_MISSING)
        return cell

    def _text(self, column: Column, characters_max: int) -> str | None:
        cell = self._cells.get(column)
        if isinstance(cell, str) and len(cell) <= characters_max:
            return cell
        if self._required(column) is None:
            return None
        text = _as_text(cell)
        if text is None:
            self._refuse(column, RowReason.NOT_TEXT)
        elif len(text) > characters_max:
            self._refuse(column, RowReason.VALUE_TOO_LONG)
            return None
        return text

    def _impersonal(self, column: Column, characters_max: int) -> str | None:
        """A text that may not hold a person's national id; in an address ten digits may be a postal code."""
        text = self._text(column, characters_max)
        if text is None or not holds_personal_id(text):
            return text
        if column is Column.ADDRESS and not any(word in comparison_key(text) for word in PERSONAL_ID_WORDS):
            return text
        self._refuse(column, RowReason.PERSONAL_ID)
        return None

    def _identifier(self) -> str | None:
        text = self._text(Column.REGISTRY_ID, REGISTRY_ID_CHARACTERS_MAX)
        return ascii_digits(text.replace(" ", "").replace(ZWNJ, "")).upper() if text else None

    def _word(self, column: Column, read: Callable[[str], WordT | None], unknown: RowReason) -> WordT | None:
        text = self._text(column, NAME_CHARACTERS_MAX)
        if not text:
            return None
        own_words = self._header.words.get(column)
        word = read(own_words.get(known_key(text), text) if own_words else text)
        if word is None:
            self._refuse(column, unknown)
        return word

    def _check_province(self) -> None:
        if Column.PROVINCE not in self._header.places:
            return
        if self._cells.get(Column.PROVINCE) is None:
            if Column.PROVINCE not in self._broken:
                self._refuse(Column.PROVINCE, RowReason.VALUE_MISSING)
            return
        text = self._text(Column.PROVINCE, NAME_CHARACTERS_MAX)
        if text and not is_tehran_province(text):
            self._refuse(Column.PROVINCE, RowReason.PROVINCE_NOT_TEHRAN)

    def _number(self, column: Column, step: Decimal) -> Decimal | None:
        cell = self._required(column)
        if cell is None:
            return None
        try:
            if isinstance(cell, str | int | float):
                number = read_number(cell)
                if number.adjusted() < NUMBER_DIGITS_MAX:
                    return number.quantize(step)
        except NumberUnreadableError:
            pass
        self._refuse(column, RowReason.NOT_A_NUMBER)
        return None

    def _figure(self, column: Column, largest: Decimal) -> Decimal | None:
        number = self._number(column, _FIGURE_STEP)
        if number is None:
            return None
        if number < 0:
            self._refuse(column, RowReason.NEGATIVE)
            return None
        if number > largest:
            self._refuse(column, RowReason.TOO_LARGE)
            return None
        return abs(number)

    def _digits(self, column: Column, pattern: re.Pattern[str], reason: RowReason) -> str | None:
        text = self._text(column, NAME_CHARACTERS_MAX)
        if text is None:
            return None
        plain = ascii_digits(text).replace(" ", "").replace(ZWNJ, "").replace("-", "")
        if not pattern.fullmatch(plain):
            self._refuse(column, reason)
            return None
        return plain

    def _coordinates(self) -> tuple[Decimal | None, Decimal | None]:
        said = [column for column in (Column.LATITUDE, Column.LONGITUDE) if self._cells.get(column) is not None]
        if len(said) == 1 and not self._broken.intersection((Column.LATITUDE, Column.LONGITUDE)):
            self._refuse(said[0], RowReason.COORDINATE_INCOMPLETE)
            return None, None
        return self._degrees(Column.LATITUDE, LATITUDE_RANGE_DEG), self._degrees(Column.LONGITUDE, LONGITUDE_RANGE_DEG)

    def _degrees(self, column: Column, between: tuple[Decimal, Decimal]) -> Decimal | None:
        number = self._number(column, _DEGREE_STEP)
        if number is not None and not between[0] <= number <= between[1]:
            self._refuse(column, RowReason.COORDINATE_OUTSIDE_PROVINCE)
            return None
        return number

    def _date(self) -> date | None:
        cell = self._cells.get(Column.UPDATED_ON)
        if cell is None:
            return None
        found = _read_date(cell) if isinstance(cell, str | date) else None
        if found is None:
            self._refuse(Column.UPDATED_ON, RowReason.DATE_UNREADABLE)
        return found


def _known(value: WordT | None) -> WordT:
    """A required value of a row without errors; a required cell that gave none is an error of its row."""
    if value is None:
        raise ValueError("a required value is missing although its row has no error")
    return value


def _clean(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    return (_short_text(cell) if len(cell) <= SHORT_CHARACTERS_MAX else display_text(cell)) or None


_short_text = lru_cache(maxsize=4_096)(display_text)
"""Names of counties, kinds and states come again in every row."""
_read_date = lru_cache(maxsize=4_096)(read_date)
"""So do the days of a few years."""


def _as_text(cell: Cell) -> str | None:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < WHOLE_NUMBER_MAX:
        return str(cell)
    return cell if isinstance(cell, str) else None
