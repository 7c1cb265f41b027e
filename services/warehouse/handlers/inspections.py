"""An inspection from its assignment to the field's submission."""

import hashlib
import json
from datetime import UTC, date

from uuid_utils.compat import uuid7

from services.warehouse.domain import refusals
from services.warehouse.domain.calendar import office_date
from services.warehouse.domain.inspection import (
    CHECKLIST_VERSION,
    Findings,
    InspectionState,
    ItemAnswer,
    ItemResult,
    check_submission,
    move,
)
from services.warehouse.domain.risk import next_due_on
from services.warehouse.handlers.messages import (
    InspectionScheduledAnswer,
    InspectionSubmitted,
    ScheduleInspection,
    SubmitInspection,
)
from services.warehouse.store import follow_ups as follow_up_store
from services.warehouse.store import inspections as store
from services.warehouse.store.inspections import SiteForInspection, Submission
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import InspectionScheduled
from shared.kit.transaction import Transaction


async def schedule_inspection(command: ScheduleInspection, tx: Transaction) -> InspectionScheduledAnswer:
    """Assign an inspection of a site. Raises Refusal: no such site, an inspection open, a due day in the past, a recount
    by the inspector whose count it repeats."""
    site = await store.lock_site(tx.connection, command.warehouse_id)
    if site is None:
        raise Refusal(refusals.WAREHOUSE_NOT_FOUND)
    if await store.has_open_inspection(tx.connection, site.warehouse_id):
        raise Refusal(refusals.INSPECTION_ALREADY_OPEN)
    await _check_recount(command, site, tx)
    today = office_date(tx.now)
    if command.due_on is not None and command.due_on < today:
        raise Refusal(refusals.INSPECTION_DUE_IN_PAST, today=today.isoformat())
    due_on = command.due_on or await plan_next_due(site, tx)
    inspection_id = uuid7()
    await store.insert_inspection(
        tx.connection, inspection_id, site, due_on, command.inspector, tx.principal.subject, tx.now
    )
    await tx.publish(
        InspectionScheduled(
            inspection_id=inspection_id, warehouse_id=site.warehouse_id, county=site.county, due_on=due_on
        )
    )
    return InspectionScheduledAnswer(
        inspection_id=inspection_id, due_on=due_on, county=site.county, state=InspectionState.ASSIGNED
    )


async def submit_inspection(command: SubmitInspection, tx: Transaction) -> InspectionSubmitted:
    """Take what came from the field. The same content under the same instance id is the same submission, whenever it
    comes. Raises Refusal: no such inspection, not assigned to the caller, impossible content, conflict, wrong state."""
    inspection = await store.lock_inspection(tx.connection, command.inspection_id)
    if inspection is None:
        raise Refusal(refusals.INSPECTION_NOT_FOUND)
    if inspection.inspector != tx.principal.subject:
        raise Refusal(refusals.SUBMISSION_NOT_ASSIGNED)
    answer = InspectionSubmitted(inspection_id=inspection.inspection_id, state=InspectionState.SUBMITTED)
    content_sha256 = content_hash(command)
    received = await store.find_content_sha256(tx.connection, command.instance_id)
    if received == content_sha256:
        return answer
    if received is not None:
        raise Refusal(refusals.SUBMISSION_CONFLICT)
    findings = Findings(**dict(command.found))
    answers = [
        ItemAnswer(given.item, given.result, given.severity if given.result is ItemResult.FAIL else None)
        for given in command.items
    ]
    check_submission(findings, answers, command.inspected_at, tx.now)
    move(inspection.state, InspectionState.SUBMITTED)
    submission = Submission(
        submission_id=uuid7(),
        instance_id=command.instance_id,
        content_sha256=content_sha256,
        inspection_id=inspection.inspection_id,
        county=inspection.county,
        checklist_version=CHECKLIST_VERSION,
        inspected_at=command.inspected_at,
        findings=findings,
        suspicion=command.suspicion,
        submitted_by=tx.principal.subject,
        submitted_at=tx.now,
    )
    if not await store.insert_submission(tx.connection, submission):
        raise Refusal(refusals.SUBMISSION_CONFLICT)
    await store.insert_answers(tx.connection, submission.submission_id, inspection.county, answers)
    await store.set_submitted(tx.connection, inspection.inspection_id, submission.submission_id)
    return answer


def content_hash(command: SubmitInspection) -> str:
    """SHA-256 (hex) of what the submission says: figures as rounded, the moment in UTC, items in any order."""
    content = command.model_dump(mode="json", exclude={"items", "instance_id", "inspected_at"})
    content["inspected_at"] = command.inspected_at.astimezone(UTC).isoformat()
    content["items"] = sorted([given.item, given.result, given.severity or ""] for given in command.items)
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def plan_next_due(site: SiteForInspection, tx: Transaction) -> date:
    """Day on which the site's next inspection falls due by its risk class."""
    inspected_on = office_date(site.last_inspected_at) if site.last_inspected_at else None
    discrepancy_open = await follow_up_store.has_open_discrepancy(tx.connection, site.warehouse_id)
    return next_due_on(site.risk_class, office_date(tx.now), inspected_on, discrepancy_open)


async def _check_recount(command: ScheduleInspection, site: SiteForInspection, tx: Transaction) -> None:
    if site.last_completed_inspection_id is None:
        return
    recounted = await store.find_recounted_inspector(tx.connection, site.last_completed_inspection_id)
    if recounted == command.inspector:
        raise Refusal(refusals.RECOUNT_BY_ANOTHER)
