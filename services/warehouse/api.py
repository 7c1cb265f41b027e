"""HTTP of the warehouse service."""

import asyncio
import hashlib
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, UploadFile

from services.warehouse import handlers
from services.warehouse.domain.corrective_action import ActionState
from services.warehouse.domain.counters import CAPACITY_COUNTERS, Counter
from services.warehouse.domain.registry import ReadTable, read_table
from services.warehouse.handlers import messages
from services.warehouse.registry_file import FILE_BYTES_MAX, read_rows
from services.warehouse.store import views
from services.warehouse.store.views import ActionLine, WarehouseLine
from shared.contracts.counties import County
from shared.kit.http import Commands, Page, Queries, allow, allow_read

PAGE_ITEMS_MAX = 1_000

router = APIRouter()

Planner = Annotated[Commands, Depends(allow("reviewer", "county_chair"))]
Reader = Annotated[
    Queries,
    Depends(
        allow_read("registry_clerk", "inspector", "reviewer", "county_chair", "province_officer", "member", "operator")
    ),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


@router.post("/registry-imports", status_code=201)
async def import_registry(
    mode: Literal["dry_run", "apply"],
    file: UploadFile,
    commands: Annotated[Commands, Depends(allow("registry_clerk"))],
) -> messages.RegistryImported:
    """Look at a registry file, or apply it: XLSX or CSV in UTF-8, the header in row 1."""
    content = await file.read(FILE_BYTES_MAX + 1)
    file_sha256, table = await asyncio.to_thread(_read_registry, content)
    command = messages.ImportRegistry(mode=mode, file_sha256=file_sha256, table=table)
    return await commands.execute(handlers.import_registry, command)


@router.get("/warehouses")
async def list_warehouses(
    queries: Reader, county: County | None = None, limit: Limit = 100, after: UUID | None = None
) -> Page[WarehouseLine]:
    """Sites of the caller's counties, in the order of registration."""
    async with queries.read() as connection:
        lines = await views.list_warehouses(connection, county, limit, after)
    return Page(items=lines, next=str(lines[-1].warehouse_id) if len(lines) == limit else None)


@router.post("/inspections", status_code=201)
async def schedule_inspection(
    body: messages.ScheduleInspection, commands: Planner
) -> messages.InspectionScheduledAnswer:
    """Assign an inspection."""
    return await commands.execute(handlers.schedule_inspection, body)


@router.post("/inspections/{inspection_id}/submission", status_code=201)
async def submit_inspection(
    inspection_id: UUID,
    body: messages.SubmissionBody,
    commands: Annotated[Commands, Depends(allow("inspector"))],
) -> messages.InspectionSubmitted:
    """What the inspector found; only the one to whom the inspection is assigned."""
    command = messages.SubmitInspection(inspection_id=inspection_id, **dict(body))
    return await commands.execute(handlers.submit_inspection, command)


@router.post("/inspections/{inspection_id}/review")
async def review_inspection(
    inspection_id: UUID,
    body: messages.ReviewBody,
    commands: Annotated[Commands, Depends(allow("reviewer"))],
) -> messages.InspectionReviewed:
    """Approve or return; never one's own inspection."""
    command = messages.ReviewInspection(inspection_id=inspection_id, **dict(body))
    return await commands.execute(handlers.review_inspection, command)


@router.get("/corrective-actions")
async def list_corrective_actions(
    queries: Reader,
    county: County | None = None,
    state: ActionState | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[ActionLine]:
    """Corrective actions of the caller's counties, the oldest first."""
    async with queries.read() as connection:
        lines = await views.list_actions(connection, county, state, limit, after)
    return Page(items=lines, next=str(lines[-1].action_id) if len(lines) == limit else None)


@router.post("/corrective-actions/{action_id}/resolution")
async def resolve_action(
    action_id: UUID,
    body: messages.EvidenceBody,
    commands: Annotated[Commands, Depends(allow("inspector", "reviewer", "county_chair"))],
) -> messages.ActionResolved:
    """Close a corrective action with evidence."""
    return await commands.execute(
        handlers.resolve_action, messages.ResolveAction(action_id=action_id, evidence=body.evidence)
    )


@router.post("/discrepancies/{discrepancy_id}/resolution")
async def resolve_discrepancy(
    discrepancy_id: UUID, body: messages.ReasonBody, commands: Planner
) -> messages.DiscrepancyResolvedAnswer:
    """Close a discrepancy with a reason."""
    return await commands.execute(
        handlers.resolve_discrepancy, messages.ResolveDiscrepancy(discrepancy_id=discrepancy_id, reason=body.reason)
    )


@router.post("/holds/{hold_id}/lifting")
async def lift_hold(
    hold_id: UUID, body: messages.ReasonBody, commands: Annotated[Commands, Depends(allow("county_chair"))]
) -> messages.HoldLifted:
    """Lift a hold, by a named person and with a reason."""
    return await commands.execute(handlers.lift_hold, messages.LiftHold(hold_id=hold_id, reason=body.reason))


@router.get("/counters")
async def read_counters(queries: Reader) -> dict[County, dict[Counter, int | float]]:
    """Every counter of every county that the caller's token grants; capacities in tonnes, the others whole numbers."""
    async with queries.read() as connection:
        values = await views.read_counters(connection)
    return {
        county: {
            counter: float(value) if counter in CAPACITY_COUNTERS else int(value)
            for counter in Counter
            for value in (values.get((county, counter), 0),)
        }
        for county in County
        if county in queries.principal.counties
    }


def _read_registry(content: bytes) -> tuple[str, ReadTable]:
    return hashlib.sha256(content).hexdigest(), read_table(read_rows(content))
