"""HTTP of what comes from the field: plain JSON, a KoboToolbox hook, and the conflicts that a person decides."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends

from services.warehouse import handlers
from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.submission import Channel
from services.warehouse.handlers import messages, submission_conflicts, submission_messages
from services.warehouse.handlers.submissions import raise_conflict
from services.warehouse.openrosa.filled_form import command_of
from services.warehouse.openrosa.kobo import read_kobo_payload, submitter_of
from services.warehouse.store import conflicts
from services.warehouse.store.conflicts import ConflictLine
from shared.contracts.counties import County
from shared.kit.http import Commands, Queries, allow, allow_password, allow_read
from shared.kit.paging import Limit, Page, page_of

router = APIRouter()

Decider = Annotated[Commands, Depends(allow("reviewer"))]
ConflictReader = Annotated[Queries, Depends(allow_read("reviewer", "county_chair", "province_officer"))]


@router.post("/inspections/{inspection_id}/submission", status_code=201)
async def submit_inspection(
    inspection_id: UUID,
    body: messages.SubmissionBody,
    commands: Annotated[Commands, Depends(allow("inspector"))],
) -> messages.InspectionSubmitted:
    """What the inspector found; only the one to whom the inspection is assigned. A conflict is kept and then told."""
    command = messages.SubmitInspection(inspection_id=inspection_id, **dict(body))
    return await take_submission(command, commands)


@router.post("/hooks/kobo", status_code=201)
async def receive_kobo_hook(
    payload: Annotated[dict[str, Any], Body()],
    commands: Annotated[Commands, Depends(allow_password("inspector", "submission_gateway"))],
) -> messages.InspectionSubmitted:
    """A submission as a REST service of KoboToolbox posts it. An inspector sends the own ones; a `submission_gateway`
    sends for whom `_submitted_by` names. Photos come by the photo routes: no address that a payload names is fetched."""
    is_gateway = not commands.principal.has_any_role(frozenset({"inspector"}))
    on_behalf_of = submitter_of(payload) if is_gateway else None
    return await take_submission(command_of(read_kobo_payload(payload), Channel.KOBO, on_behalf_of), commands)


@router.get("/submission-conflicts")
async def list_submission_conflicts(
    queries: ConflictReader,
    county: County | None = None,
    inspection_id: UUID | None = None,
    is_open: bool | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[ConflictLine]:
    """Conflicts of the caller's counties, the oldest first."""
    async with queries.read() as connection:
        lines = await conflicts.list_conflicts(connection, county, inspection_id, is_open, limit, after)
    return page_of(lines, limit, lambda line: line.conflict_id)


@router.get("/submission-conflicts/{conflict_id}")
async def read_submission_conflict(conflict_id: UUID, queries: ConflictReader) -> submission_messages.ConflictDetail:
    """One conflict: what was there first, what came, and where they differ."""
    async with queries.read() as connection:
        return await submission_conflicts.read_conflict(connection, conflict_id)


@router.post("/submission-conflicts/{conflict_id}/resolution")
async def resolve_submission_conflict(
    conflict_id: UUID, body: submission_messages.ConflictResolutionBody, commands: Decider
) -> submission_messages.SubmissionConflictResolved:
    """Keep the first, or take the other; never one's own."""
    command = submission_messages.ResolveSubmissionConflict(
        conflict_id=conflict_id, **body.model_dump(exclude_unset=True)
    )
    return await commands.execute(handlers.resolve_submission_conflict, command)


async def take_submission(command: messages.SubmitInspection, commands: Commands) -> messages.InspectionSubmitted:
    """Run the command, and tell a conflict that it kept. Raises Refusal."""
    received = await commands.execute(handlers.submit_inspection, command)
    raise_conflict(received)
    return messages.InspectionSubmitted(inspection_id=received.inspection_id, state=InspectionState.SUBMITTED)
