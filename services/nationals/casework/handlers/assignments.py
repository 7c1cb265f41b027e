"""The supervisor gives cases to caseworkers, takes them back, and sees who read a case."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain.access import AssignmentReason, UnassignmentReason
from services.nationals.casework.domain.access_refusals import ALREADY_ASSIGNED, ASSIGNMENT_NOT_FOUND, OWN_ASSIGNMENT
from services.nationals.casework.handlers.case_reading import ReadPurpose, require_case
from services.nationals.casework.store import access as access_store
from services.nationals.casework.store import cases as case_store
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class AssignCase(BaseModel):
    case_id: UUID
    assignee: str
    reason: AssignmentReason


class UnassignCase(BaseModel):
    case_id: UUID
    assignment_id: UUID
    reason: UnassignmentReason


class AssignmentView(BaseModel):
    assignment_id: UUID
    assignee: str
    reason: AssignmentReason
    assigned_by: str
    assigned_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    end_reason: UnassignmentReason | None


class CaseAssignments(BaseModel):
    """Every assignment the case ever had, in order; those without an end are running."""

    case_id: UUID
    assignments: list[AssignmentView]


class ListAssignments(BaseModel):
    case_id: UUID


class ListReads(BaseModel):
    """`before`: only entries older than this one; `limit`: at most so many."""

    case_id: UUID
    before: int | None
    limit: int


class ReadView(BaseModel):
    read_id: int
    read_by: str
    purpose: ReadPurpose
    part: str
    """``case``, or ``contacts`` for what the household left to be reached by."""
    read_at: datetime
    break_glass_id: UUID | None
    """Set for a read that needed a break-glass."""


class CaseReads(BaseModel):
    """The latest first; `next` goes back as `before`. The first entry is this reading of the log itself."""

    case_id: UUID
    reads: list[ReadView]
    next: int | None


async def assign_case(command: AssignCase, tx: Transaction) -> CaseAssignments:
    """Give the case to one more caseworker. Raises Refusal (404; 409 for oneself or if it is assigned already)."""
    case = await require_case(command.case_id, tx)
    if command.assignee == tx.principal.subject:
        raise Refusal(OWN_ASSIGNMENT, satisfied_by="another_supervisor")
    if not await access_store.insert_assignment(
        tx.connection, uuid7(), case, command.assignee, command.reason, tx.principal.subject
    ):
        raise Refusal(ALREADY_ASSIGNED)
    return await _assignments(case.case_id, tx)


async def unassign_case(command: UnassignCase, tx: Transaction) -> CaseAssignments:
    """End a running assignment; its record stays. Raises Refusal (404; 409 for one's own)."""
    case = await require_case(command.case_id, tx)
    assignment = await access_store.find_running_assignment(tx.connection, case.case_id, command.assignment_id)
    if assignment is None:
        raise Refusal(ASSIGNMENT_NOT_FOUND)
    if assignment.assignee == tx.principal.subject:
        raise Refusal(OWN_ASSIGNMENT, satisfied_by="another_supervisor")
    await access_store.end_assignment(tx.connection, assignment.assignment_id, command.reason, tx.principal.subject)
    return await _assignments(case.case_id, tx)


async def list_assignments(command: ListAssignments, tx: Transaction) -> CaseAssignments:
    """Raises Refusal (404)."""
    case = await require_case(command.case_id, tx)
    return await _assignments(case.case_id, tx)


async def list_reads(command: ListReads, tx: Transaction) -> CaseReads:
    """Who read the case, when and why. This reading is logged first, so it is in its own answer. Raises Refusal (404)."""
    case = await require_case(command.case_id, tx)
    await case_store.insert_read(tx.connection, case, tx.principal.subject, ReadPurpose.SUPERVISION.value)
    rows = await access_store.list_reads(tx.connection, case.case_id, command.before, command.limit)
    return CaseReads(
        case_id=case.case_id,
        reads=[
            ReadView(
                read_id=row.read_id,
                read_by=row.read_by,
                purpose=ReadPurpose(row.purpose),
                part=row.part,
                read_at=row.read_at,
                break_glass_id=row.break_glass_id,
            )
            for row in rows
        ],
        next=rows[-1].read_id if len(rows) == command.limit else None,
    )


async def _assignments(case_id: UUID, tx: Transaction) -> CaseAssignments:
    rows = await access_store.list_assignments(tx.connection, case_id)
    return CaseAssignments(
        case_id=case_id,
        assignments=[
            AssignmentView(
                assignment_id=row.assignment_id,
                assignee=row.assignee,
                reason=row.reason,
                assigned_by=row.assigned_by,
                assigned_at=row.assigned_at,
                ended_at=row.ended_at,
                ended_by=row.ended_by,
                end_reason=row.end_reason,
            )
            for row in rows
        ],
    )
