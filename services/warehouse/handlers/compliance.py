"""Passive defence, staff training, and the certificate of compliance: what people record, issue and revoke."""

import secrets
from dataclasses import asdict
from datetime import date, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import compliance_refusals as refusals
from services.warehouse.domain.certificate_code import RANDOM_BYTES, make_code, shown_code
from services.warehouse.domain.compliance import (
    ElementState,
    Requirements,
    SiteFacts,
    assess,
    certificate_state,
)
from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.personal_id import holds_personal_id
from services.warehouse.domain.refusals import WAREHOUSE_NOT_FOUND
from services.warehouse.handlers.compliance_messages import (
    Certificate,
    ComplianceShortcoming,
    ComplianceStatus,
    ElementRecord,
    ElementStatus,
    IssueCertificate,
    PassiveDefence,
    RecordElements,
    RecordTraining,
    RevokeCertificate,
    TrainingRecord,
    WithdrawTraining,
)
from services.warehouse.requirements import read_requirements
from services.warehouse.store import compliance as store
from services.warehouse.store import reviews as review_store
from services.warehouse.store.compliance import CertificateRow, ElementRow, SiteOfRecords, TrainingRow
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import ComplianceCertificateIssued, ComplianceCertificateRevoked
from shared.kit.transaction import Connection, Transaction
from shared.persian.calendar import office_date

OFFICER_ROLES = frozenset({"reviewer", "county_chair"})
TRAINING_YEARS_MAX = 10
CERTIFICATE_DAYS_MAX = 366
DAYS_IN_YEAR_MAX = 366


async def record_elements(command: RecordElements, tx: Transaction) -> PassiveDefence:
    """Keep what was seen of passive-defence elements; what says nothing new is not kept again.

    Raises Refusal: no such site, an unknown element, a reason missing or too many, a waiver by an inspector, an
    inspector without an open inspection of the site.
    """
    requirements = read_requirements()
    _check_elements(command, requirements)
    site = await _lock_site(command.warehouse_id, tx)
    await _check_recorder(command, tx)
    before = {row.element: row for row in await store.list_elements(tx.connection, site.warehouse_id)}
    new = [
        ElementRow(
            item.element, item.state, item.reason, command.inspection_id, tx.principal.subject, recorded_at=tx.now
        )
        for item in command.elements
        if not _says_the_same(before.get(item.element), item)
    ]
    await store.insert_elements(tx.connection, site.warehouse_id, [uuid7() for _ in new], new)
    return await passive_defence(tx.connection, site)


async def passive_defence(connection: Connection, site: SiteOfRecords) -> PassiveDefence:
    """Every element that the site needs or of which something is recorded."""
    recorded = {row.element: row for row in await store.list_elements(connection, site.warehouse_id)}
    elements = [
        ElementStatus.model_validate(
            {
                "element": element.key,
                "label_fa": element.label_fa,
                "label_en": element.label_en,
                "required": element.needs.covers(site.risk_class, site.kind),
                **(asdict(recorded[element.key]) if element.key in recorded else {}),
            }
        )
        for element in read_requirements().elements.values()
        if element.key in recorded or element.needs.covers(site.risk_class, site.kind)
    ]
    return PassiveDefence(warehouse_id=site.warehouse_id, elements=elements)


async def record_training(command: RecordTraining, tx: Transaction) -> TrainingRecord:
    """Keep a training of a member of staff; the same one again is the same record.

    Raises Refusal: no such site, an unknown course or role, a national id where a staff number belongs, impossible
    dates, the same certificate with other content.
    """
    _check_training(command, office_date(tx.now))
    await _lock_site(command.warehouse_id, tx)
    record = TrainingRow(
        record_id=uuid7(),
        **dict(command),
        recorded_by=tx.principal.subject,
        recorded_at=tx.now,
    )
    kept = await store.insert_training(tx.connection, record)
    if _content(kept) != _content(record):
        raise Refusal(refusals.TRAINING_CONFLICT)
    return TrainingRecord.model_validate(asdict(kept))


async def withdraw_training(command: WithdrawTraining, tx: Transaction) -> TrainingRecord:
    """Take a training record back, with a reason. Raises Refusal: no such record, already withdrawn."""
    warehouse_id = await store.find_training_site(tx.connection, command.record_id)
    if warehouse_id is None:
        raise Refusal(refusals.TRAINING_NOT_FOUND)
    await _lock_site(warehouse_id, tx)
    if (await store.get_training(tx.connection, command.record_id)).withdrawn_at is not None:
        raise Refusal(refusals.TRAINING_WITHDRAWN)
    await store.withdraw_training(tx.connection, command.record_id, tx.principal.subject, command.reason, tx.now)
    return TrainingRecord.model_validate(asdict(await store.get_training(tx.connection, command.record_id)))


async def issue_certificate(command: IssueCertificate, tx: Transaction) -> Certificate:
    """Certify, as a named person, that the site complies; asked again for the same last day, the same certificate.

    Raises Refusal: no such site, an impossible last day, a site that does not comply (with the reasons).
    """
    today = office_date(tx.now)
    last = today + timedelta(days=CERTIFICATE_DAYS_MAX)
    if not today < command.valid_until <= last:
        raise Refusal(refusals.CERTIFICATE_DATES, last=last.isoformat())
    site = await _lock_site(command.warehouse_id, tx)
    facts, requirements = await store.read_facts(tx.connection, site.warehouse_id, today), read_requirements()
    shortcomings = assess(facts, requirements)
    if shortcomings:
        told = [f"{item.reason} {item.subject}" if item.subject else item.reason.value for item in shortcomings]
        raise Refusal(refusals.CERTIFICATE_NOT_COMPLIANT, reasons=", ".join(told))
    row = CertificateRow(
        certificate_id=uuid7(),
        code=make_code(secrets.token_bytes(RANDOM_BYTES)),
        warehouse_id=site.warehouse_id,
        issued_by=tx.principal.subject,
        issued_at=tx.now,
        valid_until=command.valid_until,
    )
    if await store.insert_certificate(tx.connection, row):
        await tx.publish(
            ComplianceCertificateIssued(
                certificate_id=row.certificate_id,
                warehouse_id=site.warehouse_id,
                county=site.county,
                valid_until=row.valid_until,
            )
        )
    else:
        rows = await store.list_certificates(tx.connection, site.warehouse_id)
        row = next(item for item in rows if item.valid_until == command.valid_until and item.revoked_at is None)
    return certificate_of(row, site.county, facts, requirements, today)


async def revoke_certificate(command: RevokeCertificate, tx: Transaction) -> Certificate:
    """Revoke a certificate, as a named person and with a reason. Raises Refusal: no such certificate, already revoked."""
    site = await _lock_site(command.warehouse_id, tx)
    row = await store.find_certificate(tx.connection, site.warehouse_id, command.certificate_id, lock=True)
    if row is None:
        raise Refusal(refusals.CERTIFICATE_NOT_FOUND)
    if row.revoked_at is not None:
        raise Refusal(refusals.CERTIFICATE_REVOKED)
    await store.revoke_certificate(tx.connection, row.certificate_id, tx.principal.subject, command.reason, tx.now)
    await tx.publish(
        ComplianceCertificateRevoked(
            certificate_id=row.certificate_id, warehouse_id=site.warehouse_id, county=site.county
        )
    )
    today = office_date(tx.now)
    facts = await store.read_facts(tx.connection, site.warehouse_id, today)
    revoked = await store.find_certificate(tx.connection, site.warehouse_id, row.certificate_id)
    return certificate_of(revoked or row, site.county, facts, read_requirements(), today)


def certificate_of(
    row: CertificateRow, county: County, facts: SiteFacts, requirements: Requirements, today: date
) -> Certificate:
    """A certificate as it is told, with its state on `today`."""
    state = certificate_state(row.valid_until, row.revoked_at is not None, facts, requirements, today)
    told = {"code": shown_code(row.code), "county": county, "state": state}
    return Certificate.model_validate(asdict(row) | told)


def compliance_status(warehouse_id: UUID, facts: SiteFacts) -> ComplianceStatus:
    """Whether the site complies, and every reason why not."""
    shortcomings = assess(facts, read_requirements())
    return ComplianceStatus(
        warehouse_id=warehouse_id,
        compliant=not shortcomings,
        shortcomings=[ComplianceShortcoming(**asdict(item)) for item in shortcomings],
        critical_actions_open=facts.critical_actions_open,
        holds_open=facts.holds_open,
    )


async def _lock_site(warehouse_id: UUID, tx: Transaction) -> SiteOfRecords:
    site = await store.find_site(tx.connection, warehouse_id, lock=True)
    if site is None:
        raise Refusal(WAREHOUSE_NOT_FOUND)
    return site


def _check_elements(command: RecordElements, requirements: Requirements) -> None:
    named = [item.element for item in command.elements]
    wrong = [key for key in named if key not in requirements.elements or named.count(key) > 1]
    if wrong:
        raise Refusal(refusals.ELEMENT_UNKNOWN, elements=", ".join(sorted(set(wrong))))
    uneven = [
        item.element
        for item in command.elements
        if (item.state is ElementState.NOT_REQUIRED) != (item.reason is not None)
    ]
    if uneven:
        raise Refusal(refusals.ELEMENT_REASON, elements=", ".join(uneven))


async def _check_recorder(command: RecordElements, tx: Transaction) -> None:
    """An officer records at any time; an inspector in an open inspection of their own, and waives nothing."""
    inspection = (
        await review_store.find_inspection(tx.connection, command.inspection_id) if command.inspection_id else None
    )
    is_of_site = inspection is not None and inspection.warehouse_id == command.warehouse_id
    if tx.principal.has_any_role(OFFICER_ROLES):
        if command.inspection_id is not None and not is_of_site:
            raise Refusal(refusals.INSPECTION_OF_CALLER_MISSING)
        return
    waived = [item.element for item in command.elements if item.state is ElementState.NOT_REQUIRED]
    if waived:
        raise Refusal(refusals.WAIVER_BY_OFFICER, elements=", ".join(waived))
    if (
        inspection is None
        or not is_of_site
        or inspection.inspector != tx.principal.subject
        or inspection.state == InspectionState.COMPLETED
    ):
        raise Refusal(refusals.INSPECTION_OF_CALLER_MISSING)


def _says_the_same(before: ElementRow | None, item: ElementRecord) -> bool:
    return before is not None and (before.state, before.reason) == (item.state, item.reason)


def _check_training(command: RecordTraining, today: date) -> None:
    requirements = read_requirements()
    if command.course not in requirements.courses:
        raise Refusal(refusals.COURSE_UNKNOWN, course=command.course)
    if command.staff_role not in requirements.staff_roles:
        raise Refusal(refusals.STAFF_ROLE_UNKNOWN, staff_role=command.staff_role)
    for field in ("staff_reference", "certificate_number"):
        if holds_personal_id(getattr(command, field)):
            raise Refusal(refusals.TRAINING_PERSONAL_ID, field=field)
    lasts_days_max = TRAINING_YEARS_MAX * DAYS_IN_YEAR_MAX
    lasts_days = (command.expires_on - command.trained_on).days
    if command.trained_on > today or not 0 < lasts_days <= lasts_days_max:
        raise Refusal(refusals.TRAINING_DATES, years=TRAINING_YEARS_MAX)


def _content(record: TrainingRow) -> tuple[object, ...]:
    return record.staff_role, record.trained_on, record.expires_on
