"""Every counter as of any past day, and rebuilt to the same rows: a random history of 100,000 events against an own model."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import pytest

from services.warehouse.domain.counters import Counter
from services.warehouse.handlers import fold_county_counters
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import HoldGround, WarehousePutOnHold
from shared.kit.auth import SYSTEM
from shared.kit.routing import Received
from shared.kit.transaction import begin
from tests.integration.warehouse.province import Province
from tests.integration.warehouse.province_life import FIRST_DAY, Life, Values

EVENTS = int(os.environ.get("PAYESH_TEST_HISTORY_EVENTS", "100000"))
SEED = 20251122
BATCH_EVENTS_MAX = 4_000
COUNTERS = tuple(Counter)


async def fold_all(province: Province, received: Sequence[Received[Event]], random: Random) -> None:
    """Through the service's own fold, as its worker's role, in batches of random sizes."""
    start = 0
    while start < len(received):
        size = random.randint(1, BATCH_EVENTS_MAX)
        async with begin(province.worker, SYSTEM, "test") as tx:
            await fold_county_counters(received[start : start + size], tx)
        start += size


async def rows(province: Province) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Both tables, whole."""
    totals = await province.superuser.fetch("SELECT * FROM county_counter ORDER BY county, counter")
    days = await province.superuser.fetch("SELECT * FROM county_counter_day ORDER BY county, counter, day")
    return [tuple(row) for row in totals], [tuple(row) for row in days]


def nonzero(answer: dict[str, dict[str, float]]) -> dict[tuple[str, str], float]:
    return {(county, name): value for county, named in answer.items() for name, value in named.items() if value}


def as_numbers(values: Values) -> dict[tuple[str, str], float]:
    return {(county.value, counter.value): float(value) for (county, counter), value in values.items()}


def shuffled(received: Iterable[Received[Event]], random: Random) -> list[Received[Event]]:
    copy = list(received)
    random.shuffle(copy)
    return copy


async def test_a_random_history_is_known_for_every_day_and_rebuilt_to_the_same_rows(province: Province) -> None:
    random = Random(SEED)
    life = Life(random)
    received = list(life.run(EVENTS))
    assert len(received) == EVENTS
    await fold_all(province, received, random)
    for day in (FIRST_DAY, *random.sample(sorted(life.as_of), 10), max(life.as_of)):
        answer = await province.ask("GET", f"/counters?as_of={day.isoformat()}", "province_officer")
        assert nonzero(answer) == as_numbers(life.as_of[day]), day
    assert nonzero(await province.counters()) == as_numbers(life.values())
    assert nonzero(await province.ask("GET", "/counters?as_of=2025-08-31", "province_officer")) == {}

    folded = await rows(province)
    await province.superuser.execute("DELETE FROM county_counter; DELETE FROM county_counter_day")
    await fold_all(province, shuffled(received, random), random)
    assert await rows(province) == folded


async def test_the_series_of_a_county_and_of_the_province(province: Province) -> None:
    random = Random(SEED + 1)
    life = Life(random)
    await fold_all(province, shuffled(life.run(3_000), random), random)
    for county, counter in ((County.REY, Counter.OPEN_ACTIONS), (County.QODS, Counter.REGISTERED_CAPACITY_TONNES)):
        path = f"/counters/history?county={county}&counter={counter}&from=2025-08-30&to=2025-10-20"
        answer = await province.ask("GET", path, f"reviewer.{county}")
        days = [date(2025, 8, 30) + timedelta(days=number) for number in range(52)]
        assert [line["day"] for line in answer["days"]] == [day.isoformat() for day in days]
        expected = [float(life.as_of.get(day, {}).get((county, counter), 0)) for day in days]
        assert [line["value"] for line in answer["days"]] == expected
        assert len(set(expected)) > 2
    path = "/counters/history?counter=holds&from=1404/07/01&to=۱۴۰۴/۰۷/۰۳"
    answer = await province.ask("GET", path, "province_officer")
    assert [(line["day"], line["day_jalali"]) for line in answer["days"]] == [
        ("2025-09-23", "1404/07/01"), ("2025-09-24", "1404/07/02"), ("2025-09-25", "1404/07/03")
    ]  # fmt: skip
    for line in answer["days"]:
        model = life.as_of[date.fromisoformat(line["day"])]
        assert line["value"] == sum(model.get((county, Counter.HOLDS), Decimal(0)) for county in County)


async def test_province_totals_are_the_sum_of_the_counties_and_only_for_who_sees_all(province: Province) -> None:
    random = Random(SEED + 2)
    await fold_all(province, list(Life(random).run(2_000)), random)
    for as_of in ("", "?as_of=1404-07-10"):
        counties = await province.ask("GET", f"/counters{as_of}", "province_officer")
        totals = await province.ask("GET", f"/counters/province{as_of}", "province_officer")
        for counter in COUNTERS:
            assert totals[counter] == pytest.approx(sum(values[counter] for values in counties.values()), abs=1e-3)
    assert list(await province.ask("GET", "/counters?as_of=1404-07-10", "reviewer.rey")) == ["rey"]
    for path in ("/counters/province", "/counters/history?counter=holds"):
        problem = await province.ask("GET", path, "reviewer.rey", status=403)
        assert problem["code"] == "warehouse.query.province_totals"
    await province.ask("GET", "/counters/history?counter=holds&county=qods", "reviewer.rey", status=403)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("as_of=1404-13-01", "date_unreadable"),
        ("as_of=yesterday", "date_unreadable"),
        ("as_of=2090-01-01", "date_in_future"),
    ],
)
async def test_a_day_that_is_none_is_refused(province: Province, query: str, code: str) -> None:
    problem = await province.ask("GET", f"/counters?{query}", "province_officer", status=422)
    assert problem["code"] == f"warehouse.query.{code}"


async def test_an_event_belongs_to_the_day_of_the_office_on_which_it_was_recorded(province: Province) -> None:
    """Half past eight in the evening UTC is midnight in the province; what arrives late still lands on its own day."""
    event = WarehousePutOnHold(
        hold_id=uuid4(),
        warehouse_id=uuid4(),
        county=County.REY,
        ground=HoldGround.BIOLOGICAL_HAZARD,
        referred_to="health_authority",
    )
    evening = datetime(2025, 11, 21, 20, 29, 59, tzinfo=UTC)
    for moment in (evening + timedelta(seconds=1), evening):
        async with begin(province.worker, SYSTEM, "test") as tx:
            await fold_county_counters([Received(event, uuid4(), moment, 1, "test")], tx)
    holds = [
        (await province.ask("GET", f"/counters?as_of={day}", "province_officer"))["rey"]["holds"]
        for day in ("2025-11-20", "2025-11-21", "2025-11-22")
    ]
    assert holds == [0, 1, 2]
