"""Days as the province's offices count them: Asia/Tehran, Jalali or ISO on paper."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from services.nationals.free_services.domain.persian import plain_text

OFFICE_ZONE = ZoneInfo("Asia/Tehran")

_JALALI_YEARS = range(1300, 1500)
_GREGORIAN_YEARS = range(1921, 2121)
_WRITTEN_DATE = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})", re.ASCII)


def office_date(moment: datetime) -> date:
    """The calendar day of `moment` (aware) in the province."""
    return moment.astimezone(OFFICE_ZONE).date()


def end_of(day: date) -> datetime:
    """The moment at which `day` is over in the province; in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), OFFICE_ZONE).astimezone(UTC)


def read_date(value: str | date) -> date | None:
    """A cell as a date: a spreadsheet's own date, Jalali ``1405/09/01`` or ISO ``2026-11-22``; None if it is neither."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value if value.year in _GREGORIAN_YEARS else None
    found = _WRITTEN_DATE.fullmatch(plain_text(value))
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[3]), int(found[4])
    try:
        if year in _JALALI_YEARS:
            return JalaliDate(year, month, day).to_gregorian()
        return date(year, month, day) if year in _GREGORIAN_YEARS else None
    except ValueError:
        return None


def jalali_text(day: date) -> str:
    """`day` as ``1405/09/01``."""
    return JalaliDate.to_jalali(day).strftime("%Y/%m/%d")
