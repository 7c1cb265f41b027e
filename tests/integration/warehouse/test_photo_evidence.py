"""What a reviewer is told of a photo: doubles at other sites of any county, place and time; and nothing more than that."""

import json
from uuid import UUID

import pytest

from services.warehouse.domain.photo import PHOTO_PART_BYTES_MIN
from shared.contracts.counties import County
from tests.integration.warehouse.province import Province, as_api, site_row, submission
from tests.integration.warehouse.test_photos import (
    INSPECTOR,
    PLACE,
    assigned,
    path_of,
    photos_of,
    send,
    send_part,
)
from tests.support.pictures import encode, photo, scene


async def test_the_same_or_a_near_same_picture_at_two_sites_is_flagged_at_both(province: Province) -> None:
    first = await assigned(province, 1)
    again = await assigned(province, 2)
    [far] = await province.register(site_row(3, County.PARDIS))
    other_county = await province.assign(far, County.PARDIS)
    near = encode(scene(1).resize((500, 375)), quality=50)
    await send(province, path_of(first, "uuid:1"), photo(1))
    await send(province, path_of(first, "uuid:1", "b.jpg"), photo(2))
    assert (await send(province, path_of(first, "uuid:1", "again.jpg"), photo(2)))["flags"] == []
    same = await send(province, path_of(again, "uuid:2"), photo(1))
    assert same["flags"] == ["same_file_at_another_site"]
    similar = await send(province, path_of(other_county, "uuid:3"), near, "inspector.pardis")
    assert similar["flags"] == ["similar_picture_at_another_site"]
    own = await photos_of(province, first)
    assert {line["name"]: line["flags"] for line in own["items"]} == {
        "a.jpg": ["same_file_at_another_site", "similar_picture_at_another_site"],
        "b.jpg": [],
        "again.jpg": [],
    }
    assert str(far) not in json.dumps(own)
    assert "pardis" not in json.dumps(own)


async def test_photos_taken_elsewhere_or_at_another_time_are_flagged(province: Province) -> None:
    inspection_id = await assigned(province, latitude="35.58", longitude="51.44")
    names = ["here.jpg", "far.jpg", "old.jpg", "later.jpg", "silent.jpg", "found.jpg"]
    found = {"latitude": 35.7, "longitude": 51.4}
    body = submission(photos=names, found=found, inspected_at="2025-11-22T10:30:00+03:30")
    await province.ask("POST", f"/inspections/{inspection_id}/submission", INSPECTOR, body)
    contents = {
        "here.jpg": photo(1, taken_at="2025:11:22 10:31:00", place=PLACE),
        "found.jpg": photo(6, taken_at="2025:11:22 10:31:00", place=(35.701, 51.4)),
        "far.jpg": photo(2, taken_at="2025:11:22 10:00:00", place=(35.6, 51.0)),
        "old.jpg": photo(3, taken_at="2025:11:20 10:00:00", place=PLACE),
        "later.jpg": photo(4, taken_at="2025:11:23 10:00:00"),
        "silent.jpg": photo(5),
    }
    for name, content in contents.items():
        await send(province, path_of(inspection_id, body["instance_id"], name), content)
    lines = {line["name"]: line for line in (await photos_of(province, inspection_id))["items"]}
    assert {name: line["flags"] for name, line in lines.items()} == {
        "here.jpg": [],
        "found.jpg": [],
        "far.jpg": ["taken_elsewhere"],
        "old.jpg": ["taken_long_before"],
        "later.jpg": ["taken_after"],
        "silent.jpg": [],
    }
    assert lines["far.jpg"]["distance_to_recorded_m"] > 30_000
    assert lines["found.jpg"]["distance_to_found_m"] == pytest.approx(111, abs=1)
    assert lines["silent.jpg"]["distance_to_recorded_m"] is None


async def test_another_countys_photos_cannot_be_read_or_asked_about(province: Province) -> None:
    inspection_id = await assigned(province, 1)
    received = await send(province, path_of(inspection_id, "uuid:1"), photo(1))
    part = encode(scene(1, (1600, 1200)), quality=95)
    await send_part(province, path_of(inspection_id, "uuid:1", "p.jpg"), part, 0, PHOTO_PART_BYTES_MIN - 1)
    uses = "SELECT photo_id FROM photo_uses($1, 3, 100)"
    for county, count in ((County.REY, 1), (County.PARDIS, 0)):
        async with as_api(province, county) as connection:
            for table in ("photo", "photo_part"):
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == count
            assert len(await connection.fetch(uses, [UUID(received["photo_id"])])) == count


async def test_the_search_for_near_same_pictures_goes_by_its_index(province: Province) -> None:
    inspection_id = await assigned(province, 1)
    photo_id = UUID((await send(province, path_of(inspection_id, "uuid:1"), photo(1)))["photo_id"])
    sites = await province.register(*(site_row(number) for number in range(2, 7)))
    await province.superuser.execute(
        """
        INSERT INTO photo (photo_id, inspection_id, county, warehouse_id, instance_id, name, submitted_by, received_at,
                           original_sha256, original_bytes, original_format, stored_sha256, stored_bytes, width_pixels,
                           height_pixels, difference_hash)
        SELECT gen_random_uuid(), inspection_id, county, ($2::uuid[])[least(number, 5)], 'uuid:other', 'p' || number,
               submitted_by, received_at, encode(sha256(number::text::bytea), 'hex'), original_bytes, original_format,
               stored_sha256, stored_bytes, width_pixels, height_pixels,
               CASE WHEN number <= 4 THEN difference_hash # ((1::bigint << (16 * number - 2)) | 1 | (1::bigint << 40))
                    WHEN number = 5 THEN difference_hash # 15 ELSE hashint8extended(number, 0) END
        FROM photo, generate_series(1, 20000) AS number WHERE photo_id = $1
        """,
        photo_id,
        sites,
    )
    await province.superuser.execute("VACUUM ANALYZE photo")
    async with as_api(province, County.REY) as connection:
        row = await connection.fetchrow("SELECT * FROM photo_uses($1, 3, 100)", [photo_id])
        assert row is not None
        assert (row["same_sites"], row["similar_sites"]) == (0, 4)
        work = await connection.fetchrow(
            "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'photo'"
        )
        assert work is not None
        assert work["seq_tup_read"] == 0
        assert work["idx_tup_fetch"] < 50
