"""HTTP of tallies, estimates and figures. Nothing here is about a person, and what is published hides small cells."""

import asyncio
from datetime import date, time
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.nationals.free_services.api.service_centres import Desk, Manager, Reader
from services.nationals.free_services.domain import figure_refusals as refusals
from services.nationals.free_services.domain.calendar import MONTHS, YEAR_MAX, YEAR_MIN
from services.nationals.free_services.domain.figures import (
    COUNT_MAX,
    CorrectionReason,
    EstimateSource,
    Position,
    PublishedCell,
    TallyMeasure,
    add_months,
)
from services.nationals.free_services.handlers import service_figures as handlers
from services.nationals.free_services.overview_workbook import write_overview
from services.nationals.free_services.store import figures as store
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow
from shared.persian.calendar import office_moment
from shared.spreadsheet.export import XLSX_MEDIA_TYPE

TALLY_LINES_MAX = 5_000

router = APIRouter()

Estimator = Annotated[Commands, Depends(allow("services_manager", "province_officer"))]
Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]
JalaliYear = Annotated[int, Field(ge=YEAR_MIN, le=YEAR_MAX)]
JalaliMonthNumber = Annotated[int, Field(ge=MONTHS[0], le=MONTHS[-1])]
YearQuery = Annotated[int, Query(ge=YEAR_MIN, le=YEAR_MAX)]
MonthQuery = Annotated[int, Query(ge=MONTHS[0], le=MONTHS[-1])]
OptionalMonth = Annotated[int | None, Query(ge=MONTHS[0], le=MONTHS[-1])]
Area = County | Literal["total"]
ServiceOrTotal = FreeService | Literal["total"]


class TallyBody(BaseModel):
    service: FreeService
    counted_on: date
    measure: TallyMeasure = TallyMeasure.VISITS
    count: Count


class CorrectionBody(TallyBody):
    reason: CorrectionReason


class EstimateBody(BaseModel):
    county: County
    service: FreeService
    jalali_year: JalaliYear
    jalali_month: JalaliMonthNumber
    visits: Count
    source: EstimateSource
    source_document: str = Field(max_length=40)


class PublicationBody(BaseModel):
    jalali_year: JalaliYear
    jalali_month: JalaliMonthNumber


class TallyView(BaseModel):
    """One revision of a day's count; the highest revision counts."""

    service: FreeService
    counted_on: date
    measure: TallyMeasure
    revision: int
    count: int
    reason: CorrectionReason | None
    recorded_by: str


class ExactFigure(BaseModel):
    """Internal, and never to leave the service: small cells are not hidden."""

    county: County
    service: FreeService
    visits: int
    turned_away: int
    waiting: int
    estimate: int
    need: int
    slots_offered: int
    slots_used: int
    shortage: int


class PublishedFigure(BaseModel):
    """One county (or the total) and service (or the total). None is hidden, or a mean of nothing."""

    area: Area
    service: ServiceOrTotal
    visits: int | None
    need: int | None
    slots_offered: int
    slots_used: int | None
    shortage: int | None
    waited_minutes_mean: int | None
    days_until_free_mean: float | None


class Overview(BaseModel):
    """`months`: the published months that the figures add up."""

    jalali_year: int
    months: list[int]
    figures: list[PublishedFigure]


@router.post("/service-centres/{service_centre_id}/tallies", status_code=201)
async def record_tally(service_centre_id: UUID, body: TallyBody, commands: Manager) -> handlers.TallyRecorded:
    """Record how many came (or were turned away, or wait) on a day; never who."""
    command = handlers.RecordTally(service_centre_id=service_centre_id, **dict(body))
    return await commands.execute(handlers.record_tally, command)


@router.post("/service-centres/{service_centre_id}/tally-corrections", status_code=201)
async def correct_tally(service_centre_id: UUID, body: CorrectionBody, commands: Manager) -> handlers.TallyRecorded:
    """Correct a day's count with a reason; the earlier count stays on record."""
    command = handlers.RecordTally(service_centre_id=service_centre_id, **dict(body))
    return await commands.execute(handlers.record_tally, command)


@router.get("/service-centres/{service_centre_id}/tallies")
async def list_tallies(service_centre_id: UUID, queries: Desk, from_on: date, to_on: date) -> list[TallyView]:
    """Every revision of a centre's counts, both days included, the newest days first."""
    async with queries.read() as connection:
        lines = await store.list_tallies(connection, service_centre_id, from_on, to_on, TALLY_LINES_MAX)
    return [
        TallyView(
            service=line.key.service,
            counted_on=line.key.counted_on,
            measure=line.key.measure,
            revision=line.revision,
            count=line.count,
            reason=line.reason,
            recorded_by=line.recorded_by,
        )
        for line in lines
    ]


@router.post("/need-estimates", status_code=201)
async def enter_estimate(body: EstimateBody, commands: Estimator) -> handlers.EstimateEntered:
    """Enter an estimate of a county's need with the document it comes from; the newest counts."""
    commands.require_county(body.county)
    return await commands.execute(handlers.enter_estimate, handlers.EnterEstimate(**dict(body)))


@router.get("/needs/exact")
async def list_exact_figures(queries: Desk, jalali_year: YearQuery, jalali_month: MonthQuery) -> list[ExactFigure]:
    """Need against supply of the caller's counties, exactly, also of the month that runs. Internal."""
    month = handlers.require_month(jalali_year, jalali_month)
    from_at, to_at = office_moment(month.first_day, time()), office_moment(month.after_last_day, time())
    async with queries.read() as connection:
        cells = await store.read_cells(connection, month, from_at, to_at)
    return [
        ExactFigure(
            county=County(county),
            service=FreeService(service),
            visits=cell.visits,
            turned_away=cell.turned_away,
            waiting=cell.waiting,
            estimate=cell.estimate,
            need=cell.need,
            slots_offered=cell.slots_offered,
            slots_used=cell.slots_used,
            shortage=cell.shortage,
        )
        for (county, service), cell in sorted(cells.items())
        if cell.offered
    ]


@router.post("/service-publications", status_code=201)
async def publish_month(body: PublicationBody, commands: Estimator) -> handlers.MonthPublished:
    """Publish a month that is over, once and for good, for the whole province."""
    return await commands.execute(handlers.publish_month, handlers.PublishMonth(**dict(body)))


@router.get("/needs")
async def list_needs(queries: Reader, jalali_year: YearQuery, jalali_month: MonthQuery) -> list[PublishedFigure]:
    """Published need against supply of a month, per county and service with totals; small cells are hidden."""
    published = await _read_published(queries, jalali_year, jalali_month)
    return _lines(published[jalali_month])


@router.get("/service-overview")
async def read_overview(queries: Reader, jalali_year: YearQuery, jalali_month: OptionalMonth = None) -> Overview:
    """The published overview of a month, or of the months of a year that are published so far."""
    published = await _read_published(queries, jalali_year, jalali_month)
    return Overview(jalali_year=jalali_year, months=list(published), figures=_lines(_sum(published)))


@router.get("/service-overview.xlsx", response_class=Response)
async def download_overview(queries: Reader, jalali_year: YearQuery, jalali_month: OptionalMonth = None) -> Response:
    """The same as a workbook in Persian, right to left, with a sheet for each month."""
    published = await _read_published(queries, jalali_year, jalali_month)
    year = _sum(published) if jalali_month is None else None
    workbook = await asyncio.to_thread(write_overview, jalali_year, published, year)
    name = f"free-services-{jalali_year}" + ("" if jalali_month is None else f"-{jalali_month:02}")
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return Response(workbook.getvalue(), media_type=XLSX_MEDIA_TYPE, headers=headers)


async def _read_published(
    queries: Queries, jalali_year: int, jalali_month: int | None
) -> dict[int, dict[Position, PublishedCell]]:
    async with queries.read() as connection:
        published = await store.read_published(connection, jalali_year, jalali_month)
    if not published:
        raise Refusal(refusals.MONTH_NOT_PUBLISHED)
    return published


def _sum(published: dict[int, dict[Position, PublishedCell]]) -> dict[Position, PublishedCell]:
    positions = next(iter(published.values()))
    return {position: add_months([figures[position] for figures in published.values()]) for position in positions}


def _lines(figures: dict[Position, PublishedCell]) -> list[PublishedFigure]:
    return [
        PublishedFigure(
            area=_area(area),
            service=_service(service),
            visits=cell.visits,
            need=cell.need,
            slots_offered=cell.slots_offered,
            slots_used=cell.slots_used,
            shortage=cell.shortage,
            waited_minutes_mean=cell.waited_minutes_mean,
            days_until_free_mean=cell.days_until_free_mean,
        )
        for (area, service), cell in figures.items()
    ]


def _area(name: str) -> Area:
    return "total" if name == "total" else County(name)


def _service(name: str) -> ServiceOrTotal:
    return "total" if name == "total" else FreeService(name)
