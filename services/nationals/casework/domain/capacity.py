"""Places of a centre: what is free, and which thresholds a change crosses (safeguard 11: 0 ≤ held + used ≤ capacity)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.nationals.casework.domain import capacity_refusals, refusals
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal

THRESHOLDS_PERCENT = (80, 95, 100)
HYSTERESIS_POINTS = 5
"""A crossed threshold falls only below itself minus this many points, so that one booking cannot make it flap."""

CAPACITY_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Places:
    """Places of one kind in one centre. `threshold_percent`: highest threshold now crossed, 0 if none.

    `capacity_target` is what people set, `capacity` what is in effect: more than the target only while more is taken.
    """

    capacity: int
    held: int
    used: int
    threshold_percent: int
    capacity_target: int
    waiting_list_first: bool = False
    """A household of the waiting list could take places of this kind, so nobody else may before it."""

    @property
    def taken(self) -> int:
        return self.held + self.used

    @property
    def free(self) -> int:
        return self.capacity - self.taken

    @property
    def places_over(self) -> int:
        """Places to be given back before the kind opens again; 0 while it is open."""
        return self.capacity - self.capacity_target

    @property
    def is_closed(self) -> bool:
        return self.places_over > 0

    def moved(self, held: int = 0, used: int = 0) -> "Places":
        """After so many more (or fewer) places are held and used: a capacity above its target falls with what is taken."""
        return self._with(held=self.held + held, used=self.used + used, target=self.capacity_target)

    def targeted(self, capacity_target: int) -> "Places":
        """After people set another capacity."""
        return self._with(held=self.held, used=self.used, target=capacity_target)

    def _with(self, held: int, used: int, target: int) -> "Places":
        return replace(self, held=held, used=used, capacity_target=target, capacity=max(target, held + used))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A household that is in turn for places. `ready`: whether it can be offered them in this round."""

    entry_id: UUID
    places: Mapping[PlaceKind, int]
    ready: bool


@dataclass(frozen=True, slots=True)
class Crossing:
    threshold_percent: int
    rising: bool


def check_can_hold(places_by_kind: Mapping[PlaceKind, Places], wanted: Mapping[PlaceKind, int]) -> None:
    """Raises Refusal unless every wanted kind is open, owes nothing to the waiting list and has as many free places as are
    asked for (safeguard 11).
    """
    for kind, count in wanted.items():
        places = places_by_kind.get(kind)
        if places is not None and places.is_closed:
            raise Refusal(
                capacity_refusals.CENTRE_KIND_CLOSED,
                place_kind=kind.value,
                places_over=places.places_over,
                satisfied_by="another_centre_or_places_given_back",
            )
        if places is not None and places.waiting_list_first:
            raise Refusal(
                capacity_refusals.WAITING_LIST_FIRST,
                place_kind=kind.value,
                satisfied_by="another_centre_or_a_place_on_the_waiting_list",
            )
        free = places.free if places else 0
        if count > free:
            raise Refusal(
                refusals.NOT_ENOUGH_PLACES,
                place_kind=kind.value,
                wanted=count,
                free=free,
                satisfied_by="another_centre_or_freed_places",
            )


def can_hold(places_by_kind: Mapping[PlaceKind, Places], wanted: Mapping[PlaceKind, int]) -> bool:
    """Whether `check_can_hold` would pass."""
    try:
        check_can_hold(places_by_kind, wanted)
    except Refusal:
        return False
    return True


def check_can_wait(places_by_kind: Mapping[PlaceKind, Places], wanted: Mapping[PlaceKind, int]) -> None:
    """Raises Refusal if a kind is asked for more often than the centre has it: such a wait would never end."""
    for kind, count in wanted.items():
        places = places_by_kind.get(kind)
        capacity = places.capacity_target if places else 0
        if count > capacity:
            raise Refusal(
                capacity_refusals.LARGER_THAN_CENTRE,
                place_kind=kind.value,
                wanted=count,
                capacity=capacity,
                satisfied_by="another_centre_or_kind_of_place",
            )


def offers_in_order(places_by_kind: Mapping[PlaceKind, Places], queue: Sequence[Waiting]) -> list[Waiting]:
    """Who of the queue is offered places now. A household that must still wait keeps the kinds it wants from those behind it, so
    that a large one is not passed for ever by small ones.
    """
    free = {kind: places.free for kind, places in places_by_kind.items()}
    offered: list[Waiting] = []
    for waiting in queue:
        if waiting.ready and all(count <= free.get(kind, 0) for kind, count in waiting.places.items()):
            offered.append(waiting)
            free = {kind: count - waiting.places.get(kind, 0) for kind, count in free.items()}
        else:
            free = {kind: count for kind, count in free.items() if kind not in waiting.places}
    return offered


def check_new_capacity(places: Places, capacity: int, reason: str | None) -> None:
    """Raises Refusal (safeguard 11) if `capacity` lowers what is set without a reason."""
    if capacity < places.capacity_target and not reason:
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
