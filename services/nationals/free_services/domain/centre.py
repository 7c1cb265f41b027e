"""What a service centre offers and when it is open, and the slots that follow from it."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from services.nationals.free_services.domain import centre_refusals as refusals
from services.nationals.free_services.domain.calendar import open_days
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.persian.calendar import office_moment

CAPACITY_PER_SLOT_MAX = 500
SLOT_MINUTES_MIN, SLOT_MINUTES_MAX = 5, 480
PLANNED_DAYS = 14
"""Slots are planned for today and the days after it, so many in all."""


class Weekday(StrEnum):
    """The days on which a centre may open. There is no Friday: the province's offices are closed."""

    SATURDAY = "saturday"
    SUNDAY = "sunday"
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"


_WEEKDAYS = {
    0: Weekday.MONDAY,
    1: Weekday.TUESDAY,
    2: Weekday.WEDNESDAY,
    3: Weekday.THURSDAY,
    5: Weekday.SATURDAY,
    6: Weekday.SUNDAY,
}


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """One weekday's hours, in the province's time."""

    weekday: Weekday
    opens_at: time
    closes_at: time


@dataclass(frozen=True, slots=True)
class Offer:
    """A service of a centre: `capacity_per_slot` visitors at once, every `slot_minutes`."""

    service: FreeService
    active: bool
    capacity_per_slot: int
    slot_minutes: int


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """A slot that the opening hours ask for; `starts_at` is in UTC."""

    service: FreeService
    starts_at: datetime
    minutes: int
    capacity: int


def check_hours(hours: Sequence[OpeningHours]) -> None:
    """Raises Refusal if a weekday comes twice or closes before it opens."""
    if len({one.weekday for one in hours}) < len(hours):
        raise Refusal(refusals.WEEKDAY_REPEATED)
    for one in hours:
        if one.opens_at >= one.closes_at:
            raise Refusal(refusals.CLOSES_BEFORE_OPENING, weekday=one.weekday.value)


def plan_slots(
    hours: Iterable[OpeningHours], offers: Iterable[Offer], from_on: date, days: int, holidays: Container[date]
) -> list[PlannedSlot]:
    """Whole slots of every active service within the opening hours of `days` days from `from_on` on."""
    by_weekday = {one.weekday: one for one in hours}
    active = [offer for offer in offers if offer.active]
    planned: list[PlannedSlot] = []
    for day in open_days(from_on, days, holidays):
        open_hours = by_weekday.get(_WEEKDAYS[day.weekday()])
        if open_hours is None:
            continue
        closes_at = office_moment(day, open_hours.closes_at)
        for offer in active:
            length = timedelta(minutes=offer.slot_minutes)
            starts_at = office_moment(day, open_hours.opens_at)
            while starts_at + length <= closes_at:
                planned.append(PlannedSlot(offer.service, starts_at, offer.slot_minutes, offer.capacity_per_slot))
                starts_at += length
    return planned
