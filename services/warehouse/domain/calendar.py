"""Working days as the province's offices count them: Thursday, Friday and public holidays off."""

from collections.abc import Container
from datetime import UTC, date, datetime, timedelta

from shared.persian.calendar import OFFICE_ZONE, office_moment

WEEKEND = frozenset({3, 4})
"""`date.weekday()` of Thursday and Friday. Public holidays are passed in: they are data, not a rule."""


def is_working_day(day: date, holidays: Container[date]) -> bool:
    """Whether the province's offices work on `day`."""
    return day.weekday() not in WEEKEND and day not in holidays


def next_working_day(day: date, holidays: Container[date]) -> date:
    """`day` itself if it is a working day, else the first one after it."""
    while not is_working_day(day, holidays):
        day += timedelta(days=1)
    return day


def working_days(from_on: date, to_on: date, holidays: Container[date]) -> list[date]:
    """The working days from `from_on` to `to_on`, both included."""
    days = (from_on + timedelta(days=number) for number in range((to_on - from_on).days + 1))
    return [day for day in days if is_working_day(day, holidays)]


def after_working_days(moment: datetime, working_days: int, holidays: Container[date]) -> datetime:
    """The same time of day, `working_days` working days after `moment` (aware); in UTC."""
    local = moment.astimezone(OFFICE_ZONE)
    left = working_days
    while left > 0:
        local += timedelta(days=1)
        if is_working_day(local.date(), holidays):
            left -= 1
    return local.astimezone(UTC)


def same_time_on(day: date, moment: datetime) -> datetime:
    """The time of day that `moment` (aware) has in the province, on `day`; in UTC."""
    return office_moment(day, moment.astimezone(OFFICE_ZONE).time())
