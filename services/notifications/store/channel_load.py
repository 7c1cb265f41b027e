"""What bounds and follows a channel: messages begun per minute, and the questions what became of those that were sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.notifications.domain.channels import Channel
from shared.kit.transaction import Connection

MINUTES_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Question:
    """A sent message of which the provider may say more by now."""

    delivery_id: UUID
    provider_message_id: str


@dataclass(frozen=True, slots=True)
class ProviderState:
    """`settled`: the provider will say nothing else."""

    delivery_id: UUID
    state: str
    settled: bool


async def take_turn(connection: Connection, channel: Channel, limit_per_minute: int) -> bool:
    """Begin one message in this minute of the database's clock; False if all of its turns are taken. Exact: one statement."""
    begun: int | None = await connection.fetchval(
        """
        INSERT INTO channel_minute AS known (channel, minute, begun)
        VALUES ($1, date_trunc('minute', clock_timestamp()), 1)
        ON CONFLICT (channel, minute) DO UPDATE SET begun = known.begun + 1 WHERE known.begun < $2
        RETURNING begun
        """,
        channel,
        limit_per_minute,
    )
    if begun == 1:
        await connection.execute(
            "DELETE FROM channel_minute WHERE channel = $1 AND minute < clock_timestamp() - $2::interval",
            channel,
            MINUTES_KEPT,
        )
    return begun is not None


async def seconds_to_next_minute(connection: Connection) -> float:
    """Until turns are free again, on the database's clock."""
    seconds: float = await connection.fetchval(
        "SELECT 60 - extract(second FROM date_trunc('milliseconds', clock_timestamp()))::float8"
    )
    return seconds


async def take_questions(
    connection: Connection, channel: Channel, limit: int, first: timedelta, give_up_after: timedelta
) -> list[Question]:
    """Up to `limit` messages to ask about now. Each is asked about again after twice the time since it was sent, also if
    whoever asks dies; after `give_up_after`, when the provider has forgotten it, no more.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT delivery_id FROM delivery
            WHERE channel = $1 AND ask_provider_at <= clock_timestamp()
            ORDER BY ask_provider_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE delivery SET ask_provider_at =
            CASE WHEN settled_at > clock_timestamp() - $4::interval
                 THEN clock_timestamp() + greatest($3::interval, clock_timestamp() - settled_at) END
        FROM due WHERE delivery.delivery_id = due.delivery_id AND provider_message_id IS NOT NULL
        RETURNING delivery.delivery_id, provider_message_id, ask_provider_at
        """,
        channel,
        limit,
        first,
        give_up_after,
    )
    return [
        Question(row["delivery_id"], row["provider_message_id"]) for row in rows if row["ask_provider_at"] is not None
    ]


async def keep_states(connection: Connection, states: Sequence[ProviderState]) -> None:
    """Keep what the provider says of messages that count as sent."""
    await connection.execute(
        """
        UPDATE delivery SET provider_status = answer.state,
            ask_provider_at = CASE WHEN answer.settled THEN NULL ELSE ask_provider_at END
        FROM unnest($1::uuid[], $2::text[], $3::boolean[]) AS answer (delivery_id, state, settled)
        WHERE delivery.delivery_id = answer.delivery_id AND delivery.state = 'sent'
        """,
        [one.delivery_id for one in states],
        [one.state for one in states],
        [one.settled for one in states],
    )
