"""County counters as a fold of events: pure sums of exact decimals, so any order of events gives the identical value.

Contracts carry figures as numbers of at most 3 decimals; here each is read back as a whole number of thousandths, never
added as a float.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import (
    CorrectiveActionExtended,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionReopened,
    CorrectiveActionResolved,
    DiscrepancyFound,
    DiscrepancyResolved,
    InspectionCompleted,
    SiteIntervalLapsed,
    WarehouseChanged,
    WarehouseHoldLifted,
    WarehousePutOnHold,
    WarehouseRegistered,
)


class Counter(StrEnum):
    """What is counted per county. Capacities are in tonnes of 3 decimals, the others are whole numbers."""

    __hash__ = str.__hash__  # an Enum's own hash is computed in Python, and every delta is looked up by it

    REGISTERED_SITES = "registered_sites"
    REGISTERED_CAPACITY_TONNES = "registered_capacity_tonnes"
    VERIFIED_CAPACITY_TONNES = "verified_capacity_tonnes"
    IN_USE_CAPACITY_TONNES = "in_use_capacity_tonnes"
    INSPECTED_SITES = "inspected_sites"
    INSPECTED_WITHIN_INTERVAL = "inspected_within_interval"
    COMPLETED_INSPECTIONS = "completed_inspections"
    OPEN_DISCREPANCIES = "open_discrepancies"
    OPEN_ACTIONS = "open_actions"
    OVERDUE_ACTIONS = "overdue_actions"
    HOLDS = "holds"


CAPACITY_COUNTERS = frozenset(
    {Counter.REGISTERED_CAPACITY_TONNES, Counter.VERIFIED_CAPACITY_TONNES, Counter.IN_USE_CAPACITY_TONNES}
)

Delta = tuple[County, Counter, int]
"""County, counter, and what is added in thousandths: kilograms of a capacity, thousandths of a count."""

_ONE = 1_000
_DECIMALS = 3


def counter_deltas(event: Event) -> Iterable[Delta]:
    """What `event` adds to which counter of which county; nothing for an event that no counter reads."""
    deltas_of = _DELTAS.get(type(event))
    return deltas_of(event) if deltas_of else ()


def sum_deltas(events: Iterable[tuple[date, Event]]) -> dict[tuple[date, County, Counter], Decimal]:
    """The sum of all deltas of `events` (day of the event, event) by day, county and counter; the same for any order.

    A counter that was touched stays in the result at zero, so that any split into batches leaves the same rows.
    """
    sums: dict[tuple[date, County, Counter], int] = {}
    for day, event in events:
        for county, counter, delta in counter_deltas(event):
            key = day, county, counter
            sums[key] = sums.get(key, 0) + delta
    return {key: Decimal(amount).scaleb(-_DECIMALS) for key, amount in sums.items()}


def _thousandths(figure: float) -> int:
    return round(figure * 1_000)


def _registered(event: WarehouseRegistered) -> Iterable[Delta]:
    yield event.county, Counter.REGISTERED_SITES, _ONE
    yield event.county, Counter.REGISTERED_CAPACITY_TONNES, _thousandths(event.capacity_tonnes)


def _changed(event: WarehouseChanged) -> Iterable[Delta]:
    yield event.county_before, Counter.REGISTERED_CAPACITY_TONNES, -_thousandths(event.capacity_tonnes_before)
    yield event.county, Counter.REGISTERED_CAPACITY_TONNES, _thousandths(event.capacity_tonnes)
    if event.county is event.county_before:
        return
    inspected, within_interval = _ONE * event.is_inspected, _ONE * event.is_within_interval
    for county, sign in ((event.county_before, -1), (event.county, 1)):
        yield county, Counter.REGISTERED_SITES, _ONE * sign
        yield county, Counter.INSPECTED_SITES, inspected * sign
        yield county, Counter.INSPECTED_WITHIN_INTERVAL, within_interval * sign
        yield county, Counter.VERIFIED_CAPACITY_TONNES, _thousandths(event.verified_capacity_tonnes) * sign
        yield county, Counter.IN_USE_CAPACITY_TONNES, _thousandths(event.in_use_capacity_tonnes) * sign


def _completed(event: InspectionCompleted) -> Iterable[Delta]:
    verified = _thousandths(event.verified_capacity_tonnes) - _thousandths(event.verified_capacity_tonnes_before)
    in_use = _thousandths(event.in_use_capacity_tonnes) - _thousandths(event.in_use_capacity_tonnes_before)
    yield event.county, Counter.COMPLETED_INSPECTIONS, _ONE
    yield event.county, Counter.INSPECTED_SITES, _ONE * event.is_first_of_site
    yield event.county, Counter.INSPECTED_WITHIN_INTERVAL, _ONE * event.enters_interval
    yield event.county, Counter.VERIFIED_CAPACITY_TONNES, verified
    yield event.county, Counter.IN_USE_CAPACITY_TONNES, in_use


def _action_extended(event: CorrectiveActionExtended) -> Iterable[Delta]:
    yield event.county, Counter.OVERDUE_ACTIONS, -_ONE * event.was_overdue


def _action_resolved(event: CorrectiveActionResolved) -> Iterable[Delta]:
    yield event.county, Counter.OPEN_ACTIONS, -_ONE
    yield event.county, Counter.OVERDUE_ACTIONS, -_ONE * event.was_overdue


def _step(counter: Counter, amount: int) -> Callable[[Any], Iterable[Delta]]:
    return lambda event: ((event.county, counter, amount),)


_DELTAS: dict[type[Event], Callable[[Any], Iterable[Delta]]] = {
    WarehouseRegistered: _registered,
    WarehouseChanged: _changed,
    InspectionCompleted: _completed,
    SiteIntervalLapsed: _step(Counter.INSPECTED_WITHIN_INTERVAL, -_ONE),
    DiscrepancyFound: _step(Counter.OPEN_DISCREPANCIES, _ONE),
    DiscrepancyResolved: _step(Counter.OPEN_DISCREPANCIES, -_ONE),
    CorrectiveActionOpened: _step(Counter.OPEN_ACTIONS, _ONE),
    CorrectiveActionOverdue: _step(Counter.OVERDUE_ACTIONS, _ONE),
    CorrectiveActionExtended: _action_extended,
    CorrectiveActionReopened: _step(Counter.OPEN_ACTIONS, _ONE),
    CorrectiveActionResolved: _action_resolved,
    WarehousePutOnHold: _step(Counter.HOLDS, _ONE),
    WarehouseHoldLifted: _step(Counter.HOLDS, -_ONE),
}
COUNTED_EVENTS: tuple[type[Event], ...] = tuple(_DELTAS)
"""The events that the counters are a fold of."""
