"""A count too far from the register is made again by somebody else; two counts that disagree go to a person."""

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.warehouse import (
    DiscrepancyFound,
    DiscrepancyResolved,
    InspectionCompleted,
    InspectionScheduled,
    Verdict,
    WarehousePutOnHold,
)
from tests.integration.warehouse.province import Province, site_row, submission

FIRST_TONNES = 5000
APPROVE = {"decision": "approve"}


async def counted_once(province: Province) -> tuple[UUID, dict[str, Any]]:
    """A site whose first count is five times the register, and that review's answer."""
    [site] = await province.register(site_row(1))
    return site, await province.inspect(site, found={"capacity_tonnes": FIRST_TONNES})


async def counted_again(province: Province, site: UUID, **changes: Any) -> dict[str, Any]:
    return await province.inspect(site, inspector="inspector2.rey", **changes)


async def test_a_recount_opens_with_its_day_and_who_may_not_make_it(province: Province) -> None:
    site, review = await counted_once(province)
    assert review["verdict"] == Verdict.NEEDS_RECOUNT
    assert review["recount"]["not_by"] == ["inspector.rey"]
    assert review["proposal_ids"] == []
    [line] = (await province.ask("GET", "/recounts?county=rey&disputed=false", "reviewer.rey"))["items"]
    assert (line["recount_id"], line["due_on"]) == (review["inspection_id"], review["recount"]["due_on"])
    due_on = date.fromisoformat(line["due_on"])
    assert await province.superuser.fetchval("SELECT next_due_on FROM warehouse") <= due_on

    inspection_id = await province.assign(site, inspector="inspector2.rey")
    scheduled = (await province.events(InspectionScheduled))[-1]
    assert isinstance(scheduled, InspectionScheduled)
    assert (str(scheduled.recount_of), scheduled.due_on) == (review["inspection_id"], due_on)
    path = f"/inspections/{inspection_id}"
    assert (await province.ask("GET", path, "reviewer.rey"))["recount_of"] == review["inspection_id"]
    back = {"inspector": "inspector.rey", "reason": "x"}
    problem = await province.ask("POST", f"{path}/reassignment", "reviewer.rey", back, status=409)
    assert problem["code"] == "warehouse.inspection.recount_by_another"
    with pytest.raises(asyncpg.CheckViolationError, match="recount_by_another"):
        await province.superuser.execute("UPDATE recount SET second_inspector = 'inspector.rey'")


async def test_two_counts_that_agree_give_the_verdict(province: Province) -> None:
    site, review = await counted_once(province)
    second = await counted_again(province, site, found={"capacity_tonnes": FIRST_TONNES + 100})
    assert (second["verdict"], second["recount"]) == (Verdict.DIFFERS, None)
    assert len(second["proposal_ids"]) == 1
    [resolved] = await province.events(DiscrepancyResolved)
    assert isinstance(resolved, DiscrepancyResolved)
    assert str(resolved.discrepancy_id) == review["discrepancy_id"]
    assert len(await province.events(DiscrepancyFound)) == 2
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    assert (await province.counters())["rey"]["open_discrepancies"] == 1


async def test_two_counts_that_disagree_count_for_nothing_until_a_person_decides(province: Province) -> None:
    site, review = await counted_once(province)
    second = await counted_again(province, site, found={"capacity_tonnes": 1000}, suspicion="biological_hazard")
    assert (second["state"], second["verdict"]) == ("disputed", None)
    assert second["recount"]["disputed"]
    assert len(await province.events(InspectionCompleted)) == 1
    assert len(await province.events(WarehousePutOnHold)) == 1
    path = f"/inspections/{second['inspection_id']}"
    for step, body, code in (
        ("review", APPROVE, "warehouse.recount.undecided"),
        ("review", {"decision": "return", "reasons": ["x"]}, "warehouse.recount.undecided"),
        ("reassignment", {"inspector": "x", "reason": "x"}, "warehouse.inspection.wrong_state"),
    ):
        problem = await province.ask("POST", f"{path}/{step}", "reviewer3.rey", body, status=409)
        assert problem["code"] == code
    edit = submission(found={"capacity_tonnes": FIRST_TONNES})
    await province.ask("POST", f"{path}/submission", "inspector2.rey", edit, status=409)
    assert [
        one["recount_id"] for one in (await province.ask("GET", "/recounts?disputed=true", "reviewer.rey"))["items"]
    ]
    assert review["discrepancy_id"]


@pytest.mark.parametrize(
    ("decision", "verdict", "verified_tonnes"),
    [("first", Verdict.DIFFERS, FIRST_TONNES), ("second", Verdict.CONFIRMED, 1000)],
)
async def test_a_person_decides_which_count_holds(
    province: Province, decision: str, verdict: Verdict, verified_tonnes: int
) -> None:
    site, review = await counted_once(province)
    second = await counted_again(province, site, found={"capacity_tonnes": 1000})
    path = f"/recounts/{review['inspection_id']}/decision"
    body = {"decision": decision, "reason": "با مدارک مالک سنجیده شد"}
    await province.ask("POST", path, "inspector3.rey", body, status=403)
    decided = await province.ask("POST", path, "county_chair.rey", body, status=200)
    assert (decided["inspection_id"], decided["verdict"]) == (second["inspection_id"], verdict)
    problem = await province.ask("POST", path, "county_chair.rey", body, status=409)
    assert problem["code"] == "warehouse.recount.not_in_dispute"
    completed = (await province.events(InspectionCompleted))[-1]
    assert isinstance(completed, InspectionCompleted)
    assert completed.verified_capacity_tonnes == verified_tonnes
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    [line] = (await province.ask("GET", "/recounts", "reviewer.rey"))["items"]
    assert (line["decision"], line["decided_by"]) == (decision, "county_chair.rey")


async def test_neither_count_holds_and_a_third_person_counts(province: Province) -> None:
    site, review = await counted_once(province)
    await counted_again(province, site, found={"capacity_tonnes": 1000})
    path = f"/recounts/{review['inspection_id']}/decision"
    decided = await province.ask("POST", path, "reviewer.rey", {"decision": "another", "reason": "هر دو ناروشن"})
    assert decided["verdict"] == Verdict.NEEDS_RECOUNT
    assert decided["recount"]["not_by"] == ["inspector.rey", "inspector2.rey"]
    for again in ("inspector.rey", "inspector2.rey"):
        body = {"warehouse_id": str(site), "inspector": again}
        await province.ask("POST", "/inspections", "reviewer.rey", body, status=409)
    third = await province.inspect(site, inspector="inspector3.rey", found={"capacity_tonnes": 1010})
    assert third["verdict"] == Verdict.CONFIRMED
    open_discrepancies = await province.superuser.fetchval("SELECT count(*) FROM discrepancy WHERE resolved_at IS NULL")
    assert open_discrepancies == 0


async def test_no_counter_decides_between_the_counts(province: Province) -> None:
    site, review = await counted_once(province)
    await counted_again(province, site, found={"capacity_tonnes": 1000})
    await province.superuser.execute("ALTER TABLE submission DISABLE TRIGGER ALL")
    await province.superuser.execute(
        "UPDATE submission SET submitted_by = 'county_chair.rey' WHERE submitted_by = 'inspector2.rey'"
    )
    path = f"/recounts/{review['inspection_id']}/decision"
    problem = await province.ask("POST", path, "county_chair.rey", {"decision": "second", "reason": "x"}, status=403)
    assert problem["code"] == "warehouse.recount.own_count"
    assert (await province.ask("POST", path, "reviewer.qods", {"decision": "second", "reason": "x"}, status=404))[
        "code"
    ] == "warehouse.recount.not_found"
