"""Complaints: what was said, who handles it, and by when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.nationals.complaints.domain.complaint import (
    ComplaintCategory,
    ComplaintChannel,
    ComplaintState,
    HoldReason,
)
from shared.contracts.complaints import ComplaintDeadline
from shared.contracts.counties import County
from shared.kit.transaction import Connection

_COLUMNS = """complaint_id, county, channel, category, language, state, received_by, received_at, acknowledge_by, answer_by,
              acknowledged_by, acknowledged_at, examiner, examined_alone, examination_started_at, answered_at, closed_by,
              closed_at, erase_after, hold_reason, erased_at"""


@dataclass(frozen=True, slots=True)
class ComplaintRow:
    """One complaint without its texts."""

    complaint_id: UUID
    county: County
    channel: ComplaintChannel
    category: ComplaintCategory
    language: str
    state: ComplaintState
    received_by: str
    received_at: datetime
    acknowledge_by: datetime
    answer_by: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    examiner: str | None
    examined_alone: bool
    examination_started_at: datetime | None
    answered_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    erase_after: datetime | None
    hold_reason: HoldReason | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class ComplaintTexts:
    """What the complaint says; all None once erased."""

    body: str | None
    stated_reference: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """What the worker sees of a complaint: no text, no person."""

    complaint_id: UUID
    county: County
    state: ComplaintState
    due_at: datetime
    reminders: int


@dataclass(frozen=True, slots=True)
class RetentionRow:
    complaint_id: UUID
    state: ComplaintState
    is_held: bool
    is_erased: bool


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """What a receipt shows."""

    state: ComplaintState
    received_at: datetime
    acknowledge_by: datetime
    acknowledged_at: datetime | None
    answer_by: datetime
    answered_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewComplaint:
    complaint_id: UUID
    county: County
    receipt: str
    channel: ComplaintChannel
    category: ComplaintCategory
    language: str
    body: str
    stated_reference: str | None
    received_by: str
    acknowledge_by: datetime
    answer_by: datetime


async def insert_complaint(connection: Connection, complaint: NewComplaint) -> None:
    """Both deadline timers must be armed already."""
    await connection.execute(
        """
        INSERT INTO complaints.complaint (complaint_id, county, receipt, channel, category, language, body, stated_reference,
                                          received_by, acknowledge_by, answer_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        complaint.complaint_id,
        complaint.county.value,
        complaint.receipt,
        complaint.channel.value,
        complaint.category.value,
        complaint.language,
        complaint.body,
        complaint.stated_reference,
        complaint.received_by,
        complaint.acknowledge_by,
        complaint.answer_by,
    )


async def find_receipt(connection: Connection, complaint_id: UUID) -> str | None:
    return await connection.fetchval("SELECT receipt FROM complaints.complaint WHERE complaint_id = $1", complaint_id)


async def find_by_receipt(connection: Connection, receipt: str) -> ReceiptRow | None:
    row = await connection.fetchrow(
        """
        SELECT state, received_at, acknowledge_by, acknowledged_at, answer_by, answered_at, closed_at
        FROM complaints.complaint WHERE receipt = $1
        """,
        receipt,
    )
    if row is None:
        return None
    fields: dict[str, Any] = dict(row)
    fields["state"] = ComplaintState(row["state"])
    return ReceiptRow(**fields)


async def lock_complaint(connection: Connection, complaint_id: UUID) -> ComplaintRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM complaints.complaint WHERE complaint_id = $1 FOR UPDATE",
        complaint_id,
    )
    return _complaint(row) if row else None


async def read_texts(connection: Connection, complaint_id: UUID) -> ComplaintTexts:
    row = await connection.fetchrow(
        "SELECT body, stated_reference, answer FROM complaints.complaint WHERE complaint_id = $1", complaint_id
    )
    return ComplaintTexts(**dict(row)) if row else ComplaintTexts(None, None, None)


async def insert_read(connection: Connection, complaint: ComplaintRow, read_by: str) -> None:
    """Log that somebody of the office reads the complaint, in the transaction of the read."""
    await connection.execute(
        "INSERT INTO complaints.complaint_read_log (complaint_id, county, read_by) VALUES ($1, $2, $3)",
        complaint.complaint_id,
        complaint.county.value,
        read_by,
    )


async def list_complaints(
    connection: Connection, county: County | None, state: ComplaintState | None, after: UUID | None, limit: int
) -> list[ComplaintRow]:
    """In the order they were received, without texts."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM complaints.complaint
        WHERE ($1::text IS NULL OR county = $1) AND ($2::text IS NULL OR state = $2)
          AND ($3::uuid IS NULL OR complaint_id > $3)
        ORDER BY complaint_id LIMIT $4
        """,
        county.value if county else None,
        state.value if state else None,
        after,
        limit,
    )
    return [_complaint(row) for row in rows]


async def knows_colleague(connection: Connection, county: County, person: str, since: datetime) -> bool:
    """Whether another officer than `person` worked on a complaint of the county since then."""
    return await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM complaints.complaint
                       WHERE county = $1 AND (acknowledged_by <> $2 AND acknowledged_at >= $3
                                              OR examiner <> $2 AND examination_started_at >= $3))
        """,
        county.value,
        person,
        since,
    )


async def set_acknowledged(connection: Connection, complaint_id: UUID, person: str) -> None:
    await connection.execute(
        """
        UPDATE complaints.complaint SET state = 'acknowledged', acknowledged_by = $2, acknowledged_at = now()
        WHERE complaint_id = $1
        """,
        complaint_id,
        person,
    )


async def set_examiner(connection: Connection, complaint_id: UUID, person: str, alone: bool) -> None:
    await connection.execute(
        """
        UPDATE complaints.complaint
        SET state = 'under_examination', examiner = $2, examined_alone = $3, examination_started_at = now()
        WHERE complaint_id = $1
        """,
        complaint_id,
        person,
        alone,
    )


async def set_answered(connection: Connection, complaint_id: UUID, answer: str) -> None:
    """The retention timer must be armed already: the retention date is copied from it."""
    await connection.execute(
        "UPDATE complaints.complaint SET state = 'answered', answer = $2, answered_at = now() WHERE complaint_id = $1",
        complaint_id,
        answer,
    )


async def set_closed(connection: Connection, complaint_id: UUID, person: str) -> None:
    await connection.execute(
        "UPDATE complaints.complaint SET state = 'closed', closed_by = $2, closed_at = now() WHERE complaint_id = $1",
        complaint_id,
        person,
    )


async def set_hold(connection: Connection, complaint_id: UUID, reason: HoldReason | None, person: str) -> None:
    """Hold the texts beyond their retention date, or (`reason` None) hold them no longer."""
    await connection.execute(
        """
        UPDATE complaints.complaint
        SET hold_reason = $2::text, held_by = CASE WHEN $2::text IS NOT NULL THEN $3::text END,
            held_at = CASE WHEN $2::text IS NOT NULL THEN now() END
        WHERE complaint_id = $1
        """,
        complaint_id,
        reason.value if reason else None,
        person,
    )


async def erase_texts(connection: Connection, complaint_id: UUID, person: str) -> None:
    """Dates and category stay; nothing that was said does."""
    await connection.execute(
        """
        UPDATE complaints.complaint
        SET body = NULL, stated_reference = NULL, answer = NULL, erased_at = now(), erased_by = $2
        WHERE complaint_id = $1
        """,
        complaint_id,
        person,
    )


async def lock_deadline(connection: Connection, complaint_id: UUID, deadline: ComplaintDeadline) -> DeadlineRow | None:
    row = await connection.fetchrow(
        """
        SELECT complaint_id, county, state, acknowledge_by, answer_by, acknowledgement_reminders, answer_reminders
        FROM complaints.complaint WHERE complaint_id = $1 FOR UPDATE
        """,
        complaint_id,
    )
    if row is None:
        return None
    is_answer = deadline is ComplaintDeadline.ANSWER
    return DeadlineRow(
        complaint_id=row["complaint_id"],
        county=County(row["county"]),
        state=ComplaintState(row["state"]),
        due_at=row["answer_by"] if is_answer else row["acknowledge_by"],
        reminders=row["answer_reminders"] if is_answer else row["acknowledgement_reminders"],
    )


async def count_reminder(connection: Connection, complaint_id: UUID, deadline: ComplaintDeadline) -> None:
    is_answer = deadline is ComplaintDeadline.ANSWER
    await connection.execute(
        """
        UPDATE complaints.complaint
        SET acknowledgement_reminders = acknowledgement_reminders + $2, answer_reminders = answer_reminders + $3
        WHERE complaint_id = $1
        """,
        complaint_id,
        int(not is_answer),
        int(is_answer),
    )


async def lock_retention(connection: Connection, complaint_id: UUID) -> RetentionRow | None:
    row = await connection.fetchrow(
        """
        SELECT complaint_id, state, hold_reason IS NOT NULL AS is_held, erased_at IS NOT NULL AS is_erased
        FROM complaints.complaint WHERE complaint_id = $1 FOR UPDATE
        """,
        complaint_id,
    )
    if row is None:
        return None
    return RetentionRow(row["complaint_id"], ComplaintState(row["state"]), row["is_held"], row["is_erased"])


def _complaint(row: Record) -> ComplaintRow:
    fields: dict[str, Any] = dict(row)
    fields["county"] = County(row["county"])
    fields["channel"] = ComplaintChannel(row["channel"])
    fields["category"] = ComplaintCategory(row["category"])
    fields["state"] = ComplaintState(row["state"])
    fields["hold_reason"] = HoldReason(row["hold_reason"]) if row["hold_reason"] else None
    return ComplaintRow(**fields)
