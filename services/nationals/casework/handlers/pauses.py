"""Pausing a case, always with an owner, a review date and an escalation (safeguard 13), and letting it go on."""

from uuid import UUID

from uuid_utils.compat import uuid7

from services.nationals.casework.handlers.voluntary_period import (
    VOLUNTARY_PERIOD,
    resume_voluntary_period,
    stop_voluntary_period,
)
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import clearances as clearance_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.nationals import ReturnCaseResumed, ReturnCaseSuspended, ReviewOffice
from shared.kit.transaction import Transaction

PAUSE_REVIEW = "nationals.pause_review"

__all__ = ["PAUSE_OWNERS", "PAUSE_REVIEW", "VOLUNTARY_PERIOD", "end_pause", "open_pause"]

PAUSE_OWNERS = {
    2: ReviewOffice.PROTECTION_OFFICE,
    5: ReviewOffice.PROTECTION_OFFICE,
    7: ReviewOffice.PROTECTION_OFFICE,
    8: ReviewOffice.CHILD_PROTECTION_OFFICE,
    9: ReviewOffice.PROTECTION_OFFICE,
}
"""Who owns a pause, by the number of the safeguard that made it."""


async def open_pause(case: CaseRow, safeguard: int, tx: Transaction) -> bool:
    """Pause the case under `safeguard`; False if it is paused under it already.

    The voluntary period stops running: a paused case does not lapse. When the last pause ends it runs on for what was left.
    """
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    if any(pause.safeguard == safeguard for pause in pauses):
        return False
    await stop_voluntary_period(case, tx)
    policy = casework_periods().pause_policy
    pause_id = uuid7()
    review_by = tx.now + policy.interval
    await tx.arm_timer(PAUSE_REVIEW, pause_id, policy.interval, policy)
    await review_store.insert_pause(
        tx.connection,
        pause_id,
        case.case_id,
        case.county,
        safeguard,
        PAUSE_OWNERS[safeguard],
        review_by,
        tx.principal.subject,
    )
    await tx.publish(ReturnCaseSuspended(case_id=case.case_id, county=case.county, review_by=review_by))
    return True


async def end_pause(case: CaseRow, pause_id: UUID, tx: Transaction) -> bool:
    """End one pause, which a clearance or a decision allows already; True if it was the last one and the case goes on."""
    await clearance_store.end_pause(tx.connection, pause_id)
    await tx.cancel_timer(PAUSE_REVIEW, pause_id)
    if await review_store.open_pauses(tx.connection, case.case_id):
        return False
    await resume_voluntary_period(case, tx)
    await tx.publish(ReturnCaseResumed(case_id=case.case_id, county=case.county))
    return True
