"""Support requests and the steps they took."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from services.nationals.free_services.domain.support import DeclineReason
from shared.contracts.counties import County
from shared.contracts.free_services import SupportKind, SupportState
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class SupportRow:
    request_id: UUID
    partner_id: UUID
    county: County
    support: SupportKind
    quantity: int
    needed_by: date
    state: SupportState
    decline_reason: DeclineReason | None
    requested_at: datetime
    unanswered_at: datetime | None


@dataclass(frozen=True, slots=True)
class SupportStepRow:
    state: SupportState
    decline_reason: DeclineReason | None
    taken_by: str
    taken_at: datetime


_COLUMNS = """request_id, partner_id, county, support, quantity, needed_by, state, decline_reason, requested_at,
              unanswered_at"""


async def insert_request(
    connection: Connection,
    request_id: UUID,
    partner_id: UUID,
    county: County,
    support: SupportKind,
    quantity: int,
    needed_by: date,
    requested_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO free_services.support_request
            (request_id, partner_id, county, support, quantity, needed_by, requested_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        request_id,
        partner_id,
        county.value,
        support.value,
        quantity,
        needed_by,
        requested_by,
    )
    await _insert_step(connection, request_id, county, SupportState.REQUESTED, None, requested_by)


async def find_request(connection: Connection, request_id: UUID) -> SupportRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.support_request WHERE request_id = $1",
        request_id,
    )
    return _request(row) if row else None


async def lock_request(connection: Connection, request_id: UUID) -> SupportRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.support_request WHERE request_id = $1 FOR UPDATE",
        request_id,
    )
    return _request(row) if row else None


async def take_step(
    connection: Connection,
    request: SupportRow,
    state: SupportState,
    decline_reason: DeclineReason | None,
    taken_by: str,
) -> None:
    """Move a locked request on and keep who did it."""
    await connection.execute(
        "UPDATE free_services.support_request SET state = $2, decline_reason = $3 WHERE request_id = $1",
        request.request_id,
        state.value,
        decline_reason.value if decline_reason else None,
    )
    await _insert_step(connection, request.request_id, request.county, state, decline_reason, taken_by)


async def set_unanswered(connection: Connection, request_id: UUID) -> None:
    """Remember that nobody answered in time."""
    await connection.execute(
        "UPDATE free_services.support_request SET unanswered_at = now() WHERE request_id = $1", request_id
    )


async def list_requests(
    connection: Connection,
    partner_id: UUID | None,
    county: County | None,
    state: SupportState | None,
    after: UUID | None,
    limit: int,
) -> list[SupportRow]:
    """Requests in the order of their ids, after `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM free_services.support_request
        WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR county = $2)
            AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR request_id > $4)
        ORDER BY request_id LIMIT $5
        """,
        partner_id,
        county.value if county else None,
        state.value if state else None,
        after,
        limit,
    )
    return [_request(row) for row in rows]


async def list_steps(connection: Connection, request_id: UUID) -> list[SupportStepRow]:
    """The earliest first."""
    rows = await connection.fetch(
        """
        SELECT state, decline_reason, taken_by, taken_at FROM free_services.support_request_step
        WHERE request_id = $1 ORDER BY step_id
        """,
        request_id,
    )
    return [
        SupportStepRow(SupportState(row["state"]), _reason(row["decline_reason"]), row["taken_by"], row["taken_at"])
        for row in rows
    ]


async def _insert_step(
    connection: Connection,
    request_id: UUID,
    county: County,
    state: SupportState,
    decline_reason: DeclineReason | None,
    taken_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO free_services.support_request_step (request_id, county, state, decline_reason, taken_by)
        VALUES ($1, $2, $3, $4, $5)
        """,
        request_id,
        county.value,
        state.value,
        decline_reason.value if decline_reason else None,
        taken_by,
    )


def _reason(value: str | None) -> DeclineReason | None:
    return DeclineReason(value) if value else None


def _request(row: Record) -> SupportRow:
    return SupportRow(
        request_id=row["request_id"],
        partner_id=row["partner_id"],
        county=County(row["county"]),
        support=SupportKind(row["support"]),
        quantity=row["quantity"],
        needed_by=row["needed_by"],
        state=SupportState(row["state"]),
        decline_reason=_reason(row["decline_reason"]),
        requested_at=row["requested_at"],
        unanswered_at=row["unanswered_at"],
    )
