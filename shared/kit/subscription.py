"""FastStream subscription, wired so that it cannot lose a message (rule 4), around the batch consumer.

FastStream brings the group, the subscription and the AsyncAPI document; parsing and decoding of each message are
replaced by handing the raw records on, which keeps its per-message machinery out of the hot path.
"""

import asyncio
import gc
import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared.kit.batches import Record
from shared.kit.consumer import BatchConsumer

BATCH_RECORDS_MAX = 2_000
POLL_TIMEOUT_MS = 1_000
PAUSED_POLL_TIMEOUT_MS = 5
IDLE_PAUSE_S_MIN = 0.005
IDLE_PAUSE_S_MAX = 0.1
SESSION_TIMEOUT_MS = 30_000
MAX_POLL_INTERVAL_MS = 300_000
GC_ALLOCATIONS = 200_000
"""Containers, net of those freed, between two rounds of the garbage collector in this process: more than two batches hold
at once (some 45,000 each, none in a cycle), so that batches which come and go start none. At CPython's 700 looking for
cycles was a third of what a batch costs, at 50,000 still a sixth."""


class MiswiredSubscriberError(RuntimeError):
    """A subscriber would lose or loop on messages; the process refuses to start. The message says what to change."""


class PatientConsumer(AIOKafkaConsumer):
    """`getmany` returns only when there is something: FastStream sleeps a whole poll interval after an empty answer.

    `pauses_when_idle` is for a broker that answers empty fetches at once (the embedded one): between two polls that find
    nothing the partitions are paused for a moment, or the fetcher would spin.
    """

    pauses_when_idle = False

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        pause_s = IDLE_PAUSE_S_MIN
        poll_timeout_ms = PAUSED_POLL_TIMEOUT_MS if self.pauses_when_idle else POLL_TIMEOUT_MS
        while True:
            records = cast(
                "dict[TopicPartition, list[Record]]",
                await super().getmany(*partitions, timeout_ms=poll_timeout_ms, max_records=max_records),
            )
            if records:
                return records
            if self.pauses_when_idle:
                await self._pause(pause_s)
                pause_s = min(pause_s * 2, IDLE_PAUSE_S_MAX)

    async def _pause(self, pause_s: float) -> None:
        assigned = self.assignment()
        self.pause(*assigned)
        try:
            await asyncio.sleep(pause_s)
        finally:
            self.resume(*(assigned & self.assignment()))


class _DrainOnRevoke(ConsumerRebalanceListener):
    def __init__(self, consumer: BatchConsumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - aiokafka awaits it
        del revoked
        await self._consumer.drain()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Nothing to do: positions start at the committed offsets."""


class Subscription:
    """One consumer group of one service: all topics that its reactions need, handed to `consumer` as raw batches."""

    def __init__(
        self,
        consumer: BatchConsumer,
        *,
        bootstrap_servers: str,
        group: str,
        instance: str,
        pauses_when_idle: bool = False,
    ) -> None:
        self._consumer = consumer
        self._pauses_when_idle = pauses_when_idle
        self.broker = KafkaBroker(
            bootstrap_servers.split(","),  # FastStream takes a string for one address
            client_id=f"{group}-{instance}",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
        )
        topics = sorted({event_type.stream.topic for event_type in consumer.event_types})
        self._subscriber: BatchSubscriber = self.broker.subscriber(
            *topics,
            batch=True,
            group_id=group,
            group_instance_id=_member_name(group, instance, topics, evicts_members=not pauses_when_idle),
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            max_records=BATCH_RECORDS_MAX,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            listener=_DrainOnRevoke(consumer),
            parser=_parse_raw,
            decoder=_decode_raw,
        )
        self._subscriber(self._receive)

    async def _receive(self, records: Sequence[Record]) -> None:
        kafka_consumer = self._subscriber.consumer
        if kafka_consumer is not None:
            await self._consumer.receive(records, kafka_consumer)

    async def start(self) -> None:
        """Join the group. Raises MiswiredSubscriberError, or what aiokafka raises when no broker answers."""
        check_wiring(self.broker)
        gc.set_threshold(GC_ALLOCATIONS)
        await self.broker.connect()
        configuration = self.broker.config.broker_config
        consumer_class = type("Consumer", (PatientConsumer,), {"pauses_when_idle": self._pauses_when_idle})
        configuration.builder = partial(consumer_class, **cast("partial[Any]", configuration.builder).keywords)
        await self.broker.start()

    async def stop(self) -> None:
        """Settle or roll back the batch in flight, then leave the group."""
        await self._consumer.stop()
        await self.broker.stop()

    async def lag(self) -> dict[str, int]:
        """Records per topic between what is settled here and the end of the topic, as of the last fetch."""
        kafka_consumer = self._subscriber.consumer
        lags: dict[str, int] = {}
        if kafka_consumer is None:
            return lags
        settled = self._consumer.settled_offsets
        for partition in kafka_consumer.assignment():
            if partition not in kafka_consumer.assignment():
                continue  # a rebalance took it while the one before was asked for
            end = kafka_consumer.highwater(partition)
            if end is None:
                continue
            if partition not in settled:
                committed = cast("int | None", await kafka_consumer.committed(partition))
                settled.setdefault(partition, committed or 0)
            lags[partition.topic] = lags.get(partition.topic, 0) + max(end - settled[partition], 0)
        return lags

    @property
    def has_assignment(self) -> bool:
        """True once the group has given this process its partitions."""
        kafka_consumer = self._subscriber.consumer
        return kafka_consumer is not None and bool(kafka_consumer.assignment())


def _member_name(group: str, instance: str, topics: Sequence[str], *, evicts_members: bool) -> str:
    """Static membership: whoever was killed comes back to its own partitions without a rebalance.

    Apache Kafka hands a returning static member its old assignment even when it now asks for other topics, so there the
    topics are part of the name; the embedded broker never evicts a member, so there a second name would keep partitions.
    """
    topics_digest = f"-{zlib.crc32(','.join(topics).encode()):08x}" if evicts_members else ""
    return f"{group}-{instance}{topics_digest}"


async def _parse_raw(message: Any) -> KafkaMessage:
    records: tuple[Record, ...] = message
    return KafkaMessage(body=b"", raw_message=records, consumer=_NoCommit(), headers={}, content_type=None)


async def _decode_raw(message: KafkaMessage) -> Any:
    return message.raw_message


class _NoCommit:
    """Nothing in FastStream may move the offsets: only the batch consumer commits them."""

    async def commit(self) -> None:
        """Deliberately nothing."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Deliberately nothing."""


def check_wiring(broker: KafkaBroker) -> None:
    """Refuse any subscriber that could acknowledge before the commit, or skip the beginning. Raises MiswiredSubscriberError."""
    for subscriber in broker.subscribers:
        arguments: dict[str, Any] = getattr(subscriber, "_connection_args", {})
        where = f"the subscriber of {getattr(subscriber, 'topic_names', '?')}"
        if not isinstance(subscriber, BatchSubscriber):
            raise MiswiredSubscriberError(f"{where} takes single messages; pass batch=True")
        if subscriber.ack_policy is not AckPolicy.MANUAL:
            raise MiswiredSubscriberError(f"{where} has {subscriber.ack_policy}; pass ack_policy=AckPolicy.MANUAL")
        if arguments.get("auto_offset_reset") != "earliest":
            raise MiswiredSubscriberError(f'{where} would skip events; pass auto_offset_reset="earliest"')
        if arguments.get("enable_auto_commit") is not False:
            raise MiswiredSubscriberError(f"{where} would commit by itself; enable_auto_commit must be False")
        if not subscriber.group_id:
            raise MiswiredSubscriberError(f"{where} has no group_id: its place would be forgotten at every start")
