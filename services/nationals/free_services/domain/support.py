"""Requests for support from the province to a partner: one table of steps, each taken by the side that it names."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from services.nationals.free_services.domain import partner_refusals as refusals
from shared.contracts.free_services import SupportState
from shared.contracts.refusals import Refusal

QUANTITY_MAX: Final = 100_000
NEEDED_WITHIN_DAYS_MAX: Final = 2 * 366


class Side(StrEnum):
    """Who takes a step."""

    PROVINCE = "province"
    PARTNER = "partner"


class DeclineReason(StrEnum):
    """Why a partner declines; a list, so that no free text about anybody comes in."""

    NO_MEANS = "no_means"
    NOT_IN_TIME = "not_in_time"
    OUTSIDE_AGREEMENT = "outside_agreement"
    OUTSIDE_MANDATE = "outside_mandate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SupportStep:
    """A change of state and the side that may make it."""

    from_state: SupportState
    to_state: SupportState
    side: Side


STEPS: Final = (
    SupportStep(SupportState.REQUESTED, SupportState.ACCEPTED, Side.PARTNER),
    SupportStep(SupportState.REQUESTED, SupportState.DECLINED, Side.PARTNER),
    SupportStep(SupportState.ACCEPTED, SupportState.UNDER_WAY, Side.PARTNER),
    SupportStep(SupportState.UNDER_WAY, SupportState.DELIVERED, Side.PARTNER),
    SupportStep(SupportState.DELIVERED, SupportState.CONFIRMED, Side.PROVINCE),
    SupportStep(SupportState.DELIVERED, SupportState.UNDER_WAY, Side.PROVINCE),
    SupportStep(SupportState.REQUESTED, SupportState.CANCELLED, Side.PROVINCE),
    SupportStep(SupportState.ACCEPTED, SupportState.CANCELLED, Side.PROVINCE),
    SupportStep(SupportState.UNDER_WAY, SupportState.CANCELLED, Side.PROVINCE),
)
"""`DELIVERED` goes back to `UNDER_WAY` where the province found that it has not all come."""


def check_step(state: SupportState, to_state: SupportState, side: Side, decline_reason: DeclineReason | None) -> None:
    """Raises Refusal if the step does not exist, is the other side's, or declines without a reason."""
    steps = [step for step in STEPS if step.from_state is state and step.to_state is to_state]
    if not steps:
        possible = ", ".join(sorted({step.to_state.value for step in STEPS if step.from_state is state})) or "–"
        raise Refusal(refusals.SUPPORT_STEP_NOT_ALLOWED, state=state.value, to_state=to_state.value, possible=possible)
    if all(step.side is not side for step in steps):
        raise Refusal(refusals.SUPPORT_STEP_OF_OTHER_SIDE, side=steps[0].side.value)
    if (to_state is SupportState.DECLINED) != (decline_reason is not None):
        raise Refusal(refusals.SUPPORT_DECLINE_REASON)


def check_needed_by(needed_by: date, today: date) -> None:
    """Raises Refusal for a day that has passed or lies too far."""
    if not today <= needed_by <= today + timedelta(days=NEEDED_WITHIN_DAYS_MAX):
        raise Refusal(refusals.SUPPORT_NEEDED_BY)
