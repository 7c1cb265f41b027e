"""Low and recovered are told exactly once and by turns, however many declare at once and whatever the history."""

import asyncio
import os
from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest

from shared.contracts.counties import County
from shared.contracts.warehouse import EssentialStockLow, EssentialStockRecovered
from tests.integration.warehouse.province import Province, site_row
from tests.integration.warehouse.stocks import (
    LOW_DAYS,
    RECOVERED_DAYS,
    TONNES_PER_DAY,
    Place,
    declare,
    need,
    stock,
    today,
    told,
)

STEPS = int(os.environ.get("PAYESH_TEST_STOCK_STEPS", "120"))
"""Length of the random history; raise it for the long form."""
SENDERS = 20


async def test_twenty_declarations_at_once_are_judged_to_the_gram(province: Province) -> None:
    sites = await province.register(*(site_row(number) for number in range(SENDERS)))
    await need(province, tonnes_per_day="1", low_below_days="1", recovered_above_days="19.999")
    now = {"declared_on": (await today(province)).isoformat()}
    answers = await asyncio.gather(*(declare(province, site, 1000, unit="kilogram", **now) for site in sites))
    assert len({answer["declaration_id"] for answer in answers}) == SENDERS
    assert (await stock(province))["stock_tonnes"] == SENDERS
    # Only the sum of all twenty exceeds the bound: whoever came last, and nobody else, told it.
    events = await province.events(EssentialStockRecovered)
    assert [event.stock_tonnes for event in events if isinstance(event, EssentialStockRecovered)] == [SENDERS]
    await asyncio.gather(*(declare(province, site, 0, **now) for site in sites))
    assert await told(province) == [EssentialStockLow, EssentialStockRecovered, EssentialStockLow]
    assert (await stock(province))["state"] == "low"


async def test_holds_and_declarations_at_once_leave_the_true_state(province: Province) -> None:
    sites = await province.register(*(site_row(number) for number in range(8)))
    await need(province, low_below_days="3.999", recovered_above_days="4")
    hold = {"ground": "biological_hazard", "reason": "بوی فساد"}
    now = {"declared_on": (await today(province)).isoformat()}
    await asyncio.gather(
        *(declare(province, site, 10, **now) for site in sites),
        *(province.ask("POST", f"/warehouses/{site}/holds", "county_chair.rey", hold) for site in sites[:4]),
    )
    line = await stock(province)
    assert (line["stock_tonnes"], line["on_hold_tonnes"]) == (40, 40)
    await assert_alternating(province)
    low = await province.superuser.fetchval("SELECT low FROM essential_stock")
    assert line["state"] == ("low" if low else "sufficient")


async def assert_alternating(province: Province, places: Sequence[Place] = ((County.REY, "rice"),)) -> None:
    """Per stock: low first, then by turns; and the state in the table is what the last event says."""
    for county, commodity in places:
        sequence = await told(province, (county, commodity))
        expected = [EssentialStockLow if turn % 2 == 0 else EssentialStockRecovered for turn in range(len(sequence))]
        assert sequence == expected
        low = await province.superuser.fetchval(
            "SELECT low FROM essential_stock WHERE county = $1 AND commodity = $2", county, commodity
        )
        assert bool(low) is (len(sequence) % 2 == 1)


class Model:
    """The rules again, in other words and without the service's code: what must have been told after each step."""

    def __init__(self) -> None:
        self.tonnes: dict[tuple[int, str], Decimal] = {}
        self.on_hold: set[int] = set()
        self.low: set[Place] = set()
        self.told: dict[Place, int] = {}

    def judge(self, sites: Sequence[County], places: Sequence[Place]) -> None:
        for place in places:
            county, commodity = place
            cover = sum(
                (
                    tonnes
                    for (site, of), tonnes in self.tonnes.items()
                    if of == commodity and sites[site] is county and site not in self.on_hold
                ),
                Decimal(0),
            ) / Decimal(TONNES_PER_DAY)
            if (place in self.low and cover > RECOVERED_DAYS) or (place not in self.low and cover < LOW_DAYS):
                self.low ^= {place}
                self.told[place] = self.told.get(place, 0) + 1


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_history_tells_what_a_plain_fold_of_it_says(province: Province, seed: int) -> None:
    random, model = Random(seed), Model()
    counties = [County.REY, County.REY, County.REY, County.QODS, County.QODS]
    places: list[Place] = [(county, goods) for county in (County.REY, County.QODS) for goods in ("rice", "sugar")]
    sites = await province.register(*(site_row(number, county) for number, county in enumerate(counties)))
    holds: dict[int, str] = {}
    for county, commodity in places:
        await need(province, county, commodity)
    model.judge(counties, places)
    for _ in range(STEPS):
        number, commodity = random.randrange(len(sites)), random.choice(("rice", "sugar"))
        county, site = counties[number], sites[number]
        match random.choice(("declare",) * 6 + ("expire", "hold", "hold")):
            case "declare":
                unit, kilograms = random.choice((("tonne", 1000), ("sack_40", 40), ("carton", 10), ("kilogram", 1)))
                if commodity == "rice" and unit == "carton":
                    unit, kilograms = "sack_50", 50
                quantity = Decimal(random.randrange(60_000) // kilograms)
                who = random.choice(("registry_clerk", "inspector", "reviewer", "county_chair"))
                await declare(province, site, str(quantity), commodity=commodity, unit=unit, who=f"{who}.{county}")
                model.tonnes[number, commodity] = quantity * kilograms / 1000
            case "expire" if (number, commodity) in model.tonnes:
                await province.fire_timer("warehouse.stock_expires", f"{site}/{commodity}")
                del model.tonnes[number, commodity]
            case "hold" if number in holds:
                lifting = {"reason": "رفع شد", "without_answer": True}
                await province.ask("POST", f"/holds/{holds.pop(number)}/lifting", f"county_chair.{county}", lifting)
                model.on_hold.discard(number)
            case "hold":
                placing = {"ground": "smuggling_suspicion", "reason": "گزارش"}
                path = f"/warehouses/{site}/holds"
                holds[number] = (await province.ask("POST", path, f"reviewer.{county}", placing))["hold_id"]
                model.on_hold.add(number)
            case _:
                continue
        model.judge(counties, places)
    await assert_alternating(province, places)
    assert {place: len(await told(province, place)) for place in places} == {
        place: model.told.get(place, 0) for place in places
    }
    assert sum(model.told.values()) > len(places)
    for county, commodity in places:
        line = await stock(province, county, commodity)
        assert line["state"] == ("low" if (county, commodity) in model.low else "sufficient")
