"""A complaint comes in by anybody's mouth; a receipt tells its state to who complained."""

import base64
import secrets
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.complaints.domain import refusals
from services.nationals.complaints.domain.complaint import (
    RECEIPT_BYTES,
    ComplaintCategory,
    ComplaintChannel,
    ComplaintState,
    show_receipt,
)
from services.nationals.complaints.handlers.deadlines import ACKNOWLEDGEMENT_TIMER, ANSWER_TIMER
from services.nationals.complaints.handlers.unlinked import unlinked
from services.nationals.complaints.periods import complaint_periods
from services.nationals.complaints.store import complaints as store
from shared.contracts.complaints import ComplaintReceived
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


class ReceiveComplaint(BaseModel):
    """`stated_reference`: the reference as the household states it; text, never looked up."""

    county: County
    channel: ComplaintChannel
    category: ComplaintCategory
    language: str
    text: str
    stated_reference: str | None


class ComplaintTaken(BaseModel):
    """Without the receipt: what is answered to an Idempotency-Key is kept outside the complaints office's own tables."""

    complaint_id: UUID
    state: ComplaintState
    acknowledge_by: datetime
    answer_by: datetime


class FindReceipt(BaseModel):
    complaint_id: UUID


class Receipt(BaseModel):
    receipt: str


async def receive_complaint(command: ReceiveComplaint, tx: Transaction) -> ComplaintTaken:
    """Record a complaint with both its deadlines running. Nothing of any case is read or touched (safeguard 14)."""
    if tx.principal.subject == SYSTEM.subject:
        raise Refusal(refusals.HUMAN_REQUIRED)
    periods = complaint_periods()
    complaint_id = uuid7()
    acknowledge_by, answer_by = tx.now + periods.acknowledge, tx.now + periods.answer
    with unlinked(tx):
        await tx.arm_timer(ACKNOWLEDGEMENT_TIMER, complaint_id, periods.acknowledge, periods.deadline_policy)
        await tx.arm_timer(ANSWER_TIMER, complaint_id, periods.answer, periods.deadline_policy)
        await store.insert_complaint(
            tx.connection,
            store.NewComplaint(
                complaint_id=complaint_id,
                county=command.county,
                receipt=base64.b32encode(secrets.token_bytes(RECEIPT_BYTES)).decode(),
                channel=command.channel,
                category=command.category,
                language=command.language,
                body=command.text,
                stated_reference=command.stated_reference,
                received_by=tx.principal.subject,
                acknowledge_by=acknowledge_by,
                answer_by=answer_by,
            ),
        )
        await tx.publish(
            ComplaintReceived(
                complaint_id=complaint_id, county=command.county, acknowledge_by=acknowledge_by, answer_by=answer_by
            )
        )
    return ComplaintTaken(
        complaint_id=complaint_id, state=ComplaintState.RECEIVED, acknowledge_by=acknowledge_by, answer_by=answer_by
    )


async def find_receipt(command: FindReceipt, tx: Transaction) -> Receipt:
    """The receipt of a complaint that the caller has just handed in. Raises Refusal (404)."""
    receipt = await store.find_receipt(tx.connection, command.complaint_id)
    if receipt is None:
        raise Refusal(refusals.COMPLAINT_NOT_FOUND)
    return Receipt(receipt=show_receipt(receipt))
