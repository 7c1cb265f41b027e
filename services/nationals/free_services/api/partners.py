"""HTTP of partner organisations, their accounts and agreements."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.agreement import AgreementState, PartnerState
from services.nationals.free_services.domain.report_period import Cadence
from services.nationals.free_services.handlers import partners as handlers
from services.nationals.free_services.handlers.partner_access import MANAGER, REPORTER, only_partner, require_own
from services.nationals.free_services.store import agreements as agreement_store
from services.nationals.free_services.store import partners as partner_store
from services.nationals.free_services.store.agreements import AgreementRow
from services.nationals.free_services.store.partners import PartnerRow
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

PAGE_ITEMS_MAX = 500
ACCOUNT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._|:-]{0,127}$"

router = APIRouter()

Manager = Annotated[Commands, Depends(allow(MANAGER))]
ManagerReads = Annotated[Queries, Depends(allow_read(MANAGER))]
EitherReads = Annotated[Queries, Depends(allow_read(MANAGER, REPORTER))]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Counties = Annotated[list[County], Field(min_length=1, max_length=len(County))]
Services = Annotated[list[FreeService], Field(min_length=1, max_length=len(FreeService))]


class PartnerBody(BaseModel):
    name_fa: Name
    name_en: Name
    home_county: County
    counties: Counties
    services: Services


class ChangedPartnerBody(PartnerBody):
    state: PartnerState


class AccountBody(BaseModel):
    subject: str = Field(pattern=ACCOUNT_PATTERN, description="The subject of the account's tokens: an organisation's")


class AgreementBody(BaseModel):
    subject: str = Field(min_length=1, max_length=300)
    counties: Counties
    services: Services
    cadence: Cadence
    valid_from: date
    valid_until: date


class RenewalBody(BaseModel):
    valid_until: date


class PartnerView(BaseModel):
    partner_id: UUID
    name_fa: str
    name_en: str
    home_county: County
    counties: list[County]
    services: list[FreeService]
    state: PartnerState


class AgreementView(BaseModel):
    agreement_id: UUID
    partner_id: UUID
    subject: str
    counties: list[County]
    services: list[FreeService]
    cadence: Cadence
    valid_from: date
    valid_until: date
    report_grace_days: int
    state: AgreementState
    next_report_period: str | None


class RenewalView(BaseModel):
    valid_until_before: date
    valid_until: date
    renewed_by: str
    renewed_at: datetime


class AgreementDetails(AgreementView):
    renewals: list[RenewalView]


@router.post("/partners", status_code=201)
async def register_partner(body: PartnerBody, commands: Manager) -> handlers.PartnerRegistered:
    return await commands.execute(handlers.register_partner, handlers.RegisterPartner(**body.model_dump()))


@router.put("/partners/{partner_id}")
async def change_partner(partner_id: UUID, body: ChangedPartnerBody, commands: Manager) -> handlers.PartnerChanged:
    command = handlers.ChangePartner(partner_id=partner_id, **body.model_dump())
    return await commands.execute(handlers.change_partner, command)


@router.get("/partners")
async def list_partners(queries: EitherReads, limit: Limit = 100, after: UUID | None = None) -> Page[PartnerView]:
    """A partner's own account sees its partner alone."""
    async with queries.read() as connection:
        only = await only_partner(connection, queries.principal)
        if only is None:
            rows = await partner_store.list_partners(connection, after, limit)
        else:
            own = await partner_store.find_partner(connection, only)
            rows = [own] if own and (after is None or after < only) else []
    return page_of([_partner(row) for row in rows], limit, lambda line: line.partner_id)


@router.get("/partners/{partner_id}")
async def read_partner(partner_id: UUID, queries: EitherReads) -> PartnerView:
    async with queries.read() as connection:
        await require_own(connection, queries.principal, partner_id, refusals.PARTNER_NOT_FOUND)
        partner = await partner_store.find_partner(connection, partner_id)
    if partner is None:
        raise Refusal(refusals.PARTNER_NOT_FOUND)
    return _partner(partner)


@router.post("/partners/{partner_id}/accounts", status_code=201)
async def appoint_account(partner_id: UUID, body: AccountBody, commands: Manager) -> handlers.AccountsOfPartner:
    command = handlers.AppointAccount(partner_id=partner_id, subject=body.subject)
    return await commands.execute(handlers.appoint_account, command)


@router.post("/partners/{partner_id}/accounts/dismissal")
async def dismiss_account(partner_id: UUID, body: AccountBody, commands: Manager) -> handlers.AccountsOfPartner:
    command = handlers.DismissAccount(partner_id=partner_id, subject=body.subject)
    return await commands.execute(handlers.dismiss_account, command)


@router.get("/partners/{partner_id}/accounts")
async def list_accounts(partner_id: UUID, queries: ManagerReads) -> handlers.AccountsOfPartner:
    async with queries.read() as connection:
        if await partner_store.find_partner(connection, partner_id) is None:
            raise Refusal(refusals.PARTNER_NOT_FOUND)
        accounts = await partner_store.list_accounts(connection, partner_id)
    return handlers.AccountsOfPartner(partner_id=partner_id, accounts=accounts)


@router.post("/partners/{partner_id}/agreements", status_code=201)
async def make_agreement(partner_id: UUID, body: AgreementBody, commands: Manager) -> handlers.AgreementMade:
    command = handlers.MakeAgreement(partner_id=partner_id, **body.model_dump())
    return await commands.execute(handlers.make_agreement, command)


@router.get("/partner-agreements")
async def list_agreements(
    queries: EitherReads, partner_id: UUID | None = None, limit: Limit = 100, after: UUID | None = None
) -> Page[AgreementView]:
    """A partner's own account sees its partner's alone."""
    async with queries.read() as connection:
        only = await only_partner(connection, queries.principal)
        if only is not None and partner_id not in (None, only):
            return Page(items=[])
        rows = await agreement_store.list_agreements(connection, only or partner_id, after, limit)
    return page_of(
        [AgreementView.model_validate(_agreement(row)) for row in rows], limit, lambda line: line.agreement_id
    )


@router.get("/partner-agreements/{agreement_id}")
async def read_agreement(agreement_id: UUID, queries: EitherReads) -> AgreementDetails:
    async with queries.read() as connection:
        agreement = await agreement_store.find_agreement(connection, agreement_id)
        if agreement is None:
            raise Refusal(refusals.AGREEMENT_NOT_FOUND)
        await require_own(connection, queries.principal, agreement.partner_id, refusals.AGREEMENT_NOT_FOUND)
        renewals = await agreement_store.list_renewals(connection, agreement_id)
    shown = [
        RenewalView(
            valid_until_before=renewal.valid_until_before,
            valid_until=renewal.valid_until,
            renewed_by=renewal.renewed_by,
            renewed_at=renewal.renewed_at,
        )
        for renewal in renewals
    ]
    return AgreementDetails.model_validate({**_agreement(agreement), "renewals": shown})


@router.post("/partner-agreements/{agreement_id}/renewals", status_code=201)
async def renew_agreement(agreement_id: UUID, body: RenewalBody, commands: Manager) -> handlers.AgreementRenewed:
    command = handlers.RenewAgreement(agreement_id=agreement_id, valid_until=body.valid_until)
    return await commands.execute(handlers.renew_agreement, command)


def _partner(row: PartnerRow) -> PartnerView:
    return PartnerView(
        partner_id=row.partner_id,
        name_fa=row.name_fa,
        name_en=row.name_en,
        home_county=row.home_county,
        counties=list(row.counties),
        services=list(row.services),
        state=row.state,
    )


def _agreement(row: AgreementRow) -> dict[str, object]:
    return {
        "agreement_id": row.agreement_id,
        "partner_id": row.partner_id,
        "subject": row.subject,
        "counties": row.counties,
        "services": row.services,
        "cadence": row.terms.cadence,
        "valid_from": row.terms.valid_from,
        "valid_until": row.terms.valid_until,
        "report_grace_days": row.terms.report_grace_days,
        "state": row.state,
        "next_report_period": row.chased_period,
    }
