"""Consumer contenders: Kafka → decode → skip what was seen → counters → commit → offsets.

Each measures seconds from the moment the group gave it its partitions to the database commit of the last record.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from services.warehouse.handlers.counting import fold_county_counters
from shared.contracts.warehouse import InspectionCompleted
from shared.kit.batches import Record
from shared.kit.connections import Connection, Pool
from shared.kit.consumer import BatchConsumer
from shared.kit.routing import Reaction
from shared.kit.subscription import Subscription
from tests.bench.counting import add_to_counters, sum_bodies
from tests.support.environment import ServiceDatabase

LOOP_RECORDS_MAX = 2_000
POLL_TIMEOUT_MS = 1_000
WATCH_INTERVAL_S = 0.001
ASSIGNMENT_DEADLINE_S = 30.0
RUN_DEADLINE_S = 120.0
CONSUMER_ID = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Where a contender reads and writes. `records` is how many the topic holds, repeated ones included."""

    bootstrap_servers: str
    topic: str
    records: int
    database: ServiceDatabase
    pool: Pool


class ConsumerContender(Protocol):
    name: str

    async def run(self, source: Source, group: str) -> float:
        """Consume the whole topic as `group`; returns seconds."""
        ...


async def _wait_until(condition: Callable[[], bool], deadline_s: float) -> None:
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(WATCH_INTERVAL_S)


class SpineConsumer:
    """The real spine: FastStream subscription, batch consumer, contract, inbox, positions, the warehouse's fold."""

    name = "spine"

    async def run(self, source: Source, group: str) -> float:
        reaction = Reaction((InspectionCompleted,), fold_county_counters, folds=True)
        consumer = BatchConsumer(source.pool, [reaction], "bench")
        subscription = Subscription(
            consumer, bootstrap_servers=source.bootstrap_servers, group=group, instance="1", pauses_when_idle=False
        )
        await subscription.start()
        try:
            await _wait_until(lambda: subscription.has_assignment, ASSIGNMENT_DEADLINE_S)
            began_s = time.perf_counter()
            await _wait_until(lambda: sum(consumer.settled_offsets.values()) >= source.records, RUN_DEADLINE_S)
            return time.perf_counter() - began_s
        finally:
            await subscription.stop()


class HandWrittenLoop:
    """aiokafka and asyncpg by hand, one transaction a batch, offsets committed beside the next batch."""

    name = "hand-written loop"

    async def run(self, source: Source, group: str) -> float:
        consumer: Any = AIOKafkaConsumer(
            source.topic,
            bootstrap_servers=source.bootstrap_servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            await _wait_until(lambda: bool(consumer.assignment()), ASSIGNMENT_DEADLINE_S)
            began_s = time.perf_counter()
            async with asyncio.timeout(RUN_DEADLINE_S):
                await self._consume(consumer, source)
            return time.perf_counter() - began_s
        finally:
            await consumer.stop()

    async def _consume(self, consumer: Any, source: Source) -> None:
        connection = await asyncpg.connect(source.database.worker_url)
        committing: asyncio.Task[None] | None = None
        taken = 0
        try:
            while taken < source.records:
                batches = await consumer.getmany(timeout_ms=POLL_TIMEOUT_MS, max_records=LOOP_RECORDS_MAX)
                offsets: dict[TopicPartition, int] = {}
                records: list[Record] = []
                for partition, some in batches.items():
                    offsets[partition] = some[-1].offset + 1
                    records += some
                await self._apply(connection, records)
                taken += len(records)
                if committing is not None:
                    await committing
                committing = asyncio.create_task(consumer.commit(offsets))
        finally:
            if committing is not None:
                await committing
            await connection.close()

    async def _apply(self, connection: Connection, records: list[Record]) -> None:
        events: dict[UUID, tuple[str, dict[str, Any]]] = {}
        for record in records:
            event_id, recorded_at = "", ""
            for name, value in record.headers:
                if name == "ce_id":
                    event_id = value.decode()
                elif name == "ce_time":
                    recorded_at = value.decode()
            events[UUID(event_id)] = recorded_at, orjson.loads(record.value or b"")
        async with connection.transaction():
            fresh = await connection.fetch(
                """
                INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::uuid[])
                ON CONFLICT DO NOTHING RETURNING event_id
                """,
                CONSUMER_ID,
                list(events),
            )
            await add_to_counters(connection, sum_bodies(events[row["event_id"]] for row in fresh))


class PlainHandler:
    """What the FastStream tutorial leads to: one message, one pydantic body, one transaction, acknowledged after it."""

    name = "plain FastStream handler"

    async def run(self, source: Source, group: str) -> float:
        broker = KafkaBroker(source.bootstrap_servers.split(","), logger=None)
        done = asyncio.Event()
        taken = 0

        async def handle(event: InspectionCompleted, message: KafkaMessage) -> None:
            nonlocal taken
            async with source.pool.acquire() as connection, connection.transaction():
                fresh = await connection.fetchval(
                    "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id",
                    CONSUMER_ID,
                    UUID(message.headers["ce_id"]),
                )
                if fresh is not None:
                    body = message.headers["ce_time"], event.model_dump(mode="json")
                    await add_to_counters(connection, sum_bodies([body]))
            await message.ack()
            taken += 1
            if taken == source.records:
                done.set()

        subscriber = broker.subscriber(
            source.topic, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL
        )
        subscriber(handle)
        await broker.start()
        try:
            await _wait_until(
                lambda: subscriber.consumer is not None and bool(subscriber.consumer.assignment()),
                ASSIGNMENT_DEADLINE_S,
            )
            began_s = time.perf_counter()
            await asyncio.wait_for(done.wait(), RUN_DEADLINE_S)
            return time.perf_counter() - began_s
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(broker.stop(), ASSIGNMENT_DEADLINE_S)
