"""HTTP of what people read: sites, inspections, counters and their history; lists by cursor, maps and files by stream."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from services.warehouse import site_export
from services.warehouse.domain import reading_refusals as refusals
from services.warehouse.domain.counters import CAPACITY_COUNTERS, Counter
from services.warehouse.domain.cursor import CURSOR_CHARACTERS_MAX, make_cursor, read_cursor
from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.refusals import WAREHOUSE_NOT_FOUND
from services.warehouse.domain.risk import RiskClass
from services.warehouse.store import history, views
from services.warehouse.store.views import (
    ActionLine,
    BoundingBox,
    InspectionFilters,
    InspectionLine,
    OpenHold,
    RegisteredSite,
    SiteFilters,
    WarehouseLine,
)
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import Verdict, WarehouseKind
from shared.kit.connections import Connection
from shared.kit.http import Queries, allow_read
from shared.kit.paging import Limit, Page, page_of
from shared.persian.calendar import jalali_text, office_date, read_date
from shared.spreadsheet.export import CSV_MEDIA_TYPE, XLSX_MEDIA_TYPE

EXPORT_PAGE_ITEMS = 1_000
HISTORY_DAYS_MAX = 3_660
HISTORY_DAYS_DEFAULT = 30
OWN = "me"

router = APIRouter()

Reader = Annotated[
    Queries,
    Depends(
        allow_read("registry_clerk", "inspector", "reviewer", "county_chair", "province_officer", "member", "operator")
    ),
]
"""Everybody but the officers of the authorities, who read what is referred to them."""
RegisterReader = Annotated[
    Queries,
    Depends(allow_read("registry_clerk", "reviewer", "county_chair", "province_officer", "member", "operator")),
]
"""Whoever may see what is registered. Not inspectors: they count blind (domain: Reconciliation)."""
Exporter = Annotated[Queries, Depends(allow_read("registry_clerk", "reviewer", "county_chair", "province_officer"))]
After = Annotated[
    str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next` of the page before, with the same filters")
]
DateText = Annotated[
    str | None, Query(max_length=32, description="Jalali (1404-09-01) or ISO (2025-11-22), any digits, - or /")
]
Figure = int | float
LineT = TypeVar("LineT", bound=WarehouseLine)


class Site(BaseModel):
    """One site with what is open on it. `last_inspection`: the one assigned last, in whatever state."""

    site: RegisteredSite
    open_actions: list[ActionLine]
    open_holds: list[OpenHold]
    last_inspection: InspectionLine | None


class DayFigure(BaseModel):
    """A counter at the end of `day` in the province; `day_jalali` is the same day."""

    day: date
    day_jalali: str
    value: Figure


class CounterHistory(BaseModel):
    """A daily series; `county` is None for the whole province."""

    county: County | None
    counter: Counter
    days: list[DayFigure]


def site_filters(
    county: County | None = None,
    kind: WarehouseKind | None = None,
    status: SiteStatus | None = None,
    risk_class: RiskClass | None = None,
    on_hold: bool | None = None,
    due_before: DateText = None,
    verdict: Annotated[Verdict | None, Query(description="of the last completed inspection")] = None,
    name: Annotated[
        str | None, Query(min_length=1, max_length=200, description="part of the site's name, in any spelling")
    ] = None,
    bbox: Annotated[
        str | None, Query(max_length=100, description="west,south,east,north in degrees (RFC 7946, section 5)")
    ] = None,
) -> SiteFilters:
    """Which sites. Raises Refusal: a date or a box that cannot be read."""
    return SiteFilters(
        county=county,
        kind=kind,
        status=status,
        risk_class=risk_class,
        on_hold=on_hold,
        due_before=_day("due_before", due_before),
        verdict=verdict,
        name=name,
        box=_box(bbox),
    )


Filters = Annotated[SiteFilters, Depends(site_filters)]


@router.get("/warehouses")
async def list_warehouses(
    queries: RegisterReader, filters: Filters, limit: Limit = 100, after: After = None
) -> Page[WarehouseLine]:
    """Sites of the caller's counties, in the order of registration."""
    last = read_cursor(after, filters)
    async with queries.read() as connection:
        lines = await views.list_warehouses(connection, filters, limit, last)
    return page_of(lines, limit, lambda line: make_cursor(line.warehouse_id, filters))


@router.get(
    "/warehouses.geojson",
    response_class=StreamingResponse,
    responses={200: {"content": {site_export.GEOJSON_MEDIA_TYPE: {}}, "description": "A FeatureCollection of points"}},
)
async def map_warehouses(queries: RegisterReader, filters: Filters) -> StreamingResponse:
    """Sites with coordinates as GeoJSON, read page by page; without coordinates a site is not on a map."""
    pages = _pages(queries, views.list_warehouses, filters)
    return StreamingResponse(site_export.as_geojson(pages), media_type=site_export.GEOJSON_MEDIA_TYPE)


@router.get(
    "/warehouses/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/csv": {}, XLSX_MEDIA_TYPE: {}},
            "description": "A file with Persian headers that the registry import reads back",
        }
    },
)
async def export_warehouses(
    queries: Exporter, filters: Filters, file_format: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "csv"
) -> StreamingResponse:
    """Sites of the caller's counties as a file, read page by page: each site once, as it is when its page is read."""
    pages = _pages(queries, views.list_registered, filters)
    content = site_export.as_csv(pages) if file_format == "csv" else site_export.as_xlsx(pages)
    media_type = CSV_MEDIA_TYPE if file_format == "csv" else XLSX_MEDIA_TYPE
    headers = {"content-disposition": f'attachment; filename="warehouses.{file_format}"'}
    return StreamingResponse(content, media_type=media_type, headers=headers)


@router.get("/warehouses/{warehouse_id}")
async def read_warehouse(warehouse_id: UUID, queries: RegisterReader) -> Site:
    """One site, with its open corrective actions, its holds and its last inspection."""
    async with queries.read() as connection:
        site = await views.find_registered(connection, warehouse_id)
        if site is None:
            raise Refusal(WAREHOUSE_NOT_FOUND)
        return Site(
            site=site,
            open_actions=await views.list_open_actions(connection, warehouse_id),
            open_holds=await views.list_open_holds(connection, warehouse_id),
            last_inspection=await views.find_last_inspection(connection, warehouse_id),
        )


@router.get("/inspections")
async def list_inspections(
    queries: Reader,
    county: County | None = None,
    state: InspectionState | None = None,
    inspector: Annotated[str | None, Query(max_length=128, description="an account; `me` for the caller")] = None,
    due_before: DateText = None,
    warehouse_id: UUID | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[InspectionLine]:
    """Inspections of the caller's counties, in the order of assignment."""
    filters = InspectionFilters(
        county=county,
        state=state,
        inspector=queries.principal.subject if inspector == OWN else inspector,
        due_before=_day("due_before", due_before),
        warehouse_id=warehouse_id,
    )
    last = read_cursor(after, filters)
    async with queries.read() as connection:
        lines = await views.list_inspections(connection, filters, limit, last)
    return page_of(lines, limit, lambda line: make_cursor(line.inspection_id, filters))


@router.get("/counters")
async def read_counters(queries: Reader, as_of: DateText = None) -> dict[County, dict[Counter, Figure]]:
    """Every counter of every county that the caller's token grants, now or at the end of a past day in the province;
    capacities in tonnes, the others whole numbers."""
    async with queries.read() as connection:
        values = await _values(connection, as_of)
    return {
        county: {counter: _figure(counter, values.get((county, counter), Decimal(0))) for counter in Counter}
        for county in County
        if county in queries.principal.counties
    }


@router.get("/counters/province")
async def read_province_counters(queries: Reader, as_of: DateText = None) -> dict[Counter, Figure]:
    """Every counter summed over all counties, for accounts that cover them all."""
    _require_province(queries)
    async with queries.read() as connection:
        values = await _values(connection, as_of)
    totals = dict.fromkeys(Counter, Decimal(0))
    for (_, counter), value in values.items():
        totals[counter] += value
    return {counter: _figure(counter, total) for counter, total in totals.items()}


@router.get("/counters/history")
async def read_counter_history(
    queries: Reader,
    counter: Counter,
    county: County | None = None,
    first_text: Annotated[DateText, Query(alias="from")] = None,
    last_text: Annotated[DateText, Query(alias="to")] = None,
) -> CounterHistory:
    """One counter at the end of every day from `from` to `to`, both included; without a county, of the province."""
    if county is None:
        _require_province(queries)
    else:
        queries.require_county(county)
    async with queries.read() as connection:
        today = office_date(await history.read_now(connection))
        last = _past_day("to", last_text, today) or today
        first = _past_day("from", first_text, today) or last - timedelta(days=HISTORY_DAYS_DEFAULT - 1)
        if not 0 <= (last - first).days < HISTORY_DAYS_MAX:
            raise Refusal(refusals.PERIOD_NOT_VALID, days_max=HISTORY_DAYS_MAX)
        series = await history.read_daily(connection, [county] if county else list(County), counter, first, last)
    days = [DayFigure(day=day, day_jalali=jalali_text(day), value=_figure(counter, value)) for day, value in series]
    return CounterHistory(county=county, counter=counter, days=days)


async def _pages(
    queries: Queries,
    read: Callable[[Connection, SiteFilters, int, UUID | None], Awaitable[Sequence[LineT]]],
    filters: SiteFilters,
) -> AsyncGenerator[Sequence[LineT]]:
    """Page after page, each in a short transaction of its own: a slow reader of the answer holds no connection."""
    after: UUID | None = None
    while True:
        async with queries.read() as connection:
            lines = await read(connection, filters, EXPORT_PAGE_ITEMS, after)
        yield lines
        if len(lines) < EXPORT_PAGE_ITEMS:
            return
        after = lines[-1].warehouse_id


async def _values(connection: Connection, as_of: str | None) -> history.CounterValues:
    if as_of is None:
        return await history.read_counters(connection)
    today = office_date(await history.read_now(connection))
    day = _past_day("as_of", as_of, today) or today
    return await history.read_counters_as_of(connection, day)


def _figure(counter: Counter, value: Decimal) -> Figure:
    return float(value) if counter in CAPACITY_COUNTERS else int(value)


def _require_province(queries: Queries) -> None:
    if queries.principal.counties != frozenset(County):
        raise Refusal(refusals.PROVINCE_TOTALS)


def _day(field: str, text: str | None) -> date | None:
    if text is None:
        return None
    day = read_date(text)
    if day is None:
        raise Refusal(refusals.DATE_UNREADABLE, field=field)
    return day


def _past_day(field: str, text: str | None, today: date) -> date | None:
    day = _day(field, text)
    if day is not None and day > today:
        raise Refusal(refusals.DATE_IN_FUTURE, field=field, today=today.isoformat())
    return day


def _box(text: str | None) -> BoundingBox | None:
    if text is None:
        return None
    try:
        west, south, east, north = (Decimal(part.strip()) for part in text.split(","))
        ordered = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    except (InvalidOperation, ValueError) as error:
        raise Refusal(refusals.BOX_NOT_VALID) from error
    if not ordered:
        raise Refusal(refusals.BOX_NOT_VALID)
    return BoundingBox(west, south, east, north)
