"""What goes over the topic, as the independent CloudEvents library reads it; and correlation, cause and trace along it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, from_kafka, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from shared.contracts.base import Stream
from shared.kit.auth import SYSTEM
from shared.kit.routing import Reaction, Received
from shared.kit.telemetry import parse_traceparent, span
from shared.kit.transaction import Transaction, begin
from tests.integration.spine.test_rule_04_acknowledgement import publish_all
from tests.support.spine import Counted, Spine, wait_until
from tests.support.spine_records import Log, feed, header, read_topic

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def as_cloud_event(record: Any) -> CloudEvent:
    message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value)
    event = from_binary(message, JSONFormat(), CloudEvent)
    assert isinstance(event, CloudEvent)
    assert from_kafka(message, JSONFormat()).get_attributes() == event.get_attributes(), "recognised as binary mode"
    return event


async def test_an_independent_library_reads_every_attribute(spine: Spine) -> None:
    thing = uuid4()
    async with begin(spine.pool, SYSTEM, "correlation-1", "cause-1", TRACEPARENT) as tx:
        ids = [await tx.publish(spine.event_type(thing_id=thing, amount=amount)) for amount in (7, 8)]
    await publish_all(spine)
    records = await read_topic(spine.bootstrap_servers, spine.topic)
    events = [as_cloud_event(record) for record in records]
    first = events[0]
    assert [event.get_id() for event in events] == [str(event_id) for event_id in ids]
    assert first.get_specversion() == "1.0"
    assert first.get_type() == spine.event_type.type_name()
    assert first.get_source() == "/payesh/test"
    assert first.get_subject() == str(thing)
    assert first.get_datacontenttype() == "application/json"
    time = first.get_time()
    assert time is not None
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=5)
    assert first.get_data() == {"thing_id": str(thing), "amount": 7}
    assert [event.get_extension("sequence") for event in events] == ["1", "2"]
    assert first.get_extension("correlationid") == "correlation-1"
    assert first.get_extension("causationid") == "cause-1"
    assert first.get_extension("traceparent") == TRACEPARENT
    assert first.get_extension("dataclassification") == "internal"
    assert all(record.key == str(thing).encode() for record in records)


async def test_what_the_independent_library_writes_is_applied(spine: Spine) -> None:
    """The other way round: an agency's producer that uses the library."""
    thing = uuid4()
    event = CloudEvent(
        attributes={
            "id": str(uuid4()),
            "source": "/agency",
            "type": spine.event_type.type_name(),
            "subject": str(thing),
            "time": datetime.now(UTC),
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "sequence": "1",
            "correlationid": "agency-1",
        },
        data={"thing_id": str(thing), "amount": 9},
    )
    message = to_binary(event, JSONFormat(), key_mapper=lambda _: str(thing))
    log = Log(spine.topic)
    log.append_raw(str(thing).encode(), message.value, list(message.headers.items()))
    await feed(spine.consumer(), log.records)
    assert await spine.seen(thing) == [9]
    assert await spine.parked() == []


async def test_correlation_cause_and_trace_go_from_event_to_reaction_to_event(spine: Spine) -> None:
    """HTTP's correlation and trace reach the event that a reaction publishes; its cause is the event before it."""
    seen: list[Received[Counted]] = []

    class Followed(Counted):
        stream = Stream(*spine.topic.split("-", 1), key_field="thing_id")

    async def follow(received: Received[Counted], tx: Transaction) -> None:
        await tx.publish(Followed(thing_id=received.event.thing_id, amount=received.event.amount + 1))

    async def keep(received: Received[Counted], tx: Transaction) -> None:
        del tx
        seen.append(received)

    reactions = [Reaction((spine.event_type,), follow), Reaction((Followed,), keep)]
    subscription = spine.subscription(spine.consumer(reactions))
    await subscription.start()
    publisher = spine.relay()
    relaying = asyncio.create_task(publisher.run())
    causes: dict[UUID, UUID] = {}
    try:
        for number in (1, 2):
            thing = uuid4()
            traceparent = TRACEPARENT.replace("4bf9", f"4bf{number}")
            with span("HTTP POST", traceparent):
                async with begin(spine.pool, SYSTEM, f"request-{number}") as tx:
                    causes[thing] = await tx.publish(spine.event_type(thing_id=thing, amount=number))
        await wait_until(lambda: _has_length(seen, 2))
    finally:
        publisher.stop()
        await relaying
        await subscription.stop()
    for received in seen:
        number = received.event.amount - 1
        assert received.correlation_id == f"request-{number}"
        trace = parse_traceparent(received.traceparent)
        assert trace is not None
        assert trace.trace_id == int(TRACEPARENT.replace("4bf9", f"4bf{number}").split("-")[1], 16)
    records = await read_topic(spine.bootstrap_servers, spine.topic)
    followed = [record for record in records if header(record, "ce_type") == Followed.type_name()]
    assert len(followed) == 2
    for record in followed:
        thing_id = UUID(json.loads(record.value or b"")["thing_id"])
        assert header(record, "ce_causationid") == str(causes[thing_id])
        assert header(record, "ce_sequence") == "2", "one aggregate, one order, whatever the type"


async def _has_length(items: list[Any], count: int) -> bool:
    return len(items) >= count
