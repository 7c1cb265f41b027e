"""Every counter as of any past day, and rebuilt to the same rows: a random history of 100,000 events against an own model."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.warehouse.day_end import watch_day_end
from services.warehouse.domain.calendar import OFFICE_ZONE
from services.warehouse.domain.counters import Counter
from services.warehouse.handlers import day_end, fold_county_counters
from services.warehouse.handlers.day_end import announce_lapsed_intervals
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import (
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionResolved,
    DiscrepancyFound,
    DiscrepancyResolved,
    HoldGround,
    InspectionCompleted,
    Severity,
    SiteIntervalLapsed,
    Verdict,
    WarehouseChanged,
    WarehouseHoldLifted,
    WarehouseKind,
    WarehousePutOnHold,
    WarehouseRegistered,
)
from shared.kit.auth import SYSTEM
from shared.kit.routing import Received
from shared.kit.service import WorkerContext
from shared.kit.transaction import begin
from tests.integration.warehouse.province import Province, as_csv, site_row

EVENTS = int(os.environ.get("PAYESH_TEST_HISTORY_EVENTS", "100000"))
SEED = 20251122
DAYS = 60
FIRST_DAY = date(2025, 9, 1)
BATCH_EVENTS_MAX = 4_000
COUNTERS = tuple(Counter)
WORKER_WAIT_S = 20.0

Values = dict[tuple[County, Counter], Decimal]


@dataclass(slots=True)
class ModelSite:
    """A site as it is, figures in tonnes."""

    county: County
    capacity: Decimal
    verified: Decimal = Decimal(0)
    in_use: Decimal = Decimal(0)
    inspected: bool = False
    within: bool = False


class Life:
    """A province lived at random. The model keeps states and sums them; it knows nothing of deltas."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._sites: dict[UUID, ModelSite] = {}
        self._actions: dict[UUID, tuple[County, bool]] = {}
        self._open: dict[type[Event], list[County]] = {DiscrepancyFound: [], WarehousePutOnHold: []}
        self._completed: defaultdict[County, int] = defaultdict(int)
        self.as_of: dict[date, Values] = {}

    def run(self, events: int) -> Iterator[Received[Event]]:
        """Events in the order of their recording."""
        opening = datetime.combine(FIRST_DAY, time(0), OFFICE_ZONE)
        moments = sorted(self._random.random() * DAYS * 86_400 for _ in range(events))
        day = FIRST_DAY
        for number, seconds in enumerate(moments):
            moment = opening + timedelta(seconds=seconds)
            while day < moment.date():
                self.as_of[day] = self.values()
                day += timedelta(days=1)
            yield Received(self._event(), UUID(int=number), moment.astimezone(UTC), 1, "life")
        while day < FIRST_DAY + timedelta(days=DAYS):
            self.as_of[day] = self.values()
            day += timedelta(days=1)

    def values(self) -> Values:
        """The counters, by counting what there is."""
        values: Values = defaultdict(Decimal)
        for site in self._sites.values():
            county = site.county
            values[county, Counter.REGISTERED_SITES] += 1
            values[county, Counter.REGISTERED_CAPACITY_TONNES] += site.capacity
            values[county, Counter.VERIFIED_CAPACITY_TONNES] += site.verified
            values[county, Counter.IN_USE_CAPACITY_TONNES] += site.in_use
            values[county, Counter.INSPECTED_SITES] += site.inspected
            values[county, Counter.INSPECTED_WITHIN_INTERVAL] += site.within
        for county, overdue in self._actions.values():
            values[county, Counter.OPEN_ACTIONS] += 1
            values[county, Counter.OVERDUE_ACTIONS] += overdue
        for counter, kind in (
            (Counter.OPEN_DISCREPANCIES, DiscrepancyFound),
            (Counter.HOLDS, WarehousePutOnHold),
        ):
            for county in self._open[kind]:
                values[county, counter] += 1
        for county, completed in self._completed.items():
            values[county, Counter.COMPLETED_INSPECTIONS] += completed
        return {key: value for key, value in values.items() if value}

    def _event(self) -> Event:
        choices = [
            self._register,
            self._change,
            self._inspect,
            self._inspect,
            self._lapse,
            self._action,
            self._open_one,
        ]
        return self._random.choice(choices)() or self._register()

    def _tonnes(self) -> Decimal:
        return Decimal(self._random.randrange(10**9)).scaleb(-3)

    def _site(self) -> tuple[UUID, ModelSite] | None:
        if not self._sites:
            return None
        warehouse_id = UUID(int=self._random.randrange(len(self._sites)))
        return warehouse_id, self._sites[warehouse_id]

    def _register(self) -> Event:
        warehouse_id, county, capacity = UUID(int=len(self._sites)), self._random.choice(list(County)), self._tonnes()
        self._sites[warehouse_id] = ModelSite(county, capacity)
        return WarehouseRegistered(
            warehouse_id=warehouse_id, registry_id=str(warehouse_id), county=county, kind=WarehouseKind.SILO,
            capacity_tonnes=float(capacity), floor_area_m2=1.0,
        )  # fmt: skip

    def _change(self) -> Event | None:
        found = self._site()
        if found is None:
            return None
        warehouse_id, site = found
        county_before, capacity_before = site.county, site.capacity
        if self._random.random() < 0.3:
            site.county = self._random.choice(list(County))
        site.capacity = self._tonnes()
        return WarehouseChanged.model_validate(
            {
                "warehouse_id": warehouse_id, "county": site.county, "county_before": county_before,
                "capacity_tonnes": float(site.capacity), "capacity_tonnes_before": float(capacity_before),
                "changed_fields": ("capacity_tonnes",), "is_inspected": site.inspected,
                "verified_capacity_tonnes": float(site.verified), "in_use_capacity_tonnes": float(site.in_use),
                "is_within_interval": site.within,
            }
        )  # fmt: skip

    def _inspect(self) -> Event | None:
        found = self._site()
        if found is None:
            return None
        warehouse_id, site = found
        before, verified, in_use = replace(site), self._tonnes(), self._tonnes()
        site.verified, site.in_use, site.inspected, site.within = verified, in_use, True, True
        self._completed[site.county] += 1
        return InspectionCompleted.model_validate(
            {
                "inspection_id": uuid4(), "warehouse_id": warehouse_id, "county": site.county,
                "verdict": Verdict.CONFIRMED, "is_first_of_site": not before.inspected,
                "verified_capacity_tonnes": float(verified), "in_use_capacity_tonnes": float(in_use),
                "verified_capacity_tonnes_before": float(before.verified),
                "in_use_capacity_tonnes_before": float(before.in_use), "failed_items": 0,
                "inspected_at": datetime.now(UTC), "enters_interval": not before.within,
            }
        )  # fmt: skip

    def _lapse(self) -> Event | None:
        found = self._site()
        if found is None or not found[1].within:
            return None
        found[1].within = False
        values = {"warehouse_id": found[0], "county": found[1].county, "due_on": FIRST_DAY}
        return SiteIntervalLapsed.model_validate(values)

    def _action(self) -> Event:
        county, late = self._random.choice(list(County)), datetime.now(UTC)
        if self._actions and self._random.random() < 0.48:
            action_id = self._random.choice(list(self._actions)[-50:])
            county, overdue = self._actions[action_id]
            if overdue or self._random.random() < 0.5:
                del self._actions[action_id]
                return CorrectiveActionResolved(
                    action_id=action_id, warehouse_id=action_id, county=county, was_overdue=overdue
                )
            self._actions[action_id] = county, True
            return CorrectiveActionOverdue(
                action_id=action_id, warehouse_id=action_id, county=county, severity=Severity.MINOR, due_at=late
            )
        action_id = uuid4()
        self._actions[action_id] = county, False
        return CorrectiveActionOpened(
            action_id=action_id, warehouse_id=action_id, inspection_id=action_id, county=county, item="structure",
            severity=Severity.MINOR, due_at=late,
        )  # fmt: skip

    def _open_one(self) -> Event:
        kind = self._random.choice((DiscrepancyFound, WarehousePutOnHold))
        some = uuid4()
        if self._open[kind] and self._random.random() < 0.5:
            county = self._open[kind].pop(self._random.randrange(len(self._open[kind])))
            if kind is DiscrepancyFound:
                return DiscrepancyResolved(discrepancy_id=some, warehouse_id=some, county=county)
            return WarehouseHoldLifted(
                hold_id=some, warehouse_id=some, county=county, ground=HoldGround.BIOLOGICAL_HAZARD
            )
        county = self._random.choice(list(County))
        self._open[kind].append(county)
        if kind is DiscrepancyFound:
            return DiscrepancyFound(
                discrepancy_id=some,
                warehouse_id=some,
                inspection_id=some,
                county=county,
                verdict=Verdict.MOVED,
                fields=(),
            )
        return WarehousePutOnHold(
            hold_id=some, warehouse_id=some, county=county, ground=HoldGround.BIOLOGICAL_HAZARD,
            referred_to="health_authority",
        )  # fmt: skip


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
