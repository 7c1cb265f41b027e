"""HTTP of planning: plans of inspections, and assignments that change."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.warehouse import handlers
from services.warehouse.domain import planning_refusals
from services.warehouse.domain.planning import TEXTS_FA_EN, PlanReason
from services.warehouse.handlers import planning_messages as messages
from services.warehouse.handlers.messages import InspectionScheduledAnswer, ScheduleInspection
from services.warehouse.store import planning as store
from services.warehouse.store.planning import PlanLine, PlanRow
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Limit, Page, page_of

router = APIRouter()

Planner = Annotated[Commands, Depends(allow("reviewer", "county_chair"))]
PlanReader = Annotated[Queries, Depends(allow_read("reviewer", "county_chair", "inspector", "province_officer"))]


@router.post("/inspections", status_code=201)
async def schedule_inspection(body: ScheduleInspection, commands: Planner) -> InspectionScheduledAnswer:
    """Assign an inspection."""
    return await commands.execute(handlers.schedule_inspection, body)


@router.post("/inspection-plans", status_code=201)
async def plan_inspections(body: messages.PlanInspections, commands: Planner) -> messages.PlanMade:
    """Draft a plan for a county and a period: every due site is planned or has its reason why not."""
    commands.require_county(body.county)
    return await commands.execute(handlers.plan_inspections, body)


@router.get("/inspection-plans")
async def list_plans(
    queries: PlanReader,
    county: County | None = None,
    state: Literal["draft", "accepted"] | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[PlanRow]:
    """Plans of the caller's counties, the oldest first."""
    async with queries.read() as connection:
        plans = await store.list_plans(connection, county, state, limit, after)
    return page_of(plans, limit, lambda line: line.plan_id)


@router.get("/inspection-plans/{plan_id}")
async def read_plan(plan_id: UUID, queries: PlanReader) -> PlanRow:
    """One plan, without its lines."""
    async with queries.read() as connection:
        plan = await store.find_plan(connection, plan_id)
    if plan is None:
        raise Refusal(planning_refusals.PLAN_NOT_FOUND)
    return plan


@router.get("/inspection-plans/{plan_id}/lines")
async def list_plan_lines(
    plan_id: UUID,
    queries: PlanReader,
    planned: bool | None = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Page[messages.PlanLineView]:
    """The due sites of a plan with the reasons for every choice: visits in the order of days, then those without one."""
    async with queries.read() as connection:
        if await store.find_plan(connection, plan_id) is None:
            raise Refusal(planning_refusals.PLAN_NOT_FOUND)
        lines = await store.plan_lines(connection, plan_id, planned, limit, after)
    return page_of([_view(line) for line in lines], limit, lambda line: line.position)


@router.post("/inspection-plans/{plan_id}/acceptance")
async def accept_plan(plan_id: UUID, commands: Planner) -> messages.PlanMade:
    """Assign every visit of the plan, all of them or none; accepted again, nothing changes."""
    return await commands.execute(handlers.accept_plan, messages.AcceptPlan(plan_id=plan_id))


@router.post("/inspections/{inspection_id}/reassignment")
async def reassign_inspection(
    inspection_id: UUID, body: messages.ReassignmentBody, commands: Planner
) -> messages.InspectionChanged:
    """Give an inspection to another inspector, with a reason."""
    command = messages.ReassignInspection(inspection_id=inspection_id, **dict(body))
    return await commands.execute(handlers.reassign_inspection, command)


@router.post("/inspections/{inspection_id}/postponement")
async def postpone_inspection(
    inspection_id: UUID, body: messages.PostponementBody, commands: Planner
) -> messages.InspectionChanged:
    """Put an inspection off to a later day, with a reason."""
    command = messages.PostponeInspection(inspection_id=inspection_id, **dict(body))
    return await commands.execute(handlers.postpone_inspection, command)


def _view(line: PlanLine) -> messages.PlanLineView:
    return messages.PlanLineView(
        position=line.position,
        warehouse_id=line.warehouse_id,
        name=line.name,
        inspector=line.inspector,
        visit_on=line.visit_on,
        inspection_id=line.inspection_id,
        **{question: _explained(whys) for question, whys in line.explanation.items()},
    )


def _explained(whys: Sequence[Mapping[str, Any]]) -> list[messages.Explanation]:
    explained: list[messages.Explanation] = []
    for why in whys:
        text_fa, text_en = TEXTS_FA_EN[PlanReason(why["code"])]
        values = why["values"]
        explained.append(
            messages.Explanation(code=why["code"], fa=text_fa.format(**values), en=text_en.format(**values))
        )
    return explained
