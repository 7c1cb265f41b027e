"""A partner's report is read whole or refused with every row, column and reason; nothing about a person passes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from services.nationals.free_services.domain import row_reasons
from services.nationals.free_services.domain.counts import NotACountError, read_count
from services.nationals.free_services.domain.names import read_service
from services.nationals.free_services.domain.partner_report import REPORT_HEADINGS, ReportFigure, read_report
from services.nationals.free_services.domain.person_data import holds_person_data, names_person_data, refers_to_person
from services.nationals.free_services.domain.report_period import Cadence, period_on, read_key, read_period
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.persian.county_names import read_county
from shared.spreadsheet.rows import CELL_FORMULA, PROBLEMS_SHOWN_MAX, Cell, Formula, SheetRow

PERIOD = period_on(Cadence.MONTHLY, date(2026, 10, 1))
COUNTIES = (County.REY, County.ROBAT_KARIM)
HEADINGS: tuple[Cell, ...] = tuple(texts[0] for texts in REPORT_HEADINGS.values())
TITLE: tuple[Cell, ...] = ("دوره", "1405-07")
SOUND: tuple[tuple[Cell, ...], ...] = (("ری", "آموزش", 120.0, 3.0), ("رباط‌کریم", "آموزش", 80.0, 0.0))
NATIONAL_ID = "0499370899"
AGREEMENT = "01a20264-323d-76b1-b89a-03ffea2fa4b8"


def rows_of(*rows: Sequence[Cell]) -> list[SheetRow]:
    return [SheetRow(number, tuple(cells)) for number, cells in enumerate(rows, 1)]


def read(*rows: Sequence[Cell], headings: Sequence[Cell] = HEADINGS, title: Sequence[Cell] = TITLE) -> Any:
    return read_report(rows_of(title, headings, *rows), AGREEMENT, PERIOD, COUNTIES, (FreeService.EDUCATION,))


def refused(*rows: Sequence[Cell], **changes: Any) -> tuple[str, set[tuple[Any, Any, str]]]:
    with pytest.raises(Refusal) as caught:
        read(*rows, **changes)
    details: Any = caught.value.details["rows"]
    assert all(row["text_en"] and row["text_fa"] for row in details)
    return caught.value.reason.code, {(row["row"], row["column"], row["code"]) for row in details}


def test_sound_report_is_read() -> None:
    assert read(*SOUND) == [
        ReportFigure(County.REY, FreeService.EDUCATION, 120, 3),
        ReportFigure(County.ROBAT_KARIM, FreeService.EDUCATION, 80, 0),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        (("شهرستان ري", "آموزشي", "۱۲۰", "٣"), ("رباط كریم", "خدمات آموزشی", "80", "۰")),
        (("Rey", "education", "120", 3), ("robat_karim", "Education", "٨٠٫۰", "0")),
        (("شهر ری", "آموزش\u200f", " ۱۲0 ", 3.0), ("رباط\u200cکریم", "آمـوزش", 80.0, 0.0)),
    ],
    ids=["Arabic letters and digits", "English", "marks, tatweel and ZWNJ"],
)
def test_spellings_of_real_files_say_the_same(rows: Sequence[Sequence[Cell]]) -> None:
    assert read(*rows) == read(*SOUND)


def test_headings_may_stand_in_any_order_below_titles() -> None:
    places = (3, 1, 0, 2)
    turned = [tuple(row[place] for place in places) for row in SOUND]
    headings = tuple(HEADINGS[place] for place in places)
    rows = rows_of(("گزارش ماهانه", None, None), TITLE, ("نام سازمان: نمونه",), headings, *turned)
    assert read_report(rows, AGREEMENT, PERIOD, COUNTIES, (FreeService.EDUCATION,)) == read(*SOUND)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (-1.0, row_reasons.COUNT_NEGATIVE),
        ("-۵", row_reasons.COUNT_NEGATIVE),
        ("−5", row_reasons.COUNT_NEGATIVE),
        (1.5, row_reasons.COUNT_FRACTION),
        ("۱٫۵", row_reasons.COUNT_FRACTION),
        (float("nan"), row_reasons.COUNT_UNREADABLE),
        (float("inf"), row_reasons.COUNT_UNREADABLE),
        (1e300, row_reasons.COUNT_TOO_LARGE),
        (1_000_001.0, row_reasons.COUNT_TOO_LARGE),
        ("حدود ۵۰", row_reasons.COUNT_UNREADABLE),
        ("12/5", row_reasons.COUNT_UNREADABLE),
        ("1e5", row_reasons.COUNT_UNREADABLE),
        ("#REF!", row_reasons.COUNT_UNREADABLE),
        (True, row_reasons.COUNT_UNREADABLE),
        (date(2026, 1, 1), row_reasons.COUNT_UNREADABLE),
        (None, row_reasons.CELL_BLANK),
        (Formula(), CELL_FORMULA),
        ("09121234567", row_reasons.PERSON_DATA_CELL),
        (float(NATIONAL_ID), row_reasons.PERSON_DATA_CELL),
        ("someone@example.ir", row_reasons.PERSON_DATA_CELL),
    ],
    ids=str,
)
def test_what_is_no_count_is_refused_with_row_column_and_reason(cell: Cell, reason: row_reasons.RowReason) -> None:
    code, problems = refused(SOUND[0], ("رباط‌کریم", "آموزش", cell, 0.0))
    assert problems == {(4, HEADINGS[2], reason.code)}
    person = reason is row_reasons.PERSON_DATA_CELL
    assert code == ("nationals.file.person_data" if person else "nationals.file.refused")


def test_every_fault_of_a_file_is_told_at_once() -> None:
    _, problems = refused(
        ("کرج", "آموزش", 1.0, 1.0),
        ("ری", "درمان", 1.0, 1.0),
        ("ورامین", "اداری", -1.0, None),
        ("ری", "آموزش", 1.0, 1.0),
        ("ری", "آموزش", 2.0, 2.0),
        (None, Formula(), 2.0, 2.0),
    )
    county, service, given, unmet = HEADINGS
    assert problems == {
        (3, county, "county_unknown"),
        (4, service, "service_unknown"),
        (5, county, "county_outside"),
        (5, service, "service_outside"),
        (5, given, "count_negative"),
        (5, unmet, "cell_blank"),
        (7, service, "pair_repeated"),
        (8, county, "required_blank"),
        (8, service, "cell_formula"),
    }


def test_report_that_leaves_out_a_county_is_refused() -> None:
    assert refused(SOUND[0]) == ("nationals.file.refused", {(None, "رباط‌کریم, education", "pair_missing")})


@pytest.mark.parametrize(
    ("title", "problem"),
    [
        (("دوره", "1405-06"), (1, "دوره", "period_other")),
        (("دوره", "1405-Q3"), (1, "دوره", "period_other")),
        (("دوره", 140507.0), (1, "دوره", "period_other")),
        (("دوره",), (1, "دوره", "period_other")),
        (("گزارش",), (None, "دوره", "period_missing")),
    ],
    ids=str,
)
def test_file_of_another_period_is_refused(title: Sequence[Cell], problem: tuple[Any, Any, str]) -> None:
    assert refused(*SOUND, title=title) == ("nationals.file.refused", {problem})


def test_file_of_another_agreement_is_refused() -> None:
    def titled(agreement: Cell) -> list[SheetRow]:
        return rows_of(TITLE, ("توافق‌نامه", agreement), HEADINGS, *SOUND)

    services = (FreeService.EDUCATION,)
    assert read_report(titled(AGREEMENT.upper()), AGREEMENT, PERIOD, COUNTIES, services) == read(*SOUND)
    for other in ("01a20264-3357-72aa-9489-f37adb6f9c89", None, 1.0):
        with pytest.raises(Refusal) as caught:
            read_report(titled(other), AGREEMENT, PERIOD, COUNTIES, services)
        assert "agreement_other" in str(caught.value.details)


@pytest.mark.parametrize(
    "heading",
    ["نام و نام خانوادگی", "نام", "كد ملي", "کد‌ملی", "شماره تماس", "تلفن همراه", "Passport No.", "Full name", "phone",
     "ملیت", "تابعیت", "تاریخ تولد", "شماره گذرنامه", "کد فراگیر اتباع", "نشانی", "سن", "National ID", "نام پدر", "e-mail"],
)  # fmt: skip
def test_column_of_person_data_refuses_the_file(heading: str) -> None:
    extended = [(*row, "x") for row in SOUND]
    code, problems = refused(*extended, headings=(*HEADINGS, heading))
    assert code == "nationals.file.person_data"
    assert problems == {(2, "E", "person_data_column")}, "alone: nothing else about such a file matters"
    code, problems = refused(("x", "y"), headings=(heading, "other"), title=("فهرست",))
    assert code == "nationals.file.person_data", "also where none of our headings is there"


def test_person_data_without_a_heading_refuses_the_file() -> None:
    code, problems = refused((*SOUND[0], None, NATIONAL_ID), SOUND[1])
    assert (code, problems) == ("nationals.file.person_data", {(3, "F", "person_data_cell")})


def test_no_value_of_a_file_is_repeated() -> None:
    with pytest.raises(Refusal) as caught:
        read(("Maryam Rezaei", NATIONAL_ID, "09121234567", "x"), headings=(*HEADINGS, "Zahra"))
    told = str(caught.value.details)
    assert not any(value in told for value in ("Maryam", NATIONAL_ID, "0912", "Zahra"))


@pytest.mark.parametrize(
    ("headings", "codes"),
    [
        (HEADINGS[:3], {"column_missing"}),
        ((*HEADINGS, "شهرستان"), {"column_repeated"}),
        ((*HEADINGS, "توضیح"), {"column_unknown"}),
        (("گزارش فعالیت", None, None, None), {"headings_missing"}),
        ((HEADINGS[0], HEADINGS[1], "تعداد", None), {"column_missing", "column_unknown"}),
    ],
    ids=["missing", "repeated", "unknown", "merged into one", "merged over two columns"],
)
def test_wrong_headings_are_told(headings: Sequence[Cell], codes: set[str]) -> None:
    _, problems = refused(headings=headings)
    assert {code for _, _, code in problems} == codes


def test_hundreds_of_faults_are_counted_and_the_first_are_shown() -> None:
    with pytest.raises(Refusal) as caught:
        read(*[("کرج", "آموزش", 1.0, 1.0)] * 500)
    shown: Any = caught.value.details["rows"]
    assert (caught.value.details["refused_count"], len(shown)) == (500, PROBLEMS_SHOWN_MAX)


@pytest.mark.parametrize(
    "value",
    [
        NATIONAL_ID,
        "۰۴۹۹۳۷۰۸۹۹",
        "049-937089-9",
        499370899.0,
        "123456789012",
        "09121234567",
        "+98 912 123 4567",
        "a@b.ir",
    ],
)
def test_numbers_of_persons_are_known(value: str | float) -> None:
    assert holds_person_data(value)


@pytest.mark.parametrize("value", ["", "120", "۱۲٬۵۰۰", 12500.0, "آموزش", "1111111111", True, float("nan"), 1e300])
def test_counts_and_words_are_no_numbers_of_persons(value: str | float) -> None:
    assert not holds_person_data(value)


def test_a_reference_with_separators_is_no_number_of_a_person() -> None:
    assert not refers_to_person("0499/370899")
    assert not refers_to_person("9136610791"), (
        "ten digits of a register, though a mobile phone's without its zero look so"
    )
    assert refers_to_person(NATIONAL_ID)
    assert refers_to_person(f"TH-{NATIONAL_ID}")


@pytest.mark.parametrize("heading", ["شهرستان", "خدمت", "تعداد", "گروه شغلی", "county", "valid_until", "permit_number"])
def test_plain_headings_name_no_person(heading: str) -> None:
    assert not names_person_data(heading)


@pytest.mark.parametrize(
    ("written", "count"), [("۱۲٬۵۰۰", 12500), ("12,500", 12500), ("1 200", 1200), ("۰", 0), (7.0, 7)]
)
def test_counts_are_read_in_any_digits(written: str | float, count: int) -> None:
    assert read_count(written) == count


@pytest.mark.parametrize("written", ["12,50", "1,2,3", "", "٪۵", "0x10", "½"])
def test_doubtful_counts_are_not_guessed(written: str) -> None:
    with pytest.raises(NotACountError):
        read_count(written)


def test_every_county_and_service_is_known_by_its_names() -> None:
    for county in County:
        assert read_county(county.label_fa) is read_county(county.value) is county
        assert read_county(f"شهرستان {county.label_fa}") is county
    assert {read_service(service.value) for service in FreeService} == set(FreeService)
    assert read_county("کرج") is None


def test_periods_follow_each_other_over_the_new_year() -> None:
    month, quarter = read_key("1405-12"), read_key("1405-Q4")
    assert month
    assert quarter
    assert (month.next.key, quarter.next.key) == ("1406-01", "1406-Q1")
    assert month.last_on == quarter.last_on == date(2027, 3, 20)
    assert quarter.first_on == date(2026, 12, 22)
    assert read_key("1404-12") == period_on(Cadence.MONTHLY, date(2026, 3, 20))
    assert quarter.label_fa == "سه‌ماههٔ چهارم ۱۴۰۵"


@pytest.mark.parametrize(
    ("written", "key"),
    [("۱۴۰۵-۰۷", "1405-07"), ("1405/7", "1405-07"), ("1405-q3", "1405-Q3"), ("١٤٠٥-٠٧", "1405-07"),
     ("1405-13", None), ("1405-00", None), ("1405-Q5", None), ("مهر", None), ("2026-10", None)],
)  # fmt: skip
def test_periods_are_read_as_files_write_them(written: str, key: str | None) -> None:
    period = read_period(written)
    assert (period.key if period else None) == key
