"""Pausing a case: always with an owner, a review date and an escalation (safeguard 13)."""

from uuid_utils.compat import uuid7

from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.nationals import ReturnCaseSuspended, ReviewOffice
from shared.kit.transaction import Transaction

VOLUNTARY_PERIOD = "nationals.voluntary_period"
PAUSE_REVIEW = "nationals.pause_review"

PAUSE_OWNERS = {
    2: ReviewOffice.PROTECTION_OFFICE,
    5: ReviewOffice.PROTECTION_OFFICE,
    8: ReviewOffice.CHILD_PROTECTION_OFFICE,
    9: ReviewOffice.PROTECTION_OFFICE,
}
"""Who owns a pause, by the number of the safeguard that made it."""


async def open_pause(case: CaseRow, safeguard: int, tx: Transaction) -> bool:
    """Pause the case under `safeguard`; False if it is paused under it already.

    The voluntary period stops running: a paused case does not lapse. Whoever clears the pause arms it for what remained.
    """
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    if any(pause.safeguard == safeguard for pause in pauses):
        return False
    await tx.cancel_timer(VOLUNTARY_PERIOD, case.case_id)
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
