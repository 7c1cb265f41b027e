"""What becomes of a letter that nobody takes."""

from uuid import UUID

from services.notifications.store import alerts
from services.notifications.store import deliveries as store
from shared.contracts.notifications import AlertUndelivered
from shared.kit.transaction import Transaction


async def bury_delivery(lease_id: UUID, delivery: store.LeasedDelivery, error: str, tx: Transaction) -> None:
    """After the last try: a visible dead letter, told once to whoever listens. Nothing if the lease was lost."""
    if not await store.mark_dead(tx.connection, lease_id, delivery.delivery_id, error):
        return
    await alerts.add_history(
        tx.connection,
        delivery.alert_id,
        "undelivered",
        county=delivery.county,
        at=tx.now,
        step=delivery.step,
        by=tx.principal.subject,
        details={"recipient": delivery.recipient, "channel": delivery.channel, "error": error},
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
