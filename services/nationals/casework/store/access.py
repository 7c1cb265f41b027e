"""Who works on a case, and who read it: assignments and the read log."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.nationals.casework.domain.access import AssignmentReason, UnassignmentReason
from services.nationals.casework.store.cases import CaseRow
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One assignment, running (`ended_at` None) or ended."""

    assignment_id: UUID
    assignee: str
    reason: AssignmentReason
    assigned_by: str
    assigned_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    end_reason: UnassignmentReason | None


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One entry of the read log; `break_glass_id` marks a read that needed a break-glass."""

    read_id: int
    read_by: str
    purpose: str
    part: str
    read_at: datetime
    break_glass_id: UUID | None


async def has_access(connection: Connection, case_id: UUID, person: str) -> bool:
    """Whether an assignment or a break-glass of `person` runs for the case."""
    return await connection.fetchval(
        "SELECT casework.is_assigned($1, $2) OR casework.running_break_glass($1, $2) IS NOT NULL", case_id, person
    )


async def insert_assignment(
    connection: Connection,
    assignment_id: UUID,
    case: CaseRow,
    assignee: str,
    reason: AssignmentReason,
    assigned_by: str,
) -> bool:
    """False if the case is assigned to `assignee` already."""
    status = await connection.execute(
        """
        INSERT INTO casework.case_assignment (assignment_id, case_id, county, assignee, reason, assigned_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (case_id, assignee) WHERE ended_at IS NULL DO NOTHING
        """,
        assignment_id,
        case.case_id,
        case.county.value,
        assignee,
        reason.value,
        assigned_by,
    )
    return status == "INSERT 0 1"


async def find_running_assignment(connection: Connection, case_id: UUID, assignment_id: UUID) -> AssignmentRow | None:
    rows = await list_assignments(connection, case_id)
    return next((row for row in rows if row.assignment_id == assignment_id and row.ended_at is None), None)


async def end_assignment(
    connection: Connection, assignment_id: UUID, reason: UnassignmentReason, ended_by: str
) -> None:
    await connection.execute(
        """
        UPDATE casework.case_assignment SET ended_at = now(), ended_by = $2, end_reason = $3 WHERE assignment_id = $1
        """,
        assignment_id,
        ended_by,
        reason.value,
    )


async def list_assignments(connection: Connection, case_id: UUID) -> list[AssignmentRow]:
    """Every assignment the case ever had, in order."""
    rows = await connection.fetch(
        """
        SELECT assignment_id, assignee, reason, assigned_by, assigned_at, ended_at, ended_by, end_reason
        FROM casework.case_assignment WHERE case_id = $1 ORDER BY position
        """,
        case_id,
    )
    return [
        AssignmentRow(
            assignment_id=row["assignment_id"],
            assignee=row["assignee"],
            reason=AssignmentReason(row["reason"]),
            assigned_by=row["assigned_by"],
            assigned_at=row["assigned_at"],
            ended_at=row["ended_at"],
            ended_by=row["ended_by"],
            end_reason=UnassignmentReason(row["end_reason"]) if row["end_reason"] else None,
        )
        for row in rows
    ]


async def list_reads(connection: Connection, case_id: UUID, before: int | None, limit: int) -> list[ReadRow]:
    """Entries of the case's read log, the latest first, older than `before`."""
    rows = await connection.fetch(
        """
        SELECT read_id, read_by, purpose, part, read_at, break_glass_id FROM casework.case_read_log
        WHERE case_id = $1 AND ($2::bigint IS NULL OR read_id < $2) ORDER BY read_id DESC LIMIT $3
        """,
        case_id,
        before,
        limit,
    )
    return [ReadRow(**dict(row)) for row in rows]
