"""Rule 9: counters change by one atomic statement, and each can be rebuilt from the topics."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pydantic import JsonValue

from shared.kit import projections, replay
from shared.kit.routing import Reaction
from tests.integration.spine.test_rule_04_acknowledgement import publish_all
from tests.integration.spine.test_rule_05_batches import UNLUCKY, refuse_unlucky
from tests.support import planted_bugs
from tests.support.spine import Spine, fold_tally, wait_until
from tests.support.spine_records import Log, feed

PARTITIONS = 4
EVENTS = 5


async def concurrent_batches_add_up(spine: Spine, fold: Any) -> None:
    """Batches of several partitions reach the same counter at the same time."""
    await feed(spine.consumer([Reaction((spine.event_type,), fold, folds=True)]), _some_records(spine, 99))
    batches = [_some_records(spine, partition) for partition in range(PARTITIONS)]
    consumers = [spine.consumer([Reaction((spine.event_type,), fold, folds=True)]) for _ in batches]
    await asyncio.gather(*(feed(consumer, batch) for consumer, batch in zip(consumers, batches, strict=True)))
    assert await spine.tally() == (PARTITIONS + 1) * EVENTS


def _some_records(spine: Spine, partition: int) -> list[Any]:
    log = Log(spine.topic, partition)
    for _ in range(EVENTS):
        log.append(spine.event_type(thing_id=uuid4()))
    return log.records


async def test_concurrent_batches_add_up(quiet_spine: Spine) -> None:
    await concurrent_batches_add_up(quiet_spine, fold_tally)


async def test_planted_bug_read_modify_write_is_caught(quiet_spine: Spine) -> None:
    with pytest.raises(AssertionError):
        await concurrent_batches_add_up(quiet_spine, planted_bugs.fold_tally_by_reading_and_writing)


def folding(spine: Spine) -> list[Reaction]:
    return [Reaction((spine.event_type,), fold_tally, folds=True, tables=("tally",))]


async def apply_all(spine: Spine, reactions: list[Reaction], events: int) -> None:
    """Publish and apply everything in the outbox, through the broker; `events` is how many to wait for."""
    await publish_all(spine)
    subscription = spine.subscription(spine.consumer(reactions, tries_max=2))
    await subscription.start()
    try:
        await wait_until(lambda: _has_settled(spine, events))
    finally:
        await subscription.stop()


async def _has_settled(spine: Spine, events: int) -> bool:
    """Everything that was applied or parked is in the inbox."""
    return await spine.pool.fetchval("SELECT count(*) FROM inbox") >= events


async def check(spine: Spine, *, keep: bool = False) -> projections.ProjectionReport:
    [report] = await projections.refold(spine.pool, spine.bootstrap_servers, 1, folding(spine), keep=keep)
    return report


async def test_a_right_projection_agrees_and_a_wrong_one_is_found_and_rebuilt(spine: Spine) -> None:
    for amount in range(1, 11):
        await spine.publish(amount=amount)
    await apply_all(spine, folding(spine), 10)
    report = await check(spine)
    assert report.agrees
    assert report.events_folded == 10
    await spine.pool.execute("UPDATE tally SET amount = amount + 1")
    report = await check(spine)
    assert not report.agrees
    assert report.missing == [{"name": "all", "amount": 55}]
    assert report.unexpected == [{"name": "all", "amount": 56}]
    assert await spine.tally() == 56, "a check changes nothing"
    await check(spine, keep=True)
    assert await spine.tally() == 55
    assert (await check(spine)).agrees


async def test_what_is_published_but_not_applied_is_not_folded(spine: Spine) -> None:
    await spine.publish(amount=3)
    await apply_all(spine, folding(spine), 1)
    await spine.publish(amount=4)
    await publish_all(spine)
    assert (await check(spine)).agrees
    assert await spine.tally() == 3


async def test_parked_discarded_and_corrected_events_are_folded_as_they_were_applied(spine: Spine) -> None:
    reactions = [Reaction((spine.event_type,), refuse_unlucky), *folding(spine)]
    corrected, discarded, waiting = uuid4(), uuid4(), uuid4()
    for thing in (corrected, discarded, waiting):
        for amount in (1, UNLUCKY, 100):
            await spine.publish(thing, amount)
    await apply_all(spine, reactions, 9)
    assert await spine.tally() == 3
    assert (await check(spine)).agrees
    consumer = spine.consumer(reactions)
    failed = await spine.pool.fetch("SELECT parked_id, aggregate_id, body FROM parked_event WHERE reason = 'failed'")
    ids = {row["aggregate_id"]: row["parked_id"] for row in failed}
    body: JsonValue = {"thing_id": str(corrected), "amount": 7}
    await replay.replay(spine.pool, consumer, ids[str(corrected)], "operator", body)
    await replay.discard(spine.pool, consumer, ids[str(discarded)], "operator", "sent by mistake")
    assert await spine.tally() == 3 + 7 + 100
    assert (await check(spine)).agrees
    assert (await check(spine, keep=True)).agrees
    assert await spine.tally() == 110


async def test_a_rebuild_waits_for_the_batch_under_way_and_holds_up_the_next(spine: Spine) -> None:
    """Events flow while the projection is rebuilt again and again; at the end everything is counted once."""
    subscription = spine.subscription(spine.consumer(folding(spine)))
    await subscription.start()
    publisher = spine.relay()
    relaying = asyncio.create_task(publisher.run())
    try:
        for amount in range(1, 31):
            await spine.publish(amount=amount)
            if amount % 10 == 0:
                assert (await check(spine, keep=True)).agrees
        await wait_until(lambda: _has_settled(spine, 30))
    finally:
        publisher.stop()
        await relaying
        await subscription.stop()
    assert await spine.tally() == sum(range(1, 31))
    assert (await check(spine)).agrees


async def test_a_service_without_projections_says_so(quiet_spine: Spine) -> None:
    with pytest.raises(ValueError, match="no projection"):
        await projections.refold(quiet_spine.pool, quiet_spine.bootstrap_servers, 1, [], keep=False)
