"""Check and rebuild projections: fold the topics again and compare with the tables, to the last digit (rule 9)."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError
from pydantic import BaseModel, TypeAdapter, computed_field

from shared.contracts.base import Event
from shared.kit.auth import SYSTEM
from shared.kit.batches import Record
from shared.kit.connections import Connection, Pool
from shared.kit.envelope import UnreadableRecordError, event_type_of, read_event
from shared.kit.idempotency import RequestKey, claim, remember
from shared.kit.logging import get_logger
from shared.kit.routing import Reaction, Received
from shared.kit.transaction import Transaction, begin

FOLD_EVENTS_MAX = 5_000
READ_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_S = 30

log = get_logger(__name__)


class ProjectionReport(BaseModel):
    """`missing`: rows the topics say should be there; `unexpected`: rows that are there instead."""

    table: str
    events_folded: int
    missing: list[dict[str, Any]]
    unexpected: list[dict[str, Any]]

    @computed_field
    @property
    def agrees(self) -> bool:
        return not self.missing and not self.unexpected


_REPORTS = TypeAdapter(list[ProjectionReport])


class _RollBackError(Exception):
    """Only looking: the refolded tables are not kept."""


async def refold(
    pool: Pool,
    bootstrap_servers: str,
    consumer_id: int,
    reactions: Sequence[Reaction],
    *,
    keep: bool,
    progress: Callable[[], None] = lambda: None,
    key: RequestKey | None = None,
) -> list[ProjectionReport]:
    """Empty every projection, fold the topics from their beginning, compare; `keep` the result or roll it back.

    The projections are locked for the time, so consumers wait; only events that the consumer has applied are folded
    (its per-aggregate position says which, and none that is parked), so both sides speak of the same events.
    `progress` is called after every batch that is read; what is kept commits with its answer under `key`. Raises
    ValueError if no fold declares its tables, AnsweredBefore.
    """
    folds = [reaction for reaction in reactions if reaction.folds and reaction.tables]
    tables = {table: reaction.compartment for reaction in folds for table in sorted(reaction.tables)}
    if not tables:
        raise ValueError("this service has no projection: no @fold declares its tables")
    reports: list[ProjectionReport] = []
    try:
        async with begin(pool, SYSTEM, correlation_id="projections") as tx:
            await tx.connection.execute(
                f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"
            )
            await claim(tx.connection, key)
            before = {table: await _locked_rows(tx, table, tables[table]) for table in sorted(tables)}
            applied = await _applied(tx.connection, consumer_id)
            for table, compartment in tables.items():
                async with tx.inside(compartment):
                    await tx.connection.execute(f"DELETE FROM {table}")
            folded = 0
            async for received in _history(bootstrap_servers, folds, applied):
                for reaction in folds:
                    matching = [item for item in received if isinstance(item.event, reaction.event_types)]
                    if matching:
                        async with tx.inside(reaction.compartment):
                            await reaction.call(matching, tx)
                folded += len(received)
                progress()
            after = {table: await _locked_rows(tx, table, tables[table]) for table in sorted(tables)}
            reports.extend(_compare(table, folded, before[table], after[table]) for table in sorted(tables))
            if not keep:
                raise _RollBackError
            await remember(tx.connection, key, _REPORTS.dump_json(reports))
    except _RollBackError:
        pass
    return reports


async def _locked_rows(tx: Transaction, table: str, compartment: str | None) -> dict[str, dict[str, Any]]:
    async with tx.inside(compartment):
        await tx.connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        return {str(dict(row)): dict(row) for row in await tx.connection.fetch(f"SELECT * FROM {table}")}


def _compare(
    table: str, folded: int, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> ProjectionReport:
    return ProjectionReport(
        table=table,
        events_folded=folded,
        missing=[row for key, row in after.items() if key not in before],
        unexpected=[row for key, row in before.items() if key not in after],
    )


@dataclass(frozen=True, slots=True)
class _Applied:
    """What the consumer has applied: up to these sequences, except these events."""

    positions: dict[tuple[str, str], int]
    parked: frozenset[Any]
    parked_places: frozenset[tuple[str, int, int]]
    """Topic, partition and offset of what is parked or discarded: an unreadable record has no id."""
    corrected_bodies: dict[tuple[str, int, int], bytes]
    """What a person put in place of a record's body, by topic, partition and offset."""

    def includes(self, record: Record, received: Received[Event]) -> bool:
        if received.id in self.parked or (record.topic, record.partition, record.offset) in self.parked_places:
            return False
        return received.sequence <= self.positions.get((record.topic, received.event.aggregate_id), 0)


async def _applied(connection: Connection, consumer_id: int) -> _Applied:
    positions = await connection.fetch(
        "SELECT topic, aggregate_id, sequence FROM stream_position WHERE consumer = $1", consumer_id
    )
    parked = await connection.fetch(
        """
        SELECT event_id, topic, partition, record_offset FROM parked_event WHERE consumer = $1 AND state <> 'replayed'
        """,
        consumer_id,
    )
    corrected = await connection.fetch(
        """
        SELECT topic, partition, record_offset, body FROM parked_event
        WHERE consumer = $1 AND state = 'replayed' AND corrected
        """,
        consumer_id,
    )
    return _Applied(
        {(row["topic"], row["aggregate_id"]): row["sequence"] for row in positions},
        frozenset(row["event_id"] for row in parked if row["event_id"] is not None),
        frozenset((row["topic"], row["partition"], row["record_offset"]) for row in parked),
        {(row["topic"], row["partition"], row["record_offset"]): row["body"] for row in corrected},
    )


async def _history(
    bootstrap_servers: str, folds: Sequence[Reaction], applied: _Applied
) -> AsyncGenerator[list[Received[Event]]]:
    """Batches of applied events of the folds' topics, each event once, in partition order."""
    types = {event_type.type_name(): event_type for reaction in folds for event_type in reaction.event_types}
    topics = sorted({event_type.stream.topic for event_type in types.values()})
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        group_id=None,
    )
    try:
        await consumer.start()  # without a group it assigns itself every partition
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(list(consumer.assignment())))
        seen: set[Any] = set()
        while unread := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            batches = cast(
                "dict[TopicPartition, list[Record]]",
                await consumer.getmany(*unread, timeout_ms=READ_TIMEOUT_MS, max_records=FOLD_EVENTS_MAX),
            )
            received = [
                item
                for records in batches.values()
                for record in records
                if (item := _read_known(record, types, applied)) is not None and applied.includes(record, item)
            ]
            yield _distinct(received, seen)
    except UnknownTopicOrPartitionError as error:
        raise LookupError(f"the broker lacks one of the topics {topics}: declare it and apply the topics") from error
    finally:
        await consumer.stop()


def _distinct(received: Iterable[Received[Event]], seen: set[Any]) -> list[Received[Event]]:
    fresh: list[Received[Event]] = []
    for item in received:
        if item.id not in seen:
            seen.add(item.id)
            fresh.append(item)
    return fresh


def _read_known(record: Any, types: dict[str, type[Event]], applied: _Applied) -> Received[Event] | None:
    headers = dict(record.headers)
    event_type = types.get(event_type_of(headers) or "")
    if event_type is None or event_type.stream.topic != record.topic:
        return None
    try:
        body = applied.corrected_bodies.get((record.topic, record.partition, record.offset), record.value)
        return read_event(headers, body, event_type)
    except UnreadableRecordError:
        return None
