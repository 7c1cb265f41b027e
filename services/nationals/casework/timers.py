"""Due timers. Each one calls a handler; none of them decides anything about a case."""

from uuid import UUID

from services.nationals.casework import handlers
from services.nationals.casework.handlers import screening_expiry
from services.nationals.casework.handlers.appeals import remind_of_appeal
from services.nationals.casework.handlers.break_glass import BREAK_GLASS_REVIEW, remind_of_break_glass
from services.nationals.casework.handlers.erasure import RETENTION, end_retention
from services.nationals.casework.handlers.legal_decisions import tell_end_of_appeal_window
from services.nationals.casework.handlers.legal_stage import APPEAL_REMINDER, APPEAL_WINDOW
from services.nationals.casework.handlers.offering import review_waiting_list
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, VOLUNTARY_PERIOD
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from services.nationals.casework.handlers.retention_holds import RETENTION_HOLD_REVIEW, remind_of_hold
from services.nationals.casework.handlers.reviews import LEGAL_REVIEW_REMINDER
from services.nationals.casework.handlers.screening_expiry import SCREENING_EXPIRY, ScreeningWatch
from services.nationals.casework.handlers.waiting import WAITING_LIST_REVIEW
from services.nationals.casework.periods import AppealWindowPolicy, RetentionPolicy, ReviewPolicy
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(BOOKING_EXPIRY)
async def expire_booking(due: DueTimer, tx: Transaction) -> None:
    await handlers.expire_booking(UUID(due.subject_id), due.fence, tx)


@timer(WAITING_LIST_REVIEW)
async def look_again_at_waiting_list(due: DueTimer, tx: Transaction) -> None:
    await review_waiting_list(UUID(due.subject_id), tx)


@timer(VOLUNTARY_PERIOD)
async def lapse_voluntary_period(due: DueTimer, tx: Transaction) -> None:
    await handlers.lapse_voluntary_period(UUID(due.subject_id), due.fence, tx)


@timer(PAUSE_REVIEW, policy=ReviewPolicy)
async def remind_of_pause(due: DueTimer, tx: Transaction) -> None:
    await handlers.remind_of_pause(UUID(due.subject_id), _policy(due), tx)


@timer(LEGAL_REVIEW_REMINDER, policy=ReviewPolicy)
async def remind_of_legal_review(due: DueTimer, tx: Transaction) -> None:
    await handlers.remind_of_legal_review(UUID(due.subject_id), _policy(due), tx)


@timer(BREAK_GLASS_REVIEW, policy=ReviewPolicy)
async def chase_break_glass_review(due: DueTimer, tx: Transaction) -> None:
    await remind_of_break_glass(UUID(due.subject_id), _policy(due), tx)


@timer(APPEAL_WINDOW, policy=AppealWindowPolicy)
async def end_appeal_window(due: DueTimer, tx: Transaction) -> None:
    await tell_end_of_appeal_window(UUID(due.subject_id), due.fence, tx)


@timer(APPEAL_REMINDER, policy=ReviewPolicy)
async def chase_appeal(due: DueTimer, tx: Transaction) -> None:
    await remind_of_appeal(UUID(due.subject_id), _policy(due), tx)


@timer(SCREENING_EXPIRY, policy=ScreeningWatch)
async def warn_of_screening_expiry(due: DueTimer, tx: Transaction) -> None:
    if not isinstance(due.policy, ScreeningWatch):
        raise TypeError(f"timer {due.kind} of {due.subject_id} does not say which screening it watches")
    await screening_expiry.warn_of_screening_expiry(UUID(due.subject_id), due.policy, tx)


@timer(RETENTION, policy=RetentionPolicy)
async def end_retention_of_case(due: DueTimer, tx: Transaction) -> None:
    if not isinstance(due.policy, RetentionPolicy):
        raise TypeError(f"timer {due.kind} of {due.subject_id} does not say what it erases")
    await end_retention(UUID(due.subject_id), due.policy, tx)


@timer(RETENTION_HOLD_REVIEW, policy=ReviewPolicy)
async def chase_retention_hold(due: DueTimer, tx: Transaction) -> None:
    await remind_of_hold(UUID(due.subject_id), _policy(due), tx)


def _policy(due: DueTimer) -> ReviewPolicy:
    if not isinstance(due.policy, ReviewPolicy):
        raise TypeError(f"timer {due.kind} of {due.subject_id} carries no review policy")
    return due.policy
