"""Parked events: what could not be applied, kept with its error until a person replays or discards it (rule 5)."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.kit.connections import Connection

ParkReason = Literal["failed", "behind", "unreadable", "out_of_order"]
ERROR_CHARACTERS_MAX = 2_000
AGGREGATE_ID_BYTES_MAX = 1_024
"""As long as a readable event's (envelope.HEADER_BYTES_MAX); a record's key may be anything, and this fits into an index."""


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record to park: where it was, what it said, why it is here. `aggregate_id` falls back to the record's key."""

    topic: str
    partition: int
    offset: int
    aggregate_id: str
    sequence: int | None
    event_id: UUID | None
    type: str | None
    headers: Sequence[tuple[str, bytes]]
    body: bytes
    reason: ParkReason
    error: str


def _headers_json(headers: Sequence[tuple[str, bytes]]) -> str:
    """Headers as base64, because a header that cannot be decoded may be the very reason for parking."""
    return json.dumps([[_text(name), base64.b64encode(value or b"").decode()] for name, value in headers])


def headers_from_json(text: str) -> dict[str, bytes]:
    return {name: base64.b64decode(value) for name, value in json.loads(text)}


async def park(connection: Connection, consumer: int, records: Sequence[ParkedRecord]) -> None:
    """INSERT; a record that is parked already (same place) stays as it is."""
    await connection.executemany(
        """
        INSERT INTO parked_event (consumer, topic, partition, record_offset, aggregate_id, sequence, event_id, type,
                                  headers, body, reason, error)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (consumer, topic, partition, record_offset) DO NOTHING
        """,
        [
            (
                consumer,
                record.topic,
                record.partition,
                record.offset,
                _text(record.aggregate_id).encode()[:AGGREGATE_ID_BYTES_MAX].decode(errors="ignore"),
                record.sequence,
                record.event_id,
                record.type and _text(record.type),
                _headers_json(record.headers),
                record.body,
                record.reason,
                _text(record.error),
            )
            for record in records
        ],
    )


def _text(value: str) -> str:
    """PostgreSQL text holds no NUL."""
    return value.replace("\0", "�")[:ERROR_CHARACTERS_MAX]


async def blocked_aggregates(
    connection: Connection, consumer: int, keys: Sequence[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Those of `keys` (topic, aggregate id) that have a parked event which later ones must wait behind.

    Waits for a replay under way, so that an event is never parked behind one that is just being settled. An unreadable
    record blocks nobody: it may not even belong to the aggregate that its key names.
    """
    if not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM parked_event WHERE consumer = $1 AND state = 'parked' AND reason <> 'unreadable')",
        consumer,
    ):
        return frozenset()
    rows = await connection.fetch(
        """
        SELECT topic, aggregate_id FROM parked_event
        WHERE consumer = $1 AND state = 'parked' AND reason <> 'unreadable'
          AND (topic, aggregate_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))
        FOR SHARE
        """,
        consumer,
        [topic for topic, _ in keys],
        [aggregate_id for _, aggregate_id in keys],
    )
    return frozenset((row["topic"], row["aggregate_id"]) for row in rows)


async def list_parked(connection: Connection, consumer: int, after: int, limit: int) -> list[dict[str, Any]]:
    """Open parked events, oldest first, without bodies."""
    rows = await connection.fetch(
        """
        SELECT parked_id, topic, partition, record_offset, aggregate_id, sequence, event_id, type, reason, error, parked_at
        FROM parked_event WHERE consumer = $1 AND state = 'parked' AND parked_id > $2 ORDER BY parked_id LIMIT $3
        """,
        consumer,
        after,
        limit,
    )
    return [dict(row) for row in rows]


async def count_parked(connection: Connection, consumer: int) -> int:
    count: int = await connection.fetchval(
        "SELECT count(*) FROM parked_event WHERE consumer = $1 AND state = 'parked'", consumer
    )
    return count


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One parked event, whole."""

    parked_id: int
    topic: str
    partition: int
    record_offset: int
    aggregate_id: str
    sequence: int | None
    event_id: UUID | None
    type: str | None
    headers: str
    body: bytes
    reason: ParkReason
    error: str
    state: str
    parked_at: datetime


_COLUMNS = """parked_id, topic, partition, record_offset, aggregate_id, sequence, event_id, type, headers, body, reason,
              error, state, parked_at"""


async def find_parked(connection: Connection, consumer: int, parked_id: int) -> ParkedEvent | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM parked_event WHERE consumer = $1 AND parked_id = $2", consumer, parked_id
    )
    return ParkedEvent(**dict(row)) if row else None


async def lock_aggregate(connection: Connection, consumer: int, topic: str, aggregate_id: str) -> list[ParkedEvent]:
    """Lock and return the aggregate's open parked events in the order in which they must be applied."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM parked_event
        WHERE consumer = $1 AND topic = $2 AND aggregate_id = $3 AND state = 'parked'
        ORDER BY sequence NULLS FIRST, parked_id FOR UPDATE
        """,
        consumer,
        topic,
        aggregate_id,
    )
    return [ParkedEvent(**dict(row)) for row in rows]


async def next_behind(connection: Connection, consumer: int, settled: ParkedEvent) -> int | None:
    """The aggregate's next open parked event, as of now: one may have been parked while `lock_aggregate` was waiting."""
    parked_id: int | None = await connection.fetchval(
        """
        SELECT parked_id FROM parked_event
        WHERE consumer = $1 AND topic = $2 AND aggregate_id = $3 AND state = 'parked' AND reason <> 'unreadable'
        ORDER BY sequence NULLS FIRST, parked_id LIMIT 1
        """,
        consumer,
        settled.topic,
        settled.aggregate_id,
    )
    return parked_id


async def settle(
    connection: Connection,
    parked_id: int,
    state: Literal["replayed", "discarded"],
    by: str,
    reason: str,
    corrected_body: bytes | None = None,
) -> None:
    """Close a parked event; the row stays as the record of what was done, and of the body that was used instead."""
    await connection.execute(
        """
        UPDATE parked_event
        SET state = $2, settled_at = now(), settled_by = $3, settled_reason = $4,
            body = coalesce($5, body), corrected = $5 IS NOT NULL
        WHERE parked_id = $1
        """,
        parked_id,
        state,
        by,
        reason,
        corrected_body,
    )


async def note_error(connection: Connection, parked_id: int, error: str) -> None:
    """Keep what the latest replay ran into."""
    await connection.execute("UPDATE parked_event SET error = $2 WHERE parked_id = $1", parked_id, _text(error))
