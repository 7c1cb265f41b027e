"""Counts that are made again by somebody else, and what came of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.recount import CountDecision, RecountOutcome
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Recount:
    """A recount, known by the inspection whose count it repeats. `not_by` are the accounts that counted before."""

    first_inspection_id: UUID
    warehouse_id: UUID
    county: County
    due_on: date
    not_by: tuple[str, ...]
    second_inspection_id: UUID | None
    outcome: RecountOutcome | None
    decision: CountDecision | None


@dataclass(frozen=True, slots=True)
class RecountLine:
    """One recount in a list, with who decided between two counts that disagree, and why."""

    recount_id: UUID
    warehouse_id: UUID
    county: str
    due_on: date
    not_by: list[str]
    opened_at: datetime
    second_inspection_id: UUID | None
    outcome: str | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None


async def insert_recount(
    connection: Connection,
    first_inspection_id: UUID,
    warehouse_id: UUID,
    county: County,
    due_on: date,
    not_by: Sequence[str],
    opened_at: datetime,
) -> None:
    """Open a recount."""
    await connection.execute(
        """
        INSERT INTO recount (first_inspection_id, warehouse_id, county, due_on, not_by, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        first_inspection_id,
        warehouse_id,
        county,
        due_on,
        not_by,
        opened_at,
    )


async def lock_waiting(connection: Connection, warehouse_ids: Sequence[UUID]) -> dict[UUID, Recount]:
    """The recounts of these sites that nobody is assigned to yet, by site, locked in a fixed order."""
    rows = await connection.fetch(
        f"""
        {_RECOUNT} WHERE warehouse_id = ANY ($1::uuid[]) AND second_inspection_id IS NULL
        ORDER BY first_inspection_id FOR NO KEY UPDATE
        """,
        warehouse_ids,
    )
    return {recount.warehouse_id: recount for recount in map(_recount, rows)}


async def lock_recount(connection: Connection, first_inspection_id: UUID) -> Recount | None:
    """The recount, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(f"{_RECOUNT} WHERE first_inspection_id = $1 FOR NO KEY UPDATE", first_inspection_id)
    return _recount(row) if row else None


async def lock_made_by(connection: Connection, second_inspection_id: UUID) -> Recount | None:
    """The recount that this inspection makes, locked; None if it repeats no count."""
    row = await connection.fetchrow(
        f"{_RECOUNT} WHERE second_inspection_id = $1 FOR NO KEY UPDATE", second_inspection_id
    )
    return _recount(row) if row else None


async def find_repeated(connection: Connection, inspection_id: UUID) -> UUID | None:
    """The inspection whose count this one repeats; None if it repeats none."""
    return await connection.fetchval(
        "SELECT first_inspection_id FROM recount WHERE second_inspection_id = $1", inspection_id
    )


async def set_assigned(
    connection: Connection, first_inspection_ids: Sequence[UUID], inspection_ids: Sequence[UUID], by: Sequence[str]
) -> None:
    """Each recount is now made by its inspection, which belongs to its inspector in `by`."""
    await connection.execute(
        """
        UPDATE recount AS r SET second_inspection_id = given.second, second_inspector = given.inspector
        FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS given (first, second, inspector)
        WHERE r.first_inspection_id = given.first
        """,
        first_inspection_ids,
        inspection_ids,
        by,
    )


async def set_outcome(connection: Connection, first_inspection_id: UUID, outcome: RecountOutcome) -> None:
    """What comparing the two counts gave."""
    await connection.execute(
        "UPDATE recount SET outcome = $2 WHERE first_inspection_id = $1", first_inspection_id, outcome
    )


async def set_decided(
    connection: Connection,
    first_inspection_id: UUID,
    decision: CountDecision,
    reason: str,
    decided_by: str,
    decided_at: datetime,
) -> None:
    """A person has decided between the two counts."""
    await connection.execute(
        """
        UPDATE recount SET decision = $2, decision_reason = $3, decided_by = $4, decided_at = $5
        WHERE first_inspection_id = $1
        """,
        first_inspection_id,
        decision,
        reason,
        decided_by,
        decided_at,
    )


async def list_recounts(
    connection: Connection, county: County | None, disputed: bool | None, limit: int, after: UUID | None
) -> list[RecountLine]:
    """Up to `limit` recounts of the caller's counties that come after `after`; `disputed`: a person must decide."""
    rows = await connection.fetch(
        """
        SELECT first_inspection_id AS recount_id, warehouse_id, county, due_on, not_by, opened_at, second_inspection_id,
               outcome, decision, decided_by, decided_at, decision_reason
        FROM recount
        WHERE ($1::text IS NULL OR county = $1)
          AND ($2::boolean IS NULL OR (outcome IS NOT DISTINCT FROM 'disagreed' AND decision IS NULL) = $2)
          AND ($3::uuid IS NULL OR first_inspection_id > $3)
        ORDER BY first_inspection_id LIMIT $4
        """,
        county,
        disputed,
        after,
        limit,
    )
    return [RecountLine(**dict(row)) for row in rows]


_RECOUNT = """
    SELECT first_inspection_id, warehouse_id, county, due_on, not_by, second_inspection_id, outcome, decision FROM recount
"""


def _recount(row: Record) -> Recount:
    return Recount(
        row["first_inspection_id"],
        row["warehouse_id"],
        County(row["county"]),
        row["due_on"],
        tuple(row["not_by"]),
        row["second_inspection_id"],
        RecountOutcome(row["outcome"]) if row["outcome"] else None,
        CountDecision(row["decision"]) if row["decision"] else None,
    )
