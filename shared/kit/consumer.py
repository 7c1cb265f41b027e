"""Batch consumer: a batch is one transaction; what fails is walked event by event, retried, then parked (rules 4 to 7).

It receives raw records from a FastStream subscription (see `subscription`). One batch is being committed while the next
is fetched and decoded. Offsets are committed explicitly, only after the database commit, and beside the next batch.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter as CounterMetric

from shared.contracts.base import Event
from shared.kit import metrics
from shared.kit.auth import SYSTEM
from shared.kit.batches import (
    Batch,
    Decoder,
    Outcome,
    Readable,
    Record,
    parked_readable,
    run_reactions,
    sort_out,
)
from shared.kit.connections import Pool
from shared.kit.database import is_unavailable
from shared.kit.inbox import admit
from shared.kit.logging import get_logger
from shared.kit.parking import blocked_aggregates, park
from shared.kit.routing import Reaction
from shared.kit.transaction import Transaction, begin

TRIES_MAX = 4
RETRY_DELAY_S_MIN = 0.1
RETRY_DELAY_S_MAX = 5.0
PARKED_IN_A_ROW_MAX = 100
"""Handler failures in a row after which it is no longer the events that are suspected, but the code: the consumer halts."""
DRAIN_TIMEOUT_S = 20.0
DECODE_SLICE_RECORDS = 50
"""Records decoded between two looks at the event loop, so that the batch in flight (and HTTP) is not held up meanwhile."""

log = get_logger(__name__)


class OffsetCommitter(Protocol):
    """The part of an aiokafka consumer that is needed here."""

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None: ...


class BatchConsumer:
    """Applies records exactly once to this service's database.

    `consumer_id` tells the consumers that share one database apart. `halted` is the reason why it stopped, for /ready.
    """

    def __init__(
        self, pool: Pool, reactions: Sequence[Reaction], service: str, consumer_id: int = 1, tries_max: int = TRIES_MAX
    ) -> None:
        self._pool = pool
        self._service = service
        self.consumer_id = consumer_id
        self._tries_max = tries_max
        self.decoder = Decoder(reactions)
        self._in_flight: asyncio.Task[None] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._uncommitted_offsets: dict[TopicPartition, int] = {}
        self._assignment = 0
        self._stopping = asyncio.Event()
        self._parked_in_a_row = 0
        self.halted: str | None = None
        self.settled_offsets: dict[TopicPartition, int] = {}
        self.last_progress_s = time.monotonic()

    @property
    def event_types(self) -> list[type[Event]]:
        """Types that have a reaction."""
        return self.decoder.event_types

    async def receive(self, records: Sequence[Record], committer: OffsetCommitter) -> None:
        """Take a batch; returns once the one before is settled, while this one is still being committed.

        Never raises and never returns without the batch being settled or handed to the task that will: an exception
        that escaped to FastStream would be passed over by the next acknowledgement (rule 4).
        """
        assignment = self._assignment
        batch = await self._decode(records)
        await self._wait_in_flight()
        if assignment == self._assignment and _was_abandoned(self._in_flight):
            self._halt("the batch before was abandoned; its records come again after a restart")
        if self.halted is not None:
            await self._stopping.wait()
        if self._stopping.is_set() or assignment != self._assignment:
            return  # not acknowledged: it is read again by whoever owns the partition then
        self._in_flight = asyncio.create_task(self._settle(batch, committer))

    async def drain(self) -> None:
        """On partition revoke or stop: let the batch in flight finish, or roll it back after `DRAIN_TIMEOUT_S` (rule 6).

        Then its offsets are committed, before the partitions go.
        """
        self._assignment += 1
        await _finish_or_cancel(self._in_flight)
        await _finish_or_cancel(self._committing)
        self._uncommitted_offsets.clear()
        self.settled_offsets.clear()

    async def stop(self) -> None:
        """Finish or roll back, then refuse further batches."""
        self._stopping.set()
        await self.drain()

    async def _decode(self, records: Sequence[Record]) -> Batch:
        batch = Batch()
        for start in range(0, len(records), DECODE_SLICE_RECORDS):
            self.decoder.decode_into(batch, records[start : start + DECODE_SLICE_RECORDS])
            await asyncio.sleep(0)
        return batch

    async def _wait_in_flight(self) -> None:
        if self._in_flight is not None:
            await asyncio.wait([self._in_flight])

    async def _settle(self, batch: Batch, committer: OffsetCommitter) -> None:
        """Commit the batch's effects, whatever it takes, then its offsets. Gives up only when stopping or halted."""
        delay_s = RETRY_DELAY_S_MIN
        while not self._stopping.is_set():
            try:
                await self._apply(batch)
                break
            except Exception as error:
                if not is_transient(error):
                    self._halt(f"a defect in the consumer itself: {error!r}")
                    return
                log.warning("consumer_waits_for_database", error=repr(error), next_step=f"again in {delay_s} s")
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)
            if self.halted is not None:
                return
        else:
            return
        if self.halted is not None:
            return
        self.last_progress_s = time.monotonic()
        self.settled_offsets.update(batch.offsets)
        self._uncommitted_offsets.update(batch.offsets)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_offsets(committer))

    async def _commit_offsets(self, committer: OffsetCommitter) -> None:
        """Commit the offsets of settled batches, and of those that settle meanwhile, one request at a time."""
        while self._uncommitted_offsets:
            offsets, self._uncommitted_offsets = self._uncommitted_offsets, {}
            try:
                await committer.commit(offsets)
            except KafkaError as error:
                # The partition moved on, or the broker is away: the records come again and the inbox knows them.
                log.warning("offsets_not_committed", error=repr(error))

    def note_progress(self) -> None:
        """Say that somebody is rightly holding this consumer up, so that it does not count as stalled."""
        self.last_progress_s = time.monotonic()

    def _halt(self, reason: str) -> None:
        self.halted = reason
        log.critical("consumer_halted", reason=reason, next_step="mend the handler, then restart this service")

    async def _apply(self, batch: Batch) -> None:
        self._count(metrics.CONSUMER_IGNORED_EVENTS, batch.ignored)
        if not batch.readable and not batch.unreadable:
            return
        try:
            await self._apply_together(batch)
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("batch_failed_walking", error=repr(error), events=len(batch.readable))
            await self._walk(batch)

    async def _apply_together(self, batch: Batch) -> None:
        """The whole batch in one transaction."""
        async with begin(self._pool, SYSTEM, correlation_id="batch") as tx:
            if batch.unreadable:
                await park(tx.connection, self.consumer_id, batch.unreadable)
            outcome = await self._apply_readable(batch.readable, tx)
            outcome.parked.extend(batch.unreadable)
        self._report(outcome)
        if outcome.applied:
            self._parked_in_a_row = 0

    async def _apply_readable(self, readable: Sequence[Readable], tx: Transaction) -> Outcome:
        if not readable:
            return Outcome()
        admission = await admit(tx.connection, self.consumer_id, readable)
        blocked = await blocked_aggregates(tx.connection, self.consumer_id, [item.key for item in readable])
        outcome = sort_out(readable, admission, blocked)
        if outcome.parked:
            await park(tx.connection, self.consumer_id, outcome.parked)
        await run_reactions(outcome.applied, tx)
        return outcome

    async def _walk(self, batch: Batch) -> None:
        """Event by event, each in its own transaction. Other aggregates go first; the failing ones are retried after them."""
        if batch.unreadable:
            async with begin(self._pool, SYSTEM, correlation_id="batch") as tx:
                await park(tx.connection, self.consumer_id, batch.unreadable)
            self._report(Outcome(parked=batch.unreadable))
        failing: dict[tuple[str, str], list[Readable]] = {}
        errors: dict[tuple[str, str], Exception] = {}
        for item in batch.readable:
            if item.key in failing:
                failing[item.key].append(item)
            elif (error := await self._try_one(item)) is not None:
                failing[item.key], errors[item.key] = [item], error
        await self._retry(failing, errors)

    async def _retry(
        self, failing: dict[tuple[str, str], list[Readable]], errors: dict[tuple[str, str], Exception]
    ) -> None:
        """Retry rounds with backoff over the failing aggregates; then park each one's first event and go on behind it."""
        delay_s = RETRY_DELAY_S_MIN
        for _ in range(self._tries_max - 1):
            if not failing:
                return
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 4, RETRY_DELAY_S_MAX)
            for key in list(failing):
                self._count(metrics.CONSUMER_RETRIES, [key[0]])
                while failing[key]:
                    error = await self._try_one(failing[key][0])
                    if error is not None:
                        errors[key] = error
                        break
                    failing[key].pop(0)
                if not failing[key]:
                    del failing[key]
        for key, items in failing.items():
            await self._give_up(items, errors[key])
            if self.halted is not None:
                return

    async def _give_up(self, items: Sequence[Readable], error: Exception) -> None:
        """Park an aggregate's failing event; those behind it find it there and are parked behind it."""
        await self._park_failed(items[0], error)
        for item in items[1:]:
            if self.halted is not None:
                return
            # A person may settle the first one meanwhile: then this one runs, and may fail by itself.
            if (own_error := await self._try_one(item)) is not None:
                await self._park_failed(item, own_error)

    async def _try_one(self, item: Readable) -> Exception | None:
        """Apply one event in its own transaction; returns the handler's error. Raises only what is transient."""
        try:
            async with begin(self._pool, SYSTEM, item.received.correlation_id) as tx:
                outcome = await self._apply_readable([item], tx)
        except Exception as error:
            if is_transient(error):
                raise
            log.warning(
                "event_failed", type=item.received.event.type_name(), event_id=str(item.received.id), error=repr(error)
            )
            return error
        self._report(outcome)
        if outcome.applied:
            self._parked_in_a_row = 0
        return None

    async def _park_failed(self, item: Readable, error: Exception) -> None:
        self._parked_in_a_row += 1
        if self._parked_in_a_row > PARKED_IN_A_ROW_MAX:
            self._halt(f"{PARKED_IN_A_ROW_MAX} events in a row failed, the last with {error!r}")
            return
        received = item.received
        record = parked_readable(item, "failed", repr(error))
        async with begin(self._pool, SYSTEM, received.correlation_id) as tx:
            admission = await admit(tx.connection, self.consumer_id, [item])
            if admission.fresh:
                await park(tx.connection, self.consumer_id, [record])
        self._report(Outcome(parked=[record]))
        log.error(
            "event_parked",
            type=received.event.type_name(),
            event_id=str(received.id),
            aggregate_id=received.event.aggregate_id,
            error=repr(error),
            next_step="payesh parked show, then retry or discard",
        )

    def _report(self, outcome: Outcome) -> None:
        self._count(metrics.CONSUMER_APPLIED_EVENTS, [item.record.topic for item in outcome.applied])
        self._count(metrics.CONSUMER_DUPLICATE_EVENTS, [item.record.topic for item in outcome.duplicates])
        for record in outcome.parked:
            metrics.CONSUMER_PARKED_EVENTS.labels(self._service, record.topic, record.reason).inc()

    def _count(self, metric: CounterMetric, topics: Sequence[str]) -> None:
        for topic, amount in Counter(topics).items():
            metric.labels(self._service, topic).inc(amount)


async def _finish_or_cancel(task: asyncio.Task[None] | None) -> None:
    """Wait for `task`; cancel it after `DRAIN_TIMEOUT_S`."""
    if task is None or task.done():
        return
    _, unfinished = await asyncio.wait([task], timeout=DRAIN_TIMEOUT_S)
    if unfinished:
        task.cancel()
        await asyncio.wait([task])


def _was_abandoned(task: asyncio.Task[None] | None) -> bool:
    """True when a batch's task ended without settling it: then no later offset may be committed over it."""
    return task is not None and task.done() and (task.cancelled() or task.exception() is not None)


def is_transient(error: BaseException) -> bool:
    """True when the same transaction may succeed later without anybody mending anything."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False  # the statement itself is too slow: retrying it for ever would hold up everything behind it
    return is_unavailable(error) or isinstance(
        error,
        asyncpg.SerializationError | asyncpg.DeadlockDetectedError | asyncpg.ReadOnlySQLTransactionError | OSError,
    )
