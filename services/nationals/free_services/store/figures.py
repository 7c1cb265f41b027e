"""Tallies, estimates, the exact figures of a month, and what was published of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.nationals.free_services.domain.calendar import JalaliMonth
from services.nationals.free_services.domain.figures import (
    Cell,
    CorrectionReason,
    EstimateSource,
    Position,
    PublishedCell,
    TallyMeasure,
    add_cells,
)
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class TallyKey:
    service_centre_id: UUID
    service: FreeService
    counted_on: date
    measure: TallyMeasure


@dataclass(frozen=True, slots=True)
class TallyLine:
    """One revision of a day's count; the highest revision counts."""

    key: TallyKey
    revision: int
    count: int
    reason: CorrectionReason | None
    recorded_by: str
    recorded_at: datetime


async def latest_revision(connection: Connection, key: TallyKey) -> int:
    """0 if the day was not counted."""
    return await connection.fetchval(
        """
        SELECT coalesce(max(revision), 0) FROM free_services.tally
        WHERE service_centre_id = $1 AND service = $2 AND counted_on = $3 AND measure = $4
        """,
        key.service_centre_id,
        key.service,
        key.counted_on,
        key.measure,
    )


async def insert_tally(
    connection: Connection,
    key: TallyKey,
    county: County,
    revision: int,
    count: int,
    reason: CorrectionReason | None,
    recorded_by: str,
) -> None:
    """Call it under the centre's lock."""
    await connection.execute(
        """
        INSERT INTO free_services.tally
            (service_centre_id, service, counted_on, measure, revision, county, count, reason, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        key.service_centre_id,
        key.service,
        key.counted_on,
        key.measure,
        revision,
        county,
        count,
        reason,
        recorded_by,
    )


async def list_tallies(
    connection: Connection, service_centre_id: UUID, from_on: date, to_on: date, limit: int
) -> list[TallyLine]:
    """Every revision of the counts of days from `from_on` to `to_on`, both included, the newest days first."""
    rows = await connection.fetch(
        """
        SELECT service, counted_on, measure, revision, count, reason, recorded_by, recorded_at FROM free_services.tally
        WHERE service_centre_id = $1 AND counted_on BETWEEN $2 AND $3
        ORDER BY counted_on DESC, service, measure, revision LIMIT $4
        """,
        service_centre_id,
        from_on,
        to_on,
        limit,
    )
    return [
        TallyLine(
            TallyKey(service_centre_id, FreeService(row["service"]), row["counted_on"], TallyMeasure(row["measure"])),
            row["revision"],
            row["count"],
            None if row["reason"] is None else CorrectionReason(row["reason"]),
            row["recorded_by"],
            row["recorded_at"],
        )
        for row in rows
    ]


async def insert_estimate(
    connection: Connection,
    county: County,
    service: FreeService,
    month: JalaliMonth,
    visits: int,
    source: EstimateSource,
    source_document: str,
    entered_by: str,
) -> int:
    """Add an estimate of a county's need in a month; the newest counts. Returns its revision, from 1."""
    return await connection.fetchval(
        """
        INSERT INTO free_services.need_estimate (county, service, jalali_year, jalali_month, revision, visits, source,
            source_document, entered_by)
        SELECT $1, $2, $3, $4, coalesce(max(revision), 0) + 1, $5, $6, $7, $8 FROM free_services.need_estimate
        WHERE county = $1 AND service = $2 AND jalali_year = $3 AND jalali_month = $4
        RETURNING revision
        """,
        county,
        service,
        month.year,
        month.month,
        visits,
        source,
        source_document,
        entered_by,
    )


async def lock_estimates(connection: Connection, county: County) -> None:
    """Until the transaction ends, estimates of a county follow each other."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('need_estimate ' || $1, 0))", county)


async def read_cells(
    connection: Connection, month: JalaliMonth, from_at: datetime, to_at: datetime
) -> dict[Position, Cell]:
    """The exact figures of a month of the caller's counties, by (county, service). `from_at`, `to_at`: its bounds in UTC."""
    cells: dict[Position, Cell] = {
        (county, service): Cell(offered=False)
        for county in await connection.fetchval("SELECT payesh_counties()")
        for service in FreeService
    }
    first_day, after_last_day = month.first_day, month.after_last_day
    for sql, arguments in (
        (_OFFERED, ()),
        (_TALLIES, (first_day, after_last_day)),
        (_ESTIMATES, (month.year, month.month)),
        (_SLOTS, (from_at, to_at)),
        (_WAITING, (first_day, after_last_day)),
    ):
        for row in await connection.fetch(sql, *arguments):
            figures = dict(row)
            position: Position = (figures.pop("county"), figures.pop("service"))
            cells[position] = add_cells(cells[position], Cell(**figures))
    return cells


_OFFERED = """
    SELECT DISTINCT county, service, true AS offered FROM free_services.centre_service
    WHERE active AND county = ANY (payesh_counties())
"""
_TALLIES = """
    SELECT county, service, true AS offered,
        coalesce(sum(count) FILTER (WHERE measure = 'visits'), 0)::bigint AS visits,
        coalesce(sum(count) FILTER (WHERE measure = 'turned_away'), 0)::bigint AS turned_away,
        coalesce(sum(count) FILTER (WHERE measure = 'waiting' AND counted_on = last_waiting_on), 0)::bigint AS waiting
    FROM (
        SELECT DISTINCT ON (service_centre_id, service, counted_on, measure) county, service, counted_on, measure, count,
            max(counted_on) FILTER (WHERE measure = 'waiting') OVER (PARTITION BY service_centre_id, service)
                AS last_waiting_on
        FROM free_services.tally WHERE counted_on >= $1 AND counted_on < $2
        ORDER BY service_centre_id, service, counted_on, measure, revision DESC
    ) newest
    GROUP BY county, service
"""
_ESTIMATES = """
    SELECT DISTINCT ON (county, service) county, service, true AS offered, visits AS estimate
    FROM free_services.need_estimate WHERE jalali_year = $1 AND jalali_month = $2
    ORDER BY county, service, revision DESC
"""
_SLOTS = """
    SELECT s.county, s.service, true AS offered, sum(s.capacity)::bigint AS slots_offered,
        coalesce(sum(b.received), 0)::bigint AS slots_used, coalesce(sum(b.minutes), 0)::bigint AS waited_minutes_sum
    FROM free_services.slot s
    LEFT JOIN LATERAL (
        SELECT count(*) AS received, sum(greatest(0, floor(extract(epoch FROM ended_at - s.starts_at) / 60))) AS minutes
        FROM free_services.slot_booking WHERE slot_id = s.slot_id AND state = 'checked_in'
    ) b ON true
    WHERE s.starts_at >= $1 AND s.starts_at < $2 AND s.capacity > 0
    GROUP BY s.county, s.service
"""
_WAITING = """
    SELECT county, service, true AS offered, sum(days_until_free)::bigint AS days_until_free_sum,
        count(*) AS days_measured
    FROM free_services.service_waiting_day WHERE measured_on >= $1 AND measured_on < $2 GROUP BY county, service
"""


async def insert_publication(connection: Connection, month: JalaliMonth, published_by: str) -> bool:
    """False if the month is published already."""
    status = await connection.execute(
        """
        INSERT INTO free_services.published_month (jalali_year, jalali_month, published_by) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
        """,
        month.year,
        month.month,
        published_by,
    )
    return status == "INSERT 0 1"


async def insert_published(
    connection: Connection, month: JalaliMonth, figures: Mapping[Position, PublishedCell]
) -> None:
    """All of a month's figures at once, in the transaction that published it."""
    await connection.executemany(
        """
        INSERT INTO free_services.published_figure (jalali_year, jalali_month, area, service, visits, need,
            slots_offered, slots_used, shortage, waited_minutes_mean, days_until_free_mean)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        [
            (
                month.year,
                month.month,
                area,
                service,
                cell.visits,
                cell.need,
                cell.slots_offered,
                cell.slots_used,
                cell.shortage,
                cell.waited_minutes_mean,
                cell.days_until_free_mean,
            )
            for (area, service), cell in figures.items()
        ],
    )


async def read_earlier_shortages(connection: Connection, month: JalaliMonth) -> dict[Position, int]:
    """The shortage that was last shown of each position in the months before `month`."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (area, service) area, service, shortage FROM free_services.published_figure
        WHERE (jalali_year, jalali_month) < ($1, $2) AND shortage IS NOT NULL
        ORDER BY area, service, jalali_year DESC, jalali_month DESC
        """,
        month.year,
        month.month,
    )
    return {(row["area"], row["service"]): row["shortage"] for row in rows}


async def is_newest_published(connection: Connection, month: JalaliMonth) -> bool:
    """Whether no later month is published."""
    return await connection.fetchval(
        "SELECT NOT EXISTS (SELECT FROM free_services.published_month WHERE (jalali_year, jalali_month) > ($1, $2))",
        month.year,
        month.month,
    )


async def read_published(
    connection: Connection, jalali_year: int, jalali_month: int | None
) -> dict[int, dict[Position, PublishedCell]]:
    """What was published of a year, or of one month of it: by month, then by (county or total, service or total)."""
    rows = await connection.fetch(
        """
        SELECT jalali_month, area, service, visits, need, slots_offered, slots_used, shortage, waited_minutes_mean,
            days_until_free_mean
        FROM free_services.published_figure WHERE jalali_year = $1 AND ($2::bigint IS NULL OR jalali_month = $2)
        ORDER BY jalali_month, area, service
        """,
        jalali_year,
        jalali_month,
    )
    published: dict[int, dict[Position, PublishedCell]] = {}
    for row in rows:
        figures = dict(row)
        month, area, service = figures.pop("jalali_month"), figures.pop("area"), figures.pop("service")
        published.setdefault(month, {})[area, service] = PublishedCell(**figures)
    return published
