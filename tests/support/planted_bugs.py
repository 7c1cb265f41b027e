"""Bugs to plant in the spine, each one a known way to lose, double or disorder events. A rule's test must catch each.

A bug takes (monkeypatch, spine) and puts itself in place of the real code until the test ends.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.kit import consumer, outbox, relay, subscription, timer_worker, timers
from shared.kit.batches import Outcome, Readable, sort_out
from shared.kit.connections import Connection
from shared.kit.consumer import BatchConsumer
from shared.kit.envelope import OutgoingEvent
from shared.kit.inbox import Admission
from shared.kit.routing import Received
from shared.kit.transaction import OUTBOX_SHARDS, Transaction
from tests.support.spine import Counted, Spine

PlantedBug = Callable[[pytest.MonkeyPatch, Spine], None]

OUTBOX_COLUMNS = """position, event_id, type, topic, aggregate_id, sequence, recorded_at, correlation_id, causation_id,
                    traceparent, data_classification, body"""


async def _insert_apart(spine: Spine, pending: Sequence[outbox.PendingEvent]) -> None:
    connection = await asyncpg.connect(spine.database.worker_url)
    try:
        await outbox.insert_events(connection, pending, shards=OUTBOX_SHARDS)
    finally:
        await connection.close()


def publish_at_once_on_another_connection(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 1: publish() writes the outbox by itself, on an autocommit connection."""
    real = Transaction.publish_many

    async def publish_many(self: Transaction, events: Any) -> Any:
        ids = await real(self, events)
        pending, self.pending = self.pending, []
        await _insert_apart(spine, pending)
        return ids

    monkeypatch.setattr(Transaction, "publish_many", publish_many)


def flush_on_another_connection(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 1: the outbox is written right before COMMIT, but in a transaction of its own."""

    async def flush(self: Transaction) -> None:
        await _insert_apart(spine, self.pending)

    monkeypatch.setattr(Transaction, "flush", flush)


def relay_reads_past_last_seen(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 2: the relay remembers the highest position it has sent and asks only for what is above it."""
    del spine
    last_seen = 0

    async def take_rows(connection: Connection, shard: int) -> list[OutgoingEvent]:
        nonlocal last_seen
        rows = await connection.fetch(
            f"SELECT {OUTBOX_COLUMNS} FROM outbox WHERE shard = $1 AND position > $2 ORDER BY position",
            shard,
            last_seen,
        )
        last_seen = max([last_seen, *(row["position"] for row in rows)])
        return [OutgoingEvent(*row) for row in rows]

    monkeypatch.setattr(relay, "take_rows", take_rows)


def two_leaders_without_lock(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 2: several relays share the outbox, each skipping the rows that another one has locked; none leads."""
    del spine

    async def try_lock(self: relay.Relay, connection: Connection) -> bool:
        del self, connection
        return True

    async def take_rows(connection: Connection, shard: int) -> list[OutgoingEvent]:
        rows = await connection.fetch(
            f"""
            DELETE FROM outbox
            WHERE shard = $1 AND position = ANY (ARRAY(
                SELECT position FROM outbox WHERE shard = $1 AND pg_try_advisory_xact_lock(position) ORDER BY position
            ))
            RETURNING {OUTBOX_COLUMNS}
            """,
            shard,
        )
        return sorted((OutgoingEvent(*row) for row in rows), key=lambda event: event.position)

    monkeypatch.setattr(relay.Relay, "_try_lock", try_lock)
    monkeypatch.setattr(relay, "take_rows", take_rows)


def outbox_emptied_after_send_error(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 3: a send error is logged and the whole round is deleted from the outbox."""
    del spine
    real = relay.OutboxProducer.send

    async def send(self: relay.OutboxProducer, events: Sequence[OutgoingEvent]) -> None:
        try:
            await real(self, events)
        except relay.SendError:
            return

    monkeypatch.setattr(relay.OutboxProducer, "send", send)


def later_events_sent_after_send_error(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 3: what failed is tried again later, while later rows of the same aggregate go out."""
    del spine
    real: Any = relay.OutboxProducer._send_partition

    async def send_partition(
        self: relay.OutboxProducer, topic: str, partition: int, events: Sequence[OutgoingEvent], acknowledged: list[int]
    ) -> None:
        failure: Exception | None = None
        for event in events:
            try:
                await real(self, topic, partition, [event], acknowledged)
            except Exception as error:
                failure = error
        if failure is not None:
            raise failure

    monkeypatch.setattr(relay.OutboxProducer, "_send_partition", send_partition)


def batch_without_key(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 3: a batch publish that spreads records over the partitions without looking at their keys."""
    del spine
    turn = itertools.count()

    async def partition_of(self: relay.OutboxProducer, event: OutgoingEvent) -> int:
        partitions = sorted(await self._producer.partitions_for(event.topic))
        return partitions[next(turn) % len(partitions)]

    monkeypatch.setattr(relay.OutboxProducer, "_partition_of", partition_of)


def acknowledge_before_commit(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 4: offsets are committed first, then the database."""
    del spine
    real: Any = BatchConsumer._settle

    async def settle(self: BatchConsumer, batch: Any, committer: Any) -> None:
        await committer.commit(batch.offsets)
        await real(self, batch, committer)

    monkeypatch.setattr(BatchConsumer, "_settle", settle)


def _override_subscriber(monkeypatch: pytest.MonkeyPatch, **overrides: Any) -> None:
    class WronglyWiredBroker(KafkaBroker):
        def subscriber(self, *topics: Any, **options: Any) -> Any:
            parent: Any = super()
            return parent.subscriber(*topics, **{**options, **overrides})

    def accept(broker: KafkaBroker) -> None:
        del broker

    monkeypatch.setattr(subscription, "KafkaBroker", WronglyWiredBroker)
    monkeypatch.setattr(subscription, "check_wiring", accept)


def default_acknowledgement(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 4: FastStream's default policy (acknowledge on receipt) and a handler whose exceptions escape."""
    del spine
    _override_subscriber(monkeypatch, ack_policy=AckPolicy.ACK_FIRST)
    _let_exceptions_escape(monkeypatch)


def escaping_exception_under_manual(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 4: the policy is right, but an exception escapes to FastStream, and the next batch's offsets pass it over."""
    del spine
    _let_exceptions_escape(monkeypatch)


def _let_exceptions_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive(self: BatchConsumer, records: Any, committer: Any) -> None:
        batch = self.decoder.decode(records)
        await self._apply_together(batch)
        await committer.commit(batch.offsets)

    monkeypatch.setattr(BatchConsumer, "receive", receive)


def latest_offset(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 4: a new group begins at the end of the topic, which is Kafka's default."""
    del spine
    _override_subscriber(monkeypatch, auto_offset_reset="latest")


def no_inbox(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 5: nobody remembers which events were applied."""
    del spine

    async def admit(connection: Connection, consumer_id: int, readable: Sequence[Readable]) -> Admission:
        del connection, consumer_id
        return Admission(frozenset(item.received.id for item in readable), {})

    monkeypatch.setattr(consumer, "admit", admit)
    monkeypatch.setattr(consumer, "sort_out", _apply_everything)


def _apply_everything(readable: Sequence[Readable], admission: Admission, blocked: Any) -> Outcome:
    del admission, blocked
    return Outcome(applied=list(readable))


def handler_errors_swallowed(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 5: a handler's error is caught, logged and forgotten."""
    del spine
    real = consumer.run_reactions

    async def run_reactions(items: Sequence[Readable], tx: Transaction) -> None:
        for item in items:
            try:
                await real([item], tx)
            except Exception:  # noqa: S112 - the very bug
                continue

    monkeypatch.setattr(consumer, "run_reactions", run_reactions)


def later_events_not_parked_behind(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 5: a parked event does not hold up the later ones of its aggregate."""
    del spine

    async def blocked_aggregates(*arguments: Any) -> frozenset[tuple[str, str]]:
        del arguments
        return frozenset()

    monkeypatch.setattr(consumer, "blocked_aggregates", blocked_aggregates)


def revoke_without_drain(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 6: the partition is given away while its batch is still being applied."""
    del spine

    async def drain(self: BatchConsumer) -> None:
        self.settled_offsets.clear()

    monkeypatch.setattr(BatchConsumer, "drain", drain)


def fence_removed(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 6: the aggregate's position is not looked at, so an old owner can put older state over newer."""
    del spine

    def sort_unfenced(readable: Sequence[Readable], admission: Admission, blocked: Any) -> Outcome:
        return sort_out(readable, Admission(admission.fresh, {}), blocked)

    monkeypatch.setattr(consumer, "sort_out", sort_unfenced)


def timer_in_memory(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 8: the timer is a task of the process that armed it, and goes with it."""
    del spine

    async def arm(*arguments: Any) -> int:
        asyncio.get_running_loop().call_later(arguments[3].total_seconds(), lambda: None)
        return 1

    monkeypatch.setattr(timers, "arm", arm)


def timer_without_fence(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 8: whoever fires ends the timer of that subject, whichever arming it was."""
    del spine

    async def finish(connection: Connection, timer: timers.TimerRow) -> bool:
        await connection.execute("DELETE FROM timer WHERE kind = $1 AND subject_id = $2", timer.kind, timer.subject_id)
        return True

    monkeypatch.setattr(timers, "finish", finish)


def timer_deleted_before_its_effect(monkeypatch: pytest.MonkeyPatch, spine: Spine) -> None:
    """Rule 8: the row is taken out first, then the handler runs."""
    real: Any = timer_worker.TimerWorker._fire

    async def fire(self: timer_worker.TimerWorker, row: timers.TimerRow) -> None:
        connection = await asyncpg.connect(spine.database.worker_url)
        try:
            await connection.execute("DELETE FROM timer WHERE kind = $1 AND subject_id = $2", row.kind, row.subject_id)
        finally:
            await connection.close()
        await real(self, row)

    async def claim(*arguments: Any) -> bool:
        del arguments
        return True

    async def finish(*arguments: Any) -> bool:
        del arguments
        return True

    monkeypatch.setattr(timer_worker.TimerWorker, "_fire", fire)
    monkeypatch.setattr(timers, "claim", claim)
    monkeypatch.setattr(timers, "finish", finish)


async def fold_tally_by_reading_and_writing(received: Sequence[Received[Counted]], tx: Transaction) -> None:
    """Rule 9: read the counter, add in Python, write it back."""
    before: int = await tx.connection.fetchval("SELECT amount FROM tally WHERE name = 'all'") or 0
    await asyncio.sleep(0.05)
    await tx.connection.execute(
        "INSERT INTO tally (name, amount) VALUES ('all', $1) ON CONFLICT (name) DO UPDATE SET amount = excluded.amount",
        before + sum(item.event.amount for item in received),
    )
