"""A county's plan over HTTP: a draft with reasons, accepted whole or not at all; assignments that change keep their past."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.warehouse.domain.calendar import WEEKEND
from services.warehouse.public_holidays import PUBLIC_HOLIDAYS
from shared.contracts.counties import County
from shared.contracts.warehouse import InspectionPostponed, InspectionReassigned, InspectionScheduled
from shared.persian.calendar import office_date
from tests.integration.warehouse.province import Province, site_row, submission

PERIOD_DAYS = 14
VISITS_PER_DAY = 2


async def today(province: Province) -> date:
    """The province's day on the database's clock."""
    return office_date(await province.superuser.fetchval("SELECT now()"))


async def working_day(province: Province, number: int = 0) -> date:
    """The working day that has `number` others between itself and today, tomorrow at the earliest."""
    day = await today(province)
    while number >= 0:
        day += timedelta(days=1)
        number -= day.weekday() not in WEEKEND and day not in PUBLIC_HOLIDAYS
    return day


async def plan_body(province: Province, **changes: Any) -> dict[str, Any]:
    start = await today(province) + timedelta(days=1)
    body = {
        "county": "rey",
        "from": start.isoformat(),
        "to": (start + timedelta(days=PERIOD_DAYS - 1)).isoformat(),
        "inspectors": [
            {"inspector": "inspector.rey", "visits_per_day": VISITS_PER_DAY},
            {"inspector": "inspector2.rey", "visits_per_day": 1},
        ],
    }
    return body | changes


async def lines_of(province: Province, plan_id: str, query: str = "") -> list[dict[str, Any]]:
    return (await province.ask("GET", f"/inspection-plans/{plan_id}/lines?limit=1000{query}", "reviewer.rey"))["items"]


async def make_due(province: Province, in_days: int = 0) -> None:
    await province.superuser.execute(
        "UPDATE warehouse SET next_due_on = $1", await today(province) + timedelta(in_days)
    )


async def test_from_draft_to_assigned(province: Province) -> None:
    sites = await province.register(*(site_row(number) for number in range(5)), site_row(9, County.QODS))
    await make_due(province, in_days=2)
    await province.superuser.execute(
        "UPDATE warehouse SET next_due_on = next_due_on + 300 WHERE warehouse_id = $1", sites[4]
    )
    plan = await province.ask("POST", "/inspection-plans", "county_chair.rey", await plan_body(province), status=201)
    assert (plan["state"], plan["due"], plan["planned"], plan["unplanned"]) == ("draft", 4, 4, 0)
    lines = await lines_of(province, plan["plan_id"])
    assert {line["warehouse_id"] for line in lines} == {str(site) for site in sites[:4]}
    for line in lines:
        day = date.fromisoformat(line["visit_on"])
        assert day.weekday() not in WEEKEND
        codes = [why["code"] for why in line["why_now"] + line["why_inspector"] + line["why_day"]]
        assert codes[:2] == ["due_in_period", "risk_class"]
        assert all(why["fa"] and why["en"] for why in line["why_now"] + line["why_inspector"] + line["why_day"])
        assert line["inspection_id"] is None
    assert await province.events(InspectionScheduled) == []

    path = f"/inspection-plans/{plan['plan_id']}/acceptance"
    accepted = await asyncio.gather(*(province.ask("POST", path, "county_chair.rey", status=200) for _ in range(3)))
    assert [answer["state"] for answer in accepted] == ["accepted"] * 3
    scheduled = await province.events(InspectionScheduled)
    assert len(scheduled) == 4
    assigned = {line["warehouse_id"]: line for line in await lines_of(province, plan["plan_id"])}
    for event in scheduled:
        assert isinstance(event, InspectionScheduled)
        line = assigned[str(event.warehouse_id)]
        assert (line["inspection_id"], line["visit_on"]) == (str(event.inspection_id), event.due_on.isoformat())
    load = await province.superuser.fetch(
        "SELECT inspector, due_on, count(*) AS visits FROM inspection GROUP BY inspector, due_on"
    )
    most = {"inspector.rey": VISITS_PER_DAY, "inspector2.rey": 1}
    assert all(row["visits"] <= most[row["inspector"]] for row in load)


async def test_what_does_not_fit_is_told_why(province: Province) -> None:
    await province.register(*(site_row(number) for number in range(3)))
    await make_due(province)
    day = (await working_day(province)).isoformat()
    one_visit = [{"inspector": "inspector.rey", "visits_per_day": 1}]
    body = await plan_body(province, to=day, inspectors=one_visit) | {"from": day}
    plan = await province.ask("POST", "/inspection-plans", "reviewer.rey", body)
    assert (plan["planned"], plan["unplanned"]) == (1, 2)
    left = await lines_of(province, plan["plan_id"], "&planned=false")
    assert [[why["code"] for why in line["why_not"]] for line in left] == [["visits_used_up"]] * 2
    assert [why["code"] for why in left[0]["why_now"]] == ["overdue", "risk_class", "never_inspected"]

    closed = await province.ask("POST", "/inspection-plans", "reviewer.rey", body | {"holidays": [day]})
    assert closed["planned"] == 0
    assert (await lines_of(province, closed["plan_id"]))[0]["why_not"][0]["code"] == "no_free_visit"
    problem = await province.ask(
        "POST", f"/inspection-plans/{closed['plan_id']}/acceptance", "reviewer.rey", status=409
    )
    assert problem["code"] == "warehouse.plan.empty"


async def test_a_recount_is_planned_for_somebody_else(province: Province) -> None:
    [site] = await province.register(site_row(1))
    review = await province.inspect(site, found={"capacity_tonnes": 5000})
    body = await plan_body(province)
    plan = await province.ask("POST", "/inspection-plans", "reviewer.rey", body)
    [line] = await lines_of(province, plan["plan_id"])
    assert line["inspector"] == "inspector2.rey"
    assert [why["code"] for why in line["why_inspector"]] == ["different_inspector", "free_visit"]
    assert "recount" in [why["code"] for why in line["why_now"]]
    await province.ask("POST", f"/inspection-plans/{plan['plan_id']}/acceptance", "reviewer.rey")
    scheduled = (await province.events(InspectionScheduled))[-1]
    assert isinstance(scheduled, InspectionScheduled)
    assert str(scheduled.recount_of) == review["inspection_id"]

    await province.superuser.execute("DELETE FROM inspection_plan_line")
    await province.superuser.execute("UPDATE recount SET second_inspection_id = NULL, second_inspector = NULL")
    await province.superuser.execute("DELETE FROM inspection WHERE state = 'assigned'")
    alone = await plan_body(province, inspectors=body["inspectors"][:1])
    plan = await province.ask("POST", "/inspection-plans", "reviewer.rey", alone)
    assert (await lines_of(province, plan["plan_id"]))[0]["why_not"][0]["code"] == "no_different_inspector"


async def test_a_draft_that_the_world_has_overtaken_assigns_nothing(province: Province) -> None:
    sites = await province.register(*(site_row(number) for number in range(3)))
    await make_due(province)
    plan = await province.ask("POST", "/inspection-plans", "reviewer.rey", await plan_body(province))
    await province.assign(sites[1])
    path = f"/inspection-plans/{plan['plan_id']}/acceptance"
    problem = await province.ask("POST", path, "reviewer.rey", status=409)
    assert problem["code"] == "warehouse.plan.outdated"
    assert str(sites[1]) in str(problem)
    assert str(sites[0]) not in str(problem)
    assert await province.superuser.fetchval("SELECT count(*) FROM inspection") == 1


async def test_two_drafts_for_the_same_days_do_not_fill_them_twice(province: Province) -> None:
    await province.register(*(site_row(number) for number in range(6)))
    await make_due(province)
    day = (await working_day(province)).isoformat()
    body = await plan_body(province, to=day) | {"from": day}
    first, second = [await province.ask("POST", "/inspection-plans", "reviewer.rey", body) for _ in range(2)]
    await province.ask("POST", f"/inspection-plans/{first['plan_id']}/acceptance", "reviewer.rey")
    problem = await province.ask(
        "POST", f"/inspection-plans/{second['plan_id']}/acceptance", "reviewer.rey", status=409
    )
    assert problem["code"] == "warehouse.plan.outdated"
    third = await province.ask("POST", "/inspection-plans", "reviewer.rey", body)
    assert (third["due"], third["planned"]) == (3, 0)


async def test_days_filled_after_the_draft_make_it_outdated(province: Province) -> None:
    await province.register(*(site_row(number) for number in range(2)))
    await make_due(province)
    day = await working_day(province)
    one = [{"inspector": "inspector.rey", "visits_per_day": 1}]
    body = await plan_body(province, to=day.isoformat(), inspectors=one) | {"from": day.isoformat()}
    plan = await province.ask("POST", "/inspection-plans", "reviewer.rey", body)
    [planned] = await lines_of(province, plan["plan_id"], "&planned=true")
    other = next(UUID(line["warehouse_id"]) for line in await lines_of(province, plan["plan_id"]) if line != planned)
    booked = {"warehouse_id": str(other), "inspector": "inspector.rey", "due_on": day.isoformat()}
    await province.ask("POST", "/inspections", "reviewer.rey", booked)
    problem = await province.ask("POST", f"/inspection-plans/{plan['plan_id']}/acceptance", "reviewer.rey", status=409)
    assert problem["code"] == "warehouse.plan.outdated"


async def test_plans_that_cannot_be(province: Province) -> None:
    start = await today(province)
    impossible: list[tuple[dict[str, Any], int, str | None]] = [
        ({"from": (start - timedelta(1)).isoformat()}, 422, "warehouse.plan.period_impossible"),
        ({"to": (start - timedelta(9)).isoformat()}, 422, "warehouse.plan.period_impossible"),
        ({"to": (start + timedelta(60)).isoformat()}, 422, "warehouse.plan.period_impossible"),
        ({"inspectors": [{"inspector": "a", "visits_per_day": 1}] * 2}, 422, "warehouse.plan.inspector_repeated"),
        ({"inspectors": []}, 422, None),
        ({"inspectors": [{"inspector": "a", "visits_per_day": 0}]}, 422, None),
        ({"county": "qods"}, 403, "kit.county_not_granted"),
    ]
    for changes, status, code in impossible:
        problem = await province.ask(
            "POST", "/inspection-plans", "reviewer.rey", await plan_body(province) | changes, status=status
        )
        assert code is None or problem["code"] == code
    assert await province.superuser.fetchval("SELECT count(*) FROM inspection_plan") == 0
    await province.ask("POST", "/inspection-plans", "inspector.rey", await plan_body(province), status=403)


async def test_plans_are_read_by_page_and_only_in_their_county(province: Province) -> None:
    await province.register(*(site_row(number) for number in range(5)))
    await make_due(province)
    plan = await province.ask("POST", "/inspection-plans", "reviewer.rey", await plan_body(province))
    path = f"/inspection-plans/{plan['plan_id']}"
    seen: list[int] = []
    after: str | None = "0"
    while after is not None:
        page = await province.ask("GET", f"{path}/lines?limit=2&after={after}", "inspector.rey")
        seen += [line["position"] for line in page["items"]]
        after = page["next"]
    assert seen == [1, 2, 3, 4, 5]
    [listed] = (await province.ask("GET", "/inspection-plans?state=draft&county=rey", "reviewer.rey"))["items"]
    assert listed["plan_id"] == plan["plan_id"] == (await province.ask("GET", path, "reviewer.rey"))["plan_id"]
    assert (await province.ask("GET", "/inspection-plans", "reviewer.qods"))["items"] == []
    for method, there in (("GET", path), ("GET", f"{path}/lines"), ("POST", f"{path}/acceptance")):
        problem = await province.ask(method, there, "reviewer.qods", status=404)
        assert problem["code"] == "warehouse.plan.not_found"


async def test_an_assignment_changes_hands_and_days_and_keeps_its_past(province: Province) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    path = f"/inspections/{inspection_id}"
    other = {"inspector": "inspector2.rey", "reason": "بیماری"}
    for _ in range(2):
        changed = await province.ask("POST", f"{path}/reassignment", "county_chair.rey", other, status=200)
        assert (changed["inspector"], changed["state"]) == ("inspector2.rey", "assigned")
    due_on: date = await province.superuser.fetchval("SELECT due_on FROM inspection")
    later = {"due_on": (due_on + timedelta(10)).isoformat(), "reason": "راه بسته است"}
    for _ in range(2):
        changed = await province.ask("POST", f"{path}/postponement", "reviewer.rey", later, status=200)
        assert changed["due_on"] == later["due_on"]

    detail = await province.ask("GET", path, "reviewer.rey")
    assert [
        (change["change"], change["inspector_before"], change["inspector"], change["reason"])
        for change in detail["changes"]
    ] == [
        ("reassigned", "inspector.rey", "inspector2.rey", "بیماری"),
        ("postponed", "inspector2.rey", "inspector2.rey", "راه بسته است"),
    ]
    [reassigned] = await province.events(InspectionReassigned)
    assert "inspector" not in reassigned.model_dump()
    [postponed] = await province.events(InspectionPostponed)
    assert isinstance(postponed, InspectionPostponed)
    assert (postponed.due_on_before, postponed.due_on) == (due_on, due_on + timedelta(10))
    await province.ask("POST", f"{path}/submission", "inspector2.rey", submission(), status=201)
    for step, body in (
        ("reassignment", other | {"inspector": "x"}),
        ("postponement", later | {"due_on": "2099-01-01"}),
    ):
        problem = await province.ask("POST", f"{path}/{step}", "reviewer.rey", body, status=409)
        assert problem["code"] == "warehouse.inspection.wrong_state"


@pytest.mark.parametrize(
    ("days", "code"),
    [(-1, "warehouse.inspection.postponed_to_earlier"), (400, "warehouse.inspection.postponed_too_far")],
)
async def test_postponements_that_cannot_be(province: Province, days: int, code: str) -> None:
    [site] = await province.register(site_row(1))
    path = f"/inspections/{await province.assign(site)}"
    due_on = (await province.superuser.fetchval("SELECT due_on FROM inspection")) + timedelta(days)
    body = {"due_on": due_on.isoformat(), "reason": "x"}
    assert (await province.ask("POST", f"{path}/postponement", "reviewer.rey", body, status=422))["code"] == code
    await province.ask("POST", f"{path}/postponement", "reviewer.rey", body | {"reason": " "}, status=422)
    assert Counter(type(event) for event in await province.events())[InspectionPostponed] == 0
