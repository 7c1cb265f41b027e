from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.nationals.casework.domain.capacity import (
    HYSTERESIS_POINTS,
    THRESHOLDS_PERCENT,
    Places,
    crossings,
    threshold_after,
)


def test_threshold_falls_only_below_itself_minus_the_hysteresis() -> None:
    places = Places(capacity=100, held=0, used=0, threshold_percent=0)
    levels: list[int] = []
    for held in (79, 80, 79, 75, 74, 95, 90, 89, 100, 95, 94, 0):
        level = threshold_after(replace(places, held=held))
        levels.append(level)
        places = replace(places, held=held, threshold_percent=level)
    assert levels == [0, 80, 80, 80, 0, 95, 95, 80, 100, 100, 95, 0]


def test_nothing_is_crossed_without_capacity() -> None:
    assert threshold_after(Places(0, 0, 0, 95)) == 0


@given(st.integers(1, 60), st.lists(st.integers(0, 60), max_size=40))
def test_crossings_alternate_and_agree_with_occupancy(capacity: int, steps: list[int]) -> None:
    rising_now: dict[int, bool] = dict.fromkeys(THRESHOLDS_PERCENT, False)
    level = 0
    for taken in (min(step, capacity) for step in steps):
        after = threshold_after(Places(capacity, taken, 0, level))
        for crossing in crossings(level, after):
            assert rising_now[crossing.threshold_percent] is not crossing.rising, "each crossing undoes the one before"
            rising_now[crossing.threshold_percent] = crossing.rising
        for threshold, crossed in rising_now.items():
            occupancy_percent = taken * 100 / capacity
            assert crossed or occupancy_percent < threshold
            assert not crossed or occupancy_percent >= threshold - HYSTERESIS_POINTS
        level = after
