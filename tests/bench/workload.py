"""The same events for every contender, and what the county counters must be once each has had its effect exactly once."""

import random
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from shared.contracts.counties import County
from shared.contracts.warehouse import InspectionCompleted, Verdict
from shared.kit.envelope import OutgoingEvent, to_headers

CAPACITY_KG_MAX = 50_000_000
FAILED_ITEMS_MAX = 4
DUPLICATES_EVERY = 100
"""One event in so many comes a second time, so that a contender that does not look it up counts wrong."""
SEED = 20_260_101

Counters = dict[tuple[str, str], Decimal]
"""Value by (county, counter); capacities in tonnes of 3 decimals."""


@dataclass(frozen=True, slots=True)
class Workload:
    """`events` are distinct, as the outbox holds them; `expected` is their sum, made here in whole kilograms."""

    events: list[OutgoingEvent]
    expected: Counters

    def with_duplicates(self) -> list[OutgoingEvent]:
        """The events with every `DUPLICATES_EVERY`-th one repeated right away."""
        records: list[OutgoingEvent] = []
        for place, event in enumerate(self.events, 1):
            records.extend([event] * (2 if place % DUPLICATES_EVERY == 0 else 1))
        return records

    def on_topic(self, topic: str) -> "Workload":
        """The same events bound for another topic."""
        return Workload([replace(event, topic=topic) for event in self.events], self.expected)


def make_workload(count: int) -> Workload:
    """`count` completed inspections, one aggregate each, as the warehouse service publishes them; the same at every call."""
    chooser = random.Random(SEED)
    kilograms: Tally[tuple[str, str]] = Tally()
    counts: Tally[tuple[str, str]] = Tally()
    events: list[OutgoingEvent] = []
    now = datetime.now(UTC)
    for place in range(1, count + 1):
        county = chooser.choice(list(County))
        verified, verified_before, in_use, in_use_before = (chooser.randrange(CAPACITY_KG_MAX) for _ in range(4))
        is_first, enters_interval = chooser.random() < 0.5, chooser.random() < 0.5
        event = InspectionCompleted(
            inspection_id=UUID(int=uuid7().int),
            warehouse_id=UUID(int=chooser.getrandbits(128)),
            county=county,
            verdict=chooser.choice(list(Verdict)),
            is_first_of_site=is_first,
            verified_capacity_tonnes=verified / 1000,
            verified_capacity_tonnes_before=verified_before / 1000,
            in_use_capacity_tonnes=in_use / 1000,
            in_use_capacity_tonnes_before=in_use_before / 1000,
            failed_items=chooser.randrange(FAILED_ITEMS_MAX),
            enters_interval=enters_interval,
            inspected_at=now - timedelta(minutes=chooser.randrange(10_000)),
        )
        counts[county.value, "completed_inspections"] += 1
        counts[county.value, "inspected_sites"] += is_first
        counts[county.value, "inspected_within_interval"] += enters_interval
        kilograms[county.value, "verified_capacity_tonnes"] += verified - verified_before
        kilograms[county.value, "in_use_capacity_tonnes"] += in_use - in_use_before
        events.append(_outgoing(event, place, now + timedelta(microseconds=place)))
    expected = {key: Decimal(value) for key, value in counts.items()}
    expected |= {key: Decimal(value) / 1000 for key, value in kilograms.items()}
    return Workload(events, expected)


def _outgoing(event: InspectionCompleted, position: int, recorded_at: datetime) -> OutgoingEvent:
    return OutgoingEvent(
        position=position,
        event_id=UUID(int=uuid7().int),
        type=event.type_name(),
        topic=event.stream.topic,
        aggregate_id=event.aggregate_id,
        sequence=1,
        recorded_at=recorded_at,
        correlation_id=str(uuid4()),
        causation_id=None,
        traceparent=f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01",
        data_classification=event.data_classification,
        body=event.model_dump_json().encode(),
    )


async def fill_topic(bootstrap_servers: str, topic: str, events: Sequence[OutgoingEvent]) -> None:
    """Put `events` on `topic`, keyed by aggregate, in order."""
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True, max_batch_size=900_000, linger_ms=5
    )
    await producer.start()
    try:
        deliveries = [
            await producer.send(topic, event.body, key=event.aggregate_id.encode(), headers=to_headers(event))
            for event in events
        ]
        for delivery in deliveries:
            await delivery
    finally:
        await producer.stop()
