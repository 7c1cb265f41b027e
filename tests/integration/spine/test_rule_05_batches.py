"""Rule 5: one transaction per batch with its inbox; what fails is retried, then parked with the aggregate's later events."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import TopicPartition

from shared.kit.routing import Reaction, Received
from shared.kit.transaction import Transaction
from tests.support import planted_bugs
from tests.support.planted_bugs import PlantedBug
from tests.support.spine import Counted, Spine, fold_tally, note_seen
from tests.support.spine_records import Log, feed

UNLUCKY = 13


class UnluckyError(Exception):
    """The handler cannot apply this event."""


async def refuse_unlucky(received: Received[Counted], tx: Transaction) -> None:
    """Writes first and fails then, so that a missing rollback would show."""
    await note_seen(received, tx)
    if received.event.amount == UNLUCKY:
        raise UnluckyError("thirteen")


def refusing_reactions(spine: Spine) -> list[Reaction]:
    return [
        Reaction((spine.event_type,), refuse_unlucky),
        Reaction((spine.event_type,), fold_tally, folds=True, tables=("tally",)),
    ]


async def duplicates_have_one_effect(spine: Spine) -> None:
    """The relay sent an event twice, within one batch, and the whole batch is delivered again."""
    log, thing = Log(spine.topic), uuid4()
    event, event_id = spine.event_type(thing_id=thing, amount=5), uuid4()
    log.append(event, 1, event_id)
    log.append(event, 1, event_id)
    log.append(spine.event_type(thing_id=thing, amount=6), 2)
    log.append(event, 1, event_id)
    for _ in range(2):
        await feed(spine.consumer(), log.records)
    assert await spine.seen(thing) == [5, 6]
    assert await spine.tally() == 11
    assert await spine.parked() == []


async def what_fails_is_parked_and_blocks_its_aggregate_alone(spine: Spine) -> None:
    log, bad, good = Log(spine.topic), uuid4(), uuid4()
    for sequence, amount in enumerate((1, UNLUCKY, 3), start=1):
        log.append(spine.event_type(thing_id=bad, amount=amount), sequence)
        log.append(spine.event_type(thing_id=good, amount=amount * 100), sequence)
    consumer = spine.consumer(refusing_reactions(spine), tries_max=2)
    offsets = await feed(consumer, log.records)
    later = log.append(spine.event_type(thing_id=bad, amount=4), 4)
    await feed(consumer, [later], offsets)
    assert await spine.seen(bad) == [1]
    assert await spine.seen(good) == [100, UNLUCKY * 100, 300]
    assert await spine.tally() == 1 + 400 + UNLUCKY * 100
    parked = await spine.parked()
    assert [item[:3] for item in parked] == [
        (str(bad), "failed", 2),
        (str(bad), "behind", 3),
        (str(bad), "behind", 4),
    ]
    assert "thirteen" in parked[0][3]
    assert offsets.committed == {TopicPartition(spine.topic, 0): 7}


SCENARIOS = [duplicates_have_one_effect, what_fails_is_parked_and_blocks_its_aggregate_alone]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_batches(quiet_spine: Spine, scenario: Any) -> None:
    await scenario(quiet_spine)


@pytest.mark.parametrize(
    ("bug", "scenario"),
    [
        (planted_bugs.no_inbox, duplicates_have_one_effect),
        (planted_bugs.handler_errors_swallowed, what_fails_is_parked_and_blocks_its_aggregate_alone),
        (planted_bugs.later_events_not_parked_behind, what_fails_is_parked_and_blocks_its_aggregate_alone),
    ],
)
async def test_planted_bug_is_caught(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch, bug: PlantedBug, scenario: Any
) -> None:
    bug(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await scenario(quiet_spine)


@pytest.mark.parametrize(
    "error", [asyncpg.SerializationError("x"), asyncpg.DeadlockDetectedError("x"), ConnectionResetError("x")]
)
async def test_what_passes_by_itself_is_never_parked(quiet_spine: Spine, error: Exception) -> None:
    failures = [error] * 6

    async def fail_at_first(received: Received[Counted], tx: Transaction) -> None:
        if failures:
            raise failures.pop()
        await note_seen(received, tx)

    log, thing = Log(quiet_spine.topic), uuid4()
    log.append(quiet_spine.event_type(thing_id=thing))
    await feed(quiet_spine.consumer([Reaction((quiet_spine.event_type,), fail_at_first)]), log.records)
    assert await quiet_spine.seen(thing) == [1]
    assert await quiet_spine.parked() == []


async def test_a_handler_that_recovers_within_its_tries_keeps_the_order(quiet_spine: Spine) -> None:
    failures = [UnluckyError("once"), UnluckyError("twice")]

    async def fail_at_first(received: Received[Counted], tx: Transaction) -> None:
        await note_seen(received, tx)
        if received.event.amount == 2 and failures:
            raise failures.pop()

    log, thing = Log(quiet_spine.topic), uuid4()
    for amount in (1, 2, 3):
        log.append(quiet_spine.event_type(thing_id=thing, amount=amount), amount)
    await feed(quiet_spine.consumer([Reaction((quiet_spine.event_type,), fail_at_first)]), log.records)
    assert await quiet_spine.seen(thing) == [1, 2, 3]
    assert await quiet_spine.parked() == []


async def test_a_handlers_own_misuse_of_its_connection_is_parked_and_not_retried_for_ever(quiet_spine: Spine) -> None:
    async def misuse(received: Received[Counted], tx: Transaction) -> None:
        del received
        raise asyncpg.InterfaceError(f"cannot perform operation: another operation is in progress ({tx.now})")

    log, thing = Log(quiet_spine.topic), uuid4()
    log.append(quiet_spine.event_type(thing_id=thing))
    await feed(quiet_spine.consumer([Reaction((quiet_spine.event_type,), misuse)], tries_max=2), log.records)
    assert [item[1] for item in await quiet_spine.parked()] == ["failed"]


async def test_a_batch_is_one_transaction(quiet_spine: Spine) -> None:
    log = Log(quiet_spine.topic)
    for _ in range(50):
        log.append(quiet_spine.event_type(thing_id=uuid4()))
    await feed(quiet_spine.consumer(), log.records)
    assert await quiet_spine.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox") == 1
    assert await quiet_spine.pool.fetchval("SELECT count(*) FROM inbox") == 50


async def test_two_consumers_of_one_database_are_told_apart(quiet_spine: Spine) -> None:
    log = Log(quiet_spine.topic)
    log.append(quiet_spine.event_type(thing_id=uuid4(), amount=3))
    for consumer_id in (1, 2):
        await feed(quiet_spine.consumer(consumer_id=consumer_id), log.records)
    assert await quiet_spine.tally() == 6
