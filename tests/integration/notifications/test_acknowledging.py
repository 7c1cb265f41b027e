"""People act on alerts on real PostgreSQL: acknowledge, hand back, take over, comment, resolve; what leads to nothing ends."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from services.notifications.domain.working_calendar import DEFAULT_HOURS, WorkingCalendar, after_working_time
from services.notifications.handlers import escalate_alert, lapse_acknowledgement
from services.notifications.public_holidays import PUBLIC_HOLIDAYS
from shared.contracts.counties import County
from shared.contracts.nationals import PhaseTwoReviewRequested
from shared.contracts.warehouse import Severity
from tests.support.notifications import Desk, overdue, resolved

LAPSE_S = 1000


async def set_policy(desk: Desk, *steps: dict[str, Any], acknowledged_for_s: int | None = LAPSE_S) -> None:
    body = {"steps": steps or [{"position": 0, "wait_s": 60}], "acknowledged_for_s": acknowledged_for_s}
    async with desk.client("notifications_admin") as client:
        (await client.put("/escalation-policies/urgent", json=body)).raise_for_status()


async def act(
    desk: Desk, method: str, path: str, *, subject: str = "m0.rey", body: dict[str, Any] | None = None
) -> httpx.Response:
    async with desk.client("member", subject=subject, counties=["rey"]) as client:
        return await client.request(method, f"/alerts/{path}", json=body)


async def acknowledge(desk: Desk, alert_id: str, subject: str = "m0.rey") -> None:
    (await act(desk, "POST", f"{alert_id}/acknowledgement", subject=subject)).raise_for_status()


async def lapse(desk: Desk, alert_id: str) -> None:
    async with desk.begin() as tx:
        await lapse_acknowledgement(UUID(alert_id), tx)


async def entries(desk: Desk, alert_id: str) -> list[tuple[str, str]]:
    return [(entry["entry"], entry["by"]) for entry in await desk.history(alert_id)]


async def timer_kinds(desk: Desk) -> list[str]:
    return [row["kind"].partition(".")[2] for row in await desk.pool.fetch("SELECT kind FROM timer ORDER BY kind")]


async def test_an_acknowledgement_that_leads_to_nothing_ends_and_the_chain_goes_on(desk: Desk) -> None:
    await set_policy(desk, {"position": 0, "wait_s": 60}, {"position": 1, "wait_s": 60}, acknowledged_for_s=1)
    desk.start_timers()
    await desk.take(overdue())
    [alert] = await desk.alerts()
    await acknowledge(desk, alert["alert_id"])
    [alert] = await desk.until(lambda alerts: [a for a in alerts if a["step"] == 1])
    assert (alert["state"], alert["acknowledged_by"]) == ("escalated", None)
    assert [entry for entry, _ in await entries(desk, alert["alert_id"])] == [
        "raised",
        "acknowledged",
        "acknowledgement_lapsed",
        "escalated",
    ]
    assert {d["recipient"] for d in alert["deliveries"] if d["step"] == 1} == {"m1.rey@payesh.example"}
    assert await desk.published() == ["AlertRaised", "AlertAcknowledged", "AlertReopened", "AlertEscalated"]


async def test_a_lapse_at_the_end_of_the_chain_tells_the_last_person_again(desk: Desk) -> None:
    await set_policy(desk, {"position": 0, "wait_s": 60}, acknowledged_for_s=1)
    desk.start_timers()
    await desk.take(overdue())
    [alert] = await desk.alerts()
    await acknowledge(desk, alert["alert_id"])
    [alert] = await desk.until(lambda alerts: [a for a in alerts if a["step"] == 1])
    assert {d["recipient"] for d in alert["deliveries"] if d["step"] == 1} == {"m0.rey@payesh.example"}


async def test_what_is_resolved_in_time_does_not_lapse(desk: Desk) -> None:
    await set_policy(desk)
    action = uuid4()
    await desk.take(overdue(action), 1)
    [alert] = await desk.alerts()
    await acknowledge(desk, alert["alert_id"])
    assert await timer_kinds(desk) == ["acknowledgement_lapse"]
    await desk.take(resolved(action), 2)
    assert await timer_kinds(desk) == []
    await lapse(desk, alert["alert_id"])
    assert (await desk.alerts())[0]["state"] == "resolved"


async def test_a_group_lapses_together(desk: Desk) -> None:
    async with desk.client("notifications_admin") as client:
        body = {"steps": [{"position": 0, "wait_s": 60}], "acknowledged_for_s": LAPSE_S}
        (await client.put("/escalation-policies/standard", json=body)).raise_for_status()
    for _ in range(3):
        await desk.take(overdue(severity=Severity.MAJOR))
    first, second, third = [alert["alert_id"] for alert in await desk.alerts()]
    await acknowledge(desk, third, "m1.rey")
    await acknowledge(desk, first)
    assert await timer_kinds(desk) == ["acknowledgement_lapse"] * 2, "one for the group, one for who answered alone"
    await lapse(desk, first)
    states = {alert["alert_id"]: alert["state"] for alert in await desk.alerts()}
    assert states == {first: "open", second: "open", third: "acknowledged"}
    await lapse(desk, third)
    due = await desk.pool.fetchrow("SELECT letter_due FROM alert WHERE alert_id = $1", UUID(first))
    assert due is not None
    assert due["letter_due"], "the lead's next letter tells of the third again"


async def test_whoever_acknowledged_hands_it_back(desk: Desk) -> None:
    desk.start_timers()
    await set_policy(desk, {"position": 0, "wait_s": 600}, {"position": 1, "wait_s": 600})
    await desk.take(overdue())
    [alert] = await desk.alerts()
    too_early = await act(desk, "DELETE", f"{alert['alert_id']}/acknowledgement")
    await acknowledge(desk, alert["alert_id"])
    released = await act(desk, "DELETE", f"{alert['alert_id']}/acknowledgement")
    assert (too_early.status_code, too_early.json()["code"]) == (409, "notifications.alert.not_acknowledged")
    assert released.json()["state"] == "open"
    [alert] = await desk.until(lambda alerts: [a for a in alerts if a["step"] == 1])
    assert ("acknowledgement_released", "m0.rey") in await entries(desk, alert["alert_id"])
    assert await timer_kinds(desk) == []


async def test_another_person_takes_over(desk: Desk) -> None:
    await set_policy(desk)
    await desk.take(overdue())
    [alert] = await desk.alerts()
    await acknowledge(desk, alert["alert_id"])
    taken = (await act(desk, "POST", f"{alert['alert_id']}/take-over", subject="m1.rey")).json()
    again = (await act(desk, "POST", f"{alert['alert_id']}/take-over", subject="m1.rey")).json()
    assert taken["acknowledged_by"] == again["acknowledged_by"] == "m1.rey"
    assert taken["acknowledged_at"] == again["acknowledged_at"]
    assert (await entries(desk, alert["alert_id"]))[1:] == [("acknowledged", "m0.rey"), ("taken_over", "m1.rey")]
    assert await desk.published() == ["AlertRaised", "AlertAcknowledged"]


async def test_a_remark_is_kept_with_who_made_it(desk: Desk) -> None:
    await desk.take(overdue())
    [alert] = await desk.alerts()
    (await act(desk, "POST", f"{alert['alert_id']}/comments", body={"text": "کلید نزد سرایدار است"})).raise_for_status()
    empty = await act(desk, "POST", f"{alert['alert_id']}/comments", body={"text": ""})
    entry = (await desk.history(alert["alert_id"]))[-1]
    assert (entry["entry"], entry["by"], entry["details"]) == ("comment", "m0.rey", {"text": "کلید نزد سرایدار است"})
    assert empty.status_code == 422
    assert await desk.published() == ["AlertRaised"]


async def test_a_person_resolves_with_a_reason_and_only_once(desk: Desk) -> None:
    await desk.take(overdue())
    [alert] = await desk.alerts()
    path = f"{alert['alert_id']}/resolution"
    without = await act(desk, "POST", path, body={"reason": ""})
    done = await act(desk, "POST", path, body={"reason": "seen to on site"})
    again = await act(desk, "POST", path, body={"reason": "seen to on site"})
    assert (without.status_code, done.json()["state"]) == (422, "resolved")
    assert (again.status_code, again.json()["code"]) == (409, "notifications.alert.already_resolved")
    entry = (await desk.history(alert["alert_id"]))[-1]
    assert (entry["entry"], entry["by"], entry["details"]) == ("resolved", "m0.rey", {"reason": "seen to on site"})
    assert await timer_kinds(desk) == []
    body = await desk.pool.fetchval("SELECT convert_from(body, 'utf8') FROM outbox WHERE type LIKE '%AlertResolved%'")
    assert '"resolved_by_event":false' in body
    assert "seen to" not in body


async def test_an_alert_of_an_office_is_touched_only_by_who_was_told(desk: Desk) -> None:
    await desk.set_group("legal_office")
    case = PhaseTwoReviewRequested(case_id=uuid4(), county=County.REY, voluntary_until=datetime.now(UTC))
    await desk.take(case)
    [alert] = await desk.alerts()
    body = {"reason": "a reason"}
    attempts = [
        ("POST", "acknowledgement", None),
        ("POST", "take-over", None),
        ("POST", "comments", {"text": "a remark"}),
        ("POST", "resolution", body),
        ("DELETE", "acknowledgement", None),
    ]
    for method, action, sent in attempts:
        refused = await act(desk, method, f"{alert['alert_id']}/{action}", body=sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "notifications.alert.of_an_office"), action
    told = await act(desk, "POST", f"{alert['alert_id']}/resolution", subject="m0.legal_office", body=body)
    assert told.status_code == 200


async def test_another_countys_alert_is_not_there(desk: Desk) -> None:
    await desk.take(overdue(county=County.PARDIS))
    alert = (await desk.alerts())[0]
    for method, action in (("POST", "acknowledgement"), ("DELETE", "acknowledgement"), ("POST", "take-over")):
        assert (await act(desk, method, f"{alert['alert_id']}/{action}")).status_code == 404


async def test_a_step_in_working_time_waits_for_open_hours(desk: Desk) -> None:
    await set_policy(desk, {"position": 0, "wait_s": 8 * 3600, "time": "working"}, {"position": 1, "wait_s": 60})
    await desk.take(overdue())
    row = await desk.pool.fetchrow("SELECT timer.due_at, alert.raised_at FROM timer, alert")
    assert row is not None
    calendar = WorkingCalendar(DEFAULT_HOURS, PUBLIC_HOLIDAYS)
    assert row["due_at"] == after_working_time(row["raised_at"], timedelta(hours=8), calendar)
    assert row["due_at"] - row["raised_at"] > timedelta(hours=8)


async def test_acknowledging_beside_an_escalation_and_a_lapse_leaves_one_history(desk: Desk) -> None:
    await set_policy(desk, {"position": 0, "wait_s": 600}, {"position": 1, "wait_s": 600})
    await desk.take(overdue())
    [alert] = await desk.alerts()

    async def escalate() -> None:
        async with desk.begin() as tx:
            await escalate_alert(UUID(alert["alert_id"]), 0, tx)

    await asyncio.gather(
        *(acknowledge(desk, alert["alert_id"]) for _ in range(3)),
        *(escalate() for _ in range(3)),
        *(lapse(desk, alert["alert_id"]) for _ in range(3)),
    )
    [alert] = await desk.alerts()
    seen = Counter(entry for entry, _ in await entries(desk, alert["alert_id"]))
    assert seen["acknowledged"] - seen["acknowledgement_lapsed"] == (1 if alert["state"] == "acknowledged" else 0)
    assert len(await timer_kinds(desk)) == 1, "either the acknowledgement lapses or the chain goes on"


async def test_resolving_beside_acknowledging_leaves_it_resolved(desk: Desk) -> None:
    await set_policy(desk)
    for _ in range(4):
        action = uuid4()
        await desk.take(overdue(action), 1)
        alert = (await desk.alerts())[-1]
        await asyncio.gather(
            act(desk, "POST", f"{alert['alert_id']}/acknowledgement"),
            act(desk, "POST", f"{alert['alert_id']}/resolution", body={"reason": "done"}),
            desk.take(resolved(action), 2),
        )
        assert Counter(entry for entry, _ in await entries(desk, alert["alert_id"]))["resolved"] == 1
    assert {alert["state"] for alert in await desk.alerts()} == {"resolved"}
    assert await timer_kinds(desk) == []
