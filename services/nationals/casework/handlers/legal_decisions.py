"""The written decision: read, served, and, after everything that the safeguards ask for, referred. Or taken back.

A referral is where this system ends: it records that a person of the legal office referred the case and orders nothing.
"""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain import legal_review_refusals as refusals
from services.nationals.casework.domain.case_facts import Attempt, CaseState, InterpreterRelation
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.legal_facts import DecisionState, ReviewOutcome
from services.nationals.casework.handlers.case_reading import ReadPurpose, require_case
from services.nationals.casework.handlers.legal_stage import (
    APPEAL_WINDOW,
    arm_appeal_window,
    cancel_legal_stage_timers,
    is_human,
    read_legal_stage,
    release_places,
    renew_voluntary_stage,
)
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from services.nationals.casework.handlers.screening_expiry import SCREENING_EXPIRY
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import legal_reviews as legal_store
from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.store.legal_reviews import LiveDecision
from shared.contracts.nationals import AppealWindowEnded, LegalDecisionServed, LegalReviewDecided, ReturnCaseReferred
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.transaction import Transaction

log = get_logger(__name__)


class ReadDecision(BaseModel):
    case_id: UUID
    purpose: ReadPurpose


class DecisionView(BaseModel):
    """The texts are None where there are none, or where they were erased."""

    decision_id: UUID
    case_id: UUID
    outcome: ReviewOutcome
    state: DecisionState
    reasons: str | None
    appeal_instructions: str | None
    basis_title: str | None
    basis_instrument_number: str | None
    appeal_window_days: int | None
    return_reason: str | None
    served_at: datetime | None
    appeal_window_ends_at: datetime | None


class ServeDecision(BaseModel):
    case_id: UUID
    language: str
    interpreter: InterpreterRelation
    understood: bool


class DecisionServed(BaseModel):
    decision_id: UUID
    case_id: UUID
    state: CaseState
    appeal_window_ends_at: datetime


class ReferCase(BaseModel):
    case_id: UUID


class CaseReferred(BaseModel):
    case_id: UUID
    state: CaseState


class ReturnToVoluntaryStage(BaseModel):
    case_id: UUID


class VoluntaryStageEntered(BaseModel):
    case_id: UUID
    state: CaseState


async def read_decision(command: ReadDecision, tx: Transaction) -> DecisionView:
    """Show the case's latest decision with its texts and log who read it and why. Raises Refusal (404)."""
    case = await require_case(command.case_id, tx)
    decision = await legal_store.read_latest_decision(tx.connection, case.case_id)
    if decision is None:
        raise Refusal(refusals.DECISION_NOT_FOUND)
    await case_store.insert_read(tx.connection, case, tx.principal.subject, command.purpose.value)
    return DecisionView(
        decision_id=decision.decision_id,
        case_id=case.case_id,
        outcome=decision.outcome,
        state=decision.state,
        reasons=decision.reasons,
        appeal_instructions=decision.appeal_instructions,
        basis_title=decision.basis_title,
        basis_instrument_number=decision.basis_instrument_number,
        appeal_window_days=decision.appeal_window_days,
        return_reason=decision.return_reason,
        served_at=decision.served_at,
        appeal_window_ends_at=decision.window_ends_at,
    )


async def serve_decision(command: ServeDecision, tx: Transaction) -> DecisionServed:
    """Record that a decision which two people made was served, in a language that the household understands.

    The appeal window runs from now on the database's clock. Raises Refusal (safeguards 2, 4, 5, 6, 8, 9, 10).
    """
    case = await require_case(command.case_id, tx)
    attempt = Attempt(
        by_human=is_human(tx),
        actor=tx.principal.subject,
        interpreter=command.interpreter,
        understood=command.understood,
    )
    state = take(Step.SERVE_DECISION, await read_legal_stage(case, tx), attempt)
    decision = await _live_decision(case, tx)
    await cancel_legal_stage_timers(case, tx)
    await arm_appeal_window(decision.decision_id, tx)
    ends_at = await legal_store.set_served(
        tx.connection, decision.decision_id, tx.principal.subject, command.language, command.interpreter
    )
    await case_store.set_state(tx.connection, case.case_id, state)
    await tx.publish(LegalReviewDecided(case_id=case.case_id, county=case.county, review_id=decision.review_id))
    await tx.publish(LegalDecisionServed(case_id=case.case_id, county=case.county, appeal_window_ends_at=ends_at))
    return DecisionServed(
        decision_id=decision.decision_id, case_id=case.case_id, state=state, appeal_window_ends_at=ends_at
    )


async def refer_case(command: ReferCase, tx: Transaction) -> CaseReferred:
    """Record that a person of the legal office refers the case to the competent authority. The system ends here.

    Raises Refusal with the first safeguard that is not met (1, 2, 4, 5, 6, 8, 9, 10).
    """
    case = await require_case(command.case_id, tx)
    attempt = Attempt(by_human=is_human(tx), actor=tx.principal.subject)
    state = take(Step.REFER_TO_COMPETENT_AUTHORITY, await read_legal_stage(case, tx), attempt)
    decision = await _live_decision(case, tx)
    await cancel_legal_stage_timers(case, tx)
    await release_places(case, tx)
    for kind in (VOLUNTARY_PERIOD, SCREENING_EXPIRY):
        await tx.cancel_timer(kind, case.case_id)
    await legal_store.set_referred(tx.connection, decision.decision_id, tx.principal.subject)
    await case_store.set_state(tx.connection, case.case_id, state)
    await tx.publish(ReturnCaseReferred(case_id=case.case_id, county=case.county))
    return CaseReferred(case_id=case.case_id, state=state)


async def return_to_voluntary_stage(command: ReturnToVoluntaryStage, tx: Transaction) -> VoluntaryStageEntered:
    """At the household's wish, from every state of phase two, by one person: a new full voluntary period begins."""
    case = await require_case(command.case_id, tx)
    attempt = Attempt(by_human=is_human(tx), actor=tx.principal.subject)
    state = take(Step.RETURN_TO_VOLUNTARY_STAGE, await read_legal_stage(case, tx), attempt)
    await renew_voluntary_stage(case, tx)
    return VoluntaryStageEntered(case_id=case.case_id, state=state)


async def tell_end_of_appeal_window(decision_id: UUID, fence: int, tx: Transaction) -> None:
    """The appeal window's timer is due: say so. Nothing changes; what comes next is a person's step or none (safeguard 12)."""
    case_id = await legal_store.find_case_id(tx.connection, decision_id)
    case = await case_store.lock_case(tx.connection, case_id) if case_id else None
    decision = await legal_store.find_live_decision(tx.connection, case.case_id) if case else None
    if (
        case is None
        or case.state is not CaseState.DECISION_SERVED
        or decision is None
        or decision.decision_id != decision_id
        or decision.window_fence != fence
        or decision.window_ends_at is None
    ):
        log.info("appeal_window_end_ignored", decision_id=str(decision_id), timer=APPEAL_WINDOW, fence=fence)
        return
    await tx.publish(
        AppealWindowEnded(case_id=case.case_id, county=case.county, appeal_window_ends_at=decision.window_ends_at)
    )


async def _live_decision(case: CaseRow, tx: Transaction) -> LiveDecision:
    """The case's live decision, which the guards have found under the case's lock."""
    decision = await legal_store.find_live_decision(tx.connection, case.case_id)
    if decision is None:
        raise LookupError(f"case {case.case_id} has no live decision")
    return decision
