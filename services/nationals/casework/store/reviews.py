"""Pauses and legal reviews: everything that waits for a person, with its owner and review date (safeguard 13)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from shared.contracts.counties import County
from shared.contracts.nationals import ReviewOffice
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class PauseRow:
    pause_id: UUID
    case_id: UUID
    county: County
    safeguard: int
    owner_office: ReviewOffice
    review_by: datetime
    reminders: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class LegalReviewRow:
    review_id: UUID
    case_id: UUID
    county: County
    owner_office: ReviewOffice
    review_by: datetime
    reminders: int
    opened_at: datetime
    first_reviewer: str | None
    second_reviewer: str | None


async def insert_pause(
    connection: Connection,
    pause_id: UUID,
    case_id: UUID,
    county: County,
    safeguard: int,
    owner_office: ReviewOffice,
    review_by: datetime,
    opened_by: str,
) -> None:
    """The pause's review timer must be armed already."""
    await connection.execute(
        """
        INSERT INTO casework.case_pause (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        pause_id,
        case_id,
        county.value,
        safeguard,
        owner_office.value,
        review_by,
        opened_by,
    )


async def open_pauses(connection: Connection, case_id: UUID) -> list[PauseRow]:
    rows = await connection.fetch(
        """
        SELECT pause_id, case_id, county, safeguard, owner_office, review_by, reminders, opened_at
        FROM casework.case_pause WHERE case_id = $1 AND ended_at IS NULL ORDER BY pause_id
        """,
        case_id,
    )
    return [_pause(row) for row in rows]


async def lock_open_pause(connection: Connection, pause_id: UUID) -> PauseRow | None:
    row = await connection.fetchrow(
        """
        SELECT pause_id, case_id, county, safeguard, owner_office, review_by, reminders, opened_at
        FROM casework.case_pause WHERE pause_id = $1 AND ended_at IS NULL FOR UPDATE
        """,
        pause_id,
    )
    return _pause(row) if row else None


async def remind_pause(connection: Connection, pause_id: UUID, review_by: datetime) -> None:
    """Count a reminder and set the next review date."""
    await connection.execute(
        "UPDATE casework.case_pause SET reminders = reminders + 1, review_by = $2 WHERE pause_id = $1",
        pause_id,
        review_by,
    )


async def end_pauses(connection: Connection, case_id: UUID) -> None:
    """End the pauses of a closed case."""
    await connection.execute(
        "UPDATE casework.case_pause SET ended_at = now() WHERE case_id = $1 AND ended_at IS NULL", case_id
    )


async def insert_legal_review(
    connection: Connection,
    review_id: UUID,
    case_id: UUID,
    county: County,
    owner_office: ReviewOffice,
    review_by: datetime,
) -> None:
    """The review's reminder must be armed already, and the case must await the review."""
    await connection.execute(
        """
        INSERT INTO casework.legal_review (review_id, case_id, county, owner_office, review_by)
        VALUES ($1, $2, $3, $4, $5)
        """,
        review_id,
        case_id,
        county.value,
        owner_office.value,
        review_by,
    )


async def find_legal_review_id(connection: Connection, case_id: UUID) -> UUID | None:
    """The case's open legal review, read under the case's lock."""
    return await connection.fetchval(
        "SELECT review_id FROM casework.legal_review WHERE case_id = $1 AND state = 'open'", case_id
    )


async def lock_open_legal_review(connection: Connection, review_id: UUID) -> LegalReviewRow | None:
    row = await connection.fetchrow(
        """
        SELECT review_id, case_id, county, owner_office, review_by, reminders, opened_at, first_reviewer, second_reviewer
        FROM casework.legal_review WHERE review_id = $1 AND state = 'open' FOR UPDATE
        """,
        review_id,
    )
    return _legal_review(row) if row else None


async def remind_legal_review(connection: Connection, review_id: UUID, review_by: datetime) -> None:
    """Count a reminder and set the next review date."""
    await connection.execute(
        "UPDATE casework.legal_review SET reminders = reminders + 1, review_by = $2 WHERE review_id = $1",
        review_id,
        review_by,
    )


async def list_open_legal_reviews(connection: Connection, after: UUID | None, limit: int) -> list[LegalReviewRow]:
    """Open reviews in the order they were opened, after `after`."""
    rows = await connection.fetch(
        """
        SELECT review_id, case_id, county, owner_office, review_by, reminders, opened_at, first_reviewer, second_reviewer
        FROM casework.legal_review
        WHERE state = 'open' AND ($1::uuid IS NULL OR review_id > $1)
        ORDER BY review_id LIMIT $2
        """,
        after,
        limit,
    )
    return [_legal_review(row) for row in rows]


def _pause(row: Record) -> PauseRow:
    return PauseRow(
        pause_id=row["pause_id"],
        case_id=row["case_id"],
        county=County(row["county"]),
        safeguard=row["safeguard"],
        owner_office=ReviewOffice(row["owner_office"]),
        review_by=row["review_by"],
        reminders=row["reminders"],
        opened_at=row["opened_at"],
    )


def _legal_review(row: Record) -> LegalReviewRow:
    return LegalReviewRow(
        review_id=row["review_id"],
        case_id=row["case_id"],
        county=County(row["county"]),
        owner_office=ReviewOffice(row["owner_office"]),
        review_by=row["review_by"],
        reminders=row["reminders"],
        opened_at=row["opened_at"],
        first_reviewer=row["first_reviewer"],
        second_reviewer=row["second_reviewer"],
    )
