"""Every guard that PostgreSQL holds, found in its own catalogue, each with a database-side mutant without it.

A mutant is made and undone inside one transaction that is always rolled back, so no database is cloned for it.
"""

import re
from dataclasses import dataclass

import asyncpg

from shared.kit.connections import Connection

GUARD_TEXT = re.compile(r"'safeguard (?:[0-9]+|%s?)(?:[^']|'')*'")
MARKED = re.compile(r"\[guard ([0-9]+)\]")
SCHEMAS = ("casework", "complaints")


@dataclass(frozen=True, slots=True)
class SqlGuard:
    """One thing that PostgreSQL refuses. `remove`: the statements that make a database without it."""

    where: str
    says: str
    remove: str

    @property
    def name(self) -> str:
        return f"{self.where}: {self.says}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a database said to an attempt: `guard` is the number of the guarding text that refused, where one did."""

    accepted: bool
    said: str = ""
    guard: int | None = None
    constraint: tuple[str, str | None] | None = None
    """(table, constraint) that refused."""
    broke: str = ""
    """The rules that the accepted attempt broke, as the evidence shows."""


async def list_texts(connection: Connection) -> list[tuple[str, str, re.Match[str]]]:
    """(function, its definition, match of a guarding text in it), in the catalogue's order."""
    rows = await connection.fetch(
        """
        SELECT format('%I.%I', nspname, proname) AS name, pg_get_functiondef(pg_proc.oid) AS definition
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname = ANY ($1) AND prosrc LIKE '%''safeguard %' ORDER BY 1
        """,
        list(SCHEMAS),
    )
    return [(row["name"], row["definition"], match) for row in rows for match in GUARD_TEXT.finditer(row["definition"])]


async def list_branches(connection: Connection) -> list[SqlGuard]:
    """Every branch of a trigger or function that says which safeguard it serves."""
    return [
        SqlGuard(function, text.group().strip("'"), without_branch(definition, text))
        for function, definition, text in await list_texts(connection)
    ]


def without_branch(definition: str, text: re.Match[str]) -> str:
    """The function's definition without the branch that says `text`. Raises ValueError where the branch is not understood."""
    before = definition[: text.start()]
    for opening in (r"RAISE EXCEPTION\s*$", r"\w+ := (?:format\()?$", r"RETURN\s*$"):
        if found := re.search(opening, before):
            return f"{definition[: found.start()]}NULL{definition[definition.index(';', text.end()) :]}"
    if found := re.search(r"WHEN (?:(?!\bWHEN\b).)*?THEN\s*(format\()?$", before, re.DOTALL):
        return f"{definition[: found.start()]}WHEN false THEN {found.group(1) or ''}{definition[text.start() :]}"
    raise ValueError(f"no known branch says {text.group()} in {definition[:80]}")


async def marked_definitions(connection: Connection) -> str:
    """All guarding functions again, with a number in each text that says which one refused."""
    marked: dict[str, str] = {}
    for number, (function, definition, text) in reversed(list(enumerate(await list_texts(connection)))):
        current = marked.get(function, definition)
        marked[function] = f"{current[: text.end() - 1]} [guard {number}]{current[text.end() - 1 :]}"
    return ";\n".join(marked.values())


async def list_constraints(connection: Connection) -> list[SqlGuard]:
    """Every constraint and unique index that is named for the safeguard it serves."""
    rows = await connection.fetch(
        """
        SELECT conrelid::regclass::text AS relation, conname AS name,
               format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS remove
        FROM pg_constraint WHERE connamespace::regnamespace::text = ANY ($1) AND conname LIKE 'safeguard%'
        UNION ALL
        SELECT indrelid::regclass::text, relname, format('DROP INDEX %s', indexrelid::regclass)
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace::regnamespace::text = ANY ($1) AND relname LIKE 'safeguard%'
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        ORDER BY 1, 2
        """,
        list(SCHEMAS),
    )
    return [SqlGuard(row["relation"], row["name"], row["remove"]) for row in rows]


async def attempt(connection: Connection, statements: str, role: str, before: str = "") -> Answer:
    """Try `statements` as `role`, under the 14 rules, and undo them. `before`: what the superuser does first, undone too."""
    query = (
        f"BEGIN; SET LOCAL proof.strict = 'on'; SET LOCAL payesh.counties = 'rey'; {before}; "
        f"SET LOCAL ROLE {role}; {statements}; SELECT proof.settle(); SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK"
    )
    try:
        await connection.execute(query)
    except asyncpg.PostgresError as error:
        await connection.execute("ROLLBACK")
        return _refusal(error)
    return Answer(accepted=True)


def _refusal(error: asyncpg.PostgresError) -> Answer:
    """What a failed attempt says. Raises `error` if it is no refusal but a mistake in the attempt."""
    if isinstance(error, asyncpg.TriggeredDataChangeViolationError):
        return Answer(accepted=True, broke=str(error).removeprefix("proof: "))
    if not isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.InsufficientPrivilegeError):
        raise error
    marked = MARKED.search(str(error))
    named = f"{error.schema_name}.{error.table_name}", error.constraint_name
    return Answer(
        accepted=False,
        said=str(error),
        guard=int(marked.group(1)) if marked else None,
        constraint=named if error.constraint_name else None,
    )
