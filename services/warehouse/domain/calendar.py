"""Days and dates as the province's offices count them: Asia/Tehran, Thursday and Friday off, Jalali or ISO on paper."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from services.warehouse.domain.persian import ascii_digits, display_text

OFFICE_ZONE = ZoneInfo("Asia/Tehran")
WEEKEND = frozenset({3, 4})
"""`date.weekday()` of Thursday and Friday. Public holidays belong to each office's own calendar, which is not here."""

_JALALI_YEARS = range(1300, 1500)
_GREGORIAN_YEARS = range(1921, 2121)
_WRITTEN_DATE = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?", re.ASCII)


def office_date(moment: datetime) -> date:
    """The calendar day of `moment` (aware) in the province."""
    return moment.astimezone(OFFICE_ZONE).date()


def after_working_days(moment: datetime, working_days: int) -> datetime:
    """The same time of day, `working_days` working days after `moment` (aware); in UTC."""
    local = moment.astimezone(OFFICE_ZONE)
    left = working_days
    while left > 0:
        local += timedelta(days=1)
        if local.weekday() not in WEEKEND:
            left -= 1
    return local.astimezone(UTC)


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
