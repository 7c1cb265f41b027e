"""Somebody leaves an office, or gets another address, in the same moment in which people are told."""

import asyncio
import json
from typing import Any
from uuid import UUID

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.digests import Period
from services.notifications.domain.working_calendar import WEEK
from services.notifications.handlers import (
    AcknowledgeByLink,
    WorkingGroup,
    acknowledge_by_link,
    apply_rules,
    escalate_alert,
    lapse_acknowledgement,
    set_working_group,
)
from services.notifications.handlers.digests import compose_digest
from services.notifications.store.alerts import lock_alert
from services.notifications.store.members import list_members_of
from shared.contracts.counties import County
from shared.kit.auth import SYSTEM
from shared.kit.transaction import begin
from tests.support.disturbed_day import everything
from tests.support.notifications import POLL_S, WAIT_S, Desk, members, overdue, received
from tests.support.people_file import upload, workbook

LEAVER, *OTHERS = members("rey")
OWED_TO_LEAVER = "SELECT count(*) FROM delivery WHERE recipient = $1 AND state = 'pending'"


async def put_group(desk: Desk, people: list[dict[str, Any]]) -> None:
    async with desk.client("notifications_admin") as client:
        (await client.put("/working-groups/rey", json={"members": people})).raise_for_status()


async def blocked_or_done(desk: Desk, *tasks: asyncio.Task[Any]) -> None:
    """Wait until each of `tasks` waits for a lock of another transaction, or is done."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with everything(desk.database) as connection:
        while await connection.fetchval(waiting) < sum(not task.done() for task in tasks):
            await asyncio.sleep(POLL_S)


async def owed_to_leaver(desk: Desk) -> int:
    number: int = await desk.pool.fetchval(OWED_TO_LEAVER, LEAVER["email"])
    return number


async def test_who_leaves_while_an_alert_is_told_is_owed_nothing(desk: Desk) -> None:
    async with desk.begin() as telling:
        await apply_rules([received(overdue())], telling)
        leaving = asyncio.create_task(put_group(desk, OTHERS))
        await blocked_or_done(desk, leaving)
    await leaving
    assert await owed_to_leaver(desk) == 0
    [alert] = await desk.alerts()
    assert [line["entry"] for line in await desk.history(alert["alert_id"])] == ["raised", "recipient_left"]


async def test_who_leaves_and_a_chain_that_goes_on_never_wait_for_each_other(desk: Desk) -> None:
    """Whoever leaves waits for the first alert while the second one's chain goes on; both are then taken one by one."""
    await desk.take(overdue())
    await desk.take(overdue())
    first, second = [alert["alert_id"] for alert in await desk.alerts()]
    async with desk.begin() as acting:
        await lock_alert(acting.connection, UUID(first))
        leaving = asyncio.create_task(put_group(desk, OTHERS))
        await blocked_or_done(desk, leaving)
        escalating = asyncio.create_task(escalate(desk, second))
        await blocked_or_done(desk, leaving, escalating)
    await asyncio.gather(leaving, escalating)
    assert await owed_to_leaver(desk) == 0
    steps = {alert["alert_id"]: alert["step"] for alert in await desk.alerts()}
    assert steps == {first: 0, second: 1}


async def test_what_is_told_while_somebody_leaves_goes_to_whoever_stays(desk: Desk) -> None:
    await desk.take(overdue())
    [alert] = await desk.alerts()
    command = WorkingGroup.model_validate({"working_group": "rey", "members": OTHERS})
    async with begin(desk.api_pool, SYSTEM, "leaving") as leaving:
        await set_working_group(command, leaving)
        raising = asyncio.create_task(desk.take(overdue()))
        escalating = asyncio.create_task(escalate(desk, alert["alert_id"]))
        await blocked_or_done(desk, raising, escalating)
    await asyncio.gather(raising, escalating)
    assert await owed_to_leaver(desk) == 0
    _, fresh = await desk.alerts()
    assert {d["recipient"] for d in fresh["deliveries"]} == {OTHERS[0]["email"]}


async def escalate(desk: Desk, alert_id: str) -> None:
    async with desk.begin() as tx:
        await escalate_alert(UUID(alert_id), 0, tx)


async def test_who_leaves_while_a_digest_is_composed_is_owed_none(desk: Desk) -> None:
    async with desk.client("notifications_admin") as client:
        hours = {weekday: {"opens": "08:00", "closes": "16:00"} for weekday in WEEK}
        calendar = {"hours": hours, "keeps_public_holidays": False}
        (await client.put("/working-groups/rey/calendar", json=calendar)).raise_for_status()
        wishes = {"wishes": [{"email": LEAVER["email"], "period": "daily"}]}
        (await client.put("/working-groups/rey/digests", json=wishes)).raise_for_status()
    async with desk.begin() as composing:
        await compose_digest("rey", Period.DAILY, composing)
        leaving = asyncio.create_task(put_group(desk, OTHERS))
        await blocked_or_done(desk, leaving)
    await leaving
    assert await owed_to_leaver(desk) == 0
    assert await desk.pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'cancelled'") == 1


async def member_ids(desk: Desk) -> list[UUID]:
    rows = await desk.pool.fetch("SELECT member_id FROM working_group_member WHERE active ORDER BY position")
    return [row["member_id"] for row in rows]


NEW_EMAIL = "new.address@payesh.example"
SMS = {"channel": "sms", "address": "+989121234567"}


async def test_who_gets_another_address_stays_the_same_member_and_is_told_there(desk: Desk, sink: SmtpSink) -> None:
    before = await member_ids(desk)
    await desk.take(overdue())
    await put_group(desk, [LEAVER | {"email": NEW_EMAIL, "name": "نام دیگر"}, *OTHERS])
    assert await member_ids(desk) == before
    desk.start_delivery()
    [alert] = await desk.until(lambda alerts: [one for one in alerts if one["deliveries"][0]["state"] == "sent"])
    assert await asyncio.to_thread(sink.wait_for, 1, WAIT_S)
    assert [letter.recipient for letter in sink.letters] == [NEW_EMAIL]
    raised, moved = await desk.history(alert["alert_id"])
    assert (raised["entry"], moved["entry"], moved["step"], moved["by"]) == ("raised", "readdressed", 0, "somebody")
    assert (moved["details"]["recipient"], moved["details"]["former"]) == (NEW_EMAIL, LEAVER["email"])
    async with desk.pool.acquire() as connection:
        [first, *_] = await list_members_of(connection, ["rey"])
    assert first.contacts == (Contact(Channel.EMAIL, NEW_EMAIL),)


async def test_a_message_by_another_channel_falls_back_to_the_new_address(desk: Desk) -> None:
    preferred = {"contacts": [SMS, {"channel": "email", "address": LEAVER["email"]}]}
    await put_group(desk, [LEAVER | preferred, *OTHERS])
    await desk.take(overdue())
    await put_group(desk, [LEAVER | {"email": NEW_EMAIL, "contacts": [SMS]}, *OTHERS])
    row = await desk.pool.fetchrow("SELECT recipient, address, fallbacks::text FROM delivery WHERE channel = 'sms'")
    assert row is not None
    assert (row["recipient"], row["address"]) == (NEW_EMAIL, SMS["address"])
    assert json.loads(row["fallbacks"]) == [{"channel": "email", "address": NEW_EMAIL}]


async def test_the_new_address_of_somebody_who_has_left_before_is_that_persons(desk: Desk) -> None:
    await put_group(desk, OTHERS)
    second, chair = OTHERS
    await desk.take(overdue())
    await put_group(desk, [second | {"email": LEAVER["email"]}, chair])
    assert await desk.pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'pending'") == 0


async def test_a_file_shows_another_address_as_a_change_of_the_same_person(desk: Desk) -> None:
    before = await member_ids(desk)
    rows = [
        ("ری", each["position"], each["name"], "کارشناس", "فارسی", email, None, None)
        for each, email in zip(members("rey"), (NEW_EMAIL, OTHERS[0]["email"], OTHERS[1]["email"]), strict=True)
    ]
    content = workbook(*rows)
    async with desk.client("notifications_admin") as client:
        planned = (await client.post("/people-imports/dry-run", files=upload(content))).raise_for_status().json()
        taken = await client.post("/people-imports", params={"plan": planned["plan"]}, files=upload(content))
    assert taken.raise_for_status().json()["people"] == planned["people"]
    changes = {one["email"]: (one["change"], one["fields"][:1]) for one in planned["people"]}
    assert changes[NEW_EMAIL] == ("changes", ["email"])
    assert {change for change, _ in changes.values()} == {"changes"}
    assert await member_ids(desk) == before


async def acknowledged_by_leaver(desk: Desk) -> str:
    await desk.set_policy(wait_s=3600)
    await desk.take(overdue())
    [alert] = await desk.alerts()
    async with desk.client("member", subject=LEAVER["subject"]) as client:
        (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()
    return alert["alert_id"]


async def test_what_somebody_acknowledged_who_then_leaves_is_open_again_and_the_next_person_told(desk: Desk) -> None:
    alert_id = await acknowledged_by_leaver(desk)
    await put_group(desk, OTHERS)
    desk.start_timers()
    [alert] = await desk.until(lambda alerts: [one for one in alerts if one["step"] == 1])
    assert (alert["state"], alert["acknowledged_by"]) == ("escalated", None)
    assert {d["recipient"] for d in alert["deliveries"] if d["step"] == 1} == {OTHERS[0]["email"]}
    _, _, left, reopened, _ = lines = await desk.history(alert_id)
    assert [line["entry"] for line in lines] == [
        "raised",
        "acknowledged",
        "recipient_left",
        "acknowledgement_lapsed",
        "escalated",
    ]
    assert left["details"] == {"acknowledged_by": LEAVER["subject"]}
    assert reopened["details"] == {"acknowledged_by": LEAVER["subject"], "reason": "recipient_left"}


async def test_what_another_has_taken_over_before_the_leaver_is_gone_stays_acknowledged(desk: Desk) -> None:
    alert_id = await acknowledged_by_leaver(desk)
    await put_group(desk, OTHERS)
    async with desk.client("member", subject=OTHERS[0]["subject"]) as client:
        (await client.post(f"/alerts/{alert_id}/take-over")).raise_for_status()
    async with desk.begin() as tx:
        await lapse_acknowledgement(UUID(alert_id), tx, left=LEAVER["subject"])
    [alert] = await desk.alerts()
    assert (alert["state"], alert["acknowledged_by"]) == ("acknowledged", OTHERS[0]["subject"])


async def test_what_was_acknowledged_for_another_office_by_who_stays_there_is_not_opened_again(desk: Desk) -> None:
    await desk.set_group("qods", 1)
    await put_group(desk, [LEAVER | {"subject": "m0.qods"}, *OTHERS])
    await desk.take(overdue(county=County.QODS))
    [alert] = await desk.alerts()
    async with desk.client("member", subject="m0.qods") as client:
        (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()
    await put_group(desk, OTHERS)
    assert [line["entry"] for line in await desk.history(alert["alert_id"])] == ["raised", "acknowledged"]


async def test_who_acknowledges_while_leaving_has_the_alert_opened_again(desk: Desk) -> None:
    await desk.take(overdue())
    await desk.pool.execute("UPDATE delivery SET state = 'sent', settled_at = now()")
    [alert] = await desk.alerts()
    async with desk.begin() as acknowledging:
        member = await acknowledging.connection.fetchval(
            "SELECT member_id FROM working_group_member WHERE email = $1", LEAVER["email"]
        )
        link = AcknowledgeByLink(alert_id=UUID(alert["alert_id"]), member_id=member)
        await acknowledge_by_link(link, acknowledging)
        leaving = asyncio.create_task(put_group(desk, OTHERS))
        await blocked_or_done(desk, leaving)
    await leaving
    desk.start_timers()
    await desk.until(lambda alerts: [one for one in alerts if one["step"] == 1])


async def test_a_step_whose_letter_has_left_to_who_then_leaves_does_not_wait(desk: Desk) -> None:
    await desk.set_policy(wait_s=3600)
    await desk.take(overdue())
    await desk.pool.execute("UPDATE delivery SET state = 'sent', settled_at = now()")
    await put_group(desk, OTHERS)
    desk.start_timers()
    [alert] = await desk.until(lambda alerts: [one for one in alerts if one["step"] == 1])
    assert {d["recipient"] for d in alert["deliveries"] if d["step"] == 1} == {OTHERS[0]["email"]}
    _, left, _ = await desk.history(alert["alert_id"])
    assert (left["entry"], left["details"]) == ("recipient_left", {"recipient": LEAVER["email"]})


async def test_a_step_that_told_somebody_else_too_goes_on_waiting(desk: Desk) -> None:
    await desk.take(overdue())
    await desk.pool.execute(
        """
        UPDATE delivery SET member_id = member.member_id FROM working_group_member AS member
        WHERE member.email = $1 AND channel = 'inbox'
        """,
        OTHERS[0]["email"],
    )
    await put_group(desk, OTHERS)
    assert await desk.pool.fetchval("SELECT due_at > now() + interval '1 minute' FROM timer")
