"""Months and open days as service centres count them: Jalali months, closed on Fridays and public holidays."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from persiantools.jdatetime import JalaliDate

from shared.persian.calendar import office_date

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


def open_days(from_on: date, days: int, holidays: Container[date]) -> list[date]:
    """Those of the `days` days from `from_on` on that are neither a Friday nor a public holiday."""
    candidates = (from_on + timedelta(days=number) for number in range(days))
    return [day for day in candidates if day.weekday() != FRIDAY and day not in holidays]
