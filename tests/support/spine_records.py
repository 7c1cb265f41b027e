"""Kafka records for tests of the spine: made by hand and fed to a consumer, or produced to and read from a topic."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.base import Event
from shared.kit.batches import Record
from shared.kit.consumer import BatchConsumer
from shared.kit.envelope import OutgoingEvent, to_headers

REQUEST_BYTES_MAX = 12 * 1024 * 1024
READ_TIMEOUT_MS = 5_000

Headers = list[tuple[str, Any]]


def headers_of(event: Event, sequence: int = 1, event_id: UUID | None = None) -> Headers:
    """The headers with which the relay would send `event`."""
    return list(
        to_headers(
            OutgoingEvent(
                position=1,
                event_id=event_id or uuid4(),
                type=event.type_name(),
                topic=event.stream.topic,
                aggregate_id=event.aggregate_id,
                sequence=sequence,
                recorded_at=datetime.now(UTC),
                correlation_id="test",
                causation_id=None,
                traceparent=None,
                data_classification=event.data_classification,
                body=b"",
            )
        )
    )


def changed(headers: Headers, **changes: bytes | None) -> Headers:
    """`headers` with some replaced (name without the ce_ prefix)."""
    return [(name, changes.get(name.removeprefix("ce_"), value)) for name, value in headers]


def without(headers: Headers, name: str) -> Headers:
    return [item for item in headers if item[0] != name]


class Log:
    """One partition, as a consumer would read it: appends give records with rising offsets."""

    def __init__(self, topic: str, partition: int = 0) -> None:
        self.topic = topic
        self.partition = partition
        self.records: list[Record] = []

    def append(self, event: Event, sequence: int = 1, event_id: UUID | None = None) -> Record:
        return self.append_raw(
            event.aggregate_id.encode(), event.model_dump_json().encode(), headers_of(event, sequence, event_id)
        )

    def append_raw(self, key: bytes | None, value: bytes | None, headers: Headers) -> Record:
        record = Record(
            topic=self.topic,
            partition=self.partition,
            offset=len(self.records),
            timestamp=0,
            timestamp_type=0,
            key=key,
            value=value,
            checksum=None,
            serialized_key_size=len(key or b""),
            serialized_value_size=len(value or b""),
            headers=headers,
        )
        self.records.append(record)
        return record


class Offsets:
    """Stands where the Kafka consumer stands: remembers what was committed."""

    def __init__(self) -> None:
        self.committed: dict[TopicPartition, int] = {}

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        self.committed.update(offsets or {})


async def feed(consumer: BatchConsumer, records: Sequence[Record], offsets: Offsets | None = None) -> Offsets:
    """Give one batch to the consumer and wait until it is settled."""
    offsets = offsets or Offsets()
    await consumer.receive(records, offsets)
    await consumer.drain()
    return offsets


@asynccontextmanager
async def raw_producer(bootstrap_servers: str) -> AsyncGenerator[AIOKafkaProducer]:
    """A producer that sends anything."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", max_request_size=REQUEST_BYTES_MAX, linger_ms=0
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def read_topic(bootstrap_servers: str, topic: str) -> list[Record]:
    """All records of `topic` up to its present end, in partition order."""
    consumer: Any = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_id=None,
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        records: list[Record] = []
        while unread := [item for item in partitions if await consumer.position(item) < ends[item]]:
            for batch in (await consumer.getmany(*unread, timeout_ms=READ_TIMEOUT_MS)).values():
                records.extend(batch)
        return records
    finally:
        await consumer.stop()


def header(record: Record, name: str) -> str:
    return dict(record.headers)[name].decode()
