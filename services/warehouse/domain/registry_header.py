"""The header of a registry file: which column of the sheet is which field, by any of its usual names, in any order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from services.warehouse.domain import refusals
from services.warehouse.domain.persian import comparison_key, display_text
from shared.contracts.refusals import Refusal

Cell: TypeAlias = str | int | float | bool | date | datetime | time | timedelta | None

HEADER_ROW = 1
HEADER_CHARACTERS_SHOWN_MAX = 100


class Column(StrEnum):
    """A field that a registry file can carry."""

    REGISTRY_ID = "registry_id"
    NAME = "name"
    KIND = "kind"
    COUNTY = "county"
    PROVINCE = "province"
    ADDRESS = "address"
    POSTAL_CODE = "postal_code"
    FLOOR_AREA_M2 = "floor_area_m2"
    CAPACITY_TONNES = "capacity_tonnes"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    OPERATOR = "operator"
    OPERATOR_ID = "operator_id"
    STATUS = "status"
    UPDATED_ON = "updated_on"


REQUIRED_COLUMNS = (
    Column.REGISTRY_ID,
    Column.NAME,
    Column.KIND,
    Column.COUNTY,
    Column.FLOOR_AREA_M2,
    Column.CAPACITY_TONNES,
)

_HEADERS: dict[Column, tuple[str, ...]] = {
    Column.REGISTRY_ID: ("شناسه انبار", "شناسه یکتا", "شناسه یکتای انبار", "کد انبار", "registry_id", "warehouse_id"),
    Column.NAME: ("نام انبار", "عنوان", "عنوان انبار", "name"),
    Column.KIND: ("نوع انبار", "کاربری", "کاربری انبار", "kind"),
    Column.COUNTY: ("شهرستان", "نام شهرستان", "county"),
    Column.PROVINCE: ("استان", "نام استان", "province"),
    Column.ADDRESS: ("نشانی", "آدرس", "نشانی انبار", "آدرس انبار", "address"),
    Column.POSTAL_CODE: ("کد پستی", "postal_code"),
    Column.FLOOR_AREA_M2: (
        "مساحت",
        "مساحت متر مربع",
        "مساحت به متر مربع",
        "area",
        "area_m2",
        "floor_area",
        "floor_area_m2",
    ),
    Column.CAPACITY_TONNES: ("ظرفیت", "ظرفیت تن", "ظرفیت به تن", "capacity", "capacity_tonnes"),
    Column.LATITUDE: ("عرض جغرافیایی", "latitude"),
    Column.LONGITUDE: ("طول جغرافیایی", "longitude"),
    Column.OPERATOR: ("نام بهره‌بردار", "بهره‌بردار", "operator"),
    Column.OPERATOR_ID: ("شناسه ملی بهره‌بردار", "operator_id"),
    Column.STATUS: ("وضعیت", "وضعیت انبار", "status"),
    Column.UPDATED_ON: ("تاریخ به‌روزرسانی", "تاریخ بروزرسانی", "تاریخ آخرین به‌روزرسانی", "updated_on"),
}
_COLUMN_OF_KEY = {comparison_key(header): column for column, headers in _HEADERS.items() for header in headers}
_UNITS: dict[Column, frozenset[str]] = {
    Column.FLOOR_AREA_M2: frozenset(map(comparison_key, ("متر مربع", "m2", "sqm"))),
    Column.CAPACITY_TONNES: frozenset(map(comparison_key, ("تن", "t", "ton", "tons", "tonne", "tonnes"))),
}
_PERSONAL_ID_KEYS = tuple(map(comparison_key, ("کد ملی", "شماره ملی", "national code", "national id", "national_no")))
_BRACKETED = re.compile(r"[(\[]([^)\]]*)[)\]]")


@dataclass(frozen=True, slots=True)
class Header:
    """Which column of the sheet (0-based) is which field, how the file heads it, and which are of no use here."""

    places: Mapping[Column, int]
    texts: Mapping[Column, str]
    ignored: tuple[str, ...]


def read_header(cells: Sequence[Cell]) -> Header:
    """Recognise the header row.

    Raises Refusal: a column for a natural person's national id, a unit other than tonnes or square metres, one field
    headed twice, a required field not headed at all.
    """
    places: dict[Column, int] = {}
    texts: dict[Column, str] = {}
    ignored: list[str] = []
    for place, cell in enumerate(cells):
        text = str(cell).strip()[:HEADER_CHARACTERS_SHOWN_MAX] if cell is not None else ""
        if not display_text(text):
            continue
        column = _recognise(text)
        if column is None:
            ignored.append(text)
        elif column in places:
            raise Refusal(refusals.IMPORT_COLUMN_REPEATED, column=column, first=texts[column], second=text)
        else:
            places[column], texts[column] = place, text
    missing = [column.value for column in REQUIRED_COLUMNS if column not in places]
    if missing:
        raise Refusal(refusals.IMPORT_COLUMN_MISSING, columns=", ".join(missing))
    return Header(MappingProxyType(places), MappingProxyType(texts), tuple(ignored))


def _recognise(text: str) -> Column | None:
    text = display_text(text)
    key = comparison_key(_BRACKETED.sub(" ", text))
    if any(personal in comparison_key(text) for personal in _PERSONAL_ID_KEYS):
        raise Refusal(refusals.IMPORT_PERSONAL_ID_COLUMN, column=text)
    column = _COLUMN_OF_KEY.get(key)
    units = _UNITS.get(column) if column else None
    if units is not None:
        for bracketed in _BRACKETED.findall(text):
            if comparison_key(bracketed) not in units:
                raise Refusal(refusals.IMPORT_UNIT_UNKNOWN, column=text)
    return column
