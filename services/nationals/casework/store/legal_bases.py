"""Legal-basis records of the legal office. They belong to no county and to no person."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from asyncpg import Record

from services.nationals.casework.domain.legal_basis import LegalBasis
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class LegalBasisRow:
    basis_id: UUID
    title: str
    instrument_number: str
    basis: LegalBasis


async def insert_basis(
    connection: Connection,
    basis_id: UUID,
    title: str,
    instrument_number: str,
    in_force_from: date,
    in_force_until: date,
    entered_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.legal_basis (basis_id, title, instrument_number, in_force_from, in_force_until, entered_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        basis_id,
        title,
        instrument_number,
        in_force_from,
        in_force_until,
        entered_by,
    )


async def lock_basis(connection: Connection, basis_id: UUID) -> LegalBasisRow | None:
    """The record under its row lock: it cannot end before the caller's transaction does."""
    row = await connection.fetchrow(
        """
        SELECT basis_id, title, instrument_number, in_force_from, in_force_until, entered_by, confirmed_by, ended_by
        FROM casework.legal_basis WHERE basis_id = $1 FOR UPDATE
        """,
        basis_id,
    )
    return _basis(row) if row else None


async def set_confirmed(connection: Connection, basis_id: UUID, confirmed_by: str) -> None:
    await connection.execute(
        "UPDATE casework.legal_basis SET confirmed_by = $2 WHERE basis_id = $1", basis_id, confirmed_by
    )


async def set_ended(connection: Connection, basis_id: UUID, ended_by: str) -> None:
    await connection.execute("UPDATE casework.legal_basis SET ended_by = $2 WHERE basis_id = $1", basis_id, ended_by)


async def list_bases(connection: Connection, after: UUID | None, limit: int) -> list[LegalBasisRow]:
    """Records in the order they were entered, after `after`."""
    rows = await connection.fetch(
        """
        SELECT basis_id, title, instrument_number, in_force_from, in_force_until, entered_by, confirmed_by, ended_by
        FROM casework.legal_basis WHERE $1::uuid IS NULL OR basis_id > $1 ORDER BY basis_id LIMIT $2
        """,
        after,
        limit,
    )
    return [_basis(row) for row in rows]


def _basis(row: Record) -> LegalBasisRow:
    return LegalBasisRow(
        basis_id=row["basis_id"],
        title=row["title"],
        instrument_number=row["instrument_number"],
        basis=LegalBasis(
            in_force_from=row["in_force_from"],
            in_force_until=row["in_force_until"],
            entered_by=row["entered_by"],
            confirmed_by=row["confirmed_by"],
            ended_by=row["ended_by"],
        ),
    )
