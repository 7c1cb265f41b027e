"""Rule 6: on revoke stop, drain or roll back; a zombie is fenced by the aggregate's sequence."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from shared.kit import consumer as consumer_module
from shared.kit.routing import Reaction, Received
from shared.kit.subscription import _DrainOnRevoke
from shared.kit.transaction import Transaction
from tests.support import planted_bugs
from tests.support.spine import Counted, Spine, note_seen, wait_until
from tests.support.spine_records import Log, Offsets, feed

THINGS = 6
EVENTS_PER_THING = 15


class Gate:
    """A reaction that stops in the middle of its transaction until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.released = asyncio.Event()

    async def react(self, received: Received[Counted], tx: Transaction) -> None:
        await note_seen(received, tx)
        self.entered.set()
        await self.released.wait()

    def reactions(self, spine: Spine) -> list[Reaction]:
        return [Reaction((spine.event_type,), self.react)]


async def a_revoke_waits_for_the_batch_in_flight_and_drops_the_next(spine: Spine) -> None:
    gate, offsets, log, thing = Gate(), Offsets(), Log(spine.topic), uuid4()
    consumer = spine.consumer(gate.reactions(spine))
    first = log.append(spine.event_type(thing_id=thing, amount=1), 1)
    second = log.append(spine.event_type(thing_id=thing, amount=2), 2)
    await consumer.receive([first], offsets)
    await asyncio.wait_for(gate.entered.wait(), 10)
    fetched_before = asyncio.create_task(consumer.receive([second], offsets))
    await asyncio.sleep(0)
    revoke = asyncio.create_task(_DrainOnRevoke(consumer).on_partitions_revoked(set()))
    await asyncio.wait([revoke], timeout=0.1)
    gave_up_early = revoke.done()
    gate.released.set()
    await asyncio.gather(revoke, fetched_before)
    assert not gave_up_early
    assert await spine.seen(thing) == [1]
    assert list(offsets.committed.values()) == [1]


async def an_old_owner_cannot_put_older_state_over_newer(spine: Spine) -> None:
    """The new owner has applied sequence 2; the old one comes with sequence 1 of the same aggregate."""
    log, thing = Log(spine.topic), uuid4()
    older = log.append(spine.event_type(thing_id=thing, amount=1), 1)
    newer = log.append(spine.event_type(thing_id=thing, amount=2), 2)
    await feed(spine.consumer(), [newer])
    await feed(spine.consumer(), [older])
    assert await spine.seen(thing) == [2]
    assert [item[:3] for item in await spine.parked()] == [(str(thing), "out_of_order", 1)]


async def test_a_revoke_waits_for_the_batch_in_flight_and_drops_the_next(quiet_spine: Spine) -> None:
    await a_revoke_waits_for_the_batch_in_flight_and_drops_the_next(quiet_spine)


async def test_an_old_owner_cannot_put_older_state_over_newer(quiet_spine: Spine) -> None:
    await an_old_owner_cannot_put_older_state_over_newer(quiet_spine)


async def test_planted_bug_revoke_without_drain_is_caught(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.revoke_without_drain(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await a_revoke_waits_for_the_batch_in_flight_and_drops_the_next(quiet_spine)


async def test_planted_bug_fence_removed_is_caught(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.fence_removed(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await an_old_owner_cannot_put_older_state_over_newer(quiet_spine)


async def test_a_batch_that_does_not_end_is_rolled_back(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "DRAIN_TIMEOUT_S", 0.1)
    gate, offsets, log = Gate(), Offsets(), Log(quiet_spine.topic)
    consumer = quiet_spine.consumer(gate.reactions(quiet_spine))
    await consumer.receive([log.append(quiet_spine.event_type(thing_id=uuid4()))], offsets)
    await asyncio.wait_for(gate.entered.wait(), 10)
    await consumer.drain()
    assert offsets.committed == {}
    for table in ("seen", "inbox", "stream_position"):
        assert await quiet_spine.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_two_owners_at_once_apply_each_event_once(quiet_spine: Spine) -> None:
    """Both have the same records in hand; whoever comes second waits for the first and finds nothing to do."""
    gate, log, thing = Gate(), Log(quiet_spine.topic), uuid4()
    for amount in (1, 2):
        log.append(quiet_spine.event_type(thing_id=thing, amount=amount), amount)
    old_owner = asyncio.create_task(feed(quiet_spine.consumer(gate.reactions(quiet_spine)), log.records))
    await asyncio.wait_for(gate.entered.wait(), 10)
    new_owner = asyncio.create_task(feed(quiet_spine.consumer(), log.records))
    await asyncio.wait([new_owner], timeout=0.1)
    gate.released.set()
    await asyncio.gather(old_owner, new_owner)
    assert await quiet_spine.seen(thing) == [1, 2]
    assert await quiet_spine.parked() == []


async def test_members_come_and_go_and_every_event_has_one_effect_in_order(spine: Spine) -> None:
    """Two instances of one group: the second joins while events flow, then the first stops and comes back."""
    things = [uuid4() for _ in range(THINGS)]
    publisher = spine.relay()
    relaying = asyncio.create_task(publisher.run())

    async def publish() -> None:
        for amount in range(1, EVENTS_PER_THING + 1):
            for thing in things:
                await spine.publish(thing, amount)
            await asyncio.sleep(0.03)

    first, second = (spine.subscription(spine.consumer(), instance) for instance in ("1", "2"))
    await first.start()
    publishing = asyncio.create_task(publish())
    await second.start()
    await wait_until(lambda: _share(second))
    await publishing
    await first.stop()
    first = spine.subscription(spine.consumer(), "1")
    await first.start()
    await asyncio.gather(*(spine.publish(thing, EVENTS_PER_THING + 1) for thing in things))
    expected = THINGS * sum(range(1, EVENTS_PER_THING + 2))
    await wait_until(lambda: _has_tally(spine, expected), 30)
    await first.stop()
    await second.stop()
    publisher.stop()
    await relaying
    for thing in things:
        assert await spine.seen(thing) == list(range(1, EVENTS_PER_THING + 2))
    assert await spine.parked() == []


async def _share(subscription: Any) -> bool:
    return subscription.has_assignment


async def _has_tally(spine: Spine, expected: int) -> bool:
    return await spine.tally() >= expected
