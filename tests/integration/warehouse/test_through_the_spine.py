"""The warehouse service on the real spine: its outbox, its topics, its own fold; counters that can be rebuilt."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.warehouse.app import service
from shared.contracts.counties import County
from shared.kit.consumer import BatchConsumer
from shared.kit.projections import refold
from shared.kit.relay import Relay, RelaySettings
from shared.kit.subscription import Subscription
from tests.integration.warehouse.province import Province, as_csv, site_row
from tests.support.environment import on_apache

SETTLE_S_MAX = 40.0
SITES = 500


@asynccontextmanager
async def running(province: Province, kafka: str) -> AsyncGenerator[BatchConsumer]:
    """The service's relay and consumer, as its process runs them."""
    relay = Relay(RelaySettings(province.database.worker_url, kafka, "warehouse"))
    consumer = BatchConsumer(province.worker, service.reactions, "warehouse")
    subscription = Subscription(
        consumer, bootstrap_servers=kafka, group="payesh-warehouse", instance="1", pauses_when_idle=not on_apache()
    )
    relaying = asyncio.create_task(relay.run())
    try:
        await subscription.start()
        yield consumer
    finally:
        await subscription.stop()
        relay.stop()
        await relaying


async def settled(province: Province) -> None:
    """Wait until the folded counters are what the rows say."""
    async with asyncio.timeout(SETTLE_S_MAX):
        while await province.counters_from_folds() != await province.counters_from_rows():
            await asyncio.sleep(0.1)


async def test_counters_follow_the_events_and_are_rebuilt_to_the_same_rows(
    province: Province, kafka_with_topics: str
) -> None:
    # Events that are recorded on any of thirty days, in no order: late ones, as after an outage.
    await province.superuser.execute(
        "ALTER TABLE outbox ALTER COLUMN recorded_at SET DEFAULT now() - random() * interval '30 days'"
    )
    async with running(province, kafka_with_topics) as consumer:
        rows = [site_row(number, list(County)[number % 16], f"{1000 + number}.125") for number in range(SITES)]
        sites = await province.register(*rows)
        for number, site in enumerate(sites[:32]):
            await province.inspect(
                site,
                list(County)[number % 16],
                found={"capacity_tonnes": 1000 + number * 7.001},
                failed={"fire_safety": "major"} if number % 4 == 0 else {},
                suspicion="biological_hazard" if number % 8 == 0 else None,
            )
        await province.send_file(as_csv([site_row(number, County.REY, "77.777") for number in range(400, 420)]))
        await settled(province)
        assert await province.superuser.fetchval("SELECT count(*) FROM parked_event") == 0
        for keep in (False, True):
            reports = await refold(
                province.worker, kafka_with_topics, consumer.consumer_id, service.reactions, keep=keep
            )
            assert [(report.table, report.agrees) for report in reports] == [
                ("county_counter", True),
                ("county_counter_day", True),
            ]
        days = await province.superuser.fetch("SELECT * FROM county_counter_day ORDER BY county, counter, day")
        assert len({row["day"] for row in days}) > 20

        await province.superuser.execute("UPDATE county_counter SET value = value + 1 WHERE county = 'rey'")
        await province.superuser.execute("DELETE FROM county_counter_day WHERE county = 'qods'")
        reports = await refold(province.worker, kafka_with_topics, consumer.consumer_id, service.reactions, keep=True)
        assert [report.agrees for report in reports] == [False, False]
        assert days == await province.superuser.fetch("SELECT * FROM county_counter_day ORDER BY county, counter, day")
        assert await province.counters_from_folds() == await province.counters_from_rows()
