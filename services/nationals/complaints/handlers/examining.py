"""The complaints office at work: acknowledging, examining, answering, closing, reading, keeping and erasing."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel

from services.nationals.complaints.domain import refusals
from services.nationals.complaints.domain.complaint import (
    ComplaintCategory,
    ComplaintChannel,
    ComplaintState,
    ComplaintStep,
    HoldReason,
    advance,
    check_erasable,
    check_examiner,
)
from services.nationals.complaints.handlers.deadlines import ACKNOWLEDGEMENT_TIMER, ANSWER_TIMER, RETENTION_TIMER
from services.nationals.complaints.periods import complaint_periods
from services.nationals.complaints.store import complaints as store
from services.nationals.complaints.store.complaints import ComplaintRow
from shared.contracts.complaints import ComplaintAcknowledged, ComplaintAnswered
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class ComplaintCommand(BaseModel):
    complaint_id: UUID


class ExamineComplaint(ComplaintCommand):
    no_other_officer: bool
    """The office of the county has no second officer."""


class AnswerComplaint(ComplaintCommand):
    text: str


class HoldTexts(ComplaintCommand):
    reason: HoldReason | None
    """None ends the hold."""


class ComplaintMoved(BaseModel):
    complaint_id: UUID
    state: ComplaintState


class ComplaintSummary(BaseModel):
    """A complaint without its texts."""

    complaint_id: UUID
    county: County
    channel: ComplaintChannel
    category: ComplaintCategory
    language: str
    state: ComplaintState
    received_at: datetime
    acknowledge_by: datetime
    acknowledged_at: datetime | None
    answer_by: datetime
    examiner: str | None
    examined_alone: bool
    answered_at: datetime | None
    closed_at: datetime | None
    erase_after: datetime | None
    hold_reason: HoldReason | None
    erased_at: datetime | None


class ComplaintView(ComplaintSummary):
    """What only the complaints office reads; the texts are None once erased."""

    received_by: str
    text: str | None
    stated_reference: str | None
    answer: str | None


async def read_complaint(command: ComplaintCommand, tx: Transaction) -> ComplaintView:
    """Show one complaint and log who read it, in one transaction. Raises Refusal (404)."""
    complaint = await _require_complaint(command.complaint_id, tx)
    await store.insert_read(tx.connection, complaint, tx.principal.subject)
    texts = await store.read_texts(tx.connection, complaint.complaint_id)
    return ComplaintView(
        **summary_of(complaint).model_dump(),
        received_by=complaint.received_by,
        text=texts.body,
        stated_reference=texts.stated_reference,
        answer=texts.answer,
    )


async def acknowledge_complaint(command: ComplaintCommand, tx: Transaction) -> ComplaintMoved:
    """The office confirms to who complains that it has the complaint. Raises Refusal (404, 409)."""
    complaint = await _require_complaint(command.complaint_id, tx)
    state = advance(ComplaintStep.ACKNOWLEDGE, complaint.state)
    await store.set_acknowledged(tx.connection, complaint.complaint_id, tx.principal.subject)
    await tx.cancel_timer(ACKNOWLEDGEMENT_TIMER, complaint.complaint_id)
    await tx.publish(ComplaintAcknowledged(complaint_id=complaint.complaint_id, county=complaint.county))
    return ComplaintMoved(complaint_id=complaint.complaint_id, state=state)


async def examine_complaint(command: ExamineComplaint, tx: Transaction) -> ComplaintMoved:
    """Begin or take over the examination. Raises Refusal (404; 409 for who received it, where a second officer is known)."""
    complaint = await _require_complaint(command.complaint_id, tx)
    state = advance(ComplaintStep.EXAMINE, complaint.state)
    subject = tx.principal.subject
    since = tx.now - complaint_periods().colleague_known
    knows_colleague = await store.knows_colleague(tx.connection, complaint.county, subject, since)
    alone = check_examiner(subject, complaint.received_by, command.no_other_officer, knows_colleague)
    await store.set_examiner(tx.connection, complaint.complaint_id, subject, alone)
    return ComplaintMoved(complaint_id=complaint.complaint_id, state=state)


async def answer_complaint(command: AnswerComplaint, tx: Transaction) -> ComplaintMoved:
    """The examiner records the answer; from now on the texts have a retention date. Raises Refusal (404, 409)."""
    complaint = await _require_complaint(command.complaint_id, tx)
    state = advance(ComplaintStep.ANSWER, complaint.state)
    if complaint.examiner != tx.principal.subject:
        raise Refusal(refusals.NOT_EXAMINER)
    await tx.arm_timer(RETENTION_TIMER, complaint.complaint_id, complaint_periods().retention)
    await store.set_answered(tx.connection, complaint.complaint_id, command.text)
    await tx.cancel_timer(ANSWER_TIMER, complaint.complaint_id)
    await tx.publish(ComplaintAnswered(complaint_id=complaint.complaint_id, county=complaint.county))
    return ComplaintMoved(complaint_id=complaint.complaint_id, state=state)


async def close_complaint(command: ComplaintCommand, tx: Transaction) -> ComplaintMoved:
    """Close an answered complaint. Raises Refusal (404, 409)."""
    complaint = await _require_complaint(command.complaint_id, tx)
    state = advance(ComplaintStep.CLOSE, complaint.state)
    await store.set_closed(tx.connection, complaint.complaint_id, tx.principal.subject)
    return ComplaintMoved(complaint_id=complaint.complaint_id, state=state)


async def hold_texts(command: HoldTexts, tx: Transaction) -> ComplaintSummary:
    """Hold the texts beyond their retention date with a reason, or end the hold: what is past its date then goes at once.

    Raises Refusal (404, 409).
    """
    complaint = await _require_complaint(command.complaint_id, tx)
    if complaint.erased_at is not None:
        raise Refusal(refusals.TEXTS_ERASED)
    await store.set_hold(tx.connection, complaint.complaint_id, command.reason, tx.principal.subject)
    if command.reason is None and complaint.erase_after is not None and complaint.erase_after <= tx.now:
        await tx.arm_timer(RETENTION_TIMER, complaint.complaint_id, timedelta(0))
    return summary_of(await _require_complaint(command.complaint_id, tx))


async def erase_complaint(command: ComplaintCommand, tx: Transaction) -> ComplaintSummary:
    """Erase the texts at the request of who complained, by another than the examiner. Raises Refusal (404, 409)."""
    complaint = await _require_complaint(command.complaint_id, tx)
    check_erasable(complaint.state, complaint.hold_reason is not None, complaint.erased_at is not None)
    if complaint.examiner == tx.principal.subject:
        raise Refusal(refusals.ERASER_EXAMINED_IT, satisfied_by="another_officer")
    await store.erase_texts(tx.connection, complaint.complaint_id, tx.principal.subject)
    await tx.cancel_timer(RETENTION_TIMER, complaint.complaint_id)
    return summary_of(await _require_complaint(command.complaint_id, tx))


def summary_of(complaint: ComplaintRow) -> ComplaintSummary:
    return ComplaintSummary(
        complaint_id=complaint.complaint_id,
        county=complaint.county,
        channel=complaint.channel,
        category=complaint.category,
        language=complaint.language,
        state=complaint.state,
        received_at=complaint.received_at,
        acknowledge_by=complaint.acknowledge_by,
        acknowledged_at=complaint.acknowledged_at,
        answer_by=complaint.answer_by,
        examiner=complaint.examiner,
        examined_alone=complaint.examined_alone,
        answered_at=complaint.answered_at,
        closed_at=complaint.closed_at,
        erase_after=complaint.erase_after,
        hold_reason=complaint.hold_reason,
        erased_at=complaint.erased_at,
    )


async def _require_complaint(complaint_id: UUID, tx: Transaction) -> ComplaintRow:
    complaint = await store.lock_complaint(tx.connection, complaint_id)
    if complaint is None:
        raise Refusal(refusals.COMPLAINT_NOT_FOUND)
    return complaint
