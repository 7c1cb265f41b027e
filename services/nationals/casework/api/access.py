"""HTTP of access to cases: assignments, break-glass and its review, and who read a case."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, Field

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.access import (
    AssignmentReason,
    BreakGlassReason,
    BreakGlassVerdict,
    UnassignmentReason,
)
from services.nationals.casework.domain.access_refusals import OPENING_ASSIGNS
from services.nationals.casework.handlers import assignments, break_glass
from services.nationals.casework.store import break_glass as break_glass_store
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

PAGE_ITEMS_MAX = 500
SUBJECT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._|:@-]{0,127}$"
"""A sign-in name; a person's name, with spaces or in Persian, is none."""
REASON_CHARACTERS_MAX = 300

router = APIRouter()

Caseworker = Annotated[Commands, Depends(allow("caseworker"))]
Supervisor = Annotated[Commands, Depends(allow("casework_supervisor"))]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


class AssignmentBody(BaseModel):
    assignee: str = Field(pattern=SUBJECT_PATTERN, description="subject of the caseworker's token")
    reason: AssignmentReason


class UnassignmentBody(BaseModel):
    reason: UnassignmentReason


class BreakGlassBody(BaseModel):
    reason_kind: BreakGlassReason
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX, pattern=r"\S", description="no names")


class VerdictBody(BaseModel):
    verdict: BreakGlassVerdict


class BreakGlassView(BaseModel):
    break_glass_id: UUID
    case_id: UUID
    county: County
    opened_by: str
    reason_kind: BreakGlassReason
    reason: str
    opened_at: datetime
    expires_at: datetime
    review_by: datetime
    reminders: int


@router.post("/cases/{case_id}/assignments", status_code=201)
async def assign_case(case_id: UUID, body: AssignmentBody, commands: Supervisor) -> assignments.CaseAssignments:
    if body.reason is AssignmentReason.OPENED_THE_CASE:
        raise Refusal(OPENING_ASSIGNS)
    command = assignments.AssignCase(case_id=case_id, assignee=body.assignee, reason=body.reason)
    return await commands.execute(assignments.assign_case, command)


@router.post("/cases/{case_id}/assignments/{assignment_id}/end")
async def unassign_case(
    case_id: UUID, assignment_id: UUID, body: UnassignmentBody, commands: Supervisor
) -> assignments.CaseAssignments:
    command = assignments.UnassignCase(case_id=case_id, assignment_id=assignment_id, reason=body.reason)
    return await commands.execute(assignments.unassign_case, command)


@router.get("/cases/{case_id}/assignments")
async def list_assignments(case_id: UUID, commands: Supervisor) -> assignments.CaseAssignments:
    """Who works and worked on the case, by whom assigned and why."""
    command = assignments.ListAssignments(case_id=case_id)
    return await commands.without_key().execute(assignments.list_assignments, command)


@router.get("/cases/{case_id}/reads")
async def list_reads(
    case_id: UUID,
    commands: Supervisor,
    limit: Limit = 100,
    before: Annotated[int | None, Query(ge=1)] = None,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> assignments.CaseReads:
    """Who read the case, when and why, the latest first. This reading is logged too, so none is answered from a stored answer."""
    if idempotency_key is not None:
        raise Refusal(refusals.READ_NOT_REPEATABLE)
    command = assignments.ListReads(case_id=case_id, before=before, limit=limit)
    return await commands.execute(assignments.list_reads, command)


@router.post("/cases/{case_id}/break-glass", status_code=201)
async def open_break_glass(case_id: UUID, body: BreakGlassBody, commands: Caseworker) -> break_glass.BreakGlassGranted:
    """Access to a case that is not the caller's, for a limited time. The supervisor is told at once and reviews every use."""
    command = break_glass.BreakGlass(case_id=case_id, reason_kind=body.reason_kind, reason=body.reason)
    return await commands.execute(break_glass.break_glass, command)


@router.get("/break-glass")
async def list_unreviewed(
    queries: Annotated[Queries, Depends(allow_read("casework_supervisor"))],
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[BreakGlassView]:
    """Uses that wait for a supervisor's review."""
    async with queries.read() as connection:
        rows = await break_glass_store.list_unreviewed(connection, after, limit)
    items = [
        BreakGlassView(
            break_glass_id=used.break_glass_id,
            case_id=used.case_id,
            county=used.county,
            opened_by=used.opened_by,
            reason_kind=used.reason_kind,
            reason=reason,
            opened_at=used.opened_at,
            expires_at=used.expires_at,
            review_by=used.review_by,
            reminders=used.reminders,
        )
        for used, reason in rows
    ]
    return page_of(items, limit, lambda line: line.break_glass_id)


@router.post("/break-glass/{break_glass_id}/review")
async def review_break_glass(
    break_glass_id: UUID, body: VerdictBody, commands: Supervisor
) -> break_glass.BreakGlassVerdictRecorded:
    """A second person says whether the use was justified; one that was not ends at once."""
    command = break_glass.ReviewBreakGlass(break_glass_id=break_glass_id, verdict=body.verdict)
    return await commands.execute(break_glass.review_break_glass, command)
