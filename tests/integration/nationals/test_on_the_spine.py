"""The casework on the whole spine: a lapse travels through the broker, opens its review once, and the counters agree."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from services.nationals.casework import handlers
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from services.nationals.casework.store import counters as counter_store
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome
from shared.kit.consumer import BatchConsumer
from shared.kit.projections import refold
from shared.kit.relay import Relay, RelaySettings
from shared.kit.routing import collect_reactions
from shared.kit.subscription import Subscription
from tests.integration.nationals.office import Office

SETTLED_WITHIN_S = 30.0


@asynccontextmanager
async def running_spine(office: Office, kafka: str) -> AsyncGenerator[BatchConsumer]:
    relay = Relay(RelaySettings(office.database.worker_url, kafka, "nationals"))
    relaying = asyncio.create_task(relay.run())
    consumer = BatchConsumer(office.worker, collect_reactions(handlers, "casework"), "nationals")
    subscription = Subscription(
        consumer, bootstrap_servers=kafka, group="payesh-nationals", instance="1", pauses_when_idle=True
    )
    await subscription.start()
    try:
        yield consumer
    finally:
        await subscription.stop()
        relay.stop()
        await relaying


async def counter(office: Office, name: str) -> int:
    query = "SELECT value FROM casework.county_case_counter WHERE county = 'rey' AND counter = $1"
    return await office.superuser.fetchval(query, name) or 0


async def settled(office: Office, expected: dict[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while found != expected:
                await asyncio.sleep(0.1)
                found = {name: await counter(office, name) for name in expected}
    except TimeoutError:
        pass
    return found


async def test_day_through_the_broker(office: Office, kafka_with_topics: str) -> None:
    async with running_spine(office, kafka_with_topics) as consumer:
        centre_id = await office.centre(capacity=20)
        cases = [await office.consented(adults=2) for _ in range(12)]
        for case_id in cases[:9]:
            await office.book(case_id, centre_id, 2)
        await asyncio.gather(*(office.withdraw(case_id) for case_id in cases[:3]))
        closing = handlers.CloseCase(case_id=cases[0], outcome=CaseOutcome.WITHDRAWN)
        await office.run(handlers.close_case, closing)
        await asyncio.gather(*(office.withdraw(case_id) for case_id in cases[6:9]))
        await office.fire(VOLUNTARY_PERIOD, *cases[6:])
        expected = {
            "opened": 12,
            "open": 11,
            "consented": 12,
            "withdrawn": 6,
            "closed": 1,
            "in_legal_review": 6,
            "legal_reviews_opened": 6,
        }
        assert await settled(office, expected) == expected
        closing = handlers.CloseCase(case_id=cases[6], outcome=CaseOutcome.NOT_VIABLE)
        await office.run(handlers.close_case, closing)
        expected |= {"open": 10, "closed": 2, "in_legal_review": 5}
        assert await settled(office, expected) == expected
        assert await office.superuser.fetchval("SELECT count(*) FROM casework.legal_review WHERE state = 'open'") == 5
        assert await office.superuser.fetchval("SELECT count(*) FROM parked_event") == 0
        owned = await counter_store.read_place_counters(office.superuser)
        assert [(row.capacity, row.held, row.county) for row in owned] == [(20, 6, County.REY)]
        assert await office.places(centre_id) == (20, 6, 0)
        reports = await refold(
            office.worker, kafka_with_topics, consumer.consumer_id, collect_reactions(handlers, "casework"), keep=True
        )
        assert {report.table for report in reports} == {"casework.county_case_counter", "casework.centre_place_counter"}
        assert all(report.agrees for report in reports), reports


async def test_places_given_back_are_offered_through_the_broker(office: Office, kafka_with_topics: str) -> None:
    async with running_spine(office, kafka_with_topics):
        centre_id = await office.centre(capacity=4)
        held = [await office.book(await office.consented(), centre_id) for _ in range(4)]
        waits = [await office.consented() for _ in range(6)]
        for case_id in waits:
            await office.join(case_id, centre_id)
        await asyncio.gather(*(office.release(booking.booking_id) for booking in held))
        offered: list[UUID] = []
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while len(offered) < len(held):
                await asyncio.sleep(0.1)
                rows = await office.superuser.fetch(
                    "SELECT case_id FROM casework.booking WHERE waiting_entry_id IS NOT NULL ORDER BY booking_id"
                )
                offered = [row["case_id"] for row in rows]
        assert offered == waits[:4]
        assert await office.places(centre_id) == (4, 4, 0)
        assert await office.superuser.fetchval("SELECT count(*) FROM parked_event") == 0
