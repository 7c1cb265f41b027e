"""Alerts that are held back, on real PostgreSQL: by a greater alert or by a silence, and told when that ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.holding import CRITICAL_SILENCE_MAX
from services.notifications.handlers import send_group_letter
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.nationals import BreakGlassOpened
from shared.contracts.warehouse import (
    CorrectiveActionOverdue,
    HoldGround,
    Severity,
    WarehouseHoldLifted,
    WarehousePutOnHold,
)
from tests.support.notifications import Desk, overdue, resolved

HOURS_S = 3600


def lesser(warehouse_id: UUID, action_id: UUID | None = None) -> CorrectiveActionOverdue:
    return overdue(action_id, County.REY, Severity.MAJOR).model_copy(update={"warehouse_id": warehouse_id})


def on_hold(warehouse_id: UUID, hold_id: UUID) -> Event:
    return WarehousePutOnHold(
        hold_id=hold_id,
        warehouse_id=warehouse_id,
        county=County.REY,
        ground=HoldGround.BIOLOGICAL_HAZARD,
        referred_to="health_authority",
    )


def lifted(warehouse_id: UUID, hold_id: UUID) -> Event:
    ground = HoldGround.BIOLOGICAL_HAZARD
    return WarehouseHoldLifted(hold_id=hold_id, warehouse_id=warehouse_id, county=County.REY, ground=ground)


async def held(desk: Desk) -> list[tuple[str | None, str]]:
    rows = await desk.pool.fetch("SELECT held_back, state FROM alert ORDER BY alert_id")
    return [(row["held_back"], row["state"]) for row in rows]


async def silence(desk: Desk, *, subject: str = "m0.rey", status: int = 200, **body: Any) -> dict[str, Any]:
    values = {"county": "rey", "kind": "corrective_action_overdue", "lasts_s": HOURS_S, "reason": "works are under way"}
    async with desk.client("member", subject=subject) as client:
        answer = await client.post("/silences", json=values | body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def lift(desk: Desk, silence_id: str) -> None:
    async with desk.client("member", subject="m1.rey") as client:
        (await client.delete(f"/silences/{silence_id}")).raise_for_status()


async def until_held(desk: Desk, wanted: list[tuple[str | None, str]]) -> None:
    async with asyncio.timeout(10):
        while await held(desk) != wanted:
            await asyncio.sleep(0.02)


async def test_a_hold_keeps_lesser_alerts_of_its_site_back_and_its_end_tells_them(desk: Desk) -> None:
    site, hold_id = uuid4(), uuid4()
    await desk.take(on_hold(site, hold_id), 1)
    await desk.take(lesser(site))
    await desk.take(lesser(uuid4()))
    assert await held(desk) == [(None, "open"), ("inhibited", "open"), (None, "open")]
    alerts = await desk.alerts()
    assert alerts[1]["deliveries"] == []
    [entry] = await desk.history(alerts[1]["alert_id"])
    assert entry["details"] == {"held_back": "inhibited", "by": alerts[0]["alert_id"]}
    desk.start_timers()
    await desk.take(lifted(site, hold_id), 2)
    await until_held(desk, [(None, "resolved"), (None, "open"), (None, "open")])
    entries = [entry["entry"] for entry in await desk.history(alerts[1]["alert_id"])]
    assert entries == ["raised", "released"]
    # It joins the group of its rule and county, whose letter is on its way.
    assert await desk.pool.fetchval("SELECT count(*) FROM alert WHERE lead_alert_id IS NOT NULL OR letter_due") == 2


async def test_what_is_resolved_while_it_is_held_back_is_told_to_nobody(desk: Desk) -> None:
    site, hold_id, action = uuid4(), uuid4(), uuid4()
    await desk.take(on_hold(site, hold_id), 1)
    await desk.take(lesser(site, action), 1)
    await desk.take(resolved(action), 2)
    await desk.take(lifted(site, hold_id), 2)
    assert {state for _, state in await held(desk)} == {"resolved"}
    assert await desk.pool.fetchval("SELECT count(*) FROM timer") == 0


async def test_critical_alerts_are_never_inhibited(desk: Desk) -> None:
    site = uuid4()
    await desk.take(on_hold(site, uuid4()), 1)
    await desk.take(overdue().model_copy(update={"warehouse_id": site}))
    assert await held(desk) == [(None, "open")] * 2


async def test_of_two_holds_the_second_still_holds_back(desk: Desk) -> None:
    site, first, second = uuid4(), uuid4(), uuid4()
    await desk.take(on_hold(site, first), 1)
    await desk.take(on_hold(site, second), 1)
    await desk.take(lesser(site))
    desk.start_timers()
    await desk.take(lifted(site, first), 2)
    held_by = "SELECT held_back_by FROM alert WHERE held_back IS NOT NULL"
    second_id = await desk.pool.fetchval("SELECT alert_id FROM alert WHERE subject_id = $1", str(second))
    async with asyncio.timeout(10):
        while await desk.pool.fetchval(held_by) != second_id:
            await asyncio.sleep(0.02)
    await desk.take(lifted(site, second), 2)
    await until_held(desk, [(None, "resolved"), (None, "resolved"), (None, "open")])


async def test_a_silence_holds_back_until_it_is_lifted(desk: Desk) -> None:
    made = await silence(desk)
    await desk.take(lesser(uuid4()))
    await desk.take(overdue(county=County.PARDIS))
    assert await held(desk) == [("silenced", "open"), (None, "open")]
    desk.start_timers()
    await lift(desk, made["silence_id"])
    await until_held(desk, [(None, "open"), (None, "open")])
    async with desk.client("member") as client:
        listed = (await client.get("/silences", params={"running": False})).json()["items"]
        running = (await client.get("/silences")).json()["items"]
    assert [(item["lifted_by"], item["reason"]) for item in listed] == [("m1.rey", "works are under way")]
    assert running == []


async def test_a_silence_ends_by_itself(desk: Desk) -> None:
    desk.start_timers()
    await silence(desk, lasts_s=1)
    await desk.take(lesser(uuid4()))
    await until_held(desk, [(None, "open")])
    row = await desk.pool.fetchrow("SELECT ended_at >= ends_at AS in_time, lifted_by FROM silence")
    assert row is not None
    assert (row["in_time"], row["lifted_by"]) == (True, None)


async def test_a_critical_alert_is_silenced_for_a_while_only_and_the_next_office_is_told(desk: Desk) -> None:
    await desk.set_group("province_office")
    made = await silence(desk, lasts_s=2 * CRITICAL_SILENCE_MAX.total_seconds())
    lasts = [
        datetime.fromisoformat(made[field]) - datetime.fromisoformat(made["created_at"])
        for field in ("critical_until", "ends_at")
    ]
    assert lasts == [CRITICAL_SILENCE_MAX, 2 * CRITICAL_SILENCE_MAX]
    await desk.take(overdue())
    await desk.take(lesser(uuid4()))
    assert await held(desk) == [("silenced", "open")] * 2
    first, second = await desk.alerts()
    assert {d["recipient"] for d in first["deliveries"]} == {"m2.province-office@payesh.example"}
    assert second["deliveries"] == []
    await desk.pool.execute("UPDATE silence SET critical_until = now(), created_at = created_at - interval '9 h'")
    await desk.pool.execute("UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind LIKE '%silence_end'")
    desk.start_timers()
    await until_held(desk, [(None, "open"), ("silenced", "open")])
    first, _ = await desk.alerts()
    assert "m0.rey@payesh.example" in {d["recipient"] for d in first["deliveries"]}


async def test_who_was_told_of_a_silenced_alert_is_told_of_its_first_step_too(desk: Desk) -> None:
    """The county has a chair alone, and no province office: one person for both."""
    await desk.set_group("rey", count=1)
    made = [await silence(desk), await silence(desk)]
    await desk.take(overdue())
    desk.start_timers()
    for running in made:
        await lift(desk, running["silence_id"])
    await until_held(desk, [(None, "open")])
    [alert] = await desk.alerts()
    assert [d["recipient"] for d in alert["deliveries"] if d["channel"] == "email"] == ["m0.rey@payesh.example"] * 2
    history = await desk.history(alert["alert_id"])
    told = [entry["entry"] for entry in history if "told" in entry["details"]]
    assert told == ["silence_told", "released"], "one line for each letter, though two silences held it back"


async def test_alerts_about_cases_cannot_be_silenced(desk: Desk) -> None:
    await desk.set_group("casework_supervision")
    refused = await silence(desk, kind="break_glass_opened", status=422)
    assert refused["code"] == "notifications.silence.of_cases"
    case_id, now = uuid4(), datetime.now(UTC)
    await silence(desk, kind=None, subject_id=str(case_id))
    opened = BreakGlassOpened(
        case_id=case_id,
        county=County.REY,
        break_glass_id=case_id,
        expires_at=now + timedelta(hours=1),
        review_by=now + timedelta(days=2),
    )
    await desk.take(opened)
    assert await held(desk) == [(None, "open")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": None}, 422, "kit.request_invalid"),
        ({"reason": ""}, 422, "kit.request_invalid"),
        ({"lasts_s": 31 * 24 * HOURS_S}, 422, "kit.request_invalid"),
        ({"kind": "no_such_kind"}, 422, "notifications.silence.of_nothing"),
    ],
)
async def test_a_silence_of_nothing_or_for_ever_or_without_a_reason_is_refused(
    desk: Desk, body: dict[str, Any], status: int, code: str
) -> None:
    assert (await silence(desk, status=status, **body))["code"] == code


async def test_a_silence_of_nothing_is_told_what_it_needs(desk: Desk) -> None:
    [error] = (await silence(desk, status=422, kind=None))["details"]["errors"]
    assert error["text_fa"] == "یکی از این‌ها لازم است: kind, rule_id, subject_id"
    assert error["text_en"] == "needs one of these: kind, rule_id, subject_id"


async def test_all_counties_are_silenced_only_by_who_has_them_all(desk: Desk) -> None:
    body = {"kind": "corrective_action_overdue", "lasts_s": 60, "reason": "a reason"}
    async with desk.client("member", counties=["rey"]) as client:
        everywhere = await client.post("/silences", json=body)
        elsewhere = await client.post("/silences", json=body | {"county": "pardis"})
    assert everywhere.json()["code"] == "notifications.silence.province_only"
    assert (everywhere.status_code, elsewhere.status_code) == (403, 403)
    made = await silence(desk, county=None)
    async with desk.client("member", counties=["rey"]) as client:
        refused = await client.delete(f"/silences/{made['silence_id']}")
    assert refused.status_code == 403


async def test_a_county_member_silences_no_alert_of_an_office(desk: Desk) -> None:
    made = await silence(desk)
    assert made["audiences"] == ["working_group"]
    await desk.set_group("province_office")
    made = await silence(desk, subject="m0.province_office")
    assert made["audiences"] == ["province_office", "working_group"]


async def test_a_preview_says_what_a_silence_would_have_held_back(desk: Desk) -> None:
    await desk.take(lesser(uuid4()))
    await desk.take(overdue(county=County.PARDIS))
    body = {"county": "rey", "kind": "corrective_action_overdue", "lasts_s": 60, "reason": "a reason"}
    async with desk.client("member") as client:
        preview = (await client.post("/silences/preview", json=body)).raise_for_status().json()
    assert preview["number"] == 1
    assert [item["county"] for item in preview["newest"]] == ["rey"]
    assert await desk.pool.fetchval("SELECT count(*) FROM silence") == 0


async def test_a_silences_end_beside_alerts_leaves_none_held(desk: Desk) -> None:
    """Whoever raises an alert under a silence is waited for by its end, so that the alert is not forgotten."""
    desk.start_timers()
    for _ in range(4):
        made = await silence(desk)
        await asyncio.gather(*(desk.take(lesser(uuid4())) for _ in range(5)), lift(desk, made["silence_id"]))
    async with asyncio.timeout(10):
        while await desk.pool.fetchval("SELECT count(*) FROM alert WHERE held_back IS NOT NULL"):
            await asyncio.sleep(0.02)


async def test_a_holds_end_beside_alerts_leaves_none_held(desk: Desk) -> None:
    desk.start_timers()
    for _ in range(4):
        site, hold_id = uuid4(), uuid4()
        await desk.take(on_hold(site, hold_id), 1)
        await asyncio.gather(*(desk.take(lesser(site)) for _ in range(5)), desk.take(lifted(site, hold_id), 2))
    async with asyncio.timeout(10):
        while await desk.pool.fetchval("SELECT count(*) FROM alert WHERE held_back IS NOT NULL"):
            await asyncio.sleep(0.02)


async def test_an_acknowledged_alert_that_is_held_back_is_told_to_nobody(desk: Desk) -> None:
    made = await silence(desk)
    await desk.take(lesser(uuid4()))
    [alert] = await desk.alerts()
    async with desk.client("member") as client:
        (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()
    desk.start_timers()
    await lift(desk, made["silence_id"])
    await until_held(desk, [(None, "acknowledged")])
    async with desk.begin() as tx:
        await send_group_letter(UUID(alert["alert_id"]), tx)
    assert (await desk.alerts())[0]["deliveries"] == []
