"""Photos as they come: one late and in parts, and one picture for two sites, which the reviewer sees and returns."""

from typing import Any, Final

from deploy.demo.client import Command, DemoClient
from deploy.demo.fieldwork import JPEG, SERVICE, Fieldwork, Site, count, submission
from deploy.demo.phone import picture
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem

COUNTY: Final = County.QODS
SITES_NEEDED: Final = 3
FAILED: Final = ChecklistItem.STORAGE_RULES
PHOTO: Final = f"{FAILED.value}.jpg"
LARGE_PIXELS: Final = (3200, 2400)
PART_BYTES: Final = 64 * 1024
"""The smallest part that the service takes, the last one excepted."""
IS_HERE_ALREADY: Final = "warehouse.photo.part_out_of_order"
"""What the last part is told when its answer was lost and it comes again: the whole photo is here."""


async def play(client: DemoClient, sites: list[Site]) -> str:
    """Three sites."""
    late, first, second = sites
    work = Fieldwork(client, COUNTY)
    await _send_late_photo(client, work, late)
    await _use_one_picture_twice(client, work, first, second)
    return "a photo came late and in parts; one picture used for two sites was seen and replaced"


async def _send_late_photo(client: DemoClient, work: Fieldwork, site: Site) -> None:
    """Nothing is approved before the photo is in; it comes in parts, one of them twice."""
    inspector, found = work.inspector(3), count(site, failed_items=(FAILED,))
    inspection_id = await work.assign(site, inspector)
    await _submit(work, inspection_id, inspector, submission(found, "late-photo"))
    await work.approve(inspection_id, site, found, refusal="warehouse.review.photos_missing")
    content = picture("late photo", LARGE_PIXELS)
    starts = list(range(0, len(content), PART_BYTES))
    for start in [*starts[:1], *starts[:-1], starts[-1]]:
        part = content[start : start + PART_BYTES]
        await client.run(
            Command(
                "inspection.photo_part",
                inspector,
                SERVICE,
                "PUT",
                f"/inspections/{inspection_id}/submissions/late-photo/photos/{PHOTO}",
                raw=(JPEG, part),
                headers={"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}"},
                intent={"county": COUNTY},
                tolerated=frozenset({IS_HERE_ALREADY}),
            )
        )
    await work.approve(inspection_id, site, found)


async def _use_one_picture_twice(client: DemoClient, work: Fieldwork, first: Site, second: Site) -> None:
    """The reviewer is shown it and returns the second submission with reasons; it comes again with a picture of its own."""
    inspector, found = work.inspector(3), count(first, failed_items=(FAILED,))
    inspection_id = await work.assign(first, inspector)
    await _submit(work, inspection_id, inspector, submission(found, "first-site"))
    await work.upload(inspection_id, inspector, "first-site", PHOTO, picture("one picture"))
    await work.approve(inspection_id, first, found)

    found = count(second, failed_items=(FAILED,))
    inspection_id = await work.assign(second, inspector)
    await _submit(work, inspection_id, inspector, submission(found, "second-site"))
    await work.upload(inspection_id, inspector, "second-site", PHOTO, picture("one picture"))
    await _see_flags(client, work, inspection_id, "second-site", ["same_file_at_another_site"])
    reasons = {FAILED.value: "همین عکس برای انبار دیگری هم آمده است"}
    await work.give_back(inspection_id, "برای یک مورد عکس تازه بگیرید", reasons)
    detail = await client.read(inspector, SERVICE, f"/inspections/{inspection_id}")
    client.observe("reasons that the inspector reads", reasons, detail["reviews"][-1]["item_reasons"])
    again = submission(found, "second-site-again", deprecated_id="second-site")
    await _submit(work, inspection_id, inspector, again)
    await work.upload(inspection_id, inspector, "second-site-again", PHOTO, picture("its own picture"))
    await _see_flags(client, work, inspection_id, "second-site-again", [])
    await work.approve(inspection_id, second, found)


async def _submit(work: Fieldwork, inspection_id: str, inspector: str, body: dict[str, Any]) -> None:
    """The form alone; its photo comes by itself."""
    await work.post("inspection.submit", inspector, f"/inspections/{inspection_id}/submission", body)


async def _see_flags(
    client: DemoClient, work: Fieldwork, inspection_id: str, instance_id: str, expected: list[str]
) -> None:
    photos = await client.read(work.reviewer, SERVICE, f"/inspections/{inspection_id}/photos")
    [photo] = [photo for photo in photos["items"] if photo["instance_id"] == instance_id]
    client.observe(f"flags of the photo of {instance_id}", expected, photo["flags"])
