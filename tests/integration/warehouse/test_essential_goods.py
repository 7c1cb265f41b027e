"""Stocks of essential goods over HTTP: what counts as cover, when a county is told, and who may say what."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.warehouse.domain.essential_goods import DECLARATION_VALID_DAYS
from services.warehouse.handlers import judge_moved_stock
from shared.contracts.counties import County
from shared.contracts.warehouse import EssentialStockLow, EssentialStockRecovered, WarehouseChanged
from shared.kit.auth import SYSTEM
from shared.kit.routing import Received
from shared.kit.transaction import begin
from tests.integration.warehouse.province import Province, as_api, as_csv, site_row
from tests.integration.warehouse.stocks import LOW_DAYS, declare, need, stock, today, told


async def test_low_and_recovered_and_nothing_between(province: Province) -> None:
    sites = await province.register(site_row(1), site_row(2))
    await declare(province, sites[0], 20)
    assert (await stock(province))["state"] == "no_need_set"
    assert await told(province) == []
    assert (await need(province))["in_force"]
    assert await told(province) == [EssentialStockLow]
    for quantity, state in ((1250, "low"), (1260, "sufficient"), (760, "sufficient"), (740, "low"), (1000, "low")):
        # In sacks of forty: 1250 and 1260 of them are 50 and 50.4 tonnes, on either side of the bound.
        await declare(province, sites[0], quantity, unit="sack_40")
        assert (await stock(province))["state"] == state, quantity
    await declare(province, sites[1], "12.5", unit="tonne", who="inspector.rey")
    line = await stock(province)
    assert (line["state"], line["stock_tonnes"], line["cover_days"], line["sites"]) == ("sufficient", 52.5, 5.25, 2)
    events = [
        event for event in await province.events() if isinstance(event, EssentialStockLow | EssentialStockRecovered)
    ]
    assert [(type(event).__name__, event.stock_tonnes, event.cover_days) for event in events] == [
        ("EssentialStockLow", 20, 2),
        ("EssentialStockRecovered", 50.4, 5.04),
        ("EssentialStockLow", 29.6, 2.96),
        ("EssentialStockRecovered", 52.5, 5.25),
    ]
    assert {event.aggregate_id for event in events} == {"rey:rice"}
    assert isinstance(events[0], EssentialStockLow)
    assert events[0].low_below_days == LOW_DAYS


async def test_the_same_again_changes_nothing_and_an_older_day_does_not_count(province: Province) -> None:
    [site] = await province.register(site_row(1))
    first = await declare(province, site, 100)
    assert await declare(province, site, "100.000") == first
    yesterday = (await today(province) - timedelta(days=1)).isoformat()
    older = await declare(province, site, 7, declared_on=yesterday)
    assert (older["newest"], (await stock(province))["stock_tonnes"]) == (False, 100)
    await declare(province, site, 90)
    history = await province.ask("GET", f"/warehouses/{site}/stock-declarations", "reviewer.rey")
    assert [line["quantity"] for line in history["items"]] == [100, 7, 90]
    assert (await stock(province))["stock_tonnes"] == 90
    page = await province.ask("GET", f"/warehouses/{site}/stock-declarations?limit=2", "reviewer.rey")
    rest = await province.ask("GET", f"/warehouses/{site}/stock-declarations?after={page['next']}", "reviewer.rey")
    assert [line["quantity"] for line in page["items"] + rest["items"]] == [100, 7, 90]


async def test_silence_makes_it_low(province: Province) -> None:
    sites = await province.register(site_row(1), site_row(2))
    await need(province)
    for site in sites:
        await declare(province, site, 40)
    await province.fire_timer("warehouse.stock_expires", f"{sites[0]}/rice")
    assert (await stock(province))["state"] == "sufficient"
    await province.fire_timer("warehouse.stock_expires", f"{sites[1]}/rice")
    line = await stock(province)
    assert (line["state"], line["stock_tonnes"], line["sites"]) == ("low", 0, 0)
    assert await told(province) == [EssentialStockLow, EssentialStockRecovered, EssentialStockLow]
    # The very words that ran out, said again, are said anew.
    await declare(province, sites[0], 40)
    await declare(province, sites[1], 40, who="county_chair.rey")
    assert (await stock(province))["state"] == "sufficient"


async def test_a_newer_declaration_is_not_expired_by_the_timer_of_an_older_one(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await declare(province, site, 40)
    await province.superuser.execute("UPDATE timer SET fence = fence - 1 WHERE kind = 'warehouse.stock_expires'")
    await province.fire_timer("warehouse.stock_expires", f"{site}/rice")
    assert (await stock(province))["stock_tonnes"] == 40


async def test_a_declaration_counts_from_its_day_and_not_from_when_it_came(province: Province) -> None:
    [site] = await province.register(site_row(1))
    day = await today(province) - timedelta(days=DECLARATION_VALID_DAYS - 1)
    assert not (await declare(province, site, 40, declared_on=day.isoformat()))["expired"]
    left = await province.superuser.fetchval("SELECT due_at - now() FROM timer WHERE kind = 'warehouse.stock_expires'")
    assert timedelta() < left <= timedelta(days=1)
    other = (day - timedelta(days=1)).isoformat()
    stale = await declare(province, site, 9, declared_on=other, commodity="flour")
    assert (stale["newest"], stale["expired"]) == (True, True)
    assert await declare(province, site, 9, declared_on=other, commodity="flour") == stale
    assert (await stock(province, commodity="flour"))["stock_tonnes"] == 0


async def test_stock_of_a_site_on_hold_is_no_cover(province: Province) -> None:
    sites = await province.register(site_row(1), site_row(2))
    await need(province)
    await declare(province, sites[0], 60)
    review = await province.inspect(sites[0], suspicion="smuggling_suspicion")
    line = await stock(province)
    assert (line["state"], line["stock_tonnes"], line["on_hold_tonnes"]) == ("low", 0, 60)
    hold = {"ground": "biological_hazard", "reason": "بوی فساد"}
    other = await province.ask("POST", f"/warehouses/{sites[0]}/holds", "county_chair2.rey", hold)
    lifting = {"reason": "رفع شد", "without_answer": True}
    await province.ask("POST", f"/holds/{review['hold_id']}/lifting", "county_chair.rey", lifting)
    assert (await stock(province))["state"] == "low"
    await province.ask("POST", f"/holds/{other['hold_id']}/lifting", "county_chair.rey", lifting)
    assert (await stock(province))["state"] == "sufficient"
    assert await told(province) == [
        EssentialStockLow,
        EssentialStockRecovered,
        EssentialStockLow,
        EssentialStockRecovered,
    ]


async def test_a_need_starts_on_its_day(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await declare(province, site, 40)
    now = await need(province)
    assert await need(province) == now
    tomorrow = (await today(province) + timedelta(days=1)).isoformat()
    pending = await need(province, tonnes_per_day="20", valid_from=tomorrow)
    assert not pending["in_force"]
    assert await told(province) == []
    past = (await today(province) - timedelta(days=10)).isoformat()
    assert not (await need(province, tonnes_per_day=1000, valid_from=past))["in_force"]
    await province.fire_timer("warehouse.need_starts", pending["need_id"])
    line = await stock(province)
    assert (line["state"], line["tonnes_per_day"], line["valid_from"]) == ("low", 20, tomorrow)
    assert (await need(province, tonnes_per_day="20.000", valid_from=tomorrow))["in_force"]
    assert await told(province) == [EssentialStockLow]


async def test_a_site_that_moves_takes_its_stock_along(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await declare(province, site, 60)
    for county in (County.REY, County.QODS):
        await need(province, county)
    await province.send_file(as_csv([site_row(1, County.QODS)]))
    [moved] = await province.events(WarehouseChanged)
    assert isinstance(moved, WarehouseChanged)
    async with begin(province.worker, SYSTEM, "test") as tx:
        await judge_moved_stock(Received(moved, uuid4(), tx.now, 1, "test"), tx)
    assert (await stock(province))["state"] == "low"
    there = await stock(province, County.QODS)
    assert (there["state"], there["stock_tonnes"]) == ("sufficient", 60)
    assert await told(province) == [EssentialStockLow]
    assert await told(province, (County.QODS, "rice")) == [EssentialStockLow, EssentialStockRecovered]
    await declare(province, site, 10, who="registry_clerk.qods")
    assert (await stock(province, County.QODS))["stock_tonnes"] == 10


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"commodity": "gold"}, "warehouse.stock.commodity_unknown", "rice, wheat, flour"),
        ({"unit": "barrel"}, "warehouse.stock.unit_unknown", "kilogram, tonne, sack_40, sack_50"),
        ({"unit": "litre"}, "warehouse.stock.unit_unknown", "kilogram, tonne, sack_40, sack_50"),
        ({"declared_on": "2999-01-01"}, "warehouse.stock.declared_in_future", ""),
        ({"quantity": 1_000_000_000}, "warehouse.stock.too_large", "100000000"),
        ({"quantity": -1}, None, ""),
        ({"quantity": "0.0001"}, None, ""),
        ({"quantity": "NaN"}, None, ""),
        ({"quantity": 1e300}, None, ""),
        ({"unknown": 1}, None, ""),
    ],
)
async def test_impossible_declarations(
    province: Province, changes: dict[str, Any], code: str | None, says: str
) -> None:
    [site] = await province.register(site_row(1))
    problem = await declare(province, site, changes.pop("quantity", 1), status=422, **changes)
    assert code is None or problem["code"] == code
    assert says in problem["detail"]
    assert await province.superuser.fetchval("SELECT count(*) FROM stock_declaration") == 0


async def test_who_may_declare_and_who_may_set_a_need(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await declare(province, site, 1, who="registry_clerk.qods", status=404)
    await declare(province, site, 1, who="province_officer", status=403)
    body = {"tonnes_per_day": 1, "low_below_days": 1, "recovered_above_days": 2, "valid_from": "2026-01-01"}
    path = "/essential-goods/needs/rey/rice"
    assert (await province.ask("PUT", path, "county_chair.rey", body, status=403))["code"] == "kit.role_not_allowed"
    await province.ask("PUT", path, "province_officer.qods", body, status=403)
    gap = await province.ask("PUT", path, "province_officer", body | {"recovered_above_days": 1}, status=422)
    assert gap["code"] == "warehouse.need.without_gap"
    await need(province, commodity="gold", status=422)
    await need(province, tonnes_per_day=0, status=422)
    await declare(province, site, 1)
    await need(province)
    assert await province.ask("GET", "/essential-goods", "reviewer.qods") == []
    assert (await province.ask("GET", f"/warehouses/{site}/stock-declarations", "reviewer.qods"))["items"] == []
    assert len(await province.ask("GET", "/essential-goods/commodities", "inspector.rey")) >= 10


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE essential_stock SET low = true, need_id = NULL",
        "INSERT INTO essential_need (need_id, county, commodity, tonnes_per_day, low_below_days, recovered_above_days,"
        " valid_from, set_by, set_at) SELECT gen_random_uuid(), county, commodity, 1, 5, 5, valid_from, 'x', now()"
        " FROM essential_need",
        "UPDATE site_stock SET tonnes = -1",
        "UPDATE site_stock SET tonnes = 'NaN'",
        "UPDATE stock_declaration SET quantity = 0",
        "DELETE FROM stock_declaration",
        "UPDATE essential_need SET tonnes_per_day = 1",
    ],
)
async def test_the_tables_refuse_what_the_domain_refuses(province: Province, statement: str) -> None:
    [site] = await province.register(site_row(1))
    await declare(province, site, 1)
    await need(province)
    with pytest.raises(
        (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError, asyncpg.DataError)
    ):
        async with as_api(province, County.REY) as connection:
            await connection.execute(statement)


async def test_one_county_sees_nothing_of_another(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await declare(province, site, 1)
    await need(province)
    await province.inspect(site, failed={"structure": "minor"}, suspicion="biological_hazard")
    tables = (
        "stock_declaration",
        "site_stock",
        "essential_need",
        "essential_stock",
        "referral",
        "corrective_action_history",
    )
    for county, rows in ((County.REY, 1), (County.QODS, 0)):
        async with as_api(province, county) as connection:
            for table in tables:
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == rows, table
