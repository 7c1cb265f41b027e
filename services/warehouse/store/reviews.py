"""An inspection as a person reviews it: what came from the field, what was decided, how its assignment changed."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.warehouse.store.inspections import Inspection
from shared.contracts.counties import County
from shared.contracts.warehouse import Verdict
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class InspectionHead:
    """An inspection as it stands."""

    inspection_id: UUID
    warehouse_id: UUID
    county: str
    state: str
    due_on: date
    inspector: str
    assigned_by: str
    assigned_at: datetime
    submission_id: UUID | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    verdict: str | None


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """One submission of an inspection: the figures that were found, and the answers that are no pass."""

    submission_id: UUID
    instance_id: str
    inspected_at: datetime
    submitted_by: str
    submitted_at: datetime
    capacity_tonnes: float
    in_use_capacity_tonnes: float
    floor_area_m2: float
    kind: str
    operating: bool
    latitude: float | None
    longitude: float | None
    operator_id: str | None
    suspicion: str | None
    failed_items: dict[str, str]
    photos: list[str]
    photos_missing: list[str]


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One decision on one submission."""

    review_id: UUID
    submission_id: UUID
    decision: str
    reasons: list[str]
    item_reasons: dict[str, str]
    reviewed_by: str
    reviewed_at: datetime


@dataclass(frozen=True, slots=True)
class AssignmentChangeView:
    """One reassignment or postponement."""

    change: str
    inspector_before: str
    inspector: str
    due_on_before: date
    due_on: date
    reason: str
    changed_by: str
    changed_at: datetime


async def submitters(connection: Connection, inspection_id: UUID) -> list[str]:
    """Everybody who ever submitted for the inspection, in alphabetical order."""
    rows = await connection.fetch(
        "SELECT DISTINCT submitted_by FROM submission WHERE inspection_id = $1 ORDER BY submitted_by", inspection_id
    )
    return [row["submitted_by"] for row in rows]


async def find_submission_id(connection: Connection, inspection_id: UUID) -> UUID | None:
    """The submission that holds for the inspection; None if there is none that the caller may see."""
    return await connection.fetchval("SELECT submission_id FROM inspection WHERE inspection_id = $1", inspection_id)


async def is_registered(connection: Connection, warehouse_id: UUID, county: County) -> bool:
    """Whether the site is registered in the county."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM warehouse WHERE warehouse_id = $1 AND county = $2)", warehouse_id, county
    )
    return found


async def insert_completed(
    connection: Connection, inspection: Inspection, verdict: Verdict, reviewed_by: str, reviewed_at: datetime
) -> None:
    """Keep a visit that nobody had planned as the completed inspection that it is; its submission follows at once."""
    await connection.execute("SET CONSTRAINTS inspection_submission DEFERRED")
    await connection.execute(
        """
        INSERT INTO inspection (inspection_id, warehouse_id, county, state, due_on, inspector, assigned_by, assigned_at,
                                submission_id, reviewed_by, reviewed_at, verdict)
        VALUES ($1, $2, $3, 'completed', $4, $5, $6, $7, $8, $6, $7, $9)
        """,
        inspection.inspection_id,
        inspection.warehouse_id,
        inspection.county,
        inspection.due_on,
        inspection.inspector,
        reviewed_by,
        reviewed_at,
        inspection.submission_id,
        verdict,
    )


async def find_inspection(connection: Connection, inspection_id: UUID) -> InspectionHead | None:
    """The inspection; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(f"{_INSPECTION} WHERE inspection_id = $1", inspection_id)
    return InspectionHead(**dict(row)) if row else None


async def list_submissions(connection: Connection, inspection_id: UUID) -> list[SubmissionView]:
    """Everything that came from the field for the inspection, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT submission_id, instance_id, inspected_at, submitted_by, submitted_at,
               found_capacity_tonnes::float8 AS capacity_tonnes,
               found_in_use_capacity_tonnes::float8 AS in_use_capacity_tonnes,
               found_floor_area_m2::float8 AS floor_area_m2, found_kind AS kind, found_operating AS operating,
               found_latitude::float8 AS latitude, found_longitude::float8 AS longitude,
               found_operator_id AS operator_id, suspicion,
               (SELECT coalesce(jsonb_object_agg(c.item, c.severity), '{}')::text
                FROM checklist_result c WHERE c.submission_id = s.submission_id AND c.result = 'fail') AS failed_items,
               ARRAY(SELECT p.name FROM submission_photo p
                     WHERE p.submission_id = s.submission_id ORDER BY p.name) AS photos,
               ARRAY(SELECT p.name FROM submission_photo p
                     WHERE p.submission_id = s.submission_id AND p.photo_id IS NULL ORDER BY p.name) AS photos_missing
        FROM submission s WHERE inspection_id = $1 ORDER BY submission_id
        """,
        inspection_id,
    )
    return [SubmissionView(**_decoded(row, "failed_items")) for row in rows]


async def list_reviews(connection: Connection, inspection_id: UUID) -> list[ReviewView]:
    """Every decision on the inspection, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT review_id, submission_id, decision, reasons, item_reasons::text AS item_reasons, reviewed_by, reviewed_at
        FROM inspection_review WHERE inspection_id = $1 ORDER BY review_id
        """,
        inspection_id,
    )
    return [ReviewView(**_decoded(row, "item_reasons")) for row in rows]


async def list_changes(connection: Connection, inspection_id: UUID) -> list[AssignmentChangeView]:
    """Every change of the assignment, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT change, inspector_before, inspector, due_on_before, due_on, reason, changed_by, changed_at
        FROM inspection_change WHERE inspection_id = $1 ORDER BY change_id
        """,
        inspection_id,
    )
    return [AssignmentChangeView(**dict(row)) for row in rows]


_INSPECTION = """
    SELECT inspection_id, warehouse_id, county, state, due_on, inspector, assigned_by, assigned_at, submission_id,
           reviewed_by, reviewed_at, verdict
    FROM inspection
"""


def _decoded(row: Record, field: str) -> dict[str, Any]:
    return {**dict(row), field: json.loads(row[field])}
