"""Events owned by the notifications service. Nothing in them names a recipient: who was told is kept in rows."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Event, Stream
from shared.contracts.counties import County

ALERTS = Stream("notifications", "alerts", key_field="alert_id")
OPERATIONS = Stream("notifications", "operations", key_field="trouble_id")


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


class AlertReopened(_AlertEvent):
    """Somebody had acknowledged and nothing came of it: the alert is open again and its chain goes on."""

    step: int
    """Escalation step (0-based) that now runs."""


class AlertResolved(_AlertEvent):
    resolved_by_event: bool
    """False: a person said so, with a reason that is kept with the alert."""
    was_acknowledged: bool
    """Whether somebody had acknowledged before: an acknowledged alert had already left the open ones."""


class AlertUndelivered(_AlertEvent):
    """Every try to deliver to one recipient by one channel failed; the row stays as a visible dead letter."""

    delivery_id: UUID
    channel: str
    alert_kind: str
    """Kind of the alert that did not arrive, so that a rule can leave out alerts about undelivered alerts."""


class OperationsTrouble(StrEnum):
    """What can go wrong with the service itself."""

    CHAIN_LATE = "chain_late"
    TEMPLATE_FAILED = "template_failed"
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint_disabled"
    CHANNEL_CIRCUIT_OPEN = "channel_circuit_open"
    OPS_ALERT = "ops_alert"
    CHAINS_UNANSWERED = "chains_unanswered"
    """Alerts of a county of which every step was told, the last one long ago, and nobody has acted."""


class _TroubleEvent(Event):
    stream: ClassVar[Stream] = OPERATIONS
    trouble_id: UUID
    county: County
    trouble: OperationsTrouble


class OperationsTroubleFound(_TroubleEvent):
    severity: AlertSeverity
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$")]
    """A machine's word (channel, template, endpoint, alert name), never free text."""


class OperationsTroubleEnded(_TroubleEvent):
    pass
