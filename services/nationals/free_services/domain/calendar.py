"""Days and months as the province counts them: Asia/Tehran, Jalali months, closed on Fridays and public holidays."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from persiantools.jdatetime import JalaliDate

from services.nationals.free_services.domain.office_days import OFFICE_ZONE, office_date

FRIDAY = 4
"""`date.weekday()` of the day on which no service centre of the province opens."""
YEAR_MIN, YEAR_MAX = 1400, 1499
MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True, order=True)
class JalaliMonth:
    """A month of the Jalali calendar. Raises ValueError outside the years 1400 to 1499."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (YEAR_MIN <= self.year <= YEAR_MAX and self.month in MONTHS):
            raise ValueError(f"{self.year}/{self.month} is no month of the years {YEAR_MIN} to {YEAR_MAX}")

    @property
    def first_day(self) -> date:
        return JalaliDate(self.year, self.month, 1).to_gregorian()

    @property
    def after_last_day(self) -> date:
        """The first day of the month after it."""
        if self.month == MONTHS[-1]:
            return JalaliDate(self.year + 1, 1, 1).to_gregorian()
        return JalaliDate(self.year, self.month + 1, 1).to_gregorian()

    @property
    def previous(self) -> tuple[int, int]:
        """(year, month) of the month before it, which may lie before the first year."""
        return (self.year, self.month - 1) if self.month > 1 else (self.year - 1, MONTHS[-1])

    def is_over(self, moment: datetime) -> bool:
        """Whether its last day has passed in the province at `moment` (aware)."""
        return office_date(moment) >= self.after_last_day


def office_moment(day: date, time_of_day: time) -> datetime:
    """The moment at which it is `time_of_day` in the province on `day`; in UTC."""
    return datetime.combine(day, time_of_day, OFFICE_ZONE).astimezone(UTC)


def open_days(from_on: date, days: int, holidays: Container[date]) -> list[date]:
    """Those of the `days` days from `from_on` on that are neither a Friday nor a public holiday."""
    candidates = (from_on + timedelta(days=number) for number in range(days))
    return [day for day in candidates if day.weekday() != FRIDAY and day not in holidays]


def read_holidays(written: Iterable[str]) -> frozenset[date]:
    """Holidays written as Jalali ``1405/01/01``. Raises ValueError naming the first that is no date."""
    days: set[date] = set()
    for text in written:
        try:
            year, month, day = (int(part) for part in text.split("/"))
            days.add(JalaliDate(year, month, day).to_gregorian())
        except ValueError as error:
            raise ValueError(f"{text!r} is no Jalali date") from error
    return frozenset(days)
