"""A registry file as it really comes, and what a right importer must make of it.

The file carries the dirt of real exports: Arabic letters, mixed digits, ZWNJ or spaces or neither, numbers as text,
ids that come twice, unknown counties, impossible figures, other provinces. The facts are what was planted; no importer
is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import xlsxwriter

from deploy.demo.registry_spelling import (
    COUNTY_SPELLINGS,
    KIND_SPELLINGS,
    STATUS_SPELLINGS,
    arabic_letters,
    spell_number,
    spell_word,
)
from shared.contracts.counties import County
from shared.contracts.warehouse import RowReason, WarehouseKind

ROWS_MIN = 5_000
HEADER_ROW = 1
FIRST_REGISTRY_ID = 300_000_000_000
REPEATED_PER_ROWS = 200
CONFLICTS_PER_ROWS = 250
PLANTED_EACH_PER_ROWS = 400
"""One row in this many carries each single fault."""

REGISTRY_ID, NAME, KIND, COUNTY, PROVINCE, ADDRESS, POSTAL_CODE, AREA, CAPACITY = (
    "شناسه يکتا",
    "نام انبار",
    "نوع انبار",
    "شهرستان",
    "استان",
    "آدرس",
    "كد پستي",
    "مساحت (متر مربع)",
    "ظرفیت (تن)",
)
LATITUDE, LONGITUDE, OPERATOR, OPERATOR_ID, STATUS, UPDATED_ON, REMARKS = (
    "عرض جغرافيايي",
    "طول جغرافيايي",
    "نام بهره بردار",
    "شناسه ملی بهره‌بردار",
    "وضعیت",
    "تاریخ به‌روزرسانی",
    "ملاحظات",
)
HEADERS = (
    REGISTRY_ID,
    NAME,
    KIND,
    COUNTY,
    PROVINCE,
    ADDRESS,
    POSTAL_CODE,
    AREA,
    CAPACITY,
    LATITUDE,
    LONGITUDE,
    OPERATOR,
    OPERATOR_ID,
    STATUS,
    UPDATED_ON,
    REMARKS,
)

_COUNTY_WEIGHTS: dict[County, int] = dict.fromkeys(County, 4) | {
    County.TEHRAN: 20,
    County.REY: 14,
    County.ESLAMSHAHR: 9,
    County.SHAHRIAR: 9,
    County.FIRUZKUH: 2,
}
_KIND_WEIGHTS: dict[WarehouseKind, int] = dict.fromkeys(WarehouseKind, 2) | {WarehouseKind.GENERAL: 12}
_NAMES = ("نگین", "آریا", "کیمیا", "پارس", "البرز", "سپید", "یاس", "کاوه", "توسکا", "مهر")

Cells = dict[str, str | float]


@dataclass(frozen=True, slots=True)
class PlantedRefusal:
    """One reason that a right importer gives: `row` as the sheet numbers it, `column` as the file heads it."""

    row: int
    column: str
    reason_code: RowReason


@dataclass(slots=True)
class CountyFacts:
    """What one county must have after the file is applied to an empty register."""

    sites: int = 0
    capacity_tonnes: Decimal = Decimal("0.000")


@dataclass(frozen=True, slots=True)
class RegistryFileFacts:
    """What a right importer makes of the file: `rows` = accepted sites + rows named in `refused`."""

    rows: int
    accepted: dict[County, CountyFacts]
    refused: tuple[PlantedRefusal, ...]
    ignored_columns: tuple[str, ...]

    @property
    def accepted_rows(self) -> int:
        return sum(facts.sites for facts in self.accepted.values())

    @property
    def refused_rows(self) -> int:
        return len({refusal.row for refusal in self.refused})


@dataclass(slots=True)
class _Row:
    cells: Cells
    county: County
    capacity_tonnes: Decimal
    faults: list[tuple[str, RowReason]] = field(default_factory=list[tuple[str, RowReason]])
    repeats: int | None = None
    """Number of the group of rows that say the same: all but its first in the sheet are refused."""


def write_registry_file(path: Path, seed: int, rows: int = ROWS_MIN) -> RegistryFileFacts:
    """Write an XLSX of `rows` data rows to `path`, the same for the same seed. Raises ValueError below ROWS_MIN rows."""
    if rows < ROWS_MIN:
        raise ValueError(f"a registry file has at least {ROWS_MIN} rows, not {rows}")
    planted = _plant(Random(seed), rows)
    options = {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(path, options) as workbook:
        workbook.set_properties({"created": datetime(2025, 11, 22)})  # noqa: DTZ001 - a fixed mark inside the file
        sheet = workbook.add_worksheet("انبارها")
        sheet.right_to_left()
        sheet.write_row(0, 0, HEADERS)
        for place, row in enumerate(planted, start=HEADER_ROW):
            for column, header in enumerate(HEADERS):
                cell = row.cells[header]
                if not isinstance(cell, str):
                    sheet.write_number(place, column, cell)
                elif cell:
                    sheet.write_string(place, column, cell)
    return _facts(planted)


def _plant(random: Random, rows: int) -> list[_Row]:
    planted: list[_Row] = []
    for group in range(rows // REPEATED_PER_ROWS):
        planted += _repeated_pair(random, len(planted), group)
    for _ in range(rows // CONFLICTS_PER_ROWS):
        planted += _conflicting_pair(random, len(planted))
    for fault in _FAULTS:
        for _ in range(rows // PLANTED_EACH_PER_ROWS):
            row = _sound_row(random, len(planted))
            row.faults.append(fault(row.cells, random))
            planted.append(row)
    planted += [_sound_row(random, number) for number in range(len(planted), rows)]
    random.shuffle(planted)
    return planted


def _facts(planted: list[_Row]) -> RegistryFileFacts:
    accepted = {county: CountyFacts() for county in County}
    refused: list[PlantedRefusal] = []
    taken: set[int] = set()
    for number, row in enumerate(planted, start=HEADER_ROW + 1):
        faults = list(row.faults)
        if row.repeats is not None:
            if row.repeats in taken:
                faults.append((REGISTRY_ID, RowReason.REGISTRY_ID_REPEATED))
            taken.add(row.repeats)
        if faults:
            refused += [PlantedRefusal(number, column, reason) for column, reason in faults]
        else:
            accepted[row.county].sites += 1
            accepted[row.county].capacity_tonnes += row.capacity_tonnes
    return RegistryFileFacts(len(planted), accepted, tuple(refused), (REMARKS,))


def _repeated_pair(random: Random, number: int, group: int) -> list[_Row]:
    """The same site twice, its county and figures spelt anew the second time."""
    first = _sound_row(random, number)
    again = dict(first.cells)
    again[COUNTY] = spell_word(random.choice(COUNTY_SPELLINGS[first.county]), random)
    again[CAPACITY] = spell_number(first.capacity_tonnes, random)
    second = _Row(again, first.county, first.capacity_tonnes, repeats=group)
    first.repeats = group
    return [first, second]


def _conflicting_pair(random: Random, number: int) -> list[_Row]:
    """Two rows that claim one id and differ in their capacity."""
    first = _sound_row(random, number)
    other = dict(first.cells)
    other[CAPACITY] = spell_number(first.capacity_tonnes + 10, random)
    conflict = (REGISTRY_ID, RowReason.REGISTRY_ID_CONFLICT)
    first.faults.append(conflict)
    return [first, _Row(other, first.county, first.capacity_tonnes, faults=[conflict])]


def _sound_row(random: Random, number: int) -> _Row:
    county = random.choices(list(_COUNTY_WEIGHTS), list(_COUNTY_WEIGHTS.values()))[0]
    kind = random.choices(list(_KIND_WEIGHTS), list(_KIND_WEIGHTS.values()))[0]
    capacity_tonnes = (Decimal(random.randint(20_000, 30_000_000)) / 1000).quantize(
        random.choice((Decimal(1), Decimal("0.1"), Decimal("0.001")))
    )
    floor_area_m2 = Decimal(random.randint(100, 40_000))
    status = random.choices(("active", "inactive", "closed"), (94, 4, 2))[0]
    cells: Cells = {
        REGISTRY_ID: spell_number(Decimal(FIRST_REGISTRY_ID + number * 37), random, grouped=False),
        NAME: arabic_letters(f"انبار {random.choice(_NAMES)} {random.choice(_NAMES)}", random),
        KIND: spell_word(random.choice(KIND_SPELLINGS[kind]), random),
        COUNTY: spell_word(random.choice(COUNTY_SPELLINGS[county]), random),
        PROVINCE: random.choice(("تهران", "استان تهران", " تهران ")),
        ADDRESS: arabic_letters(
            f"{county.label_fa}، خیابان {random.choice(_NAMES)}، پلاک {random.randint(1, 400)}", random
        ),
        POSTAL_CODE: spell_number(Decimal(random.randint(1_100_000_000, 9_999_999_999)), random, grouped=False),
        AREA: spell_number(floor_area_m2, random),
        CAPACITY: spell_number(capacity_tonnes, random),
        LATITUDE: float(random.randint(35_200, 35_950)) / 1000,
        LONGITUDE: float(random.randint(50_500, 52_800)) / 1000,
        OPERATOR: arabic_letters(f"شرکت {random.choice(_NAMES)} {random.choice(_NAMES)}", random),
        OPERATOR_ID: str(random.randint(10_000_000_000, 14_999_999_999)),
        STATUS: spell_word(random.choice(STATUS_SPELLINGS[status]), random),
        UPDATED_ON: _spell_date(random),
        REMARKS: random.choice(("", "بازبینی شود", "-")),
    }
    return _Row(cells, county, capacity_tonnes.quantize(Decimal("0.001")))


def _spell_date(random: Random) -> str:
    if random.random() < 0.3:
        return f"2024-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
    written = f"140{random.randint(0, 3)}/{random.randint(1, 12):02}/{random.randint(1, 29):02}"
    return written.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")) if random.random() < 0.5 else written


Fault = Callable[[Cells, Random], tuple[str, RowReason]]


def _fault(column: str, reason: RowReason, *values: str | float) -> Fault:
    def plant(cells: Cells, random: Random) -> tuple[str, RowReason]:
        cells[column] = random.choice(values)
        return column, reason

    return plant


def _half_coordinate(cells: Cells, _random: Random) -> tuple[str, RowReason]:
    cells[LONGITUDE] = ""
    return LATITUDE, RowReason.COORDINATE_INCOMPLETE


_FAULTS: tuple[Fault, ...] = (
    _fault(COUNTY, RowReason.COUNTY_UNKNOWN, "کرج", "ساوجبلاغ", "شهرستان", "تهران بزرگ", "ري/شهريار"),
    _fault(COUNTY, RowReason.VALUE_MISSING, ""),
    _fault(KIND, RowReason.KIND_UNKNOWN, "پارکینگ", "؟", "فروشگاه"),
    _fault(PROVINCE, RowReason.PROVINCE_NOT_TEHRAN, "البرز", "قم", "استان سمنان"),
    _fault(NAME, RowReason.VALUE_MISSING, "", " \u200c "),
    _fault(CAPACITY, RowReason.NEGATIVE, -120.0, "-۵۰۰", "−12,500"),
    _fault(CAPACITY, RowReason.TOO_LARGE, 9_000_000_000.0, "۹۹٬۹۹۹٬۹۹۹"),
    _fault(CAPACITY, RowReason.NOT_A_NUMBER, "NaN", "inf", "نامشخص", "12,50", "۱۲/۵", "1e5"),
    _fault(CAPACITY, RowReason.VALUE_MISSING, ""),
    _fault(AREA, RowReason.AREA_ZERO_WITH_CAPACITY, 0.0, "۰"),
    _fault(AREA, RowReason.NEGATIVE, -1.0, "-۲۰"),
    _fault(LATITUDE, RowReason.COORDINATE_OUTSIDE_PROVINCE, 29.61, 0.0, "۵۱٫۴"),
    _half_coordinate,
    _fault(POSTAL_CODE, RowReason.POSTAL_CODE_NOT_TEN_DIGITS, "12345", "۱۲۳۴۵۶۷۸۹۰۱", "ندارد"),
    _fault(OPERATOR_ID, RowReason.OPERATOR_ID_NOT_ELEVEN_DIGITS, "1010101010", "۰"),
    _fault(STATUS, RowReason.STATUS_UNKNOWN, "در دست ساخت", "x"),
    _fault(UPDATED_ON, RowReason.DATE_UNREADABLE, "1404/13/01", "۱۴۰۴/۰۷/۳۱", "دیروز", "2024-02-30"),
    _fault(UPDATED_ON, RowReason.DATE_IN_FUTURE, "1450/01/01", "2099-12-31"),
)
