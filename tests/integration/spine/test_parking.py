"""Parked events: listed, corrected, replayed with those behind them, or discarded by name; and when to stop parking."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from shared.contracts.refusals import Refusal
from shared.kit import consumer as consumer_module
from shared.kit import parking, replay
from shared.kit.consumer import BatchConsumer
from shared.kit.routing import Reaction, Received
from shared.kit.transaction import Transaction
from tests.integration.spine.test_rule_05_batches import UNLUCKY, refuse_unlucky, refusing_reactions
from tests.support.spine import Counted, Spine, fold_tally, note_seen
from tests.support.spine_records import Log, feed, headers_of

OPERATOR = "operator.one"


async def park_some(spine: Spine, consumer: BatchConsumer, amounts: list[int], log: Log | None = None) -> UUID:
    """Feed events of one aggregate; returns its id."""
    thing, log = uuid4(), log or Log(spine.topic)
    records = [log.append(spine.event_type(thing_id=thing, amount=amount), n) for n, amount in enumerate(amounts, 1)]
    await feed(consumer, records)
    return thing


async def parked_ids(spine: Spine) -> list[int]:
    async with spine.pool.acquire() as connection:
        return [row["parked_id"] for row in await parking.list_parked(connection, 1, 0, 100)]


@pytest.fixture
def consumer(quiet_spine: Spine) -> BatchConsumer:
    return quiet_spine.consumer(refusing_reactions(quiet_spine), tries_max=2)


async def test_a_corrected_event_is_applied_and_then_those_behind_it(
    quiet_spine: Spine, consumer: BatchConsumer
) -> None:
    log = Log(quiet_spine.topic)
    thing = await park_some(quiet_spine, consumer, [1, UNLUCKY, 3, 4], log)
    first, *behind = await parked_ids(quiet_spine)
    body: JsonValue = {"thing_id": str(thing), "amount": 12}
    replayed = await replay.replay(quiet_spine.pool, consumer, first, OPERATOR, body)
    assert replayed.parked_ids == [first, *behind]
    assert await quiet_spine.seen(thing) == [1, 12, 3, 4]
    assert await quiet_spine.tally() == 20
    row = await quiet_spine.pool.fetchrow(
        "SELECT state, corrected, settled_by, body FROM parked_event WHERE parked_id = $1", first
    )
    assert row is not None
    assert (row["state"], row["corrected"], row["settled_by"]) == ("replayed", True, OPERATOR)
    assert b"12" in row["body"]
    later = log.append(quiet_spine.event_type(thing_id=thing, amount=5), 5)
    await feed(consumer, [*log.records, later])
    assert await quiet_spine.seen(thing) == [1, 12, 3, 4, 5]


async def test_a_replay_that_fails_again_changes_nothing_but_the_error(
    quiet_spine: Spine, consumer: BatchConsumer
) -> None:
    thing = await park_some(quiet_spine, consumer, [UNLUCKY, 2])
    first, _ = await parked_ids(quiet_spine)
    with pytest.raises(Refusal) as refused:
        await replay.replay(quiet_spine.pool, consumer, first, OPERATOR)
    assert refused.value.reason is replay.REPLAY_FAILED
    with pytest.raises(Refusal) as refused:
        await replay.replay(quiet_spine.pool, consumer, first, OPERATOR, {"amount": "no thing"})
    assert refused.value.reason is replay.REPLAY_FAILED
    assert await quiet_spine.seen(thing) == []
    parked = await quiet_spine.parked()
    assert len(parked) == 2
    assert "thing_id" in parked[0][3]


async def test_a_replay_stops_at_the_next_one_that_fails(quiet_spine: Spine, consumer: BatchConsumer) -> None:
    thing = await park_some(quiet_spine, consumer, [UNLUCKY, 2, UNLUCKY, 4])
    first, second, third, fourth = await parked_ids(quiet_spine)
    body: JsonValue = {"thing_id": str(thing), "amount": 1}
    assert (await replay.replay(quiet_spine.pool, consumer, first, OPERATOR, body)).parked_ids == [first, second]
    assert await parked_ids(quiet_spine) == [third, fourth]
    assert await quiet_spine.seen(thing) == [1, 2]


async def test_only_the_first_of_an_aggregate_can_be_replayed(quiet_spine: Spine, consumer: BatchConsumer) -> None:
    await park_some(quiet_spine, consumer, [UNLUCKY, 2, 3])
    first, second, _ = await parked_ids(quiet_spine)
    with pytest.raises(Refusal) as refused:
        await replay.replay(quiet_spine.pool, consumer, second, OPERATOR)
    assert refused.value.reason is replay.PARKED_NOT_FIRST
    assert refused.value.details["first_id"] == first
    for missing in (second + 1_000_000, -1):
        with pytest.raises(Refusal) as refused:
            await replay.replay(quiet_spine.pool, consumer, missing, OPERATOR)
        assert refused.value.reason is replay.PARKED_NOT_FOUND


async def test_a_discarded_event_makes_way_for_those_behind_it(quiet_spine: Spine, consumer: BatchConsumer) -> None:
    thing = await park_some(quiet_spine, consumer, [UNLUCKY, 2])
    first, second = await parked_ids(quiet_spine)
    await replay.discard(quiet_spine.pool, consumer, first, OPERATOR, "sent by mistake")
    with pytest.raises(Refusal) as refused:
        await replay.replay(quiet_spine.pool, consumer, first, OPERATOR)
    assert refused.value.reason is replay.PARKED_NOT_FOUND
    assert (await replay.replay(quiet_spine.pool, consumer, second, OPERATOR)).parked_ids == [second]
    assert await quiet_spine.seen(thing) == [2]
    row = await quiet_spine.pool.fetchrow(
        "SELECT state, settled_by, settled_reason FROM parked_event WHERE parked_id = $1", first
    )
    assert row is not None
    assert tuple(row) == ("discarded", OPERATOR, "sent by mistake")


async def test_an_unreadable_event_blocks_nobody_and_can_be_corrected(
    quiet_spine: Spine, consumer: BatchConsumer
) -> None:
    log, thing = Log(quiet_spine.topic), uuid4()
    event = quiet_spine.event_type(thing_id=thing, amount=1)
    log.append_raw(str(thing).encode(), b'{"thing_id": "', headers_of(event, 1))
    log.append(quiet_spine.event_type(thing_id=thing, amount=2), 2)
    await feed(consumer, log.records)
    assert await quiet_spine.seen(thing) == [2]
    [(aggregate_id, reason, sequence, _)] = await quiet_spine.parked()
    assert (aggregate_id, reason, sequence) == (str(thing), "unreadable", None)
    [parked_id] = await parked_ids(quiet_spine)
    with pytest.raises(Refusal):
        await replay.replay(quiet_spine.pool, consumer, parked_id, OPERATOR)
    body: JsonValue = {"thing_id": str(thing), "amount": 1}
    assert (await replay.replay(quiet_spine.pool, consumer, parked_id, OPERATOR, body)).parked_ids == [parked_id]
    assert await quiet_spine.seen(thing) == [2, 1]
    assert await quiet_spine.tally() == 3


@pytest.mark.parametrize("attempt", range(3))
async def test_what_arrives_during_a_replay_is_applied_or_replayed_and_never_left_behind(
    quiet_spine: Spine, attempt: int
) -> None:
    """The consumer parks behind an event that is just being replayed; each event is applied once, in order."""
    refuses = True

    async def refuse_at_first(received: Received[Counted], tx: Transaction) -> None:
        if refuses and received.event.amount == 1:
            raise RuntimeError("at first")
        await note_seen(received, tx)
        await asyncio.sleep(0.01 * attempt)

    reactions = [Reaction((quiet_spine.event_type,), refuse_at_first)]
    consumer = quiet_spine.consumer(reactions, tries_max=2)
    log, thing = Log(quiet_spine.topic), uuid4()
    records = [log.append(quiet_spine.event_type(thing_id=thing, amount=n), n) for n in range(1, 21)]
    await feed(consumer, records[:3])
    first = (await parked_ids(quiet_spine))[0]
    refuses = False

    async def go_on() -> None:
        for record in records[3:]:
            await feed(consumer, [record])

    await asyncio.gather(replay.replay(quiet_spine.pool, consumer, first, OPERATOR), go_on())
    assert await quiet_spine.parked() == []
    assert await quiet_spine.seen(thing) == list(range(1, 21))


async def test_an_event_parked_while_the_replay_waits_is_replayed_too(quiet_spine: Spine) -> None:
    """The narrowest case: the consumer holds the parked row and adds one behind it, when the replay asks for the row."""
    thing, log = uuid4(), Log(quiet_spine.topic)
    consumer = quiet_spine.consumer(refusing_reactions(quiet_spine), tries_max=2)
    records = [
        log.append(quiet_spine.event_type(thing_id=thing, amount=amount), n) for n, amount in enumerate((UNLUCKY, 2), 1)
    ]
    await feed(consumer, records[:1])
    [first] = await parked_ids(quiet_spine)
    admitted, go_on = asyncio.Event(), asyncio.Event()

    async def pause(received: Received[Counted], tx: Transaction) -> None:
        del received, tx
        admitted.set()
        await go_on.wait()

    other = log.append(quiet_spine.event_type(thing_id=uuid4()))
    pausing = quiet_spine.consumer([Reaction((quiet_spine.event_type,), pause)])
    parking_behind = asyncio.create_task(feed(pausing, [records[1], other]))
    await asyncio.wait_for(admitted.wait(), 10)
    body: JsonValue = {"thing_id": str(thing), "amount": 1}
    replaying = asyncio.create_task(replay.replay(quiet_spine.pool, consumer, first, OPERATOR, body))
    await asyncio.wait([replaying], timeout=0.2)
    assert not replaying.done()
    go_on.set()
    await parking_behind
    assert len((await replaying).parked_ids) == 2
    assert await quiet_spine.seen(thing) == [1, 2]
    assert await quiet_spine.parked() == []


async def test_what_fails_by_itself_is_parked_even_if_the_one_before_was_settled_meanwhile(
    quiet_spine: Spine, consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person discards the first between its parking and the try of the second, which fails too: it must not get lost."""
    park_failed = consumer._park_failed
    discarded: list[int] = []

    async def park_and_discard(*arguments: Any) -> None:
        await park_failed(*arguments)
        if not discarded:
            discarded.extend(await parked_ids(quiet_spine))
            await replay.discard(quiet_spine.pool, consumer, discarded[0], OPERATOR, "not needed")

    monkeypatch.setattr(consumer, "_park_failed", park_and_discard)
    await park_some(quiet_spine, consumer, [UNLUCKY, UNLUCKY])
    rows = await quiet_spine.pool.fetch("SELECT sequence, state, reason FROM parked_event ORDER BY sequence")
    assert [tuple(row) for row in rows] == [(1, "discarded", "failed"), (2, "parked", "failed")]


async def test_a_discard_that_waits_for_a_replay_does_not_undo_it(quiet_spine: Spine) -> None:
    started, lucky = asyncio.Event(), False

    async def slow(received: Received[Counted], tx: Transaction) -> None:
        if not lucky:
            raise ValueError(received.event.amount)
        await note_seen(received, tx)
        started.set()
        await asyncio.sleep(0.2)

    consumer = quiet_spine.consumer([Reaction((quiet_spine.event_type,), slow)], tries_max=1)
    thing = await park_some(quiet_spine, consumer, [7])
    [parked_id] = await parked_ids(quiet_spine)
    lucky = True
    replaying = asyncio.create_task(replay.replay(quiet_spine.pool, consumer, parked_id, OPERATOR))
    await started.wait()
    with pytest.raises(Refusal) as refused:
        await replay.discard(quiet_spine.pool, consumer, parked_id, OPERATOR, "too late")
    assert refused.value.reason is replay.PARKED_NOT_FOUND
    assert (await replaying).parked_ids == [parked_id]
    assert await quiet_spine.seen(thing) == [7]
    state = await quiet_spine.pool.fetchval("SELECT state FROM parked_event WHERE parked_id = $1", parked_id)
    assert state == "replayed"


async def test_too_many_failures_in_a_row_halt_the_consumer_loudly(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "PARKED_IN_A_ROW_MAX", 5)
    consumer = quiet_spine.consumer(refusing_reactions(quiet_spine), tries_max=2)
    log = Log(quiet_spine.topic)
    for _ in range(8):
        log.append(quiet_spine.event_type(thing_id=uuid4(), amount=UNLUCKY))
    offsets = await feed(consumer, log.records)
    assert consumer.halted is not None
    assert "thirteen" in consumer.halted
    assert offsets.committed == {}, "what was not parked must come again"
    assert len(await quiet_spine.parked()) == 5
    healthy = log.append(quiet_spine.event_type(thing_id=uuid4()))
    waiting = asyncio.create_task(consumer.receive([healthy], offsets))
    await asyncio.wait([waiting], timeout=0.1)
    assert not waiting.done(), "a halted consumer takes nothing, and does not return unacknowledged"
    await consumer.stop()
    await waiting
    assert await quiet_spine.tally() == 0


async def test_failures_with_successes_between_them_are_not_in_a_row(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "PARKED_IN_A_ROW_MAX", 2)
    consumer = quiet_spine.consumer(refusing_reactions(quiet_spine), tries_max=2)
    log = Log(quiet_spine.topic)
    for _ in range(6):
        await feed(consumer, [log.append(quiet_spine.event_type(thing_id=uuid4(), amount=UNLUCKY))])
        await feed(consumer, [log.append(quiet_spine.event_type(thing_id=uuid4(), amount=1))])
    assert consumer.halted is None
    assert len(await quiet_spine.parked()) == 6
    assert await quiet_spine.tally() == 6


async def test_one_reaction_that_fails_takes_the_others_of_the_event_with_it(quiet_spine: Spine) -> None:
    reactions: list[Any] = [
        Reaction((quiet_spine.event_type,), note_seen),
        Reaction((quiet_spine.event_type,), refuse_unlucky),
        Reaction((quiet_spine.event_type,), fold_tally, folds=True),
    ]
    log, thing = Log(quiet_spine.topic), uuid4()
    log.append(quiet_spine.event_type(thing_id=thing, amount=UNLUCKY))
    await feed(quiet_spine.consumer(reactions, tries_max=2), log.records)
    assert await quiet_spine.seen(thing) == []
    assert await quiet_spine.tally() == 0
