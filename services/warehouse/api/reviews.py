"""HTTP of reviewing: inspections with their history, and counts that are made again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.warehouse import handlers
from services.warehouse.domain import refusals
from services.warehouse.domain.reconciliation import reconcile
from services.warehouse.handlers import review_messages as messages
from services.warehouse.handlers.messages import InspectionReviewed, ReviewBody, ReviewInspection
from services.warehouse.store import recounts as recount_store
from services.warehouse.store import reviews as store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.inspections import find_registered_figures
from services.warehouse.store.recounts import RecountLine
from services.warehouse.store.reviews import InspectionHead
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Limit, Page, page_of
from shared.kit.transaction import Connection

COMPARING_ROLES = frozenset({"reviewer", "county_chair", "registry_clerk", "province_officer"})
"""Who sees the register's figures beside those from the field; inspectors count blind."""

router = APIRouter()

Reader = Annotated[
    Queries, Depends(allow_read("inspector", "reviewer", "county_chair", "registry_clerk", "province_officer"))
]


@router.post("/inspections/{inspection_id}/review")
async def review_inspection(
    inspection_id: UUID, body: ReviewBody, commands: Annotated[Commands, Depends(allow("reviewer"))]
) -> InspectionReviewed:
    """Approve or return; never one's own inspection."""
    return await commands.execute(
        handlers.review_inspection, ReviewInspection(inspection_id=inspection_id, **dict(body))
    )


@router.get("/inspections/{inspection_id}")
async def read_inspection(inspection_id: UUID, queries: Reader) -> messages.InspectionDetail:
    """One inspection with all that came from the field, every review with its reasons, every change of the assignment."""
    async with queries.read() as connection:
        line = await store.find_inspection(connection, inspection_id)
        if line is None:
            raise Refusal(refusals.INSPECTION_NOT_FOUND)
        compares = queries.principal.has_any_role(COMPARING_ROLES) and line.inspector != queries.principal.subject
        return messages.InspectionDetail(
            inspection=line,
            submissions=await store.list_submissions(connection, inspection_id),
            reviews=await store.list_reviews(connection, inspection_id),
            changes=await store.list_changes(connection, inspection_id),
            comparison=await _compare(line, connection) if compares else None,
            recount_of=await recount_store.find_repeated(connection, inspection_id),
        )


@router.get("/recounts")
async def list_recounts(
    queries: Annotated[Queries, Depends(allow_read("reviewer", "county_chair", "province_officer"))],
    county: County | None = None,
    disputed: bool | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[RecountLine]:
    """Counts that are made again; with `disputed`, those about which a person must decide."""
    async with queries.read() as connection:
        lines = await recount_store.list_recounts(connection, county, disputed, limit, after)
    return page_of(lines, limit, lambda line: line.recount_id)


@router.post("/recounts/{recount_id}/decision")
async def decide_recount(
    recount_id: UUID,
    body: messages.RecountDecisionBody,
    commands: Annotated[Commands, Depends(allow("reviewer", "county_chair"))],
) -> InspectionReviewed:
    """Decide which of two counts that disagree holds, or that somebody else counts again; never one of the counters."""
    command = messages.DecideRecount(recount_id=recount_id, **dict(body))
    return await commands.execute(handlers.decide_recount, command)


async def _compare(line: InspectionHead, connection: Connection) -> list[messages.FieldView] | None:
    """The register as it is now against the submission that holds, before the inspection is completed; None without one."""
    registered = await find_registered_figures(connection, line.warehouse_id)
    if line.submission_id is None or registered is None:
        return None
    submission = await submission_store.get_submission(connection, line.submission_id)
    return [
        messages.FieldView(
            field=one.field,
            registered=one.registered,
            found=one.found,
            differs=one.differs,
            difference=None if one.difference is None else float(one.difference),
            allowed=None if one.allowed is None else float(one.allowed),
        )
        for one in reconcile(registered, submission.findings).compared
    ]
