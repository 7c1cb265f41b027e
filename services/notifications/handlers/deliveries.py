"""What becomes of a message that nobody takes: the person's next contact, and after the last one a dead letter."""

from typing import Final
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.channels import Channel
from services.notifications.domain.delivering import DeliveryState
from services.notifications.domain.digests import DigestContent
from services.notifications.domain.operations import dead_digest_name
from services.notifications.domain.rules import Audience
from services.notifications.handlers.operations import report_trouble
from services.notifications.store import alerts
from services.notifications.store import delivery_outcomes as store
from services.notifications.store.deliveries import LeasedDelivery
from shared.contracts.notifications import AlertUndelivered, OperationsTrouble
from shared.kit.transaction import Transaction

TOLD_OR_OWED: Final = frozenset({DeliveryState.SENT, DeliveryState.PENDING})


async def settle_failed(
    lease_id: UUID,
    delivery: LeasedDelivery,
    error: str,
    tx: Transaction,
    *,
    may_have_arrived: bool = False,
    elsewhere: bool = False,
) -> Channel | None:
    """After the last try at one contact: owe the message by the next one, or bury it. Nothing if the lease was lost.

    A contact whose channel the person is told by already in this step is passed over, and if it must go `elsewhere` that of
    the same channel too. Returns the channel it goes on to.
    """
    beside = await store.lock_beside(tx.connection, delivery.delivery_id)
    if may_have_arrived:
        await _add_history(delivery, "may_repeat", tx, {"attempt": delivery.attempts, "reason": "no_answer"})
    for place, contact in enumerate(delivery.fallbacks):
        if contact.channel is Channel.INBOX or (elsewhere and contact.channel == delivery.channel):
            continue
        if await store.turn_to(tx.connection, lease_id, delivery, place, error):
            details: dict[str, JsonValue] = {"to_channel": contact.channel, "error": error}
            await _add_history(delivery, "fallback", tx, details)
            return contact.channel
    await bury_delivery(lease_id, delivery, error, tx, is_last=beside.isdisjoint(TOLD_OR_OWED))
    return None


async def bury_delivery(
    lease_id: UUID, delivery: LeasedDelivery, error: str, tx: Transaction, *, is_last: bool = True
) -> None:
    """A visible dead letter, told once to whoever listens: an alert's by an event about it, a digest's as a trouble of the
    platform. Nothing if the lease was lost.

    Unless it `is_last`, the person has or may yet have the same message by another channel, and nobody else is alarmed.
    """
    if not await store.mark_dead(tx.connection, lease_id, delivery.delivery_id, error):
        return
    if delivery.digest_id is not None:
        await _report_dead_digest(delivery, error, tx)
        return
    await _add_history(delivery, "undelivered", tx, {"error": error})
    if not is_last:
        return
    await tx.publish(
        AlertUndelivered(
            alert_id=delivery.alert_id,
            county=delivery.county,
            delivery_id=delivery.delivery_id,
            channel=delivery.channel,
            alert_kind=delivery.kind,
        )
    )


async def _report_dead_digest(delivery: LeasedDelivery, error: str, tx: Transaction) -> None:
    """One trouble for each office, until its next digest is composed."""
    content = DigestContent.model_validate(delivery.details)
    await report_trouble(
        OperationsTrouble.OPS_ALERT,
        name=dead_digest_name(content.county or Audience.PROVINCE_OFFICE),
        county=delivery.county,
        details={"delivery_id": str(delivery.delivery_id), "period": content.period, "error": error},
        tx=tx,
    )


async def _add_history(delivery: LeasedDelivery, entry: str, tx: Transaction, details: dict[str, JsonValue]) -> None:
    if delivery.digest_id is not None:
        return
    named: dict[str, JsonValue] = {
        "delivery_id": str(delivery.delivery_id),
        "recipient": delivery.recipient,
        "channel": delivery.channel,
    }
    await alerts.add_history(
        tx.connection,
        delivery.alert_id,
        entry,
        county=delivery.county,
        at=tx.now,
        step=delivery.step,
        by=tx.principal.subject,
        details=named | details,
    )
