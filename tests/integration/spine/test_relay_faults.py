"""The relay and its surroundings: leadership moves, the broker refuses, the database restarts; nothing lost or doubled."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from shared.kit import relay
from shared.kit.connections import Pool
from shared.kit.database import is_unavailable
from shared.kit.relay import Relay, RelaySettings
from tests.support.spine import Spine, wait_until
from tests.support.spine_records import header, read_topic

THINGS = 4
ROUNDS = 12
RESTARTS = 3


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "RETRY_DELAY_S_MIN", 0.02)
    monkeypatch.setattr(relay, "POLL_INTERVAL_S", 0.1)


@asynccontextmanager
async def relaying(*publishers: Relay) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(publisher.run()) for publisher in publishers]
    try:
        yield
    finally:
        for publisher in publishers:
            publisher.stop()
        await asyncio.gather(*tasks)


async def end_sessions(spine: Spine) -> None:
    """Terminate every session of the test's database."""
    superuser = await asyncpg.connect(spine.database.superuser_url)
    try:
        await superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
            spine.database.name,
        )
    finally:
        await superuser.close()


async def persist(publish: Any) -> None:
    """Publish until it is known to have been committed once: what a caller with an Idempotency-Key does."""
    while True:
        try:
            await publish()
        except Exception as error:
            if not is_unavailable(error):
                raise
            await asyncio.sleep(0.01)
        else:
            return


async def publish_once(spine: Spine, pool: Pool, thing: UUID, amount: int) -> None:
    """Commit one event unless it has been committed already (its sequence says so)."""
    done: int | None = await pool.fetchval(
        "SELECT sequence FROM stream_head WHERE stream = $1 AND aggregate_id = $2", spine.topic, str(thing)
    )
    if (done or 0) < amount:
        await spine.publish(thing, amount)


async def first_sequences(spine: Spine) -> dict[str, list[int]]:
    """Sequences per key in the order in which they first appear on the topic."""
    sequences: dict[str, list[int]] = {}
    for record in await read_topic(spine.bootstrap_servers, spine.topic):
        seen = sequences.setdefault((record.key or b"").decode(), [])
        if (sequence := int(header(record, "ce_sequence"))) not in seen:
            seen.append(sequence)
    return sequences


async def test_leadership_passes_on_when_the_leader_loses_its_connection(spine: Spine) -> None:
    things = [uuid4() for _ in range(THINGS)]
    first, second = (
        Relay(RelaySettings(spine.database.worker_url, spine.bootstrap_servers, name)) for name in ("first", "second")
    )
    async with relaying(first, second):
        for amount in range(1, ROUNDS + 1):
            for thing in things:
                await spine.publish(thing, amount)
            if amount % 4 == 0:
                await wait_until(lambda: _end_leader(spine))
        await spine.until_published()
    assert await first_sequences(spine) == {str(thing): list(range(1, ROUNDS + 1)) for thing in things}


async def _end_leader(spine: Spine) -> bool:
    """End the session that holds the shard's lock; False if none does at the moment."""
    superuser = await asyncpg.connect(spine.database.superuser_url)
    try:
        return bool(
            await superuser.fetchval(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_database ON oid = database
                WHERE datname = $1 AND locktype = 'advisory' AND classid = $2 AND granted
                """,
                spine.database.name,
                relay.LOCK_NAMESPACE,
            )
        )
    finally:
        await superuser.close()


async def test_a_broker_that_refuses_for_a_while_costs_only_time(spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    real_start: Any = relay.OutboxProducer.start
    real_send: Any = relay.OutboxProducer.send
    refusals = {"start": 2, "send": 3}

    async def start(self: Any) -> None:
        if refusals["start"]:
            refusals["start"] -= 1
            raise KafkaConnectionError("no broker")
        await real_start(self)

    async def send(self: Any, events: Sequence[Any]) -> None:
        if refusals["send"]:
            refusals["send"] -= 1
            raise relay.SendError([], KafkaConnectionError("refused"))
        await real_send(self, events)

    monkeypatch.setattr(relay.OutboxProducer, "start", start)
    monkeypatch.setattr(relay.OutboxProducer, "send", send)
    things = [uuid4() for _ in range(THINGS)]
    async with relaying(spine.relay()):
        for amount in range(1, 6):
            for thing in things:
                await spine.publish(thing, amount)
        await spine.until_published()
    assert refusals == {"start": 0, "send": 0}
    records = await read_topic(spine.bootstrap_servers, spine.topic)
    assert len(records) == 5 * THINGS, "what was refused was never sent, so nothing is sent twice"
    assert await first_sequences(spine) == {str(thing): [1, 2, 3, 4, 5] for thing in things}


async def test_a_database_that_restarts_loses_and_doubles_nothing(spine: Spine) -> None:
    """Every session ends, again and again, while commands, relay and consumer are at work."""
    things = [uuid4() for _ in range(THINGS)]
    subscription = spine.subscription(spine.consumer())
    await subscription.start()

    async def command(thing: UUID) -> None:
        for amount in range(1, ROUNDS + 1):
            await persist(lambda amount=amount: publish_once(spine, spine.pool, thing, amount))

    async def restart() -> None:
        for _ in range(RESTARTS):
            await asyncio.sleep(0.1)
            await end_sessions(spine)

    async with relaying(spine.relay()):
        await asyncio.gather(restart(), *(command(thing) for thing in things))
        expected = THINGS * sum(range(1, ROUNDS + 1))
        await wait_until(lambda: _has_tally(spine, expected), 30)
    await subscription.stop()
    assert await spine.tally() == expected
    for thing in things:
        assert await spine.seen(thing) == list(range(1, ROUNDS + 1))
    assert await spine.parked() == []


async def _has_tally(spine: Spine, expected: int) -> bool:
    try:
        return await spine.tally() >= expected
    except Exception as error:
        if not is_unavailable(error):
            raise
        return False


async def test_stopping_in_the_middle_and_starting_again_applies_everything_once(spine: Spine) -> None:
    """The consumer is stopped while batches flow, several times; each stop finishes or rolls back what is in hand."""
    things = [uuid4() for _ in range(THINGS)]
    async with relaying(spine.relay()):
        for amount in range(1, ROUNDS + 1):
            await asyncio.gather(*(spine.publish(thing, amount) for thing in things))
        for stop_at in (1, 5, 10):
            subscription = spine.subscription(spine.consumer())
            await subscription.start()
            await wait_until(lambda stop_at=stop_at: _has_tally(spine, stop_at))
            await subscription.stop()
            before = await spine.tally()
            assert await spine.pool.fetchval("SELECT count(*) FROM inbox") == await spine.pool.fetchval(
                "SELECT count(*) FROM seen"
            )
            for thing in things:
                await spine.publish(thing, ROUNDS + 1)
            assert await spine.tally() == before, "a stopped consumer applies nothing"
        last = spine.subscription(spine.consumer())
        await last.start()
        expected = THINGS * (sum(range(1, ROUNDS + 1)) + 3 * (ROUNDS + 1))
        await wait_until(lambda: _has_tally(spine, expected))
        await last.stop()
    assert await spine.tally() == expected
    for thing in things:
        assert await spine.seen(thing) == [*range(1, ROUNDS + 1), *[ROUNDS + 1] * 3]
