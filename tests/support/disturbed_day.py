"""A day of the notifications service on which things fail: its clock, its people, and the ledger that is checked at its end."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from deploy.embedded.smtp_sink import SmtpSink
from shared.kit.connections import Connection
from shared.kit.database import open_pool
from tests.support.alert_ledger import ALARM_KIND, load_ledger, mistaken_channels, violations
from tests.support.environment import ServiceDatabase
from tests.support.notifications import WAIT_S, Desk, overdue
from tests.support.operations import take_undelivered_events
from tests.support.providers import Provider, handed

CLOCKED: Final = ("timer", "delivery", "alert", "alert_history", "silence", "webhook_endpoint")
SHORTEST_STEP: Final = timedelta(seconds=1)
POLL_S: Final = 0.05
ALERTS: Final = 5
ALERTS_MAX: Final = 200
CLOCK_GIVES_WAY_MS: Final = 100
"""Sooner than anybody else looks for a deadlock, so that it is the clock that is refused."""


@asynccontextmanager
async def open_desk(database: ServiceDatabase, sink: SmtpSink) -> AsyncGenerator[Desk]:
    """A service on `database`; the working group of rey has three members, the province's office too."""
    api_pool = await open_pool(database.api_url, size=4, name="notifications-test-api")
    pool = await open_pool(database.worker_url, size=8, name="notifications-test-worker")
    desk = Desk(database, api_pool, pool, sink, asyncio.Event())
    try:
        await desk.set_group("rey")
        await desk.set_group("province_office")
        yield desk
        await desk.stop()
    finally:
        pool.terminate()
        api_pool.terminate()


@asynccontextmanager
async def everything(database: ServiceDatabase) -> AsyncGenerator[Connection]:
    """A connection that sees and may change every row."""
    connection = await asyncpg.connect(database.superuser_url)
    try:
        yield connection
    finally:
        await connection.close()


async def turn_clock(desk: Desk, by: timedelta) -> None:
    """The database's clock jumps by `by`: every time that is kept lies that much further in its past. Where that and the
    service's work block each other, the clock gives way and jumps later."""
    turned = not by
    while not turned:
        try:
            await _turn_clock(desk, by)
            turned = True
        except asyncpg.DeadlockDetectedError:
            await asyncio.sleep(POLL_S)


async def _turn_clock(desk: Desk, by: timedelta) -> None:
    async with everything(desk.database) as connection, connection.transaction():
        await connection.execute(f"SET LOCAL deadlock_timeout = {CLOCK_GIVES_WAY_MS}")
        columns = await connection.fetch(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' AND table_name = ANY ($1)
            """,
            list(CLOCKED),
        )
        for table in CLOCKED:
            names = [row["column_name"] for row in columns if row["table_name"] == table]
            changes = ", ".join(f"{name} = {name} - $1::interval" for name in names)
            if changes:
                await connection.execute(f"UPDATE {table} SET {changes}", by)


async def quiet(desk: Desk) -> None:
    """Wait until nothing is due: no timer, and no message that is not put off."""
    ends_s = time.monotonic() + WAIT_S
    async with everything(desk.database) as connection:
        while True:
            due: int = await connection.fetchval(
                """
                SELECT (SELECT count(*) FROM timer WHERE next_try_at <= clock_timestamp()) + (
                    SELECT count(*) FROM delivery
                    WHERE state = 'pending' AND (next_attempt_at <= clock_timestamp() OR lease_id IS NOT NULL))
                """
            )
            if not due:
                return
            assert time.monotonic() < ends_s, f"{due} timers and messages are due and nothing happens"
            await asyncio.sleep(POLL_S)


async def pass_time(desk: Desk, total: timedelta, step: timedelta) -> None:
    """Let `total` pass in steps, and in each of them let everything happen that is due."""
    passed = timedelta(0)
    while passed < total:
        await turn_clock(desk, step)
        passed += step
        await quiet(desk)


async def pass_tries(desk: Desk, total: timedelta) -> None:
    """Let `total` pass from one try of what is owed to the next, so that none of them is left out."""
    left = total
    while left > timedelta(0):
        async with everything(desk.database) as connection:
            wait: timedelta | None = await connection.fetchval(
                "SELECT max(next_attempt_at) - clock_timestamp() FROM delivery WHERE state = 'pending'"
            )
        step = left if wait is None else min(left, max(wait, SHORTEST_STEP))
        await turn_clock(desk, step)
        left -= step
        await quiet(desk)


async def raise_alerts(desk: Desk, count: int = ALERTS) -> None:
    for _ in range(count):
        await desk.take(overdue())


async def everybody_acts(desk: Desk, *others: Provider, from_inbox: bool = False) -> None:
    """Whoever was truly told of an alert last, and can sign in, takes charge of it, if nobody has: a message that its row
    calls sent was taken by the provider of mail or one of the `others`, or (`from_inbox`) the person looks there. Of what
    nobody was told nobody takes charge. Before, whoever is alarmed about dead letters is told."""
    if await take_undelivered_events(desk):
        await _alarms_told(desk)
    taken = [*handed(desk.sink)]
    for provider in others:
        taken += await provider.taken(desk)
    for alert in await desk.alerts(limit=ALERTS_MAX):
        if alert["state"] not in ("open", "escalated"):
            continue
        async with everything(desk.database) as connection:
            subject: str | None = await connection.fetchval(
                """
                SELECT recipient_subject FROM delivery
                WHERE alert_id = $1 AND recipient_subject IS NOT NULL AND state = 'sent'
                  AND (delivery_id = ANY ($2) OR ($3 AND channel = 'inbox'))
                ORDER BY created_at DESC LIMIT 1
                """,
                UUID(alert["alert_id"]),
                taken,
                from_inbox,
            )
        if subject is not None:
            await acknowledge(desk, alert["alert_id"], subject)


async def _alarms_told(desk: Desk) -> None:
    """Wait until each alarm about a dead letter has left or is dead itself."""
    ends_s = time.monotonic() + WAIT_S
    query = "SELECT count(*) FROM delivery JOIN alert USING (alert_id) WHERE kind = $1 AND delivery.state = 'pending'"
    async with everything(desk.database) as connection:
        while owed := await connection.fetchval(query, ALARM_KIND):
            assert time.monotonic() < ends_s, f"{owed} alarms have been told to nobody"
            await asyncio.sleep(POLL_S)


async def acknowledge(desk: Desk, alert_id: str, subject: str) -> None:
    async with desk.client("member", subject=subject) as client:
        (await client.post(f"/alerts/{alert_id}/acknowledgement")).raise_for_status()


async def require_sound(desk: Desk, sink: SmtpSink, *others: Provider) -> None:
    """The day is over: nothing lost, nobody told twice without a reason that is written down. What `sink` and the `others`
    took is compared with the rows."""
    taken = {"email": handed(sink)}
    for provider in others:
        taken[provider.channel] = await provider.taken(desk)
    async with everything(desk.database) as connection:
        ledger = await load_ledger(connection)
    found = [*violations(ledger, sum(taken.values(), Counter[UUID]()), taken), *mistaken_channels(ledger, taken)]
    assert not found, "\n".join(found)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds()`."""
    ends_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < ends_s, f"not within {WAIT_S} s: {what}"
        await asyncio.sleep(POLL_S)
