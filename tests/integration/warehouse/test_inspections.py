"""An inspection's whole way over HTTP, and every wrong step on it."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from shared.contracts.counties import County
from shared.contracts.warehouse import (
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionResolved,
    DiscrepancyFound,
    DiscrepancyResolved,
    HoldGround,
    InspectionCompleted,
    InspectionScheduled,
    Verdict,
    WarehouseHoldLifted,
    WarehousePutOnHold,
    WarehouseRegistered,
)
from shared.persian.calendar import OFFICE_ZONE
from tests.integration.warehouse.province import Province, site_row, submission

WAREHOUSE_PAGE = 2


async def test_from_assignment_to_completed(province: Province) -> None:
    [site] = await province.register(site_row(1))
    assigned = await province.ask(
        "POST",
        "/inspections",
        "county_chair.rey",
        {"warehouse_id": str(site), "inspector": "inspector.rey"},
        status=201,
    )
    assert (assigned["county"], assigned["state"]) == ("rey", "assigned")
    path = f"/inspections/{assigned['inspection_id']}"
    body = submission()
    submitted = await province.ask("POST", f"{path}/submission", "inspector.rey", body, status=201)
    assert submitted == {"inspection_id": assigned["inspection_id"], "state": "submitted"}
    assert await province.events(InspectionCompleted) == []

    returned = await province.ask(
        "POST", f"{path}/review", "reviewer.rey", {"decision": "return", "reasons": ["عکس ناخواناست"]}, status=200
    )
    assert returned["state"] == "returned"
    assert await province.ask("POST", f"{path}/submission", "inspector.rey", body) == submitted
    await province.ask("POST", f"{path}/submission", "inspector.rey", submission(found={"capacity_tonnes": 990.125}))
    approved = await province.ask("POST", f"{path}/review", "reviewer.rey", {"decision": "approve"})
    assert approved == {
        "inspection_id": assigned["inspection_id"],
        "state": "completed",
        "verdict": "confirmed",
        "discrepancy_id": None,
        "action_ids": [],
        "hold_id": None,
        "proposal_ids": [],
        "recount": None,
    }
    assert [type(event) for event in await province.events()] == [
        WarehouseRegistered,
        InspectionScheduled,
        InspectionCompleted,
    ]
    [completed] = await province.events(InspectionCompleted)
    assert isinstance(completed, InspectionCompleted)
    assert (completed.is_first_of_site, completed.verified_capacity_tonnes) == (True, 990.125)
    decisions = await province.superuser.fetch("SELECT decision FROM inspection_review ORDER BY review_id")
    assert [row["decision"] for row in decisions] == ["return", "approve"]
    assert await province.superuser.fetchval("SELECT count(*) FROM submission") == 2


async def test_the_next_inspection_says_what_the_last_one_found(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site, found={"capacity_tonnes": 990})
    await province.inspect(site, found={"capacity_tonnes": 1010.5, "in_use_capacity_tonnes": 0})
    second = (await province.events(InspectionCompleted))[1]
    assert isinstance(second, InspectionCompleted)
    assert not second.is_first_of_site
    assert (second.verified_capacity_tonnes_before, second.in_use_capacity_tonnes_before) == (990, 400.5)


async def test_what_must_follow_opens_with_the_approval(province: Province) -> None:
    [site] = await province.register(site_row(1))
    review = await province.inspect(
        site,
        found={"capacity_tonnes": 700},
        failed={"fire_safety": "critical", "structure": "minor"},
        suspicion="biological_hazard",
    )
    assert review["verdict"] == "differs"
    [found] = await province.events(DiscrepancyFound)
    assert isinstance(found, DiscrepancyFound)
    assert (str(found.discrepancy_id), found.fields) == (review["discrepancy_id"], ("capacity_tonnes",))
    opened = await province.events(CorrectiveActionOpened)
    assert [(str(event.action_id), event.item) for event in opened if isinstance(event, CorrectiveActionOpened)] == [
        (review["action_ids"][0], "structure"),
        (review["action_ids"][1], "fire_safety"),
    ]
    [hold] = await province.events(WarehousePutOnHold)
    assert isinstance(hold, WarehousePutOnHold)
    assert (str(hold.hold_id), hold.referred_to) == (review["hold_id"], "health_authority")
    [line] = (await province.ask("GET", "/warehouses?county=rey", "province_officer"))["items"]
    assert line["on_hold"]

    again = await province.inspect(site, suspicion="biological_hazard")
    assert again["hold_id"] is None
    other = await province.inspect(site, suspicion="smuggling_suspicion")
    assert other["hold_id"] is not None
    grounds = [
        event.ground for event in await province.events(WarehousePutOnHold) if isinstance(event, WarehousePutOnHold)
    ]
    assert grounds == [HoldGround.BIOLOGICAL_HAZARD, HoldGround.SMUGGLING_SUSPICION]


async def test_follow_ups_are_closed_by_people_and_once(province: Province) -> None:
    [site] = await province.register(site_row(1))
    review = await province.inspect(
        site, found={"kind": "silo"}, failed={"fire_safety": "major"}, suspicion="smuggling_suspicion"
    )
    [action_id] = review["action_ids"]
    action, discrepancy, hold = (
        f"/corrective-actions/{action_id}/resolution",
        f"/discrepancies/{review['discrepancy_id']}/resolution",
        f"/holds/{review['hold_id']}/lifting",
    )
    closings = [
        (action, "inspector.rey", {"evidence": "عکس"}, "action.already_resolved"),
        (discrepancy, "reviewer.rey", {"reason": "اصلاح شد"}, "discrepancy.already_resolved"),
        (hold, "county_chair.rey", {"reason": "رفع شد", "without_answer": True}, "hold.already_lifted"),
    ]
    for path, who, body, code in closings:
        blank = {name: "  " if isinstance(value, str) else value for name, value in body.items()}
        await province.ask("POST", path, who, blank, status=422)
        await province.ask("POST", path, who, body, status=200)
        assert (await province.ask("POST", path, who, body, status=409))["code"] == f"warehouse.{code}"
    problem = await province.ask("POST", hold, "reviewer.rey", {"reason": "رفع شد"}, status=403)
    assert problem["code"] == "kit.role_not_allowed"
    for event_type in (CorrectiveActionResolved, DiscrepancyResolved, WarehouseHoldLifted):
        assert len(await province.events(event_type)) == 1
    assert await province.superuser.fetchval("SELECT count(*) FROM timer") == 0
    lifted_by = await province.superuser.fetchval("SELECT lifted_by FROM hold")
    assert lifted_by == "county_chair.rey"


async def test_an_action_runs_overdue_once(province: Province) -> None:
    [site] = await province.register(site_row(1))
    review = await province.inspect(site, failed={"fire_safety": "critical", "structure": "minor"})
    early, late = review["action_ids"]
    await province.fire(late)
    [overdue] = await province.events(CorrectiveActionOverdue)
    assert isinstance(overdue, CorrectiveActionOverdue)
    assert str(overdue.action_id) == late
    assert overdue.due_at.astimezone(OFFICE_ZONE).weekday() not in (3, 4)
    listed = await province.ask("GET", "/corrective-actions?state=overdue&county=rey", "reviewer.rey")
    assert [line["action_id"] for line in listed["items"]] == [late]
    resolved = [
        await province.ask("POST", f"/corrective-actions/{action}/resolution", "inspector.rey", {"evidence": "عکس"})
        for action in (early, late)
    ]
    assert [answer["was_overdue"] for answer in resolved] == [False, True]
    await province.fold_events(batch=1)
    assert await province.counters_from_folds() == await province.counters_from_rows()


async def test_a_timer_of_an_older_arming_changes_nothing(province: Province) -> None:
    [site] = await province.register(site_row(1))
    [action_id] = (await province.inspect(site, failed={"structure": "minor"}))["action_ids"]
    await province.superuser.execute("UPDATE timer SET fence = fence + 1")
    await province.fire(action_id)
    assert await province.events(CorrectiveActionOverdue) == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"items": []}, 422, "warehouse.submission.checklist_incomplete"),
        ({"found": {"in_use_capacity_tonnes": 1000.001}}, 422, "warehouse.submission.in_use_over_capacity"),
        ({"found": {"latitude": 35.5}}, 422, "warehouse.submission.coordinate_incomplete"),
        ({"inspected_at": "2999-01-01T00:00:00Z"}, 422, "warehouse.submission.inspected_in_future"),
        ({"inspected_at": "2025-11-22T10:00:00"}, 422, None),
        ({"found": {"capacity_tonnes": -1}}, 422, None),
        ({"found": {"capacity_tonnes": 1e9}}, 422, None),
        ({"found": {"kind": "garage"}}, 422, None),
        ({"suspicion": "rumour"}, 422, None),
        ({"instance_id": ""}, 422, None),
        ({"unknown": 1}, 422, None),
    ],
)
async def test_impossible_submissions(
    province: Province, changes: dict[str, Any], status: int, code: str | None
) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    problem = await province.ask(
        "POST", f"/inspections/{inspection_id}/submission", "inspector.rey", submission(**changes), status=status
    )
    assert code is None or problem["code"] == code
    assert await province.superuser.fetchval("SELECT count(*) FROM submission") == 0


async def test_wrong_steps(province: Province) -> None:
    [site, second] = await province.register(site_row(1), site_row(2))
    inspection_id = await province.assign(site)
    path, body = f"/inspections/{inspection_id}", submission()
    assignment = {"warehouse_id": str(site), "inspector": "inspector.rey"}

    async def refused(path: str, who: str, body: Any, status: int, code: str) -> None:
        assert (await province.ask("POST", path, who, body, status=status))["code"] == f"warehouse.{code}"

    approve = {"decision": "approve"}
    await refused("/inspections", "reviewer.rey", assignment, 409, "inspection.already_open")
    yesterday = (date.today() - timedelta(days=2)).isoformat()  # noqa: DTZ011 - far enough from any midnight
    past = {"warehouse_id": str(second), "inspector": "inspector.rey", "due_on": yesterday}
    await refused("/inspections", "reviewer.rey", past, 422, "inspection.due_in_past")
    await refused(f"{path}/review", "reviewer.rey", approve, 409, "inspection.wrong_state")
    await refused(f"{path}/submission", "inspector2.rey", body, 403, "submission.not_assigned")
    await province.ask("POST", f"{path}/submission", "inspector.rey", body)
    await refused(f"{path}/submission", "inspector.rey", submission(), 409, "submission.already_submitted")
    conflicting = body | {"suspicion": "biological_hazard"}
    await refused(f"{path}/submission", "inspector.rey", conflicting, 409, "submission.conflict")
    await refused(f"{path}/review", "reviewer.rey", {"decision": "return"}, 422, "review.reasons_missing")
    other = await province.assign(second)
    await refused(f"/inspections/{other}/submission", "inspector.rey", body, 409, "submission.conflict")


async def test_nobody_reviews_their_own_inspection(province: Province) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site, inspector="reviewer.rey")
    await province.superuser.execute("UPDATE inspection SET inspector = 'inspector.rey'")
    await province.ask("POST", f"/inspections/{inspection_id}/submission", "inspector.rey", submission())
    await province.superuser.execute("UPDATE inspection SET inspector = 'reviewer.rey'")
    problem = await province.ask(
        "POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "approve"}, status=403
    )
    assert problem["code"] == "warehouse.review.own_inspection"


async def test_a_recount_is_made_by_another(province: Province) -> None:
    [site] = await province.register(site_row(1))
    assert (await province.inspect(site, found={"capacity_tonnes": 5000}))["verdict"] == Verdict.NEEDS_RECOUNT
    same = {"warehouse_id": str(site), "inspector": "inspector.rey"}
    problem = await province.ask("POST", "/inspections", "reviewer.rey", same, status=409)
    assert problem["code"] == "warehouse.inspection.recount_by_another"
    recount = await province.inspect(site, inspector="inspector2.rey", found={"capacity_tonnes": 5100})
    assert recount["verdict"] == Verdict.DIFFERS


async def test_a_phone_that_sends_many_times_counts_once(province: Province) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    body = submission(inspected_at="2025-11-22T10:00:00+03:30")
    same = body | {"inspected_at": "2025-11-22T06:30:00Z", "items": body["items"][::-1]}
    answers = await asyncio.gather(
        *(
            province.ask("POST", f"/inspections/{inspection_id}/submission", "inspector.rey", sent, status=201)
            for sent in (body, same) * 4
        )
    )
    assert all(answer == answers[0] for answer in answers)
    assert await province.superuser.fetchval("SELECT count(*) FROM submission") == 1


async def test_two_approvals_at_once_complete_once(province: Province) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    await province.ask("POST", f"/inspections/{inspection_id}/submission", "inspector.rey", submission())
    answers = await asyncio.gather(
        *(
            province.client.post(
                f"/inspections/{inspection_id}/review",
                json={"decision": "approve"},
                headers=province.headers(who),
            )
            for who in ("reviewer.rey", "reviewer2.rey")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await province.events(InspectionCompleted)) == 1


async def test_a_mixed_history_is_counted_to_the_last_digit(province: Province) -> None:
    sites = await province.register(
        *(site_row(n, County.REY if n % 2 else County.QODS, f"{1000 + n}.125") for n in range(6))
    )
    for number, site in enumerate(sites):
        county = County.REY if number % 2 else County.QODS
        review = await province.inspect(
            site,
            county,
            found={"capacity_tonnes": 1000.333 - number * 90, "in_use_capacity_tonnes": 0.1 * number},
            failed={"fire_safety": "major"} if number % 3 == 0 else {},
            **({"suspicion": "biological_hazard"} if number == 4 else {}),
        )
        if review["discrepancy_id"] and number == 3:
            path = f"/discrepancies/{review['discrepancy_id']}/resolution"
            await province.ask("POST", path, f"reviewer.{county}", {"reason": "اصلاح شد"})
    await province.fire(str(await province.superuser.fetchval("SELECT action_id FROM corrective_action LIMIT 1")))
    await province.fold_events(batch=3)
    assert await province.counters_from_folds() == await province.counters_from_rows()


async def test_lists_are_paged(province: Province) -> None:
    sites = await province.register(*(site_row(number) for number in range(5)))
    seen: list[str] = []
    after = ""
    while True:
        page = await province.ask("GET", f"/warehouses?limit={WAREHOUSE_PAGE}{after}", "province_officer")
        seen += [item["warehouse_id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [str(site) for site in sites]
    assert page["items"][0].pop("next_due_on") > "2025"
    assert page["items"][0] == {
        "warehouse_id": str(sites[4]),
        "registry_id": "4",
        "county": "rey",
        "name": "انبار 4",
        "kind": "general",
        "capacity_tonnes": 1000.0,
        "floor_area_m2": 500.0,
        "risk_class": "C",
        "status": "active",
        "on_hold": False,
        "last_inspected_at": None,
        "verdict": None,
        "latitude": None,
        "longitude": None,
    }
