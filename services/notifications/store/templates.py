"""Saved templates: versions that are added and never changed."""

from dataclasses import dataclass
from datetime import datetime

from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """One saved version."""

    kind: str
    language: str
    version: int
    source: str
    saved_by: str
    saved_at: datetime


async def list_in_force(connection: Connection) -> list[StoredTemplate]:
    """The newest version of every kind and language that somebody has saved."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (kind, language) kind, language, version, source, saved_by, saved_at
        FROM message_template ORDER BY kind, language, version DESC
        """
    )
    return [StoredTemplate(**dict(row)) for row in rows]


async def list_versions(connection: Connection, kind: str, language: str) -> list[StoredTemplate]:
    """Every saved version, the newest first."""
    rows = await connection.fetch(
        """
        SELECT kind, language, version, source, saved_by, saved_at FROM message_template
        WHERE kind = $1 AND language = $2 ORDER BY version DESC
        """,
        kind,
        language,
    )
    return [StoredTemplate(**dict(row)) for row in rows]


async def newest_version(connection: Connection, kind: str, language: str) -> int:
    """The version in force; 0: what ships. Locked until the transaction ends, so that two people cannot both follow it."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('message_template ' || $1 || ' ' || $2, 0))", kind, language
    )
    version: int = await connection.fetchval(
        "SELECT coalesce(max(version), 0) FROM message_template WHERE kind = $1 AND language = $2", kind, language
    )
    return version


async def insert_template(connection: Connection, template: StoredTemplate) -> None:
    await connection.execute(
        """
        INSERT INTO message_template (kind, language, version, source, saved_by, saved_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        template.kind,
        template.language,
        template.version,
        template.source,
        template.saved_by,
        template.saved_at,
    )


async def count_versions(connection: Connection) -> int:
    """How many versions there are: versions are only ever added, so an equal number means that nothing was saved."""
    number: int = await connection.fetchval("SELECT count(*) FROM message_template")
    return number
