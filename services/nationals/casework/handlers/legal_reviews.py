"""The legal review of one household's case by two people: taken, assessed, proposed, confirmed or returned.

One command is about one case. Favourable outcomes take effect when the second person confirms them; the adverse one is
refused without a legal basis in force, at the proposal and again at every later step (safeguard 10).
"""

from dataclasses import replace
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.legal_facts import Consideration, DecisionState, ReviewOutcome
from services.nationals.casework.handlers.case_reading import require_case
from services.nationals.casework.handlers.cases import CloseCase, close_case
from services.nationals.casework.handlers.legal_decisions import ReturnToVoluntaryStage, return_to_voluntary_stage
from services.nationals.casework.handlers.legal_stage import is_human, read_legal_stage
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import legal_bases as basis_store
from services.nationals.casework.store import legal_reviews as legal_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.store.legal_reviews import LiveDecision, WrittenDecision
from shared.contracts.nationals import CaseOutcome, LegalReviewDecided
from shared.kit.transaction import Transaction


class TakeReview(BaseModel):
    case_id: UUID
    in_place_of: str | None
    """The colleague who is relieved, as the review names him; None for a review that nobody has taken."""


class ReviewTaken(BaseModel):
    case_id: UUID
    review_id: UUID
    first_reviewer: str


class AssessHousehold(BaseModel):
    case_id: UUID
    considered: list[Consideration]


class HouseholdAssessed(BaseModel):
    assessment_id: UUID
    case_id: UUID
    missing: list[Consideration]
    """What has to be looked at yet before an adverse outcome may be proposed."""


class ProposeOutcome(BaseModel):
    """The last three are the individual written decision that an adverse outcome needs; favourable outcomes need none."""

    case_id: UUID
    outcome: ReviewOutcome
    reasons: str | None
    appeal_instructions: str | None
    legal_basis_id: UUID | None


class OutcomeProposed(BaseModel):
    decision_id: UUID
    case_id: UUID
    outcome: ReviewOutcome


class ConfirmOutcome(BaseModel):
    """`decision_id` is the proposal as the second person read it: another one is not confirmed in its place."""

    case_id: UUID
    decision_id: UUID


class OutcomeConfirmed(BaseModel):
    decision_id: UUID
    case_id: UUID
    outcome: ReviewOutcome
    state: CaseState
    """Of the case: a favourable outcome has taken effect, an adverse one waits for its service."""


class ReturnProposal(BaseModel):
    case_id: UUID
    decision_id: UUID
    reason: str


class ProposalReturned(BaseModel):
    decision_id: UUID
    case_id: UUID


async def take_review(command: TakeReview, tx: Transaction) -> ReviewTaken:
    """Become the first reviewer, or relieve the named colleague while nothing is proposed; the assessment is then made anew.

    Raises Refusal: no review is open, an outcome is proposed, or an appeal annulled a decision of the caller (safeguard 6).
    """
    case = await require_case(command.case_id, tx)
    attempt = replace(_attempt(tx), in_place_of=command.in_place_of)
    take(Step.TAKE_REVIEW, await read_legal_stage(case, tx), attempt)
    review_id = await _open_review(case, tx)
    await legal_store.set_first_reviewer(tx.connection, review_id, tx.principal.subject)
    return ReviewTaken(case_id=case.case_id, review_id=review_id, first_reviewer=tx.principal.subject)


async def assess_household(command: AssessHousehold, tx: Transaction) -> HouseholdAssessed:
    """Record what the first reviewer looked at in this household's own case. The latest assessment counts."""
    case = await require_case(command.case_id, tx)
    take(Step.RECORD_ASSESSMENT, await read_legal_stage(case, tx), _attempt(tx))
    assessment_id = uuid7()
    considered = sorted(set(command.considered))
    await legal_store.insert_assessment(
        tx.connection, assessment_id, await _open_review(case, tx), case, considered, tx.principal.subject
    )
    missing = [each for each in Consideration if each not in considered]
    return HouseholdAssessed(assessment_id=assessment_id, case_id=case.case_id, missing=missing)


async def propose_outcome(command: ProposeOutcome, tx: Transaction) -> OutcomeProposed:
    """Propose how the review should end; nothing happens to the case before a second person confirms.

    Raises Refusal: for the adverse outcome without a legal basis in force (safeguard 10), a written decision and a full
    assessment (4), or while the case is paused (2, 5, 8, 9).
    """
    case = await require_case(command.case_id, tx)
    written = _written(command)
    attempt = _attempt(
        tx,
        outcome=command.outcome,
        basis_in_force=await _is_basis_in_force(command.legal_basis_id, tx),
        decision_written=written is not None,
    )
    take(Step.PROPOSE_OUTCOME, await read_legal_stage(case, tx), attempt)
    decision_id = uuid7()
    await legal_store.insert_proposal(
        tx.connection,
        decision_id,
        await _open_review(case, tx),
        case,
        command.outcome,
        tx.principal.subject,
        written if command.outcome.is_adverse else None,
    )
    return OutcomeProposed(decision_id=decision_id, case_id=case.case_id, outcome=command.outcome)


async def confirm_outcome(command: ConfirmOutcome, tx: Transaction) -> OutcomeConfirmed:
    """A second person confirms. A favourable outcome takes effect at once; the adverse one waits for its service.

    Raises Refusal: the caller proposed it or opened the case (safeguard 6), and as `propose_outcome` for the adverse one.
    """
    case = await require_case(command.case_id, tx)
    decision = await legal_store.find_live_decision(tx.connection, case.case_id)
    named = _names(decision, command.decision_id, DecisionState.PROPOSED)
    state = take(Step.CONFIRM_OUTCOME, await read_legal_stage(case, tx), _attempt(tx, names_live_proposal=named))
    if decision is None:
        raise LookupError(f"case {case.case_id} has no live decision")
    if decision.outcome.is_adverse:
        await _set_confirmed(decision, DecisionState.CONFIRMED, tx)
    else:
        await _set_confirmed(decision, DecisionState.EFFECTIVE, tx)
        await tx.publish(LegalReviewDecided(case_id=case.case_id, county=case.county, review_id=decision.review_id))
        state = await _take_effect(case, decision.outcome, tx)
    return OutcomeConfirmed(
        decision_id=decision.decision_id, case_id=case.case_id, outcome=decision.outcome, state=state
    )


async def return_proposal(command: ReturnProposal, tx: Transaction) -> ProposalReturned:
    """A second person returns what is proposed, or confirmed and not yet served, with a reason; the review goes on."""
    case = await require_case(command.case_id, tx)
    decision = await legal_store.find_live_decision(tx.connection, case.case_id)
    named = _names(decision, command.decision_id, DecisionState.PROPOSED, DecisionState.CONFIRMED)
    attempt = _attempt(tx, names_live_proposal=named, reason_given=bool(command.reason.strip()))
    take(Step.RETURN_PROPOSAL, await read_legal_stage(case, tx), attempt)
    await legal_store.set_returned(tx.connection, command.decision_id, tx.principal.subject, command.reason)
    return ProposalReturned(decision_id=command.decision_id, case_id=case.case_id)


def _attempt(
    tx: Transaction,
    *,
    outcome: ReviewOutcome | None = None,
    basis_in_force: bool = False,
    decision_written: bool = False,
    names_live_proposal: bool = False,
    reason_given: bool = False,
) -> Attempt:
    return Attempt(
        by_human=is_human(tx),
        actor=tx.principal.subject,
        outcome=outcome,
        basis_in_force=basis_in_force,
        decision_written=decision_written,
        names_live_proposal=names_live_proposal,
        reason_given=reason_given,
    )


def _written(command: ProposeOutcome) -> WrittenDecision | None:
    if not command.reasons or not command.appeal_instructions or command.legal_basis_id is None:
        return None
    return WrittenDecision(
        reasons=command.reasons,
        appeal_instructions=command.appeal_instructions,
        basis_id=command.legal_basis_id,
        appeal_window_days=casework_periods().appeal_window_days,
    )


async def _take_effect(case: CaseRow, outcome: ReviewOutcome, tx: Transaction) -> CaseState:
    """What a confirmed favourable outcome does to the case: the same as a person who closes or returns it does."""
    if outcome is ReviewOutcome.RENEWED_VOLUNTARY_PERIOD:
        return (await return_to_voluntary_stage(ReturnToVoluntaryStage(case_id=case.case_id), tx)).state
    return (await close_case(CloseCase(case_id=case.case_id, outcome=CaseOutcome(outcome.value)), tx)).state


def _names(decision: LiveDecision | None, decision_id: UUID, *states: DecisionState) -> bool:
    return decision is not None and decision.decision_id == decision_id and decision.state in states


async def _is_basis_in_force(basis_id: UUID | None, tx: Transaction) -> bool:
    found = await basis_store.lock_basis(tx.connection, basis_id) if basis_id else None
    return found is not None and found.basis.is_in_force(tx.now)


async def _open_review(case: CaseRow, tx: Transaction) -> UUID:
    """The case's open review, which the guards have found under the case's lock."""
    review_id = await review_store.find_legal_review_id(tx.connection, case.case_id)
    if review_id is None:
        raise LookupError(f"case {case.case_id} has no open legal review")
    return review_id


async def _set_confirmed(decision: LiveDecision, state: DecisionState, tx: Transaction) -> None:
    await legal_store.set_confirmed(
        tx.connection, decision.decision_id, decision.review_id, state, tx.principal.subject
    )
