"""A chain goes on: the next step when nobody acts, and one more letter for those who joined since the last."""

from datetime import timedelta
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.escalation import UNANSWERED, AlertState, next_step
from services.notifications.handlers.telling import BY_SYSTEM, GROUP_LETTER_TIMER, Chain, arm_waits, tell_chains
from services.notifications.store import alerts as store
from services.notifications.store.alerts import Alert
from services.notifications.store.members import share_memberships
from shared.contracts.notifications import AlertEscalated
from shared.kit.clock import wall_delay
from shared.kit.transaction import Transaction


async def escalate_alert(alert_id: UUID, step: int, tx: Transaction, *, reopened: bool = False) -> None:
    """The wait of `step` ended: tell the next person, unless somebody has acted or the chain is at its end. A chain that
    was taken up again (`reopened`) tells the last step once more at its end."""
    await share_memberships(tx.connection)
    alert = await store.lock_alert(tx.connection, alert_id)
    if alert is None or alert.step != step or not alert.has_chain or alert.state not in UNANSWERED:
        return
    following = step + 1 if reopened else next_step(alert.policy, alert.state, step)
    if following is None:
        return
    await store.set_step(tx.connection, alert_id, AlertState.ESCALATED, following, tx.now)
    await tx.cancel_timer(GROUP_LETTER_TIMER, alert_id)
    chain = _chain(alert, tx, step=following)
    tellings = await tell_chains(tx, [chain])
    await _add_history(tx, alert, "escalated", following, tellings[alert_id].details)
    await tx.publish(AlertEscalated(alert_id=alert_id, county=alert.county, step=following))


async def send_group_letter(alert_id: UUID, tx: Transaction) -> None:
    """The wait for further alerts of a group ended: its lead's letter goes out, or one more of the running step. Nothing if
    somebody acted or a later step has told of them already."""
    await share_memberships(tx.connection)
    alert = await store.lock_alert(tx.connection, alert_id)
    if alert is None or not alert.letter_due or not alert.has_chain or alert.state not in UNANSWERED:
        return
    first = alert.step_told_at is None
    letter_round = 0 if first else alert.letter_round + 1
    await store.set_told(tx.connection, [alert_id], tx.now)
    await store.set_letter_round(tx.connection, alert_id, letter_round)
    tellings = await tell_chains(tx, [_chain(alert, tx, letter_round=letter_round)], arms=first)
    if first:
        await store.set_first_wait(tx.connection, alert_id, tx.now + wall_delay(tellings[alert_id].wait))
    await _add_history(tx, alert, "group_told", alert.step, tellings[alert_id].details)


async def resume_chain(alert_id: UUID, tx: Transaction) -> bool:
    """Go on with a chain whose wait is lost: arm the running step's wait again, or send the letter that never went out.
    False if the alert has no chain that waits for anything."""
    alert = await store.lock_alert(tx.connection, alert_id)
    if alert is None or not alert.has_chain or alert.state not in UNANSWERED:
        return False
    if alert.letter_due or alert.step_told_at is None:
        await store.set_letter_due(tx.connection, [alert_id])
        await tx.arm_timer(GROUP_LETTER_TIMER, alert_id, timedelta())
        return True
    if not alert.policy.has_step(alert.step + 1):
        return False
    await arm_waits(tx, [_chain(alert, tx)])
    return True


def _chain(alert: Alert, tx: Transaction, *, step: int | None = None, letter_round: int = 0) -> Chain:
    return Chain(
        alert_id=alert.alert_id,
        county=alert.county,
        audience=alert.audience,
        policy=alert.policy,
        step=alert.step if step is None else step,
        correlation_id=alert.correlation_id,
        traceparent=tx.traceparent,
        letter_round=letter_round,
        restricted=alert.restricted,
    )


async def _add_history(tx: Transaction, alert: Alert, entry: str, step: int, details: dict[str, JsonValue]) -> None:
    await store.add_history(
        tx.connection, alert.alert_id, entry, county=alert.county, at=tx.now, step=step, by=BY_SYSTEM, details=details
    )
