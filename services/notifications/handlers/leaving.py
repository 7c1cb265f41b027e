"""Somebody leaves an office: what is still owed to them does not leave, and the next person is told at once."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.notifications.handlers.telling import AT_ONCE, ESCALATION_TIMER, StepTimer
from services.notifications.store import leaving as store
from services.notifications.store.alerts import HistoryLine, add_histories
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction

RECIPIENT_LEFT: Final = "recipient_left"


async def withdraw_letters(member_ids: Collection[UUID], tx: Transaction) -> None:
    """Cancel what is owed to these people; a chain whose running step waited for one of them goes on without waiting, at
    its end by telling the last step once more."""
    if not member_ids:
        return
    withdrawn = await store.withdraw_owed(tx.connection, member_ids)
    lines = [
        HistoryLine(
            one.alert_id,
            one.county,
            RECIPIENT_LEFT,
            one.step,
            tx.principal.subject,
            {"delivery_id": str(one.delivery_id), "recipient": one.recipient, "channel": one.channel},
        )
        for one in withdrawn
    ]
    await add_histories(tx.connection, lines, tx.now)
    waiting = {one.alert_id: one for one in withdrawn if one.chain_waits}
    armings = [
        Arming(str(alert_id), AT_ONCE, StepTimer(step=one.step, reopened=True), one.correlation_id)
        for alert_id, one in waiting.items()
    ]
    await tx.arm_timers(ESCALATION_TIMER, armings)
