"""What the auditor looks for: chains that should have moved and did not. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.notifications.domain.rules import Audience
from shared.contracts.counties import County


class Lateness(StrEnum):
    """`*_MISSING`: no timer is armed for what must come next. `*_OVERDUE`: its time is over by more than the limit.

    `HOLD_OVERDUE`: what held the alert back has ended, and its chain has not begun. `LEAD_ENDED`: it waits for the letters of
    an alert that sends none any more.
    """

    STEP_TIMER_MISSING = "step_timer_missing"
    LETTER_TIMER_MISSING = "letter_timer_missing"
    LAPSE_TIMER_MISSING = "lapse_timer_missing"
    LEAD_ENDED = "lead_ended"
    TIMER_OVERDUE = "timer_overdue"
    DELIVERY_OVERDUE = "delivery_overdue"
    HOLD_OVERDUE = "hold_overdue"
    DIGEST_TIMER_MISSING = "digest_timer_missing"


UNANSWERED_MARGIN: Final = timedelta(hours=24)
"""Beyond the wait of the last step, before it is said that nobody answers. Of the wall's clock also where a demo's runs fast."""
REPAIRABLE: Final = frozenset(
    {
        Lateness.STEP_TIMER_MISSING,
        Lateness.LETTER_TIMER_MISSING,
        Lateness.LAPSE_TIMER_MISSING,
        Lateness.LEAD_ENDED,
        Lateness.HOLD_OVERDUE,
        Lateness.DIGEST_TIMER_MISSING,
    }
)
"""What one transaction can put right, safely also if it was right already. The rest waits for what is away."""


@dataclass(frozen=True, slots=True)
class LateChain:
    """`subject`: the alert's id, or what a digest or another timer is about; `alert_id` is None then."""

    subject: str
    reason: Lateness
    county: County
    alert_id: UUID | None
    audience: Audience | None

    @property
    def is_of_operations(self) -> bool:
        """A chain of the operations office itself: telling that office by another chain would go round in a circle."""
        return self.audience is Audience.OPS_OFFICE


@dataclass(frozen=True, slots=True)
class Found:
    """What a round found; `is_whole` is false where there was more of one kind than a round reads."""

    chains: frozenset[LateChain]
    is_whole: bool


def unanswered_name(county: County) -> str:
    """Name of the trouble that chains of this county are at their end, and nobody answers."""
    return f"unanswered/{county}"


def certain(found: frozenset[LateChain], found_before: frozenset[LateChain]) -> frozenset[LateChain]:
    """Of what a round found, what is late beyond doubt: a missing timer at once, anything else when found twice.

    After a restart, or a jump of the clock, much is overdue that the workers are about to do.
    """
    return frozenset(one for one in found if one.reason in REPAIRABLE or one in found_before)
