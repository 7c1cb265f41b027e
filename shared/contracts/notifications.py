"""Events owned by the notifications service. Nothing in them names a recipient: who was told is kept in rows."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared.contracts.base import Event, Stream
from shared.contracts.counties import County

ALERTS = Stream("notifications", "alerts", key_field="alert_id")


class AlertSeverity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class _AlertEvent(Event):
    stream: ClassVar[Stream] = ALERTS
    alert_id: UUID
    county: County


class AlertRaised(_AlertEvent):
    kind: str
    severity: AlertSeverity
    source_event_id: UUID


class AlertAcknowledged(_AlertEvent):
    step: int
    """Escalation step (0-based) that was running when somebody acted."""


class AlertEscalated(_AlertEvent):
    step: int
    """Escalation step (0-based) that now runs."""


class AlertResolved(_AlertEvent):
    resolved_by_event: bool
    was_acknowledged: bool
    """Whether somebody had acknowledged before: an acknowledged alert had already left the open ones."""


class AlertUndelivered(_AlertEvent):
    """Every try to deliver to one recipient by one channel failed; the row stays as a visible dead letter."""

    delivery_id: UUID
    channel: str
    alert_kind: str
    """Kind of the alert that did not arrive, so that a rule can leave out alerts about undelivered alerts."""
