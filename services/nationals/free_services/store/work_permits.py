"""Work permits: found by number, by employer or by a window of their end, and by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from services.nationals.free_services.domain.work_permit import OccupationGroup, Permit, PermitState
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class PermitRow:
    permit_id: UUID
    permit: Permit
    state: PermitState


@dataclass(frozen=True, slots=True)
class TermRow:
    valid_until: date
    recorded_by: str
    recorded_at: datetime


_COLUMNS = "permit_id, permit_number, employer_reference, occupation_group, county, valid_until, state"


async def insert_permits(connection: Connection, permits: Sequence[PermitRow], recorded_by: str) -> set[UUID]:
    """Record those whose number is not recorded yet, in whatever county; returns their ids."""
    rows = await connection.fetch(
        """
        WITH added AS (
            INSERT INTO free_services.work_permit
                (permit_id, permit_number, employer_reference, occupation_group, county, valid_until, state, recorded_by)
            SELECT permit.*, $8 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::text[])
                AS permit
            ON CONFLICT (permit_number) DO NOTHING
            RETURNING permit_id, county, valid_until
        )
        SELECT permit_id, county, valid_until FROM added
        """,
        [new.permit_id for new in permits],
        [new.permit.permit_number for new in permits],
        [new.permit.employer_reference for new in permits],
        [new.permit.occupation_group.value for new in permits],
        [new.permit.county.value for new in permits],
        [new.permit.valid_until for new in permits],
        [new.state.value for new in permits],
        recorded_by,
    )
    await _insert_terms(connection, rows, recorded_by)
    return {row["permit_id"] for row in rows}


async def renew_permits(connection: Connection, renewals: Sequence[PermitRow], recorded_by: str) -> None:
    """Put the ends of locked permits off to those of `renewals`, and keep the old ones."""
    rows = await connection.fetch(
        """
        UPDATE free_services.work_permit AS recorded SET valid_until = renewal.valid_until, state = renewal.state
        FROM unnest($1::uuid[], $2::date[], $3::text[]) AS renewal (permit_id, valid_until, state)
        WHERE recorded.permit_id = renewal.permit_id
        RETURNING recorded.permit_id, recorded.county, recorded.valid_until
        """,
        [renewal.permit_id for renewal in renewals],
        [renewal.permit.valid_until for renewal in renewals],
        [renewal.state.value for renewal in renewals],
    )
    await _insert_terms(connection, rows, recorded_by)


async def lock_permit(connection: Connection, permit_id: UUID) -> PermitRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.work_permit WHERE permit_id = $1 FOR UPDATE",
        permit_id,
    )
    return _permit(row) if row else None


async def lock_permits_by_number(connection: Connection, permit_numbers: Sequence[str]) -> dict[str, PermitRow]:
    """The recorded ones, by number; locked in one order, so that two imports follow each other and never deadlock."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM free_services.work_permit WHERE permit_number = ANY ($1) ORDER BY permit_id FOR UPDATE
        """,
        permit_numbers,
    )
    return {row["permit_number"]: _permit(row) for row in rows}


async def find_permit_by_number(connection: Connection, permit_number: str) -> PermitRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.work_permit WHERE permit_number = $1",
        permit_number,
    )
    return _permit(row) if row else None


async def list_permits_of_employer(
    connection: Connection, employer_reference: str, after: UUID | None, limit: int
) -> list[PermitRow]:
    """In the order of their ids, after `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM free_services.work_permit
        WHERE employer_reference = $1 AND ($2::uuid IS NULL OR permit_id > $2) ORDER BY permit_id LIMIT $3
        """,
        employer_reference,
        after,
        limit,
    )
    return [_permit(row) for row in rows]


async def list_permits_by_end(
    connection: Connection, from_on: date, until_on: date, after: tuple[date, UUID] | None, limit: int
) -> list[PermitRow]:
    """Those whose last day lies in the window, the earliest first, after `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM free_services.work_permit
        WHERE valid_until BETWEEN $1 AND $2 AND ($3::date IS NULL OR (valid_until, permit_id) > ($3, $4::uuid))
        ORDER BY valid_until, permit_id LIMIT $5
        """,
        from_on,
        until_on,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [_permit(row) for row in rows]


async def set_state(connection: Connection, permit_id: UUID, state: PermitState) -> None:
    await connection.execute(
        "UPDATE free_services.work_permit SET state = $2 WHERE permit_id = $1", permit_id, state.value
    )


async def list_terms(connection: Connection, permit_id: UUID) -> list[TermRow]:
    """Every last day that the permit has had, the earliest first."""
    rows = await connection.fetch(
        """
        SELECT valid_until, recorded_by, recorded_at FROM free_services.work_permit_term
        WHERE permit_id = $1 ORDER BY valid_until
        """,
        permit_id,
    )
    return [TermRow(**dict(row)) for row in rows]


async def _insert_terms(connection: Connection, rows: Sequence[Record], recorded_by: str) -> None:
    await connection.execute(
        """
        INSERT INTO free_services.work_permit_term (permit_id, county, valid_until, recorded_by)
        SELECT term.*, $4 FROM unnest($1::uuid[], $2::text[], $3::date[]) AS term
        """,
        [row["permit_id"] for row in rows],
        [row["county"] for row in rows],
        [row["valid_until"] for row in rows],
        recorded_by,
    )


def _permit(row: Record) -> PermitRow:
    return PermitRow(
        permit_id=row["permit_id"],
        permit=Permit(
            permit_number=row["permit_number"],
            employer_reference=row["employer_reference"],
            occupation_group=OccupationGroup(row["occupation_group"]),
            county=County(row["county"]),
            valid_until=row["valid_until"],
        ),
        state=PermitState(row["state"]),
    )
