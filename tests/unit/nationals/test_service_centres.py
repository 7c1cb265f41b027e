"""Planning slots, reading claim codes, the province's calendar, and the data that ship."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nationals.free_services.domain.booking import (
    CLAIM_ALPHABET,
    CLAIM_CHARACTERS,
    BookingState,
    check_bookable,
    check_step,
    claim_hash,
    printed,
    waited_minutes,
)
from services.nationals.free_services.domain.calendar import FRIDAY, JalaliMonth, open_days
from services.nationals.free_services.domain.centre import Offer, OpeningHours, Weekday, check_hours, plan_slots
from services.nationals.free_services.domain.figures import Cell
from services.nationals.free_services.example_centres import read_examples
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.persian.calendar import OFFICE_ZONE, office_date
from shared.persian.public_holidays import SHIPPED_FILE, read_public_holidays

SATURDAY = date(2026, 11, 21)
EDUCATION = Offer(FreeService.EDUCATION, True, 4, 45)
NO_HOLIDAYS: frozenset[date] = frozenset()
START = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def test_slots_fill_the_hours_and_never_reach_beyond_them() -> None:
    hours = [OpeningHours(Weekday.SATURDAY, time(8), time(10)), OpeningHours(Weekday.THURSDAY, time(8), time(8, 44))]
    idle = Offer(FreeService.LEGAL_AID, False, 4, 45)
    planned = plan_slots(hours, [EDUCATION, idle], SATURDAY, 7, NO_HOLIDAYS)
    assert [slot.starts_at.astimezone(OFFICE_ZONE).time() for slot in planned] == [time(8), time(8, 45)]
    assert {slot.starts_at.astimezone(OFFICE_ZONE).date() for slot in planned} == {SATURDAY}
    assert {(slot.service, slot.minutes, slot.capacity) for slot in planned} == {(FreeService.EDUCATION, 45, 4)}
    assert plan_slots(hours, [EDUCATION], SATURDAY, 7, frozenset({SATURDAY})) == []


@given(st.integers(0, 60), st.dates(date(2026, 1, 1), date(2027, 12, 1)))
def test_no_open_day_is_a_friday_or_a_holiday(days: int, from_on: date) -> None:
    holidays = read_public_holidays(SHIPPED_FILE)
    found = open_days(from_on, days, holidays)
    assert all(day.weekday() != FRIDAY and day not in holidays for day in found)
    closed = {from_on + timedelta(days=number) for number in range(days)} - set(found)
    assert all(day.weekday() == FRIDAY or day in holidays for day in closed)


def test_hours_that_make_no_sense_are_refused() -> None:
    with pytest.raises(Refusal, match="closes_before_opening"):
        check_hours([OpeningHours(Weekday.SUNDAY, time(9), time(9))])
    with pytest.raises(Refusal, match="weekday_repeated"):
        check_hours([OpeningHours(Weekday.SUNDAY, time(8), time(9)), OpeningHours(Weekday.SUNDAY, time(10), time(12))])


@given(st.text(CLAIM_ALPHABET, min_size=CLAIM_CHARACTERS, max_size=CLAIM_CHARACTERS))
def test_claim_code_reads_the_same_however_it_is_typed(code: str) -> None:
    assert claim_hash(printed(code)) == claim_hash(code.lower()) == claim_hash(f" {printed(code)}\n")
    assert claim_hash(code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))) == claim_hash(code)


@pytest.mark.parametrize(
    "written", ["", "۰۰۱۲۳۴۵۶۷۸", "Ahmad Karimi", "2222-2222-222", "2222-2222-2220", "2222-2222-2222-2"]
)
def test_what_is_no_claim_code_is_refused(written: str) -> None:
    with pytest.raises(Refusal, match="claim_code_unreadable"):
        claim_hash(written)


@pytest.mark.parametrize(
    ("to", "minutes_after_start", "refusal"),
    [
        (BookingState.RELEASED, -600, None),
        (BookingState.RELEASED, 29, None),
        (BookingState.RELEASED, 30, "over"),
        (BookingState.NO_SHOW, 29, "not_over"),
        (BookingState.NO_SHOW, 30, None),
        (BookingState.CHECKED_IN, -61, "not_the_time"),
        (BookingState.CHECKED_IN, -60, None),
        (BookingState.CHECKED_IN, 15 * 60 + 29, None),
        (BookingState.CHECKED_IN, 15 * 60 + 30, "not_the_time"),
    ],
)
def test_steps_of_a_booking_in_time(to: BookingState, minutes_after_start: int, refusal: str | None) -> None:
    now = START + timedelta(minutes=minutes_after_start)
    if refusal is None:
        check_step(BookingState.HELD, to, START, 30, now)
    else:
        with pytest.raises(Refusal, match=refusal):
            check_step(BookingState.HELD, to, START, 30, now)
    with pytest.raises(Refusal, match="booking_ended"):
        check_step(BookingState.NO_SHOW, to, START, 30, now)


def test_only_a_coming_slot_with_room_is_bookable() -> None:
    check_bookable(START, 3, 2, START - timedelta(seconds=1))
    with pytest.raises(Refusal, match="begun"):
        check_bookable(START, 3, 0, START)
    with pytest.raises(Refusal, match="full"):
        check_bookable(START, 3, 3, START - timedelta(days=1))
    assert waited_minutes(START, START - timedelta(minutes=5)) == 0
    assert waited_minutes(START, START + timedelta(minutes=5, seconds=59)) == 5


@pytest.mark.parametrize(("year", "month", "days"), [(1405, 1, 31), (1405, 7, 30), (1405, 12, 29), (1403, 12, 30)])
def test_jalali_months_follow_each_other(year: int, month: int, days: int) -> None:
    one = JalaliMonth(year, month)
    assert (one.after_last_day - one.first_day).days == days
    assert JalaliMonth(*one.previous).after_last_day == one.first_day
    midnight = datetime.combine(one.after_last_day, time(), OFFICE_ZONE)
    assert one.is_over(midnight)
    assert not one.is_over(midnight - timedelta(seconds=1))


@pytest.mark.parametrize(("year", "month"), [(1399, 12), (1500, 1), (1405, 0), (1405, 13)])
def test_month_outside_the_calendar(year: int, month: int) -> None:
    with pytest.raises(ValueError, match="is no month"):
        JalaliMonth(year, month)


def test_need_is_what_is_known_or_estimated_whichever_is_more() -> None:
    cell = Cell(visits=20, turned_away=5, waiting=7, estimate=30, slots_offered=25)
    assert (cell.need, cell.shortage) == (32, 7)
    assert Cell(visits=20, estimate=90, slots_offered=100).need == 90
    assert Cell(visits=20, slots_offered=100).shortage == 0


def test_shipped_examples() -> None:
    examples = read_examples()
    assert [example.name_fa for example in examples] == ["خلیج فارس", "گل تپه"]
    for example in examples:
        check_hours(example.hours)
        assert plan_slots(example.hours, example.offers, office_date(START), 7, NO_HOLIDAYS)
