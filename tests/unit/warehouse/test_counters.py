"""The county counters are a fold whose order and batches never show, to the last digit."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.counters import COUNTED_EVENTS, Counter, sum_deltas
from shared.contracts import warehouse as contracts
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
    EssentialStockLow,
    EssentialStockRecovered,
    HoldGround,
    InspectionCompleted,
    InspectionScheduled,
    Severity,
    SiteIntervalLapsed,
    Verdict,
    WarehouseChanged,
    WarehouseHoldLifted,
    WarehouseKind,
    WarehousePutOnHold,
    WarehouseRegistered,
)

ID = UUID(int=1)
NOW = datetime(2025, 11, 22, tzinfo=UTC)
FIGURES = st.integers(0, 10**9).map(lambda kilograms: kilograms / 1000)
COUNTIES = st.sampled_from([County.REY, County.QODS])

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        WarehouseRegistered,
        warehouse_id=st.just(ID),
        registry_id=st.just("1"),
        county=COUNTIES,
        kind=st.just(WarehouseKind.SILO),
        capacity_tonnes=FIGURES,
        floor_area_m2=FIGURES,
    ),
    st.builds(
        WarehouseChanged,
        warehouse_id=st.just(ID),
        county=COUNTIES,
        county_before=COUNTIES,
        capacity_tonnes=FIGURES,
        capacity_tonnes_before=FIGURES,
        changed_fields=st.just(()),
        is_inspected=st.booleans(),
        verified_capacity_tonnes=FIGURES,
        in_use_capacity_tonnes=FIGURES,
    ),
    st.builds(
        InspectionCompleted,
        inspection_id=st.just(ID),
        warehouse_id=st.just(ID),
        county=COUNTIES,
        verdict=st.just(Verdict.CONFIRMED),
        is_first_of_site=st.booleans(),
        verified_capacity_tonnes=FIGURES,
        verified_capacity_tonnes_before=FIGURES,
        in_use_capacity_tonnes=FIGURES,
        in_use_capacity_tonnes_before=FIGURES,
        failed_items=st.just(0),
        inspected_at=st.just(NOW),
    ),
    st.builds(
        CorrectiveActionResolved,
        action_id=st.just(ID),
        warehouse_id=st.just(ID),
        county=COUNTIES,
        was_overdue=st.booleans(),
    ),
)


DAYS = st.sampled_from([date(2025, 11, 21), date(2025, 11, 22)])


def summed(events: Iterable[Event]) -> dict[tuple[County, Counter], Decimal]:
    """The sums of events of one day."""
    return {key[1:]: value for key, value in sum_deltas((NOW.date(), event) for event in events).items()}


@given(st.lists(st.tuples(DAYS, EVENTS), max_size=40), st.integers(), st.integers(1, 7))
def test_neither_order_nor_batches_show_in_the_sums(events: list[tuple[date, Event]], seed: int, batch: int) -> None:
    expected = sum_deltas(events)
    shuffled = list(events)
    Random(seed).shuffle(shuffled)
    assert sum_deltas(shuffled) == expected
    added: dict[tuple[date, County, Counter], Decimal] = {}
    for start in range(0, len(shuffled), batch):
        for key, delta in sum_deltas(shuffled[start : start + batch]).items():
            added[key] = added.get(key, Decimal(0)) + delta
    assert added == expected
    assert all(value == value.quantize(Decimal("0.001")) for value in added.values())


@given(st.lists(FIGURES, min_size=2, max_size=60))
def test_a_chain_of_inspections_of_one_site_ends_at_its_last_figure(figures: list[float]) -> None:
    before = 0.0
    events: list[Event] = []
    for number, figure in enumerate(figures):
        events.append(completed(is_first=number == 0, verified=figure, before=before))
        before = figure
    sums = summed(events)
    assert sums[County.REY, Counter.VERIFIED_CAPACITY_TONNES] == Decimal(repr(figures[-1]))
    assert sums[County.REY, Counter.INSPECTED_SITES] == 1
    assert sums[County.REY, Counter.COMPLETED_INSPECTIONS] == len(figures)


def completed(*, is_first: bool, verified: float, before: float) -> InspectionCompleted:
    return InspectionCompleted(
        inspection_id=ID,
        warehouse_id=ID,
        county=County.REY,
        verdict=Verdict.CONFIRMED,
        is_first_of_site=is_first,
        verified_capacity_tonnes=verified,
        verified_capacity_tonnes_before=before,
        in_use_capacity_tonnes=0,
        in_use_capacity_tonnes_before=0,
        failed_items=0,
        inspected_at=NOW,
    )


def test_a_site_that_moves_takes_everything_with_it() -> None:
    moved = WarehouseChanged(
        warehouse_id=ID,
        county=County.QODS,
        county_before=County.REY,
        capacity_tonnes=11.5,
        capacity_tonnes_before=10,
        changed_fields=("county", "capacity_tonnes"),
        is_inspected=True,
        is_within_interval=True,
        verified_capacity_tonnes=9.25,
        in_use_capacity_tonnes=4,
    )
    sums = summed([moved])
    assert {key: value for key, value in sums.items() if key[0] is County.QODS} == {
        (County.QODS, Counter.REGISTERED_SITES): 1,
        (County.QODS, Counter.REGISTERED_CAPACITY_TONNES): Decimal("11.5"),
        (County.QODS, Counter.INSPECTED_SITES): 1,
        (County.QODS, Counter.INSPECTED_WITHIN_INTERVAL): 1,
        (County.QODS, Counter.VERIFIED_CAPACITY_TONNES): Decimal("9.25"),
        (County.QODS, Counter.IN_USE_CAPACITY_TONNES): 4,
    }
    assert sums[County.REY, Counter.REGISTERED_CAPACITY_TONNES] == -10
    assert sums[County.REY, Counter.INSPECTED_SITES] == -1


def told(event_type: type[Event], **fields: Any) -> Event:
    """An event of REY, of no matter which site, action, discrepancy or hold."""
    ids = {name: ID for name in event_type.model_fields if name.endswith("_id")}
    return event_type.model_validate({"county": County.REY} | ids | fields)


ACTION = {"severity": Severity.MAJOR, "due_at": NOW}
GROUND = {"ground": HoldGround.BIOLOGICAL_HAZARD}


@pytest.mark.parametrize(
    ("event", "counter", "amount"),
    [
        (told(DiscrepancyFound, verdict=Verdict.MOVED, fields=()), Counter.OPEN_DISCREPANCIES, 1),
        (told(DiscrepancyResolved), Counter.OPEN_DISCREPANCIES, -1),
        (told(CorrectiveActionOpened, item="structure", **ACTION), Counter.OPEN_ACTIONS, 1),
        (told(CorrectiveActionOverdue, **ACTION), Counter.OVERDUE_ACTIONS, 1),
        (told(CorrectiveActionExtended, was_overdue=True, **ACTION), Counter.OVERDUE_ACTIONS, -1),
        (told(CorrectiveActionExtended, was_overdue=False, **ACTION), Counter.OVERDUE_ACTIONS, 0),
        (told(CorrectiveActionReopened, **ACTION), Counter.OPEN_ACTIONS, 1),
        (told(SiteIntervalLapsed, due_on=NOW.date()), Counter.INSPECTED_WITHIN_INTERVAL, -1),
        (told(WarehousePutOnHold, referred_to="health_authority", **GROUND), Counter.HOLDS, 1),
        (told(WarehouseHoldLifted, **GROUND), Counter.HOLDS, -1),
    ],
)
def test_steps(event: Event, counter: Counter, amount: int) -> None:
    assert summed([event]) == {(County.REY, counter): amount}


NOT_COUNTED = {
    InspectionScheduled,
    contracts.InspectionReassigned,
    contracts.InspectionPostponed,
    EssentialStockLow,
    EssentialStockRecovered,
    contracts.TrainingExpired,
    contracts.ComplianceCertificateIssued,
    contracts.ComplianceCertificateRevoked,
}


def test_every_event_is_counted_or_known_not_to_be() -> None:
    declared = {
        value
        for value in vars(contracts).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }
    assert declared - set(COUNTED_EVENTS) == NOT_COUNTED
    assert summed([InspectionScheduled(inspection_id=ID, warehouse_id=ID, county=County.REY, due_on=NOW.date())]) == {}
