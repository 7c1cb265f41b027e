"""Troubles of the platform itself: each kept once, from its first report to its end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity, OperationsTrouble
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Trouble:
    """`key`: what it is about, one running trouble for each; `name`: the machine word that its event may carry."""

    trouble_id: UUID
    county: County
    trouble: OperationsTrouble
    key: str
    name: str
    severity: AlertSeverity
    details: Mapping[str, JsonValue]


async def insert_trouble(connection: Connection, one: Trouble, found_at: datetime, *, recurs: bool) -> bool:
    """Keep a trouble; False if one with its key runs already or, unless it `recurs`, has ever run."""
    status = await connection.execute(
        """
        INSERT INTO operations_trouble (trouble_id, county, trouble, key, name, severity, details, found_at)
        SELECT $1, $2, $3, $4, $5, $6, $7::jsonb, $8
        WHERE $9 OR NOT EXISTS (SELECT FROM operations_trouble WHERE trouble = $3 AND key = $4)
        ON CONFLICT (trouble, key) WHERE ended_at IS NULL DO NOTHING
        """,
        one.trouble_id,
        one.county.value,
        one.trouble.value,
        one.key,
        one.name,
        one.severity.value,
        json.dumps(dict(one.details), ensure_ascii=False),
        found_at,
        recurs,
    )
    return status == "INSERT 0 1"


async def insert_ended(connection: Connection, one: Trouble, at: datetime) -> None:
    """Keep that a trouble whose key was never seen is over, so that a report of it that comes late changes nothing."""
    await connection.execute(
        """
        INSERT INTO operations_trouble (trouble_id, county, trouble, key, name, severity, details, found_at, ended_at)
        SELECT $1, $2, $3, $4, $5, $6, $7::jsonb, $8, $8
        WHERE NOT EXISTS (SELECT FROM operations_trouble WHERE trouble = $3 AND key = $4)
        """,
        one.trouble_id,
        one.county.value,
        one.trouble.value,
        one.key,
        one.name,
        one.severity.value,
        json.dumps(dict(one.details), ensure_ascii=False),
        at,
    )


async def end_running(
    connection: Connection, trouble: OperationsTrouble, key: str, at: datetime
) -> tuple[UUID, County] | None:
    """End the running trouble with this key; its id and county, or None if none runs."""
    row = await connection.fetchrow(
        """
        UPDATE operations_trouble SET ended_at = $3 WHERE trouble = $1 AND key = $2 AND ended_at IS NULL
        RETURNING trouble_id, county
        """,
        trouble.value,
        key,
        at,
    )
    return None if row is None else (row["trouble_id"], County(row["county"]))


async def list_running_keys(connection: Connection, trouble: OperationsTrouble) -> set[str]:
    """Keys of every running trouble of one kind."""
    rows = await connection.fetch(
        "SELECT key FROM operations_trouble WHERE trouble = $1 AND ended_at IS NULL", trouble.value
    )
    return {row["key"] for row in rows}


async def list_troubles(
    connection: Connection, *, running_only: bool, after: UUID | None, limit: int
) -> Sequence[dict[str, Any]]:
    """The newest first; `after` is the id of the last one seen."""
    rows = await connection.fetch(
        """
        SELECT trouble_id, county, trouble, name, severity, details::text AS details, found_at, ended_at
        FROM operations_trouble
        WHERE ($1::uuid IS NULL OR trouble_id < $1) AND (NOT $2 OR ended_at IS NULL)
        ORDER BY trouble_id DESC LIMIT $3
        """,
        after,
        running_only,
        limit,
    )
    return [dict(row) | {"details": json.loads(row["details"])} for row in rows]
