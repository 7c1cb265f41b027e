"""Appeals: while one is open everything is suspended, and somebody is chased to decide it (safeguards 5, 13)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.nationals.casework.domain.legal_facts import AppealOutcome
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class AppealRow:
    """An appeal that waits."""

    appeal_id: UUID
    decision_id: UUID
    case_id: UUID
    county: County
    review_by: datetime
    reminders: int
    lodged_at: datetime


async def insert_appeal(
    connection: Connection,
    appeal_id: UUID,
    decision_id: UUID,
    case: CaseRow,
    review_by: datetime,
    lodged_by: str,
    late_reason: str | None,
) -> None:
    """The appeal's reminder must be armed already."""
    await connection.execute(
        """
        INSERT INTO casework.appeal (appeal_id, decision_id, case_id, county, review_by, lodged_by, late_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        appeal_id,
        decision_id,
        case.case_id,
        case.county.value,
        review_by,
        lodged_by,
        late_reason,
    )


async def find_open_appeal(connection: Connection, case_id: UUID) -> AppealRow | None:
    """The case's open appeal, read under the case's lock."""
    row = await connection.fetchrow(
        """
        SELECT appeal_id, decision_id, case_id, county, review_by, reminders, lodged_at
        FROM casework.appeal WHERE case_id = $1 AND outcome IS NULL
        """,
        case_id,
    )
    return _appeal(row) if row else None


async def lock_open_appeal(connection: Connection, appeal_id: UUID) -> AppealRow | None:
    row = await connection.fetchrow(
        """
        SELECT appeal_id, decision_id, case_id, county, review_by, reminders, lodged_at
        FROM casework.appeal WHERE appeal_id = $1 AND outcome IS NULL FOR UPDATE
        """,
        appeal_id,
    )
    return _appeal(row) if row else None


async def set_decided(
    connection: Connection, appeal_id: UUID, outcome: AppealOutcome, reasons: str, decided_by: str
) -> None:
    await connection.execute(
        "UPDATE casework.appeal SET outcome = $2, outcome_reasons = $3, decided_by = $4 WHERE appeal_id = $1",
        appeal_id,
        outcome.value,
        reasons,
        decided_by,
    )


async def remind_appeal(connection: Connection, appeal_id: UUID, review_by: datetime) -> None:
    """Count a reminder and set the next review date."""
    await connection.execute(
        "UPDATE casework.appeal SET reminders = reminders + 1, review_by = $2 WHERE appeal_id = $1",
        appeal_id,
        review_by,
    )


async def list_open_appeals(connection: Connection, after: UUID | None, limit: int) -> list[AppealRow]:
    """Open appeals in the order they were lodged, after `after`."""
    rows = await connection.fetch(
        """
        SELECT appeal_id, decision_id, case_id, county, review_by, reminders, lodged_at FROM casework.appeal
        WHERE outcome IS NULL AND ($1::uuid IS NULL OR appeal_id > $1) ORDER BY appeal_id LIMIT $2
        """,
        after,
        limit,
    )
    return [_appeal(row) for row in rows]


def _appeal(row: Record) -> AppealRow:
    return AppealRow(
        appeal_id=row["appeal_id"],
        decision_id=row["decision_id"],
        case_id=row["case_id"],
        county=County(row["county"]),
        review_by=row["review_by"],
        reminders=row["reminders"],
        lodged_at=row["lodged_at"],
    )
