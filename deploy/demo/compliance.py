"""One site on its way to a certificate of compliance, which then anybody can verify by its code."""

import re
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from deploy.demo.client import DemoClient
from deploy.demo.fieldwork import SERVICE, Fieldwork, Site, count, submission
from shared.contracts.counties import County

COUNTY: Final = County.ROBAT_KARIM
SITES_NEEDED: Final = 1
OFFICE_ZONE: Final = ZoneInfo("Asia/Tehran")
VALID_DAYS: Final = 180
TRAINED_DAYS_AGO: Final = 40
TRAINING_DAYS: Final = 730
_STATE: Final = re.compile(r'class="state (\w+)"')


async def play(client: DemoClient, sites: list[Site]) -> str:
    """One site."""
    [site] = sites
    work, chair = Fieldwork(client, COUNTY), f"county_chair.{COUNTY}"
    path = f"/warehouses/{site['warehouse_id']}"
    certificate = {"valid_until": _day(VALID_DAYS)}
    await work.post(
        "mistake.certificate", chair, f"{path}/certificates", certificate, refusal="warehouse.certificate.not_compliant"
    )
    inspector, found = work.inspector(3), count(site)
    inspection_id = await work.assign(site, inspector)
    required = await _requirements(client, work, site)
    await _record_elements(client, work, site, inspection_id, required["elements"])
    await work.submit(inspection_id, inspector, submission(found, "certified-site"))
    await work.approve(inspection_id, site, found)
    for course in required["courses"]:
        await _train(work, path, course)
    status = await client.read(work.reviewer, SERVICE, f"{path}/compliance")
    client.observe("what speaks against compliance", [], status["shortcomings"])
    issued = await work.post("certificate.issue", chair, f"{path}/certificates", certificate)
    code = str(issued.answer["code"])
    await _verify(client, site, code)
    return f"a site was certified; whoever holds {code} can verify it"


async def _requirements(client: DemoClient, work: Fieldwork, site: Site) -> dict[str, list[dict[str, Any]]]:
    """Elements and courses that a site of this class and kind needs."""
    told = await client.read(work.reviewer, SERVICE, "/compliance-requirements")
    return {
        what: [item for item in told[what] if site["risk_class"] in item["classes"] or site["kind"] in item["kinds"]]
        for what in ("elements", "courses")
    }


async def _record_elements(
    client: DemoClient, work: Fieldwork, site: Site, inspection_id: str, elements: list[dict[str, Any]]
) -> None:
    """The inspector records what is there; the last one is not needed here, which only the chair may say."""
    path = f"/warehouses/{site['warehouse_id']}/passive-defence"
    *present, waived = [element["key"] for element in elements]
    seen = {"elements": [{"element": key, "state": "present"} for key in present], "inspection_id": inspection_id}
    waiver = {"element": waived, "state": "not_required", "reason": "انبار مجاور همین را برای هر دو دارد"}
    by_inspector = {"elements": [waiver], "inspection_id": inspection_id}
    await work.put("elements.record", work.inspector(3), path, seen)
    await work.put(
        "mistake.waiver",
        work.inspector(3),
        path,
        by_inspector,
        refusal="warehouse.passive_defence.waiver_by_officer",
    )
    await work.put("elements.record", f"county_chair.{COUNTY}", path, {"elements": [waiver]})
    recorded = await client.read(work.reviewer, SERVICE, path)
    states = {item["element"]: item["state"] for item in recorded["elements"] if item["required"]}
    expected = dict.fromkeys(present, "present") | {waived: "not_required"}
    client.observe("recorded elements of passive defence", expected, states)


async def _train(work: Fieldwork, path: str, course: dict[str, Any]) -> None:
    """As many people as must hold a course; their names stay with the site."""
    for number in range(1, course["staff_min"] + 1):
        body = {
            "staff_reference": f"K-{number:03}",
            "staff_role": "storekeeper",
            "course": course["key"],
            "certificate_number": f"FA-{number}/1404",
            "trained_on": _day(-TRAINED_DAYS_AGO),
            "expires_on": _day(TRAINING_DAYS),
        }
        await work.post("training.record", work.inspector(3), f"{path}/training-records", body)


async def _verify(client: DemoClient, site: Site, code: str) -> None:
    """Whoever holds the code, without a token, sees the site and that its certificate is valid."""
    page = (await client.fetch(None, SERVICE, f"/certificates/{code}")).decode()
    client.observe("state of the certificate", ["valid"], _STATE.findall(page))
    client.observe("the certificate names its site", True, str(site["name"]) in page)


def _day(days: int) -> str:
    """The day so many days from today in the province."""
    return (datetime.now(OFFICE_ZONE).date() + timedelta(days=days)).isoformat()
