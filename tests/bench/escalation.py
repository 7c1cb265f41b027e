"""How late an escalation step fires when a million timers wait behind it: worker, sweeper and auditor as a service runs them."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg

from deploy.embedded.directories import free_port
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.smtp_sink import SmtpSink
from services.notifications import timers
from services.notifications.handlers.telling import ESCALATION_TIMER
from services.notifications.workers.auditor import Auditor
from services.notifications.workers.heartbeat import Heartbeat
from shared.kit.database import open_pool
from shared.kit.routing import collect_timers
from shared.kit.timer_worker import TimerWorker
from tests.support.environment import DatabaseFactory, ServiceDatabase
from tests.support.notifications import Desk, overdue

PENDING: Final = int(os.environ.get("PAYESH_BENCH_TIMERS", "1000000"))
"""Armed timers that are due in a month."""
ALERTS: Final = 100
WAIT_S: Final = 10
AUDIT_INTERVAL_S: Final = 2.0
DEADLINE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class EscalationLateness:
    """Seconds from a step's time to the transaction in which it fired, on the database's clock."""

    pending: int
    fired: int
    p50_s: float
    worst_s: float
    wrong: str | None


async def time_escalation() -> EscalationLateness:
    """Arm `PENDING` timers, open `ALERTS` alerts over a few seconds, and see when their second step fires."""
    with TemporaryDirectory(prefix="payesh-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        server = EmbeddedPostgreSQL(directory / "postgresql", free_port())
        server.start()
        try:
            database = DatabaseFactory(server).create("notifications")
            await _arm_many(database)
            async with _desk(database, directory) as desk:
                await desk.set_group("rey")
                await desk.set_policy(WAIT_S)
                return _lateness(await _run(desk))
        finally:
            server.stop()


async def _arm_many(database: ServiceDatabase) -> None:
    owner = await asyncpg.connect(database.superuser_url)
    try:
        await owner.execute(
            """
            INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id)
            SELECT $1, gen_random_uuid()::text, nextval('timer_fence'), due_at, due_at, '{"step": 0}', 'bench'
            FROM (
                SELECT now() + interval '30 days' + make_interval(secs => number) AS due_at
                FROM generate_series(1, $2::bigint) AS number
            ) AS waiting
            """,
            ESCALATION_TIMER,
            PENDING,
        )
        await owner.execute("VACUUM ANALYZE timer")
    finally:
        await owner.close()


@asynccontextmanager
async def _desk(database: ServiceDatabase, directory: Path) -> AsyncGenerator[Desk]:
    api_pool = await open_pool(database.api_url, size=4, name="bench-api")
    pool = await open_pool(database.worker_url, size=8, name="bench-worker")
    try:
        yield Desk(database, api_pool, pool, SmtpSink("127.0.0.1", free_port(), directory), asyncio.Event())
    finally:
        pool.terminate()
        api_pool.terminate()


async def _run(desk: Desk) -> Sequence[float]:
    worker = TimerWorker(desk.pool, collect_timers(timers))
    auditor = Auditor(desk.context(), Heartbeat(None))
    background = [asyncio.create_task(part) for part in (worker.run(), worker.sweep(), _audit(auditor, desk))]
    for _ in range(ALERTS):
        await desk.take(overdue())
        await asyncio.sleep(0.05)
    late_s = await _fired(desk)
    worker.stop()
    desk.stopping.set()
    await asyncio.gather(*background)
    return late_s


async def _audit(auditor: Auditor, desk: Desk) -> None:
    while not desk.stopping.is_set():
        await auditor.run_round()
        await asyncio.sleep(AUDIT_INTERVAL_S)


async def _fired(desk: Desk) -> Sequence[float]:
    """Wait until every alert's second step has fired; how late each was, in seconds."""
    ends_s = asyncio.get_running_loop().time() + DEADLINE_S
    while True:
        rows = await desk.pool.fetch(
            """
            SELECT extract(epoch FROM fired.at - raised.at)::float8 - $1 AS late_s
            FROM alert_history AS fired JOIN alert_history AS raised USING (alert_id)
            WHERE fired.entry = 'escalated' AND fired.step = 1 AND raised.entry = 'raised'
            """,
            float(WAIT_S),
        )
        if len(rows) >= ALERTS or asyncio.get_running_loop().time() > ends_s:
            return [row["late_s"] for row in rows]
        await asyncio.sleep(0.2)


def _lateness(late_s: Sequence[float]) -> EscalationLateness:
    missing = ALERTS - len(late_s)
    wrong = f"{missing} of {ALERTS} steps did not fire within {DEADLINE_S:.0f} s" if missing else None
    return EscalationLateness(PENDING, len(late_s), median(late_s or [0.0]), max(late_s, default=0.0), wrong)
