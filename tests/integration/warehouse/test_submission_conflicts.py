"""What contradicts stays beside what was there until a person decides; nothing is lost and nothing overwritten."""

from typing import Any

import asyncpg
import pytest

from shared.contracts.warehouse import InspectionCompleted, InspectionScheduled
from tests.integration.warehouse.phone import Phone, offer_passwords, told
from tests.integration.warehouse.province import Province, site_row, submission
from tests.support.pictures import encode, scene

REASON = "عکس‌ها را با انبار سنجیدیم"


async def open_conflicts(province: Province) -> list[dict[str, Any]]:
    return (await province.ask("GET", "/submission-conflicts?is_open=true&county=rey", "reviewer.rey"))["items"]


async def decide(province: Province, conflict_id: str, decision: str, who: str = "reviewer.rey", **more: Any) -> Any:
    body = {"decision": decision, "reason": REASON}
    return await province.ask("POST", f"/submission-conflicts/{conflict_id}/resolution", who, body, **more)


async def submit(province: Province, inspection_id: str, body: dict[str, Any], status: int = 201, **more: Any) -> Any:
    path = f"/inspections/{inspection_id}/submission"
    return await province.ask("POST", path, more.pop("who", "inspector.rey"), body, status=status, **more)


async def approve(province: Province, inspection_id: str, status: int = 200) -> Any:
    body = {"decision": "approve"}
    return await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer.rey", body, status=status)


@pytest.fixture
async def conflicting(province: Province) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An inspection with two contents under one instance id."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    first = submission()
    other = first | {"found": first["found"] | {"capacity_tonnes": 990}}
    await submit(province, inspection_id, first)
    return inspection_id, first, other


async def test_other_content_is_kept_once(
    province: Province, conflicting: tuple[str, dict[str, Any], dict[str, Any]]
) -> None:
    inspection_id, first, other = conflicting
    for key in (None, "one-key", "one-key"):
        problem = await submit(province, inspection_id, other, 409, key=key)
        assert problem["code"] == "warehouse.submission.conflict"
        assert "a person will decide" in problem["detail"]
    await submit(province, inspection_id, first)
    [line] = await open_conflicts(province)
    assert (line["ground"], line["submitted_by"], line["conflict_id"]) == (
        "other_content",
        "inspector.rey",
        problem["details"]["conflict_id"],
    )
    detail = await province.ask("GET", f"/submission-conflicts/{line['conflict_id']}", "reviewer.rey")
    assert detail["differing"] == ["found"]
    assert (detail["first"]["found"]["capacity_tonnes"], detail["content"]["found"]["capacity_tonnes"]) == (
        "1000.000",
        "990.000",
    )
    assert (await approve(province, inspection_id, 409))["code"] == "warehouse.review.conflict_open"
    assert await province.superuser.fetchval("SELECT count(*) FROM submission") == 1


async def test_keeping_the_first(province: Province, conflicting: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    inspection_id, _, other = conflicting
    await submit(province, inspection_id, other, 409)
    [line] = await open_conflicts(province)
    assert (await decide(province, line["conflict_id"], "keep_first"))["submission_id"] is None
    assert await open_conflicts(province) == []
    assert (await decide(province, line["conflict_id"], "take_other", status=409))["code"] == (
        "warehouse.submission_conflict.already_resolved"
    )
    again = await submit(province, inspection_id, other, 409)
    assert again["code"] == "warehouse.submission.conflict_settled"
    assert await open_conflicts(province) == []
    await approve(province, inspection_id)
    [completed] = await province.events(InspectionCompleted)
    assert isinstance(completed, InspectionCompleted)
    assert completed.verified_capacity_tonnes == 1000


async def test_taking_the_other(province: Province, conflicting: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    inspection_id, first, other = conflicting
    await submit(province, inspection_id, other, 409)
    [line] = await open_conflicts(province)
    taken = await decide(province, line["conflict_id"], "take_other")
    assert taken["inspection_id"] == inspection_id
    await submit(province, inspection_id, first)
    await submit(province, inspection_id, other)
    await approve(province, inspection_id)
    [completed] = await province.events(InspectionCompleted)
    assert isinstance(completed, InspectionCompleted)
    assert completed.verified_capacity_tonnes == 990
    rows = await province.superuser.fetch("SELECT found_capacity_tonnes FROM submission ORDER BY submission_id")
    assert [row["found_capacity_tonnes"] for row in rows] == [1000, 990]
    resolved = await province.superuser.fetchrow("SELECT decision, resolved_by, reason FROM submission_conflict")
    assert resolved is not None
    assert tuple(resolved) == ("take_other", "reviewer.rey", REASON)


async def test_who_decides(province: Province, conflicting: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    inspection_id, _, other = conflicting
    await submit(province, inspection_id, other, 409)
    [line] = await open_conflicts(province)
    conflict_id = line["conflict_id"]
    await decide(province, conflict_id, "keep_first", "inspector.rey", status=403)
    hidden = await decide(province, conflict_id, "keep_first", "reviewer.qods", status=404)
    assert hidden["code"] == "warehouse.submission_conflict.not_found"
    assert (await province.ask("GET", "/submission-conflicts", "reviewer.qods"))["items"] == []
    await province.superuser.execute("UPDATE submission_conflict SET submitted_by = 'reviewer.rey'")
    own = await decide(province, conflict_id, "keep_first", status=403)
    assert own["code"] == "warehouse.submission_conflict.own_submission"


async def test_the_same_instance_for_another_inspection(province: Province) -> None:
    sites = await province.register(site_row(1), site_row(2))
    one, two = [await province.assign(site) for site in sites]
    body = submission()
    await submit(province, one, body)
    assert (await submit(province, two, body, 409))["code"] == "warehouse.submission.conflict"
    edit = submission(deprecated_id=body["instance_id"])
    assert (await submit(province, two, edit, 409))["code"] == "warehouse.submission.edit_of_other_inspection"
    assert [line["inspection_id"] for line in await open_conflicts(province)] == [two, two]


async def test_late_for_a_completed_inspection(province: Province) -> None:
    """Taken, it is a further inspection of the same site, so that every counter stays right."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    await submit(province, inspection_id, submission())
    await approve(province, inspection_id)
    late = submission(found={"capacity_tonnes": 985})
    assert (await submit(province, inspection_id, late, 409))["code"] == "warehouse.submission.inspection_completed"
    [line] = await open_conflicts(province)
    taken = await decide(province, line["conflict_id"], "take_other")
    assert taken["inspection_id"] != inspection_id
    assert len(await province.events(InspectionScheduled)) == 2
    await submit(province, inspection_id, late)
    await approve(province, taken["inspection_id"])
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()


async def test_late_for_a_reassigned_inspection(province: Province) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    given = {"inspector": "inspector2.rey", "reason": "مرخصی"}
    await province.ask("POST", f"/inspections/{inspection_id}/reassignment", "reviewer.rey", given)
    late = submission()
    assert (await submit(province, inspection_id, late, 409))["code"] == "warehouse.submission.reassigned"
    never = await submit(province, inspection_id, late, 403, who="inspector3.rey")
    assert never["code"] == "warehouse.submission.not_assigned"
    await submit(province, inspection_id, submission(), who="inspector2.rey")
    [line] = await open_conflicts(province)
    await decide(province, line["conflict_id"], "take_other")
    inspector = await province.superuser.fetchval("SELECT inspector FROM inspection")
    assert inspector == "inspector.rey"
    assert await province.superuser.fetchval("SELECT count(*) FROM inspection_change") == 2
    await approve(province, inspection_id)


async def test_a_taken_form_keeps_its_photos(province: Province) -> None:
    """The same picture under the same name belongs to both; one that only the other names is sent afterwards."""
    offer_passwords(province)
    phone = Phone(province.client)
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    pictures = {
        f"{name}.jpg": encode(scene(number, (64, 48))) for number, name in enumerate(("structure", "fire_safety"))
    }
    first = phone.fill(inspection_id, "uuid:1", failed={"structure": "minor"})
    other = phone.fill(inspection_id, "uuid:1", failed={"structure": "minor", "fire_safety": "major"})
    assert (await phone.send(first, pictures)).status_code == 201
    refused = await phone.send(other, pictures)
    assert (refused.status_code, "یک شخص تصمیم می‌گیرد" in told(refused)) == (409, True)
    [line] = await open_conflicts(province)
    await decide(province, line["conflict_id"], "take_other")
    assert (await approve(province, inspection_id, 409))["code"] == "warehouse.review.photos_missing"
    assert (await phone.send(other, pictures)).status_code == 201
    assert (await phone.send(first, pictures)).status_code == 201
    await approve(province, inspection_id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE submission_conflict SET decision = 'keep_first'",
        "UPDATE submission_conflict SET decision = 'keep_first', resolved_by = submitted_by, resolved_at = now(), reason = 'x'",
        "UPDATE submission_conflict SET decision = 'take_other', resolved_by = 'x', resolved_at = now(), reason = 'x'",
        "UPDATE submission_conflict SET ground = 'rumour'",
        "UPDATE submission_photo SET name = '../x'",
        "UPDATE submission SET deprecated_id = instance_id",
        "INSERT INTO submission_conflict (conflict_id, inspection_id, county, ground, instance_id, content_sha256, content,"
        " channel, submitted_by, received_at) SELECT gen_random_uuid(), inspection_id, county, ground, instance_id,"
        " content_sha256, content, channel, submitted_by, received_at FROM submission_conflict",
    ],
)
async def test_the_tables_refuse_what_the_domain_refuses(province: Province, statement: str) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    body = submission(failed={"structure": "minor"})
    await submit(province, inspection_id, body)
    await submit(province, inspection_id, body | {"suspicion": "biological_hazard"}, 409)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await province.superuser.execute(statement)


@pytest.mark.parametrize("column", ["content", "instance_id", "submitted_by", "ground"])
async def test_the_service_cannot_rewrite_a_conflict(province: Province, column: str) -> None:
    async with province.api.acquire() as connection, connection.transaction():
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE submission_conflict SET {column} = {column}")


async def test_a_decision_is_about_what_the_person_saw(
    province: Province, conflicting: tuple[str, dict[str, Any], dict[str, Any]]
) -> None:
    """An edit that comes between looking and deciding is neither approved nor put aside unseen."""
    inspection_id, first, other = conflicting
    path = f"/inspections/{inspection_id}"
    await submit(province, inspection_id, other, 409)
    [line] = await open_conflicts(province)
    seen = (await province.ask("GET", path, "reviewer.rey"))["inspection"]["submission_id"]
    await submit(province, inspection_id, submission(deprecated_id=first["instance_id"]))
    resolution = f"/submission-conflicts/{line['conflict_id']}/resolution"
    for unseen in (seen, None):
        body = {"decision": "take_other", "reason": REASON, "submission_id": unseen}
        refused = await province.ask("POST", resolution, "reviewer.rey", body, status=409)
        assert refused["code"] == "warehouse.submission.changed"
    await decide(province, line["conflict_id"], "keep_first")
    body = {"decision": "approve", "submission_id": seen}
    refused = await province.ask("POST", f"{path}/review", "reviewer.rey", body, status=409)
    assert refused["code"] == "warehouse.submission.changed"
    body["submission_id"] = (await province.ask("GET", path, "reviewer.rey"))["inspection"]["submission_id"]
    await province.ask("POST", f"{path}/review", "reviewer.rey", body, status=200)


async def test_what_a_person_declined_stays_declined(province: Province) -> None:
    """Sent again when the inspection waits for its inspector anew, it is still the conflict that was decided."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    first, other = submission(), submission(found={"capacity_tonnes": 985})
    await submit(province, inspection_id, first)
    await submit(province, inspection_id, other, 409)
    [line] = await open_conflicts(province)
    await decide(province, line["conflict_id"], "keep_first")
    body = {"decision": "return", "reasons": [REASON]}
    await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer.rey", body)
    again = await submit(province, inspection_id, other, 409)
    assert again["code"] == "warehouse.submission.conflict_settled"
    assert await province.superuser.fetchval("SELECT state FROM inspection") == "returned"
