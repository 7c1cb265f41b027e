"""A county plans its inspections: a draft with a reason for every choice, accepted as a whole or not at all."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import planning_refusals as refusals
from services.warehouse.domain.calendar import working_days
from services.warehouse.domain.planning import PERIOD_DAYS_MAX, InspectorDays, Plan, Why, plan_visits
from services.warehouse.handlers.inspections import assign_inspections
from services.warehouse.handlers.planning_messages import AcceptPlan, PlanInspections, PlanMade
from services.warehouse.public_holidays import PUBLIC_HOLIDAYS
from services.warehouse.store import planning as store
from services.warehouse.store import recounts as recount_store
from services.warehouse.store.inspections import Assignment
from services.warehouse.store.planning import PlanLine, PlanRow
from services.warehouse.store.recounts import Recount
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

SITES_NAMED_MAX = 10


async def plan_inspections(command: PlanInspections, tx: Transaction) -> PlanMade:
    """Make a draft. Raises Refusal: a period in the past, upside down or too long; an inspector named twice."""
    _check_period(command, office_date(tx.now))
    inspectors = _inspectors(command)
    sites = await store.due_sites(tx.connection, command.county, command.to_on)
    days = working_days(command.from_on, command.to_on, PUBLIC_HOLIDAYS | frozenset(command.holidays))
    names = [given.inspector for given in inspectors]
    booked = await store.booked_visits(tx.connection, names, command.from_on, command.to_on)
    # The largest plan of a county of ten thousand due sites takes a few seconds of pure computing.
    plan = await asyncio.to_thread(plan_visits, sites, inspectors, days, command.from_on, booked)
    row = PlanRow(
        plan_id=uuid7(),
        county=command.county,
        from_on=command.from_on,
        to_on=command.to_on,
        state="draft",
        planned_count=len(plan.visits),
        unplanned_count=len(plan.unplanned),
        created_by=tx.principal.subject,
        created_at=tx.now,
    )
    await store.insert_plan(tx.connection, row, inspectors, _lines(plan))
    return _made(row)


async def accept_plan(command: AcceptPlan, tx: Transaction) -> PlanMade:
    """Assign every visit of the plan, all of them or none; accepted again, nothing changes.

    Raises Refusal: no such plan, a plan without visits, a visit that has become impossible since the draft was made.
    """
    plan = await store.find_plan(tx.connection, command.plan_id)
    if plan is None:
        raise Refusal(refusals.PLAN_NOT_FOUND)
    await store.lock_county_plans(tx.connection, plan.county)
    plan = await store.lock_plan(tx.connection, command.plan_id) or plan
    if plan.state == "accepted":
        return _made(plan)
    lines = await store.plan_lines(tx.connection, plan.plan_id, planned=True, limit=None, after=0)
    if not lines:
        raise Refusal(refusals.PLAN_EMPTY)
    site_ids = [line.warehouse_id for line in lines]
    free = await store.free_sites(tx.connection, plan.county, site_ids)
    recounts = await recount_store.lock_waiting(tx.connection, site_ids)
    impossible = [
        *(line for line in lines if line.warehouse_id not in free or not _allowed(line, recounts)),
        *await _overbooked(plan, lines, tx),
    ]
    if impossible:
        named = sorted({str(line.warehouse_id) for line in impossible})
        raise Refusal(refusals.PLAN_OUTDATED, count=len(named), sites=", ".join(named[:SITES_NAMED_MAX]))
    assignments = [_assignment(line, plan, recounts) for line in lines]
    await assign_inspections(assignments, tx)
    await store.set_accepted(
        tx.connection,
        plan.plan_id,
        [line.position for line in lines],
        [given.inspection_id for given in assignments],
        tx.principal.subject,
        tx.now,
    )
    return _made(replace(plan, state="accepted"))


def _check_period(command: PlanInspections, today: date) -> None:
    days = (command.to_on - command.from_on) // timedelta(days=1) + 1
    if command.from_on < today or not 1 <= days <= PERIOD_DAYS_MAX:
        raise Refusal(refusals.PLAN_PERIOD_IMPOSSIBLE, today=today.isoformat(), days_max=PERIOD_DAYS_MAX)


def _inspectors(command: PlanInspections) -> list[InspectorDays]:
    names = [given.inspector for given in command.inspectors]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Refusal(refusals.PLAN_INSPECTOR_REPEATED, inspectors=", ".join(repeated))
    return [
        InspectorDays(given.inspector, given.visits_per_day, frozenset(given.days_off)) for given in command.inspectors
    ]


def _lines(plan: Plan) -> list[PlanLine]:
    planned = [
        (
            visit.warehouse_id,
            visit.inspector,
            visit.visit_on,
            {
                "why_now": _kept(visit.why_now),
                "why_inspector": _kept(visit.why_inspector),
                "why_day": _kept([visit.why_day]),
            },
        )
        for visit in plan.visits
    ]
    unplanned = [
        (site.warehouse_id, None, None, {"why_now": _kept(site.why_now), "why_not": _kept([site.why_not])})
        for site in plan.unplanned
    ]
    return [PlanLine(position, *line) for position, line in enumerate([*planned, *unplanned], start=1)]


def _kept(whys: Sequence[Why]) -> list[dict[str, object]]:
    return [{"code": why.code.value, "values": dict(why.values)} for why in whys]


def _allowed(line: PlanLine, recounts: Mapping[UUID, Recount]) -> bool:
    recount = recounts.get(line.warehouse_id)
    return recount is None or line.inspector not in recount.not_by


async def _overbooked(plan: PlanRow, lines: Sequence[PlanLine], tx: Transaction) -> list[PlanLine]:
    """The visits on days that have passed, or on which their inspector has got other visits since the draft was made."""
    inspectors = {given.inspector: given for given in await store.plan_inspectors(tx.connection, plan.plan_id)}
    today = office_date(tx.now)
    visits = await store.booked_visits(tx.connection, list(inspectors), plan.from_on, plan.to_on)
    over: list[PlanLine] = []
    for line in lines:
        if line.inspector is None or line.visit_on is None:
            continue
        key = line.inspector, line.visit_on
        visits[key] = visits.get(key, 0) + 1
        if line.visit_on < today or visits[key] > inspectors[line.inspector].visits_per_day:
            over.append(line)
    return over


def _assignment(line: PlanLine, plan: PlanRow, recounts: Mapping[UUID, Recount]) -> Assignment:
    if line.inspector is None or line.visit_on is None:
        raise LookupError(f"line {line.position} of plan {plan.plan_id} is not planned")
    recount = recounts.get(line.warehouse_id)
    recount_of = recount.first_inspection_id if recount else None
    return Assignment(uuid7(), line.warehouse_id, plan.county, line.inspector, line.visit_on, recount_of)


def _made(plan: PlanRow) -> PlanMade:
    return PlanMade(
        plan_id=plan.plan_id,
        county=plan.county,
        state=plan.state,
        due=plan.planned_count + plan.unplanned_count,
        planned=plan.planned_count,
        unplanned=plan.unplanned_count,
    )
