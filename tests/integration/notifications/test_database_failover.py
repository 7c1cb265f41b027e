"""The database fails over in the middle of telling: the primary's machine dies, and its synchronous standby is promoted.

All addresses name both servers, the standby first. Between the death and the promotion only a read-only server answers:
nothing fails then and nothing ends, everything waits. Afterwards everything goes on where it was, and nothing that was
acknowledged is missing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from aiokafka import TopicPartition

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications import handlers
from services.notifications.app import service
from shared.contracts.warehouse import CorrectiveActionOverdue
from shared.kit import database as kit_database
from shared.kit.consumer import BatchConsumer
from shared.kit.database import DATABASE_FAULTS
from shared.kit.routing import collect_reactions
from tests.support.database_pair import DatabasePair
from tests.support.disturbed_day import (
    everybody_acts,
    everything,
    open_desk,
    pass_time,
    quiet,
    require_sound,
    until,
)
from tests.support.identity import client_of
from tests.support.notifications import WAIT_S, Desk, members, overdue, received
from tests.support.spine_records import Log

pytestmark = [pytest.mark.slow, pytest.mark.fault]

Work = Callable[[], Awaitable[object]]

STEP_S = 3_600
HOUR = timedelta(hours=1)
LEASE_S = 1.5
SMTP_TIMEOUT_S = 0.5
POLL_S = 0.05
READ_ONLY_S = 1.0
PATIENCE_S = 1.0
"""What a statement may take in the test of what nobody waits for any longer."""
ALERTS = 10
"""Raised before the replication is held, again while it is, and again while nobody takes writes."""


@pytest.fixture
def pair(state_directory: Path) -> Generator[DatabasePair]:
    with DatabasePair(state_directory / f"pair-{uuid4().hex[:8]}") as started:
        yield started


@pytest.fixture
async def desk_on_pair(pair: DatabasePair, sink: SmtpSink) -> AsyncGenerator[Desk]:
    async with open_desk(pair.create("notifications"), sink) as desk:
        await desk.set_policy(STEP_S)
        yield desk


async def until_done(work: Work) -> None:
    """Do `work` again until the database has taken it."""
    async with asyncio.timeout(2 * WAIT_S):
        while True:
            try:
                await work()
            except DATABASE_FAULTS:
                await asyncio.sleep(POLL_S)
            else:
                return


async def poll(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(2 * WAIT_S):
        while not await holds():
            await asyncio.sleep(POLL_S)


async def is_seen(desk: Desk, query: str, *values: object) -> bool:
    """The one answer of `query`, asked of whoever takes writes."""
    async with everything(desk.database) as connection:
        return bool(await connection.fetchval(query, *values))


async def require_unavailable(desk: Desk) -> None:
    """A command and a query are told to come again; neither is done, and neither is a defect."""
    async with desk.client("notifications_admin", "operator") as client:
        command = await client.put("/escalation-policies/urgent", json={"steps": [{"position": 0, "wait_s": 60}]})
        assert (command.status_code, command.json()["code"]) == (503, "kit.outcome_unknown"), command.text
        query = await client.get("/alerts")
        assert (query.status_code, query.json()["code"]) == (503, "kit.database_unavailable"), query.text


async def require_all_told(desk: Desk, action_ids: Sequence[UUID]) -> None:
    """Until each action has its one alert, and each alert has told its first person."""
    query = "SELECT count(*) >= $1 FROM delivery WHERE channel = 'email' AND step = 0 AND state = 'sent'"
    await poll(lambda: is_seen(desk, query, len(action_ids)))
    assert Counter(UUID(alert["subject_id"]) for alert in await desk.alerts(limit=200)) == Counter(action_ids)


async def live_through_failover(desk: Desk, sink: SmtpSink, pair: DatabasePair, tell: Callable[[UUID], Work]) -> None:
    """`tell(action_id)` is work that says once, however often it is done, that the action is overdue."""
    action_ids = [uuid4() for _ in range(3 * ALERTS)]
    work = [tell(action_id) for action_id in action_ids]
    await asyncio.gather(*(until_done(one) for one in work[:ALERTS]))
    await until(lambda: bool(sink.letters), "a letter")
    await pair.hold_replication()
    rest = [asyncio.create_task(until_done(one)) for one in work[ALERTS : 2 * ALERTS]]
    await asyncio.sleep(POLL_S)
    assert not any(task.done() for task in rest), "acknowledged, and on the primary alone"
    pair.kill_primary()
    rest += [asyncio.create_task(until_done(one)) for one in work[2 * ALERTS :]]
    await asyncio.sleep(READ_ONLY_S)
    await require_unavailable(desk)
    assert not any(task.done() for task in (*rest, *desk.tasks))
    await pair.promote()
    await asyncio.gather(*rest)
    await require_all_told(desk, action_ids)
    await pass_time(desk, HOUR, HOUR)
    assert {alert["step"] for alert in await desk.alerts(limit=200)} == {1}
    await everybody_acts(desk)
    await quiet(desk)
    await require_sound(desk, sink)


async def test_a_standby_takes_over_in_the_middle_of_telling(
    desk_on_pair: Desk, sink: SmtpSink, pair: DatabasePair
) -> None:
    desk = desk_on_pair
    desk.start_timers()
    desk.start_delivery(delivery_lease_s=LEASE_S, smtp_timeout_s=SMTP_TIMEOUT_S)

    def tell(action_id: UUID) -> Work:
        event = received(overdue(action_id))  # the consumer, too, sees the same event again
        return lambda: desk.take(event)

    await live_through_failover(desk, sink, pair, tell)


class Offsets:
    """The part of a Kafka consumer that is told how far the events have been settled."""

    def __init__(self) -> None:
        self.committed: list[Mapping[TopicPartition, int]] = []

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        self.committed.append(offsets or {})


async def test_what_is_on_the_primary_alone_is_never_acknowledged(
    pair: DatabasePair, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A COMMIT whose wait for the standby is given up stands on the primary, where the next try finds it done."""
    monkeypatch.setattr(kit_database, "COMMAND_TIMEOUT_S", PATIENCE_S)
    log, action_id, offsets = Log(CorrectiveActionOverdue.stream.topic), uuid4(), Offsets()
    log.append(overdue(action_id), 1, uuid4())
    async with open_desk(pair.create("notifications"), sink) as desk:
        consumer = BatchConsumer(desk.pool, collect_reactions(handlers), "notifications")
        async with desk.client("notifications_admin") as client:

            async def command() -> httpx.Response:
                body = {"members": members("rey", 1)}
                return await client.put("/working-groups/rey", json=body, headers={"idempotency-key": "one"})

            await pair.hold_replication()
            await consumer.receive(log.records, offsets)
            await poll(lambda: is_seen(desk, "SELECT EXISTS (SELECT FROM alert)"))
            assert (await command()).status_code == httpx.codes.SERVICE_UNAVAILABLE
            await poll(lambda: is_seen(desk, "SELECT EXISTS (SELECT FROM idempotency WHERE response IS NOT NULL)"))
            assert (await command()).status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert not offsets.committed
            pair.kill_primary()
            await pair.promote()
            await until(lambda: bool(offsets.committed), "the consumer to settle its event")
            assert [alert["subject_id"] for alert in await desk.alerts()] == [str(action_id)]
            again = await command()
            assert (again.status_code, again.headers.get("idempotency-replayed")) == (httpx.codes.OK, None)
        await consumer.stop()


@pytest.fixture
async def running(
    desk_on_pair: Desk, kafka_with_topics: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[httpx.AsyncClient]:
    """The whole service in this process; a client of its HTTP interface."""
    settings = desk_on_pair.settings(delivery_lease_s=LEASE_S, smtp_timeout_s=SMTP_TIMEOUT_S)
    for name in (
        "api_database_url",
        "worker_database_url",
        "smtp_host",
        "smtp_port",
        "jwks_url",
        "jwt_issuer",
        "delivery_lease_s",
        "smtp_timeout_s",
    ):
        monkeypatch.setenv(f"PAYESH_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("PAYESH_KAFKA_BOOTSTRAP_SERVERS", kafka_with_topics)
    async with service.api.router.lifespan_context(service.api), client_of(service.api) as client:
        yield client


async def test_the_whole_service_goes_on_with_the_standby(
    desk_on_pair: Desk, sink: SmtpSink, pair: DatabasePair, running: httpx.AsyncClient
) -> None:
    desk = desk_on_pair

    async def publish(action_id: UUID) -> None:
        """As another service: its event is in the outbox once, whatever became of the try before."""
        async with desk.begin() as tx:
            is_published = "SELECT EXISTS (SELECT FROM stream_head WHERE aggregate_id = $1)"
            if not await tx.connection.fetchval(is_published, str(action_id)):
                await tx.publish(overdue(action_id))

    async def is_ready() -> bool:
        return (await running.get("/ready")).is_success

    async def is_unready() -> bool:
        return not await is_ready()

    await poll(is_ready)
    noticing = asyncio.create_task(poll(is_unready))
    await live_through_failover(desk, sink, pair, lambda action_id: lambda: publish(action_id))
    await noticing
    await poll(is_ready)
