"""A corrective action's states and when it falls due."""

from datetime import datetime
from enum import StrEnum

from services.warehouse.domain.calendar import after_working_days
from shared.contracts.warehouse import Severity

DUE_WORKING_DAYS: dict[Severity, int] = {Severity.CRITICAL: 1, Severity.MAJOR: 5, Severity.MINOR: 20}
"""The project's own choice, to be confirmed by each working group."""


class ActionState(StrEnum):
    """open → overdue → resolved, or open → resolved."""

    OPEN = "open"
    OVERDUE = "overdue"
    RESOLVED = "resolved"


def due_at(severity: Severity, opened_at: datetime) -> datetime:
    """When an action of this severity, opened at `opened_at` (aware), falls due; in UTC."""
    return after_working_days(opened_at, DUE_WORKING_DAYS[severity])
