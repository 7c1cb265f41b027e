"""Reports of partners: one row per agreement and period, its versions, and the figures of each version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from services.nationals.free_services.domain.partner_report import ReportFigure
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.transaction import Connection


class ReportState(StrEnum):
    AWAITED = "awaited"
    LATE = "late"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """`version` is the one that counts; 0 while none has come."""

    agreement_id: UUID
    period: str
    partner_id: UUID
    due_on: date
    state: ReportState
    version: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: int
    file_sha256: str
    received_by: str
    received_at: datetime


async def ensure_report(
    connection: Connection,
    agreement_id: UUID,
    period: str,
    partner_id: UUID,
    counties: Sequence[County],
    due_on: date,
) -> None:
    """Make the row of the report that is owed, if there is none."""
    await connection.execute(
        """
        INSERT INTO free_services.partner_report (agreement_id, period, partner_id, counties, due_on)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agreement_id, period) DO NOTHING
        """,
        agreement_id,
        period,
        partner_id,
        [county.value for county in counties],
        due_on,
    )


async def lock_report(connection: Connection, agreement_id: UUID, period: str) -> ReportRow | None:
    row = await connection.fetchrow(
        """
        SELECT agreement_id, period, partner_id, due_on, state, version FROM free_services.partner_report
        WHERE agreement_id = $1 AND period = $2 FOR UPDATE
        """,
        agreement_id,
        period,
    )
    return _report(row) if row else None


async def find_report(connection: Connection, agreement_id: UUID, period: str) -> ReportRow | None:
    row = await connection.fetchrow(
        """
        SELECT agreement_id, period, partner_id, due_on, state, version FROM free_services.partner_report
        WHERE agreement_id = $1 AND period = $2
        """,
        agreement_id,
        period,
    )
    return _report(row) if row else None


async def set_late(connection: Connection, agreement_id: UUID, period: str) -> None:
    await connection.execute(
        "UPDATE free_services.partner_report SET state = 'late' WHERE agreement_id = $1 AND period = $2",
        agreement_id,
        period,
    )


async def add_version(
    connection: Connection,
    report: ReportRow,
    figures: Sequence[ReportFigure],
    file_sha256: str,
    received_by: str,
) -> int:
    """Keep the next version of a locked report, which counts from now on. Returns its number."""
    version = report.version + 1
    await connection.execute(
        """
        INSERT INTO free_services.partner_report_version (agreement_id, period, version, file_sha256, received_by)
        VALUES ($1, $2, $3, $4, $5)
        """,
        report.agreement_id,
        report.period,
        version,
        file_sha256,
        received_by,
    )
    await connection.execute(
        """
        INSERT INTO free_services.partner_report_figure (agreement_id, period, version, county, service, given, unmet)
        SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[])
        """,
        report.agreement_id,
        report.period,
        version,
        [figure.county.value for figure in figures],
        [figure.service.value for figure in figures],
        [figure.given for figure in figures],
        [figure.unmet for figure in figures],
    )
    await connection.execute(
        """
        UPDATE free_services.partner_report SET state = 'received', version = $3
        WHERE agreement_id = $1 AND period = $2
        """,
        report.agreement_id,
        report.period,
        version,
    )
    return version


async def list_figures(connection: Connection, agreement_id: UUID, period: str, version: int) -> list[ReportFigure]:
    """The figures of one version, of the caller's counties alone, in order."""
    rows = await connection.fetch(
        """
        SELECT county, service, given, unmet FROM free_services.partner_report_figure
        WHERE agreement_id = $1 AND period = $2 AND version = $3
        """,
        agreement_id,
        period,
        version,
    )
    return sorted(
        ReportFigure(County(row["county"]), FreeService(row["service"]), row["given"], row["unmet"]) for row in rows
    )


async def list_versions(connection: Connection, agreement_id: UUID, period: str) -> list[VersionRow]:
    """The earliest first."""
    rows = await connection.fetch(
        """
        SELECT version, file_sha256, received_by, received_at FROM free_services.partner_report_version
        WHERE agreement_id = $1 AND period = $2 ORDER BY version
        """,
        agreement_id,
        period,
    )
    return [VersionRow(**dict(row)) for row in rows]


async def list_reports(
    connection: Connection,
    partner_id: UUID | None,
    state: ReportState | None,
    after: tuple[UUID, str] | None,
    limit: int,
) -> list[ReportRow]:
    """Reports that are owed or have come, by agreement and period, after `after`."""
    rows = await connection.fetch(
        """
        SELECT agreement_id, period, partner_id, due_on, state, version FROM free_services.partner_report
        WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR state = $2)
            AND ($3::uuid IS NULL OR (agreement_id, period) > ($3, $4::text))
        ORDER BY agreement_id, period LIMIT $5
        """,
        partner_id,
        state.value if state else None,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [_report(row) for row in rows]


def _report(row: Record) -> ReportRow:
    return ReportRow(
        agreement_id=row["agreement_id"],
        period=row["period"],
        partner_id=row["partner_id"],
        due_on=row["due_on"],
        state=ReportState(row["state"]),
        version=row["version"],
    )
