"""Deliveries: what is owed to each person, taken under a lease and marked by its holder alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.members import Member
from services.notifications.store.sites import registry_id_of
from shared.contracts.counties import County
from shared.kit.transaction import Connection

WAKE_CHANNEL = "payesh_delivery"
REOPENINGS = ("acknowledgement_released", "acknowledgement_lapsed")
"""Entries of an alert's history after which nobody counts as told."""
GROUPED_ALERTS_MAX = 20
"""Alerts of a group that a letter lists; beyond these it says how many there are."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One message owed to `told` by `contact`, then, as long as nobody takes it, by each of `fallbacks`.

    `round` counts the letters of one step to one person: 0, and more only where a group has grown since; -1: of its silence.
    """

    delivery_id: UUID
    alert_id: UUID
    county: str
    step: int
    told: Member
    contact: Contact
    fallbacks: tuple[Contact, ...]
    state: str
    at: datetime
    correlation_id: str
    traceparent: str | None
    round: int = 0


@dataclass(frozen=True, slots=True)
class GroupedAlert:
    """Another unresolved alert of the group that a letter is about."""

    alert_id: UUID
    subject_id: str
    details: Mapping[str, JsonValue]
    raised_at: datetime
    registry_id: str | None


@dataclass(frozen=True, slots=True)
class LeasedDelivery:
    """One message to send, with everything its text needs. `attempts` counts this one, at this contact."""

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
    address: str
    fallbacks: tuple[Contact, ...] = ()
    grouped: tuple[GroupedAlert, ...] = ()
    grouped_total: int = 0
    """How many alerts `grouped` would list without its limit."""
    registry_id: str | None = None
    """The register's id of the site that the alert is about, where it is known."""
    digest_id: UUID | None = None
    """Set where the message is a digest: `alert_id` then is that id too, and there is nothing to acknowledge."""


_LEASED = f"""
SELECT leased.delivery_id, coalesce(leased.alert_id, leased.digest_id) AS alert_id, leased.digest_id, leased.county,
       leased.step, leased.member_id, leased.recipient, leased.recipient_name, leased.language, leased.channel,
       leased.attempts, leased.correlation_id, leased.traceparent, leased.created_at, leased.address,
       leased.fallbacks::text AS fallbacks, coalesce(alert.kind, 'digest') AS kind,
       coalesce(alert.severity, 'info') AS severity,
       coalesce(alert.subject_id, leased.digest_id::text) AS subject_id,
       coalesce(alert.raised_at, digest.created_at) AS raised_at,
       coalesce(alert.details, digest.content)::text AS details,
       {registry_id_of("alert.details")} AS registry_id,
       grouped.listed::text AS grouped, grouped.total AS grouped_total
FROM leased
LEFT JOIN alert ON alert.alert_id = leased.alert_id
LEFT JOIN digest ON digest.digest_id = leased.digest_id
CROSS JOIN LATERAL (
    SELECT count(*) AS total, jsonb_agg(
        jsonb_build_object('alert_id', alert_id, 'subject_id', subject_id, 'details', details, 'raised_at', raised_at,
                           'registry_id', {registry_id_of("details")})
        ORDER BY alert_id
    ) FILTER (WHERE place <= {GROUPED_ALERTS_MAX}) AS listed
    FROM (
        SELECT *, row_number() OVER (ORDER BY alert_id) AS place FROM alert AS joined
        WHERE joined.lead_alert_id = leased.alert_id AND joined.state <> 'resolved'
    ) AS joined
) AS grouped
ORDER BY leased.delivery_id
"""
"""Everything that the text of a message needs, of the rows that a statement's part `leased` has taken."""


NOTE_UNDER_WAY = """
under_way AS (
    INSERT INTO alert_history (alert_id, county, at, entry, step, by, details)
    SELECT alert_id, county, clock_timestamp(), 'cancelled_under_way', step, 'system',
           jsonb_build_object('delivery_id', delivery_id, 'recipient', recipient, 'channel', channel, 'attempt', attempts)
    FROM cancelled WHERE lease_id IS NOT NULL AND alert_id IS NOT NULL
)
"""
"""Of the rows that a statement's part `cancelled` has cancelled, those that a worker holds: whoever it is for may have the
message, and the worker may be dead or wait for an answer that never comes, so that nobody will say so later."""


async def insert_deliveries(connection: Connection, deliveries: Sequence[NewDelivery]) -> set[UUID]:
    """Owe messages, in one statement; what is owed already is left alone. Wakes the delivery workers. Returns the ids of
    those that were not owed already."""
    if not deliveries:
        return set()
    rows = await connection.fetch(
        """
        INSERT INTO delivery (delivery_id, alert_id, county, step, round, member_id, recipient, recipient_name,
                              recipient_subject, language, channel, address, fallbacks, state, next_attempt_at,
                              created_at, contact_since, settled_at, correlation_id, traceparent)
        SELECT delivery_id, alert_id, county, step, round, member_id, recipient, recipient_name, recipient_subject,
               language, channel, address, fallbacks::jsonb, state, at, at, at, CASE WHEN state = 'sent' THEN at END,
               correlation_id, traceparent
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::smallint[], $6::uuid[], $7::text[], $8::text[],
                    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
                    $16::text[], $17::text[])
             AS new (delivery_id, alert_id, county, step, round, member_id, recipient, recipient_name,
                     recipient_subject, language, channel, address, fallbacks, state, at, correlation_id, traceparent)
        ON CONFLICT DO NOTHING RETURNING delivery_id
        """,
        [new.delivery_id for new in deliveries],
        [new.alert_id for new in deliveries],
        [new.county for new in deliveries],
        [new.step for new in deliveries],
        [new.round for new in deliveries],
        [new.told.member_id for new in deliveries],
        [new.told.email for new in deliveries],
        [new.told.name for new in deliveries],
        [new.told.subject for new in deliveries],
        [new.told.language for new in deliveries],
        [new.contact.channel for new in deliveries],
        [new.contact.address for new in deliveries],
        [stored(new.fallbacks) for new in deliveries],
        [new.state for new in deliveries],
        [new.at for new in deliveries],
        [new.correlation_id for new in deliveries],
        [new.traceparent for new in deliveries],
    )
    inserted = {row["delivery_id"] for row in rows}
    if any(new.state == "pending" and new.delivery_id in inserted for new in deliveries):
        await wake_workers(connection)
    return inserted


async def wake_workers(connection: Connection) -> None:
    """Tell the delivery workers that something is owed, once the transaction commits."""
    await connection.execute("SELECT pg_notify($1, '')", WAKE_CHANNEL)


async def was_told(connection: Connection, alert_id: UUID, subject: str) -> bool:
    """True if `subject` (a sign-in name) is among those to whom the alert is or was addressed."""
    told: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM delivery WHERE alert_id = $1 AND recipient_subject = $2)", alert_id, subject
    )
    return told


async def list_told_before(connection: Connection, steps: Mapping[UUID, int]) -> dict[UUID, dict[UUID, str]]:
    """Whom the steps before these of alerts told, by member id, with the office of each: of those who are still there, since
    the alert was last open again. What the former leads of its group told counts; letters about a silence do not."""
    if not steps:
        return {}
    rows = await connection.fetch(
        """
        SELECT DISTINCT asked.alert_id, delivery.member_id, member.working_group
        FROM unnest($1::uuid[], $2::int[]) AS asked (alert_id, step)
        CROSS JOIN LATERAL (
            SELECT asked.alert_id AS told_of UNION
            SELECT alert_id FROM alert WHERE lead_alert_id = asked.alert_id
        ) AS chain
        CROSS JOIN LATERAL (
            SELECT coalesce(max(at), '-infinity') AS since FROM alert_history
            WHERE alert_history.alert_id = asked.alert_id AND entry = ANY ($3)
        ) AS reopened
        JOIN delivery ON delivery.alert_id = chain.told_of AND delivery.step < asked.step AND delivery.round >= 0
        JOIN working_group_member AS member ON member.member_id = delivery.member_id
            AND (delivery.created_at >= reopened.since OR NOT member.active)
        """,
        list(steps),
        list(steps.values()),
        REOPENINGS,
    )
    told: dict[UUID, dict[UUID, str]] = {}
    for row in rows:
        told.setdefault(row["alert_id"], {})[row["member_id"]] = row["working_group"]
    return told


async def find_told(connection: Connection, delivery_id: UUID) -> tuple[UUID, UUID] | None:
    """The alert of a delivery and the member who was told; None for an unknown one and for a digest."""
    row = await connection.fetchrow(
        "SELECT alert_id, member_id FROM delivery WHERE delivery_id = $1 AND alert_id IS NOT NULL", delivery_id
    )
    return None if row is None else (row["alert_id"], row["member_id"])


async def lease_due(
    connection: Connection,
    lease_id: UUID,
    channel: Channel,
    limit: int,
    lease: timedelta,
    waited: timedelta | None = None,
    *,
    elsewhere: bool = False,
) -> list[LeasedDelivery]:
    """Take up to `limit` due messages of `channel` for `lease` on the database's clock; what another worker holds is
    passed over. `waited`: only those that have waited for their present contact so long. `elsewhere`: only those with a
    further contact by another channel, by which the person is not told already in this step.

    A row whose former lease ran out unmarked may have been sent: its history says so.
    """
    rows = await connection.fetch(
        f"""
        WITH due AS (
            SELECT delivery_id FROM delivery
            WHERE state = 'pending' AND channel = $4 AND next_attempt_at <= clock_timestamp()
              AND (lease_until IS NULL OR lease_until <= clock_timestamp())
              AND ($5::interval IS NULL OR contact_since <= clock_timestamp() - $5::interval)
              AND (NOT $6::boolean OR EXISTS (
                  SELECT FROM jsonb_array_elements(fallbacks) AS further (contact)
                  WHERE contact ->> 'channel' <> 'inbox' AND NOT EXISTS (
                      SELECT FROM delivery AS told
                      WHERE told.alert_id = delivery.alert_id AND told.step = delivery.step
                        AND told.recipient = delivery.recipient AND told.channel = contact ->> 'channel'
                        AND told.round = delivery.round)))
            ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), leased AS (
            UPDATE delivery SET lease_id = $1, lease_until = clock_timestamp() + $3, attempts = attempts + 1
            FROM due WHERE delivery.delivery_id = due.delivery_id
            RETURNING new.*, old.lease_id AS former_lease_id
        ), repeated AS (
            INSERT INTO alert_history (alert_id, county, at, entry, step, by, details)
            SELECT alert_id, county, clock_timestamp(), 'may_repeat', step, 'system',
                   jsonb_build_object('delivery_id', delivery_id, 'recipient', recipient, 'channel', channel,
                                      'attempt', attempts, 'reason', 'lease_ended')
            FROM leased WHERE former_lease_id IS NOT NULL AND alert_id IS NOT NULL
        )
        {_LEASED}
        """,
        lease_id,
        limit,
        lease,
        channel,
        waited,
        elsewhere,
    )
    return [_leased(row) for row in rows]


async def retake_undelivered(
    connection: Connection, lease_id: UUID, delivery_id: UUID, lease: timedelta
) -> LeasedDelivery | None:
    """Take a message back that the provider took and did not deliver, under a lease, to go on with it elsewhere.

    None if somebody has acted on the alert by now: nobody need be told any more; and if whom it told has left.
    """
    rows = await connection.fetch(
        f"""
        WITH leased AS (
            UPDATE delivery
            SET state = 'pending', settled_at = NULL, lease_id = $1, lease_until = clock_timestamp() + $3
            FROM alert
            WHERE delivery_id = $2 AND delivery.state = 'sent' AND alert.alert_id = delivery.alert_id
              AND alert.state IN ('open', 'escalated')
              AND EXISTS (SELECT FROM working_group_member AS told WHERE told.member_id = delivery.member_id AND active)
            RETURNING delivery.*
        )
        {_LEASED}
        """,
        lease_id,
        delivery_id,
        lease,
    )
    return _leased(rows[0]) if rows else None


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


def contacts_of(stored: str) -> tuple[Contact, ...]:
    """The contacts that a row keeps."""
    return tuple(Contact(Channel(contact["channel"]), contact["address"]) for contact in json.loads(stored))


def stored(contacts: Sequence[Contact]) -> str:
    """Contacts as a row keeps them, in their order."""
    return json.dumps([{"channel": contact.channel, "address": contact.address} for contact in contacts])


def _leased(row: asyncpg.Record) -> LeasedDelivery:
    values: dict[str, Any] = dict(row)
    values["county"] = County(row["county"])
    values["details"] = json.loads(row["details"])
    values["fallbacks"] = contacts_of(row["fallbacks"])
    values["grouped"] = tuple(_grouped(alert) for alert in json.loads(row["grouped"] or "[]"))
    return LeasedDelivery(**values)


def _grouped(alert: Mapping[str, Any]) -> GroupedAlert:
    raised_at = datetime.fromisoformat(alert["raised_at"])
    return GroupedAlert(UUID(alert["alert_id"]), alert["subject_id"], alert["details"], raised_at, alert["registry_id"])
