"""A person decides about a submission that contradicts what was there; nothing is overwritten, both stay."""

from datetime import UTC
from typing import Any
from uuid import UUID

from services.warehouse.domain import refusals, submission_refusals
from services.warehouse.domain.submission import NOT_YET_REVIEWED, ConflictDecision
from services.warehouse.handlers.inspections import hand_over, schedule_inspection
from services.warehouse.handlers.messages import ScheduleInspection, SubmitInspection
from services.warehouse.handlers.submission_messages import (
    ConflictDetail,
    ResolveSubmissionConflict,
    SubmissionConflictResolved,
)
from services.warehouse.handlers.submissions import keep_submission, new_submission, require_seen
from services.warehouse.store import conflicts as store
from services.warehouse.store import inspections as inspection_store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.conflicts import Conflict
from services.warehouse.store.inspections import Inspection
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Connection, Transaction
from shared.persian.calendar import office_date

_COMPARED = ("inspected_at", "found", "items", "suspicion", "photos", "deprecated_id")


async def resolve_submission_conflict(
    command: ResolveSubmissionConflict, tx: Transaction
) -> SubmissionConflictResolved:
    """Keep the first, or take the other: then the other is the one to review, and the first stays in history.

    Where the inspection is already approved, the taken one becomes a further inspection of the same site. Raises
    Refusal: no such conflict, the caller's own, decided before, not what the caller looked at, another inspection of
    the site open, a recount by whose count it repeats.
    """
    conflict = await store.find_conflict(tx.connection, command.conflict_id)
    if conflict is None:
        raise Refusal(submission_refusals.CONFLICT_NOT_FOUND)
    if conflict.submitted_by == tx.principal.subject:
        raise Refusal(submission_refusals.CONFLICT_OWN)
    inspection = await inspection_store.lock_inspection(tx.connection, conflict.inspection_id)
    if inspection is None:
        raise Refusal(refusals.INSPECTION_NOT_FOUND)
    conflict = await store.find_conflict(tx.connection, command.conflict_id) or conflict
    if conflict.decision is not None:
        raise Refusal(submission_refusals.CONFLICT_RESOLVED)
    if "submission_id" in command.model_fields_set:
        require_seen(command.submission_id, inspection)
    inspection_id, submission_id = inspection.inspection_id, None
    if command.decision is ConflictDecision.TAKE_OTHER:
        inspection_id, submission_id = await _take(conflict, inspection, command.reason, tx)
    settled = await store.settle_conflict(
        tx.connection,
        conflict.conflict_id,
        command.decision,
        command.reason,
        tx.principal.subject,
        tx.now,
        submission_id,
    )
    if not settled:
        raise Refusal(submission_refusals.CONFLICT_RESOLVED)
    return SubmissionConflictResolved(
        conflict_id=conflict.conflict_id,
        decision=command.decision,
        inspection_id=inspection_id,
        submission_id=submission_id,
    )


async def read_conflict(connection: Connection, conflict_id: UUID) -> ConflictDetail:
    """A conflict with both contents. Raises Refusal: no such conflict in the caller's counties."""
    conflict = await store.find_conflict(connection, conflict_id)
    if conflict is None:
        raise Refusal(submission_refusals.CONFLICT_NOT_FOUND)
    first = None
    if conflict.first_submission_id is not None:
        received = await submission_store.find_content(connection, conflict.first_submission_id)
        first = _comparable(SubmitInspection.model_validate_json(received)) if received else None
    content = _comparable(SubmitInspection.model_validate(conflict.content))
    return ConflictDetail(
        conflict_id=conflict.conflict_id,
        inspection_id=conflict.inspection_id,
        county=conflict.county,
        ground=conflict.ground,
        instance_id=conflict.instance_id,
        channel=conflict.channel,
        submitted_by=conflict.submitted_by,
        received_at=conflict.received_at,
        content=content,
        first=first,
        differing=_differing(first, content) if first else [],
        decision=conflict.decision,
        resolved_by=conflict.resolved_by,
        resolved_at=conflict.resolved_at,
        reason=conflict.reason,
    )


async def _take(conflict: Conflict, inspection: Inspection, reason: str, tx: Transaction) -> tuple[UUID, UUID]:
    """The inspection that now holds the taken submission, and the submission."""
    command = SubmitInspection.model_validate(conflict.content)
    inspection_id = inspection.inspection_id
    if inspection.state not in NOT_YET_REVIEWED:
        further = ScheduleInspection(
            warehouse_id=inspection.warehouse_id, inspector=conflict.submitted_by, due_on=office_date(tx.now)
        )
        inspection_id = (await schedule_inspection(further, tx)).inspection_id
    elif inspection.inspector != conflict.submitted_by:
        await hand_over(inspection, conflict.submitted_by, reason, tx)
    submission = new_submission(
        command, inspection_id, inspection, conflict.submitted_by, tx, conflict_id=conflict.conflict_id
    )
    await keep_submission(submission, command, tx)
    await submission_store.set_submitted(tx.connection, inspection_id, submission.submission_id)
    return inspection_id, submission.submission_id


def _comparable(command: SubmitInspection) -> dict[str, Any]:
    """What a submission says, so that two that say the same are equal."""
    document = command.model_dump(mode="json", include=set(_COMPARED))
    document["inspected_at"] = command.inspected_at.astimezone(UTC).isoformat()
    document["items"] = sorted(document["items"], key=lambda given: str(given["item"]))
    document["photos"] = sorted(command.photos)
    return document


def _differing(first: dict[str, Any], content: dict[str, Any]) -> list[str]:
    return [name for name in _COMPARED if first.get(name) != content.get(name)]
