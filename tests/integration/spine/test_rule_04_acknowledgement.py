"""Rule 4: acknowledged only after the commit; nothing is skipped, whatever fails and whenever the group begins."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from shared.kit.consumer import BatchConsumer
from shared.kit.routing import Reaction, Received
from shared.kit.transaction import Transaction
from tests.support import planted_bugs
from tests.support.planted_bugs import PlantedBug
from tests.support.spine import Counted, Spine, note_seen, wait_until
from tests.support.spine_records import Log, Offsets, feed

OUTAGE = ConnectionResetError("the database went away")


async def publish_all(spine: Spine) -> None:
    """Run a relay until the outbox is empty."""
    publisher = spine.relay()
    running = asyncio.create_task(publisher.run())
    await spine.until_published()
    publisher.stop()
    await running


async def a_crash_in_the_middle_loses_nothing(spine: Spine) -> None:
    """The process dies while a batch is being applied; its successor must apply it."""
    entered = asyncio.Event()

    async def hang(received: Received[Counted], tx: Transaction) -> None:
        await note_seen(received, tx)
        entered.set()
        await asyncio.Event().wait()

    thing = uuid4()
    await spine.publish(thing, 1)
    await publish_all(spine)
    doomed = spine.consumer([Reaction((spine.event_type,), hang)])
    first = spine.subscription(doomed)
    await first.start()
    await asyncio.wait_for(entered.wait(), 15)
    await crash(doomed)
    await first.broker.stop()
    second = spine.subscription(spine.consumer())
    await second.start()
    try:
        await spine.publish(thing, 2)
        await publish_all(spine)
        await wait_until(lambda: _last_is(spine, thing, 2))
        assert await spine.seen(thing) == [1, 2]
    finally:
        await second.stop()


async def crash(consumer: Any) -> None:
    """What a kill does: the transaction under way is gone, nothing more is committed anywhere."""
    consumer._stopping.set()
    consumer._in_flight.cancel()
    await asyncio.wait([consumer._in_flight])


async def _last_is(spine: Spine, thing: Any, amount: int) -> bool:
    return (await spine.seen(thing))[-1:] == [amount]


async def an_error_of_the_moment_skips_nothing(spine: Spine) -> None:
    """The database fails once in the middle of the day; the events of that moment are applied, in order."""
    failures = [OUTAGE]

    async def fail_once(received: Received[Counted], tx: Transaction) -> None:
        if received.event.amount == 2 and failures:
            raise failures.pop()
        await note_seen(received, tx)

    thing = uuid4()
    subscription = spine.subscription(spine.consumer([Reaction((spine.event_type,), fail_once)]))
    await subscription.start()
    try:
        for amount in (1, 2, 3):
            await spine.publish(thing, amount)
            await publish_all(spine)
            if amount == 2:
                await wait_until(lambda: _is_empty(failures))
        await wait_until(lambda: _last_is(spine, thing, 3))
        assert await spine.seen(thing) == [1, 2, 3]
    finally:
        await subscription.stop()


async def _is_empty(items: list[Any]) -> bool:
    return not items


async def a_new_group_begins_at_the_beginning(spine: Spine) -> None:
    thing = uuid4()
    await spine.publish(thing, 1)
    await publish_all(spine)
    subscription = spine.subscription(spine.consumer())
    await subscription.start()
    try:
        await wait_until(lambda: _has_positions(subscription))
        await spine.publish(thing, 2)
        await publish_all(spine)
        await wait_until(lambda: _last_is(spine, thing, 2))
        assert await spine.seen(thing) == [1, 2]
    finally:
        await subscription.stop()


async def _has_positions(subscription: Any) -> bool:
    consumer = subscription._subscriber.consumer
    if not subscription.has_assignment:
        return False
    for partition in consumer.assignment():
        await consumer.position(partition)
    return True


SCENARIOS = [
    a_crash_in_the_middle_loses_nothing,
    an_error_of_the_moment_skips_nothing,
    a_new_group_begins_at_the_beginning,
]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_nothing_is_skipped(spine: Spine, scenario: Any) -> None:
    await scenario(spine)


@pytest.mark.parametrize(
    ("bug", "scenario"),
    [
        (planted_bugs.acknowledge_before_commit, a_crash_in_the_middle_loses_nothing),
        (planted_bugs.default_acknowledgement, an_error_of_the_moment_skips_nothing),
        (planted_bugs.escaping_exception_under_manual, an_error_of_the_moment_skips_nothing),
        (planted_bugs.latest_offset, a_new_group_begins_at_the_beginning),
    ],
)
async def test_planted_bug_is_caught(
    spine: Spine, monkeypatch: pytest.MonkeyPatch, bug: PlantedBug, scenario: Any
) -> None:
    bug(monkeypatch, spine)
    with pytest.raises(AssertionError):
        await scenario(spine)


async def test_offsets_follow_the_commit(quiet_spine: Spine) -> None:
    log, thing = Log(quiet_spine.topic), uuid4()
    applied_at_commit: list[int] = []

    class Watching(Offsets):
        async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
            applied_at_commit.append(await quiet_spine.tally())
            await super().commit(offsets)

    for sequence in (1, 2, 3):
        log.append(quiet_spine.event_type(thing_id=thing, amount=10), sequence)
    offsets = await feed(quiet_spine.consumer(), log.records, Watching())
    assert applied_at_commit == [30]
    assert offsets.committed == {TopicPartition(quiet_spine.topic, 0): 3}


async def test_a_refused_offset_commit_costs_only_duplicates(quiet_spine: Spine) -> None:
    class Refusing(Offsets):
        async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
            raise CommitFailedError("the partition moved on")

    log = Log(quiet_spine.topic)
    log.append(quiet_spine.event_type(thing_id=uuid4(), amount=7))
    consumer = quiet_spine.consumer()
    await feed(consumer, log.records, Refusing())
    await feed(consumer, log.records)
    assert await quiet_spine.tally() == 7


async def test_a_defect_of_the_consumer_itself_halts_it_unacknowledged(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defective(*arguments: Any) -> None:
        raise TypeError(f"defect ({len(arguments)})")

    monkeypatch.setattr(BatchConsumer, "_apply", defective)
    log = Log(quiet_spine.topic)
    log.append(quiet_spine.event_type(thing_id=uuid4()))
    consumer = quiet_spine.consumer()
    offsets = await feed(consumer, log.records)
    assert offsets.committed == {}
    assert consumer.halted is not None
    assert "defect" in consumer.halted
