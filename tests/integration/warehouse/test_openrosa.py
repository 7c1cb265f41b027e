"""The OpenRosa 1.0 routes with forms compiled by pyxform, sent as ODK Collect sends them."""

import asyncio
import csv
import hashlib
import io
import socket
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
import uvicorn

from services.warehouse.app import service
from services.warehouse.openrosa.filled_form import PUBLISHED
from services.warehouse.openrosa.xml_form import FORM_BYTES_MAX
from shared.contracts.counties import County
from shared.contracts.warehouse import CorrectiveActionOpened, InspectionCompleted
from tests.integration.warehouse.phone import OPENROSA_HEADERS, Phone, offer_passwords, texts, told
from tests.integration.warehouse.province import Province, site_row
from tests.support.field_forms import INSPECTION_2, VERSION_2, form_filler
from tests.support.pictures import encode, scene

PATH = "/openrosa"


@pytest.fixture
def phone(province: Province) -> Phone:
    offer_passwords(province)
    return Phone(province.client)


def photo(number: int) -> bytes:
    return encode(scene(number, (64, 48)))


async def count(province: Province, table: str) -> int:
    found: int = await province.superuser.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def test_where_to_send(phone: Phone) -> None:
    answer = await phone.ask("HEAD", f"{PATH}/submission?deviceID=collect%3Aabc")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["location"] == "http://service.test/openrosa/submission"
    assert answer.headers["x-openrosa-version"] == "1.0"
    assert int(answer.headers["x-openrosa-accept-content-length"]) >= 10_000_000


async def test_who_may_speak(province: Province, phone: Phone) -> None:
    anonymous = await province.client.head(f"{PATH}/submission", headers=OPENROSA_HEADERS)
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"] == 'Basic realm="payesh", charset="UTF-8"'
    assert anonymous.headers["x-openrosa-version"] == "1.0"
    wrong = await Phone(province.client, password="wrong").ask("GET", f"{PATH}/formList")
    assert (wrong.status_code, told(wrong)) == (401, "نام کاربری یا گذرواژه نادرست است.")
    reviewer = await Phone(province.client, "reviewer.rey").ask("GET", f"{PATH}/formList")
    assert reviewer.status_code == 403
    with_token = await province.client.get(f"{PATH}/formList", headers=province.headers("inspector.rey"))
    assert with_token.status_code == 200
    unasked = await province.client.get("/counters", auth=httpx.BasicAuth(b"inspector.rey", phone.password.encode()))
    assert (unasked.status_code, unasked.json()["code"]) == (401, "kit.token_missing")


async def test_form_list_form_and_manifest(province: Province, phone: Phone) -> None:
    [mine, other] = await province.register(
        site_row(1, address="ری، خیابان «فدائیان»، پلاک ۷", latitude="35.5812", longitude="51.4399", name="انبار، یک"),
        site_row(2),
    )
    inspection_id = await province.assign(mine)
    await province.assign(other, inspector="inspector2.rey")
    listed = await phone.ask("GET", f"{PATH}/formList")
    assert listed.headers["content-type"] == "text/xml; charset=utf-8"
    assert (texts(listed, "formID"), texts(listed, "version")) == (["payesh_inspection"], ["1"])
    assert texts(listed, "descriptionText") == []
    verbose = await phone.ask("GET", f"{PATH}/formList?formID=payesh_inspection&verbose=true&deviceID=x")
    assert len(texts(verbose, "descriptionText")) == 1
    assert texts(await phone.ask("GET", f"{PATH}/formList?formID=another"), "formID") == []

    [form_url], [manifest_url] = texts(listed, "downloadUrl"), texts(listed, "manifestUrl")
    form = await phone.ask("GET", form_url)
    assert texts(listed, "hash") == [f"md5:{hashlib.md5(form.content, usedforsecurity=False).hexdigest()}"]
    assert form.content == PUBLISHED["1"].xform.read_bytes()
    manifest = await phone.ask("GET", manifest_url)
    assert texts(manifest, "filename") == ["sites.csv", "sites.geojson"]
    files = [await phone.ask("GET", url) for url in texts(manifest, "downloadUrl")]
    hashes = [f"md5:{hashlib.md5(file.content, usedforsecurity=False).hexdigest()}" for file in files]
    assert texts(manifest, "hash") == hashes

    rows = list(csv.DictReader(io.StringIO(files[0].content.decode())))
    assert rows == [
        {
            "id": inspection_id,
            "name": "انبار، یک",
            "county": "ری",
            "address": "ری، خیابان «فدائیان»، پلاک ۷",
            "location": "35.581200 51.439900 0 0",
        }
    ]
    [feature] = orjson.loads(files[1].content)["features"]
    assert feature["geometry"]["coordinates"] == [51.4399, 35.5812]
    assert set(feature["properties"]) == {"id", "title", "name", "county", "address"}
    assert await phone.ask("GET", f"{PATH}/forms/payesh_inspection/1/media/other.csv")
    missing = await phone.ask("GET", f"{PATH}/forms/payesh_inspection/1/media/other.csv")
    unknown = await phone.ask("GET", f"{PATH}/forms/payesh_inspection/9/form.xml")
    assert (missing.status_code, unknown.status_code) == (404, 404)


async def test_from_the_list_of_sites_to_completed(province: Province, phone: Phone) -> None:
    """Photos in another order than the form names them, the same again after a lost answer, then the review."""
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    form = phone.fill(inspection_id, failed={"fire_safety": "critical", "structure": "minor"}, site_photo="1.jpg")
    photos = {"structure.jpg": photo(1), "1.jpg": photo(2), "fire_safety.jpg": photo(3)}
    sent = await phone.send(form, photos, form_last=True)
    assert (sent.status_code, told(sent)) == (201, "ارسال دریافت شد.")
    phone.headers["Idempotency-Key"] = "one-key-for-several-commands"
    again = await phone.send(form, dict(reversed(photos.items())), language="en")
    assert (again.status_code, told(again)) == (201, "Received.")
    assert [await count(province, table) for table in ("submission", "submission_photo", "photo")] == [1, 3, 3]
    row = await province.superuser.fetchrow("SELECT channel, form_version, submitted_by FROM submission")
    assert row is not None
    assert tuple(row) == ("openrosa", "1", "inspector.rey")
    await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "approve"})
    assert len(await province.events(InspectionCompleted)) == 1
    assert len(await province.events(CorrectiveActionOpened)) == 2
    late = await phone.send(form, photos)
    assert late.status_code == 201
    assert len(await province.events(InspectionCompleted)) == 1


async def test_photos_in_several_posts(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    form = phone.fill(inspection_id, failed={"fire_safety": "critical", "structure": "minor"})
    first = await phone.send(form, {"structure.jpg": photo(1)}, is_incomplete=True)
    assert first.status_code == 202
    assert "fire_safety.jpg" in told(first)
    refused = await province.ask(
        "POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "approve"}, status=409
    )
    assert refused["code"] == "warehouse.review.photos_missing"
    repeated = await phone.send(form, {"structure.jpg": photo(1)}, is_incomplete=True)
    assert repeated.status_code == 202
    without_photos = await phone.send(form)
    assert (without_photos.status_code, "fire_safety.jpg" in told(without_photos)) == (202, True)
    last = await phone.send(form, {"fire_safety.jpg": photo(2), "thumbs.db": b"not of the form"})
    assert last.status_code == 201
    assert [await count(province, table) for table in ("submission", "photo")] == [1, 2]


async def test_many_phones_at_once_count_once(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    form = phone.fill(await province.assign(site), failed={"structure": "minor"})
    answers = await asyncio.gather(*(phone.send(form, {"structure.jpg": photo(1)}) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert [await count(province, table) for table in ("submission", "photo")] == [1, 1]


async def test_a_picture_that_is_none(province: Province, phone: Phone) -> None:
    """The submission is kept, the phone is told, and sending it again with the picture makes it whole."""
    [site] = await province.register(site_row(1))
    form = phone.fill(await province.assign(site), failed={"structure": "minor"})
    broken = await phone.send(form, {"structure.jpg": photo(1)[:200]})
    assert 400 <= broken.status_code < 500
    assert told(broken)
    assert (await phone.send(form, {"structure.jpg": photo(1)})).status_code == 201


async def test_an_edit_replaces_what_is_not_yet_reviewed(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    first, second, third = (f"uuid:{uuid4()}" for _ in range(3))
    assert (await phone.send(phone.fill(inspection_id, first))).status_code == 201
    edit = phone.fill(inspection_id, second, first, capacity_tonnes="990")
    assert (await phone.send(edit)).status_code == 201
    await province.ask(
        "POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "return", "reasons": ["ناقص"]}
    )
    assert (await phone.send(phone.fill(inspection_id, third, second, capacity_tonnes="980"))).status_code == 201
    assert (await phone.send(edit)).status_code == 201
    await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer.rey", {"decision": "approve"})
    [completed] = await province.events(InspectionCompleted)
    assert isinstance(completed, InspectionCompleted)
    assert completed.verified_capacity_tonnes == 980
    rows = await province.superuser.fetch("SELECT instance_id, deprecated_id FROM submission ORDER BY submission_id")
    assert [tuple(row) for row in rows] == [(first, None), (second, first), (third, second)]

    late = await phone.send(phone.fill(inspection_id, None, third, capacity_tonnes="970"))
    assert (late.status_code, "تصمیم" in told(late)) == (409, True)
    [conflict] = (await province.ask("GET", "/submission-conflicts", "reviewer.rey"))["items"]
    assert conflict["ground"] == "edited_after_review"


async def test_an_edit_that_overtakes_what_it_edits(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    inspection_id = await province.assign(site)
    first, second = f"uuid:{uuid4()}", f"uuid:{uuid4()}"
    assert (await phone.send(phone.fill(inspection_id, second, first, capacity_tonnes="990"))).status_code == 201
    assert (await phone.send(phone.fill(inspection_id, first))).status_code == 201
    to_review = await province.superuser.fetchval(
        "SELECT s.instance_id FROM inspection JOIN submission s USING (submission_id)"
    )
    assert to_review == second
    assert await count(province, "submission_conflict") == 0


async def test_sites_of_others(province: Province, phone: Phone) -> None:
    [site, far] = await province.register(site_row(1), site_row(2, County.QODS))
    inspection_id = await province.assign(site)
    elsewhere = await province.assign(far, County.QODS)
    refused = await Phone(province.client, "inspector2.rey").send(phone.fill(inspection_id))
    assert (refused.status_code, told(refused)) == (403, "این بازرسی به بازرس دیگری سپرده شده است.")
    hidden = await phone.send(phone.fill(elsewhere))
    assert (hidden.status_code, told(hidden)) == (404, "چنین بازرسی‌ای در شهرستان‌های شما نیست.")
    assert [await count(province, table) for table in ("submission", "submission_conflict", "photo")] == [0, 0, 0]


BOMB = b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><data id="payesh_inspection">&b;</data>'


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b"not xml", 400),
        (BOMB, 400),
        (b"<a>" * 1000, 413),
        (b'<data id="payesh_inspection" version="1"/>', 422),
        (b'<data id="payesh_inspection" version="0"/>', 404),
        (b'<data id="another"/>', 404),
        (b" " * (FORM_BYTES_MAX + 1), 413),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_forms_that_are_refused(province: Province, phone: Phone, form: bytes, status: int) -> None:
    answer = await phone.send(form, {"structure.jpg": photo(1)})
    assert answer.status_code == status
    assert told(answer)
    assert [await count(province, table) for table in ("submission", "submission_conflict", "photo")] == [0, 0, 0]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("xml_submission_file", b"<a/>"), ("xml_submission_file", b"<a/>")],
        [(f"{number}.jpg", b"") for number in range(60)],
    ],
    ids=len,
)
async def test_envelopes_that_are_refused(phone: Phone, parts: list[tuple[str, bytes]]) -> None:
    files = [(name, (name, content, "text/xml")) for name, content in parts] or [("x", ("x", b"", "text/plain"))]
    answer = await phone.ask("POST", f"{PATH}/submission", files=files)
    assert answer.status_code == 400
    assert told(answer)


async def test_what_cannot_have_been_found_is_said_in_persian(province: Province, phone: Phone) -> None:
    [site] = await province.register(site_row(1))
    form = phone.fill(await province.assign(site), in_use_capacity_tonnes="1000.001")
    answer = await phone.send(form)
    assert (answer.status_code, told(answer)) == (422, "ظرفیت در حال استفاده از کل ظرفیت بیشتر است.")
    assert answer.headers["content-language"] == "fa"


async def test_phones_keep_their_version(province: Province, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second version is published the first one still arrives, and both are offered."""
    monkeypatch.setitem(PUBLISHED, "2", VERSION_2)
    assert texts(await phone.ask("GET", f"{PATH}/formList"), "version") == ["2"]
    every = await phone.ask("GET", f"{PATH}/formList?listAllVersions=true")
    assert texts(every, "version") == ["1", "2"]
    for url in texts(every, "downloadUrl"):
        assert (await phone.ask("GET", url)).status_code == 200
    [old, new] = await province.register(site_row(1), site_row(2))
    first = await phone.send(phone.fill(await province.assign(old)))
    newer = Phone(province.client, filler=form_filler(INSPECTION_2))
    form = newer.fill(await province.assign(new), failed={"structure": "minor"}, structure_photo=["a.jpg", "b.jpg"])
    second = await newer.send(form, {"b.jpg": photo(1), "a.jpg": photo(2)})
    assert (first.status_code, second.status_code) == (201, 201)
    rows = await province.superuser.fetch("SELECT form_version FROM submission ORDER BY form_version")
    assert [row["form_version"] for row in rows] == ["1", "2"]


async def test_over_a_real_connection(province: Province, phone: Phone) -> None:
    """The Date header, chunked bodies and the challenge, as a server sends them."""
    [site] = await province.register(site_row(1))
    form = phone.fill(await province.assign(site))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service.api, log_config=None, access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            answers: list[Any] = [await Phone(client).ask("HEAD", f"{PATH}/submission")]
            content, headers = _chunked(form)
            answers.append(await Phone(client).ask("POST", f"{PATH}/submission", content=content, headers=headers))
    finally:
        server.should_exit = True
        await task
    assert [answer.status_code for answer in answers] == [204, 201]
    assert all(answer.headers["date"].endswith("GMT") for answer in answers)


def _chunked(form: bytes) -> tuple[Any, dict[str, str]]:
    head = b'--b\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="f.xml"\r\n\r\n'

    async def content() -> Any:
        for part in (head, form[:100], form[100:], b"\r\n--b--\r\n"):
            yield part

    return content(), {"content-type": "multipart/form-data; boundary=b"}
