"""HTTP of essential goods: what is declared, what is needed, how long it lasts."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.warehouse import handlers
from services.warehouse.api.reading import Reader
from services.warehouse.domain.essential_goods import CoverState, cover_days
from services.warehouse.essential_goods_catalogue import CATALOGUE
from services.warehouse.handlers import essential_goods_messages as messages
from services.warehouse.store import essential_goods as store
from services.warehouse.store.essential_goods import StockRecord
from shared.contracts.counties import County
from shared.kit.http import Commands, allow
from shared.kit.paging import Limit, Page

router = APIRouter()

Declarer = Annotated[Commands, Depends(allow("registry_clerk", "inspector", "reviewer", "county_chair"))]


class CommodityLine(BaseModel):
    """One essential good and what one of each of its units weighs."""

    commodity: str
    label_fa: str
    label_en: str
    kilograms_per_unit: dict[str, float]


class StockLine(BaseModel):
    """A county's stock. `cover_days` is rounded down and null without a need; tonnes on hold do not count as cover."""

    county: County
    commodity: str
    state: CoverState
    stock_tonnes: float
    on_hold_tonnes: float
    sites: int
    oldest_declared_on: date | None
    tonnes_per_day: float | None
    cover_days: float | None
    low_below_days: float | None
    recovered_above_days: float | None
    valid_from: date | None


class DeclarationLine(BaseModel):
    """One declaration of a site."""

    declaration_id: UUID
    commodity: str
    quantity: float
    unit: str
    tonnes: float
    declared_on: date
    declared_by: str


@router.get("/essential-goods/commodities")
async def list_commodities(queries: Reader) -> list[CommodityLine]:
    """The essential goods and their units; a declaration in any other unit is refused."""
    del queries
    return [
        CommodityLine(
            commodity=commodity.key,
            label_fa=commodity.label_fa,
            label_en=commodity.label_en,
            kilograms_per_unit={unit: float(kilograms) for unit, kilograms in commodity.kilograms.items()},
        )
        for commodity in CATALOGUE.values()
    ]


@router.get("/essential-goods")
async def list_stocks(queries: Reader, county: County | None = None) -> list[StockLine]:
    """Every stock of the caller's counties that was ever declared or needed, with its days of cover and its state."""
    async with queries.read() as connection:
        return [_stock_line(stock) for stock in await store.list_stocks(connection, county)]


@router.put("/essential-goods/needs/{county}/{commodity}")
async def set_need(
    county: County,
    commodity: messages.Key,
    body: messages.NeedBody,
    commands: Annotated[Commands, Depends(allow("province_officer"))],
) -> messages.EssentialNeedSet:
    """Set what a county needs of a commodity from a day on, and where its cover is low and recovered."""
    commands.require_county(county)
    command = messages.SetEssentialNeed(county=county, commodity=commodity, **dict(body))
    return await commands.execute(handlers.set_need, command)


@router.post("/warehouses/{warehouse_id}/stock-declarations", status_code=201)
async def declare_stock(
    warehouse_id: UUID, body: messages.DeclarationBody, commands: Declarer
) -> messages.StockDeclared:
    """Declare what a site holds of a commodity on a day; the newest counts, for thirty days at most."""
    return await commands.execute(
        handlers.declare_stock, messages.DeclareStock(warehouse_id=warehouse_id, **dict(body))
    )


@router.get("/warehouses/{warehouse_id}/stock-declarations")
async def list_declarations(
    warehouse_id: UUID, queries: Reader, limit: Limit = 100, after: int | None = None
) -> Page[DeclarationLine]:
    """Every declaration of a site, the oldest first; none for a site that is not in the caller's counties."""
    async with queries.read() as connection:
        lines = await store.list_declarations(connection, warehouse_id, limit, after)
    items = [
        DeclarationLine(
            declaration_id=line.declaration_id,
            commodity=line.commodity,
            quantity=float(line.quantity),
            unit=line.unit,
            tonnes=float(line.tonnes),
            declared_on=line.declared_on,
            declared_by=line.declared_by,
        )
        for line in lines
    ]
    return Page(items=items, next=str(lines[-1].position) if len(lines) == limit else None)


def _stock_line(stock: StockRecord) -> StockLine:
    need = stock.need
    state = CoverState.LOW if stock.low else CoverState.SUFFICIENT
    return StockLine(
        county=stock.county,
        commodity=stock.commodity,
        state=CoverState.NO_NEED_SET if need is None else state,
        stock_tonnes=float(stock.stock_tonnes),
        on_hold_tonnes=float(stock.on_hold_tonnes),
        sites=stock.sites,
        oldest_declared_on=stock.oldest_declared_on,
        tonnes_per_day=float(need.tonnes_per_day) if need else None,
        cover_days=float(cover_days(stock.stock_tonnes, need)) if need else None,
        low_below_days=float(need.low_below_days) if need else None,
        recovered_above_days=float(need.recovered_above_days) if need else None,
        valid_from=stock.valid_from,
    )
