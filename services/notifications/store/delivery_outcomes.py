"""What became of leased deliveries; only the holder of a lease may say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifications.domain.channels import Channel
from services.notifications.store.deliveries import LeasedDelivery, stored
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class SentDelivery:
    """What the provider said when it took a message. `ask_after_s`: when to ask what became of it; None: never.

    `tells_of`: alerts of which it tells besides its own. `text_version`: see `letters.letter.Letter`.
    """

    delivery_id: UUID
    provider_message_id: str | None = None
    provider_status: str | None = None
    ask_after_s: float | None = None
    tells_of: tuple[UUID, ...] = ()
    text_version: int | None = None


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """Outcome of a failed try; `retry_delay_s` None: the last one at this contact.

    `may_have_arrived`: it was handed over and no answer came, so that the next try may be a second message. `elsewhere`: its
    channel has no turn for it, so that further contacts by the same channel are none.
    """

    delivery_id: UUID
    error: str
    retry_delay_s: float | None
    may_have_arrived: bool = False
    elsewhere: bool = False


async def mark_sent(connection: Connection, lease_id: UUID, sent: Sequence[SentDelivery]) -> int:
    """Mark what was sent under this lease, also if cancelled meanwhile; returns how many rows it still held.

    The history of every other alert of which a message tells says by which message.
    """
    held: int = await connection.fetchval(
        """
        WITH marked AS (
            UPDATE delivery
            SET state = 'sent', settled_at = clock_timestamp(), lease_id = NULL, lease_until = NULL, last_error = NULL,
                provider_message_id = receipt.message_id, provider_status = receipt.status,
                ask_provider_at = clock_timestamp() + make_interval(secs => receipt.ask_after_s),
                text_version = receipt.text_version
            FROM unnest($2::uuid[], $3::text[], $4::text[], $5::float8[], $6::int[])
                 AS receipt (delivery_id, message_id, status, ask_after_s, text_version)
            WHERE delivery.delivery_id = receipt.delivery_id AND lease_id = $1 AND state IN ('pending', 'cancelled')
            RETURNING delivery.delivery_id, step, recipient, channel
        ), told AS (
            INSERT INTO alert_history (alert_id, county, at, entry, step, by, details)
            SELECT alert.alert_id, alert.county, clock_timestamp(), 'told_with', marked.step, 'system',
                   jsonb_build_object('delivery_id', delivery_id, 'recipient', recipient, 'channel', channel)
            FROM unnest($7::uuid[], $8::uuid[]) AS told_with (delivery_id, alert_id)
                 JOIN marked USING (delivery_id) JOIN alert ON alert.alert_id = told_with.alert_id
        )
        SELECT count(*) FROM marked
        """,
        lease_id,
        [receipt.delivery_id for receipt in sent],
        [receipt.provider_message_id for receipt in sent],
        [receipt.provider_status for receipt in sent],
        [receipt.ask_after_s for receipt in sent],
        [receipt.text_version for receipt in sent],
        [receipt.delivery_id for receipt in sent for _ in receipt.tells_of],
        [alert_id for receipt in sent for alert_id in receipt.tells_of],
    )
    return held


async def mark_for_retry(connection: Connection, lease_id: UUID, failed: Sequence[FailedDelivery]) -> None:
    """Give failed rows back for a later try. Rows lost to another worker, or cancelled, are left alone.

    The history of one that may have arrived says that the person may be told twice.
    """
    await connection.execute(
        """
        WITH retried AS (
            UPDATE delivery
            SET next_attempt_at = clock_timestamp() + make_interval(secs => outcome.retry_delay_s),
                lease_id = NULL, lease_until = NULL, last_error = outcome.error
            FROM unnest($2::uuid[], $3::text[], $4::float8[], $5::boolean[])
                 AS outcome (delivery_id, error, retry_delay_s, may_have_arrived)
            WHERE delivery.delivery_id = outcome.delivery_id AND lease_id = $1 AND state = 'pending'
            RETURNING delivery.*, may_have_arrived
        )
        INSERT INTO alert_history (alert_id, county, at, entry, step, by, details)
        SELECT alert_id, county, clock_timestamp(), 'may_repeat', step, 'system',
               jsonb_build_object('delivery_id', delivery_id, 'recipient', recipient, 'channel', channel,
                                  'attempt', attempts, 'reason', 'no_answer')
        FROM retried WHERE may_have_arrived AND alert_id IS NOT NULL
        """,
        lease_id,
        [outcome.delivery_id for outcome in failed],
        [outcome.error for outcome in failed],
        [outcome.retry_delay_s for outcome in failed],
        [outcome.may_have_arrived for outcome in failed],
    )


async def lock_beside(connection: Connection, delivery_id: UUID) -> set[str]:
    """Lock the person's messages of the same alert, step and round, so that no two of them are settled at once. Returns the
    states of the others that leave the platform."""
    rows = await connection.fetch(
        """
        SELECT beside.delivery_id, beside.channel, beside.state
        FROM delivery AS owed JOIN delivery AS beside USING (alert_id, step, round, member_id)
        WHERE owed.delivery_id = $1 ORDER BY beside.delivery_id FOR UPDATE OF beside
        """,
        delivery_id,
    )
    return {row["state"] for row in rows if row["delivery_id"] != delivery_id and row["channel"] != Channel.INBOX}


async def turn_to(connection: Connection, lease_id: UUID, delivery: LeasedDelivery, fallback: int, error: str) -> bool:
    """Owe the message by contact number `fallback` of those that are left, with all its tries before it.

    False if the lease was lost, or the person is told by that channel in this step and round already.
    """
    contact = delivery.fallbacks[fallback]
    status = await connection.execute(
        """
        UPDATE delivery AS owed
        SET channel = $3, address = $4, fallbacks = $5::jsonb, attempts = 0, next_attempt_at = clock_timestamp(),
            contact_since = clock_timestamp(), lease_id = NULL, lease_until = NULL, last_error = $6,
            tried = tried || jsonb_build_object('channel', channel, 'address', address, 'error', $6::text)
        WHERE delivery_id = $2 AND lease_id = $1 AND state = 'pending' AND NOT EXISTS (
            SELECT FROM delivery AS other
            WHERE other.alert_id = owed.alert_id AND other.step = owed.step AND other.recipient = owed.recipient
              AND other.channel = $3 AND other.round = owed.round AND other.delivery_id <> owed.delivery_id
        )
        """,
        lease_id,
        delivery.delivery_id,
        contact.channel,
        contact.address,
        stored(delivery.fallbacks[fallback + 1 :]),
        error,
    )
    return status == "UPDATE 1"


async def mark_dead(connection: Connection, lease_id: UUID, delivery_id: UUID, error: str) -> bool:
    """Make a row a dead letter; False if it was lost to another worker or cancelled."""
    status = await connection.execute(
        """
        UPDATE delivery
        SET state = 'dead', settled_at = clock_timestamp(), lease_id = NULL, lease_until = NULL, last_error = $3
        WHERE delivery_id = $2 AND lease_id = $1 AND state = 'pending'
        """,
        lease_id,
        delivery_id,
        error,
    )
    return status == "UPDATE 1"


async def release_unsent(connection: Connection, lease_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Give back rows that were leased but not tried; the try does not count."""
    await connection.execute(
        """
        UPDATE delivery SET attempts = attempts - 1, lease_id = NULL, lease_until = NULL
        WHERE delivery_id = ANY ($2) AND lease_id = $1 AND state = 'pending'
        """,
        lease_id,
        delivery_ids,
    )
