"""One inspection as its people play it: assigned, counted, sent, reviewed; every part of the day sends people out so."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deploy.demo.client import Command, DemoClient
from deploy.demo.ledger import Entry
from deploy.demo.phone import picture
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, Severity, Verdict

SERVICE: Final = "warehouse"
TONNES_DECIMALS: Final = 3
JPEG: Final = "image/jpeg"

Site = dict[str, Any]
"""A site as the service lists it."""


@dataclass(frozen=True, slots=True)
class Count:
    """What an inspector finds at a site, and the verdict that these figures must give."""

    capacity_tonnes: float
    in_use_capacity_tonnes: float
    floor_area_m2: float
    kind: str
    verdict: Verdict = Verdict.CONFIRMED
    failed_items: tuple[ChecklistItem, ...] = ()
    severity: Severity = Severity.MAJOR
    suspicion: str | None = None
    operating: bool = True


def count(site: Site, *, capacity_share: float = 1.0, in_use_share: float = 0.5, **more: Any) -> Count:
    """A count of `site` that finds `capacity_share` of its registered capacity, `in_use_share` of which is in use."""
    capacity = round(float(site["capacity_tonnes"]) * capacity_share, TONNES_DECIMALS)
    in_use = round(capacity * in_use_share, TONNES_DECIMALS)
    return Count(capacity, in_use, float(site["floor_area_m2"]), str(site["kind"]), **more)


def submission(found: Count, instance_id: str, deprecated_id: str | None = None) -> dict[str, Any]:
    """The filled form as JSON; every failed item has a photo."""
    items = [
        {
            "item": item.value,
            "result": "fail",
            "severity": found.severity.value,
            "photos": [f"{item.value}.jpg"],
        }
        if item in found.failed_items
        else {"item": item.value, "result": "pass"}
        for item in ChecklistItem
    ]
    body: dict[str, Any] = {
        "instance_id": instance_id,
        "inspected_at": datetime.now(UTC).isoformat(),
        "found": {
            "capacity_tonnes": found.capacity_tonnes,
            "in_use_capacity_tonnes": found.in_use_capacity_tonnes,
            "floor_area_m2": found.floor_area_m2,
            "kind": found.kind,
            "operating": found.operating,
        },
        "items": items,
    }
    body |= {"suspicion": found.suspicion} if found.suspicion else {}
    return body | ({"deprecated_id": deprecated_id} if deprecated_id else {})


def pictures_of(body: dict[str, Any]) -> dict[str, bytes]:
    """A picture for every photo that a filled form names."""
    names = [name for item in body["items"] for name in item.get("photos", [])]
    return {name: picture(f"{body['instance_id']} {name}") for name in names}


class Fieldwork:
    """What the reviewers and inspectors of one county do about inspections."""

    def __init__(self, client: DemoClient, county: County) -> None:
        self._client = client
        self._county = county

    async def assign(self, site: Site, inspector: str, refusal: str | None = None) -> str:
        """Assign an inspection of `site`; its id."""
        body = {"warehouse_id": site["warehouse_id"], "inspector": inspector}
        intent = {"warehouse_id": site["warehouse_id"]}
        assigned = await self.post("inspection.assign", self.reviewer, "/inspections", body, intent, refusal)
        return str(assigned.answer.get("inspection_id"))

    async def submit(self, inspection_id: str, inspector: str, body: dict[str, Any]) -> None:
        """Send a filled form as plain JSON, its photos afterwards."""
        await self.post("inspection.submit", inspector, f"/inspections/{inspection_id}/submission", body)
        for name, content in pictures_of(body).items():
            await self.upload(inspection_id, inspector, body["instance_id"], name, content)

    async def upload(self, inspection_id: str, inspector: str, instance_id: str, name: str, content: bytes) -> Entry:
        """Send one photo, whole."""
        path = f"/inspections/{inspection_id}/submissions/{instance_id}/photos/{name}"
        intent = {"county": self._county}
        return await self._client.run(
            Command("inspection.photo", inspector, SERVICE, "POST", path, raw=(JPEG, content), intent=intent)
        )

    async def give_back(self, inspection_id: str, reason: str, item_reasons: dict[str, str] | None = None) -> None:
        """Return a submission with a reason, and reasons for single items."""
        body = {"decision": "return", "reasons": [reason], "item_reasons": item_reasons or {}}
        await self.post("inspection.return", self.reviewer, f"/inspections/{inspection_id}/review", body)

    async def approve(
        self, inspection_id: str, site: Site, found: Count, refusal: str | None = None, **more: Any
    ) -> Entry:
        """Approve; the ledger keeps what was counted, and `more` of what must follow."""
        intent = {
            "warehouse_id": site["warehouse_id"],
            "capacity_tonnes": found.capacity_tonnes,
            "in_use_capacity_tonnes": found.in_use_capacity_tonnes,
            "verdict": found.verdict.value,
            "failed_items": len(found.failed_items),
            "severity": found.severity.value,
            "suspicion": found.suspicion,
        }
        path = f"/inspections/{inspection_id}/review"
        body = {"decision": "approve"}
        return await self.post("inspection.approve", f"reviewer2.{self._county}", path, body, intent | more, refusal)

    async def visit(self, site: Site, inspector: str, found: Count, instance_id: str, **more: Any) -> Entry:
        """A whole visit in plain JSON, to its approval; `more` is for the ledger, as in `approve`."""
        inspection_id = await self.assign(site, inspector)
        await self.submit(inspection_id, inspector, submission(found, instance_id))
        return await self.approve(inspection_id, site, found, **more)

    async def post(
        self,
        kind: str,
        actor: str,
        path: str,
        body: dict[str, Any],
        intent: dict[str, Any] | None = None,
        refusal: str | None = None,
    ) -> Entry:
        """One command of the warehouse service, about this county."""
        return await self._send("POST", kind, actor, path, body, intent, refusal)

    async def put(self, kind: str, actor: str, path: str, body: dict[str, Any], refusal: str | None = None) -> Entry:
        """The same, for what is there once and is written anew."""
        return await self._send("PUT", kind, actor, path, body, None, refusal)

    async def _send(
        self,
        method: str,
        kind: str,
        actor: str,
        path: str,
        body: dict[str, Any],
        intent: dict[str, Any] | None,
        refusal: str | None,
    ) -> Entry:
        whole = {"county": self._county} | (intent or {})
        return await self._client.run(Command(kind, actor, SERVICE, method, path, body, intent=whole, refusal=refusal))

    @property
    def reviewer(self) -> str:
        """Who assigns, and returns what is not good enough."""
        return f"reviewer.{self._county}"

    def inspector(self, number: int = 1) -> str:
        """The county's inspector of this number, from 1."""
        return f"inspector{number}.{self._county}"


async def resolve_action(client: DemoClient, county: County, action_id: str) -> Entry:
    """Close one corrective action with its evidence; the answer says whether it had run overdue."""
    path = f"/corrective-actions/{action_id}/resolution"
    body = {"evidence": "عکس پس از رفع نقص پیوست شد"}
    return await Fieldwork(client, county).post(
        "action.resolve", f"inspector1.{county}", path, body, {"action_id": action_id}
    )
