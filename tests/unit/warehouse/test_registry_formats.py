"""Files saved by LibreOffice, layouts of others read by a mapping, and columns that hold persons' national ids."""

import io
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.registry import Judgement
from services.warehouse.domain.registry_row import RegistryRow
from services.warehouse.registry_file import read_mapping, read_registry
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import RowReason, WarehouseKind

DATA = Path(__file__).parents[2] / "data" / "registry"
TODAY = date(2025, 11, 22)
HEADER = "registry_id,name,kind,county,area,capacity"
PERSONAL_IDS = ("0012345679", "0499370899", "0790419904", "0084575948", "0963695398")


def judged(content: bytes, mapping: bytes | None = None) -> Judgement:
    """What becomes of a file's rows."""
    with read_registry(io.BytesIO(content), read_mapping(mapping)) as read:
        judgements = list(read.judgements(TODAY, 2))
    accepted = tuple(row for one in judgements for row in one.accepted)
    return Judgement(accepted, tuple(error for one in judgements for error in one.errors))


def refusal_of(content: bytes, mapping: bytes | None = None) -> Refusal:
    """Why the file is refused whole."""
    with pytest.raises(Refusal) as refused:
        judged(content, mapping)
    return refused.value


def lines(*rows: str) -> bytes:
    """A CSV file."""
    return "\n".join(rows).encode()


def workbook(*rows: Sequence[Any]) -> bytes:
    """An XLSX file."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "source.csv",
        "libreoffice.xlsx",
        "libreoffice.xls",
        "libreoffice-utf-8.csv",
        "libreoffice-windows-1256.csv",
        "with-mark-utf-8.csv",
    ],
)
def test_what_libreoffice_saves_is_read_alike(name: str) -> None:
    judgement = judged((DATA / name).read_bytes())
    assert [row.registry_id for row in judgement.accepted] == ["501000001", "501000002", "501000003", "501000006"]
    assert judgement.accepted[0] == RegistryRow(
        row=2,
        registry_id="501000001",
        name="انبار گلستان",
        kind=WarehouseKind.GENERAL,
        county=County.REY,
        floor_area_m2=Decimal(1250),
        capacity_tonnes=Decimal("3200.5"),
        address="ری، خیابان فدائیان، پلاک 12",
        postal_code="1876543210",
        latitude=Decimal("35.58"),
        longitude=Decimal("51.43"),
        operator="شرکت پخش گلستان",
        operator_id="10101234567",
        status=SiteStatus.ACTIVE,
        updated_on=date(2024, 8, 2),
    )
    assert judgement.accepted[1].updated_on == date(2024, 8, 1)
    assert [(error.row, error.reason) for error in judgement.errors] == [
        (5, RowReason.COUNTY_UNKNOWN),
        (6, RowReason.NEGATIVE),
    ]


@pytest.mark.parametrize("name", ["libreoffice.ods", "libreoffice-html.xls"])
def test_other_formats_of_libreoffice_are_refused_by_their_name(name: str) -> None:
    refusal = refusal_of((DATA / name).read_bytes())
    assert refusal.reason.code == "warehouse.import.file_unreadable"
    assert "ODS" in str(refusal.details) or "web page" in str(refusal.details)


def test_a_formula_is_its_result_or_an_error() -> None:
    book = openpyxl.load_workbook(DATA / "libreoffice.xlsx")
    book.worksheets[0]["I2"] = "=1+1"
    book.worksheets[0]["B3"] = "#REF!"
    target = io.BytesIO()
    book.save(target)
    found = [(error.row, error.column, error.reason) for error in judged(target.getvalue()).errors]
    assert (2, "ظرفيت (تن)", RowReason.CELL_ERROR) in found
    assert (3, "نام انبار", RowReason.CELL_ERROR) in found


def test_a_delimiter_outside_quotes_is_seen() -> None:
    judgement = judged(lines(HEADER, "1,A,general,rey,500,12,500", "2,B,general,rey,500,12500"))
    assert [row.registry_id for row in judgement.accepted] == ["2"]
    assert [(error.row, error.reason) for error in judgement.errors] == [(2, RowReason.TOO_MANY_CELLS)]


MAPPING = {
    "columns": {"registry_id": "رمز", "name": "نام کامل", "capacity_tonnes": "گنجایش"},
    "ignored": ["کد ملی مدیر"],
    "kinds": {"ا.ع": "general"},
    "counties": {"تهـ": "tehran"},
    "statuses": {"د": "active"},
    "header_row": 3,
}
OTHER_LAYOUT: tuple[list[Any], ...] = (
    ["گزارش انبارها"],
    [],
    ["رمز", "نام کامل", "نوع انبار", "شهرستان", "مساحت", "گنجایش", "کد ملی مدیر", "وضعیت"],
    ["77", "انبار", "ا.ع", "تهـ", 10, 20, PERSONAL_IDS[0], "د"],
    ["78", "انبار", "سیلو", "ری", 10, 20, PERSONAL_IDS[1], "فعال"],
)
YAML = """
columns:
  registry_id: رمز
  name: نام کامل
  capacity_tonnes: گنجایش
ignored: [کد ملی مدیر]
kinds: {ا.ع: general}
counties: {تهـ: tehran}
statuses: {د: active}
header_row: 3
"""


@pytest.mark.parametrize("mapping", [json.dumps(MAPPING), YAML], ids=["json", "yaml"])
def test_a_mapping_reads_another_layout(mapping: str) -> None:
    judgement = judged(workbook(*OTHER_LAYOUT), mapping.encode())
    assert judgement.errors == ()
    assert [(row.row, row.registry_id, row.kind, row.county, row.status) for row in judgement.accepted] == [
        (4, "77", WarehouseKind.GENERAL, County.TEHRAN, SiteStatus.ACTIVE),
        (5, "78", WarehouseKind.SILO, County.REY, SiteStatus.ACTIVE),
    ]


@pytest.mark.parametrize("sheet", [2, "دوم"])
def test_a_mapping_names_the_sheet(sheet: int | str) -> None:
    book = openpyxl.Workbook()
    second = book.create_sheet("دوم")
    for row in (HEADER.split(","), ["9", "A", "general", "rey", 1, 2]):
        second.append(row)
    target = io.BytesIO()
    book.save(target)
    said = json.dumps({"sheet": sheet}).encode()
    assert [row.registry_id for row in judged(target.getvalue(), said).accepted] == ["9"]
    assert refusal_of(target.getvalue(), b'{"sheet": 3}').reason.code == "warehouse.import.sheet_missing"


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (b"columns: [1", "line 1"),
        (b'{"columns": ', "line 1"),
        (b"a: &a [x]\nb: *a", "anchors"),
        (b"[" * 50, "levels"),
        (b"a: " + b"[" * 20 + b"]" * 20, "levels"),
        (b"columns: {size: x}", "columns.size"),
        (b"colums: {}", "colums"),
        (b"header_row: 0", "header_row"),
        (b"kinds: {x: castle}", "kinds.x"),
        (b"columns: {name: X, kind: x}", "named twice"),
        (b"columns: {name: a}\ncolumns: {name: b}", "twice"),
        (b"\xff\xfe", "UTF-8"),
        (b"x" * 70_000, "bytes"),
        (b"", "file"),
        (b"- 1", "file"),
        (b"? [a]\n: b", "key"),
    ],
)
def test_a_wrong_mapping_is_told_clearly(mapping: bytes, problem: str) -> None:
    refusal = refusal_of(lines(HEADER), mapping)
    assert refusal.reason.code == "warehouse.import.mapping_invalid"
    assert problem in str(refusal.details["problem"])


def test_a_mapping_of_headings_that_are_not_there_is_refused() -> None:
    refusal = refusal_of(lines(HEADER, "1,A,general,rey,1,2"), "columns: {address: محل}".encode())
    assert refusal.reason.code == "warehouse.import.mapping_header_missing"
    assert "محل" in str(refusal.details)


@pytest.mark.parametrize("column", ["operator", "کارشناس", "operator_id"])
@pytest.mark.parametrize("spelling", ["{}", "علی رضایی {}"])
def test_a_column_of_personal_ids_is_refused_whatever_its_heading(column: str, spelling: str) -> None:
    cells = [spelling.format(personal_id) for personal_id in PERSONAL_IDS]
    rows = [f"{number},A,general,rey,1,2,{cell}" for number, cell in enumerate(cells)]
    refusal = refusal_of(lines(f"{HEADER},{column}", *rows, "9,A,general,rey,1,2,"))
    assert refusal.reason.code == "warehouse.import.personal_id_column"
    assert refusal.details["column"] == column
    assert not any(personal_id in str(refusal) + str(refusal.details) for personal_id in PERSONAL_IDS)


def test_personal_ids_as_numbers_without_their_zeros() -> None:
    rows = [[str(n), "A", "general", "rey", 1, 2, int(personal_id)] for n, personal_id in enumerate(PERSONAL_IDS)]
    refusal = refusal_of(workbook([*HEADER.split(","), "کارشناس"], *rows))
    assert refusal.reason.code == "warehouse.import.personal_id_column"


def test_ten_digits_that_are_no_persons_are_kept() -> None:
    rows = [f"{1_100_000_000 + n * 7919},A,general,rey,1,2,{1_300_000_000 + n * 104_729}" for n in range(60)]
    assert len(judged(lines(f"{HEADER},postal_code", *rows)).accepted) == 60


def test_a_single_personal_id_refuses_its_row_and_is_not_repeated() -> None:
    rows = [f"{n},A,general,rey,1,2,شرکت {n}" for n in range(9)]
    judgement = judged(lines(f"{HEADER},operator", *rows, f"20,A {PERSONAL_IDS[0]},general,rey,1,2,x"))
    assert [(error.row, error.reason, error.value) for error in judgement.errors] == [(11, RowReason.PERSONAL_ID, None)]
    wrong_place = judged(lines(f"{HEADER},operator", *rows, f"20,A,{PERSONAL_IDS[0]},rey,1,2,x"))
    assert [(error.reason, error.value) for error in wrong_place.errors] == [(RowReason.KIND_UNKNOWN, None)]


def test_a_file_without_a_header_does_not_show_its_first_row() -> None:
    refusal = refusal_of(lines(f"1,{PERSONAL_IDS[0]},general,rey,1,2", f"2,{PERSONAL_IDS[1]},general,rey,1,2"))
    assert PERSONAL_IDS[0] not in str(refusal.details)
