"""What held alerts back has ended: each that is still unresolved is held by something else, joins others, or is told."""

from uuid import UUID

from services.notifications.domain.decision import Placed
from services.notifications.handlers.raising import place_alerts, placement_details, tell_of_placed
from services.notifications.handlers.telling import BY_SYSTEM, Chain, tell_chains
from services.notifications.routing_rules import rules_in_force
from services.notifications.store import alerts as store
from services.notifications.store import raising
from services.notifications.store.alerts import HistoryLine
from services.notifications.store.members import share_memberships
from shared.kit.transaction import Transaction


async def release_held_back(held_back_by: UUID, tx: Transaction) -> None:
    """Look again at every alert that this alert or silence held back. One that somebody has acknowledged meanwhile is held
    no more and told to nobody."""
    await share_memberships(tx.connection)
    await store.lock_groups(tx.connection, await raising.list_group_keys_of_held(tx.connection, held_back_by))
    held = await raising.lock_held(tx.connection, held_back_by)
    if not held:
        return
    book = await rules_in_force(tx.connection)
    acknowledged = await store.drop_holds_of_acknowledged(tx.connection, held_back_by)
    unanswered = [alert for alert in held if alert.alert_id not in acknowledged]
    owing = await place_alerts(book, unanswered, tx)
    await raising.set_placed(tx.connection, unanswered, tx.now)
    policies = await store.list_policies_of(tx.connection, [alert.alert_id for alert in unanswered])
    chains = [
        Chain(
            alert_id=alert.alert_id,
            county=alert.county,
            audience=alert.audience,
            policy=policies[alert.alert_id],
            step=0,
            correlation_id=tx.correlation_id,
            traceparent=tx.traceparent,
        )
        for alert in unanswered
        if alert.starts
    ]
    tellings = await tell_chains(tx, chains)
    lines = [
        HistoryLine(
            alert.alert_id,
            alert.county,
            "released" if alert.held_back is None else "held_back",
            0,
            BY_SYSTEM,
            tellings[alert.alert_id].details if alert.alert_id in tellings else placement_details(alert),
        )
        for alert in unanswered
        if alert.held_back is None or alert.held_back.by != held_back_by
    ]
    await store.add_histories(tx.connection, lines, tx.now)
    await tell_of_placed(tx, unanswered, owing, dict.fromkeys(_ids(unanswered), tx.correlation_id))


def _ids(alerts: list[Placed]) -> list[UUID]:
    return [alert.alert_id for alert in alerts]
