"""What the field proposes to the register over HTTP: nothing changes before a person accepts it, and then it says why."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.contracts.counties import County
from shared.contracts.warehouse import (
    DiscrepancyFound,
    DiscrepancyResolved,
    InspectionCompleted,
    Verdict,
    WarehouseChanged,
    WarehouseRegistered,
)
from tests.integration.warehouse.province import Province, as_csv, site_row

ACCEPT = {"decision": "accept"}
REJECT = {"decision": "reject", "reason": "مدارک مالک چیز دیگری می‌گوید"}


async def proposals(province: Province, query: str = "") -> list[dict[str, Any]]:
    return (await province.ask("GET", f"/registry-proposals{query}", "registry_clerk.rey"))["items"]


async def decide(province: Province, proposal: dict[str, Any], body: dict[str, Any], **options: Any) -> dict[str, Any]:
    who = options.pop("who", "registry_clerk.rey")
    return await province.ask("POST", f"/registry-proposals/{proposal['proposal_id']}/decision", who, body, **options)


async def test_every_change_is_proposed_and_says_what_caused_it(province: Province) -> None:
    row = site_row(1, latitude="35.6", longitude="51.4", operator="شرکت پیشین", operator_id="10100000001")
    [site] = await province.register(row)
    found = {
        "capacity_tonnes": 700,
        "floor_area_m2": 800,
        "kind": "tank",
        "latitude": 35.7,
        "longitude": 51.4,
        "operator_id": "10100000002",
    }
    review = await province.inspect(site, found=found)
    assert review["verdict"] == Verdict.MOVED
    assert await province.events(WarehouseChanged) == []
    listed = await proposals(province, f"?state=proposed&inspection_id={review['inspection_id']}")
    assert {one["field"]: (one["registered_value"], one["proposed_value"], one["reason"]) for one in listed} == {
        "capacity_tonnes": ("1000.000", "700.000", "moved"),
        "floor_area_m2": ("500.000", "800.000", "moved"),
        "kind": ("general", "tank", "moved"),
        "operator_id": ("10100000001", "10100000002", "moved"),
        "location": ("35.600000,51.400000", "35.700000,51.400000", "moved"),
    }
    assert [one["proposal_id"] for one in listed] == review["proposal_ids"]
    answers = [await decide(province, one, ACCEPT, status=200) for one in listed]
    assert [answer["changed"] for answer in answers] == [True] * 5
    assert [answer["discrepancy_id"] for answer in answers] == [None] * 4 + [review["discrepancy_id"]]
    changes = await province.events(WarehouseChanged)
    assert {str(event.caused_by_inspection_id) for event in changes if isinstance(event, WarehouseChanged)} == {
        review["inspection_id"]
    }
    record = await province.superuser.fetchrow(
        "SELECT capacity_tonnes, kind, risk_class, operator, operator_id, latitude FROM warehouse"
    )
    assert record is not None
    assert [str(value) for value in record.values()] == ["700.000", "tank", "A", "None", "10100000002", "35.700000"]
    assert len(await province.events(DiscrepancyResolved)) == 1
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    assert (await province.counters())["rey"]["registered_capacity_tonnes"] == 700


async def test_who_decides_and_how_often(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site, found={"capacity_tonnes": 700})
    [proposal] = await proposals(province)
    for who in ("reviewer.rey", "inspector.rey"):
        assert (await decide(province, proposal, ACCEPT, who=who, status=403))["code"] == "kit.role_not_allowed"
    await province.superuser.execute("UPDATE registry_proposal SET not_by = ARRAY['county_chair.rey']")
    problem = await decide(province, proposal, ACCEPT, who="county_chair.rey", status=403)
    assert problem["code"] == "warehouse.proposal.own_finding"
    with pytest.raises(asyncpg.CheckViolationError, match="proposal_decided_by_another"):
        await province.superuser.execute(
            "UPDATE registry_proposal SET state = 'accepted', decided_by = 'county_chair.rey', decided_at = now()"
        )
    assert (await decide(province, proposal, ACCEPT, who="registry_clerk.qods", status=404))["code"] == (
        "warehouse.proposal.not_found"
    )
    without = await decide(province, proposal, {"decision": "reject"}, status=422)
    assert without["code"] == "warehouse.proposal.reason_missing"
    path = f"/registry-proposals/{proposal['proposal_id']}/decision"
    answers = await asyncio.gather(
        *(
            province.client.post(path, json=ACCEPT, headers=province.headers(who))
            for who in ("registry_clerk.rey", "registry_clerk2.rey", "county_chair2.rey")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert len(await province.events(WarehouseChanged)) == 1


async def test_a_rejected_proposal_changes_nothing_and_keeps_the_discrepancy(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site, found={"capacity_tonnes": 700})
    [proposal] = await proposals(province)
    rejected = await decide(province, proposal, REJECT)
    assert (rejected["state"], rejected["changed"], rejected["discrepancy_id"]) == ("rejected", False, None)
    assert await province.events(WarehouseChanged) == []
    [line] = await proposals(province, "?state=rejected")
    assert (line["decided_by"], line["decision_reason"]) == ("registry_clerk.rey", REJECT["reason"])


async def test_a_newer_inspection_overtakes_what_nobody_decided(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site, found={"capacity_tonnes": 700})
    await province.inspect(site, found={"capacity_tonnes": 800})
    assert [(one["state"], one["proposed_value"]) for one in await proposals(province)] == [
        ("superseded", "700.000"),
        ("proposed", "800.000"),
    ]
    problem = await decide(province, (await proposals(province))[0], ACCEPT, status=409)
    assert problem["code"] == "warehouse.proposal.already_decided"


async def test_a_record_that_changed_meanwhile_is_not_overwritten(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site, found={"capacity_tonnes": 700})
    [proposal] = await proposals(province)
    await province.send_file(as_csv([site_row(1, capacity="1300")]))
    problem = await decide(province, proposal, ACCEPT, status=409)
    assert problem["code"] == "warehouse.proposal.outdated"
    await province.send_file(as_csv([site_row(1, capacity="700")]))
    caught_up = await decide(province, proposal, ACCEPT)
    assert (caught_up["changed"], caught_up["state"]) == (False, "accepted")


async def test_a_later_file_does_not_undo_what_was_accepted(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.inspect(site, found={"capacity_tonnes": 700})
    [proposal] = await proposals(province)
    await decide(province, proposal, ACCEPT)
    again = await province.send_file(as_csv([site_row(1)]))
    assert (again["changed"], again["unchanged"]) == (0, 1)
    assert await province.superuser.fetchval("SELECT capacity_tonnes FROM warehouse") == 700
    news = await province.send_file(as_csv([site_row(1, capacity="690")]))
    assert news["changed"] == 1
    assert await province.superuser.fetchval("SELECT capacity_tonnes FROM warehouse") == 690


async def test_an_open_proposal_keeps_a_site_in_its_county(province: Province) -> None:
    [site] = await province.register(site_row(1))
    review = await province.inspect(site, found={"capacity_tonnes": 700})
    path = f"/discrepancies/{review['discrepancy_id']}/resolution"
    await province.ask("POST", path, "reviewer.rey", {"reason": "پذیرفته شد"})
    answer = await province.send_file(as_csv([site_row(1, County.QODS)]))
    assert [cell["reason_code"] for cell in answer["refused"]] == ["open_work_in_county"]


def found_site(**changes: Any) -> dict[str, Any]:
    return {
        "instance_id": f"uuid:{uuid4()}",
        "county": "rey",
        "name": "سولهٔ بی‌نام",
        "kind": "cold_store",
        "capacity_tonnes": 300,
        "in_use_capacity_tonnes": 120.5,
        "floor_area_m2": 250,
        "operating": True,
        "latitude": 35.58,
        "longitude": 51.43,
        "found_at": "2025-11-22T10:00:00+03:30",
        "photos": ["gate.jpg"],
    } | changes


async def reported(province: Province, **changes: Any) -> str:
    """The path of a found site."""
    answer = await province.ask("POST", "/unregistered-sites", "inspector.rey", found_site(**changes), status=201)
    return f"/unregistered-sites/{answer['unregistered_site_id']}"


async def test_a_found_site_becomes_a_record(province: Province) -> None:
    body = found_site(operator_id="10100000003")
    first = await province.ask("POST", "/unregistered-sites", "inspector.rey", body, status=201)
    assert await province.ask("POST", "/unregistered-sites", "inspector.rey", body) == first
    assert await province.events() == []
    [line] = (await province.ask("GET", "/unregistered-sites?state=proposed", "registry_clerk.rey"))["items"]
    assert (line["name"], line["found_by"], line["photos"]) == ("سولهٔ بی‌نام", "inspector.rey", ["gate.jpg"])

    path = f"/unregistered-sites/{first['unregistered_site_id']}/decision"
    decided = await province.ask("POST", path, "registry_clerk.rey", ACCEPT, status=200)
    assert decided["registry_id"].startswith("provisional-")
    events = await province.events()
    assert [type(event) for event in events] == [WarehouseRegistered, InspectionCompleted, DiscrepancyFound]
    completed = events[1]
    assert isinstance(completed, InspectionCompleted)
    assert (completed.verdict, completed.is_first_of_site) == (Verdict.UNREGISTERED_FOUND, True)
    assert (completed.verified_capacity_tonnes, completed.in_use_capacity_tonnes) == (300, 120.5)
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    counters = (await province.counters())["rey"]
    assert (counters["registered_sites"], counters["inspected_sites"], counters["open_discrepancies"]) == (1, 1, 1)
    detail = await province.ask("GET", f"/inspections/{decided['inspection_id']}", "reviewer.rey")
    assert (detail["inspection"]["inspector"], detail["inspection"]["reviewed_by"]) == (
        "inspector.rey",
        "registry_clerk.rey",
    )
    assert detail["submissions"][0]["operator_id"] == "10100000003"
    # The next visit is an ordinary inspection of an ordinary record.
    await province.inspect(
        UUID(decided["warehouse_id"]),
        inspector="inspector2.rey",
        found={"capacity_tonnes": 300, "floor_area_m2": 250, "kind": "cold_store", "in_use_capacity_tonnes": 0},
    )


async def test_a_found_site_gets_the_registers_id_and_later_files_know_it(province: Province) -> None:
    await province.register(site_row(7, County.QODS))
    decided = await province.ask("POST", f"{await reported(province)}/decision", "county_chair.rey", ACCEPT)
    path = f"/warehouses/{decided['warehouse_id']}/registry-id"
    body = {"registry_id": "8", "reason": "ثبت شد"}
    taken = await province.ask("POST", path, "registry_clerk.rey", body | {"registry_id": "7"}, status=409)
    assert taken["code"] == "warehouse.site.registry_id_taken"
    given = await province.ask("POST", path, "registry_clerk.rey", body, status=200)
    assert given["discrepancy_id"] == decided["discrepancy_id"]
    again = await province.ask("POST", path, "registry_clerk.rey", body, status=409)
    assert again["code"] == "warehouse.site.registry_id_not_provisional"
    answer = await province.send_file(as_csv([site_row(8, capacity="310")]))
    assert (answer["added"], answer["changed"]) == (0, 1)
    changed = [event for event in await province.events(WarehouseChanged) if isinstance(event, WarehouseChanged)]
    assert changed[0].changed_fields == ("registry_id",)
    assert [event.registry_id for event in changed] == ["8", None]


async def test_a_found_site_that_is_registered_after_all(province: Province) -> None:
    [there, elsewhere] = await province.register(site_row(1), site_row(2, County.QODS))
    await province.assign(there)
    path = f"{await reported(province)}/decision"
    duplicate = {"decision": "duplicate", "reason": "همان انبار ۱ است"}
    for wrong in ({}, {"duplicate_of": str(elsewhere)}, {"duplicate_of": str(uuid4())}):
        problem = await province.ask("POST", path, "county_chair.rey", duplicate | wrong, status=422)
        assert problem["code"] == "warehouse.unregistered_site.duplicate_unknown"
    decided = await province.ask("POST", path, "county_chair.rey", duplicate | {"duplicate_of": str(there)})
    assert (decided["state"], decided["warehouse_id"]) == ("duplicate", str(there))
    [completed] = await province.events(InspectionCompleted)
    assert isinstance(completed, InspectionCompleted)
    assert (completed.verdict, completed.is_first_of_site) == (Verdict.DUPLICATE, False)
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    assert (await province.counters())["rey"]["inspected_sites"] == 0


async def test_a_found_site_that_is_nothing(province: Province) -> None:
    path = f"{await reported(province)}/decision"
    without = await province.ask("POST", path, "registry_clerk.rey", {"decision": "reject"}, status=422)
    assert without["code"] == "warehouse.proposal.reason_missing"
    await province.ask("POST", path, "registry_clerk.rey", REJECT)
    problem = await province.ask("POST", path, "registry_clerk.rey", ACCEPT, status=409)
    assert problem["code"] == "warehouse.proposal.already_decided"
    assert await province.events() == []


async def test_found_sites_that_cannot_be(province: Province) -> None:
    for changes, status, code in (
        ({"latitude": 32.6}, 422, "warehouse.unregistered_site.outside_province"),
        ({"found_at": "2999-01-01T00:00:00Z"}, 422, "warehouse.submission.inspected_in_future"),
        ({"in_use_capacity_tonnes": 301}, 422, None),
        ({"operator_id": "0012345678"}, 422, None),
        ({"county": "qods"}, 403, "kit.county_not_granted"),
    ):
        problem = await province.ask(
            "POST", "/unregistered-sites", "inspector.rey", found_site(**changes), status=status
        )
        assert code is None or problem["code"] == code
    body = found_site()
    await province.ask("POST", "/unregistered-sites", "inspector.rey", body)
    for who, other in (("inspector.rey", body | {"capacity_tonnes": 301}), ("inspector2.rey", body)):
        problem = await province.ask("POST", "/unregistered-sites", who, other, status=409)
        assert problem["code"] == "warehouse.unregistered_site.conflict"
    elsewhere = await province.ask(
        "POST", "/unregistered-sites", "inspector.qods", body | {"county": "qods"}, status=409
    )
    assert elsewhere["code"] == "warehouse.unregistered_site.conflict"
    assert await province.superuser.fetchval("SELECT count(*) FROM unregistered_site") == 1


async def test_who_found_a_site_does_not_register_it(province: Province) -> None:
    path = f"{await reported(province)}/decision"
    await province.superuser.execute("UPDATE unregistered_site SET found_by = 'county_chair.rey'")
    problem = await province.ask("POST", path, "county_chair.rey", ACCEPT, status=403)
    assert problem["code"] == "warehouse.proposal.own_finding"
    assert (await province.ask("POST", path, "county_chair.qods", ACCEPT, status=404))["code"] == (
        "warehouse.unregistered_site.not_found"
    )
