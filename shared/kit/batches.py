"""A batch of records before and while it is applied: decoding, sorting by what the inbox says, running the reactions."""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition

from shared.contracts.base import Event
from shared.kit.envelope import UnreadableRecordError, event_type_of, read_event, subject_of
from shared.kit.inbox import Admission
from shared.kit.logging import bound_contextvars
from shared.kit.parking import ParkedRecord, ParkReason
from shared.kit.routing import Reaction, Received
from shared.kit.telemetry import span
from shared.kit.transaction import Transaction

if TYPE_CHECKING:
    Record = ConsumerRecord[bytes, bytes]
else:
    Record = ConsumerRecord


@dataclass(slots=True)  # not frozen: that would triple what making one costs
class Readable:
    """A record that decoded into an event with at least one reaction. `key`: topic and aggregate id."""

    record: Record
    received: Received[Event]
    reactions: tuple[Reaction, ...]
    key: tuple[str, str]


@dataclass(slots=True)
class Batch:
    """Decoded records, in partition order. `offsets` are what to commit when the batch is settled."""

    readable: list[Readable] = field(default_factory=list[Readable])
    unreadable: list[ParkedRecord] = field(default_factory=list[ParkedRecord])
    ignored: list[str] = field(default_factory=list[str])
    """Topics of the records passed over."""
    offsets: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])


class Decoder:
    """Knows which event types have reactions, and sorts records by them."""

    def __init__(self, reactions: Sequence[Reaction]) -> None:
        self._by_type: dict[str, tuple[type[Event], tuple[Reaction, ...]]] = {}
        self._by_topic_and_type: dict[tuple[str, bytes | None], tuple[type[Event], tuple[Reaction, ...]]] = {}
        for reaction in reactions:
            for event_type in reaction.event_types:
                _, known = self._by_type.get(event_type.type_name(), (event_type, ()))
                entry = event_type, (*known, reaction)
                self._by_type[event_type.type_name()] = entry
                self._by_topic_and_type[event_type.stream.topic, event_type.type_name().encode()] = entry

    @property
    def event_types(self) -> list[type[Event]]:
        """Types that have a reaction."""
        return [event_type for event_type, _ in self._by_type.values()]

    def decode(self, records: Sequence[Record]) -> Batch:
        """Sort records into readable, unreadable and ignored. An unknown type is ignored and counted, not an error."""
        batch = Batch()
        self.decode_into(batch, records)
        return batch

    def decode_into(self, batch: Batch, records: Sequence[Record]) -> None:
        """Like `decode`, adding to `batch`."""
        for record in records:
            headers = dict(record.headers)
            known = self._by_topic_and_type.get((record.topic, headers.get("ce_type")))
            if known is None:
                self._pass_over(batch, record, event_type_of(headers))
                continue
            try:
                received = read_event(headers, record.value, known[0])
            except UnreadableRecordError as error:
                batch.unreadable.append(_parked(record, "unreadable", str(error)))
            except Exception as error:  # an escape would pass the whole batch over (rule 4)
                batch.unreadable.append(_parked(record, "unreadable", repr(error)))
            else:
                batch.readable.append(Readable(record, received, known[1], (record.topic, subject_of(headers))))
        last_offsets = {
            (record.topic, record.partition): record.offset for record in records
        }  # in order: the last wins
        for partition, offset in last_offsets.items():
            batch.offsets[TopicPartition(*partition)] = offset + 1

    def _pass_over(self, batch: Batch, record: Record, event_type: str | None) -> None:
        """A record without a reaction: ignored, unless it cannot be what it says it is."""
        if event_type is None:
            batch.unreadable.append(_parked(record, "unreadable", "header ce_type is missing or not text"))
        elif event_type in self._by_type:
            error = f"type {event_type} does not belong on topic {record.topic}"
            batch.unreadable.append(_parked(record, "unreadable", error))
        else:
            batch.ignored.append(record.topic)


@dataclass(slots=True)
class Outcome:
    """What became of a batch's readable events."""

    applied: list[Readable] = field(default_factory=list[Readable])
    duplicates: list[Readable] = field(default_factory=list[Readable])
    parked: list[ParkedRecord] = field(default_factory=list[ParkedRecord])


def sort_out(readable: Sequence[Readable], admission: Admission, blocked: Set[tuple[str, str]]) -> Outcome:
    """Which to apply, in order; which are duplicates (also within the batch); which must be parked."""
    outcome = Outcome()
    seen: set[UUID] = set()
    positions = dict(admission.position_before)
    for item in readable:
        event_id, sequence, key = item.received.id, item.received.sequence, item.key
        if event_id not in admission.fresh or event_id in seen:
            outcome.duplicates.append(item)
            continue
        seen.add(event_id)
        if key in blocked:
            outcome.parked.append(parked_readable(item, "behind", "an earlier event of this aggregate is parked"))
        elif sequence <= positions.get(key, 0):
            error = f"sequence {sequence} came after {positions[key]}; it was never applied"
            outcome.parked.append(parked_readable(item, "out_of_order", error))
        else:
            outcome.applied.append(item)
            positions[key] = sequence
    return outcome


async def run_reactions(items: Sequence[Readable], tx: Transaction) -> None:
    """Reactions in partition order, then each fold once with its list."""
    folds: defaultdict[Reaction, list[Received[Event]]] = defaultdict(list)
    for item in items:
        received = item.received
        for reaction in item.reactions:
            if reaction.folds:
                folds[reaction].append(received)
                continue
            tx.correlation_id, tx.causation_id = received.correlation_id, str(received.id)
            tx.traceparent = received.traceparent
            with (
                bound_contextvars(correlation_id=received.correlation_id),
                span(f"handle {received.event.type_name()}", tx.traceparent),
            ):
                async with tx.inside(reaction.compartment):
                    await reaction.call(received, tx)
    for reaction, received_list in folds.items():
        async with tx.inside(reaction.compartment):
            await reaction.call(received_list, tx)


def parked_readable(item: Readable, reason: ParkReason, error: str) -> ParkedRecord:
    received = item.received
    return _parked(item.record, reason, error, received)


def _parked(record: Record, reason: ParkReason, error: str, received: Received[Event] | None = None) -> ParkedRecord:
    return ParkedRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        aggregate_id=received.event.aggregate_id if received else (record.key or b"").decode(errors="replace"),
        sequence=received.sequence if received else None,
        event_id=received.id if received else None,
        type=event_type_of(dict(record.headers)),
        headers=record.headers,
        body=record.value or b"",
        reason=reason,
        error=error,
    )
