"""The header of a registry file: which column of the sheet is which field, by any of its usual names, in any order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from services.warehouse.domain import refusals
from services.warehouse.domain.personal_id import shown_text
from services.warehouse.domain.registry_column import REQUIRED_COLUMNS, Cell, Column
from services.warehouse.domain.registry_mapping import HEADER_ROW_DEFAULT, USUAL_LAYOUT, RegistryMapping
from shared.contracts.refusals import Refusal
from shared.persian.text import comparison_key, display_text

HEADER_CHARACTERS_SHOWN_MAX = 100


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
PERSONAL_ID_WORDS = tuple(map(comparison_key, ("کد ملی", "شماره ملی", "national code", "national id", "national_no")))
_BRACKETED = re.compile(r"[(\[]([^)\]]*)[)\]]")


@dataclass(frozen=True, slots=True)
class Header:
    """Which column of the sheet (0-based) is which field, how the file heads it, and which are of no use here.

    `row`: of the header, as the sheet numbers it. `unread`: places that the mapping says to leave out. `width`: places
    beyond which a filled cell shows that a row has slipped; None where the sheet keeps its columns by itself.
    """

    places: Mapping[Column, int]
    texts: Mapping[Column, str]
    ignored: tuple[str, ...]
    row: int = HEADER_ROW_DEFAULT
    words: Mapping[Column, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    unread: frozenset[int] = frozenset()
    width: int | None = None
    headings: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))


def read_header(cells: Sequence[Cell], mapping: RegistryMapping = USUAL_LAYOUT, *, delimited: bool = False) -> Header:
    """Recognise the header row; `delimited` for a text file, whose rows slip where a delimiter is not quoted.

    Raises Refusal: a column for a natural person's national id, a unit other than tonnes or square metres, one field
    headed twice, a required field not headed at all, a heading of the mapping that is not there.
    """
    ignored_keys = {comparison_key(text) for text in mapping.ignored}
    mapped = {comparison_key(text): column for text, column in mapping.columns}
    headings = {place: text for place, cell in enumerate(cells) if display_text(text := _text(cell))}
    _check_mapped(mapping, {comparison_key(text) for text in headings.values()})
    places: dict[Column, int] = {}
    ignored: dict[int, str] = {}
    unread: set[int] = set()
    for place, text in headings.items():
        key = comparison_key(text)
        if key in ignored_keys:
            unread.add(place)
            ignored[place] = text
            continue
        column = _recognise(text, mapped.get(key), frozenset(mapped.values()))
        if column is None:
            ignored[place] = text
        elif column in places:
            raise Refusal(refusals.IMPORT_COLUMN_REPEATED, column=column, first=headings[places[column]], second=text)
        else:
            places[column] = place
    missing = [column.value for column in REQUIRED_COLUMNS if column not in places]
    if missing:
        raise Refusal(refusals.IMPORT_COLUMN_MISSING, row=mapping.header_row, columns=", ".join(missing))
    return Header(
        places=MappingProxyType(places),
        texts=MappingProxyType({column: headings[place] for column, place in places.items()}),
        ignored=tuple(ignored.values()),
        row=mapping.header_row,
        words=mapping.words,
        unread=frozenset(unread),
        width=max(headings) + 1 if delimited else None,
        headings=MappingProxyType(headings),
    )


def _text(cell: Cell) -> str:
    return shown_text(str(cell).strip()[:HEADER_CHARACTERS_SHOWN_MAX]) if cell is not None else ""


def _check_mapped(mapping: RegistryMapping, present: set[str]) -> None:
    named = (*(text for text, _ in mapping.columns), *mapping.ignored)
    absent = [text for text in named if comparison_key(text) not in present]
    if absent:
        raise Refusal(refusals.IMPORT_MAPPING_HEADER_MISSING, row=mapping.header_row, headers="، ".join(absent))


def _recognise(text: str, mapped: Column | None, mapped_columns: frozenset[Column]) -> Column | None:
    text = display_text(text)
    if any(personal in comparison_key(text) for personal in PERSONAL_ID_WORDS):
        raise Refusal(refusals.IMPORT_PERSONAL_ID_COLUMN, column=text)
    usual = _COLUMN_OF_KEY.get(comparison_key(_BRACKETED.sub(" ", text)))
    column = mapped or (usual if usual not in mapped_columns else None)
    units = _UNITS.get(column) if column else None
    if units is not None:
        for bracketed in _BRACKETED.findall(text):
            if comparison_key(bracketed) not in units:
                raise Refusal(refusals.IMPORT_UNIT_UNKNOWN, column=text)
    return column
