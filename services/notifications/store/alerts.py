"""Alerts: opening, moving, finding them by what they are about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from services.notifications.domain.escalation import AlertState, EscalationPolicy, StreamPlace
from services.notifications.domain.rules import Audience
from shared.contracts.counties import County
from shared.kit.transaction import Connection

_ALERT_COLUMNS = """alert_id, county, kind, severity, audience, state, step, policy::text AS policy, source_aggregate,
    source_sequence, extract(epoch FROM source_time)::float8 AS source_time_s, acknowledged_by, acknowledged_at"""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as escalation needs it; `policy` is the copy taken when it opened."""

    alert_id: UUID
    county: County
    kind: str
    audience: Audience
    state: AlertState
    step: int
    policy: EscalationPolicy
    source: StreamPlace
    acknowledged_by: str | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewAlert:
    """Everything that an alert keeps of its rule and its source event."""

    alert_id: UUID
    county: County
    rule_id: str
    rules_version: int
    kind: str
    severity: str
    audience: str
    policy_name: str
    policy: EscalationPolicy
    subject_id: str
    source_type: str
    source_event_id: UUID
    source_aggregate: str
    source_aggregate_id: str
    source_sequence: int
    source_time: datetime
    details: Mapping[str, JsonValue]
    correlation_id: str
    raised_at: datetime


async def lock_subject(connection: Connection, rule_id: str, subject_id: str, county: str) -> StreamPlace | None:
    """Lock what a rule's alerts are about until the transaction ends; returns where its last resolving event stands."""
    row = await connection.fetchrow(
        """
        INSERT INTO alert_subject AS known (rule_id, subject_id, county) VALUES ($1, $2, $3)
        ON CONFLICT (rule_id, subject_id) DO UPDATE SET county = known.county
        RETURNING resolved_aggregate, resolved_sequence, extract(epoch FROM resolved_time)::float8 AS resolved_time_s
        """,
        rule_id,
        subject_id,
        county,
    )
    if row is None or row["resolved_aggregate"] is None:
        return None
    return StreamPlace(row["resolved_aggregate"], row["resolved_sequence"], row["resolved_time_s"])


async def keep_resolution(
    connection: Connection,
    rule_id: str,
    subject_id: str,
    *,
    event_id: UUID,
    place: StreamPlace,
    time: datetime,
) -> None:
    """Remember the newest resolving event of a locked subject, for a source event that is still on its way."""
    await connection.execute(
        """
        UPDATE alert_subject
        SET resolved_by_event_id = $3, resolved_aggregate = $4, resolved_sequence = $5, resolved_time = $6
        WHERE rule_id = $1 AND subject_id = $2
        """,
        rule_id,
        subject_id,
        event_id,
        place.aggregate,
        place.sequence,
        time,
    )


async def insert_alert(connection: Connection, alert: NewAlert) -> bool:
    """Open an alert; False if this rule has already answered this event."""
    status = await connection.execute(
        """
        INSERT INTO alert (alert_id, county, rule_id, rules_version, kind, severity, audience, state, policy_name,
                           policy, subject_id, source_type, source_event_id, source_aggregate, source_aggregate_id,
                           source_sequence, source_time, details, correlation_id, raised_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        ON CONFLICT (rule_id, source_event_id) DO NOTHING
        """,
        alert.alert_id,
        alert.county.value,
        alert.rule_id,
        alert.rules_version,
        alert.kind,
        alert.severity,
        alert.audience,
        alert.policy_name,
        alert.policy.model_dump_json(),
        alert.subject_id,
        alert.source_type,
        alert.source_event_id,
        alert.source_aggregate,
        alert.source_aggregate_id,
        alert.source_sequence,
        alert.source_time,
        json.dumps(dict(alert.details), ensure_ascii=False),
        alert.correlation_id,
        alert.raised_at,
    )
    return status == "INSERT 0 1"


async def lock_alert(connection: Connection, alert_id: UUID) -> Alert | None:
    """The alert, locked until the transaction ends; None if it does not exist or row-level security hides it."""
    row = await connection.fetchrow(
        f"SELECT {_ALERT_COLUMNS} FROM alert WHERE alert_id = $1 FOR NO KEY UPDATE", alert_id
    )
    return None if row is None else _alert(row)


async def lock_unresolved(connection: Connection, rule_id: str, subject_id: str) -> list[Alert]:
    """All alerts of a rule about a subject that are not resolved, locked in the order of their ids."""
    rows = await connection.fetch(
        f"""
        SELECT {_ALERT_COLUMNS} FROM alert
        WHERE rule_id = $1 AND subject_id = $2 AND state <> 'resolved' ORDER BY alert_id FOR NO KEY UPDATE
        """,
        rule_id,
        subject_id,
    )
    return [_alert(row) for row in rows]


async def set_escalated(connection: Connection, alert_id: UUID, step: int) -> None:
    await connection.execute("UPDATE alert SET state = 'escalated', step = $2 WHERE alert_id = $1", alert_id, step)


async def set_acknowledged(connection: Connection, alert_id: UUID, by: str, at: datetime) -> None:
    await connection.execute(
        "UPDATE alert SET state = 'acknowledged', acknowledged_by = $2, acknowledged_at = $3 WHERE alert_id = $1",
        alert_id,
        by,
        at,
    )


async def set_resolved(connection: Connection, alert_id: UUID, at: datetime) -> None:
    await connection.execute("UPDATE alert SET state = 'resolved', resolved_at = $2 WHERE alert_id = $1", alert_id, at)


async def add_history(
    connection: Connection,
    alert_id: UUID,
    entry: str,
    *,
    county: str,
    at: datetime,
    step: int,
    by: str,
    details: Mapping[str, JsonValue],
) -> None:
    await connection.execute(
        """
        INSERT INTO alert_history (alert_id, county, at, entry, step, by, details) VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        alert_id,
        county,
        at,
        entry,
        step,
        by,
        json.dumps(dict(details), ensure_ascii=False),
    )


def _alert(row: asyncpg.Record) -> Alert:
    return Alert(
        alert_id=row["alert_id"],
        county=County(row["county"]),
        kind=row["kind"],
        audience=Audience(row["audience"]),
        state=AlertState(row["state"]),
        step=row["step"],
        policy=EscalationPolicy.model_validate_json(row["policy"]),
        source=StreamPlace(row["source_aggregate"], row["source_sequence"], row["source_time_s"]),
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
    )
