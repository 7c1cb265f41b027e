"""An inspection is completed: what it found counts, and what must follow opens with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain.calendar import after_working_days
from services.warehouse.domain.inspection import Findings, InspectionState
from services.warehouse.domain.proposal import propose, propose_closing
from services.warehouse.domain.reconciliation import Reconciliation
from services.warehouse.domain.recount import DUE_WORKING_DAYS
from services.warehouse.handlers.follow_ups import open_action, resolve_discrepancy
from services.warehouse.handlers.inspections import plan_next_due
from services.warehouse.handlers.messages import InspectionReviewed, RecountOpened, ResolveDiscrepancy
from services.warehouse.handlers.referrals import put_on_hold
from services.warehouse.public_holidays import PUBLIC_HOLIDAYS
from services.warehouse.store import follow_ups as follow_up_store
from services.warehouse.store import inspections as store
from services.warehouse.store import proposals as proposal_store
from services.warehouse.store import recounts as recount_store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.follow_ups import FollowUp
from services.warehouse.store.history import enter_interval
from services.warehouse.store.inspections import Inspection, SiteForInspection
from services.warehouse.store.recounts import Recount
from services.warehouse.store.submissions import Submission
from shared.contracts.warehouse import ChecklistItem, DiscrepancyFound, InspectionCompleted, Severity, Verdict
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


@dataclass(frozen=True, slots=True)
class Approved:
    """What a person approved. `believed` is the count that holds: of a recount it may be the first one.

    `counted_by` is everybody who counted for this inspection and the one that it repeats.
    """

    inspection: Inspection
    submission: Submission
    site: SiteForInspection
    believed: Findings
    outcome: Reconciliation
    counted_by: Sequence[str]
    recount: Recount | None = None


async def complete(approved: Approved, tx: Transaction) -> InspectionReviewed:
    """Complete an inspection with the verdict of its reconciliation."""
    inspection, submission, outcome = approved.inspection, approved.submission, approved.outcome
    failed = await submission_store.failed_items(tx.connection, submission.submission_id)
    await store.set_completed(tx.connection, inspection.inspection_id, outcome.verdict, tx.principal.subject, tx.now)
    enters_interval = await enter_interval(tx.connection, inspection.warehouse_id)
    await tx.publish(_completed_event(approved, len(failed), enters_interval))
    await _close_recounted(approved.recount, inspection, tx)
    discrepancy_id = await open_discrepancy(inspection, outcome, tx)
    action_ids = [await _open_action(inspection, item, severity, tx) for item, severity in failed]
    hold_id = await hold_on_suspicion(inspection, submission, tx)
    proposal_ids = await _propose_changes(approved, tx)
    recount = await _open_recount(approved, tx)
    inspected = replace(approved.site, last_inspected_at=submission.inspected_at)
    due_on = await plan_next_due(inspected, tx)
    capacity_tonnes, in_use_capacity_tonnes = _counted(approved)
    await store.set_inspected(
        tx.connection,
        inspection,
        capacity_tonnes,
        in_use_capacity_tonnes,
        submission.inspected_at,
        min(due_on, recount.due_on) if recount else due_on,
    )
    return InspectionReviewed(
        inspection_id=inspection.inspection_id,
        state=InspectionState.COMPLETED,
        verdict=outcome.verdict,
        discrepancy_id=discrepancy_id,
        action_ids=action_ids,
        hold_id=hold_id,
        proposal_ids=proposal_ids,
        recount=recount,
    )


async def open_discrepancy(inspection: Inspection, outcome: Reconciliation, tx: Transaction) -> UUID | None:
    """Open a discrepancy, unless the inspection confirms the register; returns its id."""
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


async def hold_on_suspicion(inspection: Inspection, submission: Submission, tx: Transaction) -> UUID | None:
    """Put the site on hold if the inspector suspects something and it is not on hold on that ground already."""
    if submission.suspicion is None:
        return None
    return await put_on_hold(
        inspection.warehouse_id,
        inspection.county,
        submission.suspicion,
        tx,
        inspection_id=inspection.inspection_id,
    )


def _counted(approved: Approved) -> tuple[Decimal, Decimal]:
    """Capacity and capacity in use that count for the site: of one registered twice, nothing counts twice."""
    if approved.outcome.verdict is Verdict.DUPLICATE:
        return Decimal(0), Decimal(0)
    return approved.believed.capacity_tonnes, approved.believed.in_use_capacity_tonnes


def _completed_event(approved: Approved, failed_count: int, enters_interval: bool) -> InspectionCompleted:
    site = approved.site
    capacity_tonnes, in_use_capacity_tonnes = _counted(approved)
    return InspectionCompleted(
        inspection_id=approved.inspection.inspection_id,
        warehouse_id=approved.inspection.warehouse_id,
        county=approved.inspection.county,
        verdict=approved.outcome.verdict,
        is_first_of_site=site.last_inspected_at is None,
        verified_capacity_tonnes=float(capacity_tonnes),
        verified_capacity_tonnes_before=site.verified_capacity_tonnes,
        in_use_capacity_tonnes=float(in_use_capacity_tonnes),
        in_use_capacity_tonnes_before=site.in_use_capacity_tonnes,
        failed_items=failed_count,
        inspected_at=approved.submission.inspected_at,
        enters_interval=enters_interval,
    )


async def _open_action(inspection: Inspection, item: ChecklistItem, severity: Severity, tx: Transaction) -> UUID:
    follow_up = _follow_up(inspection)
    await open_action(follow_up, item, severity, tx)
    return follow_up.id


async def _close_recounted(recount: Recount | None, inspection: Inspection, tx: Transaction) -> None:
    """The first count asked for this one; what is open now is what this one found."""
    if recount is None:
        return
    discrepancy_id = await follow_up_store.find_open_discrepancy(tx.connection, recount.first_inspection_id)
    if discrepancy_id is not None:
        reason = f"بازشماری انجام شد: بازرسی {inspection.inspection_id}"
        await resolve_discrepancy(ResolveDiscrepancy(discrepancy_id=discrepancy_id, reason=reason), tx)


async def _propose_changes(approved: Approved, tx: Transaction) -> list[UUID]:
    inspection, verdict = approved.inspection, approved.outcome.verdict
    await proposal_store.supersede(tx.connection, inspection.warehouse_id)
    match verdict:
        case Verdict.DUPLICATE:
            changes = propose_closing(approved.site.registered)
        case Verdict.DIFFERS | Verdict.MOVED | Verdict.CLOSED:
            changes = propose(approved.site.registered, approved.believed, approved.outcome.fields)
        case _:
            return []
    proposal_ids: list[UUID] = []
    for change in changes:
        follow_up = _follow_up(inspection)
        await proposal_store.insert_proposal(tx.connection, follow_up, change, verdict, approved.counted_by, tx.now)
        proposal_ids.append(follow_up.id)
    return proposal_ids


async def _open_recount(approved: Approved, tx: Transaction) -> RecountOpened | None:
    if approved.outcome.verdict is not Verdict.NEEDS_RECOUNT:
        return None
    inspection = approved.inspection
    due_on = office_date(after_working_days(tx.now, DUE_WORKING_DAYS, PUBLIC_HOLIDAYS))
    not_by = list(approved.counted_by)
    await recount_store.insert_recount(
        tx.connection,
        inspection.inspection_id,
        inspection.warehouse_id,
        inspection.county,
        due_on,
        not_by,
        tx.now,
    )
    return RecountOpened(recount_id=inspection.inspection_id, due_on=due_on, not_by=not_by)


def _follow_up(inspection: Inspection) -> FollowUp:
    return FollowUp(uuid7(), inspection.warehouse_id, inspection.inspection_id, inspection.county)
