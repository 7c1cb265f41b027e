"""Who is told when nobody acts: ordered steps, copied into the alert when it opens. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.notifications.domain.channels import Channel
from services.notifications.domain.refusals import ALERT_ALREADY_RESOLVED
from shared.contracts.refusals import Refusal

STEPS_MAX = 10
REPEATS_MAX = 10
WAIT_S_MAX = 30 * 24 * 3600
ACKNOWLEDGED_FOR_S_DEFAULT: Final = 7 * 24 * 3600


class AlertState(StrEnum):
    """`OPEN`: first step runs. `ESCALATED`: a later step runs or the last one has passed; still nobody acted."""

    OPEN = "open"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


UNANSWERED = (AlertState.OPEN, AlertState.ESCALATED)


class Step(BaseModel):
    """One step: whom (0-based place in the group's order, or its chair), by which channels, how long to wait.

    `channels` None: by the person's own preference. The inbox is told by that too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: Annotated[int, Field(ge=0)] | Literal["chair"]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] | None = None
    wait_s: Annotated[int, Field(ge=1, le=WAIT_S_MAX)]
    """Domain seconds (the compressed clock of a demo divides them) before the next step."""
    time: Literal["clock", "working"] = "clock"
    """`working`: the wait counts the open hours of the office that is told."""


class EscalationPolicy(BaseModel):
    """`repeats`: how often the last step is told again before the chain ends; the alert then stays escalated.

    `acknowledged_for_s`: domain seconds after which an acknowledgement that led to nothing ends; left out: seven
    days; null, in so many words: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=STEPS_MAX)]
    repeats: Annotated[int, Field(ge=0, le=REPEATS_MAX)] = 0
    acknowledged_for_s: Annotated[int, Field(ge=1, le=WAIT_S_MAX)] | None = ACKNOWLEDGED_FOR_S_DEFAULT

    def step_at(self, number: int) -> Step:
        """The definition of running step `number` (0-based); repeats of the last one keep counting upwards."""
        return self.steps[min(number, len(self.steps) - 1)]

    def told_differently(self, number: int) -> int:
        """How many steps came before running step `number` whose people it does not tell again: of repeats, those before the
        last step."""
        return min(number, len(self.steps) - 1)

    def has_step(self, number: int) -> bool:
        return number < len(self.steps) + self.repeats

    @property
    def inbox_alone_at(self) -> int | None:
        """The first step (0-based) that tells by no channel but the inbox, which nobody need look at; None without any."""
        return next((at for at, step in enumerate(self.steps) if set(step.channels or ()) == {Channel.INBOX}), None)


def acknowledging_changes(state: AlertState) -> bool:
    """True if acknowledging moves the alert, False if somebody already has. Raises Refusal if it is resolved."""
    if state is AlertState.RESOLVED:
        raise Refusal(ALERT_ALREADY_RESOLVED)
    return state in UNANSWERED


def next_step(policy: EscalationPolicy, state: AlertState, step: int) -> int | None:
    """The step that follows when the wait of `step` ends, or None: somebody acted, or the chain is at its end."""
    if state not in UNANSWERED or not policy.has_step(step + 1):
        return None
    return step + 1


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """Where an event stands: in its own aggregate by sequence, among other aggregates by its time."""

    aggregate: str
    sequence: int
    time_s: float


def settles(resolver: StreamPlace, source: StreamPlace) -> bool:
    """Whether a resolving event answers a source event, whichever of them arrived first.

    Within one aggregate the sequence says which happened later. Across aggregates nothing but the publishers' clocks can;
    a tie counts as answered.
    """
    if resolver.aggregate == source.aggregate:
        return resolver.sequence > source.sequence
    return resolver.time_s >= source.time_s
