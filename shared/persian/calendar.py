"""Days and dates as the province's offices count them: Asia/Tehran, Jalali or ISO on paper.

Which days an office works is each service's own rule.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from shared.persian.text import plain_text

OFFICE_ZONE: Final = ZoneInfo("Asia/Tehran")

_JALALI_YEARS: Final = range(1300, 1500)
_GREGORIAN_YEARS: Final = range(1921, 2121)
_WRITTEN_DATE: Final = re.compile(
    r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?", re.ASCII
)


def office_date(moment: datetime) -> date:
    """The calendar day of `moment` (aware) in the province."""
    return moment.astimezone(OFFICE_ZONE).date()


def office_moment(day: date, time_of_day: time) -> datetime:
    """The moment at which it is `time_of_day` in the province on `day`; in UTC."""
    return datetime.combine(day, time_of_day, OFFICE_ZONE).astimezone(UTC)


def start_of(day: date) -> datetime:
    """The moment at which `day` begins in the province; in UTC."""
    return office_moment(day, time())


def end_of(day: date) -> datetime:
    """The moment at which `day` is over in the province; in UTC."""
    return start_of(day + timedelta(days=1))


def read_date(value: str | date) -> date | None:
    """A cell as a date: a spreadsheet's own date, Jalali ``1404/09/01`` or ISO ``2025-11-22``; None if it is neither.

    A time of day after it is left out.
    """
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return day if day.year in _GREGORIAN_YEARS else None
    found = _WRITTEN_DATE.fullmatch(plain_text(value))
    if found is None:
        return None
    year, month, day_number = int(found[1]), int(found[3]), int(found[4])
    try:
        if year in _JALALI_YEARS:
            return JalaliDate(year, month, day_number).to_gregorian()
        return date(year, month, day_number) if year in _GREGORIAN_YEARS else None
    except ValueError:
        return None


def read_holidays(written: Iterable[str]) -> frozenset[date]:
    """Holidays written as Jalali ``1405/01/01`` or ISO dates. Raises ValueError naming the first that is no date."""
    days: set[date] = set()
    for text in written:
        day = read_date(text)
        if day is None:
            raise ValueError(f"{text!r} is neither a Jalali nor an ISO date")
        days.add(day)
    return frozenset(days)


def jalali_text(day: date) -> str:
    """`day` as ``1405/09/01``."""
    return JalaliDate(day).strftime("%Y/%m/%d")
