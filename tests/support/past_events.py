"""Events put into topics as the relay does, recorded when the test says."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from shared.contracts.base import Event
from shared.kit.envelope import OutgoingEvent, to_headers


async def publish_past(bootstrap_servers: str, events: Sequence[tuple[Event, datetime]]) -> list[UUID]:
    """Send the events in their order, each record with the time of its event; returns their ids."""
    sequences: Counter[tuple[str, str]] = Counter()
    ids: list[UUID] = []
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        for event, at in events:
            key = (event.stream.topic, event.aggregate_id)
            sequences[key] += 1
            ids.append(uuid4())
            outgoing = OutgoingEvent(
                position=len(ids),
                event_id=ids[-1],
                type=event.type_name(),
                topic=event.stream.topic,
                aggregate_id=event.aggregate_id,
                sequence=sequences[key],
                recorded_at=at,
                correlation_id="past",
                causation_id=None,
                traceparent=None,
                data_classification=event.data_classification,
                body=event.model_dump_json().encode(),
            )
            await producer.send_and_wait(
                outgoing.topic,
                outgoing.body,
                key=event.aggregate_id.encode(),
                headers=to_headers(outgoing),
                timestamp_ms=round(at.timestamp() * 1000),
            )
    return ids
