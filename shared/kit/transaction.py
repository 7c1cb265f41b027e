"""One database transaction, and the only way to publish: what is published commits with the rows or not at all (rule 1)."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from shared.contracts.base import Event
from shared.kit import outbox, timers
from shared.kit.connections import Connection, Pool
from shared.kit.database import enter_compartment
from shared.kit.telemetry import current_traceparent

if TYPE_CHECKING:
    from shared.kit.auth import Principal

__all__ = ["Connection", "Transaction", "begin"]

OUTBOX_SHARDS = 1
"""Relays that publish side by side. Raising it is safe at any time; lower it only when the outbox is empty."""


class Transaction:
    """What a handler works with. Handlers never commit; only the boundary that called `begin` does.

    `now` is the transaction's time on the database's clock (UTC).
    """

    def __init__(
        self,
        connection: Connection,
        principal: "Principal",
        *,
        now: datetime,
        correlation_id: str,
        causation_id: str | None,
        traceparent: str | None,
    ) -> None:
        self.connection = connection
        self.principal = principal
        self.now = now
        self.correlation_id = correlation_id
        self.causation_id = causation_id
        self.traceparent = traceparent
        self.pending: list[outbox.PendingEvent] = []
        self.has_published = False
        self.changed_timers: set[tuple[str, str]] = set()

    async def publish(self, event: Event) -> UUID:
        """Publish `event` if this transaction commits. Returns the event's id (UUIDv7). Raises EventTooLargeError."""
        [event_id] = await self.publish_many([event])
        return event_id

    async def publish_many(self, events: Sequence[Event]) -> list[UUID]:
        """Publish `events` in order, if this transaction commits. Returns their ids."""
        traceparent = current_traceparent() or self.traceparent
        pending = [
            outbox.PendingEvent(uuid7(), event, self.correlation_id, self.causation_id, traceparent) for event in events
        ]
        self.pending.extend(pending)
        return [item.id for item in pending]

    async def arm_timer(
        self, kind: str, subject_id: UUID | str, delay: timedelta, policy: BaseModel | None = None
    ) -> int:
        """Arm the durable timer of (`kind`, `subject_id`), replacing an armed one. Returns its fence.

        `delay` is domain time; `policy` is copied, so a later change of the policy never changes a running timer.
        """
        self.changed_timers.add((kind, str(subject_id)))
        return await timers.arm(self.connection, kind, str(subject_id), delay, policy, self.correlation_id)

    async def cancel_timer(self, kind: str, subject_id: UUID | str) -> bool:
        """Cancel the timer; False if none was armed (it may have fired)."""
        cancelled = await timers.cancel(self.connection, kind, str(subject_id))
        if cancelled:
            self.changed_timers.add((kind, str(subject_id)))
        return cancelled

    async def arm_timers(self, kind: str, armings: Sequence[timers.Arming]) -> None:
        """`arm_timer` for many subjects in one statement; each subject once."""
        if armings:
            self.changed_timers.update((kind, arming.subject_id) for arming in armings)
            await timers.arm_many(self.connection, kind, armings, self.correlation_id)

    async def cancel_timers(self, kind: str, subject_ids: Collection[UUID | str]) -> None:
        """`cancel_timer` for many subjects in one statement; those that are not armed are passed over."""
        if subject_ids:
            cancelled = await timers.cancel_many(self.connection, kind, [str(subject_id) for subject_id in subject_ids])
            self.changed_timers.update((kind, subject_id) for subject_id in cancelled)

    async def hand_over_timers(self, kind: str, successors: Mapping[UUID, UUID]) -> None:
        """Give each key's timer, where it has one, to its value: the same due time and policy, a new fence."""
        if successors:
            names = {str(before): str(after) for before, after in successors.items()}
            for before in await timers.hand_over_many(self.connection, kind, names):
                self.changed_timers |= {(kind, before), (kind, names[before])}

    @asynccontextmanager
    async def inside(self, compartment: str | None) -> AsyncGenerator[None]:
        """Act with the database role of one compartment of the service, and of no other; None: as the process itself.

        Compartments of one service share no table: what one role reads, another may not even name.
        """
        if compartment is None:
            yield
            return
        await enter_compartment(self.connection, compartment)
        yield
        await self.connection.execute("SELECT set_config('role', 'none', true)")

    async def flush(self) -> None:
        """INSERT what was published since the last time. The boundary calls it right before COMMIT, so that head locks
        are held briefly; a handler that publishes by the ten thousand calls it between batches, so that memory is bounded.
        """
        if self.pending:
            pending, self.pending = self.pending, []
            self.has_published = True
            await outbox.insert_events(self.connection, pending, shards=OUTBOX_SHARDS)


@asynccontextmanager
async def begin(
    pool: Pool,
    principal: "Principal",
    correlation_id: str,
    causation_id: str | None = None,
    traceparent: str | None = None,
    compartment: str | None = None,
) -> AsyncGenerator[Transaction]:
    """Open a transaction as `principal`; commits on a clean exit, rolls back on any exception.

    `compartment`: as in `Transaction.inside`, for the whole transaction.

    Raises what asyncpg raises. An error out of COMMIT itself means *unknown*: ask again with the same
    Idempotency-Key (rule 11).
    """
    async with pool.acquire() as connection, connection.transaction():
        now: datetime = await connection.fetchval(
            "SELECT now() FROM set_config('payesh.counties', $1, true)", ",".join(sorted(principal.counties))
        )
        tx = Transaction(
            connection,
            principal,
            now=now,
            correlation_id=correlation_id,
            causation_id=causation_id,
            traceparent=traceparent,
        )
        async with tx.inside(compartment):
            yield tx
        await tx.flush()
    if tx.has_published:
        outbox.wake_relays(pool)
