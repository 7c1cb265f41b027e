"""What PostgreSQL's catalogue says of the firewall: who may read what, and what leads from one compartment to another."""

from collections.abc import Iterable
from typing import Any

import asyncpg

from shared.kit.connections import Connection

COMPARTMENTS = ("casework", "complaints", "free_services")
GROUPS = ("payesh_api", "payesh_worker")
LOGIN_ROLES = ("nationals_api", "nationals_worker")
OWNER = "nationals_owner"
"""Runs migrations and nothing else; the service never has its password."""
SHARED_TABLES = {
    "api": {"idempotency", "stream_head", "timer"},
    "worker": {"idempotency", "inbox", "outbox", "parked_event", "stream_head", "stream_position", "timer"},
}
"""Tables of the kit that a compartment's role may read, also the other compartments' rows: the firewall holds there only because
those rows have no value in common (test_no_value_is_shared)."""


def compartment_roles() -> list[str]:
    return [f"{compartment}_{kind}" for compartment in COMPARTMENTS for kind in ("api", "worker")]


async def tables_of(superuser: Connection, schema: str) -> list[str]:
    rows = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1",
        schema,
    )
    return [row["relname"] for row in rows]


async def schemas_touched(superuser: Connection, role: str) -> set[str]:
    """Compartments of which the role has any right to any table, column, sequence or function, by itself or by inheritance."""
    rows = await superuser.fetch(
        """
        SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ANY ($2) AND relkind IN ('r', 'p', 'v', 'm', 'f')
          AND (has_table_privilege($1, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege($1, pg_class.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
        UNION
        SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ANY ($2)
          AND CASE WHEN relkind = 'S' THEN has_sequence_privilege($1, pg_class.oid, 'USAGE, SELECT, UPDATE') END
        UNION
        SELECT nspname FROM pg_namespace WHERE nspname = ANY ($2) AND has_schema_privilege($1, oid, 'USAGE, CREATE')
        """,
        role,
        list(COMPARTMENTS),
    )
    return {row["nspname"] for row in rows}


async def reachable_roles(superuser: Connection, role: str) -> set[str]:
    """Roles that a session of `role` may become with SET ROLE."""
    rows = await superuser.fetch(
        "SELECT rolname FROM pg_roles WHERE pg_has_role($1, oid, 'SET') AND NOT rolsuper AND rolname NOT LIKE 'pg\\_%'",
        role,
    )
    return {row["rolname"] for row in rows}


async def refused_reads(connection: Connection, role: str, pairs: Iterable[tuple[str, str]]) -> int:
    """Ask, as `role` that has logged in itself, for every pair of tables in one statement; how many were refused."""
    refused = 0
    await connection.execute(f"SET SESSION AUTHORIZATION {role}")
    try:
        for left, right in pairs:
            try:
                await connection.execute(f"SELECT FROM {left}, {right} LIMIT 0")
            except asyncpg.InsufficientPrivilegeError:
                refused += 1
    finally:
        await connection.execute("RESET SESSION AUTHORIZATION")
    return refused


async def crossings(superuser: Connection) -> list[str]:
    """Everything that leads from one compartment into another: keys, views, defaults, types, functions, policies, triggers."""
    found = [f"{row['kind']} {row['name']}" for row in await superuser.fetch(_DEPENDENCIES, list(COMPARTMENTS))]
    for row in await superuser.fetch(_TEXTS, list(COMPARTMENTS)):
        named = {schema for schema in COMPARTMENTS if f"{schema}." in row["body"] or f"'{schema}'" in row["body"]}
        if len(named | ({row["schema"]} & set(COMPARTMENTS))) > 1:
            found.append(f"{row['kind']} {row['name']}")
    return sorted(found)


_DEPENDENCIES: Any = """
    WITH object AS (
        SELECT 'pg_class'::regclass AS classid, oid AS objid, relnamespace AS namespace, relname::text AS name FROM pg_class
        UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, proname::text FROM pg_proc
        UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, typname::text FROM pg_type
        UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace, conname::text FROM pg_constraint
        UNION ALL SELECT 'pg_trigger'::regclass, pg_trigger.oid, relnamespace, tgname::text
            FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        UNION ALL SELECT 'pg_rewrite'::regclass, pg_rewrite.oid, relnamespace, relname::text
            FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
        UNION ALL SELECT 'pg_policy'::regclass, pg_policy.oid, relnamespace, polname::text
            FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
        UNION ALL SELECT 'pg_attrdef'::regclass, pg_attrdef.oid, relnamespace, relname::text
            FROM pg_attrdef JOIN pg_class ON pg_class.oid = adrelid
    ), inside AS (
        SELECT classid, objid, name, nspname FROM object JOIN pg_namespace ON pg_namespace.oid = namespace
    ), edge AS (
        SELECT source.classid, source.objid, source.name, source.nspname AS one, target.nspname AS other
        FROM pg_depend
        JOIN inside AS source ON source.classid = pg_depend.classid AND source.objid = pg_depend.objid
        JOIN inside AS target ON target.classid = refclassid AND target.objid = refobjid
        WHERE target.nspname = ANY ($1)
    )
    SELECT classid::regclass::text AS kind, min(one) || '.' || name AS name FROM edge
    GROUP BY classid, objid, name
    HAVING count(DISTINCT other) > 1 OR bool_or(one = ANY ($1) AND one <> other)
"""
_TEXTS: Any = """
    SELECT 'function' AS kind, nspname AS schema, nspname || '.' || proname AS name, pg_get_functiondef(pg_proc.oid) AS body
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE (nspname = ANY ($1) OR nspname = 'public') AND prokind IN ('f', 'p')
    UNION ALL
    SELECT 'policy', schemaname, tablename || '.' || policyname, coalesce(qual, '') || ' ' || coalesce(with_check, '')
    FROM pg_policies WHERE schemaname = ANY ($1) OR schemaname = 'public'
    UNION ALL
    SELECT 'view', schemaname, viewname, definition FROM pg_views WHERE schemaname = ANY ($1) OR schemaname = 'public'
"""
