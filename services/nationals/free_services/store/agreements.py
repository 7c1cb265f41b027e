"""Agreements with partners, and their renewals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from services.nationals.free_services.domain.agreement import AgreementState, Terms
from services.nationals.free_services.domain.report_period import Cadence
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """`chased_period` is the key of the period whose due timer is armed; None when the last one has passed."""

    agreement_id: UUID
    partner_id: UUID
    home_county: County
    counties: tuple[County, ...]
    services: tuple[FreeService, ...]
    subject: str
    terms: Terms
    state: AgreementState
    chased_period: str | None


@dataclass(frozen=True, slots=True)
class RenewalRow:
    valid_until_before: date
    valid_until: date
    renewed_by: str
    renewed_at: datetime


_COLUMNS = """agreement_id, partner_id, home_county, counties, services, subject, cadence, valid_from, valid_until,
              report_grace_days, state, chased_period"""


async def insert_agreement(connection: Connection, agreement: AgreementRow, made_by: str) -> None:
    """The agreement begins in force, whatever `agreement.state` says."""
    await connection.execute(
        """
        INSERT INTO free_services.partner_agreement
            (agreement_id, partner_id, home_county, counties, services, subject, cadence, valid_from, valid_until,
             report_grace_days, chased_period, made_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        agreement.agreement_id,
        agreement.partner_id,
        agreement.home_county.value,
        [county.value for county in agreement.counties],
        [service.value for service in agreement.services],
        agreement.subject,
        agreement.terms.cadence.value,
        agreement.terms.valid_from,
        agreement.terms.valid_until,
        agreement.terms.report_grace_days,
        agreement.chased_period,
        made_by,
    )


async def find_agreement(connection: Connection, agreement_id: UUID) -> AgreementRow | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.partner_agreement WHERE agreement_id = $1",
        agreement_id,
    )
    return _agreement(row) if row else None


async def lock_agreement(connection: Connection, agreement_id: UUID) -> AgreementRow | None:
    """None also where the caller lacks one of the agreement's counties."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM free_services.partner_agreement WHERE agreement_id = $1 FOR UPDATE",
        agreement_id,
    )
    return _agreement(row) if row else None


async def list_agreements(
    connection: Connection, partner_id: UUID | None, after: UUID | None, limit: int
) -> list[AgreementRow]:
    """Agreements in the order of their ids, after `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM free_services.partner_agreement
        WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR agreement_id > $2)
        ORDER BY agreement_id LIMIT $3
        """,
        partner_id,
        after,
        limit,
    )
    return [_agreement(row) for row in rows]


async def running_agreements(connection: Connection, partner_id: UUID) -> list[AgreementRow]:
    """The partner's agreements that have not ended."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM free_services.partner_agreement WHERE partner_id = $1 AND state <> 'ended'",
        partner_id,
    )
    return [_agreement(row) for row in rows]


async def set_state(connection: Connection, agreement_id: UUID, state: AgreementState) -> None:
    await connection.execute(
        "UPDATE free_services.partner_agreement SET state = $2 WHERE agreement_id = $1", agreement_id, state.value
    )


async def set_chased_period(connection: Connection, agreement_id: UUID, period: str | None) -> None:
    await connection.execute(
        "UPDATE free_services.partner_agreement SET chased_period = $2 WHERE agreement_id = $1", agreement_id, period
    )


async def renew_agreement(
    connection: Connection, agreement_id: UUID, valid_until_before: date, valid_until: date, renewed_by: str
) -> None:
    """Put the end of a locked agreement off and keep the old one."""
    await connection.execute(
        """
        UPDATE free_services.partner_agreement SET valid_until = $2, state = 'in_force' WHERE agreement_id = $1
        """,
        agreement_id,
        valid_until,
    )
    await connection.execute(
        """
        INSERT INTO free_services.agreement_renewal (agreement_id, valid_until_before, valid_until, renewed_by)
        VALUES ($1, $2, $3, $4)
        """,
        agreement_id,
        valid_until_before,
        valid_until,
        renewed_by,
    )


async def list_renewals(connection: Connection, agreement_id: UUID) -> Sequence[RenewalRow]:
    """The earliest first."""
    rows = await connection.fetch(
        """
        SELECT valid_until_before, valid_until, renewed_by, renewed_at FROM free_services.agreement_renewal
        WHERE agreement_id = $1 ORDER BY valid_until
        """,
        agreement_id,
    )
    return [RenewalRow(**dict(row)) for row in rows]


def _agreement(row: Record) -> AgreementRow:
    return AgreementRow(
        agreement_id=row["agreement_id"],
        partner_id=row["partner_id"],
        home_county=County(row["home_county"]),
        counties=tuple(County(county) for county in row["counties"]),
        services=tuple(FreeService(service) for service in row["services"]),
        subject=row["subject"],
        terms=Terms(Cadence(row["cadence"]), row["valid_from"], row["valid_until"], row["report_grace_days"]),
        state=AgreementState(row["state"]),
        chased_period=row["chased_period"],
    )
