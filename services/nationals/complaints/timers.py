"""Due timers. Each one calls a handler; none of them moves a complaint."""

from uuid import UUID

from services.nationals.complaints.handlers.deadlines import (
    ACKNOWLEDGEMENT_TIMER,
    ANSWER_TIMER,
    RETENTION_TIMER,
    erase_due_texts,
    remind_of_deadline,
)
from services.nationals.complaints.periods import DeadlinePolicy
from shared.contracts.complaints import ComplaintDeadline
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(ACKNOWLEDGEMENT_TIMER, policy=DeadlinePolicy)
async def chase_acknowledgement(due: DueTimer, tx: Transaction) -> None:
    await remind_of_deadline(UUID(due.subject_id), ComplaintDeadline.ACKNOWLEDGEMENT, _policy(due), tx)


@timer(ANSWER_TIMER, policy=DeadlinePolicy)
async def chase_answer(due: DueTimer, tx: Transaction) -> None:
    await remind_of_deadline(UUID(due.subject_id), ComplaintDeadline.ANSWER, _policy(due), tx)


@timer(RETENTION_TIMER)
async def end_retention(due: DueTimer, tx: Transaction) -> None:
    await erase_due_texts(UUID(due.subject_id), tx)


def _policy(due: DueTimer) -> DeadlinePolicy:
    if not isinstance(due.policy, DeadlinePolicy):
        raise TypeError(f"timer {due.kind} of {due.subject_id} carries no deadline policy")
    return due.policy
