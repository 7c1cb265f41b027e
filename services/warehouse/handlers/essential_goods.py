"""Stocks of essential goods: declared by people, expired by time, judged under one lock per county and commodity.

Whatever changes what counts (a declaration, its expiry, a hold, a need, a site that moves) judges the stock in the same
transaction, so low and recovered alternate however many do so at once. Sites on hold do not count: their stock cannot be
distributed.
"""

from decimal import Decimal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import essential_goods_refusals, refusals
from services.warehouse.domain.essential_goods import (
    Need,
    check_declared_on,
    check_need,
    cover_days,
    expires_at,
    find_commodity,
    in_tonnes,
    is_low,
    stock_id,
)
from services.warehouse.essential_goods_catalogue import CATALOGUE
from services.warehouse.handlers.essential_goods_messages import (
    DeclareStock,
    EssentialNeedSet,
    SetEssentialNeed,
    StockDeclared,
)
from services.warehouse.store import essential_goods as store
from services.warehouse.store.essential_goods import Declaration, EssentialStock, SetNeed, SiteStock
from services.warehouse.store.referrals import lock_warehouse
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import EssentialStockLow, EssentialStockRecovered, WarehouseChanged
from shared.kit.routing import Received, reaction
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date, start_of

STOCK_EXPIRES = "warehouse.stock_expires"
NEED_STARTS = "warehouse.need_starts"
TONNES_MAX = Decimal(100_000_000)
_SUBJECT_SEPARATOR = "/"


async def declare_stock(command: DeclareStock, tx: Transaction) -> StockDeclared:
    """Keep a declaration; the newest by its day counts, and of one day the last. The same again changes nothing.

    Raises Refusal: no such site, unknown commodity or unit (with the list), a day that has not come, an impossible weight.
    """
    commodity = find_commodity(CATALOGUE, command.commodity)
    tonnes = in_tonnes(commodity, command.quantity, command.unit)
    if tonnes > TONNES_MAX:
        raise Refusal(essential_goods_refusals.STOCK_TOO_LARGE, tonnes_max=str(TONNES_MAX))
    check_declared_on(command.declared_on, office_date(tx.now))
    county = await lock_warehouse(tx.connection, command.warehouse_id)
    if county is None:
        raise Refusal(refusals.WAREHOUSE_NOT_FOUND)
    stock = await store.lock_stock(tx.connection, county, commodity.key)
    present = await store.find_site_stock(tx.connection, command.warehouse_id, commodity.key)
    expired = tx.now >= expires_at(command.declared_on)
    if present is not None and _says_the_same(command, present) and present.expired is expired:
        return StockDeclared(declaration_id=present.declaration_id, tonnes=float(tonnes), newest=True, expired=expired)
    declaration = Declaration(
        declaration_id=uuid7(),
        warehouse_id=command.warehouse_id,
        county=county,
        commodity=commodity.key,
        quantity=command.quantity,
        unit=command.unit,
        tonnes=tonnes,
        declared_on=command.declared_on,
        declared_by=tx.principal.subject,
        declared_at=tx.now,
    )
    await store.insert_declaration(tx.connection, declaration)
    newest = present is None or command.declared_on >= present.declared_on
    if newest:
        await _put_newest(declaration, expired, tx)
        await _judge_locked(county, commodity.key, stock, tx)
    return StockDeclared(
        declaration_id=declaration.declaration_id, tonnes=float(tonnes), newest=newest, expired=expired
    )


async def expire_stock(subject_id: str, fence: int, tx: Transaction) -> None:
    """Silence for too long: a site's declaration no longer counts. A timer of an older declaration changes nothing."""
    site, _, commodity = subject_id.partition(_SUBJECT_SEPARATOR)
    warehouse_id = UUID(site)
    county = await store.find_stock_county(tx.connection, warehouse_id, commodity)
    if county is None:
        return
    await store.lock_stock(tx.connection, county, commodity)
    # The site may have moved to another county while this waited for the lock: then it is judged there.
    counted_in = await store.set_expired(tx.connection, warehouse_id, commodity, fence)
    if counted_in is not None:
        await judge_stock(counted_in, commodity, tx)


async def set_need(command: SetEssentialNeed, tx: Transaction) -> EssentialNeedSet:
    """Set what a county needs from a day on; a day that has not come waits for it. The same again changes nothing.

    Raises Refusal: unknown commodity, recovery not above low.
    """
    commodity = find_commodity(CATALOGUE, command.commodity)
    need = Need(command.tonnes_per_day, command.low_below_days, command.recovered_above_days)
    check_need(need)
    stock = await store.lock_stock(tx.connection, command.county, commodity.key)
    present = await store.find_newest_need(tx.connection, command.county, commodity.key, command.valid_from)
    if present is not None and present.need == need:
        in_force = stock.current is not None and stock.current.need_id == present.need_id
        return EssentialNeedSet(need_id=present.need_id, in_force=in_force)
    added = await store.insert_need(
        tx.connection,
        uuid7(),
        command.county,
        commodity.key,
        need,
        command.valid_from,
        tx.principal.subject,
        tx.now,
    )
    if command.valid_from > office_date(tx.now):
        await tx.arm_timer(NEED_STARTS, added.need_id, start_of(command.valid_from) - tx.now)
        return EssentialNeedSet(need_id=added.need_id, in_force=False)
    return EssentialNeedSet(
        need_id=added.need_id, in_force=await _put_in_force(command.county, commodity.key, stock, added, tx)
    )


async def start_need(need_id: UUID, tx: Transaction) -> None:
    """The first day of a need has come; it applies unless one of a later day, or set later for this day, does already."""
    place = await store.find_need_place(tx.connection, need_id)
    if place is None:
        return
    stock = await store.lock_stock(tx.connection, *place)
    await _put_in_force(*place, stock, await store.get_need(tx.connection, need_id), tx)


async def judge_site_stock(warehouse_id: UUID, tx: Transaction) -> None:
    """Judge every stock that a site is part of: it was put on hold, or a hold on it was lifted. Lock the site first."""
    for county, commodity in await store.site_commodities(tx.connection, warehouse_id):
        await judge_stock(county, commodity, tx)


@reaction(WarehouseChanged)
async def judge_moved_stock(received: Received[WarehouseChanged], tx: Transaction) -> None:
    """A site that moved to another county took its stock along (the table sees to that): both counties are judged."""
    event = received.event
    if event.county is event.county_before:
        return
    commodities = {commodity for _, commodity in await store.site_commodities(tx.connection, event.warehouse_id)}
    for county in sorted((event.county_before, event.county)):
        for commodity in sorted(commodities):
            await judge_stock(county, commodity, tx)


async def judge_stock(county: County, commodity: str, tx: Transaction) -> None:
    """Say, once, that a county's stock became low or recovered; nothing where its state stays."""
    await _judge_locked(county, commodity, await store.lock_stock(tx.connection, county, commodity), tx)


async def _judge_locked(county: County, commodity: str, stock: EssentialStock, tx: Transaction) -> None:
    need = stock.current.need if stock.current else None
    if need is None:
        return
    tonnes = await store.sum_counting_tonnes(tx.connection, county, commodity)
    low = is_low(stock.low, tonnes, need)
    if low is stock.low:
        return
    await store.set_low(tx.connection, county, commodity, low)
    await tx.publish(_event(county, commodity, low, tonnes, need))


def _event(
    county: County, commodity: str, low: bool, tonnes: Decimal, need: Need
) -> EssentialStockLow | EssentialStockRecovered:
    figures = {
        "stock_id": stock_id(county, commodity),
        "county": county,
        "commodity": commodity,
        "stock_tonnes": float(round(tonnes, 3)),
        "cover_days": float(cover_days(tonnes, need)),
    }
    if low:
        return EssentialStockLow.model_validate(figures | {"low_below_days": float(need.low_below_days)})
    return EssentialStockRecovered.model_validate(figures | {"recovered_above_days": float(need.recovered_above_days)})


def _says_the_same(command: DeclareStock, present: SiteStock) -> bool:
    return (command.quantity, command.unit, command.declared_on) == (
        present.quantity,
        present.unit,
        present.declared_on,
    )


async def _put_newest(declaration: Declaration, expired: bool, tx: Transaction) -> None:
    """The declaration counts from now on, until its timer; one that comes too late never does."""
    subject_id = f"{declaration.warehouse_id}{_SUBJECT_SEPARATOR}{declaration.commodity}"
    if expired:
        await tx.cancel_timer(STOCK_EXPIRES, subject_id)
        fence = 0
    else:
        fence = await tx.arm_timer(STOCK_EXPIRES, subject_id, expires_at(declaration.declared_on) - tx.now)
    await store.set_site_stock(tx.connection, declaration, fence, expired)


async def _put_in_force(county: County, commodity: str, stock: EssentialStock, added: SetNeed, tx: Transaction) -> bool:
    """Of the needs whose day has come, the one of the latest day applies, and of one day the last that was set."""
    current = stock.current
    if current is not None and (current.valid_from, current.position) > (added.valid_from, added.position):
        return False
    await store.set_current_need(tx.connection, county, commodity, added.need_id)
    await _judge_locked(county, commodity, EssentialStock(stock.low, added), tx)
    return True
