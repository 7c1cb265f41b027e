"""The photo store, the same on a disk and on a server that speaks S3.

S3 runs where PAYESH_TEST_S3_STORE=s3://bucket/prefix names an empty place and the usual AWS_* variables lead to it, e.g.
``AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_ALLOW_HTTP=true AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=a
AWS_REGION=us-east-1`` for a local one.
"""

import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError
from uuid_utils.compat import uuid7

from services.warehouse.photo_file import decode_photo
from services.warehouse.photo_store import PhotoStore, take_photo
from services.warehouse.settings import PhotoStoreSettings
from shared.contracts.refusals import Refusal
from tests.support.pictures import photo

S3_STORE = os.environ.get("PAYESH_TEST_S3_STORE", "")


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return (tmp_path / "with space" / "photos").as_uri()
    if not S3_STORE:
        pytest.skip("PAYESH_TEST_S3_STORE names no S3 server")
    return f"{S3_STORE}/{uuid7()}"


async def objects_of(store: PhotoStore, before: datetime) -> dict[UUID, str]:
    return {photo_id: path async for page in store.list_pages(before) for photo_id, path in page.items()}


async def test_a_picture_is_put_read_listed_and_deleted(url: str) -> None:
    store = PhotoStore(url)
    content = photo(1)
    kept = await take_photo(content, store)
    twice = await take_photo(content, store)
    assert kept.facts == twice.facts
    assert kept.photo_id != twice.photo_id
    expected = decode_photo(content).picture
    for one in (kept, twice):
        assert await PhotoStore(url).read(one.photo_id, one.facts.stored_sha256) == expected
    later = datetime.now(UTC) + timedelta(minutes=5)
    paths = await objects_of(store, later)
    assert set(paths) == {kept.photo_id, twice.photo_id}
    assert all(kept.facts.stored_sha256 in path for path in paths.values())
    assert await objects_of(store, datetime.now(UTC) - timedelta(minutes=5)) == {}
    await store.delete([paths[kept.photo_id]])
    assert set(await objects_of(store, later)) == {twice.photo_id}
    with pytest.raises(LookupError):
        await store.read(kept.photo_id, kept.facts.stored_sha256)
    assert await store.read(twice.photo_id, twice.facts.stored_sha256) == expected


async def test_a_picture_that_was_changed_behind_our_back_is_not_shown(tmp_path: Path) -> None:
    store = PhotoStore(tmp_path.as_uri())
    kept = await take_photo(photo(1), store)
    [file] = [path for path in tmp_path.rglob("*.jpg") if path.is_file()]
    assert stat.S_ISREG(file.stat().st_mode)
    file.write_bytes(decode_photo(photo(2)).picture)
    with pytest.raises(LookupError, match="damaged"):
        await store.read(kept.photo_id, kept.facts.stored_sha256)


async def test_what_others_put_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    (tmp_path / "aa" / "notes.txt").write_text("mine")
    assert await objects_of(PhotoStore(tmp_path.as_uri()), datetime.now(UTC) + timedelta(days=1)) == {}


async def test_a_server_that_is_not_there_is_a_refusal_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "a",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    began_s = time.monotonic()
    with pytest.raises(Refusal) as caught:
        await take_photo(photo(1), PhotoStore("s3://bucket/prefix"))
    assert caught.value.reason.code == "warehouse.photo.store_unavailable"
    assert time.monotonic() - began_s < 25


@pytest.mark.parametrize(
    "value", ["", "photos", "file://relative", "s3://", "s3:///prefix", "http://host/", "gs://bucket/x"]
)
def test_a_store_that_is_none_is_told_at_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYESH_PHOTO_STORE", value)
    with pytest.raises(ValidationError, match="photo_store"):
        PhotoStoreSettings()
