"""What happens when a date of the complaints office passes: the office is reminded; texts past their retention are erased."""

from uuid import UUID

from services.nationals.complaints.domain.complaint import ComplaintState
from services.nationals.complaints.periods import DeadlinePolicy, complaint_periods
from services.nationals.complaints.store import complaints as store
from shared.contracts.complaints import ComplaintDeadline, ComplaintOverdue
from shared.kit.auth import SYSTEM
from shared.kit.logging import get_logger
from shared.kit.transaction import Transaction

ACKNOWLEDGEMENT_TIMER = "nationals.complaint_acknowledgement"
ANSWER_TIMER = "nationals.complaint_answer"
RETENTION_TIMER = "nationals.complaint_retention"

_TIMERS = {
    ComplaintDeadline.ACKNOWLEDGEMENT: ACKNOWLEDGEMENT_TIMER,
    ComplaintDeadline.ANSWER: ANSWER_TIMER,
}
_OWED_IN = {
    ComplaintDeadline.ACKNOWLEDGEMENT: frozenset({ComplaintState.RECEIVED}),
    ComplaintDeadline.ANSWER: frozenset(
        {ComplaintState.RECEIVED, ComplaintState.ACKNOWLEDGED, ComplaintState.UNDER_EXAMINATION}
    ),
}

log = get_logger(__name__)


async def remind_of_deadline(
    complaint_id: UUID, deadline: ComplaintDeadline, policy: DeadlinePolicy, tx: Transaction
) -> None:
    """A deadline passed: tell the office, again every interval until the last reminder. The complaint itself stays as it is."""
    complaint = await store.lock_deadline(tx.connection, complaint_id, deadline)
    if complaint is None or complaint.state not in _OWED_IN[deadline]:
        log.info("complaint_deadline_ignored", complaint_id=str(complaint_id), deadline=deadline.value)
        return
    reminder = complaint.reminders + 1
    has_next = reminder < policy.reminders_max
    await tx.publish(
        ComplaintOverdue(
            complaint_id=complaint_id,
            county=complaint.county,
            deadline=deadline,
            due_at=complaint.due_at,
            reminder=reminder,
            next_reminder_at=tx.now + policy.reminder_interval if has_next else None,
        )
    )
    if has_next:
        await tx.arm_timer(_TIMERS[deadline], complaint_id, policy.reminder_interval, policy)
    await store.count_reminder(tx.connection, complaint_id, deadline)


async def erase_due_texts(complaint_id: UUID, tx: Transaction) -> None:
    """The retention date came: erase what was said, unless a person holds it; then look again later."""
    complaint = await store.lock_retention(tx.connection, complaint_id)
    if complaint is None or complaint.is_erased:
        return
    if complaint.is_held:
        await tx.arm_timer(RETENTION_TIMER, complaint_id, complaint_periods().hold_review)
        log.info("complaint_texts_held", complaint_id=str(complaint_id))
        return
    await store.erase_texts(tx.connection, complaint_id, SYSTEM.subject)
