"""States, submissions that cannot be, due times and risk: all pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from services.warehouse.domain import risk
from services.warehouse.domain.calendar import after_working_days
from services.warehouse.domain.corrective_action import due_at
from services.warehouse.domain.inspection import (
    Findings,
    InspectionState,
    ItemAnswer,
    ItemResult,
    ReviewDecision,
    check_review,
    check_submission,
    move,
)
from services.warehouse.domain.risk import RiskClass, next_due_on, risk_class
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import ChecklistItem, Severity, WarehouseKind
from shared.persian.calendar import OFFICE_ZONE, office_date, read_date

NOW = datetime(2025, 11, 22, 8, 0, tzinfo=UTC)
FOUND = Findings(Decimal(100), Decimal(40), Decimal(50), WarehouseKind.GENERAL, operating=True)
PASSED = [ItemAnswer(item, ItemResult.PASS) for item in ChecklistItem]

ALLOWED = {
    (InspectionState.ASSIGNED, InspectionState.SUBMITTED),
    (InspectionState.SUBMITTED, InspectionState.RETURNED),
    (InspectionState.SUBMITTED, InspectionState.COMPLETED),
    (InspectionState.SUBMITTED, InspectionState.DISPUTED),
    (InspectionState.DISPUTED, InspectionState.COMPLETED),
    (InspectionState.RETURNED, InspectionState.SUBMITTED),
}


@pytest.mark.parametrize("state", list(InspectionState))
@pytest.mark.parametrize("to", list(InspectionState))
def test_transitions(state: InspectionState, to: InspectionState) -> None:
    if (state, to) in ALLOWED:
        assert move(state, to) is to
    else:
        with pytest.raises(Refusal, match="wrong_state"):
            move(state, to)


@pytest.mark.parametrize(
    ("found", "answers", "inspected_at", "code"),
    [
        (FOUND, PASSED, NOW + timedelta(hours=25), "inspected_in_future"),
        (replace(FOUND, in_use_capacity_tonnes=Decimal("100.001")), PASSED, NOW, "in_use_over_capacity"),
        (replace(FOUND, latitude=Decimal(35)), PASSED, NOW, "coordinate_incomplete"),
        (FOUND, PASSED[1:], NOW, "checklist_incomplete"),
        (FOUND, [*PASSED, PASSED[0]], NOW, "checklist_incomplete"),
        (FOUND, [], NOW, "checklist_incomplete"),
        (FOUND, [*PASSED[1:], ItemAnswer(PASSED[0].item, ItemResult.FAIL, photos=("a.jpg",))], NOW, "severity_missing"),
        (FOUND, [*PASSED[1:], ItemAnswer(PASSED[0].item, ItemResult.FAIL, Severity.MINOR)], NOW, "photo_missing"),
        (FOUND, [*PASSED[1:], replace(PASSED[0], photos=("a.jpg", "a.jpg"))], NOW, "photo_repeated"),
        (FOUND, [*PASSED[1:], replace(PASSED[0], photos=("general.jpg",))], NOW, "photo_repeated"),
        (FOUND, [*PASSED[1:], replace(PASSED[0], photos=tuple(map(str, range(20))))], NOW, "photos_too_many"),
    ],
)
def test_what_cannot_have_been_found(
    found: Findings, answers: Sequence[ItemAnswer], inspected_at: datetime, code: str
) -> None:
    with pytest.raises(Refusal, match=f"warehouse.submission.{code}"):
        check_submission(found, answers, ["general.jpg"], inspected_at, NOW)


def test_a_whole_submission_is_taken() -> None:
    failed = ItemAnswer(PASSED[0].item, ItemResult.FAIL, Severity.MINOR, ("a.jpg",))
    check_submission(FOUND, [failed, *PASSED[1:]], ["b.jpg"], NOW + timedelta(hours=23), NOW)


def test_reviews() -> None:
    with pytest.raises(Refusal, match="own_inspection"):
        check_review("maryam", "maryam", ReviewDecision.APPROVE, [])
    with pytest.raises(Refusal, match="reasons_missing"):
        check_review("maryam", "reza", ReviewDecision.RETURN, ["  "])
    check_review("maryam", "reza", ReviewDecision.RETURN, ["عکس ناخواناست"])
    check_review("maryam", "reza", ReviewDecision.APPROVE, [])


@pytest.mark.parametrize(
    ("opened", "severity", "due"),
    [
        ("2025-11-22T08:00", Severity.CRITICAL, "2025-11-23T08:00"),
        ("2025-11-26T08:00", Severity.CRITICAL, "2025-11-29T08:00"),
        ("2025-11-27T08:00", Severity.CRITICAL, "2025-11-29T08:00"),
        ("2025-11-22T08:00", Severity.MAJOR, "2025-11-29T08:00"),
        ("2025-11-22T08:00", Severity.MINOR, "2025-12-20T08:00"),
    ],
)
def test_due_times_skip_thursday_and_friday(opened: str, severity: Severity, due: str) -> None:
    local = datetime.fromisoformat(opened).replace(tzinfo=OFFICE_ZONE)
    assert (
        due_at(severity, local.astimezone(UTC), frozenset[date]()).astimezone(OFFICE_ZONE).strftime("%Y-%m-%dT%H:%M")
        == due
    )


def test_the_office_day_is_the_provinces_day() -> None:
    assert office_date(datetime(2025, 11, 21, 20, 31, tzinfo=UTC)) == date(2025, 11, 22)
    assert after_working_days(NOW, 0, frozenset[date]()) == NOW


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("1404/09/01", date(2025, 11, 22)),
        ("۱۴۰۴/۹/۱", date(2025, 11, 22)),
        ("١٤٠٤-٠٩-٠١", date(2025, 11, 22)),
        ("2025-11-22", date(2025, 11, 22)),
        ("2025-11-22T10:00:00", date(2025, 11, 22)),
        (datetime(2025, 11, 22, 1), date(2025, 11, 22)),  # noqa: DTZ001 - as a spreadsheet gives it
        ("1403/12/30", date(2025, 3, 20)),
        ("1404/12/30", None),
        ("1404/09-01", None),
        ("04/09/01", None),
        ("1404/13/01", None),
        ("1700-01-01", None),
        (date(1900, 1, 1), None),
        ("", None),
    ],
)
def test_dates_on_paper(written: str | date, found: date | None) -> None:
    assert read_date(written) == found


def test_risk_and_next_due() -> None:
    assert risk_class(WarehouseKind.HAZARDOUS, Decimal(1)) is RiskClass.A
    assert risk_class(WarehouseKind.GENERAL, Decimal(19_999)) is RiskClass.C
    assert risk_class(WarehouseKind.GENERAL, Decimal(20_000)) is RiskClass.B
    today = date(2025, 11, 22)
    assert next_due_on(RiskClass.A, today, None, discrepancy_open=False) == today + timedelta(days=15)
    assert next_due_on(RiskClass.B, today, today, discrepancy_open=False) == today + timedelta(days=180)
    assert next_due_on(RiskClass.B, today, today, discrepancy_open=True) == today + timedelta(days=90)
    assert next_due_on(RiskClass.A, today, date(2020, 1, 1), discrepancy_open=False) == today
    assert set(risk.INTERVAL_DAYS) == set(risk.FIRST_INSPECTION_DAYS) == set(RiskClass)
