"""Alerts of one rule and county on real PostgreSQL: told together, answered together, led on when the lead ends."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.notifications.domain.working_calendar import WEEK
from services.notifications.handlers import apply_rules, escalate_alert, resume_chain, send_group_letter
from services.notifications.handlers.telling import ESCALATION_TIMER, GROUP_LETTER_TIMER
from services.notifications.letters.links import KEY_BYTES, AcknowledgementLink, sign_link
from services.notifications.store.deliveries import ensure_link_key
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity
from shared.kit.auth import SYSTEM
from shared.kit.transaction import begin
from shared.persian.calendar import OFFICE_ZONE
from tests.support.disturbed_day import turn_clock
from tests.support.notifications import Desk, overdue, received, resolved


def lesser(action_id: UUID | None = None, county: County = County.REY) -> Event:
    return overdue(action_id, county, Severity.MAJOR)


async def take_batch(desk: Desk, *events: tuple[Event, int]) -> None:
    """Several events in one transaction, as the consumer gives them."""
    batch = [received(event, sequence) for event, sequence in events]
    async with begin(desk.pool, SYSTEM, "batch") as tx:
        await apply_rules(batch, tx)


async def send_letter(desk: Desk, alert_id: str) -> None:
    """As the timer does, which is gone then."""
    async with desk.begin() as tx:
        await tx.cancel_timer(GROUP_LETTER_TIMER, alert_id)
        await send_group_letter(UUID(alert_id), tx)


async def timers(desk: Desk) -> list[tuple[str, str]]:
    rows = await desk.pool.fetch("SELECT kind, subject_id FROM timer ORDER BY kind, subject_id")
    return [(row["kind"].removeprefix("notifications."), row["subject_id"]) for row in rows]


async def leads(desk: Desk) -> dict[str, str | None]:
    rows = await desk.pool.fetch("SELECT alert_id, lead_alert_id FROM alert ORDER BY alert_id")
    return {str(row["alert_id"]): None if row["lead_alert_id"] is None else str(row["lead_alert_id"]) for row in rows}


def told(alert: dict[str, Any]) -> list[tuple[int, str]]:
    return [(d["step"], d["recipient"].partition(".")[0]) for d in alert["deliveries"] if d["channel"] == "email"]


async def act(desk: Desk, alert_id: str, action: str = "acknowledgement", **body: Any) -> dict[str, Any]:
    async with desk.client("member", subject="m0.rey", counties=["rey"]) as client:
        answer = await client.post(f"/alerts/{alert_id}/{action}", json=body or None)
    return answer.raise_for_status().json()


async def link_to(desk: Desk, alert_id: str) -> str:
    """The page by which the first member of the county answers an alert."""
    key = secrets.token_bytes(KEY_BYTES)
    async with desk.begin() as tx:
        await ensure_link_key(tx.connection, key)
    member_id = await desk.pool.fetchval("SELECT member_id FROM working_group_member WHERE position = 0")
    link = AcknowledgementLink(UUID(alert_id), member_id, County.REY, datetime.now(UTC) + timedelta(hours=1))
    return f"/acknowledge/{sign_link(link, key)}"


async def test_the_first_leads_and_its_letter_waits_and_the_others_join_it(desk: Desk) -> None:
    await desk.take(lesser())
    await desk.take(lesser())
    await desk.take(lesser(county=County.PARDIS))
    first, second, elsewhere = await desk.alerts()
    assert await leads(desk) == {
        first["alert_id"]: None,
        second["alert_id"]: first["alert_id"],
        elsewhere["alert_id"]: None,
    }
    assert [alert["deliveries"] for alert in (first, second, elsewhere)] == [[], [], []]
    assert await timers(desk) == sorted(("group_letter", alert["alert_id"]) for alert in (first, elsewhere))
    assert await desk.published() == ["AlertRaised"] * 3
    [entry] = await desk.history(second["alert_id"])
    assert (entry["entry"], entry["details"]) == ("raised", {"lead_alert_id": first["alert_id"]})


async def test_one_letter_goes_out_for_all_and_then_the_chain_of_the_lead_runs(desk: Desk) -> None:
    await take_batch(desk, *((lesser(), 1) for _ in range(3)))
    first, *others = await desk.alerts()
    await send_letter(desk, first["alert_id"])
    first, *others = await desk.alerts()
    assert told(first) == [(0, "m0")]
    assert [alert["deliveries"] for alert in others] == [[], []]
    assert await timers(desk) == [("escalation_step", first["alert_id"])]
    assert [entry["entry"] for entry in await desk.history(first["alert_id"])] == ["raised", "group_told"]
    await send_letter(desk, first["alert_id"])
    assert told((await desk.alerts())[0]) == [(0, "m0")], "a letter that is not due any more is not sent"


async def test_who_joins_after_the_letter_is_told_by_one_more_of_the_running_step(desk: Desk) -> None:
    await desk.take(lesser())
    [first] = await desk.alerts()
    await send_letter(desk, first["alert_id"])
    await take_batch(desk, (lesser(), 1), (lesser(), 1))
    await desk.take(lesser())
    assert await timers(desk) == [("escalation_step", first["alert_id"]), ("group_letter", first["alert_id"])]
    await send_letter(desk, first["alert_id"])
    first, *_ = await desk.alerts()
    assert told(first) == [(0, "m0"), (0, "m0")]
    assert len([d for d in first["deliveries"] if d["channel"] == "inbox"]) == 2
    assert await desk.pool.fetchval("SELECT count(*) FROM timer WHERE kind LIKE '%escalation%'") == 1


async def test_the_next_steps_letter_tells_of_who_joined_so_that_no_other_is_sent(desk: Desk) -> None:
    await desk.take(lesser())
    [first] = await desk.alerts()
    await send_letter(desk, first["alert_id"])
    await desk.take(lesser())
    async with desk.begin() as tx:
        await escalate_alert(UUID(first["alert_id"]), 0, tx)
    assert await timers(desk) == [("escalation_step", first["alert_id"])]
    await send_letter(desk, first["alert_id"])
    assert told((await desk.alerts())[0]) == [(0, "m0"), (1, "m1")]


async def test_critical_alerts_skip_the_group(desk: Desk) -> None:
    await take_batch(desk, (overdue(), 1), (overdue(), 1))
    alerts = await desk.alerts()
    assert [told(alert) for alert in alerts] == [[(0, "m0")], [(0, "m0")]]
    assert set((await leads(desk)).values()) == {None}


async def test_acknowledging_the_lead_acknowledges_whoever_is_in_the_group(desk: Desk) -> None:
    await take_batch(desk, *((lesser(), 1) for _ in range(3)))
    first, *_ = await desk.alerts()
    answer = await act(desk, first["alert_id"])
    assert answer["acknowledged_by"] == "m0.rey"
    assert [(alert["state"], alert["acknowledged_by"]) for alert in await desk.alerts()] == [
        ("acknowledged", "m0.rey")
    ] * 3
    assert await desk.published() == ["AlertRaised"] * 3 + ["AlertAcknowledged"] * 3
    assert await timers(desk) == [("acknowledgement_lapse", first["alert_id"])]
    await desk.take(lesser())
    *_, fresh = await desk.alerts()
    assert (await leads(desk))[fresh["alert_id"]] is None, "an answered chain is not joined"


async def test_whom_a_later_step_has_told_is_not_joined_so_that_the_first_person_hears_of_what_is_new(
    desk: Desk,
) -> None:
    await desk.take(lesser())
    [first] = await desk.alerts()
    await send_letter(desk, first["alert_id"])
    for step in range(3):
        async with desk.begin() as tx:
            await tx.cancel_timer(ESCALATION_TIMER, first["alert_id"])
            await escalate_alert(UUID(first["alert_id"]), step, tx)
        await desk.take(lesser())
    _, second, third, fourth = [alert["alert_id"] for alert in await desk.alerts()]
    assert await leads(desk) == {first["alert_id"]: None, second: None, third: second, fourth: second}
    await send_letter(desk, second)
    alerts = {alert["alert_id"]: alert for alert in await desk.alerts()}
    assert told(alerts[first["alert_id"]]) == [(0, "m0"), (1, "m1"), (2, "m2")]
    assert told(alerts[second]) == [(0, "m0")]


async def one_step_alone(desk: Desk, time: str = "clock", repeats: int = 0) -> None:
    """The policy of lesser alerts tells one person, and waits for an hour."""
    async with desk.client("notifications_admin") as client:
        body = {"steps": [{"position": 0, "wait_s": 3600, "time": time}], "repeats": repeats}
        (await client.put("/escalation-policies/standard", json=body)).raise_for_status()


async def test_a_chain_at_its_end_is_not_joined_so_that_what_is_new_is_a_group_of_its_own(desk: Desk) -> None:
    await one_step_alone(desk)
    await desk.take(lesser())
    [first] = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    await turn_clock(desk, timedelta(minutes=55))
    await desk.take(lesser())
    await send_letter(desk, first)
    await turn_clock(desk, timedelta(minutes=10))
    await desk.take(lesser())
    await desk.take(lesser())
    _, second, third, fourth = [alert["alert_id"] for alert in await desk.alerts()]
    assert await leads(desk) == {first: None, second: first, third: None, fourth: third}
    assert await timers(desk) == [("group_letter", third)]
    await send_letter(desk, third)
    alerts = {alert["alert_id"]: alert for alert in await desk.alerts()}
    assert (told(alerts[first]), told(alerts[third])) == ([(0, "m0")] * 2, [(0, "m0")])


async def test_a_wait_in_working_time_keeps_the_group_open_while_the_office_is_closed(desk: Desk) -> None:
    await one_step_alone(desk, time="working")
    async with desk.client("notifications_admin") as client:
        open_day = WEEK[(datetime.now(OFFICE_ZONE).weekday() + 3) % 7]
        hours = {"hours": {open_day: {"opens": "08:00", "closes": "16:00"}}, "keeps_public_holidays": False}
        (await client.put("/working-groups/rey/calendar", json=hours)).raise_for_status()
    await desk.take(lesser())
    [first] = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    await turn_clock(desk, timedelta(days=2))
    await desk.take(lesser())
    await turn_clock(desk, timedelta(days=3))
    await desk.take(lesser())
    _, second, third = [alert["alert_id"] for alert in await desk.alerts()]
    assert await leads(desk) == {first: None, second: first, third: None}


async def test_a_last_step_that_is_told_again_is_not_joined_either(desk: Desk) -> None:
    await one_step_alone(desk, repeats=1)
    await desk.take(lesser())
    [first] = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    async with desk.begin() as tx:
        await escalate_alert(UUID(first), 0, tx)
    await desk.take(lesser())
    assert list((await leads(desk)).values()) == [None, None]


async def test_who_leads_on_is_joined_no_longer_than_the_first_was(desk: Desk) -> None:
    action = uuid4()
    await one_step_alone(desk)
    await take_batch(desk, (lesser(action), 1), (lesser(), 1))
    first, second = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    await desk.take(resolved(action), 2)
    await send_letter(desk, second)
    await turn_clock(desk, timedelta(hours=2))
    await desk.take(lesser())
    *_, third = [alert["alert_id"] for alert in await desk.alerts()]
    assert await leads(desk) == {first: second, second: None, third: None}


async def test_acknowledging_answers_what_the_letters_told_of_and_the_rest_lead_on(desk: Desk) -> None:
    await take_batch(desk, (lesser(), 1), (lesser(), 1))
    first, second = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    await take_batch(desk, (lesser(), 1), (lesser(), 1))
    await desk.take(lesser())
    *_, third, fourth, fifth = [alert["alert_id"] for alert in await desk.alerts()]
    pages: list[str] = []
    link = await link_to(desk, first)
    async with desk.client() as client:
        pages.append((await client.get(link)).raise_for_status().text)
    assert "هشدارهایی که این دکمه به آن‌ها پاسخ می‌دهد: ۲" in pages[0]
    await act(desk, first)
    states = {alert["alert_id"]: alert["state"] for alert in await desk.alerts()}
    assert states == dict.fromkeys((first, second), "acknowledged") | dict.fromkeys((third, fourth, fifth), "open")
    assert await leads(desk) == {first: None, second: first, third: None, fourth: third, fifth: third}
    assert await timers(desk) == [("acknowledgement_lapse", first), ("group_letter", third)]
    assert [entry["entry"] for entry in await desk.history(fourth)] == ["raised", "regrouped"]
    await send_letter(desk, third)
    alerts = {alert["alert_id"]: alert for alert in await desk.alerts()}
    assert told(alerts[third]) == [(0, "m0")]
    await act(desk, third)
    assert {alert["state"] for alert in await desk.alerts()} == {"acknowledged"}


async def test_a_further_letter_is_answered_with_all_that_it_told_of(desk: Desk) -> None:
    await desk.take(lesser())
    [first] = await desk.alerts()
    await send_letter(desk, first["alert_id"])
    await desk.take(lesser())
    await send_letter(desk, first["alert_id"])
    await act(desk, first["alert_id"])
    assert [alert["state"] for alert in await desk.alerts()] == ["acknowledged"] * 2


async def test_what_was_raised_before_the_letter_and_joined_after_it_is_not_answered(desk: Desk) -> None:
    """As one that was held back until then, or whose transaction waited for that of the letter."""
    await desk.take(lesser())
    [first] = await desk.alerts()
    await send_letter(desk, first["alert_id"])
    await desk.take(lesser())
    await desk.pool.execute("UPDATE alert SET raised_at = raised_at - interval '1 h' WHERE lead_alert_id IS NOT NULL")
    await act(desk, first["alert_id"])
    assert [alert["state"] for alert in await desk.alerts()] == ["acknowledged", "open"]


async def test_acknowledging_one_that_joined_leaves_the_others_with_their_chain(desk: Desk) -> None:
    await take_batch(desk, *((lesser(), 1) for _ in range(2)))
    first, second = await desk.alerts()
    await act(desk, second["alert_id"])
    assert [alert["state"] for alert in await desk.alerts()] == ["open", "acknowledged"]
    assert await timers(desk) == [("acknowledgement_lapse", second["alert_id"]), ("group_letter", first["alert_id"])]


async def test_when_the_lead_is_resolved_the_oldest_leads_on_at_the_same_step(desk: Desk) -> None:
    actions = [uuid4() for _ in range(3)]
    await take_batch(desk, *((lesser(action), 1) for action in actions))
    first, second, third = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    async with desk.begin() as tx:
        await escalate_alert(UUID(first), 0, tx)
    due_at = await desk.pool.fetchval("SELECT due_at FROM timer")
    await desk.take(resolved(actions[0]), 2)
    assert await leads(desk) == {first: second, second: None, third: second}
    # The letter of step 1 had not left when the lead ended: the person is told of the rest.
    assert await timers(desk) == [("escalation_step", second), ("group_letter", second)]
    assert await desk.pool.fetchval("SELECT due_at FROM timer WHERE kind LIKE '%escalation%'") == due_at
    alerts = {alert["alert_id"]: alert for alert in await desk.alerts()}
    assert (alerts[second]["state"], alerts[second]["step"]) == ("escalated", 1)
    await send_letter(desk, second)
    async with desk.begin() as tx:
        await escalate_alert(UUID(second), 1, tx)
    alerts = {alert["alert_id"]: alert for alert in await desk.alerts()}
    assert told(alerts[second]) == [(1, "m1"), (2, "m2")]
    await desk.take(resolved(actions[1]), 2)
    assert await leads(desk) == {first: third, second: third, third: None}
    await desk.take(resolved(actions[2]), 2)
    assert {alert["state"] for alert in await desk.alerts()} == {"resolved"}
    assert await timers(desk) == []


async def test_a_person_resolves_the_lead_and_the_others_go_on(desk: Desk) -> None:
    await take_batch(desk, (lesser(), 1), (lesser(), 1))
    first, second = [alert["alert_id"] for alert in await desk.alerts()]
    await act(desk, first, "resolution", reason="seen to")
    assert await leads(desk) == {first: second, second: None}
    assert [alert["state"] for alert in await desk.alerts()] == ["resolved", "open"]
    assert await timers(desk) == [("group_letter", second)]


async def test_a_letter_that_had_not_left_is_sent_by_the_next_lead(desk: Desk) -> None:
    action = uuid4()
    await take_batch(desk, (lesser(action), 1), (lesser(), 1))
    first, second = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    await desk.take(resolved(action), 2)
    assert await timers(desk) == [("escalation_step", second), ("group_letter", second)]
    await send_letter(desk, second)
    alerts = {alert["alert_id"]: alert for alert in await desk.alerts()}
    assert told(alerts[second]) == [(0, "m0")]


async def test_the_lead_and_all_others_resolved_in_one_batch_leave_nothing_owed(desk: Desk) -> None:
    actions = [uuid4() for _ in range(4)]
    await take_batch(desk, *((lesser(action), 1) for action in actions))
    await take_batch(desk, *((resolved(action), 2) for action in actions))
    alerts = await desk.alerts()
    assert {alert["state"] for alert in alerts} == {"resolved"}
    assert await timers(desk) == []
    first, *others = [alert["alert_id"] for alert in alerts]
    assert await leads(desk) == {first: None} | dict.fromkeys(others, first), (
        "why they were told to nobody is still seen"
    )


async def test_a_new_alert_beside_the_leads_end_in_one_batch_joins_the_next_lead(desk: Desk) -> None:
    action = uuid4()
    await take_batch(desk, (lesser(action), 1), (lesser(), 1))
    await take_batch(desk, (resolved(action), 2), (lesser(), 1))
    first, second, third = [alert["alert_id"] for alert in await desk.alerts()]
    assert await leads(desk) == {first: second, second: None, third: second}


async def test_an_old_link_of_a_lead_that_ended_answers_for_the_group(desk: Desk) -> None:
    action = uuid4()
    await take_batch(desk, (lesser(action), 1), (lesser(), 1))
    first, second = [alert["alert_id"] for alert in await desk.alerts()]
    await send_letter(desk, first)
    await desk.take(resolved(action), 2)
    link = await link_to(desk, first)
    async with desk.client() as client:
        page = await client.get(link)
        pressed = await client.post(link)
    assert (page.status_code, pressed.status_code) == (200, 200)
    assert [(alert["state"], alert["acknowledged_by"]) for alert in await desk.alerts()] == [
        ("resolved", None),
        ("acknowledged", "m0.rey"),
    ]
    assert (await act(desk, first))["alert_id"] == second


async def test_two_workers_open_one_group(desk: Desk) -> None:
    await asyncio.gather(*(desk.take(lesser()) for _ in range(12)))
    found = await leads(desk)
    assert list(found.values()).count(None) == 1
    assert await desk.pool.fetchval("SELECT count(*) FROM timer") == 1


async def test_joining_beside_the_letter_loses_nobody(desk: Desk) -> None:
    """Whoever joins before the letter is in it, and whoever joins after it has a further letter on its way."""
    await desk.take(lesser())
    [first] = await desk.alerts()
    await asyncio.gather(*(desk.take(lesser()) for _ in range(6)), send_letter(desk, first["alert_id"]))
    row = await desk.pool.fetchrow("SELECT step_told_at, letter_due FROM alert WHERE lead_alert_id IS NULL")
    assert row is not None
    assert row["step_told_at"] is not None
    last = await desk.pool.fetchval("SELECT max(raised_at) FROM alert")
    has_timer = ("group_letter", first["alert_id"]) in await timers(desk)
    assert row["letter_due"] == has_timer
    assert row["letter_due"] or last < row["step_told_at"] + timedelta(seconds=5)


async def test_joining_beside_the_leads_end_and_answer_leaves_a_chain_for_everybody(desk: Desk) -> None:
    for _ in range(4):
        action = uuid4()
        await desk.take(lesser(action), 1)
        await asyncio.gather(*(desk.take(lesser()) for _ in range(3)), desk.take(resolved(action), 2))
        orphans = await desk.pool.fetchval(
            """
            SELECT count(*) FROM alert JOIN alert AS lead ON lead.alert_id = alert.lead_alert_id
            WHERE alert.state <> 'resolved' AND lead.state = 'resolved'
            """
        )
        untimed = await desk.pool.fetchval(
            """
            SELECT count(*) FROM alert WHERE state IN ('open', 'escalated') AND lead_alert_id IS NULL
              AND NOT EXISTS (SELECT FROM timer WHERE subject_id = alert_id::text)
            """
        )
        assert (orphans, untimed) == (0, 0)


async def test_a_chain_whose_wait_is_lost_is_taken_up_again(desk: Desk) -> None:
    await desk.take(overdue())
    await desk.take(lesser())
    waiting = await timers(desk)
    await desk.pool.execute("DELETE FROM timer")
    for alert in await desk.alerts():
        async with desk.begin() as tx:
            assert await resume_chain(UUID(alert["alert_id"]), tx)
    assert await timers(desk) == waiting
