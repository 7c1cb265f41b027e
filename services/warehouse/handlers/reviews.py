"""A reviewer decides on what came from the field; only an approval counts, and what must follow opens with it."""

from dataclasses import replace
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import refusals
from services.warehouse.domain.corrective_action import due_at
from services.warehouse.domain.inspection import InspectionState, ReviewDecision, check_review, move, referred_to
from services.warehouse.domain.reconciliation import Reconciliation, reconcile
from services.warehouse.handlers.follow_ups import ACTION_OVERDUE
from services.warehouse.handlers.inspections import plan_next_due
from services.warehouse.handlers.messages import InspectionReviewed, ReviewInspection
from services.warehouse.store import follow_ups as follow_up_store
from services.warehouse.store import inspections as store
from services.warehouse.store.follow_ups import FollowUp
from services.warehouse.store.inspections import Inspection, Review, SiteForInspection, Submission
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import (
    ChecklistItem,
    CorrectiveActionOpened,
    DiscrepancyFound,
    InspectionCompleted,
    Severity,
    Verdict,
    WarehousePutOnHold,
)
from shared.kit.transaction import Transaction


async def review_inspection(command: ReviewInspection, tx: Transaction) -> InspectionReviewed:
    """Approve a submission or return it. Raises Refusal: no such inspection, the caller's own, not submitted, no reason."""
    inspection = await store.lock_inspection(tx.connection, command.inspection_id)
    if inspection is None:
        raise Refusal(refusals.INSPECTION_NOT_FOUND)
    check_review(inspection.inspector, tx.principal.subject, command.decision, command.reasons)
    approved = command.decision is ReviewDecision.APPROVE
    state = move(inspection.state, InspectionState.COMPLETED if approved else InspectionState.RETURNED)
    review = Review(uuid7(), command.decision, command.reasons, tx.principal.subject, tx.now)
    await store.insert_review(tx.connection, inspection, review)
    if approved:
        return await _complete(inspection, tx)
    await store.set_returned(tx.connection, inspection.inspection_id)
    return InspectionReviewed(inspection_id=inspection.inspection_id, state=state)


async def _complete(inspection: Inspection, tx: Transaction) -> InspectionReviewed:
    if inspection.submission_id is None:
        raise LookupError(f"inspection {inspection.inspection_id} is submitted without a submission")
    submission = await store.get_submission(tx.connection, inspection.submission_id)
    failed = await store.failed_items(tx.connection, submission.submission_id)
    site = await store.lock_site(tx.connection, inspection.warehouse_id)
    if site is None:
        raise Refusal(refusals.WAREHOUSE_NOT_FOUND)
    outcome = reconcile(site.registered, submission.findings)
    await store.set_completed(tx.connection, inspection.inspection_id, outcome.verdict, tx.principal.subject, tx.now)
    await tx.publish(_completed_event(inspection, submission, site, outcome.verdict, len(failed)))
    discrepancy_id = await _open_discrepancy(inspection, outcome, tx)
    action_ids = [await _open_action(inspection, item, severity, tx) for item, severity in failed]
    hold_id = await _put_on_hold(inspection, submission, tx)
    inspected = replace(site, last_inspected_at=submission.inspected_at)
    await store.set_inspected(tx.connection, inspection, submission, await plan_next_due(inspected, tx))
    return InspectionReviewed(
        inspection_id=inspection.inspection_id,
        state=InspectionState.COMPLETED,
        verdict=outcome.verdict,
        discrepancy_id=discrepancy_id,
        action_ids=action_ids,
        hold_id=hold_id,
    )


def _completed_event(
    inspection: Inspection, submission: Submission, site: SiteForInspection, verdict: Verdict, failed_count: int
) -> InspectionCompleted:
    return InspectionCompleted(
        inspection_id=inspection.inspection_id,
        warehouse_id=inspection.warehouse_id,
        county=inspection.county,
        verdict=verdict,
        is_first_of_site=site.last_inspected_at is None,
        verified_capacity_tonnes=float(submission.findings.capacity_tonnes),
        verified_capacity_tonnes_before=site.verified_capacity_tonnes,
        in_use_capacity_tonnes=float(submission.findings.in_use_capacity_tonnes),
        in_use_capacity_tonnes_before=site.in_use_capacity_tonnes,
        failed_items=failed_count,
        inspected_at=submission.inspected_at,
    )


async def _open_discrepancy(inspection: Inspection, outcome: Reconciliation, tx: Transaction) -> UUID | None:
    if outcome.verdict is Verdict.CONFIRMED:
        return None
    follow_up = _follow_up(inspection)
    await follow_up_store.insert_discrepancy(tx.connection, follow_up, outcome.verdict, outcome.fields, tx.now)
    await tx.publish(
        DiscrepancyFound(
            discrepancy_id=follow_up.id,
            warehouse_id=inspection.warehouse_id,
            inspection_id=inspection.inspection_id,
            county=inspection.county,
            verdict=outcome.verdict,
            fields=outcome.fields,
        )
    )
    return follow_up.id


async def _open_action(inspection: Inspection, item: ChecklistItem, severity: Severity, tx: Transaction) -> UUID:
    follow_up = _follow_up(inspection)
    due = due_at(severity, tx.now)
    fence = await tx.arm_timer(ACTION_OVERDUE, follow_up.id, due - tx.now)
    await follow_up_store.insert_action(tx.connection, follow_up, item, severity, due, fence, tx.now)
    await tx.publish(
        CorrectiveActionOpened(
            action_id=follow_up.id,
            warehouse_id=inspection.warehouse_id,
            inspection_id=inspection.inspection_id,
            county=inspection.county,
            item=item,
            severity=severity,
            due_at=due,
        )
    )
    return follow_up.id


async def _put_on_hold(inspection: Inspection, submission: Submission, tx: Transaction) -> UUID | None:
    if submission.suspicion is None:
        return None
    follow_up = _follow_up(inspection)
    authority = referred_to(submission.suspicion)
    placed = await follow_up_store.insert_hold(
        tx.connection, follow_up, submission.suspicion, authority, tx.principal.subject, tx.now
    )
    if not placed:
        return None
    await tx.publish(
        WarehousePutOnHold(
            hold_id=follow_up.id,
            warehouse_id=inspection.warehouse_id,
            county=inspection.county,
            ground=submission.suspicion,
            referred_to=authority,
        )
    )
    return follow_up.id


def _follow_up(inspection: Inspection) -> FollowUp:
    return FollowUp(uuid7(), inspection.warehouse_id, inspection.inspection_id, inspection.county)
