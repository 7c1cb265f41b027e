"""A corrective action's states, when it falls due, and how far a person may move that."""

from collections.abc import Container
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.warehouse.domain import follow_up_refusals as refusals
from services.warehouse.domain.calendar import after_working_days, is_working_day, next_working_day, same_time_on
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import Severity
from shared.persian.calendar import office_date

DUE_WORKING_DAYS: dict[Severity, int] = {Severity.CRITICAL: 1, Severity.MAJOR: 5, Severity.MINOR: 20}
"""The project's own choice, to be confirmed by each working group."""
EXTENSION_DAYS_MAX = 180
"""How far ahead, in calendar days from today, an action may be made due by an extension; the project's own choice."""


class ActionState(StrEnum):
    """open → overdue → resolved, or open → resolved; extended: overdue → open; reopened: resolved → open."""

    OPEN = "open"
    OVERDUE = "overdue"
    RESOLVED = "resolved"


class HistoryEntry(StrEnum):
    """What can happen to a corrective action."""

    OPENED = "opened"
    HANDED_OVER = "handed_over"
    EXTENDED = "extended"
    OVERDUE = "overdue"
    RESOLVED = "resolved"
    REOPENED = "reopened"


def due_at(severity: Severity, opened_at: datetime, holidays: Container[date]) -> datetime:
    """When an action of this severity, opened at `opened_at` (aware), falls due; in UTC."""
    return after_working_days(opened_at, DUE_WORKING_DAYS[severity], holidays)


def extended_due_at(due_before: datetime, due_on: date, now: datetime, holidays: Container[date]) -> datetime:
    """The new due time of an action: the same time of day, on `due_on`; in UTC.

    Raises Refusal: not after the present due time, past, too far ahead, or a day off (it names the next working day).
    """
    due = same_time_on(due_on, due_before)
    if due <= due_before or due <= now:
        raise Refusal(refusals.EXTENSION_TOO_EARLY, due_at=due_before.isoformat(), now=now.isoformat())
    if due_on > office_date(now) + timedelta(days=EXTENSION_DAYS_MAX):
        raise Refusal(refusals.EXTENSION_TOO_LATE, days_max=EXTENSION_DAYS_MAX)
    if not is_working_day(due_on, holidays):
        next_day = next_working_day(due_on, holidays)
        raise Refusal(refusals.EXTENSION_DAY_OFF, due_on=due_on.isoformat(), next_working_day=next_day.isoformat())
    return due
