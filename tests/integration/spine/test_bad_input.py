"""Bad records on a topic are parked or ignored and counted, and what is behind them on other keys is applied in order."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.base import Event, Stream
from shared.kit import metrics
from shared.kit.routing import Reaction, Received
from shared.kit.transaction import Transaction
from tests.support.environment import ServiceDatabase
from tests.support.spine import Spine, open_spine, wait_until
from tests.support.spine_records import Headers, Log, changed, feed, headers_of, raw_producer, without

TOPIC_BYTES_MAX = 12 * 1024 * 1024
REQUIRED_HEADERS = ["ce_type", "ce_id", "ce_time", "ce_subject", "ce_sequence", "ce_correlationid"]


@dataclass(frozen=True)
class Bad:
    """One bad record: its value, its headers, and the reason for parking (None: ignored and counted)."""

    value: bytes | None
    headers: Headers
    key: bytes | None = None
    parked: str | None = "unreadable"


def bad_records(spine: Spine, thing: UUID) -> dict[str, Bad]:
    """Every kind of bad record for `thing`, by name."""
    event = spine.event_type(thing_id=thing)
    good, headers = event.model_dump_json().encode(), headers_of(event)
    deep = b'{"thing_id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    nested_unknown = good[:-1] + b', "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    bad = {
        "truncated": Bad(good[: len(good) // 2], headers),
        "empty": Bad(b"", headers),
        "no value (tombstone)": Bad(None, headers),
        "not JSON": Bad(b"\x00\xff\xfe", headers),
        "not an object": Bad(b"[1, 2]", headers),
        "wrong types": Bad(b'{"thing_id": 5, "amount": "many"}', headers),
        "NaN": Bad(json.dumps({"thing_id": str(thing), "amount": float("nan")}).encode(), headers),
        "infinite": Bad(json.dumps({"thing_id": str(thing), "amount": float("inf")}).encode(), headers),
        "nested 100,000 deep": Bad(deep, headers),
        "nested 100,000 deep in an unknown field": Bad(nested_unknown, headers),
        "10 MB": Bad(b'{"thing_id": "' + b"x" * (10 * 1024 * 1024) + b'"}', headers),
        "NUL in the body": Bad(json.dumps({"thing_id": f"{thing}\0"}).encode(), headers),
        "another aggregate than its subject": Bad(
            spine.event_type(thing_id=uuid4()).model_dump_json().encode(), headers
        ),
        "unknown type": Bad(good, changed(headers, type=b"test.Unknown.v1"), parked=None),
        "unknown version": Bad(good, changed(headers, type=event.type_name()[:-1].encode() + b"9"), parked=None),
        "another service's type": Bad(good, changed(headers, type=b"warehouse.InspectionCompleted.v1"), parked=None),
        "a type known from another topic": Bad(good, changed(headers, type=Elsewhere.type_name().encode())),
        "type that is not UTF-8": Bad(good, changed(headers, type=b"\xff\xfe"), parked=None),
        "no headers": Bad(good, []),
        "header that is not UTF-8": Bad(good, changed(headers, subject=b"\xff\xfe\xfd")),
        "huge header": Bad(good, changed(headers, correlationid=b"x" * 500_000)),
        "huge type": Bad(good, changed(headers, type=b"x" * 500_000)),
        "null header": Bad(good, changed(headers, id=None)),
        "NUL in a header": Bad(good, changed(headers, correlationid=b"a\0b")),
        "NUL in a header's name": Bad(b"", [*headers, ("a\0b", b"c")]),
        "id that is no UUID": Bad(good, changed(headers, id=b"1")),
        "time that is none": Bad(good, changed(headers, time=b"yesterday")),
        "time without zone": Bad(good, changed(headers, time=b"2026-01-01T00:00:00")),
        "time before all time": Bad(good, changed(headers, time=b"0001-01-01T00:00:00+14:00")),
        "key that is not text": Bad(b"", headers, key=b"\xff\x00" * 2_000),
        "key that no index can hold": Bad(
            b"", headers, key="".join(chr(0x10000 + n * 7) for n in range(3_000)).encode()
        ),
        "no key": Bad(b"", headers, key=b""),
    }
    sequences = {"zero": b"0", "negative": b"-1", "2**70": b"%d" % 2**70, "word": b"one", "long": b"9" * 900}
    bad |= {f"sequence {name}": Bad(good, changed(headers, sequence=value)) for name, value in sequences.items()}
    return bad | {f"without {name}": Bad(good, without(headers, name)) for name in REQUIRED_HEADERS}


class Elsewhere(Event):
    """A type that this service reads, but from another topic."""

    stream = Stream("test", "elsewhere", key_field="thing_id")
    thing_id: UUID


async def note_elsewhere(received: Received[Elsewhere], tx: Transaction) -> None:
    del received, tx


def reactions(spine: Spine) -> list[Reaction]:
    return [*spine.reactions(), Reaction((Elsewhere,), note_elsewhere)]


def ignored(spine: Spine) -> float:
    counter: Any = metrics.CONSUMER_IGNORED_EVENTS.labels("test", spine.topic)
    return counter._value.get()


@pytest.mark.parametrize("together", [True, False])
async def test_each_bad_record_is_parked_or_ignored_and_others_are_applied(quiet_spine: Spine, together: bool) -> None:
    """All in one batch, or each in a batch of its own."""
    log, bad_thing, good_thing = Log(quiet_spine.topic), uuid4(), uuid4()
    bad = bad_records(quiet_spine, bad_thing)
    before = ignored(quiet_spine)
    for number, one in enumerate(bad.values(), start=1):
        log.append_raw(str(bad_thing).encode() if one.key is None else one.key, one.value, one.headers)
        log.append(quiet_spine.event_type(thing_id=good_thing, amount=number), number)
    consumer = quiet_spine.consumer(reactions(quiet_spine), tries_max=2)
    batches = [log.records] if together else [log.records[n : n + 2] for n in range(0, len(log.records), 2)]
    for batch in batches:
        offsets = await feed(consumer, batch)
        assert offsets.committed, "a bad record must not hold up the partition"
    assert consumer.halted is None
    assert await quiet_spine.seen(good_thing) == list(range(1, len(bad) + 1))
    assert await quiet_spine.seen(bad_thing) == []
    rows = await quiet_spine.pool.fetch("SELECT record_offset, reason FROM parked_event ORDER BY record_offset")
    parked = {row["record_offset"]: row["reason"] for row in rows}
    outcomes = {name: parked.get(2 * number) for number, name in enumerate(bad)}
    assert outcomes == {name: one.parked for name, one in bad.items()}
    assert ignored(quiet_spine) - before == sum(one.parked is None for one in bad.values())


async def test_bad_records_through_the_broker(
    database: Callable[[str], ServiceDatabase], kafka: str, make_topic: Callable[..., str]
) -> None:
    """The same records as a broker carries them, 10 MB among them; one partition, so that order shows."""
    topic = make_topic(partitions=1, max_message_bytes=TOPIC_BYTES_MAX)
    make_elsewhere = make_topic(partitions=1)
    async with open_spine(database("warehouse"), kafka, topic) as spine:
        elsewhere = type(
            "Elsewhere", (Elsewhere,), {"stream": Stream(*make_elsewhere.split("-", 1), key_field="thing_id")}
        )
        bad_thing, good_thing = uuid4(), uuid4()
        bad = bad_records(spine, bad_thing)
        async with raw_producer(kafka) as producer:
            for number, one in enumerate(bad.values(), start=1):
                key = str(bad_thing).encode() if one.key is None else one.key
                event = spine.event_type(thing_id=good_thing, amount=number)
                await producer.send_and_wait(topic, one.value, key=key, headers=one.headers)
                await producer.send_and_wait(
                    topic,
                    event.model_dump_json().encode(),
                    key=event.aggregate_id.encode(),
                    headers=headers_of(event, number),
                )
        consumer = spine.consumer([*spine.reactions(), Reaction((elsewhere,), note_elsewhere)], tries_max=2)
        subscription = spine.subscription(consumer)
        await subscription.start()
        try:
            await wait_until(lambda: _has_applied(spine, good_thing, len(bad)), 30)
        finally:
            await subscription.stop()
        assert consumer.halted is None
        assert await spine.seen(good_thing) == list(range(1, len(bad) + 1))
        assert await spine.pool.fetchval("SELECT max(octet_length(body)) FROM parked_event") > 10 * 1024 * 1024


async def _has_applied(spine: Spine, thing: UUID, count: int) -> bool:
    return len(await spine.seen(thing)) >= count


async def test_what_only_the_handler_finds_is_parked_as_failed(quiet_spine: Spine) -> None:
    """Readable, but beyond what a column can hold."""
    log, bad_thing, good_thing = Log(quiet_spine.topic), uuid4(), uuid4()
    log.append(quiet_spine.event_type(thing_id=bad_thing, amount=2**70))
    log.append(quiet_spine.event_type(thing_id=good_thing, amount=1))
    await feed(quiet_spine.consumer(tries_max=2), log.records)
    assert await quiet_spine.seen(good_thing) == [1]
    assert [item[1] for item in await quiet_spine.parked()] == ["failed"]


@pytest.mark.parametrize("traceparent", [b"\xff", b"x" * 5_000, b"00-0-0-0", b"a\0b", b""])
async def test_a_bad_trace_context_is_ignored_and_its_event_applied(quiet_spine: Spine, traceparent: bytes) -> None:
    """W3C Trace Context: who cannot read it starts a new trace."""

    async def publish_on(received: Received[Any], tx: Transaction) -> None:
        await tx.publish(quiet_spine.event_type(thing_id=received.event.thing_id))

    log, event = Log(quiet_spine.topic), quiet_spine.event_type(thing_id=uuid4())
    headers = [*headers_of(event), ("ce_traceparent", traceparent)]
    log.append_raw(b"key", event.model_dump_json().encode(), headers)
    await feed(quiet_spine.consumer([Reaction((quiet_spine.event_type,), publish_on)], tries_max=2), log.records)
    assert await quiet_spine.parked() == []
    assert await quiet_spine.pool.fetch("SELECT traceparent FROM outbox") == [(None,)]


async def test_extra_fields_and_headers_of_newer_producers_are_ignored(quiet_spine: Spine) -> None:
    log, event = Log(quiet_spine.topic), quiet_spine.event_type(thing_id=uuid4(), amount=4)
    body = json.dumps({**json.loads(event.model_dump_json()), "new": {"field": [1]}}).encode()
    log.append_raw(b"key", body, [*headers_of(event), ("ce_newextension", b"x"), ("other", b"\xff")])
    await feed(quiet_spine.consumer(), log.records)
    assert await quiet_spine.tally() == 4
