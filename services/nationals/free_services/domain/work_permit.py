"""Work permits: the permit's number, its employer's registration number, a group of occupations, a county and a last day.

Nothing of a holder is taken, so nobody can be found, listed or counted through a permit. There is no revocation here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from services.nationals.free_services.domain.person_data import refers_to_person
from services.nationals.free_services.domain.row_reasons import COUNTY_UNKNOWN, PERSON_DATA_CELL
from services.nationals.free_services.domain.sheet_headings import find_headings, look_beyond, refuse_file
from shared.contracts.counties import County
from shared.persian.calendar import read_date
from shared.persian.county_names import read_county
from shared.persian.text import comparison_key, plain_text
from shared.spreadsheet.rows import CELL_FORMULA, REQUIRED_BLANK, Cell, Formula, RowProblem, RowReason, SheetRow

VALIDITY_DAYS_MAX: Final = 3 * 366
"""No permit is issued for longer than a few years, and one that ended so long ago is of no use here."""
REFERENCE_CHARACTERS_MAX: Final = 24
REFERENCE_PATTERN: Final = r"^[A-Z0-9/-]{3,24}$"
REFERENCE_DIGITS_MIN: Final = 3
REFERENCE_LETTERS_MAX: Final = 4
"""Room for an office's prefix, not for a name."""
_NUMERIC_REFERENCE_MAX: Final = 10**15


class OccupationGroup(StrEnum):
    """The groups of occupations that permits are issued for."""

    BRICK_KILNS = "brick_kilns"
    CONSTRUCTION = "construction"
    AGRICULTURE = "agriculture"
    OTHER = "other"


class PermitState(StrEnum):
    """`EXPIRING`: its end was noticed. None of these says anything of a person."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class PermitColumn(StrEnum):
    """The columns of a file of permits."""

    PERMIT_NUMBER = "permit_number"
    EMPLOYER_REFERENCE = "employer_reference"
    OCCUPATION_GROUP = "occupation_group"
    COUNTY = "county"
    VALID_UNTIL = "valid_until"


PERMIT_HEADINGS: Final[Mapping[PermitColumn, Sequence[str]]] = {
    PermitColumn.PERMIT_NUMBER: ("شماره پروانه", "شماره پروانه کار", "شماره مجوز کار", "permit_number"),
    PermitColumn.EMPLOYER_REFERENCE: ("شماره ثبت کارفرما", "شناسه کارفرما", "employer_reference"),
    PermitColumn.OCCUPATION_GROUP: ("گروه شغلی", "گروه مشاغل", "occupation_group"),
    PermitColumn.COUNTY: ("شهرستان", "نام شهرستان", "county"),
    PermitColumn.VALID_UNTIL: ("اعتبار تا", "پایان اعتبار", "تاریخ پایان اعتبار", "تاریخ اعتبار", "valid_until"),
}
_OCCUPATIONS: Final = {
    comparison_key(spelling): group
    for group, spellings in {
        OccupationGroup.BRICK_KILNS: ("کوره‌پزخانه", "کوره پزخانه ها", "کوره‌های آجرپزی", "آجرپزی", "brick kilns"),
        OccupationGroup.CONSTRUCTION: ("ساختمانی", "ساختمان", "کارهای ساختمانی", "construction"),
        OccupationGroup.AGRICULTURE: ("کشاورزی", "کارهای کشاورزی", "agriculture"),
        OccupationGroup.OTHER: ("سایر", "سایر گروه‌ها", "سایر گروه‌های شغلی", "other"),
    }.items()
    for spelling in spellings
}

REFERENCE_UNREADABLE = RowReason(
    "reference_unreadable",
    "Not a number of a permit or an employer: 3 to 24 digits, Latin capitals, / and -, with 3 digits or more and at most "
    "4 letters.",
    "شمارهٔ پروانه یا کارفرما نیست: ۳ تا ۲۴ رقم، حرف بزرگ لاتین، / و -، با دست‌کم ۳ رقم و حداکثر ۴ حرف.",
)
OCCUPATION_UNKNOWN = RowReason("occupation_unknown", "No such group of occupations.", "چنین گروه شغلی نیست.")
DATE_UNREADABLE = RowReason(
    "date_unreadable", "Not a date such as 1405/09/01 or 2026-11-22.", "تاریخی مانند ۱۴۰۵/۰۹/۰۱ نیست."
)
DATE_TOO_FAR = RowReason(
    "date_too_far", "The day is more than three years away.", "این روز بیش از سه سال با امروز فاصله دارد."
)
PERMIT_REPEATED = RowReason("permit_repeated", "An earlier row has this number.", "سطری پیش از این همین شماره را دارد.")
PERMIT_DIFFERS = RowReason(
    "permit_differs", "The recorded permit says otherwise here.", "پروانهٔ ثبت‌شده در این ستون چیز دیگری می‌گوید."
)
PERMIT_SHORTENED = RowReason(
    "permit_shortened",
    "The recorded permit is valid longer; a permit is renewed here, never shortened.",
    "پروانهٔ ثبت‌شده اعتبار بیشتری دارد؛ اینجا پروانه تمدید می‌شود و هرگز کوتاه نمی‌شود.",
)
PERMIT_ELSEWHERE = RowReason(
    "permit_elsewhere",
    "The number is recorded in a county that is not yours, or was recorded by somebody else this moment.",
    "این شماره در شهرستانی بیرون از اختیار شما ثبت است، یا همین حالا دیگری آن را ثبت کرد.",
)
COUNTY_NOT_YOURS = RowReason(
    "county_not_yours", "You have no authority in this county.", "شما در این شهرستان اختیاری ندارید."
)


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit as a file or a person states it."""

    permit_number: str
    employer_reference: str
    occupation_group: OccupationGroup
    county: County
    valid_until: date


@dataclass(frozen=True, slots=True)
class StatedPermit:
    """A believable row and its number in the sheet."""

    row: int
    permit: Permit


def read_reference(written: str | float) -> str | RowReason:
    """A permit's or an employer's number in one spelling, or why it is none."""
    if not isinstance(written, str):
        if isinstance(written, bool) or not float(written).is_integer() or not 0 < written < _NUMERIC_REFERENCE_MAX:
            return REFERENCE_UNREADABLE
        written = str(int(written))
    text = plain_text(written).upper().replace(" ", "")
    digits = sum(character.isdigit() for character in text)
    letters = sum(character.isalpha() for character in text)
    if refers_to_person(text):
        return PERSON_DATA_CELL
    if not re.fullmatch(REFERENCE_PATTERN, text) or digits < REFERENCE_DIGITS_MIN or letters > REFERENCE_LETTERS_MAX:
        return REFERENCE_UNREADABLE
    return text


def state_of(valid_until: date, today: date) -> PermitState:
    """The state of a permit that is recorded today."""
    return PermitState.EXPIRED if valid_until < today else PermitState.VALID


def is_too_far(valid_until: date, today: date) -> bool:
    """Whether the day lies so far from today, either way, that it is a slip of the pen."""
    return abs(valid_until - today) > timedelta(days=VALIDITY_DAYS_MAX)


def compare(recorded: Permit, stated: Permit) -> tuple[PermitColumn, RowReason] | None:
    """Why `stated` cannot be taken where `recorded` stands; None if it is the same, or a renewal."""
    for column in (PermitColumn.EMPLOYER_REFERENCE, PermitColumn.OCCUPATION_GROUP, PermitColumn.COUNTY):
        if getattr(recorded, column.value) != getattr(stated, column.value):
            return column, PERMIT_DIFFERS
    return (PermitColumn.VALID_UNTIL, PERMIT_SHORTENED) if stated.valid_until < recorded.valid_until else None


def problem_of(row: int, column: PermitColumn, reason: RowReason) -> RowProblem:
    """A problem under the template's own heading."""
    return RowProblem(row, PERMIT_HEADINGS[column][0], reason)


def read_permits(rows: Sequence[SheetRow], today: date) -> list[StatedPermit]:
    """The permits of a file. Raises Refusal with every row, column and reason; then nothing of the file is believed."""
    problems: list[RowProblem] = []
    headings = find_headings(rows, PERMIT_HEADINGS, problems)
    permits: list[StatedPermit] = []
    numbers: set[str] = set()
    for row in headings.below if headings else ():
        look_beyond(row, headings.places if headings else {}, problems)
        if headings and len(headings.places) == len(PermitColumn):
            permit = _RowReader(row, headings.places, problems).read(today)
            if permit and permit.permit_number in numbers:
                problems.append(problem_of(row.number, PermitColumn.PERMIT_NUMBER, PERMIT_REPEATED))
            elif permit:
                numbers.add(permit.permit_number)
                permits.append(StatedPermit(row.number, permit))
    refuse_file(problems)
    return permits


class _RowReader:
    def __init__(self, row: SheetRow, places: Mapping[PermitColumn, int], problems: list[RowProblem]) -> None:
        self._row = row
        self._places = places
        self._problems = problems

    def read(self, today: date) -> Permit | None:
        number, employer = self._reference(PermitColumn.PERMIT_NUMBER), self._reference(PermitColumn.EMPLOYER_REFERENCE)
        occupation, county = self._occupation(), self._county()
        valid_until = self._day(today)
        if number is None or employer is None or occupation is None or county is None or valid_until is None:
            return None
        return Permit(number, employer, occupation, county, valid_until)

    def _reference(self, column: PermitColumn) -> str | None:
        cell = self._cell(column)
        if cell is None:
            return None
        read = read_reference(cell) if isinstance(cell, str | int | float) else REFERENCE_UNREADABLE
        return read if isinstance(read, str) else self._refuse(column, read)

    def _occupation(self) -> OccupationGroup | None:
        cell = self._cell(PermitColumn.OCCUPATION_GROUP)
        if cell is None:
            return None
        return _OCCUPATIONS.get(comparison_key(str(cell))) or self._refuse(
            PermitColumn.OCCUPATION_GROUP, OCCUPATION_UNKNOWN
        )

    def _county(self) -> County | None:
        cell = self._cell(PermitColumn.COUNTY)
        return None if cell is None else read_county(str(cell)) or self._refuse(PermitColumn.COUNTY, COUNTY_UNKNOWN)

    def _day(self, today: date) -> date | None:
        cell = self._cell(PermitColumn.VALID_UNTIL)
        if cell is None:
            return None
        day = read_date(cell) if isinstance(cell, str | date) else None
        if day is None:
            return self._refuse(PermitColumn.VALID_UNTIL, DATE_UNREADABLE)
        return self._refuse(PermitColumn.VALID_UNTIL, DATE_TOO_FAR) if is_too_far(day, today) else day

    def _cell(self, column: PermitColumn) -> "str | float | bool | date | None":
        place = self._places[column]
        cell: Cell = self._row.cells[place] if place < len(self._row.cells) else None
        if isinstance(cell, Formula):
            return self._refuse(column, CELL_FORMULA)
        return self._refuse(column, REQUIRED_BLANK) if cell in (None, "") else cell

    def _refuse(self, column: PermitColumn, reason: RowReason) -> None:
        self._problems.append(problem_of(self._row.number, column, reason))
