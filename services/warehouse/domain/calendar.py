"""Days and dates as the province's offices count them: Asia/Tehran, Thursday and Friday off, Jalali or ISO on paper."""

import re
from collections.abc import Container, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from services.warehouse.domain.persian import ascii_digits, display_text

OFFICE_ZONE = ZoneInfo("Asia/Tehran")
WEEKEND = frozenset({3, 4})
"""`date.weekday()` of Thursday and Friday. Public holidays are passed in: they are data, not a rule."""

_JALALI_YEARS = range(1300, 1500)
_GREGORIAN_YEARS = range(1921, 2121)
_WRITTEN_DATE = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?", re.ASCII)


def office_date(moment: datetime) -> date:
    """The calendar day of `moment` (aware) in the province."""
    return moment.astimezone(OFFICE_ZONE).date()


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
    return datetime.combine(day, moment.astimezone(OFFICE_ZONE).time(), OFFICE_ZONE).astimezone(UTC)


def start_of(day: date) -> datetime:
    """The moment at which `day` begins in the province; in UTC."""
    return datetime.combine(day, time(), OFFICE_ZONE).astimezone(UTC)


def read_holidays(written: Iterable[str]) -> frozenset[date]:
    """Holidays written as Jalali ``1405/01/01`` or ISO dates. Raises ValueError naming the first that is no date."""
    days: set[date] = set()
    for text in written:
        day = read_date(text)
        if day is None:
            raise ValueError(f"{text!r} is neither a Jalali nor an ISO date")
        days.add(day)
    return frozenset(days)


def read_date(value: str | date) -> date | None:
    """A cell as a date: a spreadsheet's own date, Jalali ``1404/09/01`` or ISO ``2025-11-22``; None if it is neither."""
    if isinstance(value, datetime):
        return value.date() if value.year in _GREGORIAN_YEARS else None
    if isinstance(value, date):
        return value if value.year in _GREGORIAN_YEARS else None
    found = _WRITTEN_DATE.fullmatch(ascii_digits(display_text(value)))
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[3]), int(found[4])
    try:
        if year in _JALALI_YEARS:
            return JalaliDate(year, month, day).to_gregorian()
        return date(year, month, day) if year in _GREGORIAN_YEARS else None
    except ValueError:
        return None
