"""Partner organisations and the accounts that report for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record, UniqueViolationError

from services.nationals.free_services.domain.agreement import PartnerState
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class PartnerRow:
    partner_id: UUID
    name_fa: str
    name_en: str
    home_county: County
    counties: tuple[County, ...]
    services: tuple[FreeService, ...]
    state: PartnerState
    registered_at: datetime


_COLUMNS = "partner_id, name_fa, name_en, home_county, counties, services, state, registered_at"


async def insert_partner(
    connection: Connection,
    partner_id: UUID,
    name_fa: str,
    name_en: str,
    home_county: County,
    counties: Sequence[County],
    services: Sequence[FreeService],
    registered_by: str,
) -> bool:
    """False if a partner, perhaps of other counties, has one of the names."""
    status = await connection.execute(
        """
        INSERT INTO free_services.partner_organisation
            (partner_id, name_fa, name_en, home_county, counties, services, registered_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        partner_id,
        name_fa,
        name_en,
        home_county.value,
        [county.value for county in counties],
        [service.value for service in services],
        registered_by,
    )
    return status == "INSERT 0 1"


async def find_partner(connection: Connection, partner_id: UUID) -> PartnerRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.partner_organisation WHERE partner_id = $1",
        partner_id,
    )
    return _partner(row) if row else None


async def lock_partner(connection: Connection, partner_id: UUID) -> PartnerRow | None:
    """None also where the caller lacks one of the partner's counties."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.partner_organisation WHERE partner_id = $1 FOR UPDATE",
        partner_id,
    )
    return _partner(row) if row else None


async def list_partners(connection: Connection, after: UUID | None, limit: int) -> list[PartnerRow]:
    """Partners in the order of their ids, after `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM free_services.partner_organisation
        WHERE $1::uuid IS NULL OR partner_id > $1 ORDER BY partner_id LIMIT $2
        """,
        after,
        limit,
    )
    return [_partner(row) for row in rows]


async def update_partner(connection: Connection, partner: PartnerRow) -> bool:
    """Write what may change of a locked partner; False if another partner has one of the names."""
    try:
        async with connection.transaction():
            await connection.execute(
                """
                UPDATE free_services.partner_organisation
                SET name_fa = $2, name_en = $3, home_county = $4, counties = $5, services = $6, state = $7
                WHERE partner_id = $1
                """,
                partner.partner_id,
                partner.name_fa,
                partner.name_en,
                partner.home_county.value,
                [county.value for county in partner.counties],
                [service.value for service in partner.services],
                partner.state.value,
            )
    except UniqueViolationError:
        return False
    return True


async def appoint_account(connection: Connection, subject: str, partner_id: UUID, appointed_by: str) -> bool:
    """False if the account reports for a partner already, this or another."""
    status = await connection.execute(
        """
        INSERT INTO free_services.partner_account (subject, partner_id, appointed_by) VALUES ($1, $2, $3)
        ON CONFLICT (subject) DO NOTHING
        """,
        subject,
        partner_id,
        appointed_by,
    )
    return status == "INSERT 0 1"


async def dismiss_account(connection: Connection, subject: str, partner_id: UUID) -> bool:
    """False if the account does not report for this partner."""
    status = await connection.execute(
        "DELETE FROM free_services.partner_account WHERE subject = $1 AND partner_id = $2", subject, partner_id
    )
    return status == "DELETE 1"


async def list_accounts(connection: Connection, partner_id: UUID) -> list[str]:
    rows = await connection.fetch(
        "SELECT subject FROM free_services.partner_account WHERE partner_id = $1 ORDER BY subject", partner_id
    )
    return [row["subject"] for row in rows]


async def find_partner_of_account(connection: Connection, subject: str) -> UUID | None:
    """The partner that the account reports for, if the caller may see that partner."""
    return await connection.fetchval("SELECT partner_id FROM free_services.partner_account WHERE subject = $1", subject)


def _partner(row: Record) -> PartnerRow:
    return PartnerRow(
        partner_id=row["partner_id"],
        name_fa=row["name_fa"],
        name_en=row["name_en"],
        home_county=County(row["home_county"]),
        counties=tuple(County(county) for county in row["counties"]),
        services=tuple(FreeService(service) for service in row["services"]),
        state=PartnerState(row["state"]),
        registered_at=row["registered_at"],
    )
