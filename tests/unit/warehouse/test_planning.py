"""Plans of inspections: what no plan may do, whatever is due and whoever has time; and why each choice was made."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.calendar import working_days
from services.warehouse.domain.planning import (
    TEXTS_FA_EN,
    DueSite,
    InspectorDays,
    Plan,
    PlanReason,
    Why,
    plan_visits,
)
from services.warehouse.domain.risk import RiskClass

FROM = date(2025, 11, 22)  # a Saturday
TO = FROM + timedelta(days=13)
DAYS = working_days(FROM, TO, frozenset[date]())
ACCOUNTS = ("inspector1.rey", "inspector2.rey", "inspector3.rey")


def site(number: int, due_in_days: int = 0, **changes: object) -> DueSite:
    fields = {"due_on": FROM + timedelta(days=due_in_days), "risk_class": RiskClass.C} | changes
    return DueSite(UUID(int=number), **fields)  # pyright: ignore[reportArgumentType]


due_sites = st.lists(
    st.builds(
        DueSite,
        warehouse_id=st.uuids(),
        due_on=st.dates(FROM - timedelta(days=40), TO),
        risk_class=st.sampled_from(list(RiskClass)),
        discrepancy_open=st.booleans(),
        never_inspected=st.booleans(),
        not_by=st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(ACCOUNTS), min_size=1)),
        latitude=st.one_of(st.none(), st.floats(35.0, 36.0)),
        longitude=st.floats(51.0, 52.0),
    ),
    max_size=40,
    unique_by=lambda due: due.warehouse_id,
)
inspectors_of_a_plan = st.lists(
    st.builds(
        InspectorDays,
        inspector=st.sampled_from(ACCOUNTS),
        visits_per_day=st.integers(1, 3),
        days_off=st.frozensets(st.sampled_from(DAYS)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda days: days.inspector,
)
bookings = st.dictionaries(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(DAYS)), st.integers(1, 4), max_size=8)


@given(due_sites, inspectors_of_a_plan, bookings)
def test_no_plan_breaks_a_rule(
    sites: list[DueSite], inspectors: list[InspectorDays], booked: dict[tuple[str, date], int]
) -> None:
    plan = plan_visits(sites, inspectors, DAYS, FROM, booked)
    by_name = {days.inspector: days for days in inspectors}
    by_id = {due.warehouse_id: due for due in sites}
    seen = [visit.warehouse_id for visit in plan.visits] + [left.warehouse_id for left in plan.unplanned]
    assert Counter(seen) == Counter(list(by_id))
    for visit in plan.visits:
        assert visit.visit_on in DAYS
        assert visit.visit_on not in by_name[visit.inspector].days_off
        assert visit.inspector not in by_id[visit.warehouse_id].not_by
        assert visit.why_now
        assert visit.why_inspector
    load = Counter((visit.inspector, visit.visit_on) for visit in plan.visits)
    for (inspector, day), visits in load.items():
        assert visits + booked.get((inspector, day), 0) <= by_name[inspector].visits_per_day
    assert plan == plan_visits(sites[::-1], inspectors, DAYS, FROM, booked)


@given(due_sites, inspectors_of_a_plan, bookings)
def test_nobody_has_time_for_what_is_left(
    sites: list[DueSite], inspectors: list[InspectorDays], booked: dict[tuple[str, date], int]
) -> None:
    plan = plan_visits(sites, inspectors, DAYS, FROM, booked)
    by_id = {due.warehouse_id: due for due in sites}
    load = Counter((visit.inspector, visit.visit_on) for visit in plan.visits)
    free = {
        days.inspector
        for days in inspectors
        for day in DAYS
        if day not in days.days_off
        and load[days.inspector, day] + booked.get((days.inspector, day), 0) < days.visits_per_day
    }
    for left in plan.unplanned:
        assert free <= by_id[left.warehouse_id].not_by


@given(due_sites, inspectors_of_a_plan)
def test_urgency_alone_decides_who_is_visited(sites: list[DueSite], inspectors: list[InspectorDays]) -> None:
    anybodys = [due for due in sites if not due.is_recount]
    plan = plan_visits(anybodys, inspectors, DAYS, FROM, {})
    urgent = sorted(
        anybodys,
        key=lambda due: (
            due.due_on >= FROM,
            due.risk_class,
            not due.discrepancy_open,
            due.due_on,
            due.warehouse_id,
        ),
    )
    visited = {visit.warehouse_id for visit in plan.visits}
    assert visited == {due.warehouse_id for due in urgent[: len(visited)]}


@given(due_sites, inspectors_of_a_plan)
def test_every_reason_can_be_read_in_both_languages(sites: list[DueSite], inspectors: list[InspectorDays]) -> None:
    plan = plan_visits(sites, inspectors, DAYS, FROM, {})
    for why in reasons(plan):
        for text in TEXTS_FA_EN[why.code]:
            assert "{" not in text.format(**why.values)


def reasons(plan: Plan) -> list[Why]:
    of_visits = [why for visit in plan.visits for why in (*visit.why_now, *visit.why_inspector, visit.why_day)]
    return of_visits + [why for left in plan.unplanned for why in (*left.why_now, left.why_not)]


def order(sites: Sequence[DueSite]) -> list[int]:
    """The numbers of the sites in the order in which one inspector with one visit a day comes to them."""
    plan = plan_visits(sites, [InspectorDays("a", 1)], DAYS, FROM, {})
    return [visit.warehouse_id.int for visit in plan.visits]


def test_the_order_of_urgency() -> None:
    sites = [
        site(1, 3),
        site(2, 3, discrepancy_open=True),
        site(3, 3, risk_class=RiskClass.A),
        site(4, 3, not_by=frozenset({"b"})),
        site(5, -1),
        site(6, -9),
    ]
    assert order(sites) == [6, 5, 4, 3, 2, 1]


def test_a_day_fills_up_with_what_is_near_its_first_site() -> None:
    places = {1: 35.50, 2: 35.90, 3: 35.51, 4: 35.91}
    sites = [site(number, -number, latitude=at, longitude=51.4) for number, at in places.items()]
    plan = plan_visits(sites, [InspectorDays("a", 2)], DAYS, FROM, {})
    assert [(visit.warehouse_id.int, visit.visit_on) for visit in plan.visits] == [
        (4, DAYS[0]),
        (2, DAYS[0]),
        (3, DAYS[1]),
        (1, DAYS[1]),
    ]
    assert [visit.why_day.code for visit in plan.visits[:2]] == [
        PlanReason.MOST_URGENT_LEFT,
        PlanReason.NEAR_FIRST_SITE,
    ]
    assert plan.visits[1].why_day.values == {"distance_km": "1.1"}


def test_a_near_site_never_takes_the_place_of_a_more_urgent_one() -> None:
    sites = [
        site(1, -9, latitude=35.5, longitude=51.4),
        site(2, -5, latitude=35.9, longitude=51.4),
        site(3, 5, latitude=35.5, longitude=51.4),
    ]
    plan = plan_visits(sites, [InspectorDays("a", 2)], DAYS[:1], FROM, {})
    assert [visit.warehouse_id.int for visit in plan.visits] == [1, 2]
    [left] = plan.unplanned
    assert left.why_not == Why(PlanReason.VISITS_USED_UP)


@pytest.mark.parametrize(
    ("inspectors", "booked", "why_not"),
    [
        ([InspectorDays("a", 1)], {}, PlanReason.NO_DIFFERENT_INSPECTOR),
        ([InspectorDays("a", 1), InspectorDays("b", 1, frozenset(DAYS))], {}, PlanReason.NO_DIFFERENT_INSPECTOR),
        ([InspectorDays("b", 1, frozenset(DAYS))], {}, PlanReason.NO_FREE_VISIT),
        ([InspectorDays("b", 1)], {("b", day): 1 for day in DAYS}, PlanReason.NO_FREE_VISIT),
        ([InspectorDays("b", 1)], {}, None),
    ],
)
def test_a_recount_needs_somebody_else(
    inspectors: list[InspectorDays], booked: dict[tuple[str, date], int], why_not: PlanReason | None
) -> None:
    plan = plan_visits([site(1, not_by=frozenset({"a"}))], inspectors, DAYS, FROM, booked)
    assert [left.why_not.code for left in plan.unplanned] == ([why_not] if why_not else [])
    assert [why.code for visit in plan.visits for why in visit.why_inspector] == (
        [] if why_not else [PlanReason.DIFFERENT_INSPECTOR, PlanReason.FREE_VISIT]
    )


def test_working_days_leave_out_weekends_and_holidays() -> None:
    holiday = FROM + timedelta(days=1)
    days = working_days(FROM, FROM + timedelta(days=6), frozenset({holiday}))
    assert [day.strftime("%a") for day in days] == ["Sat", "Mon", "Tue", "Wed"]
