"""Silences, and what they would hold back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.notifications.domain.holding import PastSilence, Silence
from services.notifications.domain.rules import Audience
from shared.contracts.counties import County
from shared.kit.transaction import Connection

_COLUMNS = """silence_id, county, kind, rule_id, subject_id, audiences, reason, created_by, created_at, ends_at,
    critical_until, ended_at, lifted_by"""


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """A silence as people read it. `lifted_by`: who ended it before its time."""

    silence_id: UUID
    county: County | None
    kind: str | None
    rule_id: str | None
    subject_id: str | None
    audiences: tuple[str, ...]
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime
    critical_until: datetime
    ended_at: datetime | None
    lifted_by: str | None


@dataclass(frozen=True, slots=True)
class FittingAlert:
    """An alert that a silence fits."""

    alert_id: UUID
    county: County
    kind: str
    severity: str
    rule_id: str
    subject_id: str
    raised_at: datetime


async def lock_running(connection: Connection) -> list[Silence]:
    """Silences that hold alerts back now. None of them can end until the transaction does."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM silence WHERE ended_at IS NULL AND ends_at > now() ORDER BY silence_id FOR SHARE
        """
    )
    return [_silence(row) for row in rows]


async def list_past(connection: Connection, since: datetime) -> list[PastSilence]:
    """Silences that ran at any time after `since`, as long as they really did."""
    rows = await connection.fetch(
        """
        SELECT silence_id, county, kind, rule_id, subject_id, audiences, created_at, least(ends_at, ended_at) AS ends_at,
               least(critical_until, ended_at) AS critical_until
        FROM silence WHERE least(ends_at, ended_at) > $1 ORDER BY silence_id
        """,
        since,
    )
    return [PastSilence(_silence(row), row["created_at"]) for row in rows]


async def lock_silence(connection: Connection, silence_id: UUID) -> Silence | None:
    """A silence that has not ended, locked."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM silence WHERE silence_id = $1 AND ended_at IS NULL FOR NO KEY UPDATE", silence_id
    )
    return None if row is None else _silence(row)


async def insert_silence(connection: Connection, silence: Silence, reason: str, by: str, at: datetime) -> SilenceLine:
    row = await connection.fetchrow(
        f"""
        INSERT INTO silence (silence_id, county, kind, rule_id, subject_id, audiences, reason, created_by, created_at,
                             ends_at, critical_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING {_COLUMNS}
        """,
        silence.silence_id,
        silence.county,
        silence.kind,
        silence.rule_id,
        silence.subject_id,
        sorted(silence.audiences),
        reason,
        by,
        at,
        silence.ends_at,
        silence.critical_until,
    )
    return _line(row)


async def end_silence(connection: Connection, silence_id: UUID, at: datetime, lifted_by: str | None) -> SilenceLine:
    """End a locked silence."""
    row = await connection.fetchrow(
        f"UPDATE silence SET ended_at = $2, lifted_by = $3 WHERE silence_id = $1 RETURNING {_COLUMNS}",
        silence_id,
        at,
        lifted_by,
    )
    return _line(row)


async def list_silences(connection: Connection, after: UUID | None, limit: int, *, running: bool) -> list[SilenceLine]:
    """Up to `limit` silences, the newest first, below the one with id `after`; `running`: only those that have not ended."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM silence
        WHERE ($1::uuid IS NULL OR silence_id < $1) AND (NOT $3 OR ended_at IS NULL) ORDER BY silence_id DESC LIMIT $2
        """,
        after,
        limit,
        running,
    )
    return [_line(row) for row in rows]


async def list_fitting(
    connection: Connection, silence: Silence, rule_ids: Sequence[str], since: datetime, limit: int
) -> tuple[int, list[FittingAlert]]:
    """How many alerts raised after `since` by these rules the silence would have held back, and the newest of them."""
    rows = await connection.fetch(
        """
        SELECT alert_id, county, kind, severity, rule_id, subject_id, raised_at, count(*) OVER () AS number FROM alert
        WHERE raised_at >= $1 AND rule_id = ANY ($2) AND audience = ANY ($3) AND ($4::text IS NULL OR county = $4)
          AND ($5::text IS NULL OR kind = $5) AND ($6::text IS NULL OR subject_id = $6)
        ORDER BY alert_id DESC LIMIT $7
        """,
        since,
        list(rule_ids),
        sorted(silence.audiences),
        silence.county,
        silence.kind,
        silence.subject_id,
        limit,
    )
    found = [
        FittingAlert(
            row["alert_id"],
            County(row["county"]),
            row["kind"],
            row["severity"],
            row["rule_id"],
            row["subject_id"],
            row["raised_at"],
        )
        for row in rows
    ]
    return (rows[0]["number"] if rows else 0), found


async def list_offices_of(connection: Connection, subject: str) -> list[Audience]:
    """The provincial offices of which somebody is an active member."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT working_group FROM working_group_member
        WHERE subject = $1 AND active AND county IS NULL AND working_group = ANY ($2)
        """,
        subject,
        [audience.value for audience in Audience],
    )
    return [Audience(row["working_group"]) for row in rows]


def _silence(row: asyncpg.Record) -> Silence:
    return Silence(
        silence_id=row["silence_id"],
        audiences=frozenset(map(Audience, row["audiences"])),
        county=None if row["county"] is None else County(row["county"]),
        kind=row["kind"],
        rule_id=row["rule_id"],
        subject_id=row["subject_id"],
        ends_at=row["ends_at"],
        critical_until=row["critical_until"],
    )


def _line(row: asyncpg.Record | None) -> SilenceLine:
    if row is None:
        raise LookupError("the silence is not there")
    county = None if row["county"] is None else County(row["county"])
    values: dict[str, Any] = {**dict(row), "county": county, "audiences": tuple(row["audiences"])}
    return SilenceLine(**values)
