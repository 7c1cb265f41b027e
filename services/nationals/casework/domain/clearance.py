"""How a pause ends: one person proposes it with a reason, a second confirms; neither recorded what it is about.

Safeguards 2 (a recorded sign of pressure), 5 (a protection claim), 8 (an unaccompanied child), 9 (a flag), 6 (two humans).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from shared.contracts.refusals import Refusal

CLEARANCE_ROLES = frozenset({"protection_officer", "medical_officer", "child_protection_officer"})


class ClearanceReason(StrEnum):
    NO_PRESSURE_FOUND = "no_pressure_found"
    PRESSURE_ENDED = "pressure_ended"
    CLAIM_DECIDED = "claim_decided"
    CLAIM_FREELY_WITHDRAWN = "claim_freely_withdrawn"
    PROTECTION_NEED_MET = "protection_need_met"
    CHILD_PROCEDURE_COMPLETE = "child_procedure_complete"
    FIT_TO_TRAVEL = "fit_to_travel"
    CARE_ARRANGED = "care_arranged"
    NEED_MET = "need_met"
    RECORDED_IN_ERROR = "recorded_in_error"


_R = ClearanceReason
REASONS: dict[int, tuple[ClearanceReason, ...]] = {
    2: (_R.NO_PRESSURE_FOUND, _R.PRESSURE_ENDED),
    5: (_R.CLAIM_DECIDED, _R.CLAIM_FREELY_WITHDRAWN, _R.PROTECTION_NEED_MET),
    8: (_R.CHILD_PROCEDURE_COMPLETE,),
    9: (_R.FIT_TO_TRAVEL, _R.CARE_ARRANGED, _R.NEED_MET, _R.RECORDED_IN_ERROR),
}
"""Why a pause may end, by its safeguard. For 5 it is the outcome of the claim; 7 ends with the protected request instead."""


class ClearanceDecision(StrEnum):
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Concern:
    """One record that a pause is about and that nobody has cleared: a sign of pressure, a flag, or a child's record.

    `position`: its place among the records of its kind. `flag`: what a screening found; None for other records.
    """

    safeguard: int
    position: int
    recorded_by: str
    flag: ScreeningOutcome | None = None


@dataclass(frozen=True, slots=True)
class OpenPause:
    """A pause as its two officers meet it; `concerns` are those of its own safeguard."""

    safeguard: int
    opened_by: str
    concerns: tuple[Concern, ...]

    @property
    def covers_to(self) -> int:
        """Position of the latest record that a proposal made now takes into account; 0 if there is none."""
        return max((concern.position for concern in self.concerns), default=0)

    @property
    def recorders(self) -> frozenset[str]:
        return frozenset({self.opened_by, *(concern.recorded_by for concern in self.concerns)})

    @property
    def offices(self) -> frozenset[str]:
        """Roles that the two officers must have between them. A medical flag needs a medical officer."""
        if self.safeguard == 8:
            return frozenset({"child_protection_officer"})
        roles = {
            "medical_officer" if concern.flag is ScreeningOutcome.MEDICAL_FLAG else "protection_officer"
            for concern in self.concerns
        }
        return frozenset(roles or {"protection_officer"})


def open_concerns(concerns: Sequence[Concern], cleared_to: dict[int, int]) -> tuple[Concern, ...]:
    """Those of `concerns` that no confirmed clearance covers; `cleared_to` by safeguard."""
    return tuple(concern for concern in concerns if concern.position > cleared_to.get(concern.safeguard, 0))


def check_proposal(pause: OpenPause, reason: ClearanceReason, actor: str, roles: frozenset[str]) -> list[str]:
    """The offices that the proposer stands for. Raises Refusal unless `actor` may propose to end `pause` for `reason`.

    Who recorded a child's determination may propose the end of safeguard 8; the second person is then somebody else.
    """
    if pause.safeguard not in REASONS or not roles & pause.offices:
        raise Refusal(refusals.CLEARANCE_OF_ANOTHER_OFFICE[pause.safeguard], satisfied_by=_officers(pause))
    barred = {pause.opened_by} if pause.safeguard == 8 else pause.recorders
    if actor in barred:
        raise Refusal(refusals.NOT_INDEPENDENT, satisfied_by="another_officer")
    if reason not in REASONS[pause.safeguard]:
        reasons: list[JsonValue] = [each.value for each in REASONS[pause.safeguard]]
        raise Refusal(refusals.REASON_NOT_OF_PAUSE[pause.safeguard], reasons=reasons, satisfied_by="one_of_the_reasons")
    return sorted(roles & pause.offices)


def check_decision(
    pause: OpenPause,
    decision: ClearanceDecision,
    actor: str,
    roles: frozenset[str],
    proposed_by: str,
    proposed_as: Sequence[str],
    proposed_covers_to: int,
) -> None:
    """Raises Refusal unless `actor` is the independent second person and nothing was recorded since the proposal.

    A proposal that something overtook can still be rejected, so that a new one can be made.
    """
    if not roles & pause.offices:
        raise Refusal(refusals.CLEARANCE_OF_ANOTHER_OFFICE[pause.safeguard], satisfied_by=_officers(pause))
    if actor == proposed_by or actor in pause.recorders:
        raise Refusal(refusals.NOT_INDEPENDENT, satisfied_by="another_officer")
    if decision is ClearanceDecision.REJECTED:
        return
    if pause.covers_to != proposed_covers_to:
        raise Refusal(refusals.RECORDED_SINCE, satisfied_by="a_new_proposal")
    if not pause.offices <= roles | set(proposed_as):
        raise Refusal(refusals.CLEARANCE_OF_ANOTHER_OFFICE[pause.safeguard], satisfied_by=_officers(pause))


def _officers(pause: OpenPause) -> str:
    return "_and_".join(sorted(pause.offices)) if pause.safeguard != 7 else "decision_on_the_protected_request"
