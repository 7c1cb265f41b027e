"""Due timers. Each one calls a handler; none of them decides anything about a case."""

from uuid import UUID

from services.nationals.casework import handlers
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, VOLUNTARY_PERIOD
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from services.nationals.casework.handlers.reviews import LEGAL_REVIEW_REMINDER
from services.nationals.casework.periods import ReviewPolicy
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(BOOKING_EXPIRY)
async def expire_booking(due: DueTimer, tx: Transaction) -> None:
    await handlers.expire_booking(UUID(due.subject_id), due.fence, tx)


@timer(VOLUNTARY_PERIOD)
async def lapse_voluntary_period(due: DueTimer, tx: Transaction) -> None:
    await handlers.lapse_voluntary_period(UUID(due.subject_id), due.fence, tx)


@timer(PAUSE_REVIEW, policy=ReviewPolicy)
async def remind_of_pause(due: DueTimer, tx: Transaction) -> None:
    await handlers.remind_of_pause(UUID(due.subject_id), _policy(due), tx)


@timer(LEGAL_REVIEW_REMINDER, policy=ReviewPolicy)
async def remind_of_legal_review(due: DueTimer, tx: Transaction) -> None:
    await handlers.remind_of_legal_review(UUID(due.subject_id), _policy(due), tx)


def _policy(due: DueTimer) -> ReviewPolicy:
    if not isinstance(due.policy, ReviewPolicy):
        raise TypeError(f"timer {due.kind} of {due.subject_id} carries no review policy")
    return due.policy
