"""What became of deliveries: marked by the holder of their lease; a dead letter is told to the world."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.notifications.store import alerts
from services.notifications.store import deliveries as store
from shared.contracts.notifications import AlertUndelivered
from shared.kit.transaction import Transaction


async def record_failures(
    lease_id: UUID,
    failed: Sequence[store.FailedDelivery],
    leased: Mapping[UUID, store.LeasedDelivery],
    tx: Transaction,
) -> int:
    """Put failed tries back or bury them; each dead letter is published once. Returns how many died."""
    errors = {outcome.delivery_id: outcome.error for outcome in failed}
    dead = [leased[delivery_id] for delivery_id in await store.mark_failed(tx.connection, lease_id, failed)]
    for delivery in dead:
        await alerts.add_history(
            tx.connection,
            delivery.alert_id,
            delivery.county,
            tx.now,
            "undelivered",
            delivery.step,
            "system",
            {"recipient": delivery.recipient, "channel": delivery.channel, "error": errors[delivery.delivery_id]},
        )
        await tx.publish(
            AlertUndelivered(
                alert_id=delivery.alert_id,
                county=delivery.county,
                delivery_id=delivery.delivery_id,
                channel=delivery.channel,
                alert_kind=delivery.kind,
            )
        )
    return len(dead)
