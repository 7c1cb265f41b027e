"""Uses of break-glass: access without an assignment, for a limited time, reviewed by a second person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.nationals.casework.domain.access import BreakGlassReason, BreakGlassVerdict
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class BreakGlassRow:
    """One use, without its reason's text."""

    break_glass_id: UUID
    case_id: UUID
    county: County
    opened_by: str
    reason_kind: BreakGlassReason
    opened_at: datetime
    expires_at: datetime
    review_by: datetime
    reminders: int
    verdict: BreakGlassVerdict | None


async def insert_break_glass(
    connection: Connection,
    break_glass_id: UUID,
    case: CaseRow,
    opened_by: str,
    reason_kind: BreakGlassReason,
    reason: str,
    expires_at: datetime,
    review_by: datetime,
) -> None:
    """The review timer must be armed already, and no other use of this person for this case may be running."""
    await connection.execute(
        """
        INSERT INTO casework.break_glass
            (break_glass_id, case_id, county, opened_by, reason_kind, reason, expires_at, review_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        break_glass_id,
        case.case_id,
        case.county.value,
        opened_by,
        reason_kind.value,
        reason,
        expires_at,
        review_by,
    )


async def lock_break_glass(connection: Connection, break_glass_id: UUID) -> BreakGlassRow | None:
    row = await connection.fetchrow(
        """
        SELECT break_glass_id, case_id, county, opened_by, reason_kind, opened_at, expires_at, review_by, reminders, verdict
        FROM casework.break_glass WHERE break_glass_id = $1 FOR UPDATE
        """,
        break_glass_id,
    )
    return _break_glass(row) if row else None


async def set_verdict(
    connection: Connection, break_glass_id: UUID, verdict: BreakGlassVerdict, reviewed_by: str
) -> None:
    await connection.execute(
        """
        UPDATE casework.break_glass SET verdict = $2, reviewed_by = $3, reviewed_at = now() WHERE break_glass_id = $1
        """,
        break_glass_id,
        verdict.value,
        reviewed_by,
    )


async def remind_break_glass(connection: Connection, break_glass_id: UUID, review_by: datetime) -> None:
    """Count a reminder and set the next review date."""
    await connection.execute(
        "UPDATE casework.break_glass SET reminders = reminders + 1, review_by = $2 WHERE break_glass_id = $1",
        break_glass_id,
        review_by,
    )


async def list_unreviewed(connection: Connection, after: UUID | None, limit: int) -> list[tuple[BreakGlassRow, str]]:
    """Uses that wait for their review, in the order they were opened, each with its reason's text."""
    rows = await connection.fetch(
        """
        SELECT break_glass_id, case_id, county, opened_by, reason_kind, reason, opened_at, expires_at, review_by, reminders,
               verdict
        FROM casework.break_glass WHERE verdict IS NULL AND ($1::uuid IS NULL OR break_glass_id > $1)
        ORDER BY break_glass_id LIMIT $2
        """,
        after,
        limit,
    )
    return [(_break_glass(row), row["reason"]) for row in rows]


def _break_glass(row: Record) -> BreakGlassRow:
    return BreakGlassRow(
        break_glass_id=row["break_glass_id"],
        case_id=row["case_id"],
        county=County(row["county"]),
        opened_by=row["opened_by"],
        reason_kind=BreakGlassReason(row["reason_kind"]),
        opened_at=row["opened_at"],
        expires_at=row["expires_at"],
        review_by=row["review_by"],
        reminders=row["reminders"],
        verdict=BreakGlassVerdict(row["verdict"]) if row["verdict"] else None,
    )
