"""What people read: alerts with their deliveries, their history, and the counters."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.notifications.domain.escalation import AlertState
from services.notifications.store.readers import OPEN_TYPES, Reader, without_case
from services.notifications.store.sites import registry_id_of
from shared.contracts.counties import County
from shared.kit.transaction import Connection

Row = dict[str, Any]

_LISTED = f"""alert.alert_id, alert.county, alert.kind, alert.severity, alert.state, alert.step, alert.rule_id,
    alert.source_event_id, alert.source_type, alert.source_aggregate_id, alert.subject_id,
    alert.details::text AS details, {registry_id_of("alert.details")} AS registry_id,
    alert.raised_at, alert.acknowledged_by, alert.acknowledged_at, alert.resolved_at,
    alert.lead_alert_id, alert.held_back, alert.held_back_by, alert.digest, alert.step_told_at"""
_WAS_TOLD = """(
    EXISTS (SELECT FROM delivery WHERE delivery.alert_id = alert.alert_id AND recipient_subject = $1)
    OR EXISTS (
        SELECT FROM alert_history AS line JOIN delivery ON delivery.delivery_id = (line.details ->> 'delivery_id')::uuid
        WHERE line.alert_id = alert.alert_id AND line.entry = 'told_with' AND recipient_subject = $1))"""
_SHOWN_TO_ALL = "audience = 'working_group' AND source_type = ANY ($1::text[])"
_SHOWN = f"""
SELECT {_LISTED}, {_WAS_TOLD} AS was_told FROM alert
WHERE $2::boolean OR (audience = 'working_group' AND source_type = ANY ($3::text[])) OR {_WAS_TOLD}
"""


async def list_alerts(
    connection: Connection,
    reader: Reader,
    county: County | None,
    state: AlertState | None,
    after: UUID | None,
    limit: int,
) -> list[Row]:
    """Up to `limit` alerts in the order they were opened, after the one with id `after`, each with its `deliveries`."""
    rows = await connection.fetch(
        f"""
        SELECT * FROM ({_SHOWN}) AS shown
        WHERE ($4::text IS NULL OR county = $4) AND ($5::text IS NULL OR state = $5)
          AND ($6::uuid IS NULL OR alert_id > $6)
        ORDER BY alert_id LIMIT $7
        """,
        *_arguments(reader),
        county,
        state,
        after,
        limit,
    )
    return [without_case(row, reader) for row in await _with_deliveries(connection, rows)]


async def list_inbox(connection: Connection, subject: str, after: UUID | None, limit: int) -> list[Row]:
    """Alerts addressed to the person who signs in as `subject`, the newest first, below the one with id `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {_LISTED} FROM alert
        WHERE ($2::uuid IS NULL OR alert_id < $2) AND EXISTS (
            SELECT FROM delivery
            WHERE delivery.alert_id = alert.alert_id AND delivery.channel = 'inbox' AND recipient_subject = $1
        )
        ORDER BY alert_id DESC LIMIT $3
        """,
        subject,
        after,
        limit,
    )
    return await _with_deliveries(connection, rows)


async def find_alert(connection: Connection, alert_id: UUID, reader: Reader) -> Row | None:
    """One alert with its `deliveries` and `history`; None if it is not there, or not for the reader."""
    rows = await connection.fetch(
        f"SELECT * FROM ({_SHOWN}) AS shown WHERE alert_id = $4", *_arguments(reader), alert_id
    )
    if not rows:
        return None
    [alert] = await _with_deliveries(connection, rows)
    history = await connection.fetch(
        """
        SELECT at, entry, step, by, details::text AS details FROM alert_history WHERE alert_id = $1 ORDER BY entry_id
        """,
        alert_id,
    )
    return {
        **without_case(alert, reader),
        "history": [{**dict(entry), "details": json.loads(entry["details"])} for entry in history],
    }


async def find_alerts(connection: Connection, alert_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Alerts by their ids, each with its `deliveries`; what is not there, or not for the caller, is left out."""
    rows = await connection.fetch(f"SELECT {_LISTED} FROM alert WHERE alert_id = ANY ($1)", alert_ids)
    return {alert["alert_id"]: alert for alert in await _with_deliveries(connection, rows)}


def _arguments(reader: Reader) -> tuple[str, bool, list[str]]:
    return reader.subject, reader.sees_offices, OPEN_TYPES


async def _with_deliveries(connection: Connection, alerts: Sequence[asyncpg.Record]) -> list[Row]:
    rows = await connection.fetch(
        """
        SELECT alert_id, delivery_id, recipient, channel, language, step, state, attempts, settled_at, last_error
        FROM delivery WHERE alert_id = ANY ($1) ORDER BY alert_id, step, delivery_id
        """,
        [alert["alert_id"] for alert in alerts],
    )
    deliveries: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        deliveries[row["alert_id"]].append(dict(row))
    return [
        {**dict(alert), "details": json.loads(alert["details"]), "deliveries": deliveries[alert["alert_id"]]}
        for alert in alerts
    ]


async def add_to_counters(connection: Connection, changes: Mapping[tuple[str, str], int]) -> None:
    """Add to counters by (county, counter), in one statement and in sorted order."""
    keys = sorted(changes)
    await connection.execute(
        """
        INSERT INTO alert_counter AS total (county, counter, value)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
        ON CONFLICT (county, counter) DO UPDATE SET value = total.value + excluded.value
        """,
        [county for county, _ in keys],
        [counter for _, counter in keys],
        [changes[key] for key in keys],
    )


async def list_counters(connection: Connection) -> list[tuple[str, str, int]]:
    """(county, counter, value) of the folded counters."""
    rows = await connection.fetch("SELECT county, counter, value FROM alert_counter")
    return [(row["county"], row["counter"], row["value"]) for row in rows]


async def count_deliveries(connection: Connection) -> list[tuple[str, str, int]]:
    """(county, delivery state, number of rows) of what was owed for alerts."""
    rows = await connection.fetch(
        "SELECT county, state, count(*) AS number FROM delivery WHERE alert_id IS NOT NULL GROUP BY county, state"
    )
    return [(row["county"], row["state"], row["number"]) for row in rows]


async def count_shown(connection: Connection) -> list[tuple[str, str, int]]:
    """(county, counter, value) of the alerts that every reader of the county may list: those of its working group, and not
    about cases or complaints. The same counters as the folded ones, from the rows themselves."""
    rows = await connection.fetch(
        f"""
        WITH shown AS (SELECT alert_id, county, state FROM alert WHERE {_SHOWN_TO_ALL})
        SELECT county, counter, count(*) AS number
        FROM shown CROSS JOIN LATERAL (
            SELECT 'raised' AS counter
            UNION ALL SELECT 'open' WHERE state IN ('open', 'escalated')
            UNION ALL SELECT 'resolved' WHERE state = 'resolved'
            UNION ALL
            SELECT CASE entry WHEN 'acknowledged' THEN entry WHEN 'escalated' THEN entry ELSE 'reopened' END
            FROM alert_history
            WHERE alert_history.alert_id = shown.alert_id
              AND entry IN ('acknowledged', 'escalated', 'acknowledgement_released', 'acknowledgement_lapsed')
        ) AS counted
        GROUP BY county, counter
        """,
        OPEN_TYPES,
    )
    return [(row["county"], row["counter"], row["number"]) for row in rows]


async def count_shown_deliveries(connection: Connection) -> list[tuple[str, str, int]]:
    """(county, delivery state, number of rows) of what was owed for the alerts of `count_shown`."""
    rows = await connection.fetch(
        f"""
        SELECT delivery.county, delivery.state, count(*) AS number FROM delivery JOIN alert USING (alert_id)
        WHERE {_SHOWN_TO_ALL} GROUP BY delivery.county, delivery.state
        """,
        OPEN_TYPES,
    )
    return [(row["county"], row["state"], row["number"]) for row in rows]
