"""After inspections: more time for an action, one that is opened again, and a hold from its placing to its lifting."""

import asyncio
import time
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from deploy.demo.actors import PROVINCE_OFFICER
from deploy.demo.client import DemoClient
from deploy.demo.fieldwork import SERVICE, Fieldwork, Site, count, resolve_action
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, Severity

COUNTY: Final = County.MALARD
SITES_NEEDED: Final = 3
OFFICE_ZONE: Final = ZoneInfo("Asia/Tehran")
FRIDAY: Final = 4
EXTENSION_DAYS: Final = 40
OVERDUE_DEADLINE_S: Final = 60.0
LOOK_INTERVAL_S: Final = 0.25


async def play(client: DemoClient, sites: list[Site]) -> str:
    """Three sites; the last step waits for an action to run overdue."""
    overdue, reopened, suspicious = sites
    async with asyncio.TaskGroup() as group:
        group.create_task(_extend_actions(client, overdue))
        group.create_task(_reopen_actions(client, reopened))
        group.create_task(_hold_and_lift(client, suspicious))
    return "actions were extended and reopened; a hold was referred, answered and lifted by another person"


async def _extend_actions(client: DemoClient, site: Site) -> None:
    """One action gets more time before it is due, one after it ran overdue; then both are mended."""
    work = Fieldwork(client, COUNTY)
    items = (ChecklistItem.STRUCTURE, ChecklistItem.HYGIENE_AND_BIOLOGICAL_HAZARD)
    found = count(site, failed_items=items, severity=Severity.MINOR)
    reviewed = await work.visit(site, work.inspector(3), found, "action-extended")
    at_once, late = (str(action_id) for action_id in reviewed.answer["action_ids"])
    await _extend(client, work, at_once)
    await resolve_action(client, COUNTY, at_once)
    deadline = time.monotonic() + OVERDUE_DEADLINE_S
    while await _state(client, work, late) != "overdue" and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_INTERVAL_S)
    await _extend(client, work, late)
    await resolve_action(client, COUNTY, late)


async def _extend(client: DemoClient, work: Fieldwork, action_id: str) -> None:
    """A Friday is asked for first; the refusal names the next working day."""
    path, reason = f"/corrective-actions/{action_id}/extension", {"reason": "قطعه سفارش داده شده و در راه است"}
    friday = {"due_on": _friday(EXTENSION_DAYS).isoformat()} | reason
    refused = await work.post(
        "mistake.day_off", work.reviewer, path, friday, refusal="warehouse.action.extension_day_off"
    )
    body = {"due_on": refused.answer["details"]["next_working_day"]} | reason
    intent = {"action_id": action_id, "state_before": await _state(client, work, action_id)}
    await work.post("action.extend", work.reviewer, path, body, intent)


async def _reopen_actions(client: DemoClient, site: Site) -> None:
    """Two actions are said to be mended and are not: one is mended then, one is left."""
    work = Fieldwork(client, COUNTY)
    items = (ChecklistItem.FIRE_SAFETY, ChecklistItem.VISUAL_MONITORING)
    found = count(site, failed_items=items, severity=Severity.CRITICAL)
    reviewed = await work.visit(site, work.inspector(3), found, "action-reopened")
    mended, left = (str(action_id) for action_id in reviewed.answer["action_ids"])
    for action_id in (mended, left):
        await resolve_action(client, COUNTY, action_id)
        path, body = f"/corrective-actions/{action_id}/reopening", {"reason": "در بازدید دوباره رفع نشده بود"}
        await work.post("action.reopen", work.reviewer, path, body, {"action_id": action_id})
    await resolve_action(client, COUNTY, mended)


async def _hold_and_lift(client: DemoClient, site: Site) -> None:
    """Placed by a person, referred, received and answered; lifted by somebody else, and not before."""
    work, chair, officer = Fieldwork(client, COUNTY), f"county_chair.{COUNTY}", f"health_officer.{COUNTY}"
    body = {"ground": "biological_hazard", "reason": "گزارش مردمی از نشت فاضلاب به انبار"}
    path = f"/warehouses/{site['warehouse_id']}/holds"
    placed = await work.post("hold.place", chair, path, body)
    # Said again in another hour, it is the same hold.
    await work.post("hold.place", chair, path, body)
    hold_id = str(placed.answer["hold_id"])
    lifting, reason = f"/holds/{hold_id}/lifting", {"reason": "نامهٔ مرکز بهداشت رسید"}
    await work.post("mistake.lift_own", chair, lifting, reason, refusal="warehouse.hold.lifted_by_placer")
    await work.post("mistake.lift_early", PROVINCE_OFFICER, lifting, reason, refusal="warehouse.hold.not_answered")

    listed = await client.read(officer, SERVICE, "/referrals", {"state": "opened"})
    [referral_id] = [line["referral_id"] for line in listed["items"] if line["hold_id"] == hold_id]
    path = f"/referrals/{referral_id}"
    answer = {"answer": "نمونه‌برداری شد و آلودگی رفع شده است", "decision_reference": "۱۴۰۵/ب/۲۱۷"}
    await work.post(
        "mistake.answer_early", officer, f"{path}/answer", answer, refusal="warehouse.referral.not_received"
    )
    await work.post("referral.receive", officer, f"{path}/receipt", {})
    await work.post("referral.answer", officer, f"{path}/answer", answer)
    await work.post("hold.lift", PROVINCE_OFFICER, lifting, reason, {"hold_id": hold_id})
    [line] = [
        line
        for line in (await client.read(work.reviewer, SERVICE, "/holds", {"lifted": "true"}))["items"]
        if line["hold_id"] == hold_id
    ]
    told = {name: line[name] for name in ("referral_state", "lifted_by", "lifted_without_answer")}
    expected = {"referral_state": "answered", "lifted_by": PROVINCE_OFFICER, "lifted_without_answer": False}
    client.observe("the hold in the list", expected, told)


async def _state(client: DemoClient, work: Fieldwork, action_id: str) -> str:
    action = await client.read(work.reviewer, SERVICE, f"/corrective-actions/{action_id}")
    return str(action["state"])


def _friday(days: int) -> date:
    """The first Friday that is at least so many days away."""
    day = datetime.now(OFFICE_ZONE).date() + timedelta(days=days)
    return day + timedelta(days=(FRIDAY - day.weekday()) % 7)
