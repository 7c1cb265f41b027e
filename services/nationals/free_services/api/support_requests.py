"""HTTP of support requests to partners."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.nationals.free_services.api.partners import EitherReads, Limit, Manager
from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.support import QUANTITY_MAX, DeclineReason
from services.nationals.free_services.handlers import support_requests as handlers
from services.nationals.free_services.handlers.partner_access import MANAGER, REPORTER, only_partner, require_own
from services.nationals.free_services.store import support_requests as support_store
from services.nationals.free_services.store.support_requests import SupportRow
from shared.contracts.counties import County
from shared.contracts.free_services import SupportKind, SupportState
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, allow
from shared.kit.paging import Page, page_of

router = APIRouter()

Either = Annotated[Commands, Depends(allow(MANAGER, REPORTER))]


class SupportBody(BaseModel):
    partner_id: UUID
    county: County
    support: SupportKind
    quantity: int = Field(ge=1, le=QUANTITY_MAX)
    needed_by: date


class SupportStepBody(BaseModel):
    state: SupportState
    decline_reason: DeclineReason | None = None


class SupportView(BaseModel):
    request_id: UUID
    partner_id: UUID
    county: County
    support: SupportKind
    quantity: int
    needed_by: date
    state: SupportState
    decline_reason: DeclineReason | None
    requested_at: datetime
    unanswered_at: datetime | None


class StepView(BaseModel):
    state: SupportState
    decline_reason: DeclineReason | None
    taken_by: str
    taken_at: datetime


class SupportDetails(SupportView):
    steps: list[StepView]


@router.post("/support-requests", status_code=201)
async def request_support(body: SupportBody, commands: Manager) -> handlers.SupportRequested:
    commands.require_county(body.county)
    return await commands.execute(handlers.request_support, handlers.RequestSupport(**body.model_dump()))


@router.post("/support-requests/{request_id}/steps", status_code=201)
async def take_step(request_id: UUID, body: SupportStepBody, commands: Either) -> handlers.SupportStepTaken:
    """The partner accepts, declines (with a reason), begins and delivers; the province confirms, sends back or cancels."""
    command = handlers.TakeSupportStep(request_id=request_id, state=body.state, decline_reason=body.decline_reason)
    return await commands.execute(handlers.take_support_step, command)


@router.get("/support-requests")
async def list_requests(
    queries: EitherReads,
    partner_id: UUID | None = None,
    county: County | None = None,
    state: SupportState | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[SupportView]:
    """A partner's own account sees its partner's alone."""
    async with queries.read() as connection:
        only = await only_partner(connection, queries.principal)
        if only is not None and partner_id not in (None, only):
            return Page(items=[])
        rows = await support_store.list_requests(connection, only or partner_id, county, state, after, limit)
    return page_of([SupportView.model_validate(_request(row)) for row in rows], limit, lambda line: line.request_id)


@router.get("/support-requests/{request_id}")
async def read_request(request_id: UUID, queries: EitherReads) -> SupportDetails:
    async with queries.read() as connection:
        request = await support_store.find_request(connection, request_id)
        if request is None:
            raise Refusal(refusals.SUPPORT_NOT_FOUND)
        await require_own(connection, queries.principal, request.partner_id, refusals.SUPPORT_NOT_FOUND)
        steps = await support_store.list_steps(connection, request_id)
    shown = [
        StepView(state=step.state, decline_reason=step.decline_reason, taken_by=step.taken_by, taken_at=step.taken_at)
        for step in steps
    ]
    return SupportDetails.model_validate({**_request(request), "steps": shown})


def _request(row: SupportRow) -> dict[str, object]:
    return {
        "request_id": row.request_id,
        "partner_id": row.partner_id,
        "county": row.county,
        "support": row.support,
        "quantity": row.quantity,
        "needed_by": row.needed_by,
        "state": row.state,
        "decline_reason": row.decline_reason,
        "requested_at": row.requested_at,
        "unanswered_at": row.unanswered_at,
    }
