"""Reading what was published in the past, beside the consumers: without a group, bounded in number and time.

Topics keep their events for ever, so this answers questions about the past; it settles nothing and changes nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.contracts.base import Event
from shared.kit.batches import Record
from shared.kit.envelope import UnreadableRecordError, event_type_of, read_event
from shared.kit.routing import Received

BATCH_RECORDS_MAX = 2_000
POLL_TIMEOUT_MS = 1_000
CLOCK_MARGIN = timedelta(minutes=10)
"""The broker finds the beginning by its own times; those of the events are the database's, and a little earlier."""


class PastUnavailableError(Exception):
    """The broker does not answer."""


@dataclass(frozen=True, slots=True)
class PastBounds:
    """Events recorded since `since`, at most `records_max` records of any type, for at most `timeout_s` seconds."""

    since: datetime
    records_max: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class PastRead:
    """How far the reading came. `records_left`: beyond the bounds and so not looked at; 0 when it is whole."""

    records_read: int
    records_unreadable: int
    records_left: int


async def read_past_events(
    bootstrap_servers: str,
    event_types: Collection[type[Event]],
    bounds: PastBounds,
    take: Callable[[Sequence[Received[Event]]], bool],
) -> PastRead:
    """Hand what was published of these types to `take` in batches, each partition in its order, until it says False.

    An event may come twice, as from any topic. Raises PastUnavailableError.
    """
    types = {event_type.type_name(): event_type for event_type in event_types}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        group_id=None,
    )
    ends_s = asyncio.get_running_loop().time() + bounds.timeout_s
    try:
        async with asyncio.timeout(bounds.timeout_s):
            await consumer.start()
            consumer.assign(await _partitions(bootstrap_servers, {one.stream.topic for one in event_types}))
            ends = await _seek(consumer, bounds.since)
        return await _read(consumer, ends, types, bounds, ends_s, take)
    except (KafkaError, OSError, TimeoutError) as error:
        raise PastUnavailableError(repr(error)) from error
    finally:
        await consumer.stop()


async def _partitions(bootstrap_servers: str, topics: Collection[str]) -> list[TopicPartition]:
    """Every partition of these topics. One that does not exist yet has no past, and asking must not make it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        described = cast("list[dict[str, Any]]", await admin.describe_topics())
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        if topic["topic"] in topics
        for partition in topic["partitions"]
    ]


async def _seek(consumer: AIOKafkaConsumer, since: datetime) -> dict[TopicPartition, int]:
    """Go to where `since` begins; returns the end of each partition as it is now."""
    partitions = list(consumer.assignment())
    ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
    begin_ms = max(0, round((since - CLOCK_MARGIN).timestamp() * 1000))
    begins = cast("dict[TopicPartition, Any]", await consumer.offsets_for_times(dict.fromkeys(partitions, begin_ms)))
    for partition, end in ends.items():
        begin = begins.get(partition)
        consumer.seek(partition, end if begin is None else min(begin.offset, end))
    return ends


async def _read(
    consumer: AIOKafkaConsumer,
    ends: dict[TopicPartition, int],
    types: dict[str, type[Event]],
    bounds: PastBounds,
    ends_s: float,
    take: Callable[[Sequence[Received[Event]]], bool],
) -> PastRead:
    records_read = unreadable = 0
    clock = asyncio.get_running_loop().time
    wants_more = True
    while True:
        positions = {partition: await consumer.position(partition) for partition in ends}
        unread = [partition for partition, end in ends.items() if positions[partition] < end]
        room = bounds.records_max - records_read
        if not unread or room <= 0 or not wants_more or clock() >= ends_s:
            return PastRead(records_read, unreadable, sum(ends[one] - positions[one] for one in unread))
        batches = cast(
            "dict[TopicPartition, list[Record]]",
            await consumer.getmany(*unread, timeout_ms=POLL_TIMEOUT_MS, max_records=min(room, BATCH_RECORDS_MAX)),
        )
        received: list[Received[Event]] = []
        for record in (record for records in batches.values() for record in records):
            records_read += 1
            try:
                event = _read_known(record, types)
            except UnreadableRecordError:
                unreadable += 1
                continue
            if event is not None and event.time >= bounds.since:
                received.append(event)
        wants_more = take(received)


def _read_known(record: Record, types: dict[str, type[Event]]) -> Received[Event] | None:
    headers = dict(record.headers)
    event_type = types.get(event_type_of(headers) or "")
    if event_type is None or event_type.stream.topic != record.topic:
        return None
    return read_event(headers, record.value, event_type)
