"""Rule 10: every acquire has a deadline, none nests, and relay, consumer and API have pools apart (see rule 7's process)."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.kit.auth import SYSTEM
from shared.kit.consumer import BatchConsumer
from shared.kit.database import GuardedPool, NestedAcquireError, PoolBusyError, open_pool
from shared.kit.routing import Reaction, Received
from shared.kit.transaction import Transaction, begin
from tests.support.spine import Counted, Spine, note_seen, wait_until
from tests.support.spine_records import Log, Offsets, feed


@pytest.fixture
async def small_pool(quiet_spine: Spine) -> AsyncIterator[GuardedPool]:
    """One connection, and little patience."""
    pool = await open_pool(quiet_spine.database.worker_url, size=1, name="small", acquire_timeout_s=0.1)
    yield pool
    pool.terminate()


async def test_a_transaction_within_a_transaction_is_refused(quiet_spine: Spine) -> None:
    with pytest.raises(NestedAcquireError):
        async with begin(quiet_spine.pool, SYSTEM, "outer"), begin(quiet_spine.pool, SYSTEM, "inner"):
            pass
    async with begin(quiet_spine.pool, SYSTEM, "after") as tx:
        assert await tx.connection.fetchval("SELECT 1") == 1


async def test_a_busy_pool_is_given_up_at_the_deadline(small_pool: GuardedPool) -> None:
    async def ask() -> None:
        async with begin(small_pool, SYSTEM, "waiting"):
            raise AssertionError("there was no connection to get")

    async with begin(small_pool, SYSTEM, "holding"):
        with pytest.raises(PoolBusyError):
            await asyncio.create_task(ask())


async def test_a_reaction_that_acquires_for_itself_is_parked_and_nothing_hangs(quiet_spine: Spine) -> None:
    async def nest(received: Received[Counted], tx: Transaction) -> None:
        del received, tx
        async with begin(quiet_spine.pool, SYSTEM, "inner"):
            pass

    log = Log(quiet_spine.topic)
    log.append(quiet_spine.event_type(thing_id=uuid4()))
    await feed(quiet_spine.consumer([Reaction((quiet_spine.event_type,), nest)], tries_max=2), log.records)
    [parked] = await quiet_spine.parked()
    assert "NestedAcquireError" in parked[3]


async def test_a_consumer_waits_for_a_busy_pool_and_parks_nothing(quiet_spine: Spine, small_pool: GuardedPool) -> None:
    log, thing, offsets = Log(quiet_spine.topic), uuid4(), Offsets()
    log.append(quiet_spine.event_type(thing_id=thing))
    consumer = BatchConsumer(small_pool, [Reaction((quiet_spine.event_type,), note_seen)], "test")
    async with small_pool.acquire():
        await consumer.receive(log.records, offsets)
        await asyncio.sleep(2 * small_pool.acquire_timeout_s)
        assert offsets.committed == {}
    await wait_until(lambda: _is_committed(offsets))
    assert await quiet_spine.seen(thing) == [1]
    assert await quiet_spine.parked() == []


async def _is_committed(offsets: Offsets) -> bool:
    return bool(offsets.committed)
