"""What happens when time passes without a person acting: a human review is asked for and chased. Nothing is decided."""

from uuid import UUID

from uuid_utils.compat import uuid7

from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.voluntary_refusals import ON_ITS_WAY
from services.nationals.casework.handlers.case_reading import read_facts
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW
from services.nationals.casework.handlers.voluntary_period import look_again_when_booking_ends
from services.nationals.casework.periods import ReviewPolicy, casework_periods
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store.reviews import LegalReviewRow, PauseRow
from shared.contracts.nationals import (
    LegalReviewOpened,
    PhaseTwoReviewRequested,
    ReturnCaseReviewOverdue,
    ReviewOffice,
    ReviewSubject,
)
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.routing import Received, reaction
from shared.kit.transaction import Transaction

LEGAL_REVIEW_REMINDER = "nationals.legal_review_reminder"

log = get_logger(__name__)


async def lapse_voluntary_period(case_id: UUID, fence: int, tx: Transaction) -> None:
    """The voluntary period is over: ask people for a legal review. Releases nothing and decides nothing.

    It does not lapse while the household holds a booking or its reconfirmation is in force: such a household is doing what the
    period is there for, and only offices still stand between it and its departure. The timer then looks again when that ends.
    A timer that is late, repeated or of a case that left the voluntary stage or is paused changes nothing (safeguard 12).
    """
    case = await case_store.lock_case(tx.connection, case_id)
    if case is None:
        log.info("voluntary_lapse_ignored", case_id=str(case_id), reason="unknown case")
        return
    attempt = Attempt(timer_is_current=fence == case.voluntary_fence)
    try:
        state = take(Step.LAPSE_VOLUNTARY_PERIOD, await read_facts(case, tx), attempt)
    except Refusal as refusal:
        if refusal.reason is ON_ITS_WAY:
            await look_again_when_booking_ends(case, tx)
        log.info("voluntary_lapse_ignored", case_id=str(case_id), reason=refusal.reason.code)
        return
    await case_store.set_state(tx.connection, case_id, state)
    await tx.publish(PhaseTwoReviewRequested(case_id=case_id, county=case.county, voluntary_until=case.voluntary_until))


@reaction(PhaseTwoReviewRequested)
async def open_legal_review(received: Received[PhaseTwoReviewRequested], tx: Transaction) -> None:
    """Put the case in the legal office's queue, once; the case itself is not touched (safeguard 12)."""
    case = await case_store.lock_case(tx.connection, received.event.case_id)
    if (
        case is None
        or case.state is not CaseState.AWAITING_LEGAL_REVIEW
        or await review_store.find_legal_review_id(tx.connection, case.case_id) is not None
    ):
        log.info("legal_review_request_ignored", case_id=str(received.event.case_id), event_id=str(received.id))
        return
    policy = casework_periods().legal_review_policy
    review_id = uuid7()
    review_by = tx.now + policy.interval
    await tx.arm_timer(LEGAL_REVIEW_REMINDER, review_id, policy.interval, policy)
    await review_store.insert_legal_review(
        tx.connection, review_id, case.case_id, case.county, ReviewOffice.LEGAL_OFFICE, review_by
    )
    await tx.publish(
        LegalReviewOpened(
            case_id=case.case_id,
            county=case.county,
            review_id=review_id,
            owner_office=ReviewOffice.LEGAL_OFFICE,
            review_by=review_by,
        )
    )


async def remind_of_pause(pause_id: UUID, policy: ReviewPolicy, tx: Transaction) -> None:
    """A pause passed its review date: remind its owner a step higher. Nothing happens to the case."""
    pause = await review_store.lock_open_pause(tx.connection, pause_id)
    if pause is None:
        return
    await _remind(pause, ReviewSubject.PAUSE, policy, tx)
    if pause.reminders + 1 < policy.reminders_max:
        await tx.arm_timer(PAUSE_REVIEW, pause_id, policy.interval, policy)
    await review_store.remind_pause(tx.connection, pause_id, tx.now + policy.interval)


async def remind_of_legal_review(review_id: UUID, policy: ReviewPolicy, tx: Transaction) -> None:
    """A legal review passed its date: remind the legal office a step higher. Nothing happens to the case."""
    review = await review_store.lock_open_legal_review(tx.connection, review_id)
    if review is None:
        return
    await _remind(review, ReviewSubject.LEGAL_REVIEW, policy, tx)
    if review.reminders + 1 < policy.reminders_max:
        await tx.arm_timer(LEGAL_REVIEW_REMINDER, review_id, policy.interval, policy)
    await review_store.remind_legal_review(tx.connection, review_id, tx.now + policy.interval)


async def _remind(
    waiting: PauseRow | LegalReviewRow, subject: ReviewSubject, policy: ReviewPolicy, tx: Transaction
) -> None:
    reminder = waiting.reminders + 1
    await tx.publish(
        ReturnCaseReviewOverdue(
            case_id=waiting.case_id,
            county=waiting.county,
            subject=subject,
            review_by=waiting.review_by,
            reminder=reminder,
            next_review_by=tx.now + policy.interval if reminder < policy.reminders_max else None,
        )
    )
