"""Rule 2: rows are found by a per-row mark, and one relay leads per shard."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from shared.kit import outbox, relay
from shared.kit.auth import SYSTEM
from shared.kit.connections import Connection
from shared.kit.envelope import OutgoingEvent
from shared.kit.relay import Relay, RelaySettings
from shared.kit.transaction import OUTBOX_SHARDS, begin
from tests.support import planted_bugs
from tests.support.spine import Spine, wait_until

WRITERS = 8
EVENTS_PER_WRITER = 6


class LedgerProducer:
    """Stands where the Kafka producer stands: `sent` is the topic. Sends keep their order; all wait for `gate`."""

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.sent: list[OutgoingEvent] = []
        self.sending = asyncio.Event()
        self._gate = gate
        self._turn = asyncio.Lock()

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def send(self, events: Sequence[OutgoingEvent]) -> None:
        self.sending.set()
        async with self._turn:
            if self._gate is not None:
                await self._gate.wait()
            self.sent.extend(events)

    def ids(self) -> list[UUID]:
        return [event.event_id for event in self.sent]


async def insert(spine: Spine, connection: Connection, thing_id: UUID) -> UUID:
    """INSERT one event in the connection's open transaction."""
    pending = outbox.PendingEvent(uuid7(), spine.event_type(thing_id=thing_id), "test", None, None)
    await outbox.insert_events(connection, [pending], shards=OUTBOX_SHARDS)
    return pending.id


def one_relay(spine: Spine) -> Relay:
    return Relay(RelaySettings(spine.database.worker_url, spine.bootstrap_servers, "test"))


async def publish_round(publisher: Relay, connection: Connection, producer: Any) -> None:
    await publisher.publish_round(connection, producer)


async def nothing_is_overlooked_when_positions_commit_out_of_order(spine: Spine) -> None:
    """The transaction that took the lower position commits last."""
    producer, publisher = LedgerProducer(), one_relay(spine)
    connection, slow = [await asyncpg.connect(spine.database.worker_url) for _ in range(2)]
    try:
        open_transaction = slow.transaction()
        await open_transaction.start()
        late = await insert(spine, slow, uuid4())
        early = await spine.publish()
        await publish_round(publisher, connection, producer)
        assert len(producer.sent) == 1
        await open_transaction.commit()
        await publish_round(publisher, connection, producer)
        await publish_round(publisher, connection, producer)
        published = await spine.pool.fetchval("SELECT count(*) FROM outbox WHERE event_id <> ALL ($1)", producer.ids())
        assert len(producer.sent) == 2
        assert {early, late} <= set(producer.ids())
        assert published == 0
    finally:
        connection.terminate()
        slow.terminate()


async def concurrent_writers_lose_nothing_and_keep_their_order(spine: Spine) -> None:
    """Writers share aggregates and hold their transactions open for random times while rounds go on."""
    producer, publisher = LedgerProducer(), one_relay(spine)
    connection = await asyncpg.connect(spine.database.worker_url)
    things = [uuid4() for _ in range(3)]
    written: list[UUID] = []

    async def write() -> None:
        for _ in range(EVENTS_PER_WRITER):
            async with begin(spine.pool, SYSTEM, "test") as tx:
                chosen = random.sample(things, 2)
                written.extend(await tx.publish_many([spine.event_type(thing_id=thing) for thing in chosen]))
                await tx.flush()
                tx.pending.clear()
                await asyncio.sleep(random.uniform(0, 0.01))

    async def publish_until(writers: asyncio.Future[list[None]]) -> None:
        while not writers.done() or await spine.pool.fetchval("SELECT count(*) FROM outbox"):
            await publish_round(publisher, connection, producer)

    try:
        writers = asyncio.gather(*(write() for _ in range(WRITERS)))
        await asyncio.wait_for(publish_until(writers), 20)
        await writers
    finally:
        connection.terminate()
    assert sorted(producer.ids()) == sorted(written)
    sequences: defaultdict[str, list[int]] = defaultdict(list)
    for event in producer.sent:
        sequences[event.aggregate_id].append(event.sequence)
    for sequence in sequences.values():
        assert sequence == list(range(1, len(sequence) + 1))


async def insert_unannounced(spine: Spine, thing_id: UUID) -> UUID:
    """Commit one event without waking a relay: the one that is sending does not hear of it."""
    connection = await asyncpg.connect(spine.database.worker_url)
    try:
        return await insert(spine, connection, thing_id)
    finally:
        await connection.close()


def first_answer_of_the_lock(publisher: Relay) -> asyncio.Future[bool]:
    """What the relay is told when it first asks to lead."""
    first_answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    real = publisher._try_lock

    async def try_lock(connection: Connection) -> bool:
        answer = await real(connection)
        if not first_answer.done():
            first_answer.set_result(answer)
        return answer

    publisher._try_lock = try_lock
    return first_answer


async def one_relay_leads(spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second relay must not overtake the first, which hangs in the middle of a send."""
    gate = asyncio.Event()
    first_producer, second_producer = LedgerProducer(gate), LedgerProducer()
    second_producer.sent = first_producer.sent
    producers = iter([first_producer, second_producer])

    def next_producer(*arguments: str) -> LedgerProducer:
        del arguments
        return next(producers)

    monkeypatch.setattr(relay, "OutboxProducer", next_producer)
    thing_id = uuid4()
    first, second = one_relay(spine), one_relay(spine)
    earlier = await spine.publish(thing_id)
    tasks = [asyncio.create_task(first.run())]
    try:
        await asyncio.wait_for(first_producer.sending.wait(), 10)
        later = await insert_unannounced(spine, thing_id)
        answer = first_answer_of_the_lock(second)
        tasks.append(asyncio.create_task(second.run()))
        if await asyncio.wait_for(answer, 10):
            await wait_until(lambda: _has_sent(second_producer, 1))
        gate.set()
        await wait_until(lambda: _has_sent(first_producer, 2))
    finally:
        gate.set()
        first.stop()
        second.stop()
        await asyncio.gather(*tasks)
    assert first_producer.ids() == [earlier, later]


async def _has_sent(producer: LedgerProducer, count: int) -> bool:
    return len(producer.sent) >= count


async def test_nothing_is_overlooked_when_positions_commit_out_of_order(quiet_spine: Spine) -> None:
    await nothing_is_overlooked_when_positions_commit_out_of_order(quiet_spine)


async def test_concurrent_writers_lose_nothing_and_keep_their_order(quiet_spine: Spine) -> None:
    await concurrent_writers_lose_nothing_and_keep_their_order(quiet_spine)


async def test_planted_bug_last_seen_is_caught(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.relay_reads_past_last_seen(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await nothing_is_overlooked_when_positions_commit_out_of_order(quiet_spine)


async def test_one_relay_leads(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    await one_relay_leads(quiet_spine, monkeypatch)


async def test_planted_bug_two_leaders_is_caught(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.two_leaders_without_lock(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await one_relay_leads(quiet_spine, monkeypatch)


async def test_the_relay_polls_when_no_wake_up_arrives(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    producer = LedgerProducer()

    def one_producer(*arguments: str) -> LedgerProducer:
        del arguments
        return producer

    monkeypatch.setattr(relay, "OutboxProducer", one_producer)
    publisher = one_relay(quiet_spine)
    running = asyncio.create_task(publisher.run())
    await wait_until(lambda: _leads(publisher))
    try:
        await insert_unannounced(quiet_spine, uuid4())
        await wait_until(lambda: _has_sent(producer, 1))
    finally:
        publisher.stop()
        await running


async def _leads(publisher: Relay) -> bool:
    return publisher.is_leader
