"""Summaries: who is sent one, what it says, and how its reader ends it."""

import asyncio
import json
import mailbox
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.domain.digests import (
    DUE_AT,
    SETTLED_AFTER,
    SUMMARISED_TYPES,
    CountyFigures,
    DigestContent,
    Period,
)
from services.notifications.domain.working_calendar import WEEK, Weekday
from services.notifications.handlers import apply_rules
from services.notifications.handlers.deliveries import bury_delivery
from services.notifications.handlers.digests import DIGEST_TIMER, compose_digest
from services.notifications.store.deliveries import LeasedDelivery
from services.notifications.workers.digest_worker import arm_digests
from shared.contracts.counties import County
from shared.contracts.nationals import AppealLodged
from shared.persian.calendar import office_date, office_moment
from tests.support.disturbed_day import everything
from tests.support.notifications import POLL_S, WAIT_S, Desk, overdue, received, resolved
from tests.support.operations import take_operations_events

REY = "/working-groups/rey/digests"
MANY = [{"email": "m0.rey@payesh.example", "period": "daily"}, {"email": "m1.rey@payesh.example", "period": "weekly"}]


async def wish(desk: Desk, office: str = "rey", wishes: list[dict[str, str]] | None = None, status: int = 200) -> Any:
    async with desk.client("notifications_admin") as client:
        answer = await client.put(
            f"/working-groups/{office}/digests", json={"wishes": MANY if wishes is None else wishes}
        )
    assert answer.status_code == status, answer.text
    return answer.json()


async def set_hours(desk: Desk, office: str, *open_days: Weekday, closed: Sequence[date] = ()) -> None:
    hours = {weekday: {"opens": "08:00", "closes": "16:00"} for weekday in open_days}
    body = {"hours": hours, "keeps_public_holidays": False, "closed_days": [day.isoformat() for day in closed]}
    async with desk.client("notifications_admin") as client:
        (await client.put(f"/working-groups/{office}/calendar", json=body)).raise_for_status()


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """Its offices are open on every day, so that it does not matter on which one the tests run."""
    for office in ("rey", "province_office"):
        await set_hours(desk, office, *WEEK)
    return desk


async def settle(desk: Desk) -> None:
    """The digest's margin passes: everything that has happened lies that much further in the past."""
    times = {"alert": ("raised_at", "acknowledged_at", "resolved_at"), "digest": ("covers_from", "covers_until")}
    async with everything(desk.database) as connection:
        for table, names in times.items():
            changes = ", ".join(f"{name} = {name} - $1::interval" for name in names)
            await connection.execute(f"UPDATE {table} SET {changes}", SETTLED_AFTER)


async def compose(desk: Desk, office: str = "rey", period: Period = Period.DAILY) -> None:
    await settle(desk)
    await compose_now(desk, office, period)


async def compose_now(desk: Desk, office: str = "rey", period: Period = Period.DAILY) -> None:
    async with desk.begin() as tx:
        await compose_digest(office, period, tx)


async def armed(desk: Desk) -> list[str]:
    rows = await desk.pool.fetch("SELECT subject_id FROM timer WHERE kind = $1 ORDER BY subject_id", DIGEST_TIMER)
    return [row["subject_id"] for row in rows]


async def letters(desk: Desk) -> list[EmailMessage]:
    """The digests that were sent, as Python's email package reads them."""
    desk.start_delivery()
    await desk.until(lambda _: any(letter.alert_kind == "digest" for letter in desk.sink.letters))
    raw = [letter.as_bytes() for letter in mailbox.mbox(desk.sink.mailbox_file)]
    read = [message_from_bytes(one, policy=default) for one in raw]
    return [one for one in read if one["List-Unsubscribe"]]


async def test_a_wish_arms_its_office_and_a_later_start_arms_what_is_missing(desk: Desk) -> None:
    await wish(desk)
    assert await armed(desk) == ["rey/daily", "rey/weekly"]
    due = await desk.pool.fetch("SELECT due_at FROM timer WHERE kind = $1", DIGEST_TIMER)
    assert all(datetime.now(UTC) < row["due_at"] <= datetime.now(UTC) + timedelta(days=7) for row in due)
    await desk.pool.execute("DELETE FROM timer WHERE subject_id = 'rey/daily'")
    await arm_digests(desk.context())
    assert await armed(desk) == ["rey/daily", "rey/weekly"]


async def test_only_members_are_sent_one_and_only_administrators_say_who(desk: Desk) -> None:
    refused = await wish(desk, wishes=[{"email": "stranger@payesh.example", "period": "daily"}], status=422)
    assert refused["code"] == "notifications.digest.member_unknown"
    assert await armed(desk) == []
    async with desk.client("member") as client:
        assert (await client.put(REY, json={"wishes": []})).status_code == 403
    async with desk.client("notifications_admin", counties=["qods"]) as client:
        assert (await client.put(REY, json={"wishes": []})).status_code == 403
        province = await client.put("/working-groups/province_office/digests", json={"wishes": []})
        assert province.status_code == 403


async def test_a_digest_says_what_happened_since_the_last_one_and_is_sent_in_persian(desk: Desk) -> None:
    await wish(desk)
    first = overdue()
    await desk.take(first)
    await desk.take(overdue())
    await desk.take(overdue(county=County.QODS))
    await desk.take(resolved(first.action_id), sequence=2)
    await compose(desk)
    [letter] = await letters(desk)
    assert letter["Subject"] == "خلاصهٔ روزانهٔ هشدارها: ری"
    assert letter["To"].addresses[0].addr_spec == "m0.rey@payesh.example"
    text = letter.get_body(["plain"])
    assert text is not None
    assert "ری: تازه ۲، تأییدشده ۰، ارجاع‌شده ۰، برطرف‌شده ۱، باز ۱، نگه‌داشته ۰" in text.get_content()
    await compose(desk)
    figures = await desk.pool.fetchval("SELECT content FROM digest ORDER BY created_at DESC LIMIT 1")
    assert '"raised": 0' in figures


async def test_an_alert_that_commits_while_a_digest_is_composed_is_in_the_next_one(desk: Desk) -> None:
    await wish(desk)
    async with desk.begin() as late:
        await late.connection.fetchval("SELECT 1")
        await asyncio.create_task(compose_now(desk))
        await apply_rules([received(overdue())], late)
    await compose(desk)
    raised = await desk.pool.fetch("SELECT content FROM digest ORDER BY covers_until")
    figures = [DigestContent.model_validate_json(row["content"]).figures.get(County.REY) for row in raised]
    assert [None if one is None else one.raised for one in figures] == [None, 1]


async def test_a_digest_that_nobody_takes_is_a_trouble_until_the_next_is_composed(desk: Desk) -> None:
    await desk.set_group("ops_office", language="en")
    await wish(desk, wishes=MANY[:1])
    await compose(desk)
    lease, delivery_id = uuid4(), await desk.pool.fetchval("SELECT delivery_id FROM delivery")
    await desk.pool.execute("UPDATE delivery SET lease_id = $1 WHERE delivery_id = $2", lease, delivery_id)
    content = json.loads(await desk.pool.fetchval("SELECT content::text FROM digest"))
    digest_id = await desk.pool.fetchval("SELECT digest_id FROM digest")
    dead = LeasedDelivery(
        delivery_id, digest_id, County.REY, 0, uuid4(), "m0.rey@payesh.example", "عضو 0", "fa", "email", 5, "c", None,
        "digest", "info", str(digest_id), datetime.now(UTC), datetime.now(UTC), content, "m0.rey@payesh.example",
        digest_id=digest_id,
    )  # fmt: skip
    async with desk.begin() as tx:
        await bury_delivery(lease, dead, "550 no such user", tx)
    await take_operations_events(desk)
    [alert] = [one for one in await desk.alerts() if one["kind"] == "ops_alert"]
    assert (alert["details"], alert["state"], alert["county"]) == ({"name": "digest/rey"}, "open", "rey")
    await compose(desk)
    await take_operations_events(desk)
    assert [one["state"] for one in await desk.alerts() if one["kind"] == "ops_alert"] == ["resolved"]


async def test_the_timer_composes_the_digest_and_arms_the_next(desk: Desk) -> None:
    await wish(desk, wishes=MANY[:1])
    await desk.pool.execute("UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1", DIGEST_TIMER)
    desk.start_timers()
    await letters(desk)
    assert await armed(desk) == ["rey/daily"]


async def due_at(desk: Desk, office: str = "rey/daily") -> datetime:
    due: datetime = await desk.pool.fetchval("SELECT due_at FROM timer WHERE subject_id = $1", office)
    return due


async def test_on_a_day_on_which_the_office_is_closed_none_is_sent_and_the_next_one_covers_it(desk: Desk) -> None:
    await wish(desk, wishes=MANY[:1])
    await compose(desk)
    await desk.take(overdue())
    today = office_date(datetime.now(UTC))
    await set_hours(desk, "rey", *WEEK, closed=[today, today + timedelta(days=1)])
    await compose(desk)
    assert await desk.pool.fetchval("SELECT count(*) FROM digest") == 1
    assert await due_at(desk) == office_moment(today + timedelta(days=2), DUE_AT)
    await set_hours(desk, "rey", *WEEK)
    await compose(desk)
    _, after = await desk.pool.fetch("SELECT content FROM digest ORDER BY covers_until")
    assert DigestContent.model_validate_json(after["content"]).figures[County.REY].raised == 1


async def test_what_is_wished_for_is_armed_for_a_day_on_which_its_office_is_open(desk: Desk) -> None:
    today = office_date(datetime.now(UTC))
    in_three_days = today + timedelta(days=3)
    await set_hours(desk, "rey", WEEK[in_three_days.weekday()])
    await wish(desk, wishes=MANY[:1])
    assert await due_at(desk) == office_moment(in_three_days, DUE_AT)


async def test_the_provinces_digest_has_a_row_for_each_county_and_is_kept_from_who_sees_one(desk: Desk) -> None:
    await desk.set_group("province_office")
    await wish(desk, "province_office", [{"email": "m0.province-office@payesh.example", "period": "weekly"}])
    await desk.take(overdue())
    await compose(desk, "province_office", Period.WEEKLY)
    [letter] = await letters(desk)
    html = letter.get_body(["html"])
    assert html is not None
    assert all(county.label_fa in html.get_content() for county in County)
    async with desk.client("operator") as client:
        seen = (await client.get("/deliveries", params={"kind": "digest"})).json()["items"]
    async with desk.client("operator", counties=["tehran"]) as client:
        hidden = (await client.get("/deliveries", params={"kind": "digest"})).json()["items"]
    assert [line["recipient_name"] for line in seen] == ["عضو 0"]
    assert hidden == []


async def test_what_only_the_digest_tells_is_listed_there_and_what_is_held_back_is_counted(desk: Desk) -> None:
    await wish(desk)
    for _ in range(3):
        await desk.take(overdue())
    told_here, held_back, _ = [alert["alert_id"] for alert in await desk.alerts()]
    await desk.pool.execute("UPDATE alert SET digest = true WHERE alert_id = $1", told_here)
    await desk.pool.execute(
        "UPDATE alert SET held_back = 'silenced', held_back_by = alert_id WHERE alert_id = $1", held_back
    )
    await compose(desk)
    content = DigestContent.model_validate_json(await desk.pool.fetchval("SELECT content FROM digest"))
    assert content.told_here_total == len(content.told_here) == 1
    assert content.open_total == len(content.open) == 1
    assert content.figures[County.REY] == CountyFigures(raised=3, open=1, held_back=1)
    desk.start_delivery()
    query = {"alert": told_here, "kind": "digest"}
    async with desk.client("operator") as client, asyncio.timeout(WAIT_S):
        while not (lines := (await client.get("/deliveries", params=query)).json()["items"]):
            await asyncio.sleep(POLL_S)
    assert [(line["recipient"], line["state"]) for line in lines] == [("m0.rey@payesh.example", "sent")]


async def test_nothing_about_return_cases_is_counted_or_listed(desk: Desk) -> None:
    assert not any("nationals.Appeal" in name or "ReturnCase" in name for name in SUMMARISED_TYPES)
    await wish(desk)
    await desk.take(AppealLodged(case_id=uuid4(), county=County.REY, review_by=datetime.now(UTC) + timedelta(days=9)))
    await desk.pool.execute("UPDATE alert SET audience = 'working_group'")
    await compose(desk)
    content = await desk.pool.fetchval("SELECT content FROM digest")
    assert '"figures": {}' in content
    assert '"open_total": 0' in content


@pytest.mark.parametrize("body", [{"List-Unsubscribe": "One-Click"}, {}])
async def test_the_link_shows_a_page_and_acts_when_it_is_posted_to(desk: Desk, body: dict[str, str]) -> None:
    await wish(desk, wishes=MANY[:1])
    await compose(desk)
    [letter] = await letters(desk)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = letter["List-Unsubscribe"].strip("<>").removeprefix("http://service.test")
    async with desk.client() as client:
        page = await client.get(link)
        assert page.status_code == 200
        assert "<button" in page.text
        assert len(await _wishes(desk)) == 1, "looking changes nothing"
        done = await client.post(link, data=body)
        again = await client.post(link, data=body)
        forged = await client.post(link[:-3] + "AAA", data=body)
    assert done.status_code == again.status_code == 200
    assert "دیگر خلاصه‌ای برای شما فرستاده نمی‌شود" in done.text
    assert forged.status_code == 403
    assert await _wishes(desk) == []
    await desk.pool.execute("DELETE FROM timer")
    await compose(desk)
    assert await armed(desk) == [], "where nobody wants one, it ends"


async def _wishes(desk: Desk) -> list[dict[str, str]]:
    async with desk.client("operator") as client:
        return (await client.get(REY)).raise_for_status().json()["wishes"]
