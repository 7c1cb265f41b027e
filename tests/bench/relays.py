"""Relay contenders: drain a full outbox to the broker, in order, every record acknowledged by all in-sync replicas.

Each measures seconds from its first DELETE to the commit of its last; joining the broker is not in it.
"""

import asyncio
import time
from collections import Counter as Tally
from collections import defaultdict
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from shared.contracts.warehouse import InspectionCompleted
from shared.kit.connections import Connection
from shared.kit.envelope import read_event
from shared.kit.outbox import shard_of
from shared.kit.relay import OutboxProducer, Relay, RelaySettings
from tests.bench.counting import sum_bodies
from tests.bench.workload import Counters, Workload
from tests.support.environment import ServiceDatabase

ROUND_ROWS_MAX = 2_000
PARTITION_BATCH_BYTES = 900_000
DRAIN_DEADLINE_S = 120.0
READ_TIMEOUT_MS = 1_000
SHARD = 0


class RelayContender(Protocol):
    name: str

    async def drain(self, database: ServiceDatabase, bootstrap_servers: str, rows: int) -> float:
        """Publish the `rows` rows of the outbox; returns seconds."""
        ...


async def fill_outbox(database: ServiceDatabase, workload: Workload) -> None:
    """Put the workload's events into an empty outbox, as committed history."""
    connection = await asyncpg.connect(database.superuser_url)
    columns = ("shard", "event_id", "type", "topic", "aggregate_id", "sequence", "recorded_at")
    columns += ("correlation_id", "causation_id", "traceparent", "data_classification", "body")
    try:
        await connection.copy_records_to_table(
            "outbox",
            columns=columns,
            records=(
                (shard_of(event.aggregate_id, 1), *(getattr(event, column) for column in columns[1:]))
                for event in workload.events
            ),
        )
        await connection.execute("VACUUM (ANALYZE) outbox")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


class _CountingRelay(Relay):
    """The relay, stopped when it has published `rows`; notes when it began and ended."""

    def __init__(self, settings: RelaySettings, rows: int) -> None:
        super().__init__(settings)
        self._left = rows
        self.began_s = 0.0
        self.ended_s = 0.0

    async def publish_round(self, connection: Connection, producer: OutboxProducer) -> int:
        self.began_s = self.began_s or time.perf_counter()
        sent = await super().publish_round(connection, producer)
        self._left -= sent
        if self._left <= 0:
            self.ended_s = time.perf_counter()
            self.stop()
        return sent


class SpineRelay:
    """The real relay, as a service runs it."""

    name = "spine"

    async def drain(self, database: ServiceDatabase, bootstrap_servers: str, rows: int) -> float:
        relay = _CountingRelay(RelaySettings(database.worker_url, bootstrap_servers, "bench"), rows)
        await asyncio.wait_for(relay.run(), DRAIN_DEADLINE_S)
        return relay.ended_s - relay.began_s


class BareProducer:
    """DELETE … RETURNING and aiokafka's send_batch for each partition, nothing else."""

    name = "DELETE … RETURNING + bare producer"

    async def drain(self, database: ServiceDatabase, bootstrap_servers: str, rows: int) -> float:
        connection = await asyncpg.connect(database.worker_url)
        producer: Any = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=PARTITION_BATCH_BYTES,
        )
        await producer.start()
        left = rows
        try:
            began_s = time.perf_counter()
            async with asyncio.timeout(DRAIN_DEADLINE_S):
                while left > 0:
                    async with connection.transaction():
                        left -= await self._send_round(connection, producer)
            return time.perf_counter() - began_s
        finally:
            await producer.stop()
            await connection.close()

    async def _send_round(self, connection: Connection, producer: Any) -> int:
        rows = await connection.fetch(
            """
            DELETE FROM outbox
            WHERE shard = $1
              AND position = ANY (ARRAY(SELECT position FROM outbox WHERE shard = $1 ORDER BY position LIMIT $2))
            RETURNING position, event_id, type, topic, aggregate_id, sequence, recorded_at, correlation_id, traceparent,
                      data_classification, body
            """,
            SHARD,
            ROUND_ROWS_MAX,
        )
        rows.sort(key=lambda row: row["position"])
        topic = rows[0]["topic"]
        partitions = sorted(await producer.partitions_for(topic))
        partition_of = DefaultPartitioner()
        groups: defaultdict[int, list[tuple[bytes, bytes, list[tuple[str, bytes]]]]] = defaultdict(list)
        for row in rows:
            _, event_id, kind, _, aggregate_id, sequence, recorded_at, correlation_id, trace, level, body = row
            key = aggregate_id.encode()
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_type", kind.encode()),
                ("ce_source", b"/payesh/warehouse"),
                ("ce_dataclassification", level.encode()),
                ("content-type", b"application/json"),
                ("ce_id", str(event_id).encode()),
                ("ce_time", recorded_at.isoformat().encode()),
                ("ce_subject", key),
                ("ce_sequence", b"%d" % sequence),
                ("ce_correlationid", correlation_id.encode()),
                ("ce_traceparent", trace.encode()),
            ]
            groups[partition_of(key, partitions, partitions)].append((key, body, headers))
        await asyncio.gather(*(self._send_partition(producer, topic, *group) for group in groups.items()))
        return len(rows)

    async def _send_partition(
        self, producer: Any, topic: str, partition: int, records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]]
    ) -> None:
        builder = producer.create_batch()
        for key, body, headers in records:
            if builder.append(timestamp=None, key=key, value=body, headers=headers) is None:
                await (await producer.send_batch(builder, topic, partition=partition))
                builder = producer.create_batch()
                builder.append(timestamp=None, key=key, value=body, headers=headers)
        await (await producer.send_batch(builder, topic, partition=partition))


async def read_back(bootstrap_servers: str, topic: str, records: int) -> tuple[Counters, set[int]]:
    """Read the whole topic: the counters its events sum up to, and how often the events are there (all alike: one number).

    Raises TimeoutError when fewer than `records` are there.
    """
    consumer: Any = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    times: Tally[UUID] = Tally()
    bodies: list[tuple[str, dict[str, Any]]] = []
    await consumer.start()
    try:
        async with asyncio.timeout(DRAIN_DEADLINE_S):
            while len(bodies) < records:
                for some in (await consumer.getmany(timeout_ms=READ_TIMEOUT_MS)).values():
                    for record in some:
                        received = read_event(dict(record.headers), record.value, InspectionCompleted)
                        times[received.id] += 1
                        bodies.append((received.time.isoformat(), received.event.model_dump(mode="json")))
    finally:
        await consumer.stop()
    counters: Counters = defaultdict(Decimal)
    for (_, county, counter), delta in sum_bodies(bodies).items():
        counters[county, counter] += delta
    return counters, set(times.values())
