"""What comes from the field for an inspection is taken once, whoever sends it how often; a contradiction is kept."""

import hashlib
import json
from datetime import UTC
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import submission_refusals
from services.warehouse.domain.inspection import Findings, ItemAnswer, ItemResult, check_submission
from services.warehouse.domain.submission import CONFLICT_REFUSALS, ConflictGround, Place, Standing, check_edit, place
from services.warehouse.handlers.inspections import lock_for_submitter
from services.warehouse.handlers.messages import SubmitInspection
from services.warehouse.handlers.photos import attach_pending
from services.warehouse.handlers.submission_messages import SubmissionReceived
from services.warehouse.store import conflicts as conflict_store
from services.warehouse.store import submissions as store
from services.warehouse.store.conflicts import Conflict
from services.warehouse.store.inspections import Inspection
from services.warehouse.store.photos import missing_photos
from services.warehouse.store.submissions import ReceivedBefore, Submission
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction

_TRANSPORT = {"channel", "form_version", "checklist_version", "on_behalf_of"}
"""How a submission came; the same content is the same submission, whichever way it comes."""


async def submit_inspection(command: SubmitInspection, tx: Transaction) -> SubmissionReceived:
    """Take what came from the field. The same content under the same instance id is the same submission, whenever it
    comes; what contradicts it is kept as a conflict, which the answer names.

    Raises Refusal: no such inspection, never assigned to the submitter, impossible content.
    """
    submitter = command.on_behalf_of or tx.principal.subject
    inspection = await lock_for_submitter(command.inspection_id, submitter, tx)
    content_sha256 = content_hash(command)
    received = await store.list_received(tx.connection, command.instance_id)
    for earlier in received:
        if (earlier.content_sha256, earlier.submitted_by) == (content_sha256, submitter):
            return await _received(earlier, tx)
    conflict = await conflict_store.find_received(
        tx.connection, inspection.inspection_id, command.instance_id, content_sha256
    )
    if conflict is not None:
        return _conflicting(conflict)
    check_edit(command.instance_id, command.deprecated_id)
    answers = answers_of(command)
    check_submission(findings_of(command), answers, command.photos, command.inspected_at, tx.now)
    submission = new_submission(command, inspection.inspection_id, inspection, submitter, tx)
    placed = place(await _standing(command, inspection, submitter, received, tx))
    if not isinstance(placed, ConflictGround) and not await keep_submission(submission, command, tx):
        placed = ConflictGround.OTHER_CONTENT
    if isinstance(placed, ConflictGround):
        first = received[0].submission_id if received else inspection.submission_id
        return await _keep_conflict(placed, command, submission, first, tx)
    if placed is Place.TO_REVIEW:
        await store.set_submitted(tx.connection, inspection.inspection_id, submission.submission_id)
    return await _received(submission, tx)


async def keep_submission(submission: Submission, command: SubmitInspection, tx: Transaction) -> bool:
    """Keep a submission with its answers and the pictures that came before it; False if its instance id is taken."""
    if not await store.insert_submission(tx.connection, submission):
        return False
    answers = answers_of(command)
    await store.insert_answers(tx.connection, submission.submission_id, submission.county, answers)
    await store.insert_photo_names(tx.connection, submission.submission_id, submission.county, answers, command.photos)
    await attach_pending(tx, submission)
    return True


def new_submission(
    command: SubmitInspection,
    inspection_id: UUID,
    inspection: Inspection,
    submitter: str,
    tx: Transaction,
    conflict_id: UUID | None = None,
) -> Submission:
    """The submission that `command` makes for an inspection in the county of `inspection`."""
    sender = tx.principal.subject
    return Submission(
        submission_id=uuid7(),
        instance_id=command.instance_id,
        content_sha256=content_hash(command),
        inspection_id=inspection_id,
        county=inspection.county,
        checklist_version=command.checklist_version,
        inspected_at=command.inspected_at,
        findings=findings_of(command),
        suspicion=command.suspicion,
        submitted_by=submitter,
        submitted_at=tx.now,
        channel=command.channel,
        form_version=command.form_version,
        deprecated_id=command.deprecated_id,
        sent_by=None if conflict_id or sender == submitter else sender,
        conflict_id=conflict_id,
        content=command.model_dump_json(),
    )


def findings_of(command: SubmitInspection) -> Findings:
    return Findings(**dict(command.found))


def answers_of(command: SubmitInspection) -> list[ItemAnswer]:
    """The answers; a severity without a fail is dropped."""
    return [
        ItemAnswer(
            given.item, given.result, given.severity if given.result is ItemResult.FAIL else None, tuple(given.photos)
        )
        for given in command.items
    ]


def content_hash(command: SubmitInspection) -> str:
    """SHA-256 (hex) of what the submission says: figures as rounded, the moment in UTC, items and photos in any order."""
    content = command.model_dump(mode="json", exclude={"items", "instance_id", "inspected_at"} | _TRANSPORT)
    content["inspected_at"] = command.inspected_at.astimezone(UTC).isoformat()
    content["items"] = sorted(
        [given.item, given.result, given.severity or "", *sorted(given.photos)] for given in command.items
    )
    content["photos"] = sorted(command.photos)
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def raise_conflict(received: SubmissionReceived) -> None:
    """Say a conflict that is already kept. Raises Refusal when there is one; called when the transaction has committed."""
    if received.conflict_id is None or received.ground is None:
        return
    reason = submission_refusals.CONFLICT_SETTLED if received.is_settled else CONFLICT_REFUSALS[received.ground]
    raise Refusal(reason, conflict_id=str(received.conflict_id))


def require_seen(seen: UUID | None, inspection: Inspection) -> None:
    """Refuse a decision about a submission in whose place another one has come. Raises Refusal."""
    if seen != inspection.submission_id:
        raise Refusal(submission_refusals.SUBMISSION_CHANGED)


async def require_no_conflict(inspection_id: UUID, tx: Transaction) -> None:
    """Refuse an approval while another submission contradicts the one under review. Raises Refusal."""
    conflict_id = await conflict_store.find_open_conflict(tx.connection, inspection_id)
    if conflict_id is not None:
        raise Refusal(submission_refusals.CONFLICT_OPEN, conflict_id=str(conflict_id))


async def _received(kept: Submission | ReceivedBefore, tx: Transaction) -> SubmissionReceived:
    return SubmissionReceived(
        inspection_id=kept.inspection_id,
        received_at=kept.submitted_at,
        submission_id=kept.submission_id,
        missing_photos=await missing_photos(tx.connection, kept.submission_id),
    )


async def _standing(
    command: SubmitInspection, inspection: Inspection, submitter: str, received: list[ReceivedBefore], tx: Transaction
) -> Standing:
    deprecated = command.deprecated_id
    current = inspection.submission_id and await store.get_instance_id(tx.connection, inspection.submission_id)
    replaced = await store.list_received(tx.connection, deprecated) if deprecated else []
    return Standing(
        state=inspection.state,
        is_assigned=inspection.inspector == submitter,
        instance_known=bool(received),
        edited_already=await store.has_been_edited(
            tx.connection, inspection.inspection_id, command.instance_id, submitter
        ),
        edits_current=deprecated is not None and deprecated == current,
        edits_other_inspection=any(one.inspection_id != inspection.inspection_id for one in replaced),
    )


async def _keep_conflict(
    ground: ConflictGround, command: SubmitInspection, submission: Submission, first: UUID | None, tx: Transaction
) -> SubmissionReceived:
    conflict = Conflict(
        conflict_id=uuid7(),
        inspection_id=submission.inspection_id,
        county=submission.county,
        ground=ground,
        instance_id=submission.instance_id,
        content_sha256=submission.content_sha256,
        content=command.model_dump(mode="json"),
        channel=submission.channel,
        submitted_by=submission.submitted_by,
        received_at=tx.now,
        first_submission_id=first,
    )
    await conflict_store.keep_conflict(tx.connection, conflict)
    return _conflicting(conflict)


def _conflicting(kept: Conflict) -> SubmissionReceived:
    return SubmissionReceived(
        inspection_id=kept.inspection_id,
        received_at=kept.received_at,
        conflict_id=kept.conflict_id,
        ground=kept.ground,
        is_settled=kept.decision is not None,
    )
