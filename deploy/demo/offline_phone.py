"""A phone without a signal: forms queue up in it, it comes back, sends everything twice, edits one and contradicts itself."""

import csv
import io
from typing import Any, Final

from deploy.demo.client import DemoClient
from deploy.demo.fieldwork import SERVICE, Count, Fieldwork, Site, count, pictures_of, submission
from deploy.demo.phone import Phone
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem

COUNTY: Final = County.SHAHRIAR
SITES_NEEDED: Final = 4
INSPECTOR_NUMBER: Final = 3
TWO_FAILED: Final = (ChecklistItem.FIRE_SAFETY, ChecklistItem.STRUCTURE)
CONFLICT_STATUS: Final = "409"
"""A phone is told in words, not in codes: only the status is for machines."""


async def play(client: DemoClient, sites: list[Site]) -> str:
    """Four sites: one edited, two of which other content comes under the same instance id, one plain."""
    work, phone = Fieldwork(client, COUNTY), Phone(client, f"inspector{INSPECTOR_NUMBER}.{COUNTY}")
    inspections = [await work.assign(site, work.inspector(INSPECTOR_NUMBER)) for site in sites]
    await _see_assigned_sites(client, phone, inspections)

    counts = [count(site, failed_items=TWO_FAILED if number < 2 else ()) for number, site in enumerate(sites)]
    forms = [submission(found, f"offline-{number}") for number, found in enumerate(counts)]
    filled = [
        phone.fill(inspection_id, form, pictures_of(form))
        for inspection_id, form in zip(inspections, forms, strict=True)
    ]
    await phone.probe()
    for outbox in filled:
        await phone.send_lost(outbox)
    for outbox in filled:
        await phone.send_again(outbox)

    counts[0] = count(sites[0], in_use_share=0.6, failed_items=TWO_FAILED)
    edited = submission(counts[0], "offline-0-edited", deprecated_id="offline-0")
    await phone.send_twice(phone.fill(inspections[0], edited, pictures_of(edited)))
    counts[1] = await _contradict(client, work, phone, inspections[1], forms[1], sites[1], "take_other")
    await _contradict(client, work, phone, inspections[2], forms[2], sites[2], "keep_first")
    for inspection_id, site, found in zip(inspections, sites, counts, strict=True):
        await work.approve(inspection_id, site, found)
    return f"a phone without a signal came back and sent {len(sites)} forms twice; 2 contradictions were decided"


async def _see_assigned_sites(client: DemoClient, phone: Phone, inspections: list[str]) -> None:
    """While there is a signal: the form, and the list of one's own sites, in which no registered figure stands."""
    files = await phone.download_media()
    rows = list(csv.DictReader(io.StringIO(files["sites.csv"].decode())))
    client.observe("sites on the phone", sorted(inspections), sorted(row["id"] for row in rows))
    columns = ["id", "name", "county", "address", "location"]
    client.observe("columns of the sites on the phone", columns, list(rows[0]))


async def _contradict(
    client: DemoClient,
    work: Fieldwork,
    phone: Phone,
    inspection_id: str,
    form: dict[str, Any],
    site: Site,
    decision: str,
) -> Count:
    """Other content under an instance id that is taken: a person decides. Returns the other count."""
    failed = TWO_FAILED if decision == "take_other" else ()
    other = count(site, in_use_share=0.7, failed_items=failed)
    body = form | {"found": submission(other, form["instance_id"])["found"]}
    outbox = phone.fill(inspection_id, body, pictures_of(body))
    await phone.send_refused(outbox, CONFLICT_STATUS)
    await phone.send_refused(outbox, CONFLICT_STATUS)
    await work.approve(inspection_id, site, other, refusal="warehouse.review.conflict_open")

    params = {"inspection_id": inspection_id, "is_open": "true"}
    [conflict] = (await client.read(work.reviewer, SERVICE, "/submission-conflicts", params))["items"]
    client.observe("ground of the conflict", "other_content", conflict["ground"])
    path = f"/submission-conflicts/{conflict['conflict_id']}"
    detail = await client.read(work.reviewer, SERVICE, path)
    client.observe("what the two submissions say differently", ["found"], detail["differing"])
    reason = {"decision": decision, "reason": "با بازرس تلفنی گفت‌وگو شد"}
    await work.post("conflict.resolve", work.reviewer, f"{path}/resolution", reason)
    return other
