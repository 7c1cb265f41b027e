"""Break-glass: a caseworker opens a case of others, for a limited time; the supervisor is told at once and reviews it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.access import BreakGlassReason, BreakGlassVerdict
from services.nationals.casework.domain.access_refusals import (
    ACCESS_NOT_NEEDED,
    BREAK_GLASS_NOT_FOUND,
    BREAK_GLASS_REVIEWED,
    OWN_BREAK_GLASS,
)
from services.nationals.casework.handlers.case_reading import find_case
from services.nationals.casework.periods import ReviewPolicy, casework_periods
from services.nationals.casework.store import access as access_store
from services.nationals.casework.store import break_glass as break_glass_store
from shared.contracts.nationals import BreakGlassOpened, BreakGlassReviewed, BreakGlassReviewOverdue
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction

BREAK_GLASS_REVIEW = "nationals.break_glass_review"


class BreakGlass(BaseModel):
    """`reason`: a short text for the supervisor; it stays in the row and is in no event, log or mail."""

    case_id: UUID
    reason_kind: BreakGlassReason
    reason: str


class BreakGlassGranted(BaseModel):
    break_glass_id: UUID
    case_id: UUID
    expires_at: datetime


class ReviewBreakGlass(BaseModel):
    break_glass_id: UUID
    verdict: BreakGlassVerdict


class BreakGlassVerdictRecorded(BaseModel):
    break_glass_id: UUID
    case_id: UUID
    verdict: BreakGlassVerdict


async def break_glass(command: BreakGlass, tx: Transaction) -> BreakGlassGranted:
    """Open the case to the caller until `expires_at`; the supervisor is told by the same transaction.

    Raises Refusal (404; 409 if the caller has access already: a running break-glass is never prolonged).
    """
    case = await find_case(command.case_id, tx)
    subject = tx.principal.subject
    if subject == SYSTEM.subject:
        raise Refusal(refusals.HUMAN_REQUIRED, satisfied_by="a_person")
    if await access_store.has_access(tx.connection, case.case_id, subject):
        raise Refusal(ACCESS_NOT_NEEDED)
    periods = casework_periods()
    policy = periods.break_glass_policy
    break_glass_id = uuid7()
    expires_at = tx.now + periods.break_glass
    review_by = tx.now + policy.interval
    await tx.arm_timer(BREAK_GLASS_REVIEW, break_glass_id, policy.interval, policy)
    await break_glass_store.insert_break_glass(
        tx.connection, break_glass_id, case, subject, command.reason_kind, command.reason, expires_at, review_by
    )
    await tx.publish(
        BreakGlassOpened(
            case_id=case.case_id,
            county=case.county,
            break_glass_id=break_glass_id,
            expires_at=expires_at,
            review_by=review_by,
        )
    )
    return BreakGlassGranted(break_glass_id=break_glass_id, case_id=case.case_id, expires_at=expires_at)


async def review_break_glass(command: ReviewBreakGlass, tx: Transaction) -> BreakGlassVerdictRecorded:
    """A second person records whether the use was justified; one that was not ends at once. Raises Refusal (404, 409)."""
    used = await break_glass_store.lock_break_glass(tx.connection, command.break_glass_id)
    if used is None:
        raise Refusal(BREAK_GLASS_NOT_FOUND)
    if used.opened_by == tx.principal.subject:
        raise Refusal(OWN_BREAK_GLASS, satisfied_by="another_supervisor")
    if used.verdict is not None:
        raise Refusal(BREAK_GLASS_REVIEWED)
    await break_glass_store.set_verdict(tx.connection, used.break_glass_id, command.verdict, tx.principal.subject)
    await tx.cancel_timer(BREAK_GLASS_REVIEW, used.break_glass_id)
    await tx.publish(BreakGlassReviewed(case_id=used.case_id, county=used.county, break_glass_id=used.break_glass_id))
    return BreakGlassVerdictRecorded(break_glass_id=used.break_glass_id, case_id=used.case_id, verdict=command.verdict)


async def remind_of_break_glass(break_glass_id: UUID, policy: ReviewPolicy, tx: Transaction) -> None:
    """A use passed its review date unreviewed: remind a step higher (safeguard 13)."""
    used = await break_glass_store.lock_break_glass(tx.connection, break_glass_id)
    if used is None or used.verdict is not None:
        return
    reminder = used.reminders + 1
    has_next = reminder < policy.reminders_max
    await tx.publish(
        BreakGlassReviewOverdue(
            case_id=used.case_id,
            county=used.county,
            break_glass_id=used.break_glass_id,
            review_by=used.review_by,
            reminder=reminder,
            next_review_by=tx.now + policy.interval if has_next else None,
        )
    )
    if has_next:
        await tx.arm_timer(BREAK_GLASS_REVIEW, break_glass_id, policy.interval, policy)
    await break_glass_store.remind_break_glass(tx.connection, break_glass_id, tx.now + policy.interval)
