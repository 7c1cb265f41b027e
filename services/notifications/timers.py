"""Due timers of the notifications service."""

from uuid import UUID

from services.notifications.handlers import StepTimer, escalate_alert
from services.notifications.handlers.alerts import ESCALATION_TIMER
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(ESCALATION_TIMER, policy=StepTimer)
async def end_escalation_wait(due: DueTimer, tx: Transaction) -> None:
    """A step's wait is over. The kit has checked the fence; the step tells whether the alert has moved on since."""
    if isinstance(due.policy, StepTimer):
        await escalate_alert(UUID(due.subject_id), due.policy.step, tx)
