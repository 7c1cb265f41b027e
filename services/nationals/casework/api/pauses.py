"""HTTP of pauses: which wait, and how two people end one. An entry says where a pause waits, nothing about the household."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.nationals.casework.domain.clearance import CLEARANCE_ROLES, ClearanceDecision, ClearanceReason
from services.nationals.casework.handlers import clearances
from services.nationals.casework.store import clearances as clearance_store
from shared.contracts.counties import County
from shared.contracts.nationals import ReviewOffice
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

PAGE_ITEMS_MAX = 500
NOTE_CHARACTERS_MAX = 500

router = APIRouter()

ClearanceOfficer = Annotated[Commands, Depends(allow(*sorted(CLEARANCE_ROLES)))]


class ClearanceBody(BaseModel):
    reason: ClearanceReason
    note: str | None = Field(default=None, min_length=1, max_length=NOTE_CHARACTERS_MAX)


class ClearanceDecisionBody(BaseModel):
    decision: ClearanceDecision


class WaitingPauseView(BaseModel):
    pause_id: UUID
    case_id: UUID
    county: County
    owner_office: ReviewOffice
    opened_at: datetime
    review_by: datetime
    reminders: int
    clearance_proposed: bool
    """Whether a proposal to end it waits for a second person."""


@router.get("/pauses")
async def list_pauses(
    queries: Annotated[Queries, Depends(allow_read(*sorted(CLEARANCE_ROLES)))],
    limit: Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)] = 100,
    after: UUID | None = None,
) -> Page[WaitingPauseView]:
    """Open pauses in the order they were opened: the work of the offices that own them (safeguard 13)."""
    async with queries.read() as connection:
        rows = await clearance_store.list_open_pauses(connection, after, limit)
    return page_of(
        [
            WaitingPauseView(
                pause_id=row.pause_id,
                case_id=row.case_id,
                county=row.county,
                owner_office=row.owner_office,
                opened_at=row.opened_at,
                review_by=row.review_by,
                reminders=row.reminders,
                clearance_proposed=row.clearance_proposed,
            )
            for row in rows
        ],
        limit,
        lambda line: line.pause_id,
    )


@router.post("/cases/{case_id}/pauses/{pause_id}/clearances", status_code=201)
async def propose_clearance(
    case_id: UUID, pause_id: UUID, body: ClearanceBody, commands: ClearanceOfficer
) -> clearances.ClearanceProposed:
    command = clearances.ProposeClearance(case_id=case_id, pause_id=pause_id, reason=body.reason, note=body.note)
    return await commands.execute(clearances.propose_clearance, command)


@router.post("/cases/{case_id}/clearances/{clearance_id}/decision")
async def decide_clearance(
    case_id: UUID, clearance_id: UUID, body: ClearanceDecisionBody, commands: ClearanceOfficer
) -> clearances.ClearanceDecided:
    """A second person confirms the proposal, which ends the pause, or rejects it."""
    command = clearances.DecideClearance(case_id=case_id, clearance_id=clearance_id, decision=body.decision)
    return await commands.execute(clearances.decide_clearance, command)
