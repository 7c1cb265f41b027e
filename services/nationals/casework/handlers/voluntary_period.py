"""The voluntary period of a case: a pause stops it, and a household on its way is not timed out of it."""

from datetime import timedelta

from services.nationals.casework.domain.voluntary_stage import VOLUNTARY_STAGE
from services.nationals.casework.store import voluntary as voluntary_store
from services.nationals.casework.store.cases import CaseRow
from shared.kit.clock import wall_delay
from shared.kit.transaction import Transaction

VOLUNTARY_PERIOD = "nationals.voluntary_period"
LEFT_MIN = timedelta(days=1)
"""Nobody's period ends at the moment in which a pause or a booking ends: at least this much is left then."""


async def stop_voluntary_period(case: CaseRow, tx: Transaction) -> None:
    """A pause opened: the period does not run until every pause has ended."""
    if await tx.cancel_timer(VOLUNTARY_PERIOD, case.case_id) and case.state in VOLUNTARY_STAGE:
        await voluntary_store.stop_voluntary_period(tx.connection, case.case_id)


async def resume_voluntary_period(case: CaseRow, tx: Transaction) -> None:
    """The last pause ended: the period runs on for what was left of it, because a pause must not eat the household's time."""
    if case.state in VOLUNTARY_STAGE:
        left = max(case.voluntary_due_at - (case.voluntary_stopped_at or tx.now), timedelta())
        delay = max(_domain_time(left), LEFT_MIN)
        await tx.arm_timer(VOLUNTARY_PERIOD, case.case_id, delay)
        await voluntary_store.run_voluntary_period(tx.connection, case.case_id, tx.now + delay)


async def look_again_when_booking_ends(case: CaseRow, tx: Transaction) -> None:
    """The period would be over, but the household is on its way: it runs on until the booking or the reconfirmation ends.

    An admitted household's booking and a place on a waiting list have no end of their own: they are looked at again every
    `LEFT_MIN`.
    """
    until = await voluntary_store.on_its_way_until(tx.connection, case.case_id) or tx.now
    delay = max(_domain_time(until - tx.now), LEFT_MIN)
    await tx.arm_timer(VOLUNTARY_PERIOD, case.case_id, delay)
    await voluntary_store.extend_voluntary_period(tx.connection, case.case_id, tx.now + delay)


def _domain_time(wall: timedelta) -> timedelta:
    """What `wall` is worth in domain time: the inverse of the kit's `wall_delay`."""
    hour = timedelta(hours=1)
    return wall * (hour / wall_delay(hour))
