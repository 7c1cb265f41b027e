"""A site is named by its id in the register, from the warehouse service's events to what people read."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.notifications.app import service
from services.notifications.handlers.sites import fold_sites
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity, WarehouseChanged, WarehouseKind, WarehouseRegistered
from shared.kit.consumer import BatchConsumer
from shared.kit.projections import refold
from shared.kit.relay import Relay, RelaySettings
from shared.kit.subscription import Subscription
from tests.support.disturbed_day import turn_clock
from tests.support.environment import on_apache
from tests.support.notifications import WAIT_S, Desk, overdue, received

SETTLE_S_MAX = 40.0
GROUP_WAITS = timedelta(minutes=16)


def registered(warehouse_id: UUID, registry_id: str, county: County = County.REY) -> WarehouseRegistered:
    return WarehouseRegistered(
        warehouse_id=warehouse_id,
        registry_id=registry_id,
        county=county,
        kind=WarehouseKind.GENERAL,
        capacity_tonnes=100,
        floor_area_m2=50,
    )


def changed(warehouse_id: UUID, county: County, registry_id: str | None = None) -> WarehouseChanged:
    return WarehouseChanged(
        warehouse_id=warehouse_id,
        county=county,
        county_before=County.REY,
        capacity_tonnes=100,
        capacity_tonnes_before=100,
        changed_fields=("county",),
        registry_id=registry_id,
    )


def late(warehouse_id: UUID) -> Event:
    return overdue().model_copy(update={"warehouse_id": warehouse_id})


async def learn(desk: Desk, *events: Event) -> None:
    async with desk.begin() as tx:
        await fold_sites([received(event) for event in events], tx)


async def sites(desk: Desk) -> dict[str, tuple[str, str]]:
    rows = await desk.pool.fetch("SELECT * FROM warehouse_site ORDER BY registry_id")
    return {row["warehouse_id"]: (row["registry_id"], row["county"]) for row in rows}


def newest_letter(desk: Desk) -> str:
    content = desk.sink.mailbox_file.read_bytes().rpartition(b"\nFrom ")[2].partition(b"\n")[2]
    text = message_from_bytes(content, policy=default).get_body(["plain"])
    assert text is not None
    return text.get_content()


@asynccontextmanager
async def on_the_spine(desk: Desk, kafka: str) -> AsyncGenerator[BatchConsumer]:
    """The service's relay and consumer, as its process runs them."""
    relay = Relay(RelaySettings(desk.database.worker_url, kafka, "notifications"))
    consumer = BatchConsumer(desk.pool, service.reactions, "notifications")
    subscription = Subscription(
        consumer, bootstrap_servers=kafka, group="payesh-notifications", instance="1", pauses_when_idle=not on_apache()
    )
    relaying = asyncio.create_task(relay.run())
    try:
        await subscription.start()
        yield consumer
    finally:
        await subscription.stop()
        relay.stop()
        await relaying


async def test_from_the_register_to_the_letter_and_rebuilt_to_the_same_rows(desk: Desk, kafka_with_topics: str) -> None:
    site, moved, found = uuid4(), uuid4(), uuid4()
    expected = {
        str(site): ("501000001", "rey"),
        str(moved): ("501000002", "qods"),
        str(found): ("501000003", "rey"),
    }
    async with on_the_spine(desk, kafka_with_topics) as consumer:
        async with desk.begin() as tx:
            await tx.publish_many([registered(site, "501000001"), registered(moved, "501000002")])
            await tx.publish_many([registered(found, "provisional-1"), changed(moved, County.QODS)])
            await tx.publish_many([changed(found, County.REY, "501000003"), changed(found, County.REY)])
        async with asyncio.timeout(SETTLE_S_MAX):
            while await sites(desk) != expected:
                await asyncio.sleep(0.05)
        desk.start_delivery()
        async with desk.begin() as tx:
            await tx.publish(late(site))
        assert await asyncio.to_thread(desk.sink.wait_for, 1, WAIT_S)
        assert "شناسه انبار: ۵۰۱۰۰۰۰۰۱" in newest_letter(desk)
        for keep in (False, True):
            reports = await refold(desk.pool, kafka_with_topics, consumer.consumer_id, service.reactions, keep=keep)
            agreeing = {report.table: report.agrees for report in reports}
            assert agreeing == {"alert_counter": True, "warehouse_site": True}
        await desk.pool.execute("UPDATE warehouse_site SET registry_id = 'spoiled' WHERE county = 'qods'")
        await desk.pool.execute("DELETE FROM warehouse_site WHERE warehouse_id = $1", str(site))
        reports = await refold(desk.pool, kafka_with_topics, consumer.consumer_id, service.reactions, keep=True)
        assert [report.table for report in reports if not report.agrees] == ["warehouse_site"]
        assert await sites(desk) == expected


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_what_the_last_event_of_a_site_says_holds(desk: Desk, in_one_batch: bool) -> None:
    site, stranger = uuid4(), uuid4()
    events = [
        changed(stranger, County.REY, "7"),
        registered(site, "provisional-1"),
        changed(site, County.QODS, "8"),
        changed(site, County.PARDIS),
    ]
    for batch in [events] if in_one_batch else [[event] for event in events]:
        await learn(desk, *batch)
    assert await sites(desk) == {str(site): ("8", "pardis")}
    await learn(desk, changed(site, County.REY), registered(site, "9", County.QODS))
    assert await sites(desk) == {str(site): ("9", "qods")}


async def test_inbox_link_search_and_export_name_the_site_and_an_unknown_one_is_named_as_before(desk: Desk) -> None:
    known, unknown = uuid4(), uuid4()
    await learn(desk, registered(known, "501000001"))
    desk.start_delivery()
    for number, site in enumerate((known, unknown), start=1):
        await desk.take(late(site))
        assert await asyncio.to_thread(desk.sink.wait_for, number, WAIT_S)
    await desk.until(lambda alerts: {d["state"] for alert in alerts for d in alert["deliveries"]} == {"sent"})
    assert f"شناسه انبار: {unknown}" in newest_letter(desk)
    async with desk.client("member", subject="m0.rey", counties=["rey"]) as client:
        inbox = (await client.get("/inbox")).raise_for_status().json()["items"]
    assert [alert["registry_id"] for alert in inbox] == [None, "501000001"]
    async with desk.client("operator") as client:
        found = (await client.get("/deliveries", params={"channel": "email"})).raise_for_status().json()["items"]
        export = await client.get("/deliveries/export", params={"channel": "email", "format": "csv"})
    assert [line["registry_id"] for line in found] == [None, "501000001"]
    heading, *lines = csv.reader(io.StringIO(export.raise_for_status().content.decode("utf-8-sig")))
    assert [line[heading.index("شناسه انبار")].lstrip("\u200e") for line in lines] == ["", "501000001"]
    pages = [await page_of(desk, letter.acknowledge_link) for letter in desk.sink.letters]
    assert "ری · ۵۰۱۰۰۰۰۰۱</p>" in pages[0]
    assert "ری</p>" in pages[1]


async def page_of(desk: Desk, link: str | None) -> str:
    async with desk.client() as client:
        answer = await client.get(urlsplit(str(link)).path)
    return answer.raise_for_status().text


async def test_a_letter_of_a_group_names_the_site_of_each(desk: Desk) -> None:
    first, second = uuid4(), uuid4()
    await learn(desk, registered(first, "501000001"), registered(second, "501000002"))
    for site in (first, second):
        await desk.take(late(site).model_copy(update={"severity": Severity.MAJOR}))
    lead, joined = await desk.alerts()
    assert joined["lead_alert_id"] == lead["alert_id"]
    desk.start_timers()
    desk.start_delivery()
    await turn_clock(desk, GROUP_WAITS)
    assert await asyncio.to_thread(desk.sink.wait_for, 1, WAIT_S)
    text = newest_letter(desk)
    assert "شناسه انبار: ۵۰۱۰۰۰۰۰۱" in text
    assert f"· ۵۰۱۰۰۰۰۰۲ · {joined['subject_id']}" in text


async def test_a_county_sees_its_own_sites_alone_and_changes_none(desk: Desk) -> None:
    await learn(desk, registered(uuid4(), "501000001"))
    connection: Any = await asyncpg.connect(desk.database.api_url)
    try:
        for counties, number in (("rey", 1), ("qods", 0), ("", 0)):
            await connection.execute("SELECT set_config('payesh.counties', $1, false)", counties)
            assert await connection.fetchval("SELECT count(*) FROM warehouse_site") == number
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE warehouse_site SET county = 'qods'")
    finally:
        await connection.close()
