"""Summaries for an office: what is in them and when they are due. Pure.

Nothing of a return case or a complaint is counted or listed: there is no counter, list or ranking of departures or
referrals (safeguards). Those alerts are told one by one, to the office whose work they are.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.notifications.domain.rules import UNRESTRICTED_TYPES, Audience
from services.notifications.domain.working_calendar import WorkingCalendar
from shared.contracts.counties import County
from shared.persian.calendar import office_date, office_moment

DUE_AT: Final = time(7, 30)
WEEK_BEGINS: Final = 5
"""Saturday, as `date.weekday` counts."""
DAYS_OF_WEEK: Final = 7
LISTED_MAX: Final = 20
SUMMARISED_TYPES: Final = tuple(sorted(UNRESTRICTED_TYPES))
"""Source events whose alerts may be summarised."""
DIGEST_AUDIENCES: Final = frozenset({Audience.WORKING_GROUP, Audience.PROVINCE_OFFICE})
"""Audiences whose alerts some digest tells."""
SETTLED_AFTER: Final = timedelta(minutes=2)
"""A digest ends so long before it is composed: an alert has the time at which its transaction began, and what commits later
is told in the next one. More than the database lets a transaction idle (60 s), run a statement (30 s) and wait for a lock."""


class Period(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def length(self) -> timedelta:
        return timedelta(days=1 if self is Period.DAILY else 7)


class CountyFigures(BaseModel):
    """`open` and `held_back` as they are now; the others since the last digest."""

    model_config = ConfigDict(frozen=True)

    raised: int = 0
    acknowledged: int = 0
    escalated: int = 0
    resolved: int = 0
    open: int = 0
    held_back: int = 0


class DigestLine(BaseModel):
    """One alert in a list. `alert_id` is None in a digest of before it was kept."""

    model_config = ConfigDict(frozen=True)

    alert_id: UUID | None = None
    county: County
    kind: str
    severity: str
    state: str
    subject_id: str
    raised_at: datetime


class DigestContent(BaseModel):
    """`county` None: the whole province. `open`: the oldest alerts on which nobody acted, of `open_total`; `told_here`:
    those that only the digest tells."""

    model_config = ConfigDict(frozen=True)

    county: County | None
    period: Period
    since: datetime
    until: datetime
    figures: Mapping[County, CountyFigures]
    open: tuple[DigestLine, ...]
    open_total: int
    told_here: tuple[DigestLine, ...]
    told_here_total: int


def audiences_of(working_group: str) -> tuple[Audience, ...]:
    """Whose alerts a digest of this office summarises."""
    if working_group == Audience.PROVINCE_OFFICE:
        return (Audience.WORKING_GROUP, Audience.PROVINCE_OFFICE)
    return (Audience.WORKING_GROUP,)


def due_after(now: datetime, period: Period, calendar: WorkingCalendar) -> datetime:
    """The next moment (UTC) at which a digest of the period is due to an office: in the morning of a day on which it is open.
    A weekly one is of the first such day from Saturday on."""
    today = office_date(now)
    since = (today.weekday() - WEEK_BEGINS) % DAYS_OF_WEEK if period is Period.WEEKLY else 0
    day = today - timedelta(days=since)
    while (due := office_moment(_first_open(day, calendar), DUE_AT)) <= now:
        day += period.length
    return due


def _first_open(day: date, calendar: WorkingCalendar) -> date:
    while calendar.open_on(day) is None:
        day += timedelta(days=1)
    return day
