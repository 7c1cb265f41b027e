"""Appeals: lodging one suspends everything, and a different person decides it (safeguards 5, 13)."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import legal_review_refusals as refusals
from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.legal_facts import AppealOutcome
from services.nationals.casework.handlers.case_reading import find_case, require_case
from services.nationals.casework.handlers.legal_stage import (
    APPEAL_REMINDER,
    APPEAL_WINDOW,
    arm_appeal_window,
    is_human,
    read_legal_stage,
)
from services.nationals.casework.periods import ReviewPolicy, casework_periods
from services.nationals.casework.store import appeals as appeal_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import legal_reviews as legal_store
from shared.contracts.nationals import (
    AppealDecided,
    AppealDecision,
    AppealLodged,
    AppealOverdue,
    PhaseTwoReviewRequested,
)
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class LodgeAppeal(BaseModel):
    case_id: UUID
    late_reason: str | None


class AppealIsOpen(BaseModel):
    appeal_id: UUID
    case_id: UUID
    state: CaseState
    review_by: datetime
    recorded: bool
    """False: an appeal was open already; nothing changed."""


class DecideAppeal(BaseModel):
    case_id: UUID
    outcome: AppealDecision
    reasons: str


class AppealEnded(BaseModel):
    appeal_id: UUID
    case_id: UUID
    state: CaseState
    outcome: AppealDecision
    appeal_window_ends_at: datetime | None
    """End of the fresh notice period of an upheld decision."""


async def lodge_appeal(command: LodgeAppeal, tx: Transaction) -> AppealIsOpen:
    """Lodge an appeal for the household, whoever of the staff hears it: nobody needs an assignment for this.

    A late one needs a reason and suspends as well. Raises Refusal (404, or 409 where no decision is served).
    """
    case = await find_case(command.case_id, tx)
    attempt = Attempt(
        by_human=is_human(tx), actor=tx.principal.subject, reason_given=bool((command.late_reason or "").strip())
    )
    state = take(Step.LODGE_APPEAL, await read_legal_stage(case, tx), attempt)
    decision = await legal_store.find_live_decision(tx.connection, case.case_id)
    opened = await appeal_store.find_open_appeal(tx.connection, case.case_id)
    if opened is not None:
        return AppealIsOpen(
            appeal_id=opened.appeal_id, case_id=case.case_id, state=state, review_by=opened.review_by, recorded=False
        )
    if decision is None:
        raise Refusal(refusals.DECISION_NOT_FOUND)
    policy = casework_periods().appeal_review_policy
    appeal_id = uuid7()
    review_by = tx.now + policy.interval
    await tx.arm_timer(APPEAL_REMINDER, appeal_id, policy.interval, policy)
    await appeal_store.insert_appeal(
        tx.connection,
        appeal_id,
        decision.decision_id,
        case,
        review_by,
        tx.principal.subject,
        command.late_reason,
    )
    await tx.cancel_timer(APPEAL_WINDOW, decision.decision_id)
    await case_store.set_state(tx.connection, case.case_id, state)
    await tx.publish(AppealLodged(case_id=case.case_id, county=case.county, review_by=review_by))
    return AppealIsOpen(appeal_id=appeal_id, case_id=case.case_id, state=state, review_by=review_by, recorded=True)


async def decide_appeal(command: DecideAppeal, tx: Transaction) -> AppealEnded:
    """Annul the decision, then two others review the case anew; or uphold it, then a fresh notice period runs.

    Raises Refusal: the caller proposed, confirmed or served the decision or lodged the appeal (safeguard 5); a decision is not
    upheld while the case is paused.
    """
    case = await require_case(command.case_id, tx)
    is_annulled = command.outcome is AppealDecision.ANNULLED
    attempt = Attempt(by_human=is_human(tx), actor=tx.principal.subject)
    step = Step.ANNUL_DECISION if is_annulled else Step.UPHOLD_DECISION
    state = take(step, await read_legal_stage(case, tx), attempt)
    appeal = await appeal_store.find_open_appeal(tx.connection, case.case_id)
    if appeal is None:
        raise Refusal(refusals.DECISION_NOT_FOUND)
    await appeal_store.set_decided(
        tx.connection,
        appeal.appeal_id,
        AppealOutcome(command.outcome.value),
        command.reasons,
        tx.principal.subject,
    )
    await tx.cancel_timer(APPEAL_REMINDER, appeal.appeal_id)
    ends_at = None
    if is_annulled:
        await legal_store.set_annulled(tx.connection, appeal.decision_id)
    else:
        await arm_appeal_window(appeal.decision_id, tx)
        ends_at = await legal_store.start_fresh_notice(tx.connection, appeal.decision_id)
    await case_store.set_state(tx.connection, case.case_id, state)
    await tx.publish(
        AppealDecided(case_id=case.case_id, county=case.county, outcome=command.outcome, appeal_window_ends_at=ends_at)
    )
    if is_annulled:
        await tx.publish(
            PhaseTwoReviewRequested(case_id=case.case_id, county=case.county, voluntary_until=case.voluntary_until)
        )
    return AppealEnded(
        appeal_id=appeal.appeal_id,
        case_id=case.case_id,
        state=state,
        outcome=command.outcome,
        appeal_window_ends_at=ends_at,
    )


async def remind_of_appeal(appeal_id: UUID, policy: ReviewPolicy, tx: Transaction) -> None:
    """An appeal passed its date: remind its office a step higher. Nothing happens to the case."""
    appeal = await appeal_store.lock_open_appeal(tx.connection, appeal_id)
    if appeal is None:
        return
    reminder = appeal.reminders + 1
    goes_on = reminder < policy.reminders_max
    next_review_by = tx.now + policy.interval
    await tx.publish(
        AppealOverdue(
            case_id=appeal.case_id,
            county=appeal.county,
            review_by=appeal.review_by,
            reminder=reminder,
            next_review_by=next_review_by if goes_on else None,
        )
    )
    if goes_on:
        await tx.arm_timer(APPEAL_REMINDER, appeal_id, policy.interval, policy)
    await appeal_store.remind_appeal(tx.connection, appeal_id, next_review_by)
