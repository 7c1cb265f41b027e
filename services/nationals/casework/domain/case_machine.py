"""The life of a voluntary-return case, written to be read by a lawyer: one table, `TRANSITIONS`, says everything.

Each line says which step leads from which states to which state, and which guards must hold; each guard names the
safeguard it serves. The same guards stand a second time in PostgreSQL (``schema/01002_casework_guards.sql``). The lines
are written down stage by stage: ``voluntary_stage``, ``places_stage`` and ``legal_review_stage``.

No step is software's decision: the lapse of the voluntary period asks people for a legal review. A case is closed only as
not viable, regularised, referred for protection, or withdrawn; the one adverse outcome, a referral to the competent
authority, is refused unless two people decided it in writing on a legal basis in force, and no legal basis ships.
"""

from typing import NoReturn

from pydantic import JsonValue

from services.nationals.casework.domain import refusals, voluntary_refusals
from services.nationals.casework.domain.case_facts import Attempt, CaseFacts, CaseState
from services.nationals.casework.domain.legal_review_refusals import APPEAL_OPEN, CASE_REFERRED
from services.nationals.casework.domain.legal_review_stage import LEGAL_REVIEW_STAGE, LEGAL_REVIEW_TRANSITIONS
from services.nationals.casework.domain.places_stage import PLACES_TRANSITIONS
from services.nationals.casework.domain.steps import Guard, Step, Transition
from services.nationals.casework.domain.voluntary_stage import VOLUNTARY_STAGE, VOLUNTARY_TRANSITIONS
from shared.contracts.refusals import Refusal

__all__ = ["OPEN_STATES", "TRANSITIONS", "VOLUNTARY_STAGE", "Guard", "Step", "Transition", "state_changes", "take"]

OPEN_STATES = VOLUNTARY_STAGE | LEGAL_REVIEW_STAGE
ENDED_STATES = frozenset(CaseState) - OPEN_STATES

TRANSITIONS: tuple[Transition, ...] = (*VOLUNTARY_TRANSITIONS, *PLACES_TRANSITIONS, *LEGAL_REVIEW_TRANSITIONS)


def take(step: Step, facts: CaseFacts, attempt: Attempt | None = None) -> CaseState:
    """The state after `step`. Raises Refusal, naming the first guard that fails, or the state that does not allow it."""
    attempt = attempt or Attempt()
    lines = [line for line in TRANSITIONS if line.step is step]
    if facts.state in ENDED_STATES and not any(facts.state in line.sources for line in lines):
        _refuse_in_ended_case(facts.state)
    line = next((line for line in lines if facts.state in line.sources), None)
    if line is None and facts.state in LEGAL_REVIEW_STAGE:
        _refuse_in_legal_review(step, facts.state, lines)
    for guard in (line or lines[0]).guards:
        details = guard.fails(facts, attempt)
        if details is not None:
            raise Refusal(guard.refusal, **details)
    if line is None:
        possible_from: list[JsonValue] = [*sorted(state.value for each in lines for state in each.sources)]
        raise Refusal(refusals.STEP_NOT_ALLOWED, step=step.value, state=facts.state.value, possible_from=possible_from)
    return line.target or facts.state


def _refuse_in_ended_case(state: CaseState) -> NoReturn:
    if state is CaseState.DEPARTED:
        raise Refusal(voluntary_refusals.HOUSEHOLD_DEPARTED, satisfied_by="the_protection_office")
    if state is CaseState.SPLIT:
        raise Refusal(voluntary_refusals.HOUSEHOLD_SPLIT, satisfied_by="the_two_new_cases")
    if state is CaseState.REFERRED:
        raise Refusal(CASE_REFERRED, satisfied_by="a_new_case")
    raise Refusal(refusals.CASE_CLOSED, satisfied_by="a_new_case")


def _refuse_in_legal_review(step: Step, state: CaseState, lines: list[Transition]) -> None:
    """Raises Refusal for what phase two suspends: everything while an appeal is open, else what leads towards return."""
    if state is CaseState.APPEALED:
        raise Refusal(APPEAL_OPEN, satisfied_by="the_outcome_of_the_appeal")
    belongs_here = any(line.sources & LEGAL_REVIEW_STAGE for line in lines)
    if not belongs_here or step is Step.REFER_TO_COMPETENT_AUTHORITY:
        raise Refusal(refusals.AWAITING_LEGAL_REVIEW, satisfied_by="the_outcome_of_the_legal_review")


def state_changes() -> frozenset[tuple[CaseState, CaseState]]:
    """Every change of state that the table allows; PostgreSQL holds the same list (``casework.case_transition``)."""
    return frozenset(
        (source, line.target)
        for line in TRANSITIONS
        if line.target is not None
        for source in line.sources
        if source is not line.target
    )
