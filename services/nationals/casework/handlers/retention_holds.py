"""A person keeps the records of a case beyond their retention date: on a ground, with a review date, until released."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain.contacts import HoldGround
from services.nationals.casework.domain.vault_refusals import ALREADY_HELD, CASE_ERASED, HOLD_NOT_FOUND
from services.nationals.casework.handlers.case_reading import require_case
from services.nationals.casework.handlers.erasure import resume_erasure
from services.nationals.casework.periods import ReviewPolicy, casework_periods
from services.nationals.casework.store import erasure as erasure_store
from shared.contracts.nationals import RetentionHeld, RetentionReleased, RetentionReviewOverdue
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.transaction import Transaction

RETENTION_HOLD_REVIEW = "nationals.retention_hold_review"

log = get_logger(__name__)


class HoldRecords(BaseModel):
    case_id: UUID
    ground: HoldGround


class ReleaseRecords(BaseModel):
    case_id: UUID
    hold_id: UUID


class ListHolds(BaseModel):
    case_id: UUID


class HoldView(BaseModel):
    hold_id: UUID
    ground: HoldGround
    review_by: datetime
    reminders: int
    held_by: str
    held_at: datetime
    released_by: str | None
    released_at: datetime | None


class CaseHolds(BaseModel):
    """Every hold that the case ever had, the oldest first."""

    case_id: UUID
    holds: list[HoldView]


async def hold_records(command: HoldRecords, tx: Transaction) -> CaseHolds:
    """Keep the records of the case until a person releases them. Raises Refusal (403, 404; 409 if held or erased)."""
    case = await require_case(command.case_id, tx)
    if await erasure_store.is_erased(tx.connection, case.case_id):
        raise Refusal(CASE_ERASED)
    policy = casework_periods().retention_hold_policy
    hold_id = uuid7()
    review_by = tx.now + policy.interval
    await tx.arm_timer(RETENTION_HOLD_REVIEW, hold_id, policy.interval, policy)
    if not await erasure_store.insert_hold(
        tx.connection, hold_id, case, command.ground, review_by, tx.principal.subject
    ):
        raise Refusal(ALREADY_HELD)
    await tx.publish(RetentionHeld(case_id=case.case_id, county=case.county, hold_id=hold_id, review_by=review_by))
    log.info("retention_held", case_id=str(case.case_id), hold_id=str(hold_id), by=tx.principal.subject)
    return await _holds(case.case_id, tx)


async def release_records(command: ReleaseRecords, tx: Transaction) -> CaseHolds:
    """End a hold; an erasure that waited for it is done now. Raises Refusal (403, 404)."""
    case = await require_case(command.case_id, tx)
    hold = await erasure_store.lock_running_hold(tx.connection, command.hold_id)
    if hold is None or hold.case_id != case.case_id:
        raise Refusal(HOLD_NOT_FOUND)
    await erasure_store.release_hold(tx.connection, hold.hold_id, tx.principal.subject)
    await tx.cancel_timer(RETENTION_HOLD_REVIEW, hold.hold_id)
    await tx.publish(RetentionReleased(case_id=case.case_id, county=case.county, hold_id=hold.hold_id))
    log.info("retention_released", case_id=str(case.case_id), hold_id=str(hold.hold_id), by=tx.principal.subject)
    await resume_erasure(case, tx)
    return await _holds(case.case_id, tx)


async def list_holds(command: ListHolds, tx: Transaction) -> CaseHolds:
    """Raises Refusal (403, 404)."""
    case = await require_case(command.case_id, tx)
    return await _holds(case.case_id, tx)


async def remind_of_hold(hold_id: UUID, policy: ReviewPolicy, tx: Transaction) -> None:
    """A hold passed its review date: remind who may release it (safeguard 13). Nothing is erased by it."""
    hold = await erasure_store.lock_running_hold(tx.connection, hold_id)
    if hold is None:
        return
    reminder = hold.reminders + 1
    has_next = reminder < policy.reminders_max
    await tx.publish(
        RetentionReviewOverdue(
            case_id=hold.case_id,
            county=hold.county,
            hold_id=hold.hold_id,
            review_by=hold.review_by,
            reminder=reminder,
            next_review_by=tx.now + policy.interval if has_next else None,
        )
    )
    if has_next:
        await tx.arm_timer(RETENTION_HOLD_REVIEW, hold_id, policy.interval, policy)
    await erasure_store.remind_hold(tx.connection, hold_id, tx.now + policy.interval)


async def _holds(case_id: UUID, tx: Transaction) -> CaseHolds:
    return CaseHolds(
        case_id=case_id,
        holds=[
            HoldView(
                hold_id=hold.hold_id,
                ground=hold.ground,
                review_by=hold.review_by,
                reminders=hold.reminders,
                held_by=hold.held_by,
                held_at=hold.held_at,
                released_by=hold.released_by,
                released_at=hold.released_at,
            )
            for hold in await erasure_store.list_holds(tx.connection, case_id)
        ],
    )
