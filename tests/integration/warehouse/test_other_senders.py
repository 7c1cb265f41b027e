"""Scripts that speak ODK Central's API as pyodk does, and REST services of KoboToolbox: the same handler as for phones."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.contracts.warehouse import InspectionCompleted
from tests.integration.warehouse.phone import PASSWORD, Phone, offer_passwords, told
from tests.integration.warehouse.province import Province, site_row, submission
from tests.support.field_forms import as_kobo_payload
from tests.support.identity import bearer
from tests.support.pictures import encode, scene

SUBMISSIONS = "/v1/projects/1/forms/payesh_inspection/submissions"
XML = {"Content-Type": "application/xml"}


@pytest.fixture
def phone(province: Province) -> Phone:
    offer_passwords(province)
    return Phone(province.client)


async def test_a_script_with_pyodk(province: Province, phone: Phone) -> None:
    """The requests of pyodk: session, check of the token, create with attachments, list of attachments, edit."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    client = province.client
    session = await client.post("/v1/sessions", json={"email": "inspector.rey", "password": PASSWORD})
    assert session.status_code == 200
    headers = {"Authorization": f"Bearer {session.json()['token']}"}
    me = await client.get("/v1/users/current", headers=headers | {"Content-Type": "application/json"})
    assert (me.status_code, me.json()["email"]) == (200, "inspector.rey")

    instance_id, edited_id = f"uuid:{uuid4()}", f"uuid:{uuid4()}"
    form = phone.fill(inspection_id, instance_id, failed={"structure": "minor"})
    created = await client.post(SUBMISSIONS, params={"deviceID": "laptop"}, content=form, headers=headers | XML)
    assert created.status_code == 200
    answer = created.json()
    assert set(answer) == {"instanceId", "submitterId", "deviceId", "createdAt", "updatedAt", "reviewState"}
    assert (answer["instanceId"], answer["deviceId"]) == (instance_id, "laptop")
    again = await client.post(SUBMISSIONS, params={"deviceID": "laptop"}, content=form, headers=headers | XML)
    assert again.json() == answer

    attachments = f"{SUBMISSIONS}/{instance_id}/attachments"
    listed = await client.get(attachments, headers=headers)
    assert listed.json() == [{"name": "structure.jpg", "exists": False}]
    picture = encode(scene(1, (64, 48)))
    for _ in range(2):
        sent = await client.post(
            f"{attachments}/structure.jpg",
            content=_in_chunks(picture),
            headers=headers | {"Content-Type": "image/jpeg"},
        )
        assert (sent.status_code, sent.json()) == (200, {"success": True})
    assert (await client.get(attachments, headers=headers)).json() == [{"name": "structure.jpg", "exists": True}]

    edit = phone.fill(inspection_id, edited_id, instance_id, capacity_tonnes="990")
    edited = await client.put(f"{SUBMISSIONS}/{instance_id}", content=edit, headers=headers | XML)
    assert (edited.status_code, edited.json()["instanceId"]) == (200, edited_id)
    await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "approve"})
    [completed] = await province.events(InspectionCompleted)
    assert isinstance(completed, InspectionCompleted)
    assert completed.verified_capacity_tonnes == 990
    channels = await province.superuser.fetch("SELECT DISTINCT channel FROM submission")
    assert [row["channel"] for row in channels] == ["central"]


async def test_what_a_script_is_refused(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    form = phone.fill(await province.assign(site), "uuid:1")
    client, headers = province.client, province.headers("inspector.rey")

    async def code(answer: httpx.Response, status: int) -> str:
        assert answer.status_code == status, answer.text
        return answer.json()["code"]

    wrong = await client.post("/v1/sessions", json={"email": "inspector.rey", "password": "wrong"})
    assert await code(wrong, 401) == "kit.password_wrong"
    other = SUBMISSIONS.replace("payesh_inspection", "another")
    assert await code(await client.post(other, content=form, headers=headers | XML), 404) == "warehouse.form.unknown"
    as_json = await client.post(SUBMISSIONS, json={"form": "no"}, headers=headers)
    assert await code(as_json, 415) == "kit.media_type_not_supported"
    huge = await client.post(SUBMISSIONS, content=b" " * 2_000_000, headers=headers | XML)
    assert await code(huge, 413) == "warehouse.form.too_large"
    attachments = f"{SUBMISSIONS}/uuid:1/attachments"
    assert await code(await client.get(attachments, headers=headers), 404) == "warehouse.form.instance_not_found"
    await client.post(SUBMISSIONS, content=form, headers=headers | XML)
    hidden = await client.get(attachments, headers=province.headers("inspector2.rey"))
    assert await code(hidden, 404) == "warehouse.form.instance_not_found"
    contradicting = phone.fill(await _only_inspection(province), "uuid:1", capacity_tonnes="990")
    conflict = await client.post(SUBMISSIONS, content=contradicting, headers=headers | XML)
    assert await code(conflict, 409) == "warehouse.submission.conflict"


async def test_a_hook_of_kobotoolbox(province: Province, phone: Phone) -> None:
    """A gateway sends for the inspector whom Kobo names; the photo comes from the inspector afterwards."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    filled = phone.fill(inspection_id, "uuid:kobo-1", failed={"structure": "minor"})
    payload = as_kobo_payload(filled, submitted_by="inspector.rey")
    gateway = Phone(province.client, "submission_gateway")
    key = {"Idempotency-Key": "hook-1"}
    answers = [await gateway.ask("POST", "/hooks/kobo", json=payload, headers=key) for _ in range(2)]
    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(201, "submitted")] * 2
    assert answers[1].headers["idempotency-replayed"] == "true"
    row = await province.superuser.fetchrow("SELECT channel, form_version, submitted_by, sent_by FROM submission")
    assert row is not None
    assert tuple(row) == ("kobo", "1", "inspector.rey", "submission_gateway")
    photo = await province.client.post(
        f"/inspections/{inspection_id}/submissions/uuid:kobo-1/photos/structure.jpg",
        content=encode(scene(1, (64, 48))),
        headers=province.headers("inspector.rey") | {"Content-Type": "image/jpeg"},
    )
    assert photo.status_code == 201
    await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "approve"})


@pytest.mark.parametrize(
    ("sender", "submitted_by", "status", "code"),
    [
        ("submission_gateway", "inspector2.rey", 403, "warehouse.submission.not_assigned"),
        ("submission_gateway", None, 422, "warehouse.form.submitter_missing"),
        ("submission_gateway.qods", "inspector.rey", 404, "warehouse.inspection.not_found"),
        ("inspector2.rey", "inspector.rey", 403, "warehouse.submission.not_assigned"),
        ("reviewer.rey", "inspector.rey", 403, "kit.role_not_allowed"),
    ],
)
async def test_a_hook_that_may_not(
    province: Province, phone: Phone, sender: str, submitted_by: str | None, status: int, code: str
) -> None:
    [site] = await province.register(site_row(1))
    payload = as_kobo_payload(phone.fill(await province.assign(site)), submitted_by)
    answer = await Phone(province.client, sender).ask("POST", "/hooks/kobo", json=payload)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await province.superuser.fetchval("SELECT count(*) FROM submission") == 0


async def test_the_same_visit_through_every_door_is_one(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    filled = phone.fill(inspection_id, "uuid:1")
    assert (await phone.send(filled)).status_code == 201
    hook = await phone.ask("POST", "/hooks/kobo", json=as_kobo_payload(filled, None))
    script = await province.client.post(SUBMISSIONS, content=filled, headers=province.headers("inspector.rey") | XML)
    body: dict[str, Any] = {
        "instance_id": "uuid:1",
        "inspected_at": "2025-11-22T06:30:00Z",
        "found": {
            "capacity_tonnes": 1000,
            "in_use_capacity_tonnes": 400.5,
            "floor_area_m2": 500,
            "kind": "general",
            "operating": True,
        },
        "items": [{"item": name, "result": "pass"} for name in ITEMS],
    }
    await province.ask("POST", f"/inspections/{inspection_id}/submission", "inspector.rey", body, status=201)
    assert (hook.status_code, script.status_code) == (201, 200)
    assert await province.superuser.fetchval("SELECT count(*) FROM submission") == 1
    assert await province.superuser.fetchval("SELECT count(*) FROM submission_conflict") == 0


@pytest.mark.parametrize("is_known", [False, True])
async def test_an_edit_of_itself_is_refused_at_every_door(province: Province, phone: Phone, is_known: bool) -> None:
    """Refused before anything is kept, also where the instance was received before; the answer says what to do."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    if is_known:
        assert (await phone.send(phone.fill(inspection_id, "uuid:1"))).status_code == 201
    filled = phone.fill(inspection_id, "uuid:1", "uuid:1", failed={"structure": "minor"}, capacity_tonnes="990")
    photos = {"structure.jpg": encode(scene(1, (64, 48)))}
    client, headers = province.client, province.headers("inspector.rey")
    body = submission(instance_id="uuid:1", deprecated_id="uuid:1")
    answers = [
        await client.post(f"/inspections/{inspection_id}/submission", json=body, headers=headers),
        await client.post(SUBMISSIONS, content=filled, headers=headers | XML),
        await client.put(f"{SUBMISSIONS}/uuid:1", content=filled, headers=headers | XML),
        await phone.ask("POST", "/hooks/kobo", json=as_kobo_payload(filled, None)),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "warehouse.submission.edit_of_itself")
    for language, advice in (("fa", "به ویرایش شناسهٔ تازه بدهید"), ("en", "Give an edit a new instance id")):
        shown = await phone.send(filled, photos, language=language)
        assert (shown.status_code, advice in told(shown)) == (422, True)
    for table, rows in (("submission", int(is_known)), ("submission_conflict", 0), ("photo", 0)):
        assert await province.superuser.fetchval(f"SELECT count(*) FROM {table}") == rows, table


ITEMS = (
    "access_and_compound",
    "structure",
    "storage_rules",
    "fire_safety",
    "visual_monitoring",
    "staff_training",
    "passive_defence",
    "hygiene_and_biological_hazard",
    "stock_records",
)


async def test_a_gateway_has_no_other_rights(province: Province, phone: Phone) -> None:
    headers = bearer("submission_gateway", subject="submission_gateway")
    answer = await province.client.post("/openrosa/submission", headers=headers, files={"x": b""})
    assert answer.status_code == 403


async def _only_inspection(province: Province) -> str:
    return str(await province.superuser.fetchval("SELECT inspection_id FROM inspection"))


async def _in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1024):
        yield content[start : start + 1024]
