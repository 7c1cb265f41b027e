"""Alerts of one rule and county that are told together: the first leads, the others join it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.domain.escalation import UNANSWERED, AlertState
from services.notifications.domain.rules import Audience, Rule
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

GroupKey = tuple[str, County]
"""Rule id and county."""


@dataclass(slots=True)
class Lead:
    """An alert whose first step's wait runs unanswered, so that others of its rule and county join it.

    `letter_due`: a letter that will name everybody in the group is on its way already.
    """

    alert_id: UUID
    audience: Audience
    group_wait_s: int
    letter_due: bool


def group_wait_s(rule: Rule) -> int | None:
    """Domain seconds for which the rule's first alert waits for others; None: each is told alone, as critical ones are."""
    return None if rule.severity is AlertSeverity.CRITICAL else rule.group_wait_s


def in_digest_alone(rule: Rule) -> bool:
    """Whether nobody is told but by the digest; whatever is more than information is told at once."""
    return rule.digest and rule.severity is AlertSeverity.INFO


def is_answered_with(lead_told_at: datetime | None, joined_at: datetime) -> bool:
    """Whether who answers a lead answers an alert that joined it: not one of which the lead's last letter could not tell.
    Before any letter, all."""
    return lead_told_at is None or joined_at <= lead_told_at


@dataclass(frozen=True, slots=True)
class Joined:
    """An unresolved alert of a group, beside its lead; `lead_state` and `lead_acknowledged_at` are the lead's."""

    alert_id: UUID
    lead_alert_id: UUID
    state: AlertState
    acknowledged_at: datetime | None
    lead_state: AlertState
    lead_acknowledged_at: datetime | None

    @property
    def shares_chain(self) -> bool:
        """Whether it is answered, or unanswered, together with its lead, and not by itself."""
        if self.lead_state in UNANSWERED:
            return self.state in UNANSWERED
        return self.state is AlertState.ACKNOWLEDGED and self.acknowledged_at == self.lead_acknowledged_at


def successors(joined: Iterable[Joined]) -> dict[UUID, UUID]:
    """Who leads each group when its lead ends: the oldest that shares its chain. A group without one is no group any more."""
    following: dict[UUID, UUID] = {}
    for alert in joined:
        if alert.shares_chain:
            known = following.get(alert.lead_alert_id)
            following[alert.lead_alert_id] = alert.alert_id if known is None else min(known, alert.alert_id)
    return following
