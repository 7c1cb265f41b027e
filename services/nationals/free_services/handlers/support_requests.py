"""Support requests from the province to partners."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.agreement import PartnerState
from services.nationals.free_services.domain.support import DeclineReason, check_needed_by, check_step
from services.nationals.free_services.handlers.partner_access import require_own, side_of
from services.nationals.free_services.notice_periods import notice_periods
from services.nationals.free_services.store import partners as partner_store
from services.nationals.free_services.store import support_requests as support_store
from shared.contracts.counties import County
from shared.contracts.free_services import (
    SupportKind,
    SupportRequestChanged,
    SupportRequestUnanswered,
    SupportState,
)
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

SUPPORT_ANSWER = "nationals.support_request_answer"


class RequestSupport(BaseModel):
    partner_id: UUID
    county: County
    support: SupportKind
    quantity: int
    needed_by: date


class SupportRequested(BaseModel):
    request_id: UUID
    state: SupportState


class TakeSupportStep(BaseModel):
    request_id: UUID
    state: SupportState
    decline_reason: DeclineReason | None


class SupportStepTaken(BaseModel):
    request_id: UUID
    state: SupportState


async def request_support(command: RequestSupport, tx: Transaction) -> SupportRequested:
    """Ask a partner for support in one of its counties. Raises Refusal."""
    partner = await partner_store.find_partner(tx.connection, command.partner_id)
    if partner is None:
        raise Refusal(refusals.PARTNER_NOT_FOUND)
    if partner.state is PartnerState.ENDED:
        raise Refusal(refusals.PARTNER_ENDED)
    if command.county not in partner.counties:
        raise Refusal(refusals.SUPPORT_COUNTY)
    check_needed_by(command.needed_by, office_date(tx.now))
    request_id = uuid7()
    await tx.arm_timer(SUPPORT_ANSWER, request_id, notice_periods().support_answer)
    await support_store.insert_request(
        tx.connection,
        request_id,
        command.partner_id,
        command.county,
        command.support,
        command.quantity,
        command.needed_by,
        tx.principal.subject,
    )
    await tx.publish(
        SupportRequestChanged(
            request_id=request_id,
            partner_id=command.partner_id,
            county=command.county,
            support=command.support,
            needed_by=command.needed_by,
            state=SupportState.REQUESTED,
        )
    )
    return SupportRequested(request_id=request_id, state=SupportState.REQUESTED)


async def take_support_step(command: TakeSupportStep, tx: Transaction) -> SupportStepTaken:
    """Accept, decline, begin, deliver, confirm, send back or cancel: each by the side whose step it is. Raises Refusal."""
    request = await support_store.lock_request(tx.connection, command.request_id)
    if request is None:
        raise Refusal(refusals.SUPPORT_NOT_FOUND)
    await require_own(tx.connection, tx.principal, request.partner_id, refusals.SUPPORT_NOT_FOUND)
    check_step(request.state, command.state, side_of(tx.principal), command.decline_reason)
    if request.state is SupportState.REQUESTED:
        await tx.cancel_timer(SUPPORT_ANSWER, request.request_id)
    await support_store.take_step(tx.connection, request, command.state, command.decline_reason, tx.principal.subject)
    await tx.publish(
        SupportRequestChanged(
            request_id=request.request_id,
            partner_id=request.partner_id,
            county=request.county,
            support=request.support,
            needed_by=request.needed_by,
            state=command.state,
        )
    )
    return SupportStepTaken(request_id=request.request_id, state=command.state)


async def notice_unanswered_request(request_id: UUID, tx: Transaction) -> None:
    """The time for an answer has passed: tell. The request stays open."""
    request = await support_store.lock_request(tx.connection, request_id)
    if request is None or request.state is not SupportState.REQUESTED:
        return
    await support_store.set_unanswered(tx.connection, request_id)
    await tx.publish(
        SupportRequestUnanswered(
            request_id=request_id,
            partner_id=request.partner_id,
            county=request.county,
            support=request.support,
            needed_by=request.needed_by,
        )
    )
