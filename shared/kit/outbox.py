"""Transactional outbox, the writing side: events become rows beside the rows they speak of (rule 1).

Publishing is deferred to the end of the transaction and then done in two statements for all its events: the
aggregates' heads are locked in sorted order (so two transactions cannot deadlock on them), each event gets the next
sequence of its aggregate, and the head's row lock makes an aggregate's outbox order its commit order (rule 2).
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from shared.contracts.base import EVENT_BYTES_MAX, Event
from shared.kit.connections import Connection, Pool

WAKE_CHANNEL = "payesh_outbox"


class EventTooLargeError(ValueError):
    """The event's JSON is larger than `EVENT_BYTES_MAX`; nothing was published. Put the bulk in a row and publish its id."""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that its transaction will publish when it commits."""

    id: UUID
    event: Event
    correlation_id: str
    causation_id: str | None
    traceparent: str | None


def encode_body(event: Event) -> bytes:
    """JSON body of `event`. Raises EventTooLargeError."""
    body = event.model_dump_json().encode()
    if len(body) > EVENT_BYTES_MAX:
        raise EventTooLargeError(
            f"{event.type_name()} of {event.aggregate_id} is {len(body)} bytes, more than {EVENT_BYTES_MAX}"
        )
    return body


def shard_of(aggregate_id: str, shards: int) -> int:
    """Shard (0..shards-1) whose relay publishes this aggregate."""
    return zlib.crc32(aggregate_id.encode()) % shards


async def insert_events(
    connection: Connection,
    pending: Sequence[PendingEvent],
    *,
    shards: int,
) -> None:
    """INSERT `pending` in the caller's transaction, in the given order. Raises EventTooLargeError."""
    keys = [(item.event.stream.topic, item.event.aggregate_id) for item in pending]
    last_sequences = await _advance_heads(connection, Counter(keys))
    next_sequence = {key: last - count + 1 for key, (last, count) in last_sequences.items()}
    sequences: list[int] = []
    for key in keys:
        sequences.append(next_sequence[key])
        next_sequence[key] += 1
    await connection.execute(
        """
        INSERT INTO outbox (shard, event_id, type, topic, aggregate_id, sequence, correlation_id, causation_id,
                            traceparent, data_classification, body)
        SELECT shard, event_id, type, topic, aggregate_id, sequence, correlation_id, causation_id,
               traceparent, data_classification, body
        FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                    $8::text[], $9::text[], $10::text[], $11::bytea[])
             WITH ORDINALITY AS event (shard, event_id, type, topic, aggregate_id, sequence, correlation_id,
                                       causation_id, traceparent, data_classification, body, place)
        ORDER BY place
        """,
        [shard_of(aggregate_id, shards) for _, aggregate_id in keys],
        [item.id for item in pending],
        [item.event.type_name() for item in pending],
        [topic for topic, _ in keys],
        [aggregate_id for _, aggregate_id in keys],
        sequences,
        [item.correlation_id for item in pending],
        [item.causation_id for item in pending],
        [item.traceparent for item in pending],
        [item.event.data_classification for item in pending],
        [encode_body(item.event) for item in pending],
    )


async def _advance_heads(
    connection: Connection, counts: Counter[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Lock and advance each head; returns (last sequence given out, how many) by (topic, aggregate id)."""
    ordered = sorted(counts)
    rows = await connection.fetch(
        """
        INSERT INTO stream_head AS head (stream, aggregate_id, sequence)
        SELECT stream, aggregate_id, amount
        FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (stream, aggregate_id, amount)
        ORDER BY stream, aggregate_id
        ON CONFLICT (stream, aggregate_id) DO UPDATE SET sequence = head.sequence + excluded.sequence
        RETURNING stream, aggregate_id, sequence
        """,
        [topic for topic, _ in ordered],
        [aggregate_id for _, aggregate_id in ordered],
        [counts[key] for key in ordered],
    )
    return {
        (row["stream"], row["aggregate_id"]): (row["sequence"], counts[row["stream"], row["aggregate_id"]])
        for row in rows
    }


class _Waker:
    """Coalesces wake-ups: while one NOTIFY is under way, any number of commits ask for one more, not for one each."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                await self._pool.execute(f"NOTIFY {WAKE_CHANNEL}")
            except Exception:
                return


_wakers: WeakKeyDictionary[Pool, _Waker] = WeakKeyDictionary()


def wake_relays(pool: Pool) -> None:
    """Hint the relays, after commit, that there are rows. Losing the hint costs at most one polling interval."""
    waker = _wakers.get(pool)
    if waker is None:
        waker = _wakers[pool] = _Waker(pool)
    waker.wake()
