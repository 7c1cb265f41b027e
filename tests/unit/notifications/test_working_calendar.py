"""Waits in working time: never in closed time, additive, monotone; the shipped holidays; hours that nothing could wait by."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from services.notifications.domain.office_hours import DEFAULT, OfficeHours, OpeningHours, require_open
from services.notifications.domain.working_calendar import (
    DEFAULT_HOURS,
    Weekday,
    WorkingCalendar,
    after_working_time,
)
from services.notifications.public_holidays import PUBLIC_HOLIDAYS
from services.warehouse.domain.calendar import is_working_day
from shared.contracts.refusals import Refusal
from shared.persian.calendar import OFFICE_ZONE, office_moment

TODAY = date(2026, 11, 22)
"""A Sunday, 1405/09/01."""
USUAL = WorkingCalendar(DEFAULT_HOURS, PUBLIC_HOLIDAYS)


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(*divmod(minute, 60)))
    hours: dict[Weekday, tuple[time, time]] = {}
    for weekday in draw(st.sets(st.sampled_from(list(Weekday)), min_size=1)):
        opens, closes = sorted((draw(minutes), draw(minutes)))
        hours[weekday] = (closes, time()) if draw(st.booleans()) else (opens, closes)
    closed = draw(st.frozensets(st.dates(TODAY - timedelta(days=40), TODAY + timedelta(days=60)), max_size=40))
    calendar = WorkingCalendar(hours, closed)
    assume(calendar.open_in_a_week >= timedelta(hours=1))
    return calendar


MOMENTS = st.datetimes(datetime(2026, 10, 1), datetime(2027, 3, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware
WAITS = st.integers(0, 14 * 24 * 3600).map(lambda wait_s: timedelta(seconds=wait_s))


def is_open(moment: datetime, calendar: WorkingCalendar) -> bool:
    """By the wall clock of the office, without the intervals that the code under test works with."""
    local = moment.astimezone(OFFICE_ZONE)
    hours = calendar.hours.get(list(Weekday)[local.weekday()])
    if hours is None or local.date() in calendar.closed_days:
        return False
    opens, closes = hours
    return opens <= local.time() and (closes == time() or local.time() < closes)


@given(MOMENTS, WAITS, calendars())
def test_no_wait_ends_in_closed_time_or_before_it_began(
    begin: datetime, wait: timedelta, calendar: WorkingCalendar
) -> None:
    end = after_working_time(begin, wait, calendar)
    assert is_open(end, calendar)
    assert end - begin >= wait
    assert end.tzinfo is UTC


@given(MOMENTS, WAITS, WAITS, calendars())
def test_two_waits_one_after_the_other_are_their_sum(
    begin: datetime, first: timedelta, second: timedelta, calendar: WorkingCalendar
) -> None:
    in_two = after_working_time(after_working_time(begin, first, calendar), second, calendar)
    assert in_two == after_working_time(begin, first + second, calendar)


@given(MOMENTS, WAITS, WAITS, WAITS, calendars())
def test_who_begins_later_or_waits_longer_never_ends_earlier(
    begin: datetime, later: timedelta, wait: timedelta, longer: timedelta, calendar: WorkingCalendar
) -> None:
    end = after_working_time(begin, wait, calendar)
    assert after_working_time(begin + later, wait, calendar) >= end
    assert after_working_time(begin, wait + longer, calendar) >= end


@given(st.datetimes(datetime(2026, 11, 22), datetime(2026, 11, 25)), st.integers(1, 600))  # noqa: DTZ001 - made aware
def test_the_open_minutes_of_a_wait_counted_one_by_one_are_the_wait(begin: datetime, minutes: int) -> None:
    start = begin.replace(tzinfo=UTC, second=0, microsecond=0)
    end = after_working_time(start, timedelta(minutes=minutes), USUAL)
    passed = [start + timedelta(minutes=number) for number in range(int((end - start) / timedelta(minutes=1)))]
    assert sum(is_open(moment, USUAL) for moment in passed) == minutes


def test_a_wait_of_an_hour_that_begins_half_an_hour_before_the_weekend_ends_on_saturday() -> None:
    wednesday, saturday = date(2026, 11, 25), date(2026, 11, 28)
    end = after_working_time(office_moment(wednesday, time(15, 30)), timedelta(hours=1), USUAL)
    assert end == office_moment(saturday, time(8, 30))


def test_what_would_end_at_closing_ends_when_the_office_opens_again() -> None:
    end = after_working_time(office_moment(TODAY, time(8)), timedelta(hours=8), USUAL)
    assert end == office_moment(date(2026, 11, 23), time(8))


def test_nowruz_is_waited_out() -> None:
    last_working_day = JalaliDate(1405, 12, 26).to_gregorian()
    end = after_working_time(office_moment(last_working_day, time(15)), timedelta(hours=8), USUAL)
    assert JalaliDate.to_jalali(end.astimezone(OFFICE_ZONE).date()) == JalaliDate(1406, 1, 7)


def test_closing_at_midnight_is_the_end_of_the_day() -> None:
    always = WorkingCalendar({weekday: (time(), time()) for weekday in Weekday}, frozenset())
    begin = datetime(2026, 11, 22, 13, 7, 5, tzinfo=UTC)
    assert after_working_time(begin, timedelta(days=9, minutes=3), always) == begin + timedelta(days=9, minutes=3)


def test_summer_time_of_past_years_is_the_zones_matter() -> None:
    before = office_moment(date(2022, 3, 16), time(15))
    end = after_working_time(
        before, timedelta(hours=24 * 5), WorkingCalendar({w: (time(), time()) for w in Weekday}, frozenset())
    )
    assert end - before == timedelta(days=5)


NEVER_OPEN: list[Mapping[Weekday, tuple[time, time]]] = [
    {},
    {Weekday.SATURDAY: (time(8), time(8, 30))},
    {Weekday.SATURDAY: (time(16), time(8))},
]


@pytest.mark.parametrize("hours", NEVER_OPEN)
def test_a_calendar_without_an_open_hour_cannot_be_waited_by(hours: Mapping[Weekday, tuple[time, time]]) -> None:
    with pytest.raises(ValueError, match="open hour"):
        after_working_time(datetime(2026, 11, 22, tzinfo=UTC), timedelta(hours=1), WorkingCalendar(hours, frozenset()))


def test_a_negative_wait_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        after_working_time(datetime(2026, 11, 22, tzinfo=UTC), timedelta(seconds=-1), USUAL)


def test_the_usual_week_is_that_of_the_inspections() -> None:
    days = [TODAY + timedelta(days=number) for number in range(400)]
    assert [USUAL.open_on(day) is not None for day in days] == [is_working_day(day, PUBLIC_HOLIDAYS) for day in days]


def test_the_shipped_holidays_cover_this_and_the_next_jalali_year() -> None:
    years = [JalaliDate.to_jalali(day).year for day in PUBLIC_HOLIDAYS]
    this = JalaliDate.to_jalali(TODAY).year
    assert min(years.count(this), years.count(this + 1)) >= 20


def hours_of(opens: str, closes: str, *weekdays: Weekday) -> OfficeHours:
    one = OpeningHours(opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))
    return OfficeHours(hours=dict.fromkeys(weekdays, one))


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        (hours_of("16:00", "08:00", Weekday.SATURDAY), "notifications.calendar.hours_reversed"),
        (hours_of("08:00", "08:00", Weekday.SATURDAY), "notifications.calendar.hours_reversed"),
        (hours_of("08:00", "08:59", Weekday.SATURDAY), "notifications.calendar.never_open"),
        (OfficeHours(hours={}), "notifications.calendar.never_open"),
        (OfficeHours(hours=DEFAULT.hours, closed_days=(date(1405, 1, 1),)), "notifications.day_not_gregorian"),
    ],
)
def test_hours_that_nothing_could_wait_by_are_refused(hours: OfficeHours, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_open(hours)
    assert refused.value.reason.code == code
    assert "{" not in refused.value.text("fa") + refused.value.text("en")


def test_usual_and_round_the_clock_hours_are_taken() -> None:
    require_open(DEFAULT)
    require_open(hours_of("00:00", "00:00", *Weekday))
    require_open(hours_of("08:00", "09:00", Weekday.FRIDAY))


def test_an_office_may_work_on_public_holidays_and_close_on_other_days() -> None:
    nowruz, other = JalaliDate(1406, 1, 2).to_gregorian(), date(2027, 3, 27)
    hours = OfficeHours(hours=DEFAULT.hours, keeps_public_holidays=False, closed_days=(other,))
    calendar = hours.calendar(PUBLIC_HOLIDAYS)
    assert calendar.open_on(nowruz) is not None
    assert calendar.open_on(other) is None
    assert USUAL.open_on(nowruz) is None
