"""Saved versions of the routing rules. A row is added by each save and never changed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """Who saved a version, when and why."""

    version: int
    saved_at: datetime
    saved_by: str
    note: str


async def find_version(connection: Connection, version: int | None = None) -> SavedVersion | None:
    """A saved version, by default the newest."""
    row = await connection.fetchrow(
        """
        SELECT version, saved_at, saved_by, note FROM routing_rules
        WHERE $1::integer IS NULL OR version = $1 ORDER BY version DESC LIMIT 1
        """,
        version,
    )
    return None if row is None else _version(row)


async def find_document(connection: Connection, version: int) -> str | None:
    """The text of a saved version."""
    document: str | None = await connection.fetchval("SELECT document FROM routing_rules WHERE version = $1", version)
    return document


async def list_versions(connection: Connection, before: int | None, limit: int) -> list[SavedVersion]:
    """Saved versions, the newest first; `before` goes on with older ones."""
    rows = await connection.fetch(
        """
        SELECT version, saved_at, saved_by, note FROM routing_rules
        WHERE $1::integer IS NULL OR version < $1 ORDER BY version DESC LIMIT $2
        """,
        before,
        limit,
    )
    return [_version(row) for row in rows]


async def database_now(connection: Connection) -> datetime:
    """The transaction's time on the database's clock (UTC)."""
    now: datetime = await connection.fetchval("SELECT now()")
    return now


async def insert_version(connection: Connection, version: int, document: str, note: str, by: str) -> bool:
    """Save a version; False if somebody else has saved it meanwhile."""
    status = await connection.execute(
        """
        INSERT INTO routing_rules (version, document, note, saved_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (version) DO NOTHING
        """,
        version,
        document,
        note,
        by,
    )
    return status == "INSERT 0 1"


async def count_unresolved(connection: Connection, kept: Collection[str]) -> list[tuple[str, int]]:
    """(rule id, number) of the alerts that are not resolved and whose rule is none of `kept`."""
    rows = await connection.fetch(
        """
        SELECT rule_id, count(*) AS number FROM alert
        WHERE state IN ('open', 'escalated', 'acknowledged') AND rule_id <> ALL ($1::text[])
        GROUP BY rule_id ORDER BY rule_id
        """,
        list(kept),
    )
    return [(row["rule_id"], row["number"]) for row in rows]


def _version(row: asyncpg.Record) -> SavedVersion:
    return SavedVersion(row["version"], row["saved_at"], row["saved_by"], row["note"])
