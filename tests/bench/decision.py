"""How fast events become alerts: the real reaction on real PostgreSQL, in batches as the consumer gives them."""

import os
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from deploy.embedded.directories import free_port
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from services.notifications.handlers import apply_rules
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import CorrectiveActionOverdue, CorrectiveActionResolved, Severity
from shared.kit.auth import SYSTEM
from shared.kit.connections import Pool
from shared.kit.database import open_pool
from shared.kit.routing import Received
from shared.kit.subscription import BATCH_RECORDS_MAX
from shared.kit.transaction import begin
from tests.support.environment import DatabaseFactory, ServiceDatabase

ALERTS: Final = int(os.environ.get("PAYESH_BENCH_ALERTS", "100000"))
ALONE_SHARE: Final = 0.2
"""Critical alerts: told at once, each with messages and a timer of its own. The others join the group of their county."""
RESOLVED_SHARE: Final = 0.2
MEMBERS: Final = 3
SEED: Final = 20_261_122


@dataclass(frozen=True, slots=True)
class DecisionRate:
    """`alerts_per_s`: alerts opened, over the whole run; the events that end some of them are taken in the same time."""

    alerts: int
    events: int
    seconds: float
    batch_p50_ms: float
    wrong: str | None

    @property
    def alerts_per_s(self) -> float:
        return self.alerts / self.seconds


@asynccontextmanager
async def open_notifications(directory: Path, connections: int) -> AsyncGenerator[tuple[ServiceDatabase, Pool]]:
    """A database of the service that has the members of every county and nothing else, and a worker's pool on it."""
    directory.chmod(0o755)
    server = EmbeddedPostgreSQL(directory / "postgresql", free_port())
    server.start()
    try:
        database = DatabaseFactory(server).create("notifications")
        await _add_members(database)
        pool = await open_pool(database.worker_url, size=connections, name="payesh-bench")
        try:
            yield database, pool
        finally:
            await pool.close()
    finally:
        server.stop()


async def time_decision(pool: Pool) -> DecisionRate:
    """Open `ALERTS` alerts, resolve some, and compare the rows with what the events were."""
    events, resolved = make_events(ALERTS)
    seconds = await _decide(pool, events)
    row = await pool.fetchrow(
        """
        SELECT count(*) AS alerts, count(*) FILTER (WHERE state = 'resolved') AS resolved,
               count(*) FILTER (WHERE state <> 'resolved' AND lead_alert_id IS NULL AND NOT EXISTS (
                   SELECT FROM timer WHERE subject_id = alert_id::text)) AS forgotten
        FROM alert
        """
    )
    found = None if row is None else tuple(row)
    wrong = (
        None if found == (ALERTS, resolved, 0) else f"alerts, resolved, forgotten: {found}, not {(ALERTS, resolved, 0)}"
    )
    return DecisionRate(ALERTS, len(events), sum(seconds), median(seconds) * 1000, wrong)


async def _decide(pool: Pool, events: Sequence[Received[Event]]) -> list[float]:
    """Take `events` in batches as the consumer does; the seconds of each batch."""
    seconds: list[float] = []
    for at in range(0, len(events), BATCH_RECORDS_MAX):
        began_s = time.perf_counter()
        async with begin(pool, SYSTEM, "batch") as tx:
            await apply_rules(events[at : at + BATCH_RECORDS_MAX], tx)
        seconds.append(time.perf_counter() - began_s)
    return seconds


async def _add_members(database: ServiceDatabase) -> None:
    import asyncpg

    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute("ALTER TABLE working_group_member NO FORCE ROW LEVEL SECURITY")
        await connection.execute("ALTER TABLE member_contact NO FORCE ROW LEVEL SECURITY")
        await connection.execute(
            """
            INSERT INTO working_group_member
                (member_id, working_group, county, name, role, language, email, position, subject)
            SELECT gen_random_uuid(), county, county, 'name', CASE WHEN place = $2 THEN 'chair' ELSE 'expert' END, 'fa',
                   'm' || place || '@' || replace(county, '_', '-') || '.example', place, 'm' || place || '.' || county
            FROM unnest($1::text[]) AS county, generate_series(1, $2::int) AS place
            """,
            [county.value for county in County],
            MEMBERS,
        )
        await connection.execute(
            """
            INSERT INTO member_contact (member_id, preference, county, channel, address)
            SELECT member_id, 0, county, 'email', email FROM working_group_member
            """
        )
        await connection.execute("ALTER TABLE working_group_member FORCE ROW LEVEL SECURITY")
        await connection.execute("ALTER TABLE member_contact FORCE ROW LEVEL SECURITY")
    finally:
        await connection.close()


def make_events(alerts: int) -> tuple[Sequence[Received[Event]], int]:
    """The events of so many alerts in order, and how many of them they leave resolved; the same mixture at every call."""
    chooser = random.Random(SEED)
    now = datetime.now(UTC)
    events: list[Received[Event]] = []
    resolved = 0
    for place in range(alerts):
        at = now + timedelta(microseconds=place)
        action_id, warehouse_id = UUID(int=chooser.getrandbits(128)), UUID(int=chooser.getrandbits(128))
        county = chooser.choice(list(County))
        severity = Severity.CRITICAL if chooser.random() < ALONE_SHARE else Severity.MAJOR
        overdue = CorrectiveActionOverdue(
            action_id=action_id, warehouse_id=warehouse_id, county=county, severity=severity, due_at=now
        )
        events.append(_received(overdue, 1, at, place))
        if chooser.random() < RESOLVED_SHARE:
            resolved += 1
            answer = CorrectiveActionResolved(
                action_id=action_id, warehouse_id=warehouse_id, county=county, was_overdue=True
            )
            events.insert(max(0, len(events) - chooser.randrange(4_000)), _received(answer, 2, at, place))
    return events, resolved


def _received(event: Event, sequence: int, at: datetime, place: int) -> Received[Event]:
    return Received(event, UUID(int=uuid7().int), at, sequence, f"correlation-{place}")
