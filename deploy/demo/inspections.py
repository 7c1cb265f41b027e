"""The warehouses' part of the day: import, inspections, reviews, actions, discrepancies and holds, through HTTP only."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from deploy.demo.actors import PROVINCE_OFFICER, REGISTRY_CLERK
from deploy.demo.client import Command, DemoClient
from deploy.demo.ledger import Entry
from deploy.demo.plan import ActionFollowUp, CountyPlan, Visit
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, Verdict

SERVICE = "warehouse"
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


async def sites_of(client: DemoClient, county: County, needed: int) -> list[dict[str, Any]]:
    """The first active sites of a county that are large enough, by registry id: the same ones every time."""
    found: list[dict[str, Any]] = []
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

    def __init__(self, client: DemoClient, plan: CountyPlan, sites: list[dict[str, Any]], seed: str) -> None:
        self._client = client
        self._county = plan.county
        self._plan = plan
        self._sites = sites
        self._random = Random(f"{seed}-{plan.county}")
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

    async def _inspect(self, visit: Visit, site: dict[str, Any]) -> None:
        county, inspector = self._county, f"inspector{1 + visit.visit}.{self._county}"
        assigned = await self._command(
            "inspection.assign",
            f"reviewer.{county}",
            "/inspections",
            {"warehouse_id": site["warehouse_id"], "inspector": inspector},
            {"county": county, "warehouse_id": site["warehouse_id"]},
        )
        inspection_id = assigned.answer["inspection_id"]
        found = self._found(visit, site)
        body = self._submission(visit, found)
        path = f"/inspections/{inspection_id}/submission"
        await self._command("inspection.submit", inspector, path, body, {"county": county})
        if visit.returned_first:
            await self._command(
                "inspection.return",
                f"reviewer.{county}",
                f"/inspections/{inspection_id}/review",
                {"decision": "return", "reasons": ["تصویر مورد مردود خوانا نیست"]},
                {"county": county},
            )
            again = body | {"instance_id": str(self._new_id())}
            await self._command("inspection.submit", inspector, path, again, {"county": county})
        reviewed = await self._command(
            "inspection.approve",
            f"reviewer2.{county}",
            f"/inspections/{inspection_id}/review",
            {"decision": "approve"},
            {
                "county": county,
                "warehouse_id": site["warehouse_id"],
                "capacity_tonnes": found["capacity_tonnes"],
                "in_use_capacity_tonnes": found["in_use_capacity_tonnes"],
                "verdict": visit.verdict.value,
                "failed_items": len(visit.failed_items),
                "severity": visit.severity.value,
                "suspicion": visit.suspicion,
            },
        )
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
            await self._command(
                "discrepancy.resolve",
                f"reviewer.{county}",
                f"/discrepancies/{discrepancy_id}/resolution",
                {"reason": "پروندهٔ سامانه اصلاح شد"},
                {"county": county, "discrepancy_id": discrepancy_id},
            )
        hold_id = review.get("hold_id")
        if hold_id and visit.lift_hold:
            await asyncio.sleep(FOLLOW_UP_DELAY_S)
            await self._command(
                "hold.lift",
                f"county_chair.{county}",
                f"/holds/{hold_id}/lifting",
                {"reason": "مرجع ذی‌صلاح رفع خطر را تأیید کرد"},
                {"county": county, "hold_id": hold_id},
            )

    def _found(self, visit: Visit, site: dict[str, Any]) -> dict[str, Any]:
        capacity = round(float(site["capacity_tonnes"]) * visit.capacity_share, 3)
        return {
            "capacity_tonnes": capacity,
            "in_use_capacity_tonnes": round(capacity * visit.in_use_share, 3),
            "floor_area_m2": float(site["floor_area_m2"]),
            "kind": site["kind"],
            "operating": True,
        }

    def _submission(self, visit: Visit, found: dict[str, Any]) -> dict[str, Any]:
        failed = set(visit.failed_items)
        items: list[dict[str, Any]] = [
            {"item": item.value, "result": "fail", "severity": visit.severity.value}
            if item in failed
            else {"item": item.value, "result": "pass"}
            for item in ChecklistItem
        ]
        body: dict[str, Any] = {
            "instance_id": str(self._new_id()),
            "inspected_at": datetime.now(UTC).isoformat(),
            "found": found,
            "items": items,
        }
        return body | ({"suspicion": visit.suspicion} if visit.suspicion else {})

    def _new_id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    async def _command(self, kind: str, actor: str, path: str, body: dict[str, Any], intent: dict[str, Any]) -> Entry:
        return await self._client.run(Command(kind, actor, SERVICE, "POST", path, body, intent=intent))


async def resolve_action(client: DemoClient, county: County, action_id: str) -> Entry:
    """Close one corrective action with its evidence; the answer says whether it had run overdue."""
    return await client.run(
        Command(
            "action.resolve",
            f"inspector1.{county}",
            SERVICE,
            "POST",
            f"/corrective-actions/{action_id}/resolution",
            {"evidence": "عکس پس از رفع نقص پیوست شد"},
            intent={"county": county, "action_id": action_id},
        )
    )
