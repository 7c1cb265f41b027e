"""Work permits carry numbers of offices, a county and a day; files with anything of a person are refused."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from services.nationals.free_services.domain.work_permit import (
    PERMIT_HEADINGS,
    OccupationGroup,
    Permit,
    compare,
    read_permits,
)
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.spreadsheet.rows import Cell, Formula, RowReason, SheetRow

TODAY = date(2026, 11, 22)
HEADINGS: tuple[Cell, ...] = tuple(texts[0] for texts in PERMIT_HEADINGS.values())
SOUND: tuple[Cell, ...] = ("TH/1405-123", "10101234567", "ساختمانی", "شهرستان ري", "۱۴۰۵/۱۲/۲۰")
PERMIT = Permit("TH/1405-123", "10101234567", OccupationGroup.CONSTRUCTION, County.REY, date(2027, 3, 11))
NATIONAL_ID = "0499370899"


def read(*rows: Sequence[Cell], headings: Sequence[Cell] = HEADINGS) -> list[Permit]:
    numbered = [SheetRow(number, tuple(cells)) for number, cells in enumerate((headings, *rows), 1)]
    return [row.permit for row in read_permits(numbered, TODAY)]


def refused(*rows: Sequence[Cell], headings: Sequence[Cell] = HEADINGS) -> tuple[str, set[tuple[Any, Any, str]]]:
    with pytest.raises(Refusal) as caught:
        read(*rows, headings=headings)
    details: Any = caught.value.details["rows"]
    return caught.value.reason.code, {(row["row"], row["column"], row["code"]) for row in details}


@pytest.mark.parametrize(
    "row",
    [
        SOUND,
        ("th/1405-123", 10101234567.0, "construction", "rey", "2027-03-11"),
        (" TH/۱۴۰۵-۱۲۳ ", "۱۰۱۰۱۲۳۴۵۶۷", "کارهای ساختمانی", "ری", date(2027, 3, 11)),
        ("TH/1405-123", "10101234567", "ساختمان", "ری", datetime(2027, 3, 11, 12)),  # noqa: DTZ001
    ],
    ids=["Persian", "English", "mixed", "the sheet's own date"],
)
def test_spellings_of_real_files_say_the_same(row: Sequence[Cell]) -> None:
    assert read(row) == [PERMIT]


@pytest.mark.parametrize(
    ("place", "cell", "code"),
    [
        (0, "12", "reference_unreadable"),
        (0, "Rezaei Maryam 12345", "reference_unreadable"),
        (0, "۱۲۳ رضایی", "reference_unreadable"),
        (0, 1.5, "reference_unreadable"),
        (0, True, "reference_unreadable"),
        (0, float("nan"), "reference_unreadable"),
        (0, "'; DROP TABLE", "reference_unreadable"),
        (0, Formula(), "cell_formula"),
        (1, None, "required_blank"),
        (2, "پزشکی", "occupation_unknown"),
        (3, "کرج", "county_unknown"),
        (4, "1405/13/01", "date_unreadable"),
        (4, "1405/12/30", "date_unreadable"),
        (4, 46000.0, "date_unreadable"),
        (4, "دیروز", "date_unreadable"),
        (4, "1499/01/01", "date_too_far"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused_with_row_column_and_reason(place: int, cell: Cell, code: str) -> None:
    row = (*SOUND[:place], cell, *SOUND[place + 1 :])
    assert refused(("TH-999", *SOUND[1:]), row) == ("nationals.file.refused", {(3, HEADINGS[place], code)})


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("cell", [NATIONAL_ID, float(NATIONAL_ID), "۰۴۹۹۳۷۰۸۹۹", "123456789012", "09121234567"])
def test_number_of_a_person_is_refused_as_a_reference(place: int, cell: Cell) -> None:
    row = (*SOUND[:place], cell, *SOUND[place + 1 :])
    assert refused(row) == ("nationals.file.person_data", {(2, HEADINGS[place], "person_data_cell")})


@pytest.mark.parametrize(
    "heading", ["نام دارنده", "نام", "ملیت", "تابعیت", "کد ملی", "شماره گذرنامه", "holder", "کد فراگیر"]
)
def test_file_with_a_column_of_the_holder_is_refused(heading: str) -> None:
    code, problems = refused((*SOUND, "x"), headings=(*HEADINGS, heading))
    assert (code, problems) == ("nationals.file.person_data", {(1, "F", "person_data_column")})


def test_file_with_any_other_column_is_refused() -> None:
    code, problems = refused((*SOUND, "x"), headings=(*HEADINGS, "ملاحظات"))
    assert (code, problems) == ("nationals.file.refused", {(1, "F", "column_unknown"), (2, "F", "column_unknown")})


def test_number_that_comes_twice_is_refused() -> None:
    assert refused(SOUND, SOUND) == ("nationals.file.refused", {(3, HEADINGS[0], "permit_repeated")})


def test_later_day_is_a_renewal_and_everything_else_that_differs_is_told() -> None:
    def with_(**changes: Any) -> Permit:
        values = {name: getattr(PERMIT, name) for name in PERMIT.__slots__} | changes
        return Permit(**values)

    assert compare(PERMIT, PERMIT) is None
    assert compare(PERMIT, with_(valid_until=date(2028, 1, 1))) is None
    for changes, code in (
        ({"valid_until": date(2027, 1, 1)}, "permit_shortened"),
        ({"employer_reference": "10101234568"}, "permit_differs"),
        ({"occupation_group": OccupationGroup.OTHER}, "permit_differs"),
        ({"county": County.PARDIS}, "permit_differs"),
    ):
        found = compare(PERMIT, with_(**changes))
        assert found
        assert isinstance(found[1], RowReason)
        assert found[1].code == code
