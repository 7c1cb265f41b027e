"""The registry table: headers by any of their names, rows taken whole or refused with their reasons."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.warehouse.domain.registry import Judgement, SharedIds, TableReader, judge
from services.warehouse.domain.registry_column import Cell, Column
from services.warehouse.domain.registry_header import read_header
from services.warehouse.domain.registry_mapping import USUAL_LAYOUT, RegistryMapping
from services.warehouse.domain.registry_row import RegistryRow
from services.warehouse.domain.row_reasons import TEXTS_FA_EN
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import RowReason, WarehouseKind

TODAY = date(2025, 11, 22)
SOUND: dict[str, Cell] = {
    "شناسه انبار": "1001",
    "نام انبار": "انبار نمونه",
    "نوع انبار": "سردخانه",
    "شهرستان": "ری",
    "استان": "تهران",
    "مساحت (متر مربع)": "۱٬۲۰۰",
    "ظرفیت (تن)": 900.0,
    "کد پستی": "۱۲۳۴۵۶۷۸۹۰",
    "عرض جغرافیایی": 35.6,
    "طول جغرافیایی": "۵۱٫۴",
    "شناسه ملی بهره‌بردار": "10101010101",
    "وضعیت": "فعال",
    "تاریخ به‌روزرسانی": "۱۴۰۴/۰۹/۰۱",
}
REQUIRED: list[Cell] = ["registry_id", "name", "kind", "county", "area_m2", "capacity_tonnes"]


def judged(*rows: Sequence[Cell], mapping: RegistryMapping = USUAL_LAYOUT, delimited: bool = False) -> Judgement:
    """What becomes of these rows, the header first."""
    reader, shared = TableReader(mapping, delimited=delimited), SharedIds()
    read = list(reader.read(enumerate(rows, start=1)))
    reader.check()
    for one in read:
        shared.add(one, repr(replace(one.parsed, row=0)).encode() if one.parsed else None)
    return judge(reader.header, read, shared, TODAY)


def errors_of(*rows: dict[str, Cell]) -> list[tuple[int, str, RowReason]]:
    judgement = judged(list(SOUND), *[list((SOUND | row).values()) for row in rows])
    return [(error.row, error.column, error.reason) for error in judgement.errors]


def accepted_of(*rows: dict[str, Cell]) -> tuple[RegistryRow, ...]:
    return judged(list(SOUND), *[list((SOUND | row).values()) for row in rows]).accepted


def test_a_sound_row_is_read_exactly() -> None:
    assert accepted_of({}) == (
        RegistryRow(
            row=2,
            registry_id="1001",
            name="انبار نمونه",
            kind=WarehouseKind.COLD_STORE,
            county=County.REY,
            floor_area_m2=Decimal(1200),
            capacity_tonnes=Decimal(900),
            postal_code="1234567890",
            latitude=Decimal("35.6"),
            longitude=Decimal("51.4"),
            operator_id="10101010101",
            status=accepted_of({})[0].status,
            updated_on=date(2025, 11, 22),
        ),
    )


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("شناسه يكتا", Column.REGISTRY_ID),
        ("کد انبار", Column.REGISTRY_ID),
        ("warehouse_id", Column.REGISTRY_ID),
        ("عنوان", Column.NAME),
        ("كاربري", Column.KIND),
        ("نشانی", Column.ADDRESS),
        ("مساحت(مترمربع)", Column.FLOOR_AREA_M2),
        ("ظرفیت [تن]", Column.CAPACITY_TONNES),
        ("Capacity (tonnes)", Column.CAPACITY_TONNES),
        ("نام بهره بردار", Column.OPERATOR),
        ("شناسه ملي بهره برداري", None),
        ("شناسه ملي بهره بردار", Column.OPERATOR_ID),
        ("تاریخ بروزرسانی", Column.UPDATED_ON),
        ("تاریخ تاسیس", None),
        ("تاريخ به روز رساني", Column.UPDATED_ON),
    ],
)
def test_headers_by_any_of_their_names(header: str, column: Column | None) -> None:
    required = dict(zip(read_header(REQUIRED).places, REQUIRED, strict=True))
    recognised = read_header([*(cell for name, cell in required.items() if name is not column), header])
    place = len(recognised.places) - 1
    if column is None:
        assert recognised.ignored == (header,)
    else:
        assert (recognised.places[column], recognised.texts[column]) == (place, header)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([*REQUIRED, "کد ملی"], "personal_id_column"),
        ([*REQUIRED, "كدملي مدير عامل"], "personal_id_column"),
        ([*REQUIRED, "National ID"], "personal_id_column"),
        ([*REQUIRED, "توضیح (کد ملی)"], "personal_id_column"),
        (REQUIRED[:-1], "column_missing"),
        ([*REQUIRED[:-1], "ظرفیت (کیلوگرم)"], "unit_unknown"),
        ([*REQUIRED[:-2], "مساحت (هکتار)", "ظرفیت"], "unit_unknown"),
        ([*REQUIRED, "ظرفیت"], "column_repeated"),
        ([], "column_missing"),
    ],
)
def test_a_header_that_cannot_be_trusted_refuses_the_file(headers: list[Cell], code: str) -> None:
    with pytest.raises(Refusal, match=f"warehouse.import.{code}"):
        read_header(headers)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("شهرستان", "کرج", RowReason.COUNTY_UNKNOWN),
        ("شهرستان", None, RowReason.VALUE_MISSING),
        ("شهرستان", " \u200c", RowReason.VALUE_MISSING),
        ("شهرستان", 5.5, RowReason.NOT_TEXT),
        ("استان", "البرز", RowReason.PROVINCE_NOT_TEHRAN),
        ("استان", "", RowReason.VALUE_MISSING),
        ("نوع انبار", "پارکینگ", RowReason.KIND_UNKNOWN),
        ("نام انبار", "ن" * 201, RowReason.VALUE_TOO_LONG),
        ("شناسه انبار", 1e15, RowReason.NOT_TEXT),
        ("شناسه انبار", True, RowReason.NOT_TEXT),
        ("شناسه انبار", "9" * 33, RowReason.VALUE_TOO_LONG),
        ("ظرفیت (تن)", -1.0, RowReason.NEGATIVE),
        ("ظرفیت (تن)", "NaN", RowReason.NOT_A_NUMBER),
        ("ظرفیت (تن)", float("nan"), RowReason.NOT_A_NUMBER),
        ("ظرفیت (تن)", 1e300, RowReason.NOT_A_NUMBER),
        ("ظرفیت (تن)", True, RowReason.NOT_A_NUMBER),
        ("ظرفیت (تن)", date(2025, 1, 1), RowReason.NOT_A_NUMBER),
        ("ظرفیت (تن)", "1000000.001", RowReason.TOO_LARGE),
        ("مساحت (متر مربع)", 0, RowReason.AREA_ZERO_WITH_CAPACITY),
        ("مساحت (متر مربع)", 5_000_001, RowReason.TOO_LARGE),
        ("عرض جغرافیایی", 51.4, RowReason.COORDINATE_OUTSIDE_PROVINCE),
        ("طول جغرافیایی", "49.9", RowReason.COORDINATE_OUTSIDE_PROVINCE),
        ("عرض جغرافیایی", "", None),
        ("کد پستی", "123456789", RowReason.POSTAL_CODE_NOT_TEN_DIGITS),
        ("شناسه ملی بهره‌بردار", "0012345678", RowReason.OPERATOR_ID_NOT_ELEVEN_DIGITS),
        ("وضعیت", "نیمه‌فعال", RowReason.STATUS_UNKNOWN),
        ("تاریخ به‌روزرسانی", "1404/12/30", RowReason.DATE_UNREADABLE),
        ("تاریخ به‌روزرسانی", 45000.0, RowReason.DATE_UNREADABLE),
        ("تاریخ به‌روزرسانی", "2025-11-23", RowReason.DATE_IN_FUTURE),
        ("تاریخ به‌روزرسانی", datetime(2025, 11, 1, 8), None),  # noqa: DTZ001 - as a spreadsheet gives it
        ("وضعیت", "", None),
        ("کد پستی", "12345-67890", None),
        ("ظرفیت (تن)", 0, None),
    ],
)
def test_the_dirt_of_real_rows(column: str, value: Cell, reason: RowReason | None) -> None:
    row: dict[str, Any] = {column: value}
    if column == "عرض جغرافیایی" and value == "":
        assert errors_of(row) == [(2, "طول جغرافیایی", RowReason.COORDINATE_INCOMPLETE)]
        return
    assert errors_of(row) == ([(2, column, reason)] if reason else [])


def test_every_fault_of_a_row_is_named_at_once() -> None:
    row: dict[str, Cell] = {"شهرستان": "کرج", "ظرفیت (تن)": "-5", "وضعیت": "؟", "شناسه انبار": ""}
    assert {reason for _, _, reason in errors_of(row)} == {
        RowReason.COUNTY_UNKNOWN,
        RowReason.NEGATIVE,
        RowReason.STATUS_UNKNOWN,
        RowReason.VALUE_MISSING,
    }


def test_a_wrong_operator_id_is_never_repeated() -> None:
    judgement = judged(list(SOUND), list((SOUND | {"شناسه ملی بهره‌بردار": "0012345678"}).values()))
    assert [error.value for error in judgement.errors] == [None]


def test_the_same_row_twice_counts_once() -> None:
    rows: tuple[dict[str, Cell], ...] = ({"شهرستان": "شهرستان ري"}, {"شناسه انبار": 1001.0}, {"شناسه انبار": "۱۰۰۱"})
    assert [row.row for row in accepted_of(*rows)] == [2]
    assert errors_of(*rows) == [
        (3, "شناسه انبار", RowReason.REGISTRY_ID_REPEATED),
        (4, "شناسه انبار", RowReason.REGISTRY_ID_REPEATED),
    ]


@pytest.mark.parametrize("other", [{"ظرفیت (تن)": 901}, {"شهرستان": "شهریار"}, {"شهرستان": "کرج"}])
def test_rows_that_disagree_about_one_id_are_all_refused(other: dict[str, Cell]) -> None:
    sound: dict[str, Cell] = {}
    for rows in ((sound, other), (other, sound)):
        assert accepted_of(*rows) == ()
        conflicts = [row for row, _, reason in errors_of(*rows) if reason is RowReason.REGISTRY_ID_CONFLICT]
        assert conflicts == [2, 3]


def test_blank_rows_are_no_rows_and_keep_the_numbering() -> None:
    blank: list[Cell] = [None] * len(SOUND)
    assert [row.row for row in judged(list(SOUND), blank, list(SOUND.values()), blank).accepted] == [3]


@pytest.mark.parametrize("rows", [[], [list(SOUND)], [list(SOUND), [None, ""]]])
def test_a_sheet_without_rows_is_refused(rows: list[list[Cell]]) -> None:
    with pytest.raises(Refusal, match=r"warehouse\.import\.empty"):
        judged(*rows)


def test_every_reason_has_both_texts() -> None:
    assert set(TEXTS_FA_EN) == set(RowReason)
    assert all(fa and en for fa, en in TEXTS_FA_EN.values())
