"""The warehouses' part of the day: import, inspections, reviews, actions, discrepancies and holds, through HTTP only."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from deploy.demo.actors import PROVINCE_OFFICER, REGISTRY_CLERK
from deploy.demo.client import Command, DemoClient
from deploy.demo.fieldwork import SERVICE, Fieldwork, Site, count, pictures_of, resolve_action, submission
from deploy.demo.ledger import Entry
from deploy.demo.phone import Phone
from deploy.demo.plan import ActionFollowUp, CountyPlan, Visit
from shared.contracts.counties import County
from shared.contracts.warehouse import Verdict

SITES_PAGE = 200
CAPACITY_TONNES_MIN = 200.0
"""Smaller sites are left out: there the tolerance in tonnes, not the share, decides the verdict."""
FOLLOW_UP_DELAY_S = 1.0


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """An XLSX as the clerk has it."""

    name: str
    content: bytes


async def import_registry(client: DemoClient, file: RegistryFile, kind: str, mode: str) -> Entry:
    """Send the file in one mode; `kind` names the ledger's entry."""
    return await client.run(
        Command(
            kind=kind,
            actor=REGISTRY_CLERK,
            service=SERVICE,
            method="POST",
            path=f"/registry-imports?mode={mode}",
            upload=(file.name, file.content),
            intent={"file": file.name, "mode": mode},
        )
    )


async def sites_of(client: DemoClient, county: County, needed: int) -> list[Site]:
    """The first active sites of a county that are large enough, by registry id: the same ones every time."""
    found: list[Site] = []
    after: str | None = None
    while True:
        params = {"county": county.value, "limit": str(SITES_PAGE)} | ({"after": after} if after else {})
        page = await client.read(PROVINCE_OFFICER, SERVICE, "/warehouses", params)
        found += page["items"]
        after = page.get("next")
        if not after:
            break
    usable = [
        site
        for site in found
        if float(site["capacity_tonnes"]) >= CAPACITY_TONNES_MIN and site["status"] == "active" and not site["on_hold"]
    ]
    return sorted(usable, key=lambda site: str(site["registry_id"]))[:needed]


class CountyInspections:
    """All visits of one county, site after site; sites of different counties are worked side by side."""

    def __init__(self, client: DemoClient, plan: CountyPlan, sites: list[Site], seed: str) -> None:
        self._client = client
        self._county = plan.county
        self._plan = plan
        self._sites = sites
        self._work = Fieldwork(client, plan.county)
        self._random = Random(f"{seed}-{plan.county}")
        self._phones: dict[str, Phone] = {}
        self.left_open: list[tuple[County, str]] = []
        """Actions to be resolved after they have run overdue."""

    async def run(self, pause_s: float, sites_done: int = 0) -> None:
        """Work through the plan with `pause_s` between two sites, so that the day is a day and no burst."""
        for visits in self._plan.sites[sites_done:]:
            await self.visit_site(visits)
            await asyncio.sleep(pause_s * self._random.uniform(0.5, 1.5))

    async def visit_site(self, visits: tuple[Visit, ...]) -> None:
        for visit in visits:
            await self._inspect(visit, self._sites[visit.site])

    async def _inspect(self, visit: Visit, site: Site) -> None:
        inspector = self._work.inspector(1 + visit.visit)
        inspection_id = await self._work.assign(site, inspector)
        found = count(
            site,
            capacity_share=visit.capacity_share,
            in_use_share=visit.in_use_share,
            verdict=visit.verdict,
            failed_items=visit.failed_items,
            severity=visit.severity,
            suspicion=visit.suspicion,
        )
        body = submission(found, self._new_id())
        await self._submit(visit, inspector, inspection_id, body)
        if visit.returned_first:
            await self._work.give_back(inspection_id, "تصویر مورد مردود خوانا نیست")
            again = submission(found, self._new_id(), deprecated_id=body["instance_id"])
            await self._submit(visit, inspector, inspection_id, again)
        reviewed = await self._work.approve(inspection_id, site, found)
        await self._follow_up(visit, reviewed.answer)

    async def _follow_up(self, visit: Visit, review: dict[str, Any]) -> None:
        county = self._county
        action_ids = [str(action_id) for action_id in review.get("action_ids", [])]
        if visit.actions is ActionFollowUp.RESOLVE_EARLY:
            for action_id in action_ids:
                await resolve_action(self._client, county, action_id)
        elif visit.actions is ActionFollowUp.RESOLVE_LATE:
            self.left_open += [(county, action_id) for action_id in action_ids]
        discrepancy_id = review.get("discrepancy_id")
        if discrepancy_id and visit.verdict is Verdict.DIFFERS and visit.resolve_discrepancy:
            await self._work.post(
                "discrepancy.resolve",
                f"reviewer.{county}",
                f"/discrepancies/{discrepancy_id}/resolution",
                {"reason": "پروندهٔ سامانه اصلاح شد"},
                {"discrepancy_id": discrepancy_id},
            )
        hold_id = review.get("hold_id")
        if hold_id and visit.lift_hold:
            await asyncio.sleep(FOLLOW_UP_DELAY_S)
            await self._work.post(
                "hold.lift",
                f"county_chair.{county}",
                f"/holds/{hold_id}/lifting",
                {"reason": "مرجع ذی‌صلاح رفع خطر را تأیید کرد", "without_answer": True},
                {"hold_id": hold_id},
            )

    async def _submit(self, visit: Visit, inspector: str, inspection_id: str, body: dict[str, Any]) -> None:
        """Every second site is inspected with a phone whose first answer is lost, the others through plain JSON."""
        if visit.site % 2 == 0:
            await self._work.submit(inspection_id, inspector, body)
            return
        phone = self._phones.setdefault(inspector, Phone(self._client, inspector))
        await phone.download_form()
        await phone.send_twice(phone.fill(inspection_id, body, pictures_of(body)))

    def _new_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))
