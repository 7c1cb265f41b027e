"""Rule 3: keyed sends; after an error the producer is thrown away, and later rows of the aggregate wait."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.partitioner import DefaultPartitioner

from shared.kit import relay
from shared.kit.auth import SYSTEM
from shared.kit.transaction import begin
from tests.support import planted_bugs
from tests.support.planted_bugs import PlantedBug
from tests.support.spine import Spine
from tests.support.spine_records import header, read_topic

THINGS = 4
EVENTS_PER_THING = 6
FAILING_SENDS = (5, 9)
SMALL_BATCH_BYTES = 500

Failure = Literal["refused", "answer_lost", "none"]


def fail_some_sends(monkeypatch: pytest.MonkeyPatch, failure: Failure) -> list[Any]:
    """Make some sends fail, before or after the broker has them. Returns the producers that were made."""
    monkeypatch.setattr(relay, "PARTITION_BATCH_BYTES", SMALL_BATCH_BYTES)
    monkeypatch.setattr(relay, "RETRY_DELAY_S_MIN", 0.01)
    producers: list[Any] = []
    sends = 0
    real_init: Callable[..., None] = relay.OutboxProducer.__init__
    real_send: Any = relay.OutboxProducer._send_batch

    def init(self: relay.OutboxProducer, *arguments: str) -> None:
        producers.append(self)
        real_init(self, *arguments)

    async def send_batch(self: relay.OutboxProducer, *arguments: Any) -> None:
        nonlocal sends
        sends += 1
        fails = sends in FAILING_SENDS and failure != "none"
        if not fails or failure == "answer_lost":
            await real_send(self, *arguments)
        if fails:
            raise RequestTimedOutError if failure == "answer_lost" else KafkaError("refused")

    monkeypatch.setattr(relay.OutboxProducer, "__init__", init)
    monkeypatch.setattr(relay.OutboxProducer, "_send_batch", send_batch)
    return producers


async def order_survives_send_errors(spine: Spine, monkeypatch: pytest.MonkeyPatch, failure: Failure) -> None:
    producers = fail_some_sends(monkeypatch, failure)
    things = [uuid4() for _ in range(THINGS)]
    async with begin(spine.pool, SYSTEM, "test") as tx:
        for amount in range(1, EVENTS_PER_THING + 1):
            await tx.publish_many([spine.event_type(thing_id=thing, amount=amount) for thing in things])
    publisher = spine.relay()
    running = asyncio.create_task(publisher.run())
    await spine.until_published()
    publisher.stop()
    await running
    first_seen: defaultdict[str, list[int]] = defaultdict(list)
    partitions: defaultdict[str, set[int]] = defaultdict(set)
    for record in await read_topic(spine.bootstrap_servers, spine.topic):
        assert record.key is not None
        key, sequence = record.key.decode(), int(header(record, "ce_sequence"))
        partitions[key].add(record.partition)
        if sequence not in first_seen[key]:
            first_seen[key].append(sequence)
    for thing in map(str, things):
        assert partitions[thing] == {DefaultPartitioner()(thing.encode(), [0, 1, 2], [0, 1, 2])}
        assert first_seen[thing] == list(range(1, EVENTS_PER_THING + 1))
    assert (len(producers) > 1) == (failure != "none"), "after an error the producer is thrown away"


@pytest.mark.parametrize("failure", ["none", "refused", "answer_lost"])
async def test_order_survives_send_errors(spine: Spine, monkeypatch: pytest.MonkeyPatch, failure: Failure) -> None:
    await order_survives_send_errors(spine, monkeypatch, failure)


@pytest.mark.parametrize(
    "bug",
    [
        planted_bugs.outbox_emptied_after_send_error,
        planted_bugs.later_events_sent_after_send_error,
        planted_bugs.batch_without_key,
    ],
)
async def test_planted_bug_is_caught(spine: Spine, monkeypatch: pytest.MonkeyPatch, bug: PlantedBug) -> None:
    bug(monkeypatch, spine)
    with pytest.raises(AssertionError):
        await order_survives_send_errors(spine, monkeypatch, "refused")


async def test_a_producer_waits_for_every_replica_and_is_idempotent(spine: Spine) -> None:
    producer: Any = relay.OutboxProducer(spine.bootstrap_servers, "test")
    await producer.start()
    try:
        sender = producer._producer._sender
        assert sender._acks == -1
        assert sender._txn_manager is not None
    finally:
        await producer.stop()
