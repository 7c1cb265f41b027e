"""Working days with public holidays, how far an action may be extended, and who may lift a hold."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.warehouse.domain.calendar import after_working_days, is_working_day, next_working_day
from services.warehouse.domain.corrective_action import EXTENSION_DAYS_MAX, due_at, extended_due_at
from services.warehouse.domain.hold import Authority, authorities_of, check_lifting, check_officer, referred_to
from services.warehouse.public_holidays import PUBLIC_HOLIDAYS
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import HoldGround, Severity
from shared.persian.calendar import OFFICE_ZONE, office_date, read_holidays, start_of
from shared.persian.public_holidays import SHIPPED_FILE, HolidaysError, read_public_holidays


def office(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OFFICE_ZONE).astimezone(UTC)


NOW = office("2026-11-22T10:00")
"""A Sunday."""
NONE = frozenset[date]()


@pytest.mark.parametrize(
    ("opened", "severity", "due"),
    [
        ("2026-03-18T08:30", Severity.CRITICAL, "2026-03-25T08:30"),
        ("2026-06-03T08:30", Severity.CRITICAL, "2026-06-06T08:30"),
        ("2026-06-03T08:30", Severity.MAJOR, "2026-06-10T08:30"),
        ("2026-08-03T08:30", Severity.CRITICAL, "2026-08-05T08:30"),
    ],
    ids=["nowruz", "14-and-15-khordad-are-a-weekend", "five-days", "arbaeen"],
)
def test_public_holidays_are_no_working_days(opened: str, severity: Severity, due: str) -> None:
    holidays = PUBLIC_HOLIDAYS | {date(2026, 3, 19), date(2026, 3, 20)}
    assert due_at(severity, office(opened), holidays) == office(due)


def test_the_shipped_holidays_are_the_two_years_that_they_say() -> None:
    assert {date(2026, 3, 21), date(2026, 6, 25), date(2027, 2, 11), date(2027, 3, 21)} <= PUBLIC_HOLIDAYS
    assert min(PUBLIC_HOLIDAYS) == date(2026, 3, 21)
    assert max(PUBLIC_HOLIDAYS) == date(2028, 3, 19)
    assert len(PUBLIC_HOLIDAYS) == 53
    # Thursdays and Fridays among the days of 1405, as the published calendar of that year says.
    of_1405 = [day for day in PUBLIC_HOLIDAYS if day < date(2027, 3, 21)]
    assert [sum(day.weekday() == weekday for day in of_1405) for weekday in (3, 4)] == [6, 3]


def test_every_day_is_worked_or_not_and_counting_agrees() -> None:
    for days in range(1, 60):
        due = after_working_days(NOW, days, PUBLIC_HOLIDAYS)
        between = [office_date(NOW) + timedelta(days=n + 1) for n in range((due - NOW).days)]
        assert sum(is_working_day(day, PUBLIC_HOLIDAYS) for day in between) == days
        assert is_working_day(office_date(due), PUBLIC_HOLIDAYS)


def test_a_day_begins_at_midnight_in_the_province() -> None:
    assert start_of(date(2026, 11, 22)) == datetime(2026, 11, 21, 20, 30, tzinfo=UTC)
    assert next_working_day(date(2026, 11, 26), NONE) == date(2026, 11, 28)
    assert next_working_day(date(2026, 11, 25), NONE) == date(2026, 11, 25)


def test_another_file_of_holidays_is_read_and_a_wrong_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "holidays.yaml"
    file.write_text("version: 1\nholidays:\n  1405/09/01: یک\n  '2026-12-01': دو\n", encoding="utf-8")
    assert read_public_holidays(file) == {date(2026, 11, 22), date(2026, 12, 1)}
    assert read_public_holidays(SHIPPED_FILE) == PUBLIC_HOLIDAYS
    for text in (
        "",
        "version: 1\nholidays: {1405/13/01: x}\n",
        "holidays: {}\n",
        "version: 1\nholidays: [a]\n",
        "a: [",
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(HolidaysError, match=r"holidays\.yaml"):
            read_public_holidays(file)
    with pytest.raises(HolidaysError):
        read_public_holidays(tmp_path / "absent.yaml")
    with pytest.raises(ValueError, match="فردا"):
        read_holidays(["فردا"])


def test_an_extension_keeps_the_time_of_day() -> None:
    due = office("2026-11-24T09:15")
    assert extended_due_at(due, date(2026, 12, 1), NOW, NONE) == office("2026-12-01T09:15")
    overdue = office("2026-11-20T09:15")
    assert extended_due_at(overdue, date(2026, 11, 23), NOW, NONE) == office("2026-11-23T09:15")


@pytest.mark.parametrize(
    ("due", "due_on", "code"),
    [
        ("2026-11-24T09:15", date(2026, 11, 24), "extension_too_early"),
        ("2026-11-24T09:15", date(2026, 11, 23), "extension_too_early"),
        ("2026-11-20T09:15", date(2026, 11, 22), "extension_too_early"),
        ("2026-11-24T09:15", date(2026, 11, 22) + timedelta(days=EXTENSION_DAYS_MAX + 1), "extension_too_late"),
        ("2026-11-24T09:15", date(2026, 11, 27), "extension_day_off"),
        ("2026-11-24T09:15", date(2026, 11, 30), "extension_day_off"),
    ],
)
def test_what_is_no_extension(due: str, due_on: date, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        extended_due_at(office(due), due_on, NOW, {date(2026, 11, 30)})
    assert refused.value.reason.code == f"warehouse.action.{code}"
    if code == "extension_day_off":
        assert refused.value.details["next_working_day"] in {"2026-11-28", "2026-12-01"}


@pytest.mark.parametrize(
    ("placed_by", "lifted_by", "answered", "without_answer", "code"),
    [
        ("a", "b", True, False, None),
        ("a", "b", False, True, None),
        ("a", "b", False, False, "not_answered"),
        ("a", "a", True, True, "lifted_by_placer"),
        ("a", "system", True, True, "lifted_by_software"),
        ("a", "service-account-archive", True, True, "lifted_by_software"),
    ],
)
def test_who_may_lift_a_hold(
    placed_by: str, lifted_by: str, answered: bool, without_answer: bool, code: str | None
) -> None:
    if code is None:
        check_lifting(placed_by, lifted_by, answered, without_answer)
        return
    with pytest.raises(Refusal) as refused:
        check_lifting(placed_by, lifted_by, answered, without_answer)
    assert refused.value.reason.code == f"warehouse.hold.{code}"


def test_a_ground_is_referred_to_one_authority() -> None:
    assert referred_to(HoldGround.BIOLOGICAL_HAZARD) is Authority.HEALTH_AUTHORITY
    assert referred_to(HoldGround.SMUGGLING_SUSPICION) is Authority.ANTI_SMUGGLING_COMMISSION


def test_an_officer_acts_for_one_authority_and_is_a_person() -> None:
    health = frozenset({"health_officer"})
    assert authorities_of(health) == {Authority.HEALTH_AUTHORITY}
    assert authorities_of(frozenset({"county_chair"})) == frozenset()
    check_officer("health_officer.rey", health, Authority.HEALTH_AUTHORITY)
    for account, authority, code in (
        ("health_officer.rey", Authority.ANTI_SMUGGLING_COMMISSION, "another_authority"),
        ("system", Authority.HEALTH_AUTHORITY, "by_software"),
    ):
        with pytest.raises(Refusal) as refused:
            check_officer(account, health, authority)
        assert refused.value.reason.code == f"warehouse.referral.{code}"
