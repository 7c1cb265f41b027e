"""A province lived at random, event by event, with an own model that says what every counter was on every day."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID, uuid4

from services.warehouse.domain.counters import Counter
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
from shared.kit.routing import Received
from shared.persian.calendar import OFFICE_ZONE

DAYS = 60
FIRST_DAY = date(2025, 9, 1)

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
