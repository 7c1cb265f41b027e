from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nationals.casework.domain import capacity_refusals
from services.nationals.casework.domain.capacity import (
    HYSTERESIS_POINTS,
    THRESHOLDS_PERCENT,
    Places,
    Waiting,
    can_hold,
    check_can_hold,
    check_can_wait,
    crossings,
    offers_in_order,
    threshold_after,
)
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal

FAMILY, SINGLE = PlaceKind.FAMILY, PlaceKind.SINGLE


def places_of(capacity: int, held: int = 0, used: int = 0, target: int | None = None) -> Places:
    return Places(capacity, held, used, 0, capacity if target is None else target)


def test_threshold_falls_only_below_itself_minus_the_hysteresis() -> None:
    places = Places(capacity=100, held=0, used=0, threshold_percent=0, capacity_target=100)
    levels: list[int] = []
    for held in (79, 80, 79, 75, 74, 95, 90, 89, 100, 95, 94, 0):
        level = threshold_after(replace(places, held=held))
        levels.append(level)
        places = replace(places, held=held, threshold_percent=level)
    assert levels == [0, 80, 80, 80, 0, 95, 95, 80, 100, 100, 95, 0]


def test_nothing_is_crossed_without_capacity() -> None:
    assert threshold_after(Places(0, 0, 0, 95, 0)) == 0


@given(st.integers(1, 60), st.lists(st.integers(0, 60), max_size=40))
def test_crossings_alternate_and_agree_with_occupancy(capacity: int, steps: list[int]) -> None:
    rising_now: dict[int, bool] = dict.fromkeys(THRESHOLDS_PERCENT, False)
    level = 0
    for taken in (min(step, capacity) for step in steps):
        after = threshold_after(Places(capacity, taken, 0, level, capacity))
        for crossing in crossings(level, after):
            assert rising_now[crossing.threshold_percent] is not crossing.rising, "each crossing undoes the one before"
            rising_now[crossing.threshold_percent] = crossing.rising
        for threshold, crossed in rising_now.items():
            occupancy_percent = taken * 100 / capacity
            assert crossed or occupancy_percent < threshold
            assert not crossed or occupancy_percent >= threshold - HYSTERESIS_POINTS
        level = after


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.sampled_from(("hold", "give_back", "set")), st.integers(0, 20)), max_size=60),
)
def test_lowered_capacity_falls_with_each_place_given_back_until_it_is_the_target(
    capacity: int, steps: list[tuple[str, int]]
) -> None:
    places = places_of(capacity)
    for step, amount in steps:
        before = places
        if step == "set":
            places = places.targeted(amount)
        elif step == "hold" and amount <= places.free:
            places = places.moved(held=amount)
        elif step == "give_back" and amount <= places.held:
            places = places.moved(held=-amount)
        assert 0 <= places.taken <= places.capacity
        assert places.capacity == max(places.capacity_target, places.taken)
        assert places.is_closed == (places.taken > places.capacity_target)
        if step != "set":
            assert places.capacity <= before.capacity, "only people raise a capacity"
        if places.is_closed:
            assert not can_hold({FAMILY: places}, {FAMILY: 1})


def test_a_closed_kind_says_when_it_opens_again() -> None:
    closed = places_of(10, held=7, used=3).targeted(6)
    with pytest.raises(Refusal) as refused:
        check_can_hold({FAMILY: closed}, {FAMILY: 1})
    assert refused.value.reason is capacity_refusals.CENTRE_KIND_CLOSED
    assert refused.value.details["places_over"] == 4
    assert not closed.moved(held=-3).moved(held=-1).is_closed


def test_free_places_that_are_kept_for_the_list_are_not_booked() -> None:
    kept = replace(places_of(10), waiting_list_first=True)
    with pytest.raises(Refusal) as refused:
        check_can_hold({FAMILY: kept, SINGLE: places_of(5)}, {SINGLE: 1, FAMILY: 1})
    assert refused.value.reason is capacity_refusals.WAITING_LIST_FIRST
    assert can_hold({FAMILY: kept, SINGLE: places_of(5)}, {SINGLE: 1})


def test_nobody_waits_for_what_the_centre_will_never_have() -> None:
    lowered = places_of(10, held=10).targeted(3)
    check_can_wait({FAMILY: lowered}, {FAMILY: 3})
    for wanted in ({FAMILY: 4}, {SINGLE: 1}):
        with pytest.raises(Refusal) as refused:
            check_can_wait({FAMILY: lowered}, wanted)
        assert refused.value.reason is capacity_refusals.LARGER_THAN_CENTRE


def queue(*wants: tuple[dict[PlaceKind, int], bool]) -> list[Waiting]:
    return [Waiting(uuid4(), places, ready) for places, ready in wants]


def test_offers_go_in_order_and_a_large_household_is_not_passed() -> None:
    waiting = queue(({FAMILY: 2}, True), ({FAMILY: 5}, True), ({FAMILY: 1}, True), ({SINGLE: 1}, True))
    places = {FAMILY: places_of(4), SINGLE: places_of(1)}
    assert offers_in_order(places, waiting) == [waiting[0], waiting[3]]
    assert offers_in_order({**places, FAMILY: places_of(8)}, waiting) == waiting


def test_who_is_not_ready_in_this_round_is_not_passed_either() -> None:
    waiting = queue(({FAMILY: 1}, False), ({FAMILY: 1}, True), ({SINGLE: 1}, True))
    assert offers_in_order({FAMILY: places_of(9), SINGLE: places_of(9)}, waiting) == [waiting[2]]


@given(
    st.lists(st.tuples(st.dictionaries(st.sampled_from(PlaceKind), st.integers(1, 4), min_size=1), st.booleans())),
    st.dictionaries(st.sampled_from(PlaceKind), st.integers(0, 12)),
)
def test_offers_never_take_more_than_is_free_and_never_jump_the_order(
    wants: list[tuple[dict[PlaceKind, int], bool]], free: dict[PlaceKind, int]
) -> None:
    waiting = queue(*wants)
    offered = offers_in_order({kind: places_of(count) for kind, count in free.items()}, waiting)
    for kind in PlaceKind:
        assert sum(one.places.get(kind, 0) for one in offered) <= free.get(kind, 0)
    for later in offered:
        before = waiting[: waiting.index(later)]
        assert all(one in offered for one in before if one.places.keys() & later.places.keys())
