"""Inspections and how they were reviewed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.inspection import InspectionState, ReviewDecision
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.reconciliation import Registered
from services.warehouse.domain.risk import RiskClass
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, Verdict, WarehouseKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class SiteForInspection:
    """A site as planning and review need it."""

    warehouse_id: UUID
    county: County
    registered: Registered
    risk_class: RiskClass
    verified_capacity_tonnes: float
    in_use_capacity_tonnes: float
    last_inspected_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection, locked for a transition."""

    inspection_id: UUID
    warehouse_id: UUID
    county: County
    state: InspectionState
    inspector: str
    submission_id: UUID | None
    due_on: date


@dataclass(frozen=True, slots=True)
class Assignment:
    """An inspection to assign. `recount_of`: the inspection whose count it repeats."""

    inspection_id: UUID
    warehouse_id: UUID
    county: County
    inspector: str
    due_on: date
    recount_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One decision on one submission, with its general reasons and those for items of the checklist."""

    review_id: UUID
    decision: ReviewDecision
    reasons: Sequence[str]
    item_reasons: Mapping[ChecklistItem, str]
    reviewed_by: str
    reviewed_at: datetime


async def lock_site(connection: Connection, warehouse_id: UUID) -> SiteForInspection | None:
    """The site, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT warehouse_id, county, capacity_tonnes, floor_area_m2, kind, status, latitude, longitude, operator_id,
               risk_class, verified_capacity_tonnes, in_use_capacity_tonnes, last_inspected_at
        FROM warehouse WHERE warehouse_id = $1 FOR NO KEY UPDATE
        """,
        warehouse_id,
    )
    if row is None:
        return None
    return SiteForInspection(
        warehouse_id=row["warehouse_id"],
        county=County(row["county"]),
        registered=_registered(row),
        risk_class=RiskClass(row["risk_class"]),
        verified_capacity_tonnes=float(row["verified_capacity_tonnes"]),
        in_use_capacity_tonnes=float(row["in_use_capacity_tonnes"]),
        last_inspected_at=row["last_inspected_at"],
    )


async def find_registered_figures(connection: Connection, warehouse_id: UUID) -> Registered | None:
    """What the register says of the site; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT capacity_tonnes, floor_area_m2, kind, status, latitude, longitude, operator_id
        FROM warehouse WHERE warehouse_id = $1
        """,
        warehouse_id,
    )
    return _registered(row) if row else None


async def has_open_inspection(connection: Connection, warehouse_id: UUID) -> bool:
    """Whether an inspection of the site is not completed."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM inspection WHERE warehouse_id = $1 AND state <> 'completed')", warehouse_id
    )
    return found


async def insert_inspections(
    connection: Connection, assignments: Sequence[Assignment], assigned_by: str, assigned_at: datetime
) -> None:
    """Assign inspections, as many as there are in one statement."""
    await connection.execute(
        """
        INSERT INTO inspection (inspection_id, warehouse_id, county, state, due_on, inspector, assigned_by, assigned_at)
        SELECT inspection_id, warehouse_id, county, 'assigned', due_on, inspector, $6, $7
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::text[])
             AS given (inspection_id, warehouse_id, county, due_on, inspector)
        """,
        [given.inspection_id for given in assignments],
        [given.warehouse_id for given in assignments],
        [given.county for given in assignments],
        [given.due_on for given in assignments],
        [given.inspector for given in assignments],
        assigned_by,
        assigned_at,
    )


async def lock_inspection(connection: Connection, inspection_id: UUID) -> Inspection | None:
    """The inspection, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT inspection_id, warehouse_id, county, state, inspector, submission_id, due_on
        FROM inspection WHERE inspection_id = $1 FOR NO KEY UPDATE
        """,
        inspection_id,
    )
    if row is None:
        return None
    return Inspection(
        row["inspection_id"],
        row["warehouse_id"],
        County(row["county"]),
        InspectionState(row["state"]),
        row["inspector"],
        row["submission_id"],
        row["due_on"],
    )


async def insert_review(connection: Connection, inspection: Inspection, review: Review) -> None:
    """Keep a decision."""
    await connection.execute(
        """
        INSERT INTO inspection_review (review_id, inspection_id, submission_id, county, decision, reasons, inspector,
                                       reviewed_by, reviewed_at, item_reasons)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb)
        """,
        review.review_id,
        inspection.inspection_id,
        inspection.submission_id,
        inspection.county,
        review.decision,
        review.reasons,
        inspection.inspector,
        review.reviewed_by,
        review.reviewed_at,
        json.dumps({item.value: reason for item, reason in review.item_reasons.items()}, ensure_ascii=False),
    )


async def set_returned(connection: Connection, inspection_id: UUID) -> None:
    """Give the inspection back to its inspector."""
    await connection.execute("UPDATE inspection SET state = 'returned' WHERE inspection_id = $1", inspection_id)


async def set_completed(
    connection: Connection, inspection_id: UUID, verdict: Verdict, reviewed_by: str, reviewed_at: datetime
) -> None:
    """Complete the inspection."""
    await connection.execute(
        """
        UPDATE inspection SET state = 'completed', verdict = $2, reviewed_by = $3, reviewed_at = $4
        WHERE inspection_id = $1
        """,
        inspection_id,
        verdict,
        reviewed_by,
        reviewed_at,
    )


async def set_disputed(connection: Connection, inspection_id: UUID) -> None:
    """The count disagrees with the first one; a person decides."""
    await connection.execute("UPDATE inspection SET state = 'disputed' WHERE inspection_id = $1", inspection_id)


async def set_inspected(
    connection: Connection,
    inspection: Inspection,
    capacity_tonnes: Decimal,
    in_use_capacity_tonnes: Decimal,
    inspected_at: datetime,
    next_due_on: date,
) -> None:
    """Keep at the site what its last completed inspection found."""
    await connection.execute(
        """
        UPDATE warehouse SET verified_capacity_tonnes = $2, in_use_capacity_tonnes = $3, last_inspected_at = $4,
                             last_completed_inspection_id = $5, next_due_on = $6
        WHERE warehouse_id = $1
        """,
        inspection.warehouse_id,
        capacity_tonnes,
        in_use_capacity_tonnes,
        inspected_at,
        inspection.inspection_id,
        next_due_on,
    )


def _registered(row: Record) -> Registered:
    return Registered(
        row["capacity_tonnes"],
        row["floor_area_m2"],
        WarehouseKind(row["kind"]),
        SiteStatus(row["status"]),
        row["latitude"],
        row["longitude"],
        row["operator_id"],
    )
