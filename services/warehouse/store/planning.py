"""Plans of inspections, and how assignments changed after they were made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.planning import DueSite, InspectorDays
from services.warehouse.domain.risk import RiskClass
from services.warehouse.store.inspections import Inspection
from shared.contracts.counties import County
from shared.kit.transaction import Connection

Whys = Mapping[str, Sequence[Mapping[str, Any]]]
"""Explanations as they are kept: by question (why_now, why_inspector, why_day, why_not) a list of {code, values}."""


@dataclass(frozen=True, slots=True)
class AssignmentChange:
    """What an assignment is from now on, and why."""

    change_id: UUID
    change: Literal["reassigned", "postponed"]
    inspector: str
    due_on: date
    reason: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan. `planned_count` + `unplanned_count` are the sites that were due in its period."""

    plan_id: UUID
    county: County
    from_on: date
    to_on: date
    state: Literal["draft", "accepted"]
    planned_count: int
    unplanned_count: int
    created_by: str
    created_at: datetime
    accepted_by: str | None = None
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One due site of a plan. `name` is the site's, where it is read."""

    position: int
    warehouse_id: UUID
    inspector: str | None
    visit_on: date | None
    explanation: Whys
    inspection_id: UUID | None = None
    name: str = ""


async def change_assignment(connection: Connection, inspection: Inspection, change: AssignmentChange) -> None:
    """Change an assignment and keep what it was before."""
    await connection.execute(
        """
        INSERT INTO inspection_change (change_id, inspection_id, county, change, inspector_before, inspector,
                                       due_on_before, due_on, reason, changed_by, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        change.change_id,
        inspection.inspection_id,
        inspection.county,
        change.change,
        inspection.inspector,
        change.inspector,
        inspection.due_on,
        change.due_on,
        change.reason,
        change.changed_by,
        change.changed_at,
    )
    await connection.execute(
        "UPDATE inspection SET inspector = $2, due_on = $3 WHERE inspection_id = $1",
        inspection.inspection_id,
        change.inspector,
        change.due_on,
    )


async def has_been_assigned(connection: Connection, inspection_id: UUID, inspector: str) -> bool:
    """Whether the inspection was the inspector's before it was given to another."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM inspection_change WHERE inspection_id = $1 AND inspector_before = $2)",
        inspection_id,
        inspector,
    )
    return found


async def lock_county_plans(connection: Connection, county: County) -> None:
    """Let one plan of a county be accepted at a time, until the transaction's end."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('warehouse.plan.' || $1, 0))", county)


async def due_sites(connection: Connection, county: County, to_on: date) -> list[DueSite]:
    """The county's sites without an open inspection that are due until `to_on`, those that wait for a recount included."""
    rows = await connection.fetch(
        """
        SELECT w.warehouse_id, least(w.next_due_on, r.due_on) AS due_on, w.risk_class,
               w.last_inspected_at IS NULL AS never_inspected, w.latitude::float8 AS latitude,
               w.longitude::float8 AS longitude, coalesce(r.not_by, '{}') AS not_by,
               EXISTS (
                   SELECT FROM discrepancy d WHERE d.warehouse_id = w.warehouse_id AND d.resolved_at IS NULL
               ) AS discrepancy_open
        FROM warehouse w LEFT JOIN recount r ON r.warehouse_id = w.warehouse_id AND r.second_inspection_id IS NULL
        WHERE w.county = $1 AND least(w.next_due_on, r.due_on) <= $2
          AND NOT EXISTS (SELECT FROM inspection i WHERE i.warehouse_id = w.warehouse_id AND i.state <> 'completed')
        ORDER BY w.warehouse_id
        """,
        county,
        to_on,
    )
    return [
        DueSite(
            warehouse_id=row["warehouse_id"],
            due_on=row["due_on"],
            risk_class=RiskClass(row["risk_class"]),
            discrepancy_open=row["discrepancy_open"],
            never_inspected=row["never_inspected"],
            not_by=frozenset(row["not_by"]),
            latitude=row["latitude"],
            longitude=row["longitude"],
        )
        for row in rows
    ]


async def booked_visits(
    connection: Connection, inspectors: Sequence[str], from_on: date, to_on: date
) -> dict[tuple[str, date], int]:
    """How many visits each of the inspectors still has to make on each day of the period, in the caller's counties."""
    rows = await connection.fetch(
        """
        SELECT inspector, due_on, count(*) AS visits FROM inspection
        WHERE inspector = ANY ($1::text[]) AND due_on BETWEEN $2 AND $3 AND state IN ('assigned', 'returned')
        GROUP BY inspector, due_on
        """,
        inspectors,
        from_on,
        to_on,
    )
    return {(row["inspector"], row["due_on"]): row["visits"] for row in rows}


async def free_sites(connection: Connection, county: County, warehouse_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the sites that are the county's and have no open inspection, all of them locked in a fixed order."""
    locked = await connection.fetch(
        """
        SELECT warehouse_id FROM warehouse WHERE county = $1 AND warehouse_id = ANY ($2::uuid[])
        ORDER BY warehouse_id FOR NO KEY UPDATE
        """,
        county,
        warehouse_ids,
    )
    busy = await connection.fetch(
        "SELECT warehouse_id FROM inspection WHERE warehouse_id = ANY ($1::uuid[]) AND state <> 'completed'",
        warehouse_ids,
    )
    return {row["warehouse_id"] for row in locked} - {row["warehouse_id"] for row in busy}


async def insert_plan(
    connection: Connection, plan: PlanRow, inspectors: Sequence[InspectorDays], lines: Sequence[PlanLine]
) -> None:
    """Keep a draft with the days that it was made from and a line for every due site."""
    await connection.execute(
        """
        INSERT INTO inspection_plan (plan_id, county, from_on, to_on, state, planned_count, unplanned_count, created_by,
                                     created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        plan.plan_id,
        plan.county,
        plan.from_on,
        plan.to_on,
        plan.state,
        plan.planned_count,
        plan.unplanned_count,
        plan.created_by,
        plan.created_at,
    )
    await connection.executemany(
        """
        INSERT INTO inspection_plan_inspector (plan_id, county, inspector, visits_per_day, days_off)
        VALUES ($1, $2, $3, $4, $5)
        """,
        [
            (plan.plan_id, plan.county, given.inspector, given.visits_per_day, sorted(given.days_off))
            for given in inspectors
        ],
    )
    await connection.execute(
        """
        INSERT INTO inspection_plan_line (plan_id, county, position, warehouse_id, inspector, visit_on, explanation)
        SELECT $1, $2, position, warehouse_id, inspector, visit_on, explanation::jsonb
        FROM unnest($3::integer[], $4::uuid[], $5::text[], $6::date[], $7::text[])
             AS line (position, warehouse_id, inspector, visit_on, explanation)
        """,
        plan.plan_id,
        plan.county,
        [line.position for line in lines],
        [line.warehouse_id for line in lines],
        [line.inspector for line in lines],
        [line.visit_on for line in lines],
        [json.dumps(line.explanation) for line in lines],
    )


async def lock_plan(connection: Connection, plan_id: UUID) -> PlanRow | None:
    """The plan, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(f"{_PLAN} WHERE plan_id = $1 FOR NO KEY UPDATE", plan_id)
    return _plan(row) if row else None


async def find_plan(connection: Connection, plan_id: UUID) -> PlanRow | None:
    """The plan; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(f"{_PLAN} WHERE plan_id = $1", plan_id)
    return _plan(row) if row else None


async def list_plans(
    connection: Connection, county: County | None, state: str | None, limit: int, after: UUID | None
) -> list[PlanRow]:
    """Up to `limit` plans of the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        f"""
        {_PLAN} WHERE ($1::text IS NULL OR county = $1) AND ($2::text IS NULL OR state = $2)
          AND ($3::uuid IS NULL OR plan_id > $3)
        ORDER BY plan_id LIMIT $4
        """,
        county,
        state,
        after,
        limit,
    )
    return [_plan(row) for row in rows]


async def plan_inspectors(connection: Connection, plan_id: UUID) -> list[InspectorDays]:
    """The days that the plan was made from."""
    rows = await connection.fetch(
        "SELECT inspector, visits_per_day, days_off FROM inspection_plan_inspector WHERE plan_id = $1", plan_id
    )
    return [InspectorDays(row["inspector"], row["visits_per_day"], frozenset(row["days_off"])) for row in rows]


async def plan_lines(
    connection: Connection, plan_id: UUID, planned: bool | None, limit: int | None, after: int
) -> list[PlanLine]:
    """Up to `limit` lines of the plan (all if None) behind position `after`; only (un)planned ones unless `planned` is None."""
    rows = await connection.fetch(
        """
        SELECT l.position, l.warehouse_id, l.inspector, l.visit_on, l.explanation::text AS explanation, l.inspection_id,
               coalesce(w.name, '') AS name
        FROM inspection_plan_line l LEFT JOIN warehouse w USING (warehouse_id)
        WHERE l.plan_id = $1 AND ($2::boolean IS NULL OR (l.inspector IS NOT NULL) = $2) AND l.position > $3
        ORDER BY l.position LIMIT $4
        """,
        plan_id,
        planned,
        after,
        limit,
    )
    return [PlanLine(**(dict(row) | {"explanation": json.loads(row["explanation"])})) for row in rows]


async def set_accepted(
    connection: Connection,
    plan_id: UUID,
    positions: Sequence[int],
    inspection_ids: Sequence[UUID],
    accepted_by: str,
    accepted_at: datetime,
) -> None:
    """The plan is accepted: its lines name the inspections that they became."""
    await connection.execute(
        "UPDATE inspection_plan SET state = 'accepted', accepted_by = $2, accepted_at = $3 WHERE plan_id = $1",
        plan_id,
        accepted_by,
        accepted_at,
    )
    await connection.execute(
        """
        UPDATE inspection_plan_line AS l SET inspection_id = given.inspection_id
        FROM unnest($2::integer[], $3::uuid[]) AS given (position, inspection_id)
        WHERE l.plan_id = $1 AND l.position = given.position
        """,
        plan_id,
        positions,
        inspection_ids,
    )


_PLAN = """
    SELECT plan_id, county, from_on, to_on, state, planned_count, unplanned_count, created_by, created_at, accepted_by,
           accepted_at
    FROM inspection_plan
"""


def _plan(row: Record) -> PlanRow:
    values: dict[str, Any] = dict(row)
    values["county"] = County(row["county"])
    return PlanRow(**values)
