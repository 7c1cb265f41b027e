"""Inspections, what came from the field for them, and how they were reviewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.warehouse.domain.inspection import Findings, InspectionState, ItemAnswer, ItemResult, ReviewDecision
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.reconciliation import Registered
from services.warehouse.domain.risk import RiskClass
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, HoldGround, Severity, Verdict, WarehouseKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class SiteForInspection:
    """A site as planning and review need it."""

    warehouse_id: UUID
    county: County
    registered: Registered
    risk_class: RiskClass
    next_due_on: date
    verified_capacity_tonnes: float
    in_use_capacity_tonnes: float
    last_inspected_at: datetime | None
    last_completed_inspection_id: UUID | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection, locked for a transition."""

    inspection_id: UUID
    warehouse_id: UUID
    county: County
    state: InspectionState
    inspector: str
    submission_id: UUID | None


@dataclass(frozen=True, slots=True)
class Submission:
    """What came from the field for an inspection. `content_sha256` says whether a repeated instance id says the same."""

    submission_id: UUID
    instance_id: str
    content_sha256: str
    inspection_id: UUID
    county: County
    checklist_version: int
    inspected_at: datetime
    findings: Findings
    suspicion: HoldGround | None
    submitted_by: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """One decision on one submission."""

    review_id: UUID
    decision: ReviewDecision
    reasons: Sequence[str]
    reviewed_by: str
    reviewed_at: datetime


async def lock_site(connection: Connection, warehouse_id: UUID) -> SiteForInspection | None:
    """The site, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT warehouse_id, county, capacity_tonnes, floor_area_m2, kind, status, latitude, longitude, risk_class,
               next_due_on, verified_capacity_tonnes, in_use_capacity_tonnes, last_inspected_at,
               last_completed_inspection_id
        FROM warehouse WHERE warehouse_id = $1 FOR NO KEY UPDATE
        """,
        warehouse_id,
    )
    if row is None:
        return None
    return SiteForInspection(
        warehouse_id=row["warehouse_id"],
        county=County(row["county"]),
        registered=Registered(
            row["capacity_tonnes"],
            row["floor_area_m2"],
            WarehouseKind(row["kind"]),
            SiteStatus(row["status"]),
            row["latitude"],
            row["longitude"],
        ),
        risk_class=RiskClass(row["risk_class"]),
        next_due_on=row["next_due_on"],
        verified_capacity_tonnes=float(row["verified_capacity_tonnes"]),
        in_use_capacity_tonnes=float(row["in_use_capacity_tonnes"]),
        last_inspected_at=row["last_inspected_at"],
        last_completed_inspection_id=row["last_completed_inspection_id"],
    )


async def find_recounted_inspector(connection: Connection, inspection_id: UUID) -> str | None:
    """Who made this completed inspection, if its verdict asks for a recount; else None."""
    return await connection.fetchval(
        "SELECT inspector FROM inspection WHERE inspection_id = $1 AND verdict = $2",
        inspection_id,
        Verdict.NEEDS_RECOUNT,
    )


async def has_open_inspection(connection: Connection, warehouse_id: UUID) -> bool:
    """Whether an inspection of the site is not completed."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM inspection WHERE warehouse_id = $1 AND state <> 'completed')", warehouse_id
    )
    return found


async def insert_inspection(
    connection: Connection,
    inspection_id: UUID,
    site: SiteForInspection,
    due_on: date,
    inspector: str,
    assigned_by: str,
    assigned_at: datetime,
) -> None:
    """Assign an inspection of the site."""
    await connection.execute(
        """
        INSERT INTO inspection (inspection_id, warehouse_id, county, state, due_on, inspector, assigned_by, assigned_at)
        VALUES ($1, $2, $3, 'assigned', $4, $5, $6, $7)
        """,
        inspection_id,
        site.warehouse_id,
        site.county,
        due_on,
        inspector,
        assigned_by,
        assigned_at,
    )


async def lock_inspection(connection: Connection, inspection_id: UUID) -> Inspection | None:
    """The inspection, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT inspection_id, warehouse_id, county, state, inspector, submission_id
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
    )


async def insert_submission(connection: Connection, submission: Submission) -> bool:
    """Keep a submission; False, and nothing is kept, if its instance id was received before (in any county)."""
    found = submission.findings
    status = await connection.execute(
        """
        INSERT INTO submission (submission_id, instance_id, content_sha256, inspection_id, county, checklist_version,
                                inspected_at, found_capacity_tonnes, found_in_use_capacity_tonnes, found_floor_area_m2,
                                found_kind, found_operating, found_latitude, found_longitude, suspicion, submitted_by,
                                submitted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT (instance_id) DO NOTHING
        """,
        submission.submission_id,
        submission.instance_id,
        submission.content_sha256,
        submission.inspection_id,
        submission.county,
        submission.checklist_version,
        submission.inspected_at,
        found.capacity_tonnes,
        found.in_use_capacity_tonnes,
        found.floor_area_m2,
        found.kind,
        found.operating,
        found.latitude,
        found.longitude,
        submission.suspicion,
        submission.submitted_by,
        submission.submitted_at,
    )
    return status == "INSERT 0 1"


async def find_content_sha256(connection: Connection, instance_id: str) -> str | None:
    """Content hash of what was received under this instance id; None if nothing that the caller may see."""
    return await connection.fetchval("SELECT content_sha256 FROM submission WHERE instance_id = $1", instance_id)


async def insert_answers(
    connection: Connection, submission_id: UUID, county: County, answers: Sequence[ItemAnswer]
) -> None:
    """Keep the answers to the checklist."""
    await connection.execute(
        """
        INSERT INTO checklist_result (submission_id, county, item, result, severity)
        SELECT $1, $2, answer.* FROM unnest($3::text[], $4::text[], $5::text[]) AS answer (item, result, severity)
        """,
        submission_id,
        county,
        [answer.item for answer in answers],
        [answer.result for answer in answers],
        [answer.severity for answer in answers],
    )


async def set_submitted(connection: Connection, inspection_id: UUID, submission_id: UUID) -> None:
    """The submission is now the one to review."""
    await connection.execute(
        "UPDATE inspection SET state = 'submitted', submission_id = $2 WHERE inspection_id = $1",
        inspection_id,
        submission_id,
    )


async def get_submission(connection: Connection, submission_id: UUID) -> Submission:
    """The submission. Raises LookupError: an inspection named one that is not there."""
    row = await connection.fetchrow(
        """
        SELECT submission_id, instance_id, content_sha256, inspection_id, county, checklist_version, inspected_at,
               found_capacity_tonnes, found_in_use_capacity_tonnes, found_floor_area_m2, found_kind, found_operating,
               found_latitude, found_longitude, suspicion, submitted_by, submitted_at
        FROM submission WHERE submission_id = $1
        """,
        submission_id,
    )
    if row is None:
        raise LookupError(f"submission {submission_id}")
    return Submission(
        submission_id=row["submission_id"],
        instance_id=row["instance_id"],
        content_sha256=row["content_sha256"],
        inspection_id=row["inspection_id"],
        county=County(row["county"]),
        checklist_version=row["checklist_version"],
        inspected_at=row["inspected_at"],
        findings=Findings(
            row["found_capacity_tonnes"],
            row["found_in_use_capacity_tonnes"],
            row["found_floor_area_m2"],
            WarehouseKind(row["found_kind"]),
            row["found_operating"],
            row["found_latitude"],
            row["found_longitude"],
        ),
        suspicion=HoldGround(row["suspicion"]) if row["suspicion"] else None,
        submitted_by=row["submitted_by"],
        submitted_at=row["submitted_at"],
    )


async def failed_items(connection: Connection, submission_id: UUID) -> list[tuple[ChecklistItem, Severity]]:
    """Items of the submission that failed, with their severity, in the order of the checklist."""
    rows = await connection.fetch(
        "SELECT item, severity FROM checklist_result WHERE submission_id = $1 AND result = $2",
        submission_id,
        ItemResult.FAIL,
    )
    severities = {ChecklistItem(row["item"]): Severity(row["severity"]) for row in rows}
    return [(item, severities[item]) for item in ChecklistItem if item in severities]


async def insert_review(connection: Connection, inspection: Inspection, review: Review) -> None:
    """Keep a decision."""
    await connection.execute(
        """
        INSERT INTO inspection_review (review_id, inspection_id, submission_id, county, decision, reasons, inspector,
                                       reviewed_by, reviewed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
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


async def set_inspected(
    connection: Connection, inspection: Inspection, submission: Submission, next_due_on: date
) -> None:
    """Keep at the site what its last completed inspection found."""
    await connection.execute(
        """
        UPDATE warehouse SET verified_capacity_tonnes = $2, in_use_capacity_tonnes = $3, last_inspected_at = $4,
                             last_completed_inspection_id = $5, next_due_on = $6
        WHERE warehouse_id = $1
        """,
        inspection.warehouse_id,
        submission.findings.capacity_tonnes,
        submission.findings.in_use_capacity_tonnes,
        submission.inspected_at,
        inspection.inspection_id,
        next_due_on,
    )
