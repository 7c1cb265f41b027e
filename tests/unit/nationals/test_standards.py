"""Written standards: what a centre has says how many it may take; the shipped file is readable and can be replaced."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nationals.casework.domain import capacity_refusals
from services.nationals.casework.domain.standards import (
    CentreRecord,
    CentreStandards,
    Measure,
    check_record,
    check_standards,
    lacking,
    places_allowed,
)
from services.nationals.casework.standards import STANDARDS_FILE, read_standards
from shared.contracts.refusals import Refusal

SHIPPED = read_standards(STANDARDS_FILE)


def record(floor_area_m2: str, toilets: int, staff_per_shift: int) -> CentreRecord:
    return CentreRecord(Decimal(floor_area_m2), toilets, staff_per_shift, SHIPPED)


@pytest.mark.parametrize(
    ("measured", "allowed"),
    [
        (record("350", 5, 4), 100),
        (record("349.99", 5, 4), 99),
        (record("9999", 3, 40), 60),
        (record("9999", 50, 1), 25),
        (record("0", 50, 50), 0),
    ],
)
def test_the_scarcest_of_the_three_says_how_many(measured: CentreRecord, allowed: int) -> None:
    assert places_allowed(measured) == allowed
    check_standards(measured, allowed)
    check_record(measured, allowed)
    with pytest.raises(Refusal) as refused:
        check_standards(measured, allowed + 1)
    assert refused.value.reason is capacity_refusals.CAPACITY_ABOVE_STANDARDS
    with pytest.raises(Refusal) as refused:
        check_record(measured, allowed + 1)
    assert refused.value.reason is capacity_refusals.RECORD_BELOW_CAPACITY


def test_the_refusal_says_what_lacks() -> None:
    with pytest.raises(Refusal) as refused:
        check_standards(record("340", 5, 2), 101)
    details = refused.value.details
    assert (details["floor_area_m2_lacking"], details["toilets_lacking"], details["staff_per_shift_lacking"]) == (
        "13.5",
        "1",
        "3",
    )
    assert "13.5" in refused.value.text("fa")
    assert "13.5" in refused.value.text("en")


def test_an_unmeasured_centre_has_no_places() -> None:
    with pytest.raises(Refusal) as refused:
        check_standards(None, 1)
    assert refused.value.reason is capacity_refusals.CENTRE_NOT_MEASURED


@given(
    st.decimals(0, 5000, places=2),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 50),
    st.integers(1, 50),
    st.decimals("0.01", 20, places=2),
    st.integers(0, 3000),
)
def test_what_lacks_would_suffice(
    floor: Decimal, toilets: int, staff: int, per_toilet: int, per_staff: int, per_person: Decimal, places: int
) -> None:
    standards = CentreStandards("x", per_person, per_toilet, per_staff)
    measured = CentreRecord(floor, toilets, staff, standards)
    lacks = lacking(measured, places)
    assert (places <= places_allowed(measured)) == (not any(lacks.values()))
    mended = CentreRecord(
        floor + lacks[Measure.FLOOR_AREA_M2],
        toilets + int(lacks[Measure.TOILETS]),
        staff + int(lacks[Measure.STAFF_PER_SHIFT]),
        standards,
    )
    assert places_allowed(mended) >= places


def test_the_shipped_file_cites_its_source_and_says_that_it_is_a_draft() -> None:
    text = STANDARDS_FILE.read_text("utf-8")
    assert "Sphere Handbook" in text
    assert "province must confirm" in text
    assert SHIPPED.floor_area_m2_per_person == Decimal("3.5")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "version: [", "version: x", "version: x\nsource: y\nfloor_area_m2_per_person: 0\n"],
)
def test_a_file_that_cannot_be_used_says_so(tmp_path: Path, text: str) -> None:
    written = tmp_path / "standards.yaml"
    written.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"standards\.yaml|StandardsFile"):
        read_standards(written)


def test_another_file_replaces_the_shipped_one(tmp_path: Path) -> None:
    written = tmp_path / "standards.yaml"
    written.write_text(
        "version: province-1405\nsource: the province\nfloor_area_m2_per_person: '4.5'\n"
        "persons_per_toilet: 15\npersons_per_staff_member: 20\n",
        "utf-8",
    )
    assert read_standards(written) == CentreStandards("province-1405", Decimal("4.5"), 15, 20)
