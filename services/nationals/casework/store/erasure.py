"""Erasures and what holds them off. PostgreSQL erases by functions of its own (``schema/01041_erasure.sql``)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.nationals.casework.domain.contacts import ErasureCause, HoldGround, RetentionPurpose
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold on the records of a case; `released_at` None while it runs."""

    hold_id: UUID
    case_id: UUID
    county: County
    ground: HoldGround
    review_by: datetime
    reminders: int
    held_by: str
    held_at: datetime
    released_by: str | None
    released_at: datetime | None


async def insert_erasure(
    connection: Connection,
    erasure_id: UUID,
    case: CaseRow,
    cause: ErasureCause,
    scope: RetentionPurpose,
    recorded_by: str,
) -> None:
    """Record an erasure before it is done. One that still waits for the same scope stays the only one."""
    await connection.execute(
        """
        INSERT INTO casework.case_erasure (erasure_id, case_id, county, cause, scope, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (case_id, scope) WHERE completed_at IS NULL DO NOTHING
        """,
        erasure_id,
        case.case_id,
        case.county.value,
        cause.value,
        scope.value,
        recorded_by,
    )


async def has_open_request(connection: Connection, case_id: UUID) -> bool:
    """Whether the household asked for the erasure of the whole case and it is not done."""
    return await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM casework.case_erasure
                       WHERE case_id = $1 AND scope = 'case' AND cause = 'household_request' AND completed_at IS NULL)
        """,
        case_id,
    )


async def has_retention_date(connection: Connection, timer_kind: str, case_id: UUID) -> bool:
    """Whether the case's retention timer runs."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM timer WHERE kind = $1 AND subject_id = $2)", timer_kind, str(case_id)
    )


async def erase_contacts(connection: Connection, case_id: UUID) -> bool:
    """Destroy the household's data key; True if there was one. An erasure must be recorded."""
    return await connection.fetchval("SELECT casework.erase_contacts($1)", case_id)


async def erase_case(connection: Connection, case_id: UUID) -> bool:
    """Erase contacts, texts and reference of an ended case that nobody holds; True if anything was left."""
    return await connection.fetchval("SELECT casework.erase_case($1)", case_id)


async def is_erased(connection: Connection, case_id: UUID) -> bool:
    """Whether the case's reference is gone."""
    return await connection.fetchval(
        "SELECT erased_at IS NOT NULL FROM casework.return_case WHERE case_id = $1", case_id
    )


async def insert_hold(
    connection: Connection, hold_id: UUID, case: CaseRow, ground: HoldGround, review_by: datetime, held_by: str
) -> bool:
    """False if the case is held already. The review timer must be armed."""
    status = await connection.execute(
        """
        INSERT INTO casework.retention_hold (hold_id, case_id, county, ground, review_by, held_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (case_id) WHERE released_at IS NULL DO NOTHING
        """,
        hold_id,
        case.case_id,
        case.county.value,
        ground.value,
        review_by,
        held_by,
    )
    return status == "INSERT 0 1"


async def running_hold(connection: Connection, case_id: UUID) -> HoldRow | None:
    return next((hold for hold in await list_holds(connection, case_id) if hold.released_at is None), None)


async def lock_running_hold(connection: Connection, hold_id: UUID) -> HoldRow | None:
    row = await connection.fetchrow(
        "SELECT * FROM casework.retention_hold WHERE hold_id = $1 AND released_at IS NULL FOR UPDATE", hold_id
    )
    return _hold(row) if row else None


async def list_holds(connection: Connection, case_id: UUID) -> list[HoldRow]:
    """Every hold that the case ever had, the oldest first."""
    rows = await connection.fetch("SELECT * FROM casework.retention_hold WHERE case_id = $1 ORDER BY hold_id", case_id)
    return [_hold(row) for row in rows]


async def release_hold(connection: Connection, hold_id: UUID, released_by: str) -> None:
    await connection.execute(
        "UPDATE casework.retention_hold SET released_by = $2 WHERE hold_id = $1", hold_id, released_by
    )


async def remind_hold(connection: Connection, hold_id: UUID, review_by: datetime) -> None:
    """Count a reminder and set the next review date."""
    await connection.execute(
        "UPDATE casework.retention_hold SET reminders = reminders + 1, review_by = $2 WHERE hold_id = $1",
        hold_id,
        review_by,
    )


def _hold(row: Record) -> HoldRow:
    return HoldRow(
        hold_id=row["hold_id"],
        case_id=row["case_id"],
        county=County(row["county"]),
        ground=HoldGround(row["ground"]),
        review_by=row["review_by"],
        reminders=row["reminders"],
        held_by=row["held_by"],
        held_at=row["held_at"],
        released_by=row["released_by"],
        released_at=row["released_at"],
    )
