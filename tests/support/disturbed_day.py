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
from tests.support.alert_ledger import load_ledger, violations
from tests.support.environment import ServiceDatabase
from tests.support.notifications import WAIT_S, Desk, overdue

CLOCKED: Final = ("timer", "delivery", "alert", "alert_history", "silence")
POLL_S: Final = 0.05
ALERTS: Final = 5


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
    """The database's clock jumps by `by`: every time that is kept lies that much further in its past."""
    async with everything(desk.database) as connection, connection.transaction():
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


async def raise_alerts(desk: Desk, count: int = ALERTS) -> None:
    for _ in range(count):
        await desk.take(overdue())


async def everybody_acts(desk: Desk) -> None:
    """Whoever was told of an alert last, and can sign in, takes charge of it, if nobody has."""
    for alert in await desk.alerts():
        if alert["state"] not in ("open", "escalated"):
            continue
        async with everything(desk.database) as connection:
            subject: str | None = await connection.fetchval(
                """
                SELECT recipient_subject FROM delivery
                WHERE alert_id = $1 AND recipient_subject IS NOT NULL ORDER BY created_at DESC LIMIT 1
                """,
                UUID(alert["alert_id"]),
            )
        async with desk.client("member", subject=subject or "nobody") as client:
            (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()


def handed(sink: SmtpSink) -> Counter[UUID]:
    """How often the provider took which delivery."""
    return Counter(UUID(letter.delivery_id) for letter in sink.letters)


async def require_sound(desk: Desk, sink: SmtpSink) -> None:
    """The day is over: nothing lost, nobody told twice without a reason that is written down."""
    async with everything(desk.database) as connection:
        ledger = await load_ledger(connection)
    found = violations(ledger, handed(sink))
    assert not found, "\n".join(found)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds()`."""
    ends_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < ends_s, f"not within {WAIT_S} s: {what}"
        await asyncio.sleep(POLL_S)
