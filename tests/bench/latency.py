"""Commit → published at a steady rate: writers commit through `begin`, the real relay publishes.

Measured from the return of COMMIT in the writer to the broker's acknowledgement in the relay, in one event loop, as in a
service process. The writers keep to their timetable whether or not the relay keeps up. Beside it, for what the broker alone
takes: a bare producer on the same timetable, from the call of send to its acknowledgement.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from aiokafka import AIOKafkaProducer

from shared.contracts.warehouse import InspectionCompleted
from shared.kit.auth import SYSTEM
from shared.kit.connections import Connection, Pool
from shared.kit.envelope import OutgoingEvent, to_headers
from shared.kit.relay import OutboxProducer, Relay, RelaySettings
from shared.kit.transaction import begin
from tests.bench.workload import Workload
from tests.support.environment import ServiceDatabase

WARM_UP_EVENTS = 200
SETTLE_DEADLINE_S = 20.0
WATCH_INTERVAL_S = 0.01

ItemT = TypeVar("ItemT")


class _TimingProducer(OutboxProducer):
    """Hands everything on and notes when each event was acknowledged."""

    def __init__(self, producer: OutboxProducer, published_s: dict[UUID, float]) -> None:
        self._inner = producer
        self._published_s = published_s

    async def send(self, events: Sequence[OutgoingEvent]) -> None:
        await self._inner.send(events)
        now_s = time.perf_counter()
        for event in events:
            self._published_s[event.event_id] = now_s


class _TimingRelay(Relay):
    def __init__(self, settings: RelaySettings) -> None:
        super().__init__(settings)
        self.published_s: dict[UUID, float] = {}

    async def publish_round(self, connection: Connection, producer: OutboxProducer) -> int:
        return await super().publish_round(connection, _TimingProducer(producer, self.published_s))


async def measure_bare_producer(
    bootstrap_servers: str, topic: str, workload: Workload, events_per_s: int
) -> list[float]:
    """Sorted seconds from send to acknowledgement of each event after the warm-up."""
    producer: Any = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True)
    await producer.start()
    seconds: list[float] = []

    async def send(event: OutgoingEvent) -> None:
        began_s = time.perf_counter()
        await producer.send_and_wait(topic, event.body, key=event.aggregate_id.encode(), headers=to_headers(event))
        seconds.append(time.perf_counter() - began_s)

    try:
        await _at_pace(workload.events, send, events_per_s)
    finally:
        await producer.stop()
    return sorted(seconds[WARM_UP_EVENTS:])


async def _at_pace(
    items: Iterable[ItemT], call: Callable[[ItemT], Coroutine[Any, Any, None]], items_per_s: int
) -> None:
    """Start `call` for each item on the timetable, whatever became of those before, and wait for all."""
    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as calls:
        for place, item in enumerate(items):
            delay_s = began_s + place / items_per_s - time.perf_counter()
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            calls.create_task(call(item))


async def measure_latency(
    database: ServiceDatabase, pool: Pool, bootstrap_servers: str, workload: Workload, events_per_s: int
) -> list[float]:
    """Sorted seconds from commit to acknowledgement of each event after the warm-up; [] if not every one was published."""
    relay = _TimingRelay(RelaySettings(database.worker_url, bootstrap_servers, "bench"))
    running = asyncio.create_task(relay.run())
    committed_s: dict[UUID, float] = {}

    async def write(event: InspectionCompleted) -> None:
        async with begin(pool, SYSTEM, "bench") as tx:
            event_id = await tx.publish(event)
        committed_s[event_id] = time.perf_counter()

    try:
        events = [InspectionCompleted.model_validate_json(event.body) for event in workload.events]
        await _at_pace(events, write, events_per_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_DEADLINE_S):
                while len(relay.published_s) < len(events):
                    await asyncio.sleep(WATCH_INTERVAL_S)
    finally:
        relay.stop()
        await running
    if committed_s.keys() != relay.published_s.keys() or len(committed_s) != len(events):
        return []
    measured = list(committed_s)[WARM_UP_EVENTS:]
    return sorted(max(relay.published_s[event_id] - committed_s[event_id], 0.0) for event_id in measured)
