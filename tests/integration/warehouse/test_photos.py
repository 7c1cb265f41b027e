"""Photos of an inspection: in any order, whole or in parts, once; evidence for a reviewer; nothing across counties."""

import asyncio
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from services.warehouse import photo_sweep
from services.warehouse.domain.photo import INSPECTION_PHOTOS_MAX, PHOTO_BYTES_MAX, PHOTO_PART_BYTES_MIN
from services.warehouse.photo_store import PhotoStore
from services.warehouse.photo_sweep import ORPHANS_KEPT, PARTS_KEPT, PENDING_KEPT, sweep_once
from services.warehouse.settings import WarehouseSettings
from services.warehouse.store.photos import missing_photos
from shared.contracts.counties import County
from shared.kit.service import WorkerContext
from tests.integration.warehouse.province import Province, as_api, site_row, submission
from tests.support.hostile_pictures import hostile_pictures
from tests.support.pictures import camera_exif, encode, photo, scene

JPEG = {"Content-Type": "image/jpeg"}
INSPECTOR, REVIEWER = "inspector.rey", "reviewer.rey"
PLACE = (35.580000, 51.440000)


def path_of(inspection_id: str, instance_id: str, name: str = "a.jpg") -> str:
    return f"/inspections/{inspection_id}/submissions/{instance_id}/photos/{name}"


async def send(
    province: Province, path: str, content: bytes, who: str = INSPECTOR, *, status: int = 201, key: str | None = None
) -> dict[str, Any]:
    answer = await province.client.post(path, content=content, headers=province.headers(who, key) | JPEG)
    assert answer.status_code == status, answer.text
    return answer.json()


async def send_part(
    province: Province,
    path: str,
    content: bytes,
    first: int,
    last: int,
    *,
    status: int = 202,
    whole: int | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    headers = province.headers(INSPECTOR, key) | JPEG
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content) if whole is None else whole}"
    answer = await province.client.put(path, content=content[first : last + 1], headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def assigned(province: Province, number: int = 1, county: County = County.REY, **changes: str) -> str:
    [site] = await province.register(site_row(number, county, **changes))
    return await province.assign(site, county)


async def photos_of(province: Province, inspection_id: str, who: str = REVIEWER) -> dict[str, Any]:
    return await province.ask("GET", f"/inspections/{inspection_id}/photos", who)


def stored_files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "photos").rglob("*") if path.is_file()]


async def picture_of(province: Province, photo_id: str, who: str = REVIEWER) -> httpx.Response:
    return await province.client.get(f"/photos/{photo_id}", headers=province.headers(who))


async def test_a_photo_is_kept_clean_and_shown_to_the_reviewer(province: Province, tmp_path: Path) -> None:
    inspection_id = await assigned(province, latitude="35.58", longitude="51.44")
    body = submission(photos=["a.jpg", "b.jpg"], inspected_at="2025-11-22T10:30:00+03:30")
    await province.ask("POST", f"/inspections/{inspection_id}/submission", INSPECTOR, body)
    content = photo(1, taken_at="2025:11:22 10:00:00", place=(35.5809, 51.44), orientation=6)
    received = await send(province, path_of(inspection_id, body["instance_id"]), content)
    assert received["sha256"] == hashlib.sha256(content).hexdigest()
    assert (received["flags"], received["missing"]) == ([], ["b.jpg"])

    listed = await photos_of(province, inspection_id)
    assert listed["missing"] == [{"instance_id": body["instance_id"], "name": "b.jpg"}]
    [line] = listed["items"]
    assert line["photo_id"] == received["photo_id"]
    assert (line["name"], line["item"], line["flags"]) == ("a.jpg", None, [])
    assert line["distance_to_recorded_m"] == pytest.approx(100, abs=1)
    assert (line["distance_to_found_m"], line["taken_after_inspection_s"]) == (None, -1800)
    assert "35.58" not in json.dumps(listed), "readers get distances, not places"

    answer = await picture_of(province, received["photo_id"])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == f'inline; filename="{received["photo_id"]}.jpg"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (480, 640)
        assert not dict(image.getexif())
    assert b"Secretphone" not in answer.content
    [file] = stored_files(tmp_path)
    assert file.read_bytes() == answer.content
    assert file.name.startswith(hashlib.sha256(answer.content).hexdigest())
    row = await province.superuser.fetchrow("SELECT * FROM photo")
    assert row is not None
    assert row["taken_at"] == datetime(2025, 11, 22, 6, 30, tzinfo=UTC)
    assert "SERIAL" not in str(dict(row))


async def test_photos_may_come_in_any_order_before_and_after_their_submission(province: Province) -> None:
    random = Random(7)
    sites = await province.register(*(site_row(number) for number in range(6)))
    for site in sites:
        inspection_id = await province.assign(site)
        body = submission(failed={"structure": "minor"}, photos=["b.jpg", "c.jpg"])
        contents = {"structure.jpg": photo(1), "b.jpg": photo(2), "c.jpg": photo(3)}
        steps = [*contents, *random.choices([*contents, "submission"], k=4), "submission"]
        random.shuffle(steps)
        if site == sites[0]:
            steps = [*contents, "submission"]
        came: set[str] = set()
        for step in steps:
            came.add(step)
            if step == "submission":
                await province.ask("POST", f"/inspections/{inspection_id}/submission", INSPECTOR, body)
                continue
            received = await send(province, path_of(inspection_id, body["instance_id"], step), contents[step])
            missing = sorted(set(contents) - came) if "submission" in came else None
            assert received["missing"] == missing
        listed = await photos_of(province, inspection_id)
        assert listed["missing"] == []
        assert {line["name"]: line["item"] for line in listed["items"]} == {
            "structure.jpg": "structure",
            "b.jpg": None,
            "c.jpg": None,
        }
        submission_id = await province.superuser.fetchval(
            "SELECT submission_id FROM inspection WHERE inspection_id = $1", UUID(inspection_id)
        )
        async with as_api(province, County.REY) as connection:
            assert await missing_photos(connection, submission_id) == []


async def test_a_photo_of_one_site_completes_no_submission_of_another(province: Province) -> None:
    here, there = await assigned(province, 1), await assigned(province, 2)
    body = submission(photos=["a.jpg"])
    await send(province, path_of(there, body["instance_id"]), photo(1))
    await province.ask("POST", f"/inspections/{here}/submission", INSPECTOR, body)
    assert [line["name"] for line in (await photos_of(province, here))["missing"]] == ["a.jpg"]
    received = await send(province, path_of(here, body["instance_id"]), photo(1))
    assert (received["missing"], received["flags"]) == ([], ["same_file_at_another_site"])


async def test_a_photo_and_its_submission_cannot_pass_each_other(province: Province) -> None:
    sites = await province.register(*(site_row(number) for number in range(8)))
    for site in sites:
        inspection_id = await province.assign(site)
        body = submission(photos=["a.jpg"])
        await asyncio.gather(
            province.ask("POST", f"/inspections/{inspection_id}/submission", INSPECTOR, body),
            send(province, path_of(inspection_id, body["instance_id"]), photo(1)),
            send(province, path_of(inspection_id, body["instance_id"]), photo(1)),
        )
        listed = await photos_of(province, inspection_id)
        assert (len(listed["items"]), listed["missing"]) == (1, [])


async def test_the_same_file_again_is_the_same_photo_and_another_is_a_conflict(province: Province) -> None:
    inspection_id = await assigned(province)
    path = path_of(inspection_id, f"uuid:{uuid4()}")
    first = await send(province, path, photo(1))
    assert await send(province, path, photo(1)) == first
    refused = await send(province, path, photo(2), status=409)
    assert refused["code"] == "warehouse.photo.conflict"
    assert await province.superuser.fetchval("SELECT count(*) FROM photo") == 1
    keyed = path_of(inspection_id, f"uuid:{uuid4()}")
    answers = [await send(province, keyed, photo(3), key="k1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert (await send(province, keyed, photo(4), key="k1", status=422))["code"] == "kit.idempotency_key_reused"


async def test_only_the_inspector_sends_and_only_readers_of_the_county_look(province: Province) -> None:
    inspection_id = await assigned(province)
    path = path_of(inspection_id, f"uuid:{uuid4()}")
    refused = await send(province, path, photo(1), "inspector2.rey", status=403)
    assert refused["code"] == "warehouse.submission.not_assigned"
    assert (await send(province, path, photo(1), "reviewer.rey", status=403))["code"] == "kit.role_not_allowed"
    assert (await send(province, path, photo(1), "inspector.pardis", status=404))[
        "code"
    ] == "warehouse.inspection.not_found"
    photo_id = (await send(province, path, photo(1)))["photo_id"]
    for who in (INSPECTOR, REVIEWER, "county_chair.rey"):
        assert (await picture_of(province, photo_id, who)).status_code == 200
        assert len((await photos_of(province, inspection_id, who))["items"]) == 1
    assert (await photos_of(province, inspection_id, "inspector2.rey"))["items"] == []
    for who, status in (("inspector2.rey", 404), ("reviewer.pardis", 404), ("registry_clerk", 403)):
        assert (await picture_of(province, photo_id, who)).status_code == status
    await province.ask("GET", f"/inspections/{inspection_id}/photos", "reviewer.pardis", status=404)


async def test_names_and_types_are_checked_before_a_byte_is_read(province: Province) -> None:
    inspection_id = await assigned(province)
    headers = province.headers(INSPECTOR)
    for name in ("..%2Fa.jpg", ".hidden", "a b.jpg", "a" * 101):
        answer = await province.client.post(
            path_of(inspection_id, "uuid:1", name), content=photo(1), headers=headers | JPEG
        )
        assert answer.status_code in (404, 422)
    for content_type in ("application/json", "text/html", "application/x-www-form-urlencoded"):
        answer = await province.client.post(
            path_of(inspection_id, "uuid:1"), content=b"{}", headers=headers | {"Content-Type": content_type}
        )
        assert answer.status_code == 415, answer.text
    too_large = await send(province, path_of(inspection_id, "uuid:1"), b"x" * (PHOTO_BYTES_MAX + 1), status=413)
    assert too_large["code"] == "kit.body_too_large"


async def test_hostile_uploads_are_refused_or_kept_clean(province: Province, tmp_path: Path) -> None:
    inspection_id = await assigned(province)
    kept = 0
    for number, (_, content) in enumerate(hostile_pictures(5, 80)):
        headers = province.headers(INSPECTOR) | {"Content-Type": "image/svg+xml" if number % 2 else "image/jpeg"}
        path = path_of(inspection_id, "uuid:1", f"{number}.jpg")
        answer = await province.client.post(path, content=content, headers=headers)
        assert answer.status_code in (201, 413, 422), answer.text
        kept += answer.status_code == 201
    assert 10 < kept < 70
    files = stored_files(tmp_path)
    assert len(files) == kept == await province.superuser.fetchval("SELECT count(*) FROM photo")
    for file in files:
        picture = file.read_bytes()
        assert picture.startswith(b"\xff\xd8\xff")
        assert not any(mark in picture for mark in (b"payload", b"PK\x03\x04", b"<script"))


async def test_a_large_photo_may_come_in_parts_after_lost_answers(province: Province) -> None:
    inspection_id = await assigned(province)
    path = path_of(inspection_id, f"uuid:{uuid4()}")
    content = encode(scene(1, (2000, 1500)), exif=camera_exif(place=PLACE), quality=98)
    whole, step = len(content), 100_000
    assert whole > 3 * step
    for _ in range(2):
        first = await send_part(province, path, content, 0, step - 1, key="k1")
        assert first == {"received_bytes": step, "photo_bytes": whole}
    reused = await send_part(province, path, content, step, 2 * step - 1, key="k1", status=422)
    assert reused["code"] == "kit.idempotency_key_reused"
    assert (await send_part(province, path, content, 0, step - 1))["received_bytes"] == step
    gap = await send_part(province, path, content, 2 * step, 3 * step - 1, status=409)
    assert (gap["code"], gap["details"]["received_bytes"]) == ("warehouse.photo.part_out_of_order", step)
    assert (await send_part(province, path, content, step, whole - 1001))["received_bytes"] == whole - 1000
    received = await send_part(province, path, content, whole - 1000, whole - 1, status=201)
    assert received["sha256"] == hashlib.sha256(content).hexdigest()
    assert await province.superuser.fetchval("SELECT count(*) FROM photo_part") == 0
    again = await send_part(province, path, content, whole - 1000, whole - 1, status=409)
    assert again["details"]["received_bytes"] == whole, "all of it is here"
    assert (await send(province, path, content))["photo_id"] == received["photo_id"]


async def test_parts_of_another_file_begin_anew_and_parts_of_a_refused_one_are_forgotten(province: Province) -> None:
    inspection_id = await assigned(province)
    path = path_of(inspection_id, f"uuid:{uuid4()}")
    step = PHOTO_PART_BYTES_MIN
    one, other = (encode(scene(seed, (1600, 1200)), quality=95)[: 2 * step + 10] for seed in (1, 2))
    await send_part(province, path, one, 0, step - 1)
    await send_part(province, path, other, 0, step - 1)
    assert (await send_part(province, path, other, step, 2 * step - 1))["received_bytes"] == 2 * step
    refused = await send_part(province, path, other, 2 * step, len(other) - 1, status=422)
    assert refused["code"] == "warehouse.photo.unreadable"
    assert await province.superuser.fetchval("SELECT count(*) FROM photo_part") == 0
    for first, last, whole, status, code in (
        (0, 99, None, 400, "warehouse.photo.range_invalid"),
        (50, 10, 100_000, 400, "warehouse.photo.range_invalid"),
        (0, step - 1, PHOTO_BYTES_MAX + 1, 413, "warehouse.photo.too_large"),
        (0, step - 1, step - 1, 400, "warehouse.photo.range_invalid"),
    ):
        answer = await send_part(province, path, one, first, last, status=status, whole=whole)
        assert answer["code"] == code
    headers = province.headers(INSPECTOR) | JPEG
    assert (await province.client.put(path, content=one, headers=headers)).status_code == 422


async def test_an_inspection_takes_a_bounded_number_of_photos(province: Province) -> None:
    inspection_id = await assigned(province)
    await send(province, path_of(inspection_id, "uuid:1"), photo(1))
    await province.superuser.execute(
        """
        INSERT INTO photo (photo_id, inspection_id, county, warehouse_id, instance_id, name, submitted_by, received_at,
                           original_sha256, original_bytes, original_format, stored_sha256, stored_bytes, width_pixels,
                           height_pixels)
        SELECT gen_random_uuid(), inspection_id, county, warehouse_id, 'uuid:other', 'p' || number, submitted_by,
               received_at, original_sha256, original_bytes, original_format, stored_sha256, stored_bytes, width_pixels,
               height_pixels
        FROM photo, generate_series(2, $1) AS number
        """,
        INSPECTION_PHOTOS_MAX,
    )
    refused = await send(province, path_of(inspection_id, "uuid:1", "one-more.jpg"), photo(2), status=409)
    assert refused["code"] == "warehouse.photo.too_many"
    step = PHOTO_PART_BYTES_MIN
    part = encode(scene(1, (1600, 1200)), quality=95)
    path = path_of(inspection_id, "uuid:1", "one-more.jpg")
    assert (await send_part(province, path, part, 0, step - 1, status=409))["code"] == "warehouse.photo.too_many"
    await send(province, path_of(inspection_id, "uuid:1"), photo(1))


async def test_what_nobody_will_ask_for_is_swept(
    province: Province, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PhotoStore((tmp_path / "photos").as_uri())
    inspection_id = await assigned(province, 1)
    body = submission(photos=["a.jpg"])
    await province.ask("POST", f"/inspections/{inspection_id}/submission", INSPECTOR, body)
    named = (await send(province, path_of(inspection_id, body["instance_id"]), photo(1)))["photo_id"]
    pending = (await send(province, path_of(inspection_id, "uuid:never"), photo(2)))["photo_id"]
    await send(province, path_of(inspection_id, body["instance_id"]), photo(9), status=409)
    assert len(stored_files(tmp_path)) == 3, "a refused photo leaves an orphan for a day"
    part = encode(scene(1, (1600, 1200)), quality=95)
    await send_part(province, path_of(inspection_id, "uuid:2"), part, 0, PHOTO_PART_BYTES_MIN - 1)
    settings: Any = None  # a sweep asks for none
    context: WorkerContext[WarehouseSettings] = WorkerContext(province.worker, settings, asyncio.Event())

    async def age(by: timedelta) -> None:
        for table in ("photo", "photo_part"):
            await province.superuser.execute(f"UPDATE {table} SET received_at = received_at - $1::interval", by)

    async def remaining() -> tuple[int, int, int]:
        counts = [
            await province.superuser.fetchval(f"SELECT count(*) FROM {table}") for table in ("photo", "photo_part")
        ]
        return counts[0], counts[1], len(stored_files(tmp_path))

    await sweep_once(context, store)
    assert await remaining() == (2, 1, 3)
    monkeypatch.setattr(photo_sweep, "ORPHANS_KEPT", timedelta(seconds=-60))
    await sweep_once(context, store)
    assert await remaining() == (2, 1, 2)
    await age(PARTS_KEPT)
    await sweep_once(context, store)
    assert await remaining() == (2, 0, 2)
    await age(PENDING_KEPT)
    await sweep_once(context, store)
    assert await remaining() == (1, 0, 1)
    assert (await picture_of(province, named)).status_code == 200
    assert (await picture_of(province, pending)).status_code == 404
    assert timedelta(hours=1) < ORPHANS_KEPT


async def test_without_its_store_the_service_refuses_and_says_so(province: Province, tmp_path: Path) -> None:
    inspection_id = await assigned(province)
    (tmp_path / "photos").write_text("no directory")
    refused = await send(province, path_of(inspection_id, "uuid:1"), photo(1), status=503)
    assert refused["code"] == "warehouse.photo.store_unavailable"
    assert await province.superuser.fetchval("SELECT count(*) FROM photo") == 0
