"""What came from the field for an inspection, once per instance id, and the pictures it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.warehouse.domain.inspection import Findings, ItemAnswer, ItemResult
from services.warehouse.domain.submission import Channel
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, HoldGround, Severity, WarehouseKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Submission:
    """What came from the field for an inspection. `content_sha256` says whether a repeated instance id says the same.

    `deprecated_id` is the instance id that this one replaces. `sent_by` is the account that sent it where that is not the
    inspector's own; `conflict_id` the conflict that a person decided for it.
    """

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
    channel: Channel = Channel.JSON
    form_version: str | None = None
    deprecated_id: str | None = None
    sent_by: str | None = None
    conflict_id: UUID | None = None
    content: str | None = None
    """The whole of it as JSON."""


@dataclass(frozen=True, slots=True)
class ReceivedBefore:
    """What is known of a submission under the same instance id."""

    submission_id: UUID
    inspection_id: UUID
    content_sha256: str
    submitted_by: str
    submitted_at: datetime


async def insert_submission(connection: Connection, submission: Submission) -> bool:
    """Keep a submission; False, and nothing is kept, if its instance id was received before (in any county).

    One that a person took in a conflict may repeat an instance id."""
    found = submission.findings
    status = await connection.execute(
        """
        INSERT INTO submission (submission_id, instance_id, content_sha256, inspection_id, county, checklist_version,
                                inspected_at, found_capacity_tonnes, found_in_use_capacity_tonnes, found_floor_area_m2,
                                found_kind, found_operating, found_latitude, found_longitude, suspicion, submitted_by,
                                submitted_at, channel, form_version, deprecated_id, sent_by, conflict_id,
                                found_operator_id, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                $24)
        ON CONFLICT (instance_id) WHERE conflict_id IS NULL DO NOTHING
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
        submission.channel,
        submission.form_version,
        submission.deprecated_id,
        submission.sent_by,
        submission.conflict_id,
        found.operator_id,
        submission.content,
    )
    return status == "INSERT 0 1"


async def list_received(connection: Connection, instance_id: str) -> list[ReceivedBefore]:
    """What the caller may see of the submissions under this instance id, the first one first."""
    rows = await connection.fetch(
        """
        SELECT submission_id, inspection_id, content_sha256, submitted_by, submitted_at
        FROM submission WHERE instance_id = $1 ORDER BY submission_id
        """,
        instance_id,
    )
    return [ReceivedBefore(**dict(row)) for row in rows]


async def find_own(connection: Connection, instance_id: str, submitted_by: str) -> ReceivedBefore | None:
    """The submitter's own submission under this instance id, the last taken one if a conflict left two; None if it has not
    come."""
    received = await list_received(connection, instance_id)
    return next((one for one in reversed(received) if one.submitted_by == submitted_by), None)


async def has_been_edited(connection: Connection, inspection_id: UUID, instance_id: str, submitted_by: str) -> bool:
    """Whether an edit of this instance by the same inspector was received for the inspection."""
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM submission WHERE deprecated_id = $2 AND inspection_id = $1 AND submitted_by = $3
        )
        """,
        inspection_id,
        instance_id,
        submitted_by,
    )
    return found


async def get_instance_id(connection: Connection, submission_id: UUID) -> str:
    """The instance id of a submission that is there."""
    instance_id: str = await connection.fetchval(
        "SELECT instance_id FROM submission WHERE submission_id = $1", submission_id
    )
    return instance_id


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


async def insert_photo_names(
    connection: Connection,
    submission_id: UUID,
    county: County,
    answers: Sequence[ItemAnswer],
    general: Sequence[str] = (),
) -> None:
    """Keep the names of the pictures: those of each item, and the `general` ones that belong to none."""
    named: list[tuple[str, ChecklistItem | None]] = [
        (name, answer.item) for answer in answers for name in answer.photos
    ]
    named += [(name, None) for name in general]
    await connection.execute(
        """
        INSERT INTO submission_photo (submission_id, county, name, item)
        SELECT $1, $2, named.* FROM unnest($3::text[], $4::text[]) AS named (name, item)
        """,
        submission_id,
        county,
        [name for name, _ in named],
        [item for _, item in named],
    )


async def find_content(connection: Connection, submission_id: UUID) -> str | None:
    """A submission as it came, as JSON; None if it is not the caller's to see."""
    return await connection.fetchval("SELECT content FROM submission WHERE submission_id = $1", submission_id)


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
               found_latitude, found_longitude, found_operator_id, suspicion, submitted_by, submitted_at
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
            row["found_operator_id"],
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
