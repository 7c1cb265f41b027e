"""Past events on a real broker: from their day on, bounded, without a trace, and whole or said not to be."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.base import Event, Stream
from shared.contracts.counties import County
from shared.contracts.warehouse import CorrectiveActionOverdue, CorrectiveActionResolved, Severity
from shared.kit.past_events import PastBounds, PastUnavailableError, read_past_events
from shared.kit.routing import Received
from tests.support.past_events import publish_past

NOW = datetime.now(UTC)
TYPES = (CorrectiveActionOverdue,)


def overdue(action: int) -> CorrectiveActionOverdue:
    return CorrectiveActionOverdue(
        action_id=UUID(int=action), warehouse_id=UUID(int=1), county=County.REY, severity=Severity.MINOR, due_at=NOW
    )


def resolved(action: int) -> CorrectiveActionResolved:
    return CorrectiveActionResolved(
        action_id=UUID(int=action), warehouse_id=UUID(int=1), county=County.REY, was_overdue=True
    )


class Taken:
    """What a reading handed over; full after `room` events."""

    def __init__(self, room: int = 10**9) -> None:
        self.events: list[Received[Event]] = []
        self.room = room

    def __call__(self, received: Sequence[Received[Event]]) -> bool:
        self.events.extend(received)
        return len(self.events) < self.room

    @property
    def actions(self) -> list[int]:
        return sorted(UUID(one.event.aggregate_id).int for one in self.events)


def bounds(days: int = 7, records_max: int = 10**6) -> PastBounds:
    return PastBounds(NOW - timedelta(days=days), records_max, timeout_s=20)


async def test_only_known_types_since_the_day_are_read(kafka_with_topics: str) -> None:
    days_ago = {1: 30, 2: 8, 3: 6, 4: 1, 5: 0}
    events: list[tuple[Event, datetime]] = [
        (overdue(action), NOW - timedelta(days=days, minutes=1)) for action, days in days_ago.items()
    ]
    events += [(resolved(4), NOW)]
    await publish_past(kafka_with_topics, events)
    async with AIOKafkaProducer(bootstrap_servers=kafka_with_topics, acks="all") as producer:
        headers = [("ce_type", CorrectiveActionOverdue.type_name().encode())]
        await producer.send_and_wait(CorrectiveActionOverdue.stream.topic, b"{}", key=b"x", headers=headers)
    taken = Taken()
    read = await read_past_events(kafka_with_topics, TYPES, bounds(), taken)
    assert taken.actions == [3, 4, 5]
    assert (read.records_read, read.records_unreadable, read.records_left) == (5, 1, 0)
    again = Taken()
    await read_past_events(kafka_with_topics, TYPES, bounds(days=60), again)
    assert again.actions == [1, 2, 3, 4, 5]


async def test_a_reading_that_is_cut_off_says_what_is_left(kafka_with_topics: str) -> None:
    await publish_past(kafka_with_topics, [(overdue(action), NOW) for action in range(1, 51)])
    taken = Taken()
    read = await read_past_events(kafka_with_topics, TYPES, bounds(records_max=20), taken)
    assert read.records_read == len(taken.events) == 20
    assert read.records_left == 30
    full = Taken(room=1)
    read = await read_past_events(kafka_with_topics, TYPES, bounds(), full)
    assert read.records_read + read.records_left == 50
    assert len(full.events) == read.records_read


async def test_empty_topics_are_read_at_once(kafka_with_topics: str) -> None:
    taken = Taken()
    read = await read_past_events(kafka_with_topics, TYPES, bounds(), taken)
    assert (taken.events, read.records_read, read.records_left) == ([], 0, 0)


async def test_a_topic_that_does_not_exist_yet_has_no_past(kafka: str) -> None:
    class Unheard(Event):
        stream: ClassVar[Stream] = Stream("warehouse", "unheard-of", key_field="name")
        name: str

    taken = Taken()
    read = await read_past_events(kafka, (Unheard,), bounds(), taken)
    assert (taken.events, read.records_left) == ([], 0)


async def test_a_broker_that_is_away_is_said_to_be(unused_tcp_port: int) -> None:
    with pytest.raises(PastUnavailableError):
        await read_past_events(f"127.0.0.1:{unused_tcp_port}", TYPES, PastBounds(NOW, 10, timeout_s=3), Taken())
