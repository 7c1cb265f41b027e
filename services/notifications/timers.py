"""Due timers of the notifications service. The kit has checked each one's fence; what it does tells by the rows whether
things have moved on since."""

from uuid import UUID

from services.notifications import handlers
from services.notifications.handlers import SilenceTimer, StepTimer
from services.notifications.handlers.digests import DIGEST_TIMER, DigestTimer, compose_digest
from services.notifications.handlers.telling import (
    ESCALATION_TIMER,
    GROUP_LETTER_TIMER,
    LAPSE_TIMER,
    RELEASE_TIMER,
    SILENCE_TIMER,
    LapseTimer,
)
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(ESCALATION_TIMER, policy=StepTimer)
async def end_escalation_wait(due: DueTimer, tx: Transaction) -> None:
    """A step's wait is over."""
    if isinstance(due.policy, StepTimer):
        await handlers.escalate_alert(UUID(due.subject_id), due.policy.step, tx, reopened=due.policy.reopened)


@timer(GROUP_LETTER_TIMER)
async def end_group_wait(due: DueTimer, tx: Transaction) -> None:
    """Further alerts have been waited for long enough."""
    await handlers.send_group_letter(UUID(due.subject_id), tx)


@timer(LAPSE_TIMER, policy=LapseTimer)
async def end_acknowledgement(due: DueTimer, tx: Transaction) -> None:
    """Whoever acknowledged had time to act, or has left."""
    left = due.policy.left if isinstance(due.policy, LapseTimer) else None
    await handlers.lapse_acknowledgement(UUID(due.subject_id), tx, left=left)


@timer(RELEASE_TIMER)
async def release_held_back(due: DueTimer, tx: Transaction) -> None:
    """What held alerts back has ended."""
    await handlers.release_held_back(UUID(due.subject_id), tx)


@timer(SILENCE_TIMER, policy=SilenceTimer)
async def end_silence(due: DueTimer, tx: Transaction) -> None:
    """A silence's time is over."""
    if isinstance(due.policy, SilenceTimer):
        await handlers.end_silence(UUID(due.subject_id), tx, critical_only=due.policy.critical_only)


@timer(DIGEST_TIMER, policy=DigestTimer)
async def compose_due_digest(due: DueTimer, tx: Transaction) -> None:
    """An office's summary is due."""
    if isinstance(due.policy, DigestTimer):
        await compose_digest(due.policy.working_group, due.policy.period, tx)
