"""A plan of inspections for one county and period: pure and deterministic, with a reason for every choice.

Urgency alone decides which sites are visited: the most urgent first, as many as there are visits. Nearness decides only
on which day: a day begins with the most urgent site that is left, and fills up with those nearest to it. Inspectors are
taken in the order in which the county named them; nothing here compares or counts one against another.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from heapq import nsmallest
from itertools import islice
from math import cos, radians
from uuid import UUID

from services.warehouse.domain.geography import distance_m
from services.warehouse.domain.risk import RiskClass

PERIOD_DAYS_MAX = 31
INSPECTORS_MAX = 30
VISITS_PER_DAY_MAX = 10

_DEGREE_EAST = cos(radians(35.6))
"""Length of a degree of longitude in the province, in degrees of latitude."""


class PlanReason(StrEnum):
    """Why a site is visited now, by this inspector, on this day; or why not at all. Stable codes; texts beside them."""

    OVERDUE = "overdue"
    DUE_IN_PERIOD = "due_in_period"
    RECOUNT = "recount"
    RISK_CLASS = "risk_class"
    OPEN_DISCREPANCY = "open_discrepancy"
    NEVER_INSPECTED = "never_inspected"
    FREE_VISIT = "free_visit"
    DIFFERENT_INSPECTOR = "different_inspector"
    MOST_URGENT_LEFT = "most_urgent_left"
    RECOUNT_BEFORE_NEAR = "recount_before_near"
    NEAR_FIRST_SITE = "near_first_site"
    LOCATION_UNKNOWN = "location_unknown"
    NO_FREE_VISIT = "no_free_visit"
    VISITS_USED_UP = "visits_used_up"
    NO_DIFFERENT_INSPECTOR = "no_different_inspector"


TEXTS_FA_EN: Mapping[PlanReason, tuple[str, str]] = {
    PlanReason.OVERDUE: ("سررسید {due_on} گذشته است", "it was due on {due_on}"),
    PlanReason.DUE_IN_PERIOD: ("سررسید آن {due_on} است", "it is due on {due_on}"),
    PlanReason.RECOUNT: ("شمارش پیشین باید تکرار شود", "the last count must be repeated"),
    PlanReason.RISK_CLASS: ("ردهٔ خطر آن {risk_class} است", "its risk class is {risk_class}"),
    PlanReason.OPEN_DISCREPANCY: ("مغایرت رفع‌نشده دارد", "it has an open discrepancy"),
    PlanReason.NEVER_INSPECTED: ("هنوز بازرسی نشده است", "it has not been inspected yet"),
    PlanReason.FREE_VISIT: (
        "بازرس در این روز هنوز بازدید آزاد دارد؛ ترتیب بازرسان همان است که شهرستان نام برده است",
        "the inspector has a visit free on this day; inspectors are taken in the order in which the county named them",
    ),
    PlanReason.DIFFERENT_INSPECTOR: (
        "بازشماری را بازرسی جز بازرس پیشین انجام می‌دهد",
        "a recount is made by somebody who did not count before",
    ),
    PlanReason.MOST_URGENT_LEFT: (
        "فوری‌ترین انبار باقی‌مانده بود و روز با آن آغاز می‌شود",
        "it was the most urgent site left, and the day begins with it",
    ),
    PlanReason.RECOUNT_BEFORE_NEAR: (
        "بازشماری است و این بازرس مجاز به آن است؛ پیش از انبارهای نزدیک می‌آید",
        "it is a recount that this inspector may make, which goes before nearness",
    ),
    PlanReason.NEAR_FIRST_SITE: (
        "{distance_km} کیلومتر تا نخستین انبار آن روز فاصله دارد",
        "it is {distance_km} km from the first site of the day",
    ),
    PlanReason.LOCATION_UNKNOWN: (
        "محل آن یا محل نخستین انبار روز ثبت نیست؛ به ترتیب فوریت آمده است",
        "its location or that of the day's first site is not recorded; it follows in the order of urgency",
    ),
    PlanReason.NO_FREE_VISIT: (
        "هیچ بازرسی در این دوره بازدید آزاد ندارد",
        "no inspector of the plan has a free visit in the period",
    ),
    PlanReason.VISITS_USED_UP: (
        "بازدیدهای این دوره پیش از نوبت آن پر شد",
        "the visits of the period were used up before its turn",
    ),
    PlanReason.NO_DIFFERENT_INSPECTOR: (
        "بازشماری است و بازرس دیگری با بازدید آزاد در این دوره نیست",
        "it is a recount, and no different inspector of the plan has a free visit in the period",
    ),
}


@dataclass(frozen=True, slots=True)
class Why:
    """One reason: its code, and the values that its text names."""

    code: PlanReason
    values: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class DueSite:
    """A site that is due in the period. `not_by`: who may not count it again; empty unless it waits for a recount."""

    warehouse_id: UUID
    due_on: date
    risk_class: RiskClass
    discrepancy_open: bool = False
    never_inspected: bool = False
    not_by: frozenset[str] = frozenset()
    latitude: float | None = None
    longitude: float | None = None
    """Latitude and longitude are both known or neither."""

    @property
    def is_recount(self) -> bool:
        return bool(self.not_by)


@dataclass(frozen=True, slots=True)
class InspectorDays:
    """What an inspector can do in the period: visits on each working day that is not a day off."""

    inspector: str
    visits_per_day: int
    days_off: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One site, one inspector, one day, and why."""

    warehouse_id: UUID
    inspector: str
    visit_on: date
    why_now: tuple[Why, ...]
    why_inspector: tuple[Why, ...]
    why_day: Why


@dataclass(frozen=True, slots=True)
class UnplannedSite:
    """A site that is due and did not fit."""

    warehouse_id: UUID
    why_now: tuple[Why, ...]
    why_not: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """Every due site once: visits in the order of days, the rest in the order of urgency."""

    visits: tuple[PlannedVisit, ...]
    unplanned: tuple[UnplannedSite, ...]


def plan_visits(
    sites: Iterable[DueSite],
    inspectors: Sequence[InspectorDays],
    days: Sequence[date],
    from_on: date,
    booked: Mapping[tuple[str, date], int],
) -> Plan:
    """Fit the due sites into the inspectors' working days.

    `days` are the working days of the period in order, `from_on` its first calendar day: what was due before it is
    overdue. `booked` counts the visits that an inspector already has on a day.
    """
    left = {site.warehouse_id: site for site in sorted(sites, key=lambda site: _urgency(site, from_on))}
    free = _free_visits(inspectors, days, booked)
    visits_left = sum(free.values())
    visits: list[PlannedVisit] = []
    for (day, inspector), visit_count in free.items():
        # No more candidates than visits are left: a near site never takes the place of a more urgent one.
        allowed = (site for site in left.values() if inspector not in site.not_by)
        candidates = list(islice(allowed, visits_left))
        for site, why_day in _day(candidates, visit_count):
            del left[site.warehouse_id]
            visits.append(_visit(site, inspector, day, why_day, from_on))
        visits_left -= visit_count
    can_visit = {inspector for _, inspector in free}
    unplanned = (
        UnplannedSite(site.warehouse_id, _why_now(site, from_on), _why_not(site, can_visit)) for site in left.values()
    )
    return Plan(tuple(visits), tuple(unplanned))


def _urgency(site: DueSite, from_on: date) -> tuple[bool, bool, RiskClass, bool, date, UUID]:
    """Overdue first, then recounts, risk class, open discrepancies, the due day; the id only settles equals."""
    return (
        site.due_on >= from_on,
        not site.is_recount,
        site.risk_class,
        not site.discrepancy_open,
        site.due_on,
        site.warehouse_id,
    )


def _free_visits(
    inspectors: Sequence[InspectorDays], days: Sequence[date], booked: Mapping[tuple[str, date], int]
) -> dict[tuple[date, str], int]:
    free: dict[tuple[date, str], int] = {}
    for day in days:
        for given in inspectors:
            visit_count = given.visits_per_day - booked.get((given.inspector, day), 0)
            if day not in given.days_off and visit_count > 0:
                free[day, given.inspector] = visit_count
    return free


def _day(candidates: Sequence[DueSite], visit_count: int) -> list[tuple[DueSite, Why]]:
    """One inspector's day out of `candidates`, which come in the order of urgency."""
    if not candidates:
        return []
    first, others = candidates[0], candidates[1:]
    chosen = [(first, Why(PlanReason.MOST_URGENT_LEFT))]
    recounts = (site for site in others if site.is_recount)
    chosen += [(site, Why(PlanReason.RECOUNT_BEFORE_NEAR)) for site in islice(recounts, visit_count - len(chosen))]
    located = [site for site in others if not site.is_recount and _is_located(first, site)]
    near = nsmallest(visit_count - len(chosen), located, key=partial(_flat_distance, first))
    chosen += [(site, _why_near(first, site)) for site in near]
    unlocated = (site for site in others if not site.is_recount and not _is_located(first, site))
    chosen += [(site, Why(PlanReason.LOCATION_UNKNOWN)) for site in islice(unlocated, visit_count - len(chosen))]
    return chosen


def _is_located(first: DueSite, site: DueSite) -> bool:
    return first.latitude is not None and site.latitude is not None


def _flat_distance(first: DueSite, site: DueSite) -> float:
    """Orders sites by distance from `first` as on a flat map, which inside a county is the order on the ground."""
    north = (site.latitude or 0.0) - (first.latitude or 0.0)
    east = ((site.longitude or 0.0) - (first.longitude or 0.0)) * _DEGREE_EAST
    return north * north + east * east


def _why_near(first: DueSite, site: DueSite) -> Why:
    metres = distance_m(first.latitude or 0.0, first.longitude or 0.0, site.latitude or 0.0, site.longitude or 0.0)
    return Why(PlanReason.NEAR_FIRST_SITE, {"distance_km": f"{metres / 1000:.1f}"})


def _visit(site: DueSite, inspector: str, day: date, why_day: Why, from_on: date) -> PlannedVisit:
    why_inspector = (Why(PlanReason.FREE_VISIT),)
    if site.is_recount:
        why_inspector = (Why(PlanReason.DIFFERENT_INSPECTOR), *why_inspector)
    return PlannedVisit(site.warehouse_id, inspector, day, _why_now(site, from_on), why_inspector, why_day)


def _why_now(site: DueSite, from_on: date) -> tuple[Why, ...]:
    due = PlanReason.OVERDUE if site.due_on < from_on else PlanReason.DUE_IN_PERIOD
    reasons = [Why(due, {"due_on": site.due_on.isoformat()})]
    if site.is_recount:
        reasons.append(Why(PlanReason.RECOUNT))
    reasons.append(Why(PlanReason.RISK_CLASS, {"risk_class": site.risk_class.value}))
    if site.discrepancy_open:
        reasons.append(Why(PlanReason.OPEN_DISCREPANCY))
    if site.never_inspected:
        reasons.append(Why(PlanReason.NEVER_INSPECTED))
    return tuple(reasons)


def _why_not(site: DueSite, can_visit: Set[str]) -> Why:
    if not can_visit:
        return Why(PlanReason.NO_FREE_VISIT)
    return Why(PlanReason.VISITS_USED_UP if can_visit - site.not_by else PlanReason.NO_DIFFERENT_INSPECTOR)
