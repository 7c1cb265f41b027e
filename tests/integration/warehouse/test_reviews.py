"""Reviews over HTTP: reasons by item, photos that are missing, who may not review, and the history that stays."""

from typing import Any

import asyncpg
import pytest

from shared.contracts.warehouse import DiscrepancyFound, InspectionCompleted, Verdict
from tests.integration.warehouse.province import Province, site_row, submission

APPROVE = {"decision": "approve"}


async def submitted(province: Province, body: dict[str, Any] | None = None) -> str:
    """The path of an inspection whose submission waits for its review."""
    [site] = await province.register(site_row(1))
    path = f"/inspections/{await province.assign(site)}"
    await province.ask("POST", f"{path}/submission", "inspector.rey", body or submission())
    return path


async def test_nothing_is_approved_before_its_photos_are_there(province: Province) -> None:
    body = submission(failed={"structure": "minor"}, photos=["gate.jpg"])
    path = await submitted(province, body)
    problem = await province.ask("POST", f"{path}/review", "reviewer.rey", APPROVE, status=409)
    assert problem["code"] == "warehouse.review.photos_missing"
    assert "gate.jpg, structure.jpg" in str(problem)
    assert await province.events(InspectionCompleted) == []
    detail = await province.ask("GET", path, "reviewer.rey")
    assert detail["submissions"][0]["photos_missing"] == ["gate.jpg", "structure.jpg"]

    returned = {"decision": "return", "reasons": ["عکس‌ها نرسیده است"]}
    await province.ask("POST", f"{path}/review", "reviewer.rey", returned, status=200)
    again = submission(failed={"structure": "minor"})
    await province.ask("POST", f"{path}/submission", "inspector.rey", again)
    await province.send_photos(path.rpartition("/")[2], "inspector.rey", again)
    approved = await province.ask("POST", f"{path}/review", "reviewer.rey", APPROVE, status=200)
    assert approved["state"] == "completed"


async def test_returned_work_keeps_its_history_with_reasons_by_item(province: Province) -> None:
    path = await submitted(province)
    items = {"fire_safety": "خاموش‌کننده دیده نمی‌شود", "structure": "ترک دیوار را نشان دهید"}
    for body in ({"decision": "return"}, {"decision": "return", "item_reasons": {"roof": "x"}}):
        await province.ask("POST", f"{path}/review", "reviewer.rey", body, status=422)
    await province.ask("POST", f"{path}/review", "reviewer.rey", {"decision": "return", "item_reasons": items})
    await province.ask("POST", f"{path}/submission", "inspector.rey", submission(found={"capacity_tonnes": 990}))
    general = {"decision": "return", "reasons": ["تاریخ را بررسی کنید"]}
    await province.ask("POST", f"{path}/review", "reviewer2.rey", general)
    await province.ask("POST", f"{path}/submission", "inspector.rey", submission(found={"capacity_tonnes": 980}))
    await province.ask("POST", f"{path}/review", "reviewer.rey", APPROVE)

    detail = await province.ask("GET", path, "reviewer.rey")
    assert [(review["decision"], review["reasons"], review["item_reasons"]) for review in detail["reviews"]] == [
        ("return", [], items),
        ("return", ["تاریخ را بررسی کنید"], {}),
        ("approve", [], {}),
    ]
    assert [review["reviewed_by"] for review in detail["reviews"]] == ["reviewer.rey", "reviewer2.rey", "reviewer.rey"]
    assert [one["capacity_tonnes"] for one in detail["submissions"]] == [1000, 990, 980]
    assert [one["submission_id"] for one in detail["submissions"]] == [
        review["submission_id"] for review in detail["reviews"]
    ]
    assert detail["inspection"]["verdict"] == Verdict.CONFIRMED


async def test_the_inspector_sees_the_reasons_but_never_the_registers_figures(province: Province) -> None:
    path = await submitted(province, submission(found={"capacity_tonnes": 700}))
    compared = (await province.ask("GET", path, "reviewer.rey"))["comparison"]
    assert [(one["field"], one["registered"], one["found"], one["allowed"]) for one in compared if one["differs"]] == [
        ("capacity_tonnes", "1000.000", "700.000", 100.0)
    ]
    assert (await province.ask("GET", path, "inspector.rey"))["comparison"] is None
    problem = await province.ask("GET", path, "reviewer.qods", status=404)
    assert problem["code"] == "warehouse.inspection.not_found"


async def test_whoever_ever_submitted_does_not_review_not_even_after_a_reassignment(province: Province) -> None:
    path = await submitted(province)
    await province.ask("POST", f"{path}/review", "reviewer.rey", {"decision": "return", "reasons": ["x"]})
    other = {"inspector": "inspector2.rey", "reason": "مرخصی"}
    await province.ask("POST", f"{path}/reassignment", "reviewer.rey", other)
    await province.ask("POST", f"{path}/submission", "inspector2.rey", submission())
    # The first submitter becomes a reviewer: the account is the same, the role is not.
    await province.superuser.execute(
        "UPDATE submission SET submitted_by = 'reviewer3.rey' WHERE submitted_by = 'inspector.rey'"
    )
    for decision in (APPROVE, {"decision": "return", "reasons": ["x"]}):
        problem = await province.ask("POST", f"{path}/review", "reviewer3.rey", decision, status=403)
        assert problem["code"] == "warehouse.review.own_inspection"
    with pytest.raises(asyncpg.CheckViolationError, match="whoever submitted"):
        await province.superuser.execute("UPDATE inspection_review SET reviewed_by = 'reviewer3.rey'")
    assert (await province.ask("POST", f"{path}/review", "reviewer.rey", APPROVE))["verdict"] == Verdict.CONFIRMED


async def test_a_site_that_is_registered_twice(province: Province) -> None:
    [first, second] = await province.register(site_row(1), site_row(2))
    await province.inspect(first)
    path = f"/inspections/{await province.assign(second)}"
    await province.ask("POST", f"{path}/submission", "inspector.rey", submission())
    for other, code in (
        (second, "warehouse.review.duplicate_of_itself"),
        ("01890000-0000-7000-8000-000000000000", "warehouse.review.duplicate_of_unknown"),
    ):
        body = APPROVE | {"duplicate_of": str(other)}
        assert (await province.ask("POST", f"{path}/review", "reviewer.rey", body, status=422))["code"] == code
    review = await province.ask("POST", f"{path}/review", "reviewer.rey", APPROVE | {"duplicate_of": str(first)})
    assert review["verdict"] == Verdict.DUPLICATE
    [discrepancy] = await province.events(DiscrepancyFound)
    assert isinstance(discrepancy, DiscrepancyFound)
    assert (discrepancy.verdict, discrepancy.fields) == (Verdict.DUPLICATE, ("duplicate_of",))
    [proposal] = (await province.ask("GET", "/registry-proposals", "registry_clerk.rey"))["items"]
    assert (proposal["field"], proposal["proposed_value"], proposal["reason"]) == ("status", "closed", "duplicate")
    await province.fold_events()
    assert (await province.counters())["rey"]["verified_capacity_tonnes"] == 1000
    assert await province.counters_from_folds() == await province.counters_from_rows()
