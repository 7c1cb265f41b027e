"""Inspections are assigned, given to another inspector, postponed; what they were before stays."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import planning_refusals, refusals
from services.warehouse.domain.inspection import InspectionState, check_assignable
from services.warehouse.domain.recount import check_recounter
from services.warehouse.domain.risk import POSTPONED_DAYS_MAX, next_due_on
from services.warehouse.handlers.messages import InspectionScheduledAnswer, ScheduleInspection
from services.warehouse.handlers.planning_messages import InspectionChanged, PostponeInspection, ReassignInspection
from services.warehouse.store import follow_ups as follow_up_store
from services.warehouse.store import inspections as store
from services.warehouse.store import planning as planning_store
from services.warehouse.store import recounts as recount_store
from services.warehouse.store.inspections import Assignment, Inspection, SiteForInspection
from services.warehouse.store.planning import AssignmentChange
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import InspectionPostponed, InspectionReassigned, InspectionScheduled
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


async def schedule_inspection(command: ScheduleInspection, tx: Transaction) -> InspectionScheduledAnswer:
    """Assign an inspection of a site; of one whose count is to be repeated, it is the recount. Raises Refusal: no such
    site, an inspection open, a due day in the past, a recount by an inspector whose count it repeats."""
    site = await store.lock_site(tx.connection, command.warehouse_id)
    if site is None:
        raise Refusal(refusals.WAREHOUSE_NOT_FOUND)
    if await store.has_open_inspection(tx.connection, site.warehouse_id):
        raise Refusal(refusals.INSPECTION_ALREADY_OPEN)
    recount = (await recount_store.lock_waiting(tx.connection, [site.warehouse_id])).get(site.warehouse_id)
    if recount:
        check_recounter(command.inspector, recount.not_by)
    today = office_date(tx.now)
    if command.due_on is not None and command.due_on < today:
        raise Refusal(refusals.INSPECTION_DUE_IN_PAST, today=today.isoformat())
    due_on = command.due_on or (max(today, recount.due_on) if recount else await plan_next_due(site, tx))
    assignment = Assignment(
        uuid7(),
        site.warehouse_id,
        site.county,
        command.inspector,
        due_on,
        recount.first_inspection_id if recount else None,
    )
    await assign_inspections([assignment], tx)
    return InspectionScheduledAnswer(
        inspection_id=assignment.inspection_id, due_on=due_on, county=site.county, state=InspectionState.ASSIGNED
    )


async def assign_inspections(assignments: Sequence[Assignment], tx: Transaction) -> None:
    """Assign inspections of sites that the caller has locked and found free, and say so."""
    await store.insert_inspections(tx.connection, assignments, tx.principal.subject, tx.now)
    recounts = [(given.recount_of, given) for given in assignments if given.recount_of is not None]
    if recounts:
        await recount_store.set_assigned(
            tx.connection,
            [first for first, _ in recounts],
            [given.inspection_id for _, given in recounts],
            [given.inspector for _, given in recounts],
        )
    await tx.publish_many(
        [
            InspectionScheduled(
                inspection_id=given.inspection_id,
                warehouse_id=given.warehouse_id,
                county=given.county,
                due_on=given.due_on,
                recount_of=given.recount_of,
            )
            for given in assignments
        ]
    )


async def reassign_inspection(command: ReassignInspection, tx: Transaction) -> InspectionChanged:
    """Give an inspection that waits for its inspector to another one; to the same one, nothing changes.

    Raises Refusal: no such inspection, submitted or completed, a recount by an inspector whose count it repeats.
    """
    inspection = await _lock_assignable(command.inspection_id, tx)
    if command.inspector == inspection.inspector:
        return _changed(inspection, inspection.inspector, inspection.due_on)
    await hand_over(inspection, command.inspector, command.reason, tx)
    return _changed(inspection, command.inspector, inspection.due_on)


async def lock_for_submitter(inspection_id: UUID, submitter: str, tx: Transaction) -> Inspection:
    """The inspection, locked for what its inspector, or one who was it before, sends. Raises Refusal: no such inspection,
    never the submitter's."""
    inspection = await store.lock_inspection(tx.connection, inspection_id)
    if inspection is None:
        raise Refusal(refusals.INSPECTION_NOT_FOUND)
    if inspection.inspector != submitter and not await planning_store.has_been_assigned(
        tx.connection, inspection.inspection_id, submitter
    ):
        raise Refusal(refusals.SUBMISSION_NOT_ASSIGNED)
    return inspection


async def hand_over(inspection: Inspection, inspector: str, reason: str, tx: Transaction) -> None:
    """Make an inspection another inspector's, with its history. Raises Refusal: a recount by whose count it repeats."""
    recount = await recount_store.lock_made_by(tx.connection, inspection.inspection_id)
    if recount:
        check_recounter(inspector, recount.not_by)
        await recount_store.set_assigned(
            tx.connection, [recount.first_inspection_id], [inspection.inspection_id], [inspector]
        )
    change = AssignmentChange(uuid7(), "reassigned", inspector, inspection.due_on, reason, tx.principal.subject, tx.now)
    await planning_store.change_assignment(tx.connection, inspection, change)
    await tx.publish(
        InspectionReassigned(
            inspection_id=inspection.inspection_id,
            warehouse_id=inspection.warehouse_id,
            county=inspection.county,
            due_on=inspection.due_on,
        )
    )


async def postpone_inspection(command: PostponeInspection, tx: Transaction) -> InspectionChanged:
    """Put an inspection that waits for its inspector off to a later day; to the same one, nothing changes.

    Raises Refusal: no such inspection, submitted or completed, an earlier day, one in the past, one too far away.
    """
    inspection = await _lock_assignable(command.inspection_id, tx)
    if command.due_on == inspection.due_on:
        return _changed(inspection, inspection.inspector, inspection.due_on)
    today = office_date(tx.now)
    if command.due_on < inspection.due_on:
        raise Refusal(planning_refusals.POSTPONED_TO_EARLIER, due_on=inspection.due_on.isoformat())
    if command.due_on < today:
        raise Refusal(refusals.INSPECTION_DUE_IN_PAST, today=today.isoformat())
    latest = today + timedelta(days=POSTPONED_DAYS_MAX)
    if command.due_on > latest:
        raise Refusal(planning_refusals.POSTPONED_TOO_FAR, latest=latest.isoformat())
    change = AssignmentChange(
        uuid7(), "postponed", inspection.inspector, command.due_on, command.reason, tx.principal.subject, tx.now
    )
    await planning_store.change_assignment(tx.connection, inspection, change)
    await tx.publish(
        InspectionPostponed(
            inspection_id=inspection.inspection_id,
            warehouse_id=inspection.warehouse_id,
            county=inspection.county,
            due_on=command.due_on,
            due_on_before=inspection.due_on,
        )
    )
    return _changed(inspection, inspection.inspector, command.due_on)


async def plan_next_due(site: SiteForInspection, tx: Transaction) -> date:
    """Day on which the site's next inspection falls due by its risk class."""
    inspected_on = office_date(site.last_inspected_at) if site.last_inspected_at else None
    discrepancy_open = await follow_up_store.has_open_discrepancy(tx.connection, site.warehouse_id)
    return next_due_on(site.risk_class, office_date(tx.now), inspected_on, discrepancy_open)


async def _lock_assignable(inspection_id: UUID, tx: Transaction) -> Inspection:
    inspection = await store.lock_inspection(tx.connection, inspection_id)
    if inspection is None:
        raise Refusal(refusals.INSPECTION_NOT_FOUND)
    check_assignable(inspection.state)
    return inspection


def _changed(inspection: Inspection, inspector: str, due_on: date) -> InspectionChanged:
    return InspectionChanged(
        inspection_id=inspection.inspection_id, state=inspection.state, inspector=inspector, due_on=due_on
    )
