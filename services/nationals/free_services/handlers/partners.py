"""Partner organisations, the accounts that report for them, and their agreements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.agreement import (
    AgreementState,
    PartnerState,
    Terms,
    check_dates,
    check_renewal,
    check_within,
)
from services.nationals.free_services.domain.person_data import holds_person_data
from services.nationals.free_services.domain.report_period import Cadence
from services.nationals.free_services.handlers.agreement_timers import (
    AGREEMENT_END,
    arm_agreement_notice,
    chase_report,
)
from services.nationals.free_services.handlers.partner_access import require_counties
from services.nationals.free_services.notice_periods import notice_periods
from services.nationals.free_services.store import agreements as agreement_store
from services.nationals.free_services.store import partners as partner_store
from services.nationals.free_services.store.agreements import AgreementRow
from services.nationals.free_services.store.partners import PartnerRow
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService, PartnerAgreementRenewed
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


class RegisterPartner(BaseModel):
    name_fa: str
    name_en: str
    home_county: County
    counties: list[County]
    services: list[FreeService]


class PartnerRegistered(BaseModel):
    partner_id: UUID


class ChangePartner(RegisterPartner):
    partner_id: UUID
    state: PartnerState


class PartnerChanged(BaseModel):
    partner_id: UUID
    state: PartnerState
    changed: bool


class AppointAccount(BaseModel):
    partner_id: UUID
    subject: str


class DismissAccount(AppointAccount):
    pass


class AccountsOfPartner(BaseModel):
    partner_id: UUID
    accounts: list[str]


class MakeAgreement(BaseModel):
    partner_id: UUID
    subject: str
    counties: list[County]
    services: list[FreeService]
    cadence: Cadence
    valid_from: date
    valid_until: date


class AgreementMade(BaseModel):
    agreement_id: UUID
    first_report_period: str | None
    """The first period whose report is chased; None where every report that is owed is overdue already."""


class RenewAgreement(BaseModel):
    agreement_id: UUID
    valid_until: date


class AgreementRenewed(BaseModel):
    agreement_id: UUID
    valid_until: date


async def register_partner(command: RegisterPartner, tx: Transaction) -> PartnerRegistered:
    """Register an organisation. Raises Refusal where a name is taken or the home county is not one of its counties."""
    _check_partner(command, tx)
    partner_id = uuid7()
    if not await partner_store.insert_partner(
        tx.connection,
        partner_id,
        command.name_fa,
        command.name_en,
        command.home_county,
        sorted(set(command.counties)),
        sorted(set(command.services)),
        tx.principal.subject,
    ):
        raise Refusal(refusals.PARTNER_EXISTS)
    return PartnerRegistered(partner_id=partner_id)


async def change_partner(command: ChangePartner, tx: Transaction) -> PartnerChanged:
    """Set what a partner is called, where it works and what it offers. Setting what is set already changes nothing.

    Raises Refusal where a running agreement needs what is taken away, or a name is taken.
    """
    partner = await _lock_partner(command.partner_id, tx)
    _check_partner(command, tx)
    changed = replace(
        partner,
        name_fa=command.name_fa,
        name_en=command.name_en,
        home_county=command.home_county,
        counties=tuple(sorted(set(command.counties))),
        services=tuple(sorted(set(command.services))),
        state=command.state,
    )
    if changed == partner:
        return PartnerChanged(partner_id=partner.partner_id, state=partner.state, changed=False)
    _check_needed(changed, await agreement_store.running_agreements(tx.connection, partner.partner_id))
    if not await partner_store.update_partner(tx.connection, changed):
        raise Refusal(refusals.PARTNER_EXISTS)
    return PartnerChanged(partner_id=partner.partner_id, state=changed.state, changed=True)


async def appoint_account(command: AppointAccount, tx: Transaction) -> AccountsOfPartner:
    """Let an account report for the partner. Raises Refusal if it reports for another one, or is named as a person."""
    _require_impersonal(subject=command.subject)
    partner = await _lock_partner(command.partner_id, tx)
    if not await partner_store.appoint_account(
        tx.connection, command.subject, partner.partner_id, tx.principal.subject
    ) and command.subject not in await partner_store.list_accounts(tx.connection, partner.partner_id):
        raise Refusal(refusals.ACCOUNT_TAKEN)
    return await _accounts(partner.partner_id, tx)


async def dismiss_account(command: DismissAccount, tx: Transaction) -> AccountsOfPartner:
    """Let an account report for the partner no longer. Raises Refusal if it does not."""
    partner = await _lock_partner(command.partner_id, tx)
    if not await partner_store.dismiss_account(tx.connection, command.subject, partner.partner_id):
        raise Refusal(refusals.ACCOUNT_NOT_FOUND)
    return await _accounts(partner.partner_id, tx)


async def make_agreement(command: MakeAgreement, tx: Transaction) -> AgreementMade:
    """Record an agreement, and begin to chase its reports from the first that is not overdue already.

    Raises Refusal where it covers more than the partner does, or its days make no sense.
    """
    partner = await _lock_partner(command.partner_id, tx)
    if partner.state is PartnerState.ENDED:
        raise Refusal(refusals.PARTNER_ENDED)
    _require_impersonal(subject=command.subject)
    check_within(command.counties, command.services, partner.counties, partner.services)
    check_dates(command.valid_from, command.valid_until, office_date(tx.now))
    terms = Terms(command.cadence, command.valid_from, command.valid_until, notice_periods().report_grace_days)
    first = terms.first_owed(tx.now)
    agreement = AgreementRow(
        agreement_id=uuid7(),
        partner_id=partner.partner_id,
        home_county=partner.home_county,
        counties=tuple(sorted(set(command.counties))),
        services=tuple(sorted(set(command.services))),
        subject=command.subject,
        terms=terms,
        state=AgreementState.IN_FORCE,
        chased_period=None,
    )
    await agreement_store.insert_agreement(tx.connection, agreement, tx.principal.subject)
    await arm_agreement_notice(agreement, terms.valid_until, tx)
    if first is not None:
        await chase_report(agreement, first, tx.now, tx)
    return AgreementMade(agreement_id=agreement.agreement_id, first_report_period=first.key if first else None)


async def renew_agreement(command: RenewAgreement, tx: Transaction) -> AgreementRenewed:
    """Put the agreement's last day off. Raises Refusal if it has ended, or the new day is no later one."""
    agreement = await _lock_agreement(command.agreement_id, tx)
    if agreement.state is AgreementState.ENDED:
        raise Refusal(refusals.AGREEMENT_ENDED)
    before = agreement.terms.valid_until
    check_renewal(agreement.terms.valid_from, before, command.valid_until, office_date(tx.now))
    await agreement_store.renew_agreement(
        tx.connection, agreement.agreement_id, before, command.valid_until, tx.principal.subject
    )
    terms = replace(agreement.terms, valid_until=command.valid_until)
    await tx.cancel_timer(AGREEMENT_END, agreement.agreement_id)
    await arm_agreement_notice(agreement, command.valid_until, tx)
    resumed = terms.resumed(before)
    if agreement.chased_period is None and resumed is not None:
        await chase_report(replace(agreement, terms=terms), resumed, tx.now, tx)
    await tx.publish(
        PartnerAgreementRenewed(
            partner_id=agreement.partner_id,
            agreement_id=agreement.agreement_id,
            county=agreement.home_county,
            valid_until=command.valid_until,
        )
    )
    return AgreementRenewed(agreement_id=agreement.agreement_id, valid_until=command.valid_until)


def _check_partner(command: RegisterPartner, tx: Transaction) -> None:
    require_counties(tx.principal, command.counties)
    _require_impersonal(name_fa=command.name_fa, name_en=command.name_en)
    if command.home_county not in command.counties:
        raise Refusal(refusals.PARTNER_HOME_COUNTY)


def _require_impersonal(**texts: str) -> None:
    """Raises Refusal naming the field that looks like data of a person."""
    for field, text in texts.items():
        if holds_person_data(text):
            raise Refusal(refusals.TEXT_PERSON_DATA, field=field)


async def _lock_partner(partner_id: UUID, tx: Transaction) -> PartnerRow:
    """Raises Refusal: 404 where the caller sees no such partner, 403 where it lacks one of the partner's counties."""
    seen = await partner_store.find_partner(tx.connection, partner_id)
    if seen is None:
        raise Refusal(refusals.PARTNER_NOT_FOUND)
    require_counties(tx.principal, seen.counties)
    partner = await partner_store.lock_partner(tx.connection, partner_id)
    if partner is None:
        raise Refusal(refusals.PARTNER_NOT_FOUND)
    return partner


async def _lock_agreement(agreement_id: UUID, tx: Transaction) -> AgreementRow:
    """Raises Refusal: 404 where the caller sees no such agreement, 403 where it lacks one of its counties."""
    seen = await agreement_store.find_agreement(tx.connection, agreement_id)
    if seen is None:
        raise Refusal(refusals.AGREEMENT_NOT_FOUND)
    require_counties(tx.principal, seen.counties)
    agreement = await agreement_store.lock_agreement(tx.connection, agreement_id)
    if agreement is None:
        raise Refusal(refusals.AGREEMENT_NOT_FOUND)
    return agreement


async def _accounts(partner_id: UUID, tx: Transaction) -> AccountsOfPartner:
    return AccountsOfPartner(
        partner_id=partner_id, accounts=await partner_store.list_accounts(tx.connection, partner_id)
    )


def _check_needed(partner: PartnerRow, running: Sequence[AgreementRow]) -> None:
    """Raises Refusal naming what running agreements need and the changed partner lacks."""
    counties = {county for agreement in running for county in agreement.counties} - set(partner.counties)
    services = {service for agreement in running for service in agreement.services} - set(partner.services)
    needed: list[str] = [*sorted(counties), *sorted(services)]
    if partner.state is PartnerState.ENDED and running:
        needed.append(PartnerState.ACTIVE)
    if needed:
        raise Refusal(refusals.PARTNER_IN_USE, needed=", ".join(needed))
