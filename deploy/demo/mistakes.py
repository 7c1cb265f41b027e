"""What people get wrong, on purpose: each command must be refused with the code that is foreseen here, and change nothing."""

from datetime import UTC, datetime
from typing import Any

from deploy.demo.client import Command, DemoClient
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem

WAREHOUSE = "warehouse"
COUNTY = County.REY
OTHER_COUNTY = County.QODS


async def make_mistakes(client: DemoClient, site: dict[str, Any]) -> None:
    """One inspection with everything that can go wrong around it; it stays assigned and counts nowhere."""
    await client.run(
        _post("mistake.role", f"inspector1.{COUNTY}", "/inspections", _assignment(site), "kit.role_not_allowed")
    )
    await client.run(
        _post(
            "mistake.county",
            f"reviewer.{OTHER_COUNTY}",
            "/inspections",
            _assignment(site),
            "warehouse.site.not_found",
        )
    )
    key = client.new_key()
    assigned = await client.run(
        Command("mistake.assign", f"reviewer.{COUNTY}", WAREHOUSE, "POST", "/inspections", _assignment(site), key=key)
    )
    inspection_id = assigned.answer["inspection_id"]
    again = await client.run(
        Command(
            "mistake.replay", f"reviewer.{COUNTY}", WAREHOUSE, "POST", "/inspections", _assignment(site), key=key,
            intent={"first": assigned.answer},
        )
    )  # fmt: skip
    if again.answer != assigned.answer:
        raise AssertionError(f"the same key was answered differently: {assigned.answer} and then {again.answer}")
    other = _assignment(site) | {"inspector": f"inspector2.{COUNTY}"}
    await client.run(
        Command(
            "mistake.key", f"reviewer.{COUNTY}", WAREHOUSE, "POST", "/inspections", other,
            refusal="kit.idempotency_key_reused", key=key,
        )
    )  # fmt: skip
    await _wrong_steps(client, site, str(inspection_id))


async def _wrong_steps(client: DemoClient, site: dict[str, Any], inspection_id: str) -> None:
    submission, review = f"/inspections/{inspection_id}/submission", f"/inspections/{inspection_id}/review"
    inspector, approve = f"inspector1.{COUNTY}", {"decision": "approve"}
    body = _submission(site)
    changed = body | {"found": body["found"] | {"in_use_capacity_tonnes": 1.0}}
    over = body | {"found": body["found"] | {"in_use_capacity_tonnes": float(site["capacity_tonnes"]) + 1}}
    for command in (
        _post(
            "mistake.open_twice",
            f"reviewer.{COUNTY}",
            "/inspections",
            _assignment(site),
            "warehouse.inspection.already_open",
        ),
        _post("mistake.early_review", f"reviewer.{COUNTY}", review, approve, "warehouse.inspection.wrong_state"),
        _post("mistake.not_assigned", f"inspector2.{COUNTY}", submission, body, "warehouse.submission.not_assigned"),
        _post(
            "mistake.checklist",
            inspector,
            submission,
            body | {"items": []},
            "warehouse.submission.checklist_incomplete",
        ),
        _post(
            "mistake.no_photo",
            inspector,
            submission,
            body | {"items": _one_failed(body["items"])},
            "warehouse.submission.photo_missing",
        ),
        _post("mistake.over_capacity", inspector, submission, over, "warehouse.submission.in_use_over_capacity"),
        _post("mistake.submit", inspector, submission, body, None),
        _post("mistake.same_instance", inspector, submission, body, None),
        _post("mistake.conflict", inspector, submission, changed, "warehouse.submission.conflict"),
        _post(
            "mistake.no_reason",
            f"reviewer.{COUNTY}",
            review,
            {"decision": "return"},
            "warehouse.review.reasons_missing",
        ),
    ):
        await client.run(command)


def _post(kind: str, actor: str, path: str, body: dict[str, Any], refusal: str | None) -> Command:
    return Command(kind, actor, WAREHOUSE, "POST", path, body, refusal=refusal)


def _assignment(site: dict[str, Any]) -> dict[str, Any]:
    return {"warehouse_id": site["warehouse_id"], "inspector": f"inspector1.{COUNTY}"}


def _one_failed(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first item fails, with a severity and without a photo."""
    return [items[0] | {"result": "fail", "severity": "minor"}, *items[1:]]


def _submission(site: dict[str, Any]) -> dict[str, Any]:
    capacity = float(site["capacity_tonnes"])
    return {
        "instance_id": f"mistakes-{site['registry_id']}",
        "inspected_at": datetime.now(UTC).isoformat(),
        "found": {
            "capacity_tonnes": capacity,
            "in_use_capacity_tonnes": 0.0,
            "floor_area_m2": float(site["floor_area_m2"]),
            "kind": site["kind"],
            "operating": True,
        },
        "items": [{"item": item.value, "result": "pass"} for item in ChecklistItem],
    }
