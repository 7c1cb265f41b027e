"""HTTP of work permits: by permit number, employer reference or a window of their end. Nothing of a holder goes in or out."""

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, UploadFile
from pydantic import BaseModel, Field

from services.nationals.free_services.api.partners import Limit
from services.nationals.free_services.api.upload import read_upload
from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.work_permit import (
    REFERENCE_CHARACTERS_MAX,
    OccupationGroup,
    PermitState,
    read_reference,
)
from services.nationals.free_services.handlers import work_permits as handlers
from services.nationals.free_services.handlers.partner_access import MANAGER
from services.nationals.free_services.store import work_permits as permit_store
from services.nationals.free_services.store.work_permits import PermitRow
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page
from shared.kit.transaction import Connection
from shared.spreadsheet.rows import RowReason

IMPORT_TIMEOUT_S = 120.0
WINDOW_DAYS_MAX = 92
CURSOR_SEPARATOR = "/"

router = APIRouter()

Manager = Annotated[Commands, Depends(allow(MANAGER))]
ManagerReads = Annotated[Queries, Depends(allow_read(MANAGER))]
Reference = Annotated[str, Field(min_length=1, max_length=2 * REFERENCE_CHARACTERS_MAX)]
ReferenceQuery = Annotated[str, Query(min_length=1, max_length=2 * REFERENCE_CHARACTERS_MAX)]
Cursor = Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}/)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class PermitBody(BaseModel):
    permit_number: Reference
    employer_reference: Reference
    occupation_group: OccupationGroup
    county: County
    valid_until: date


class PermitRenewalBody(BaseModel):
    valid_until: date


class PermitView(BaseModel):
    permit_id: UUID
    permit_number: str
    employer_reference: str
    occupation_group: OccupationGroup
    county: County
    valid_until: date
    state: PermitState


class TermView(BaseModel):
    valid_until: date
    recorded_by: str
    recorded_at: datetime


class PermitTerms(BaseModel):
    permit_id: UUID
    terms: list[TermView]


@router.post("/work-permits", status_code=201)
async def record_permit(body: PermitBody, commands: Manager) -> handlers.PermitRecorded:
    commands.require_county(body.county)
    return await commands.execute(handlers.record_permit, handlers.RecordPermit(**body.model_dump()))


@router.post("/work-permits/import", status_code=201)
async def import_permits(file: UploadFile, commands: Manager) -> handlers.PermitsImported:
    """Take a workbook of permits, whole or not at all; a later last day renews a permit that is recorded."""
    read = await read_upload(file)
    command = handlers.ImportPermits(file_sha256=read.file_sha256, rows=read.rows)
    return await commands.execute(handlers.import_permits, command, IMPORT_TIMEOUT_S)


@router.post("/work-permits/{permit_id}/renewals", status_code=201)
async def renew_permit(permit_id: UUID, body: PermitRenewalBody, commands: Manager) -> handlers.PermitRenewed:
    command = handlers.RenewPermit(permit_id=permit_id, valid_until=body.valid_until)
    return await commands.execute(handlers.renew_permit, command)


@router.get("/work-permits")
async def list_permits(
    queries: ManagerReads,
    permit_number: ReferenceQuery | None = None,
    employer_reference: ReferenceQuery | None = None,
    expires_from: date | None = None,
    expires_until: date | None = None,
    limit: Limit = 100,
    after: Cursor | None = None,
) -> Page[PermitView]:
    """Exactly one of: a permit number, an employer reference, a window of last days (both ends included)."""
    window = (expires_from, expires_until)
    if sum((permit_number is not None, employer_reference is not None, window != (None, None))) != 1:
        raise Refusal(refusals.PERMIT_LIST_UNBOUNDED, days_max=WINDOW_DAYS_MAX)
    async with queries.read() as connection:
        if permit_number is not None:
            found = await permit_store.find_permit_by_number(connection, _known(permit_number))
            return Page(items=[_view(found)] if found else [])
        place = after.rpartition(CURSOR_SEPARATOR) if after else None
        if employer_reference is not None:
            last_id = UUID(place[2]) if place else None
            rows = await permit_store.list_permits_of_employer(connection, _known(employer_reference), last_id, limit)
            return _page(rows, limit, str(rows[-1].permit_id) if rows else "")
        return await _expiring(connection, window, place, limit)


@router.get("/work-permits/{permit_id}/terms")
async def list_terms(permit_id: UUID, queries: ManagerReads) -> PermitTerms:
    """Every last day that the permit has had."""
    async with queries.read() as connection:
        terms = await permit_store.list_terms(connection, permit_id)
    if not terms:
        raise Refusal(refusals.PERMIT_NOT_FOUND)
    shown = [
        TermView(valid_until=term.valid_until, recorded_by=term.recorded_by, recorded_at=term.recorded_at)
        for term in terms
    ]
    return PermitTerms(permit_id=permit_id, terms=shown)


async def _expiring(
    connection: Connection, window: tuple[date | None, date | None], place: tuple[str, str, str] | None, limit: int
) -> Page[PermitView]:
    from_on, until_on = window
    if from_on is None or until_on is None or not timedelta(0) <= until_on - from_on <= timedelta(days=WINDOW_DAYS_MAX):
        raise Refusal(refusals.PERMIT_LIST_UNBOUNDED, days_max=WINDOW_DAYS_MAX)
    after = None
    if place is not None:
        try:
            after = (date.fromisoformat(place[0]), UUID(place[2]))
        except ValueError as error:
            raise Refusal(refusals.PERMIT_LIST_UNBOUNDED, days_max=WINDOW_DAYS_MAX) from error
    rows = await permit_store.list_permits_by_end(connection, from_on, until_on, after, limit)
    last = rows[-1] if rows else None
    cursor = f"{last.permit.valid_until.isoformat()}{CURSOR_SEPARATOR}{last.permit_id}" if last else ""
    return _page(rows, limit, cursor)


def _known(written: str) -> str:
    """A reference in its one spelling. Raises Refusal for what can be none."""
    read = read_reference(written)
    if isinstance(read, RowReason):
        raise Refusal(refusals.PERMIT_REFERENCE, field="reference", text_en=read.text_en, text_fa=read.text_fa)
    return read


def _page(rows: list[PermitRow], limit: int, cursor: str) -> Page[PermitView]:
    return Page(items=[_view(row) for row in rows], next=cursor if len(rows) == limit else None)


def _view(row: PermitRow) -> PermitView:
    return PermitView(
        permit_id=row.permit_id,
        permit_number=row.permit.permit_number,
        employer_reference=row.permit.employer_reference,
        occupation_group=row.permit.occupation_group,
        county=row.permit.county,
        valid_until=row.permit.valid_until,
        state=row.state,
    )
