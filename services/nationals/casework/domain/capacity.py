"""Places of a centre: what is free, and which thresholds a change crosses (safeguard 11: 0 ≤ held + used ≤ capacity)."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.nationals.casework.domain import refusals
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal

THRESHOLDS_PERCENT = (80, 95, 100)
HYSTERESIS_POINTS = 5
"""A crossed threshold falls only below itself minus this many points, so that one booking cannot make it flap."""

CAPACITY_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Places:
    """Places of one kind in one centre. `threshold_percent`: highest threshold now crossed, 0 if none."""

    capacity: int
    held: int
    used: int
    threshold_percent: int

    @property
    def taken(self) -> int:
        return self.held + self.used

    @property
    def free(self) -> int:
        return self.capacity - self.taken


@dataclass(frozen=True, slots=True)
class Crossing:
    threshold_percent: int
    rising: bool


def check_can_hold(places_by_kind: Mapping[PlaceKind, Places], wanted: Mapping[PlaceKind, int]) -> None:
    """Raises Refusal (safeguard 11) unless every wanted kind has as many free places as are asked for."""
    for kind, count in wanted.items():
        places = places_by_kind.get(kind)
        free = places.free if places else 0
        if count > free:
            raise Refusal(
                refusals.NOT_ENOUGH_PLACES,
                place_kind=kind.value,
                wanted=count,
                free=free,
                satisfied_by="another_centre_or_freed_places",
            )


def check_new_capacity(places: Places, capacity: int, reason: str | None) -> None:
    """Raises Refusal (safeguard 11) if `capacity` is below what is taken, or lowers it without a reason."""
    if capacity < places.taken:
        raise Refusal(
            refusals.CAPACITY_BELOW_TAKEN, capacity=capacity, taken=places.taken, satisfied_by="release_places_first"
        )
    if capacity < places.capacity and not reason:
        raise Refusal(refusals.LOWERING_NEEDS_REASON, satisfied_by="reason")


def threshold_after(places: Places) -> int:
    """Highest threshold crossed after a change, given `places.threshold_percent` before it (0 if none)."""
    if places.capacity == 0:
        return 0
    crossed = 0
    for threshold in THRESHOLDS_PERCENT:
        was_crossed = threshold <= places.threshold_percent
        needed_percent = threshold - HYSTERESIS_POINTS if was_crossed else threshold
        if places.taken * 100 >= needed_percent * places.capacity:
            crossed = threshold
    return crossed


def crossings(before_percent: int, after_percent: int) -> list[Crossing]:
    """The thresholds between two levels, in the order they are passed: upwards rising, downwards falling."""
    if after_percent >= before_percent:
        return [Crossing(t, True) for t in THRESHOLDS_PERCENT if before_percent < t <= after_percent]
    return [Crossing(t, False) for t in reversed(THRESHOLDS_PERCENT) if after_percent < t <= before_percent]
