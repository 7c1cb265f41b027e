"""Imports of registry files: what became of each, its report's lines, and the sites that it does not name."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.kit.transaction import Connection

REPORTS_KEPT = 20
"""Of the latest files of each mode; of older ones the counts alone are kept."""


class Section(StrEnum):
    """A kind of lines in a report."""

    REFUSED = "refused"
    ADDED = "added"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One file and what became of its rows; the counts add up to `row_count`."""

    import_id: UUID
    mode: str
    file_sha256: str
    row_count: int
    added_count: int
    changed_count: int
    unchanged_count: int
    refused_count: int
    missing_count: int
    ignored_columns: Sequence[str]
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class MissingLine:
    """A site that the file does not name, as it is recorded now. Capacity in tonnes, rounded to 3 decimals."""

    warehouse_id: UUID
    registry_id: str
    county: str
    name: str
    kind: str
    capacity_tonnes: float
    status: str
    registry_updated_on: str | None


async def insert_import(connection: Connection, record: ImportRecord) -> None:
    """Keep that a file was looked at or applied, by whom, and what became of it."""
    await connection.execute(
        """
        INSERT INTO registry_import (import_id, mode, file_sha256, row_count, added_count, changed_count,
                                     unchanged_count, refused_count, missing_count, ignored_columns, imported_by,
                                     imported_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        record.import_id,
        record.mode,
        record.file_sha256,
        record.row_count,
        record.added_count,
        record.changed_count,
        record.unchanged_count,
        record.refused_count,
        record.missing_count,
        record.ignored_columns,
        record.imported_by,
        record.imported_at,
    )


async def read_import(connection: Connection, import_id: UUID) -> ImportRecord | None:
    """One import; None if there is no such."""
    row = await connection.fetchrow(
        """
        SELECT import_id, mode, file_sha256, row_count, added_count, changed_count, unchanged_count, refused_count,
               missing_count, ignored_columns, imported_by, imported_at
        FROM registry_import WHERE import_id = $1
        """,
        import_id,
    )
    return ImportRecord(**dict(row)) if row else None


async def list_imports(connection: Connection, limit: int, before: UUID | None) -> list[ImportRecord]:
    """Up to `limit` imports, the latest first, that came before `before`."""
    rows = await connection.fetch(
        """
        SELECT import_id, mode, file_sha256, row_count, added_count, changed_count, unchanged_count, refused_count,
               missing_count, ignored_columns, imported_by, imported_at
        FROM registry_import WHERE $1::uuid IS NULL OR import_id < $1 ORDER BY import_id DESC LIMIT $2
        """,
        before,
        limit,
    )
    return [ImportRecord(**dict(row)) for row in rows]


async def insert_lines(
    connection: Connection, import_id: UUID, parts: Sequence[tuple[Section, int, int, bytes]]
) -> None:
    """Keep compressed lines of a report: section, number of the part, number of its lines, the lines."""
    await connection.execute(
        """
        INSERT INTO registry_import_lines (import_id, section, part, line_count, lines)
        SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::integer[], $5::bytea[])
        """,
        import_id,
        [section for section, _, _, _ in parts],
        [part for _, part, _, _ in parts],
        [count for _, _, count, _ in parts],
        [lines for _, _, _, lines in parts],
    )


async def read_lines(connection: Connection, import_id: UUID, section: Section) -> AsyncGenerator[bytes]:
    """The compressed lines of one section, part by part, in order."""
    part = -1
    while True:
        row = await connection.fetchrow(
            """
            SELECT part, lines FROM registry_import_lines
            WHERE import_id = $1 AND section = $2 AND part > $3 ORDER BY part LIMIT 1
            """,
            import_id,
            section,
            part,
        )
        if row is None:
            return
        part = row["part"]
        yield row["lines"]


async def insert_missing(connection: Connection, import_id: UUID, registry_ids: Collection[str]) -> int:
    """Keep which recorded sites have none of these registry ids. Returns how many."""
    status = await connection.execute(
        """
        INSERT INTO registry_import_missing (import_id, warehouse_id, county)
        SELECT $1, warehouse_id, county FROM warehouse w
        WHERE NOT EXISTS (SELECT FROM unnest($2::text[]) AS named (registry_id) WHERE named.registry_id = w.registry_id)
        """,
        import_id,
        list(registry_ids),
    )
    return int(status.rpartition(" ")[2])


async def list_missing(connection: Connection, import_id: UUID, limit: int, after: UUID | None) -> list[MissingLine]:
    """Up to `limit` sites that the file does not name, after `after`, in the order of registration."""
    rows = await connection.fetch(
        """
        SELECT warehouse_id, w.registry_id, w.county, w.name, w.kind, w.capacity_tonnes::float8 AS capacity_tonnes,
               w.status, w.registry_updated_on::text AS registry_updated_on
        FROM registry_import_missing m JOIN warehouse w USING (warehouse_id)
        WHERE m.import_id = $1 AND ($2::uuid IS NULL OR warehouse_id > $2)
        ORDER BY warehouse_id LIMIT $3
        """,
        import_id,
        after,
        limit,
    )
    return [MissingLine(**dict(row)) for row in rows]


async def forget_old_reports(connection: Connection, mode: str) -> None:
    """Drop the lines of all but the latest `REPORTS_KEPT` files of this mode."""
    old = """
        SELECT import_id FROM registry_import WHERE mode = $1 ORDER BY import_id DESC OFFSET $2
    """
    for table in ("registry_import_lines", "registry_import_missing"):
        await connection.execute(f"DELETE FROM {table} WHERE import_id IN ({old})", mode, REPORTS_KEPT)
