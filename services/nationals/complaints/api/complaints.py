"""HTTP of the complaints office. Any staff member hands a complaint in; the office alone reads one; a receipt tells the state."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import BaseModel, Field

from services.nationals.complaints.domain import refusals
from services.nationals.complaints.domain.complaint import (
    CASEWORK_ROLES,
    OFFICE_ROLE,
    STAFF_ROLES,
    ComplaintCategory,
    ComplaintChannel,
    ComplaintState,
    HoldReason,
    read_receipt,
)
from services.nationals.complaints.handlers import examining, receiving
from services.nationals.complaints.store import complaints as store
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.database import read_transaction
from shared.kit.http import ApiResources, Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

COMPARTMENT: Final = "complaints"
RECEIPT_HOLDER: Final = Principal("receipt-holder", frozenset({"receipt_holder"}), frozenset(County))
"""Whoever holds a receipt; what they see is bound to that receipt by the query itself."""
PAGE_ITEMS_MAX = 500
TEXT_CHARACTERS_MAX = 8000
REFERENCE_CHARACTERS_MAX = 64
RECEIPT_TEXT_CHARACTERS_MAX = 64

router = APIRouter()
Staff = Annotated[Commands, Depends(allow(*STAFF_ROLES))]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX, pattern=r"\S")]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


def _require_separate(principal: Principal) -> None:
    if principal.has_any_role(CASEWORK_ROLES):
        raise Refusal(refusals.OFFICE_NOT_SEPARATE)


def office_commands(commands: Annotated[Commands, Depends(allow(OFFICE_ROLE))]) -> Commands:
    """Commands of a complaints officer. Raises Refusal (403) for one who also works on cases."""
    _require_separate(commands.principal)
    return commands


def office_queries(queries: Annotated[Queries, Depends(allow_read(OFFICE_ROLE))]) -> Queries:
    """Queries of a complaints officer. Raises Refusal (403) for one who also works on cases."""
    _require_separate(queries.principal)
    return queries


Office = Annotated[Commands, Depends(office_commands)]


class ComplaintBody(BaseModel):
    county: County
    channel: ComplaintChannel
    category: ComplaintCategory
    language: str = Field(pattern=r"^[a-z]{2,3}$", description="ISO 639 code")
    text: Text
    stated_reference: str | None = Field(
        default=None, min_length=1, max_length=REFERENCE_CHARACTERS_MAX, description="as the household states it"
    )


class ExaminationBody(BaseModel):
    no_other_officer: bool = False


class AnswerBody(BaseModel):
    text: Text


class HoldBody(BaseModel):
    reason: HoldReason


class ComplaintReceipt(BaseModel):
    """To be written down by who complains; it is shown once."""

    receipt: str
    state: ComplaintState
    acknowledge_by: datetime
    answer_by: datetime


class ReceiptView(BaseModel):
    state: ComplaintState
    received_at: datetime
    acknowledge_by: datetime
    acknowledged_at: datetime | None
    answer_by: datetime
    answered_at: datetime | None
    closed_at: datetime | None


@router.post("/complaints", status_code=201)
async def receive_complaint(body: ComplaintBody, commands: Staff) -> ComplaintReceipt:
    """Hand a complaint in for somebody. Who hands it in cannot read it afterwards; the receipt is for who complains."""
    commands.require_county(body.county)
    command = receiving.ReceiveComplaint(
        county=body.county,
        channel=body.channel,
        category=body.category,
        language=body.language,
        text=body.text,
        stated_reference=body.stated_reference,
    )
    taken = await commands.execute(receiving.receive_complaint, command)
    wanted = receiving.FindReceipt(complaint_id=taken.complaint_id)
    found = await commands.without_key().execute(receiving.find_receipt, wanted)
    return ComplaintReceipt(
        receipt=found.receipt, state=taken.state, acknowledge_by=taken.acknowledge_by, answer_by=taken.answer_by
    )


@router.get("/complaints/receipts/{receipt}")
async def read_by_receipt(
    receipt: Annotated[str, Path(max_length=RECEIPT_TEXT_CHARACTERS_MAX)], request: Request
) -> ReceiptView:
    """State and dates for whoever holds the receipt, without a token; nothing else."""
    resources: ApiResources = request.app.state.resources
    async with read_transaction(resources.pool, RECEIPT_HOLDER, COMPARTMENT) as connection:
        found = await store.find_by_receipt(connection, read_receipt(receipt))
    if found is None:
        raise Refusal(refusals.RECEIPT_NOT_FOUND)
    return ReceiptView(
        state=found.state,
        received_at=found.received_at,
        acknowledge_by=found.acknowledge_by,
        acknowledged_at=found.acknowledged_at,
        answer_by=found.answer_by,
        answered_at=found.answered_at,
        closed_at=found.closed_at,
    )


@router.get("/complaints")
async def list_complaints(
    queries: Annotated[Queries, Depends(office_queries)],
    county: County | None = None,
    state: ComplaintState | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[examining.ComplaintSummary]:
    """Complaints of the officer's counties in the order they came, without their texts."""
    async with queries.read() as connection:
        rows = await store.list_complaints(connection, county, state, after, limit)
    items = [examining.summary_of(row) for row in rows]
    return page_of(items, limit, lambda line: line.complaint_id)


@router.get("/complaints/{complaint_id}")
async def read_complaint(
    complaint_id: UUID,
    commands: Office,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> examining.ComplaintView:
    """Every read is logged, so none may be answered from a stored answer."""
    if idempotency_key is not None:
        raise Refusal(refusals.READ_NOT_REPEATABLE)
    return await commands.execute(examining.read_complaint, examining.ComplaintCommand(complaint_id=complaint_id))


@router.post("/complaints/{complaint_id}/acknowledgement")
async def acknowledge_complaint(complaint_id: UUID, commands: Office) -> examining.ComplaintMoved:
    command = examining.ComplaintCommand(complaint_id=complaint_id)
    return await commands.execute(examining.acknowledge_complaint, command)


@router.post("/complaints/{complaint_id}/examination")
async def examine_complaint(complaint_id: UUID, body: ExaminationBody, commands: Office) -> examining.ComplaintMoved:
    """The caller examines the complaint, or takes over its examination."""
    command = examining.ExamineComplaint(complaint_id=complaint_id, no_other_officer=body.no_other_officer)
    return await commands.execute(examining.examine_complaint, command)


@router.post("/complaints/{complaint_id}/answer")
async def answer_complaint(complaint_id: UUID, body: AnswerBody, commands: Office) -> examining.ComplaintMoved:
    command = examining.AnswerComplaint(complaint_id=complaint_id, text=body.text)
    return await commands.execute(examining.answer_complaint, command)


@router.post("/complaints/{complaint_id}/closure")
async def close_complaint(complaint_id: UUID, commands: Office) -> examining.ComplaintMoved:
    command = examining.ComplaintCommand(complaint_id=complaint_id)
    return await commands.execute(examining.close_complaint, command)


@router.post("/complaints/{complaint_id}/retention-hold")
async def hold_texts(complaint_id: UUID, body: HoldBody, commands: Office) -> examining.ComplaintSummary:
    """Keep the texts beyond their retention date, with a reason."""
    command = examining.HoldTexts(complaint_id=complaint_id, reason=body.reason)
    return await commands.execute(examining.hold_texts, command)


@router.post("/complaints/{complaint_id}/retention-hold/end")
async def end_hold(complaint_id: UUID, commands: Office) -> examining.ComplaintSummary:
    command = examining.HoldTexts(complaint_id=complaint_id, reason=None)
    return await commands.execute(examining.hold_texts, command)


@router.post("/complaints/{complaint_id}/erasure")
async def erase_complaint(complaint_id: UUID, commands: Office) -> examining.ComplaintSummary:
    """Erase what was said, at the request of who complained, by another officer than the examiner."""
    command = examining.ComplaintCommand(complaint_id=complaint_id)
    return await commands.execute(examining.erase_complaint, command)
