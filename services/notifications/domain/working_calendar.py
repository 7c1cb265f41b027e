"""When an office is open, and when a wait measured in its open hours ends: weekdays, hours and days in Asia/Tehran. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from shared.persian.calendar import end_of, office_date, office_moment

OPEN_MIN: Final = timedelta(hours=1)
"""Less than this in a week is not a calendar that anything can wait by."""
MIDNIGHT: Final = time()
"""As the time of closing: the end of the day."""


class Weekday(StrEnum):
    """In the order of `date.weekday()`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEK: Final = tuple(Weekday)
DEFAULT_HOURS: Final[Mapping[Weekday, tuple[time, time]]] = {
    day: (time(8), time(16))
    for day in (Weekday.SATURDAY, Weekday.SUNDAY, Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY)
}
"""Of an office that has saved none: Thursday and Friday off, as for inspections of warehouses."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """`hours`: opening and closing time by weekday; a weekday that is not there is closed. Closing at midnight: the day's
    end. `closed_days`: public holidays, where the office keeps them, and whatever else it is closed on."""

    hours: Mapping[Weekday, tuple[time, time]]
    closed_days: frozenset[date]

    @property
    def open_in_a_week(self) -> timedelta:
        """How long the office is open in a week without closed days."""
        return sum((open_for(opens, closes) for opens, closes in self.hours.values()), timedelta())

    def open_on(self, day: date) -> tuple[datetime, datetime] | None:
        """The moments (UTC) between which the office is open on `day`; None if it is closed."""
        hours = self.hours.get(WEEK[day.weekday()])
        if hours is None or day in self.closed_days:
            return None
        opens, closes = hours
        return office_moment(day, opens), end_of(day) if closes == MIDNIGHT else office_moment(day, closes)


def after_working_time(begin: datetime, wait: timedelta, calendar: WorkingCalendar) -> datetime:
    """The moment (UTC) in open hours at which the office has been open for `wait` (0 or more) since `begin` (aware).

    What would end at the moment of closing ends when the office next opens: whoever is told then is there.

    Raises ValueError for a negative wait, and for a calendar without an open hour.
    """
    if wait < timedelta():
        raise ValueError("a wait is never negative")
    if calendar.open_in_a_week < OPEN_MIN:
        raise ValueError("the calendar has no open hour")
    left = wait
    for opens, closes in _openings(office_date(begin), calendar):
        starts = max(opens, begin)
        if starts >= closes:
            continue
        if starts + left < closes:
            return (starts + left).astimezone(UTC)
        left -= closes - starts
    raise ValueError("the wait ends after the last day of the calendar")


def _openings(day: date, calendar: WorkingCalendar) -> Iterator[tuple[datetime, datetime]]:
    while day < date.max:
        if (opening := calendar.open_on(day)) is not None:
            yield opening
        day += timedelta(days=1)


def open_for(opens: time, closes: time) -> timedelta:
    """How long a day with these hours is open; nothing where it would close before it opens."""
    end = timedelta(days=1) if closes == MIDNIGHT else _since_midnight(closes)
    return max(end - _since_midnight(opens), timedelta())


def _since_midnight(value: time) -> timedelta:
    return timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
