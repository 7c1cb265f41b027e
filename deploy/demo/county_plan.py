"""A county plans its inspections: a draft with its reasons, accepted as a whole, then one goes to another, one waits."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from deploy.demo.client import DemoClient
from deploy.demo.fieldwork import SERVICE, Fieldwork, count, submission
from shared.contracts.counties import County

COUNTY: Final = County.FIRUZKUH
"""Its other inspections are over by now: no site of the plan may get one in between."""
OFFICE_ZONE: Final = ZoneInfo("Asia/Tehran")
PERIOD_DAYS: Final = 21
DAYS_AT_WORK: Final = 10
VISITED: Final = 2
POSTPONED_DAYS: Final = 7


async def play(client: DemoClient) -> str:
    """Few of the planned visits lie on this day; the others stay assigned."""
    work = Fieldwork(client, COUNTY)
    today = datetime.now(OFFICE_ZONE).date()
    drafted = await work.post("plan.draft", work.reviewer, "/inspection-plans", _draft(work, today))
    path = f"/inspection-plans/{drafted.answer['plan_id']}"
    await work.post("plan.accept", work.reviewer, f"{path}/acceptance", {})
    await work.post("plan.accept", work.reviewer, f"{path}/acceptance", {})
    planned = (await client.read(work.reviewer, SERVICE, f"{path}/lines", {"planned": "true"}))["items"]
    left_out = (await client.read(work.reviewer, SERVICE, f"{path}/lines", {"planned": "false"}))["items"]
    client.observe("lines with every reason", [], [line["position"] for line in planned if not _explains(line)])
    client.observe("lines without a reason why not", [], [line["position"] for line in left_out if not line["why_not"]])
    for line in planned[:VISITED]:
        await _carry_out(client, work, line)
    await _reassign(client, work, planned[VISITED])
    await _postpone(client, work, planned[VISITED + 1], today)
    return f"{drafted.answer['planned']} of {drafted.answer['due']} due sites planned; one reassigned, one postponed"


async def _carry_out(client: DemoClient, work: Fieldwork, line: dict[str, Any], inspector: str | None = None) -> None:
    """What was planned is visited, by the planned inspector unless another one has it now."""
    site = (await client.read(work.reviewer, SERVICE, f"/warehouses/{line['warehouse_id']}"))["site"]
    found, inspection_id = count(site, operating=site["status"] == "active"), str(line["inspection_id"])
    await work.submit(inspection_id, inspector or line["inspector"], submission(found, f"planned-{line['position']}"))
    await work.approve(inspection_id, site, found)


async def _reassign(client: DemoClient, work: Fieldwork, line: dict[str, Any]) -> None:
    """The planned inspector is ill; somebody else goes, and only they may submit then."""
    path, other = f"/inspections/{line['inspection_id']}/reassignment", work.inspector(4)
    await work.post("inspection.reassign", work.reviewer, path, {"inspector": other, "reason": "مرخصی استعلاجی بازرس"})
    await _carry_out(client, work, line, other)


async def _postpone(client: DemoClient, work: Fieldwork, line: dict[str, Any], today: date) -> None:
    path, reason = f"/inspections/{line['inspection_id']}/postponement", "جاده به سبب برف بسته است"
    later = (date.fromisoformat(line["visit_on"]) + timedelta(days=POSTPONED_DAYS)).isoformat()
    earlier = {"due_on": today.isoformat(), "reason": reason}
    await work.post("inspection.postpone", work.reviewer, path, {"due_on": later, "reason": reason})
    await work.post(
        "mistake.earlier", work.reviewer, path, earlier, refusal="warehouse.inspection.postponed_to_earlier"
    )
    detail = await client.read(work.reviewer, SERVICE, f"/inspections/{line['inspection_id']}")
    client.observe("due day after the postponement", later, detail["inspection"]["due_on"])
    client.observe("changes of the assignment", ["postponed"], [change["change"] for change in detail["changes"]])


def _draft(work: Fieldwork, today: date) -> dict[str, Any]:
    """Two inspectors, one visit a day each, away for the second half of the period."""
    days = [today + timedelta(days=number) for number in range(1, PERIOD_DAYS + 1)]
    away = [day.isoformat() for day in days[DAYS_AT_WORK:]]
    return {
        "county": COUNTY,
        "from": days[0].isoformat(),
        "to": days[-1].isoformat(),
        "inspectors": [
            {"inspector": work.inspector(number), "visits_per_day": 1, "days_off": away} for number in (1, 2)
        ],
    }


def _explains(line: dict[str, Any]) -> bool:
    return bool(line["why_now"] and line["why_inspector"] and line["why_day"])
