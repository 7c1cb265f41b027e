"""Who was told what, when, by which channel, with which result."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.notifications.domain.channels import Channel
from services.notifications.domain.delivering import DeliveryState
from services.notifications.store.readers import OPEN_TYPES, Reader
from services.notifications.store.sites import registry_id_of
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class DeliveryFilters:
    """What is looked for; None: anything. `recipient`: part of a name or an address. Times bound when it was owed. `alert_id`:
    messages of its own and those of others that told of it too."""

    county: County | None = None
    recipient: str | None = None
    kind: str | None = None
    channel: Channel | None = None
    state: DeliveryState | None = None
    alert_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One delivery with what it told of. `alert_id` is None for a digest, `alert_state` too."""

    delivery_id: UUID
    alert_id: UUID | None
    digest_id: UUID | None
    county: County
    kind: str
    severity: str
    subject_id: str | None
    registry_id: str | None
    recipient: str
    recipient_name: str
    channel: str
    language: str
    step: int
    state: str
    attempts: int
    created_at: datetime
    settled_at: datetime | None
    last_error: str | None
    provider_status: str | None
    text_version: int | None
    alert_state: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


_MATCHING = """
    FROM delivery LEFT JOIN alert USING (alert_id) LEFT JOIN digest USING (digest_id)
    WHERE ($1::text IS NULL OR delivery.county = $1)
      AND ($2::text IS NULL OR delivery.recipient ILIKE $2 OR delivery.recipient_name ILIKE $2)
      AND ($3::text IS NULL OR coalesce(alert.kind, 'digest') = $3)
      AND ($4::text IS NULL OR delivery.channel = $4)
      AND ($5::text IS NULL OR delivery.state = $5)
      AND ($6::uuid IS NULL OR delivery.delivery_id = ANY (ARRAY(
          SELECT own.delivery_id FROM delivery AS own WHERE own.alert_id = $6
          UNION ALL
          SELECT (details ->> 'delivery_id')::uuid FROM alert_history WHERE alert_history.alert_id = $6 AND entry = 'told_with'
      )))
      AND ($7::timestamptz IS NULL OR delivery.created_at >= $7)
      AND ($8::timestamptz IS NULL OR delivery.created_at < $8)
      AND ($9::uuid IS NULL OR delivery.delivery_id < $9)
      AND ((alert.audience = 'working_group' AND alert.source_type = ANY ($12::text[]))
           OR $10::boolean OR delivery.recipient_subject = $11)
      AND num_nonnulls(alert.alert_id, digest.digest_id) = 1
"""
_SUBJECT = """
    CASE WHEN $13::boolean OR delivery.recipient_subject = $11 OR alert.alert_id IS NULL
              OR alert.source_type = ANY ($12::text[]) THEN alert.subject_id ELSE '' END"""


async def search_deliveries(
    connection: Connection, filters: DeliveryFilters, reader: Reader, before: UUID | None, limit: int
) -> list[DeliveryLine]:
    """Up to `limit` deliveries, the newest first, below the one with id `before`."""
    rows = await connection.fetch(
        f"""
        SELECT delivery_id, delivery.alert_id, delivery.digest_id, delivery.county,
               coalesce(alert.kind, 'digest') AS kind, coalesce(alert.severity, 'info') AS severity,
               {_SUBJECT} AS subject_id, {registry_id_of("alert.details")} AS registry_id,
               recipient, recipient_name, channel, delivery.language, delivery.step, delivery.state, attempts,
               delivery.created_at, settled_at, last_error, provider_status, text_version, alert.state AS alert_state,
               alert.acknowledged_by, alert.acknowledged_at
        {_MATCHING}
        ORDER BY delivery_id DESC LIMIT $14
        """,
        *_arguments(filters, reader, before),
        reader.sees_cases,
        limit,
    )
    return [_line(row) for row in rows]


async def count_deliveries_up_to(
    connection: Connection, filters: DeliveryFilters, reader: Reader, number_max: int
) -> int:
    """How many deliveries match; it stops counting at `number_max`."""
    number: int = await connection.fetchval(
        f"SELECT count(*) FROM (SELECT {_MATCHING} LIMIT $13) AS found", *_arguments(filters, reader, None), number_max
    )
    return number


def _arguments(filters: DeliveryFilters, reader: Reader, before: UUID | None) -> tuple[Any, ...]:
    return (
        filters.county,
        None if filters.recipient is None else f"%{_escaped(filters.recipient)}%",
        filters.kind,
        filters.channel,
        filters.state,
        filters.alert_id,
        filters.since,
        filters.until,
        before,
        reader.sees_offices,
        reader.subject,
        OPEN_TYPES,
    )


def _escaped(text: str) -> str:
    """`text` without the special meaning of LIKE's characters."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _line(row: asyncpg.Record) -> DeliveryLine:
    values: dict[str, Any] = dict(row)
    values["county"] = County(row["county"])
    return DeliveryLine(**values)
