"""The periods that partners report on: Jalali months and quarters."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from persiantools.jdatetime import JalaliDate

from shared.persian.text import plain_text

MONTHS_A_YEAR = 12
YEARS = range(1300, 1500)

_KEY = re.compile(r"(\d{4})-(?:Q([1-4])|(\d{2}))", re.ASCII)
_WRITTEN_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})", re.ASCII)
_MONTHS_FA = (
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "آبان",
    "آذر",
    "دی",
    "بهمن",
    "اسفند",
)
_QUARTERS_FA = ("اول", "دوم", "سوم", "چهارم")
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Cadence(StrEnum):
    """How often a partner reports."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"

    @property
    def months(self) -> int:
        return 1 if self is Cadence.MONTHLY else 3


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """One period: `number` is the month (1..12) or the quarter (1..4) of the Jalali `year`."""

    cadence: Cadence
    year: int
    number: int

    @property
    def key(self) -> str:
        """``1405-07`` or ``1405-Q3``."""
        return f"{self.year}-{self.number:02}" if self.cadence is Cadence.MONTHLY else f"{self.year}-Q{self.number}"

    @property
    def first_on(self) -> date:
        return JalaliDate(self.year, (self.number - 1) * self.cadence.months + 1, 1).to_gregorian()

    @property
    def last_on(self) -> date:
        return self.next.first_on - timedelta(days=1)

    @property
    def next(self) -> "ReportPeriod":
        if self.number == MONTHS_A_YEAR // self.cadence.months:
            return ReportPeriod(self.cadence, self.year + 1, 1)
        return ReportPeriod(self.cadence, self.year, self.number + 1)

    @property
    def label_fa(self) -> str:
        year = str(self.year).translate(_PERSIAN_DIGITS)
        if self.cadence is Cadence.MONTHLY:
            return f"{_MONTHS_FA[self.number - 1]} {year}"
        return f"سه‌ماههٔ {_QUARTERS_FA[self.number - 1]} {year}"


def period_on(cadence: Cadence, day: date) -> ReportPeriod:
    """The period that `day` lies in."""
    jalali = JalaliDate.to_jalali(day)
    return ReportPeriod(cadence, jalali.year, (jalali.month - 1) // cadence.months + 1)


def read_key(key: str) -> ReportPeriod | None:
    """The period of a key; None if it is none."""
    found = _KEY.fullmatch(key) if key.isascii() else None
    if found is None or int(found[1]) not in YEARS:
        return None
    if found[2]:
        return ReportPeriod(Cadence.QUARTERLY, int(found[1]), int(found[2]))
    month = int(found[3])
    return ReportPeriod(Cadence.MONTHLY, int(found[1]), month) if 1 <= month <= MONTHS_A_YEAR else None


def read_period(written: str) -> ReportPeriod | None:
    """A period as a file writes it: its key in any digits, or ``1405/7``; None if it is none."""
    text = plain_text(written).upper()
    month = _WRITTEN_MONTH.fullmatch(text)
    return read_key(f"{month[1]}-{int(month[2]):02}" if month else text)
