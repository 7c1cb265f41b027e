"""Somebody leaves an office: what is still owed to them does not leave, what they had taken charge of is open again, and the
next person is told at once. Who only has another address is told there."""

from collections.abc import Collection, Mapping
from uuid import UUID

from services.notifications.handlers.telling import (
    AT_ONCE,
    ESCALATION_TIMER,
    LAPSE_TIMER,
    RECIPIENT_LEFT,
    LapseTimer,
    StepTimer,
)
from services.notifications.store import leaving as store
from services.notifications.store.alerts import HistoryLine, add_histories
from services.notifications.store.leaving import Forsaken
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction


async def withdraw_letters(member_ids: Collection[UUID], tx: Transaction) -> None:
    """Cancel what is owed to these people. A chain whose running step told nobody else, or that one of them had stopped by
    acknowledging, goes on without waiting, at its end by telling the last step once more."""
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
    unwatched = await store.list_unwatched(tx.connection, member_ids)
    said = {one.alert_id for one in withdrawn}
    lines += [_left(one, "recipient", tx) for one in unwatched if one.alert_id not in said]
    acknowledged = await store.list_acknowledged_by(tx.connection, member_ids)
    lines += [_left(one, "acknowledged_by", tx) for one in acknowledged]
    await add_histories(tx.connection, lines, tx.now)
    armings = [
        Arming(str(one.alert_id), AT_ONCE, StepTimer(step=one.step, reopened=True), one.correlation_id)
        for one in unwatched
    ]
    await tx.arm_timers(ESCALATION_TIMER, armings)
    lapses = [Arming(str(one.alert_id), AT_ONCE, LapseTimer(left=one.name), one.correlation_id) for one in acknowledged]
    await tx.arm_timers(LAPSE_TIMER, lapses)


def _left(one: Forsaken, what: str, tx: Transaction) -> HistoryLine:
    return HistoryLine(one.alert_id, one.county, RECIPIENT_LEFT, one.step, tx.principal.subject, {what: one.name})


async def readdress_letters(emails: Mapping[UUID, tuple[str, str]], tx: Transaction) -> None:
    """Send what is owed to these people to the second of their e-mail addresses instead of the first."""
    if emails:
        await store.readdress_owed(tx.connection, emails, tx.principal.subject)
