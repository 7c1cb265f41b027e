"""Sites that inspectors find and the register does not have: proposed from the field, decided by a person."""

import hashlib
import json
from datetime import UTC
from decimal import Decimal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import proposal_refusals as refusals
from services.warehouse.domain import refusals as general_refusals
from services.warehouse.domain.inspection import (
    CHECKLIST_VERSION,
    PHONE_CLOCK_AHEAD_MAX,
    Findings,
    InspectionState,
    ReviewDecision,
)
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.proposal import PROVISIONAL_PREFIX, FoundSiteState, check_decider
from services.warehouse.domain.reconciliation import Reconciliation
from services.warehouse.domain.registry_row import LATITUDE_RANGE_DEG, LONGITUDE_RANGE_DEG
from services.warehouse.domain.risk import next_due_on, risk_class
from services.warehouse.domain.site import Site
from services.warehouse.handlers.completion import open_discrepancy
from services.warehouse.handlers.proposal_messages import (
    DecideFoundSite,
    FoundSiteDecided,
    FoundSiteReported,
    ReportFoundSite,
)
from services.warehouse.handlers.record_events import registered_event
from services.warehouse.store import found_sites as store
from services.warehouse.store import inspections as inspection_store
from services.warehouse.store import registry as registry_store
from services.warehouse.store import reviews as review_store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.found_sites import FoundSite
from services.warehouse.store.history import enter_interval
from services.warehouse.store.inspections import Inspection, Review, SiteForInspection
from services.warehouse.store.proposals import Decision
from services.warehouse.store.registry import SiteToStore
from services.warehouse.store.submissions import Submission
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import InspectionCompleted, Verdict
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


async def report_found_site(command: ReportFoundSite, tx: Transaction) -> FoundSiteReported:
    """Take what an inspector found. The same content under the same instance id is the same report, whenever it comes.

    Raises Refusal: found in the future, outside the province, other content under the same instance id.
    """
    if command.found_at > tx.now + PHONE_CLOCK_AHEAD_MAX:
        raise Refusal(general_refusals.SUBMISSION_IN_FUTURE)
    if not _is_in_province(command.latitude, command.longitude):
        raise Refusal(refusals.FOUND_SITE_OUTSIDE_PROVINCE)
    site = _found_site(command, tx)
    if await store.insert_found_site(tx.connection, site, tx.now):
        return FoundSiteReported(unregistered_site_id=site.unregistered_site_id, state=site.state)
    received = await store.find_received(tx.connection, command.instance_id)
    if received is None or (received.content_sha256, received.found_by) != (site.content_sha256, site.found_by):
        raise Refusal(refusals.FOUND_SITE_CONFLICT)
    return FoundSiteReported(unregistered_site_id=received.unregistered_site_id, state=received.state)


async def decide_found_site(command: DecideFoundSite, tx: Transaction) -> FoundSiteDecided:
    """Make the found site a record of its own, or the visit of a registered one, or nothing.

    Raises Refusal: no such report, decided before, found by the caller, no reason, a duplicate of nothing.
    """
    found = await store.lock_found_site(tx.connection, command.unregistered_site_id)
    if found is None:
        raise Refusal(refusals.FOUND_SITE_NOT_FOUND)
    if found.state is not FoundSiteState.PROPOSED:
        raise Refusal(refusals.PROPOSAL_DECIDED, state=found.state.value)
    check_decider(tx.principal.subject, [found.found_by])
    if command.decision != "accept" and command.reason is None:
        raise Refusal(refusals.PROPOSAL_REASON_MISSING)
    if (command.decision == "duplicate") != (command.duplicate_of is not None):
        raise Refusal(refusals.FOUND_SITE_DUPLICATE_UNKNOWN)
    if command.decision == "accept":
        decided = await _register(found, tx)
    elif command.duplicate_of is not None:
        decided = await _mark_duplicate(found, command.duplicate_of, tx)
    else:
        decided = FoundSiteDecided(unregistered_site_id=found.unregistered_site_id, state=FoundSiteState.REJECTED)
    await store.set_found_site(
        tx.connection,
        found.unregistered_site_id,
        decided.state,
        Decision(command.reason, tx.principal.subject, tx.now),
        decided.warehouse_id,
        decided.inspection_id,
    )
    return decided


def _found_site(command: ReportFoundSite, tx: Transaction) -> FoundSite:
    content = command.model_dump(mode="json", exclude={"instance_id", "found_at"})
    content["found_at"] = command.found_at.astimezone(UTC).isoformat()
    content["photos"] = sorted(command.photos)
    return FoundSite(
        unregistered_site_id=uuid7(),
        instance_id=command.instance_id,
        content_sha256=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        county=command.county,
        name=command.name,
        found=Findings(
            command.capacity_tonnes,
            command.in_use_capacity_tonnes,
            command.floor_area_m2,
            command.kind,
            command.operating,
            command.latitude,
            command.longitude,
            command.operator_id,
        ),
        photos=tuple(sorted(command.photos)),
        found_by=tx.principal.subject,
        found_at=command.found_at,
    )


def _is_in_province(latitude: Decimal, longitude: Decimal) -> bool:
    south, north = LATITUDE_RANGE_DEG
    west, east = LONGITUDE_RANGE_DEG
    return south <= latitude <= north and west <= longitude <= east


async def _register(found: FoundSite, tx: Transaction) -> FoundSiteDecided:
    """The find becomes a record with a provisional id, and the visit its first inspection. The checklist was not gone
    through, so the next inspection is due as for a site that was never inspected."""
    warehouse_id, figures = uuid7(), found.found
    site = _new_record(found, warehouse_id)
    due_on = next_due_on(site.risk_class, office_date(tx.now), None, discrepancy_open=True)
    await registry_store.insert_sites(tx.connection, [SiteToStore(warehouse_id, site, due_on)])
    await tx.publish(registered_event(warehouse_id, site))
    inspection = await _complete_visit(found, warehouse_id, Verdict.UNREGISTERED_FOUND, tx)
    enters_interval = await enter_interval(tx.connection, warehouse_id)
    await tx.publish(
        InspectionCompleted(
            inspection_id=inspection.inspection_id,
            warehouse_id=warehouse_id,
            county=found.county,
            verdict=Verdict.UNREGISTERED_FOUND,
            is_first_of_site=True,
            verified_capacity_tonnes=float(figures.capacity_tonnes),
            verified_capacity_tonnes_before=0.0,
            in_use_capacity_tonnes=float(figures.in_use_capacity_tonnes),
            in_use_capacity_tonnes_before=0.0,
            failed_items=0,
            inspected_at=found.found_at,
            enters_interval=enters_interval,
        )
    )
    outcome = Reconciliation(Verdict.UNREGISTERED_FOUND, ("registry_id",))
    discrepancy_id = await open_discrepancy(inspection, outcome, tx)
    await inspection_store.set_inspected(
        tx.connection,
        inspection,
        figures.capacity_tonnes,
        figures.in_use_capacity_tonnes,
        found.found_at,
        due_on,
    )
    return FoundSiteDecided(
        unregistered_site_id=found.unregistered_site_id,
        state=FoundSiteState.ACCEPTED,
        warehouse_id=warehouse_id,
        registry_id=site.registry_id,
        inspection_id=inspection.inspection_id,
        discrepancy_id=discrepancy_id,
    )


async def _mark_duplicate(found: FoundSite, warehouse_id: UUID, tx: Transaction) -> FoundSiteDecided:
    """The visit is kept with the registered site; its figures count for nothing, because nobody went through it there."""
    site = await inspection_store.lock_site(tx.connection, warehouse_id)
    if site is None or site.county is not found.county:
        raise Refusal(refusals.FOUND_SITE_DUPLICATE_UNKNOWN)
    inspection = await _complete_visit(found, warehouse_id, Verdict.DUPLICATE, tx)
    await tx.publish(_nothing_counted(inspection, site, found))
    return FoundSiteDecided(
        unregistered_site_id=found.unregistered_site_id,
        state=FoundSiteState.DUPLICATE,
        warehouse_id=warehouse_id,
        inspection_id=inspection.inspection_id,
    )


def _nothing_counted(inspection: Inspection, site: SiteForInspection, found: FoundSite) -> InspectionCompleted:
    return InspectionCompleted(
        inspection_id=inspection.inspection_id,
        warehouse_id=inspection.warehouse_id,
        county=inspection.county,
        verdict=Verdict.DUPLICATE,
        is_first_of_site=False,
        verified_capacity_tonnes=site.verified_capacity_tonnes,
        verified_capacity_tonnes_before=site.verified_capacity_tonnes,
        in_use_capacity_tonnes=site.in_use_capacity_tonnes,
        in_use_capacity_tonnes_before=site.in_use_capacity_tonnes,
        failed_items=0,
        inspected_at=found.found_at,
    )


def _new_record(found: FoundSite, warehouse_id: UUID) -> Site:
    figures = found.found
    return Site(
        registry_id=f"{PROVISIONAL_PREFIX}{warehouse_id.hex[-16:]}",
        county=found.county,
        name=found.name,
        kind=figures.kind,
        capacity_tonnes=figures.capacity_tonnes,
        floor_area_m2=figures.floor_area_m2,
        status=SiteStatus.ACTIVE if figures.operating else SiteStatus.INACTIVE,
        risk_class=risk_class(figures.kind, figures.capacity_tonnes),
        latitude=figures.latitude,
        longitude=figures.longitude,
        operator_id=figures.operator_id,
    )


async def _complete_visit(found: FoundSite, warehouse_id: UUID, verdict: Verdict, tx: Transaction) -> Inspection:
    """The visit as a completed inspection: found by one person, approved by who decides."""
    inspection_id, submission_id = uuid7(), uuid7()
    submission = Submission(
        submission_id=submission_id,
        instance_id=f"unregistered-site:{found.unregistered_site_id}",
        content_sha256=found.content_sha256,
        inspection_id=inspection_id,
        county=found.county,
        checklist_version=CHECKLIST_VERSION,
        inspected_at=found.found_at,
        findings=found.found,
        suspicion=None,
        submitted_by=found.found_by,
        submitted_at=tx.now,
    )
    inspection = Inspection(
        inspection_id,
        warehouse_id,
        found.county,
        InspectionState.COMPLETED,
        found.found_by,
        submission_id,
        office_date(found.found_at),
    )
    await review_store.insert_completed(tx.connection, inspection, verdict, tx.principal.subject, tx.now)
    await submission_store.insert_submission(tx.connection, submission)
    review = Review(uuid7(), ReviewDecision.APPROVE, [], {}, tx.principal.subject, tx.now)
    await inspection_store.insert_review(tx.connection, inspection, review)
    return inspection
