"""What the register must say anew: a count made again, changes that people accept or reject, sites that it does not know."""

from datetime import UTC, datetime
from typing import Any, Final

from deploy.demo.actors import REGISTRY_CLERK
from deploy.demo.client import DemoClient
from deploy.demo.fieldwork import SERVICE, Fieldwork, Site, count
from shared.contracts.counties import County
from shared.contracts.warehouse import Verdict

COUNTY: Final = County.PAKDASHT
SITES_NEEDED: Final = 4
DIFFERING_SHARE: Final = 1.6
IMPLAUSIBLE_SHARE: Final = 4.0
"""Beyond a factor of three nobody is believed at the first count."""
POINT: Final = {"latitude": 35.478, "longitude": 51.684}
NATIONAL_ID: Final = "399900000001"
"""Below it lie all ids of the registry file."""


async def play(client: DemoClient, sites: list[Site]) -> str:
    """Four sites, and two that are not in the register."""
    accepted, rejected, recounted, known = sites
    work = Fieldwork(client, COUNTY)
    await _decide_proposal(client, work, accepted, "accept")
    await _decide_proposal(client, work, rejected, "reject")
    await _count_again(work, recounted)
    await _register_found_site(work)
    await _find_known_site(work, known)
    return "the register changed where a person accepted it: a capacity, a recount, a site that it did not know"


async def _decide_proposal(client: DemoClient, work: Fieldwork, site: Site, decision: str) -> None:
    """The inspection proposes; the register changes only where the clerk accepts."""
    found = count(site, capacity_share=DIFFERING_SHARE, verdict=Verdict.DIFFERS)
    reviewed = await work.visit(site, work.inspector(3), found, f"proposal-{decision}")
    [proposal_id] = reviewed.answer["proposal_ids"]
    path = f"/registry-proposals/{proposal_id}/decision"
    if decision == "reject":
        await work.post(
            "mistake.reject", REGISTRY_CLERK, path, {"decision": decision}, refusal="warehouse.proposal.reason_missing"
        )
    body = {"decision": decision, "reason": "برابر پروانهٔ بهره‌برداری"}
    intent = {"capacity_tonnes": found.capacity_tonnes, "capacity_tonnes_before": site["capacity_tonnes"]}
    await work.post("proposal.decide", REGISTRY_CLERK, path, body, intent)
    now = await client.read(work.reviewer, SERVICE, f"/warehouses/{site['warehouse_id']}")
    expected = found.capacity_tonnes if decision == "accept" else site["capacity_tonnes"]
    client.observe("capacity in the register after the decision", expected, now["site"]["capacity_tonnes"])


async def _count_again(work: Fieldwork, site: Site) -> None:
    """Four times what is registered: counted again, and not by the same inspector, before it is believed."""
    first = count(site, capacity_share=IMPLAUSIBLE_SHARE, verdict=Verdict.NEEDS_RECOUNT)
    reviewed = await work.visit(site, work.inspector(1), first, "first-count")
    await work.assign(site, work.inspector(1), refusal="warehouse.inspection.recount_by_another")
    second = count(site, capacity_share=IMPLAUSIBLE_SHARE * 1.01, verdict=Verdict.DIFFERS)
    recounted = reviewed.answer["discrepancy_id"]
    await work.visit(site, work.inspector(2), second, "second-count", recounted_discrepancy_id=recounted)


async def _register_found_site(work: Fieldwork) -> None:
    """A site that nobody registered: reported twice, accepted once, and named by the national register later."""
    body = _found_site("انبار بی‌نام جادهٔ خاوران", "found-site")
    reported = await work.post("found_site.report", work.inspector(3), "/unregistered-sites", body)
    await work.post("found_site.report", work.inspector(3), "/unregistered-sites", body)
    decided = await _decide(work, reported.answer["unregistered_site_id"], body, {"decision": "accept"})
    path = f"/warehouses/{decided['warehouse_id']}/registry-id"
    given = {"registry_id": NATIONAL_ID, "reason": "سامانهٔ ملی شناسه داد"}
    await work.post("found_site.registry_id", REGISTRY_CLERK, path, given)


async def _find_known_site(work: Fieldwork, known: Site) -> None:
    """What an inspector took for unknown is registered under another name: a visit, and no site more."""
    body = _found_site("سولهٔ روبه‌روی پمپ بنزین", "known-site")
    reported = await work.post("found_site.report", work.inspector(3), "/unregistered-sites", body)
    decision = {"decision": "duplicate", "duplicate_of": known["warehouse_id"], "reason": "همان انبار با تابلوی تازه"}
    await _decide(work, reported.answer["unregistered_site_id"], body, decision)


async def _decide(work: Fieldwork, found_id: str, body: dict[str, Any], decision: dict[str, Any]) -> dict[str, Any]:
    figures = {name: body[name] for name in ("capacity_tonnes", "in_use_capacity_tonnes")}
    path = f"/unregistered-sites/{found_id}/decision"
    decided = await work.post("found_site.decide", f"county_chair.{COUNTY}", path, decision, figures)
    return decided.answer


def _found_site(name: str, instance_id: str) -> dict[str, Any]:
    figures = {
        "capacity_tonnes": 812.5,
        "in_use_capacity_tonnes": 410.25,
        "floor_area_m2": 640.0,
        "kind": "general",
        "operating": True,
    }
    seen = {"name": name, "instance_id": instance_id, "county": COUNTY, "found_at": datetime.now(UTC).isoformat()}
    return figures | seen | POINT
