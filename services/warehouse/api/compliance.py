"""HTTP of passive defence, staff training, compliance and its certificate; one page of it is public."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from services.warehouse import handlers
from services.warehouse.certificate_page import PAGE_HEADERS, certificate_page, verification_page
from services.warehouse.domain import compliance_refusals as refusals
from services.warehouse.domain.certificate_code import read_code
from services.warehouse.domain.compliance import Course, Element, certificate_state
from services.warehouse.domain.cursor import CURSOR_CHARACTERS_MAX, make_cursor, read_cursor
from services.warehouse.domain.refusals import WAREHOUSE_NOT_FOUND
from services.warehouse.domain.risk import RiskClass
from services.warehouse.handlers import compliance_messages as messages
from services.warehouse.handlers.compliance import certificate_of, compliance_status, passive_defence
from services.warehouse.requirements import read_requirements
from services.warehouse.settings import PublicAddressSettings
from services.warehouse.store import compliance as store
from services.warehouse.store.compliance import SiteOfRecords
from services.warehouse.store.history import read_now
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import WarehouseKind
from shared.kit.auth import Principal
from shared.kit.connections import Connection
from shared.kit.database import read_transaction
from shared.kit.http import ApiResources, Commands, Queries, allow, allow_read
from shared.kit.http_boundary import CONTEXT_KEY, RequestContext
from shared.kit.paging import Limit, Page, page_of
from shared.persian.calendar import office_date

CODE_CHARACTERS_MAX = 64
EVERYBODY: Final = Principal("certificate-verification", frozenset({"certificate_verification"}), frozenset(County))
"""Whoever holds a code, in whichever county its site lies; used for one question, whose answer shows three facts."""

router = APIRouter()

Recorder = Annotated[Commands, Depends(allow("inspector", "reviewer", "county_chair"))]
Chair = Annotated[Commands, Depends(allow("county_chair"))]
Reader = Annotated[
    Queries, Depends(allow_read("inspector", "reviewer", "county_chair", "province_officer", "registry_clerk"))
]
Language = Annotated[Literal["fa", "en"] | None, Query(description="of the page; by Accept-Language without it")]


class Requirement(BaseModel):
    """An element or a course; needed where the class or the kind is named. `staff_min` only of a course."""

    key: str
    label_fa: str
    label_en: str
    classes: list[RiskClass]
    kinds: list[WarehouseKind]
    staff_min: int | None = None


class ComplianceRequirements(BaseModel):
    """Everything that can be required, in the order in which it is shown."""

    elements: list[Requirement]
    courses: list[Requirement]
    staff_roles: dict[str, tuple[str, str]]


@router.get("/compliance-requirements")
async def read_compliance_requirements(queries: Reader) -> ComplianceRequirements:
    """What a site of which class or kind must have, and whose training."""
    requirements = read_requirements()
    return ComplianceRequirements(
        elements=[_requirement(element) for element in requirements.elements.values()],
        courses=[_requirement(course) for course in requirements.courses.values()],
        staff_roles=dict(requirements.staff_roles),
    )


@router.put("/warehouses/{warehouse_id}/passive-defence")
async def record_passive_defence(
    warehouse_id: UUID, body: messages.ElementsBody, commands: Recorder
) -> messages.PassiveDefence:
    """Record what was seen: an inspector in an open inspection of their own, an officer at any time."""
    command = messages.RecordElements(warehouse_id=warehouse_id, **dict(body))
    return await commands.execute(handlers.record_elements, command)


@router.get("/warehouses/{warehouse_id}/passive-defence")
async def read_passive_defence(warehouse_id: UUID, queries: Reader) -> messages.PassiveDefence:
    """Every element that the site needs, with what was last seen of it."""
    async with queries.read() as connection:
        return await passive_defence(connection, await _site(connection, warehouse_id))


@router.post("/warehouses/{warehouse_id}/training-records", status_code=201)
async def record_training(
    warehouse_id: UUID,
    body: messages.TrainingBody,
    commands: Annotated[Commands, Depends(allow("inspector", "reviewer", "county_chair", "registry_clerk"))],
) -> messages.TrainingRecord:
    """Record a training under the site's own staff number; names and national ids are not taken."""
    command = messages.RecordTraining(warehouse_id=warehouse_id, **dict(body))
    return await commands.execute(handlers.record_training, command)


@router.get("/warehouses/{warehouse_id}/training-records")
async def list_training_records(
    warehouse_id: UUID,
    queries: Reader,
    limit: Limit = 100,
    after: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX)] = None,
) -> Page[messages.TrainingRecord]:
    """Trainings of the site's staff, withdrawn ones included, in the order of recording."""
    last = read_cursor(after, warehouse_id)
    async with queries.read() as connection:
        await _site(connection, warehouse_id)
        rows = await store.list_trainings(connection, warehouse_id, limit, last)
    items = [messages.TrainingRecord(**asdict(row)) for row in rows]
    return page_of(items, limit, lambda item: make_cursor(item.record_id, warehouse_id))


@router.post("/training-records/{record_id}/withdrawal")
async def withdraw_training(
    record_id: UUID,
    body: messages.ReasonBody,
    commands: Annotated[Commands, Depends(allow("reviewer", "county_chair"))],
) -> messages.TrainingRecord:
    """Take a record back, with a reason; it stays readable and counts no more."""
    return await commands.execute(
        handlers.withdraw_training, messages.WithdrawTraining(record_id=record_id, reason=body.reason)
    )


@router.get("/warehouses/{warehouse_id}/compliance")
async def read_compliance(warehouse_id: UUID, queries: Reader) -> messages.ComplianceStatus:
    """Whether the site complies today, and every reason why not."""
    async with queries.read() as connection:
        await _site(connection, warehouse_id)
        facts = await store.read_facts(connection, warehouse_id, await _today(connection))
    return compliance_status(warehouse_id, facts)


@router.post("/warehouses/{warehouse_id}/certificates", status_code=201)
async def issue_certificate(
    warehouse_id: UUID, body: messages.CertificateBody, commands: Chair
) -> messages.Certificate:
    """Certify that the site complies, until a day; refused with the reasons if it does not."""
    command = messages.IssueCertificate(warehouse_id=warehouse_id, valid_until=body.valid_until)
    return await commands.execute(handlers.issue_certificate, command)


@router.get("/warehouses/{warehouse_id}/certificates")
async def list_certificates(warehouse_id: UUID, queries: Reader) -> list[messages.Certificate]:
    """Every certificate of the site with its state today, the newest first."""
    async with queries.read() as connection:
        site, today = await _site(connection, warehouse_id), await _today(connection)
        facts = await store.read_facts(connection, warehouse_id, today)
        rows = await store.list_certificates(connection, warehouse_id)
    return [certificate_of(row, site.county, facts, read_requirements(), today) for row in rows]


@router.post("/warehouses/{warehouse_id}/certificates/{certificate_id}/revocation")
async def revoke_certificate(
    warehouse_id: UUID, certificate_id: UUID, body: messages.ReasonBody, commands: Chair
) -> messages.Certificate:
    """Revoke a certificate, by a named person and with a reason."""
    command = messages.RevokeCertificate(warehouse_id=warehouse_id, certificate_id=certificate_id, reason=body.reason)
    return await commands.execute(handlers.revoke_certificate, command)


@router.get("/warehouses/{warehouse_id}/certificates/{certificate_id}/page", response_class=HTMLResponse)
async def show_certificate(
    warehouse_id: UUID, certificate_id: UUID, queries: Reader, request: Request, language: Language = None
) -> HTMLResponse:
    """The certificate to print, on A4, in Persian or English."""
    async with queries.read() as connection:
        site, today = await _site(connection, warehouse_id), await _today(connection)
        row = await store.find_certificate(connection, warehouse_id, certificate_id)
        if row is None:
            raise Refusal(refusals.CERTIFICATE_NOT_FOUND)
        facts = await store.read_facts(connection, warehouse_id, today)
    certificate = certificate_of(row, site.county, facts, read_requirements(), today)
    base = PublicAddressSettings().public_url or str(request.base_url)
    address = f"{base.rstrip('/')}/certificates/{certificate.code}"
    return HTMLResponse(
        certificate_page(certificate, site, address, language or _language(request)), headers=PAGE_HEADERS
    )


@router.get(
    "/certificates/{code}",
    response_class=HTMLResponse,
    responses={404: {"content": {"text/html": {}}, "description": "No certificate has this code"}},
)
async def verify_certificate(code: str, request: Request, language: Language = None) -> HTMLResponse:
    """For everybody who holds a code, without a token: the site's name, its county, and the certificate's state today."""
    language = language or _language(request)
    stored = read_code(code) if len(code) <= CODE_CHARACTERS_MAX else None
    resources: ApiResources = request.app.state.resources
    if stored is not None:
        async with read_transaction(resources.pool, EVERYBODY) as connection:
            row = await store.find_certificate_by_code(connection, stored)
            if row is not None:
                today = await _today(connection)
                site = await _site(connection, row.warehouse_id)
                facts = await store.read_facts(connection, row.warehouse_id, today)
                state = certificate_state(
                    row.valid_until, row.revoked_at is not None, facts, read_requirements(), today
                )
                page = verification_page(state.value, site.name, site.county, language)
                return HTMLResponse(page, headers=PAGE_HEADERS)
    return HTMLResponse(verification_page("unknown", None, None, language), status_code=404, headers=PAGE_HEADERS)


async def _site(connection: Connection, warehouse_id: UUID) -> SiteOfRecords:
    site = await store.find_site(connection, warehouse_id)
    if site is None:
        raise Refusal(WAREHOUSE_NOT_FOUND)
    return site


async def _today(connection: Connection) -> date:
    return office_date(await read_now(connection))


def _language(request: Request) -> Literal["fa", "en"]:
    context: RequestContext = request.scope[CONTEXT_KEY]
    return context.language


def _requirement(item: Element | Course) -> Requirement:
    optional: dict[str, Any] = {"staff_min": item.staff_min} if isinstance(item, Course) else {}
    return Requirement(
        key=item.key,
        label_fa=item.label_fa,
        label_en=item.label_en,
        classes=sorted(item.needs.classes),
        kinds=sorted(item.needs.kinds),
        **optional,
    )
