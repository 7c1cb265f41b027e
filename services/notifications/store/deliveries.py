"""Deliveries: what is owed to each person, taken under a lease and marked by its holder alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from services.notifications.domain.escalation import Member
from shared.contracts.counties import County
from shared.kit.transaction import Connection

WAKE_CHANNEL = "payesh_delivery"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    delivery_id: UUID
    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class LeasedDelivery:
    """One message to send, with everything its text needs. `attempts` counts this one."""

    delivery_id: UUID
    alert_id: UUID
    county: County
    step: int
    member_id: UUID
    recipient: str
    recipient_name: str
    language: str
    channel: str
    attempts: int
    correlation_id: str
    traceparent: str | None
    kind: str
    severity: str
    subject_id: str
    raised_at: datetime
    created_at: datetime
    details: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """Outcome of a failed try; `retry_delay_s` None: the last one, the row becomes a dead letter."""

    delivery_id: UUID
    error: str
    retry_delay_s: float | None


async def insert_deliveries(
    connection: Connection,
    deliveries: Sequence[NewDelivery],
    member: Member,
    *,
    alert_id: UUID,
    county: str,
    step: int,
    at: datetime,
    correlation_id: str,
    traceparent: str | None,
) -> None:
    """Owe one message per channel to `member`; what is owed already is left alone. Wakes the delivery workers."""
    await connection.execute(
        """
        INSERT INTO delivery (delivery_id, alert_id, county, step, member_id, recipient, recipient_name,
                              recipient_subject, language, channel, state, next_attempt_at, created_at, settled_at,
                              correlation_id, traceparent)
        SELECT delivery_id, $1, $2, $3, $4, $5, $6, $7, $8, channel, state, $9::timestamptz, $9::timestamptz,
               CASE WHEN state = 'sent' THEN $9::timestamptz END, $10, $11
        FROM unnest($12::uuid[], $13::text[], $14::text[]) AS new (delivery_id, channel, state)
        ON CONFLICT (alert_id, step, recipient, channel) DO NOTHING
        """,
        alert_id,
        county,
        step,
        member.member_id,
        member.email,
        member.name,
        member.subject,
        member.language,
        at,
        correlation_id,
        traceparent,
        [delivery.delivery_id for delivery in deliveries],
        [delivery.channel for delivery in deliveries],
        [delivery.state for delivery in deliveries],
    )
    await connection.execute("SELECT pg_notify($1, '')", WAKE_CHANNEL)


async def was_told(connection: Connection, alert_id: UUID, subject: str) -> bool:
    """True if `subject` (a sign-in name) is among those to whom the alert is or was addressed."""
    told: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM delivery WHERE alert_id = $1 AND recipient_subject = $2)", alert_id, subject
    )
    return told


async def lease_due(connection: Connection, lease_id: UUID, limit: int, lease: timedelta) -> list[LeasedDelivery]:
    """Take up to `limit` due messages for `lease` on the database's clock; what another worker holds is passed over."""
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT delivery_id FROM delivery
            WHERE state = 'pending' AND next_attempt_at <= clock_timestamp()
              AND (lease_until IS NULL OR lease_until <= clock_timestamp())
            ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), leased AS (
            UPDATE delivery SET lease_id = $1, lease_until = clock_timestamp() + $3, attempts = attempts + 1
            FROM due WHERE delivery.delivery_id = due.delivery_id
            RETURNING delivery.*
        )
        SELECT leased.delivery_id, leased.alert_id, leased.county, leased.step, leased.member_id, leased.recipient,
               leased.recipient_name, leased.language, leased.channel, leased.attempts, leased.correlation_id, leased.traceparent,
               leased.created_at, alert.kind, alert.severity, alert.subject_id, alert.raised_at,
               alert.details::text AS details
        FROM leased JOIN alert USING (alert_id) ORDER BY leased.delivery_id
        """,
        lease_id,
        limit,
        lease,
    )
    return [_leased(row) for row in rows]


async def mark_sent(connection: Connection, lease_id: UUID, delivery_ids: Sequence[UUID]) -> int:
    """Mark what was sent under this lease, also if cancelled meanwhile; returns how many rows it still held."""
    status = await connection.execute(
        """
        UPDATE delivery
        SET state = 'sent', settled_at = clock_timestamp(), lease_id = NULL, lease_until = NULL, last_error = NULL
        WHERE delivery_id = ANY ($2) AND lease_id = $1 AND state IN ('pending', 'cancelled')
        """,
        lease_id,
        delivery_ids,
    )
    return int(status.removeprefix("UPDATE "))


async def mark_for_retry(connection: Connection, lease_id: UUID, failed: Sequence[FailedDelivery]) -> None:
    """Give failed rows back for a later try. Rows lost to another worker, or cancelled, are left alone."""
    await connection.execute(
        """
        UPDATE delivery
        SET next_attempt_at = clock_timestamp() + make_interval(secs => outcome.retry_delay_s),
            lease_id = NULL, lease_until = NULL, last_error = outcome.error
        FROM unnest($2::uuid[], $3::text[], $4::float8[]) AS outcome (delivery_id, error, retry_delay_s)
        WHERE delivery.delivery_id = outcome.delivery_id AND lease_id = $1 AND state = 'pending'
        """,
        lease_id,
        [outcome.delivery_id for outcome in failed],
        [outcome.error for outcome in failed],
        [outcome.retry_delay_s for outcome in failed],
    )


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


async def cancel_pending(connection: Connection, alert_id: UUID) -> None:
    """Nobody needs to be told any more: what has not left yet does not leave."""
    await connection.execute(
        """
        UPDATE delivery SET state = 'cancelled', settled_at = clock_timestamp()
        WHERE alert_id = $1 AND state = 'pending'
        """,
        alert_id,
    )


async def count_dead(connection: Connection) -> int:
    """Dead letters that wait for a person."""
    number: int = await connection.fetchval("SELECT count(*) FROM delivery WHERE state = 'dead'")
    return number


async def ensure_link_key(connection: Connection, key: bytes) -> None:
    """Keep `key` as the first one that signs links, unless there is one already."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('link_key', 0))")
    await connection.execute("INSERT INTO link_key (key) SELECT $1 WHERE NOT EXISTS (SELECT FROM link_key)", key)


async def list_link_keys(connection: Connection) -> list[bytes]:
    """Keys that verify links, the newest first: that one signs."""
    rows = await connection.fetch("SELECT key FROM link_key ORDER BY key_id DESC")
    return [row["key"] for row in rows]


async def database_now(connection: Connection) -> datetime:
    """The database's clock (UTC)."""
    now: datetime = await connection.fetchval("SELECT now()")
    return now


def _leased(row: asyncpg.Record) -> LeasedDelivery:
    values: dict[str, Any] = dict(row)
    values["county"] = County(row["county"])
    values["details"] = json.loads(row["details"])
    return LeasedDelivery(**values)
