"""A site whose inspection has become too old is announced once, leaves the counter, and comes back with the next one."""

import asyncio
from typing import Any

import pytest

from services.warehouse.day_end import watch_day_end
from services.warehouse.handlers import day_end
from services.warehouse.handlers.day_end import announce_lapsed_intervals
from shared.contracts.counties import County
from shared.contracts.warehouse import InspectionCompleted, SiteIntervalLapsed
from shared.kit.auth import SYSTEM
from shared.kit.service import WorkerContext
from shared.kit.transaction import begin
from tests.integration.warehouse.province import Province, as_csv, site_row

WORKER_WAIT_S = 20.0


async def test_a_site_falls_out_of_its_interval_once_and_comes_back(province: Province) -> None:
    [site, other] = await province.register(site_row(1), site_row(2))
    await province.inspect(site)
    await province.inspect(other)
    await province.fold_events()
    assert (await province.counters())["rey"]["inspected_within_interval"] == 2
    assert await announced(province) == 0
    await province.superuser.execute(
        "UPDATE warehouse SET next_due_on = (now() AT TIME ZONE 'Asia/Tehran')::date - (warehouse_id = $1)::int", site
    )
    assert [await announced(province), await announced(province)] == [1, 0]
    [lapsed] = await province.events(SiteIntervalLapsed)
    assert isinstance(lapsed, SiteIntervalLapsed)
    assert lapsed.warehouse_id == site
    await province.inspect(site)
    first, again = [event for event in await province.events(InspectionCompleted) if event.warehouse_id == site]  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(first, InspectionCompleted)
    assert isinstance(again, InspectionCompleted)
    assert (again.is_first_of_site, again.enters_interval) == (False, True)
    await province.superuser.execute("DELETE FROM county_counter; DELETE FROM county_counter_day")
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()


async def announced(province: Province) -> int:
    async with begin(province.worker, SYSTEM, "test") as tx:
        return await announce_lapsed_intervals(tx)


async def test_a_site_within_its_interval_takes_that_along_to_another_county(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site)
    await province.send_file(as_csv([site_row(1, County.QODS)]))
    await province.fold_events()
    counters = await province.counters()
    assert (counters["rey"]["inspected_within_interval"], counters["qods"]["inspected_within_interval"]) == (0, 1)
    assert await province.counters_from_folds() == await province.counters_from_rows()


async def test_the_worker_announces_everything_that_is_due_and_stops_when_told(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_end, "ANNOUNCED_AT_ONCE_MAX", 2)
    for site in await province.register(*(site_row(number) for number in range(5))):
        await province.inspect(site)
    await province.superuser.execute("UPDATE warehouse SET next_due_on = next_due_on - 400")
    context: WorkerContext[Any] = WorkerContext(province.worker, None, asyncio.Event())
    worker = asyncio.create_task(watch_day_end(context))
    try:
        async with asyncio.timeout(WORKER_WAIT_S):
            while len(await province.events(SiteIntervalLapsed)) < 5:
                await asyncio.sleep(0.05)
    finally:
        context.stopping.set()
        await asyncio.wait_for(worker, WORKER_WAIT_S)
    await province.fold_events()
    assert (await province.counters())["rey"]["inspected_within_interval"] == 0
    assert await province.counters_from_folds() == await province.counters_from_rows()
