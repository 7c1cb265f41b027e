"""A small service on the real spine, for tests: one event type on a topic of its own, one tally table."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

import asyncpg

from shared.contracts.base import Event, Stream
from shared.kit.auth import SYSTEM
from shared.kit.connections import Pool
from shared.kit.consumer import BatchConsumer
from shared.kit.database import open_pool
from shared.kit.relay import Relay, RelaySettings
from shared.kit.routing import Reaction, Received
from shared.kit.subscription import Subscription
from shared.kit.transaction import Transaction, begin
from tests.support.environment import ServiceDatabase, on_apache

TALLY_SCHEMA = """
    CREATE TABLE tally (name text PRIMARY KEY, amount bigint NOT NULL);
    CREATE TABLE seen (place bigint GENERATED ALWAYS AS IDENTITY, aggregate_id text NOT NULL, amount bigint NOT NULL);
    CREATE TABLE thing (thing_id uuid PRIMARY KEY);
    GRANT SELECT, INSERT, UPDATE, DELETE ON tally, seen, thing TO payesh_api, payesh_worker;
"""


WAIT_DEADLINE_S = 15.0
WAIT_INTERVAL_S = 0.02


async def wait_until(condition: Callable[[], Awaitable[bool]], deadline_s: float = WAIT_DEADLINE_S) -> None:
    """Poll `condition` until it holds; fails the test when it does not by the deadline."""
    try:
        async with asyncio.timeout(deadline_s):
            while not await condition():
                await asyncio.sleep(WAIT_INTERVAL_S)
    except TimeoutError:
        raise AssertionError("what the test waits for did not happen") from None


class Counted(Event):
    """Test event: `amount` counted for `thing_id`. Subclass it with a stream of the test's own."""

    stream: ClassVar[Stream]
    thing_id: UUID
    amount: int = 1


def counted_on(topic: str) -> type[Counted]:
    """A `Counted` whose topic is `topic` ("service-name")."""
    service, name = topic.split("-", 1)
    return type("Counted", (Counted,), {"stream": Stream(service, name, key_field="thing_id"), "__module__": __name__})


async def fold_tally(received: Sequence[Received[Counted]], tx: Transaction) -> None:
    """Add the batch to the tally, in one statement."""
    await tx.connection.execute(
        """
        INSERT INTO tally AS t (name, amount) VALUES ('all', $1)
        ON CONFLICT (name) DO UPDATE SET amount = t.amount + excluded.amount
        """,
        sum(item.event.amount for item in received),
    )


async def note_seen(received: Received[Counted], tx: Transaction) -> None:
    """Keep the order in which events were applied."""
    await tx.connection.execute(
        "INSERT INTO seen (aggregate_id, amount) VALUES ($1, $2)", str(received.event.thing_id), received.event.amount
    )


@dataclass(slots=True)
class Spine:
    """The parts of one small service, made with real components and started by the test where it needs them."""

    database: ServiceDatabase
    pool: Pool
    bootstrap_servers: str
    event_type: type[Counted]

    @property
    def topic(self) -> str:
        return self.event_type.stream.topic

    def reactions(self) -> list[Reaction]:
        return [
            Reaction((self.event_type,), note_seen),
            Reaction((self.event_type,), fold_tally, folds=True, tables=("tally",)),
        ]

    def consumer(self, reactions: Sequence[Reaction] | None = None, **options: Any) -> BatchConsumer:
        return BatchConsumer(self.pool, self.reactions() if reactions is None else reactions, "test", **options)

    def subscription(self, consumer: BatchConsumer, instance: str = "1", group: str | None = None) -> Subscription:
        return Subscription(
            consumer,
            bootstrap_servers=self.bootstrap_servers,
            group=group or f"group-{self.topic}",
            instance=instance,
            pauses_when_idle=not on_apache(),
        )

    def relay(self) -> Relay:
        return Relay(RelaySettings(self.database.worker_url, self.bootstrap_servers, "test"))

    async def publish(self, thing_id: UUID | None = None, amount: int = 1) -> UUID:
        """Commit one event to the outbox; returns its id."""
        async with begin(self.pool, SYSTEM, f"test-{uuid4()}") as tx:
            return await tx.publish(self.event_type(thing_id=thing_id or uuid4(), amount=amount))

    async def until_seen(self, *things: UUID) -> None:
        """Wait until an event of each of `things` has been applied."""

        async def all_seen() -> bool:
            wanted = [str(thing) for thing in things]
            query = "SELECT count(DISTINCT aggregate_id) FROM seen WHERE aggregate_id = ANY ($1)"
            return await self.pool.fetchval(query, wanted) == len(set(wanted))

        await wait_until(all_seen)

    async def until_published(self) -> None:
        """Wait until the outbox is empty."""

        async def is_empty() -> bool:
            return await self.pool.fetchval("SELECT count(*) FROM outbox") == 0

        await wait_until(is_empty)

    async def parked(self) -> list[tuple[str, str, int | None, str]]:
        """Open parked events in order: aggregate id, reason, sequence, error."""
        rows = await self.pool.fetch(
            "SELECT aggregate_id, reason, sequence, error FROM parked_event WHERE state = 'parked' ORDER BY parked_id"
        )
        return [tuple(row) for row in rows]

    async def tally(self) -> int:
        return await self.pool.fetchval("SELECT coalesce(sum(amount), 0)::bigint FROM tally")

    async def seen(self, thing_id: UUID) -> list[int]:
        """Amounts applied for `thing_id`, in order."""
        rows = await self.pool.fetch("SELECT amount FROM seen WHERE aggregate_id = $1 ORDER BY place", str(thing_id))
        return [row["amount"] for row in rows]


@asynccontextmanager
async def open_spine(database: ServiceDatabase, bootstrap_servers: str, topic: str) -> AsyncGenerator[Spine]:
    """Tables and a worker pool on `database`; nothing is started."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(TALLY_SCHEMA)
    finally:
        await owner.close()
    pool = await open_pool(database.worker_url, size=12, name="spine-test")
    try:
        yield Spine(database, pool, bootstrap_servers, counted_on(topic))
    finally:
        pool.terminate()
