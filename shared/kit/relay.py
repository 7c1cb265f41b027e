"""Outbox, the sending side: one leader per shard, in order per aggregate, at least once (rules 2 and 3).

A round is one transaction on the connection that holds the shard's advisory lock: DELETE … RETURNING, send, wait for every
acknowledgement, COMMIT. Losing the lock means losing that connection, so an old leader's DELETE can never commit. After any
send error the producer is thrown away, what was acknowledged is deleted in a transaction of its own, and the rest is read again.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from shared.kit import metrics
from shared.kit.connections import Connection
from shared.kit.database import connect_to_primary
from shared.kit.envelope import OutgoingEvent, to_headers
from shared.kit.logging import get_logger
from shared.kit.outbox import WAKE_CHANNEL

ROUND_ROWS_MAX = 2_000
POLL_INTERVAL_S = 1.0
SEND_TIMEOUT_S = 30.0
RETRY_DELAY_S_MIN = 0.1
RETRY_DELAY_S_MAX = 5.0
STATEMENT_TIMEOUT_S = 30.0
LOCK_NAMESPACE = 0x5041  # "PA": the first key of the relay's advisory locks
PARTITION_BATCH_BYTES = 900_000
"""Below the broker's default message.max.bytes; a partition's share of a round goes out as batches of at most this size."""

log = get_logger(__name__)


class SendError(Exception):
    """The broker did not acknowledge everything. `acknowledged` are the positions that it did acknowledge."""

    def __init__(self, acknowledged: Sequence[int], cause: BaseException) -> None:
        super().__init__(f"{len(acknowledged)} acknowledged, then {cause!r}")
        self.acknowledged = list(acknowledged)


_STARTS_OVER = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    KafkaError,
    SendError,
)


class OutboxProducer:
    """An idempotent aiokafka producer that sends a round keyed by aggregate and reports what was acknowledged."""

    def __init__(self, bootstrap_servers: str, client_id: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=PARTITION_BATCH_BYTES,
            request_timeout_ms=int(SEND_TIMEOUT_S * 1000),
        )
        self._partitioner = DefaultPartitioner()
        self._partitions: dict[str, list[int]] = {}

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def send(self, events: Sequence[OutgoingEvent]) -> None:
        """Send and wait for every acknowledgement. Raises SendError; then this producer must not be used again."""
        by_partition: defaultdict[tuple[str, int], list[OutgoingEvent]] = defaultdict(list)
        acknowledged: list[int] = []
        try:
            for event in events:
                by_partition[event.topic, await self._partition_of(event)].append(event)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                results = await asyncio.gather(
                    *(self._send_partition(*key, group, acknowledged) for key, group in by_partition.items()),
                    return_exceptions=True,
                )
        except (KafkaError, OSError, TimeoutError) as error:
            raise SendError(acknowledged, error) from error
        for result in results:
            if isinstance(result, BaseException):
                raise SendError(acknowledged, result) from result

    async def _send_partition(
        self, topic: str, partition: int, events: Sequence[OutgoingEvent], acknowledged: list[int]
    ) -> None:
        """One batch after the other: a later one never overtakes an earlier one that failed."""
        pending: list[int] = []
        builder = self._producer.create_batch()
        for event in events:
            key, headers = event.aggregate_id.encode(), to_headers(event)
            if builder.append(timestamp=None, key=key, value=event.body, headers=headers) is None:
                await self._send_batch(builder, topic, partition)
                acknowledged.extend(pending)
                pending.clear()
                builder = self._producer.create_batch()
                builder.append(timestamp=None, key=key, value=event.body, headers=headers)
            pending.append(event.position)
        await self._send_batch(builder, topic, partition)
        acknowledged.extend(pending)

    async def _send_batch(self, builder: Any, topic: str, partition: int) -> None:
        delivery = cast("asyncio.Future[Any]", await self._producer.send_batch(builder, topic, partition=partition))
        await delivery

    async def _partition_of(self, event: OutgoingEvent) -> int:
        partitions = self._partitions.get(event.topic)
        if partitions is None:
            partitions = self._partitions[event.topic] = sorted(await self._producer.partitions_for(event.topic))
        return cast("int", self._partitioner(event.aggregate_id.encode(), partitions, partitions))


@dataclass(frozen=True, slots=True)
class RelaySettings:
    database_url: str
    bootstrap_servers: str
    service: str
    shard: int = 0


class Relay:
    """Publishes one shard's outbox. `run` waits to become the leader, leads until something breaks, then starts over."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._wake = asyncio.Event()
        self._stopping = False
        self.is_leader = False
        self._retry_delay_s = RETRY_DELAY_S_MIN

    def stop(self) -> None:
        """Finish the round under way, then leave."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        while not self._stopping:
            try:
                await self._connect_and_lead()
            except _STARTS_OVER as error:
                log.warning("relay_starts_over", error=repr(error), next_step=f"in {self._retry_delay_s} s")
                await asyncio.sleep(self._retry_delay_s)
                self._retry_delay_s = min(self._retry_delay_s * 2, RETRY_DELAY_S_MAX)

    async def _connect_and_lead(self) -> None:
        connection = await connect_to_primary(
            self._settings.database_url,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings={
                "application_name": f"payesh-{self._settings.service}-relay-{self._settings.shard}",
                # A DELETE lost in a crash of the server publishes again, which rule 2 allows; nobody waits for the disk.
                "synchronous_commit": "off",
            },
        )
        try:
            await connection.add_listener(WAKE_CHANNEL, self._on_wake)
            while not await self._try_lock(connection):
                await self._wait_for_wake()
                if self._stopping:
                    return
            self.is_leader = True
            log.info("relay_leads", shard=self._settings.shard)
            await self._lead(connection)
        finally:
            self.is_leader = False
            connection.terminate()

    def _on_wake(self, *_: object) -> None:
        self._wake.set()

    async def _try_lock(self, connection: Connection) -> bool:
        locked: bool = await connection.fetchval(
            "SELECT pg_try_advisory_lock($1, $2)", LOCK_NAMESPACE, self._settings.shard
        )
        return locked

    async def _lead(self, connection: Connection) -> None:
        producer = OutboxProducer(
            self._settings.bootstrap_servers, f"{self._settings.service}-relay-{self._settings.shard}"
        )
        await producer.start()
        try:
            while not self._stopping:
                self._wake.clear()
                sent = await self.publish_round(connection, producer)
                self._retry_delay_s = RETRY_DELAY_S_MIN
                if sent < ROUND_ROWS_MAX:
                    await self._wait_for_wake()
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), RETRY_DELAY_S_MAX)

    async def _wait_for_wake(self) -> None:
        """Until a NOTIFY or the polling interval, whichever is first: the NOTIFY is only a hint (rule 2)."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), POLL_INTERVAL_S)

    async def publish_round(self, connection: Connection, producer: OutboxProducer) -> int:
        """Publish up to `ROUND_ROWS_MAX` rows; returns how many. Raises SendError after keeping what was acknowledged."""
        events: list[OutgoingEvent] = []
        try:
            async with connection.transaction():
                events = await take_rows(connection, self._settings.shard)
                if not events:
                    return 0
                await producer.send(events)
        except SendError as error:
            await delete_rows(connection, self._settings.shard, error.acknowledged)
            metrics.RELAY_FAILURES.inc()
            acknowledged = set(error.acknowledged)
            _count_published([event for event in events if event.position in acknowledged])
            raise
        _count_published(events)
        return len(events)


def _count_published(events: Sequence[OutgoingEvent]) -> None:
    now = datetime.now(UTC)
    for topic, count in Counter(event.topic for event in events).items():
        metrics.RELAY_PUBLISHED_EVENTS.labels(topic).inc(count)
    if events:
        metrics.RELAY_PUBLISH_SECONDS.observe((now - events[0].recorded_at).total_seconds())


async def take_rows(connection: Connection, shard: int) -> list[OutgoingEvent]:
    """DELETE the shard's oldest rows and return them in order; at most `ROUND_ROWS_MAX` rows."""
    rows = await connection.fetch(
        """
        DELETE FROM outbox
        WHERE shard = $1
          AND position = ANY (ARRAY(SELECT position FROM outbox WHERE shard = $1 ORDER BY position LIMIT $2))
        RETURNING position, event_id, type, topic, aggregate_id, sequence, recorded_at, correlation_id, causation_id,
                  traceparent, data_classification, body
        """,
        shard,
        ROUND_ROWS_MAX,
    )
    return sorted((OutgoingEvent(*row) for row in rows), key=lambda event: event.position)


async def delete_rows(connection: Connection, shard: int, positions: Sequence[int]) -> None:
    """DELETE rows that the broker acknowledged in a round that failed as a whole."""
    await connection.execute("DELETE FROM outbox WHERE shard = $1 AND position = ANY ($2::bigint[])", shard, positions)


async def depth(connection: Connection) -> int:
    """Events committed and not yet published."""
    count: int = await connection.fetchval("SELECT count(*) FROM outbox")
    return count
