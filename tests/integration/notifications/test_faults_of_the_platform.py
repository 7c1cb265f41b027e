"""The database dies, the broker is away, the clock jumps, a policy is edited, people leave: all in the middle of chains.

Each test ends with the ledger: every alert acknowledged, resolved, or in an alarmed dead letter; nobody told twice within
one step without the history saying why.
"""

import asyncio
import contextlib
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.directories import free_port
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.smtp_sink import ACCEPTED, SmtpSink
from deploy.topics import apply_topics
from services.notifications.app import service
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity
from shared.kit.database import is_unavailable
from tests.support.disturbed_day import (
    ALERTS,
    everybody_acts,
    everything,
    handed,
    open_desk,
    pass_time,
    quiet,
    raise_alerts,
    require_sound,
    turn_clock,
    until,
)
from tests.support.environment import Broker, DatabaseFactory, on_apache, run_aside
from tests.support.notifications import WAIT_S, Desk, members, overdue, received, resolved

pytestmark = [pytest.mark.slow, pytest.mark.fault]

STEP_S = 3_600
HOUR = timedelta(hours=1)
GROUP_WAIT = timedelta(minutes=16)
LEASE_S = 2.0
LEASE = timedelta(seconds=60)
KILLS = 3
POLL_S = 0.05
AWAY_S = 3.0
CONFIGURED = (
    "api_database_url",
    "worker_database_url",
    "smtp_host",
    "smtp_port",
    "jwks_url",
    "jwt_issuer",
    "delivery_retry_first_s",
    "delivery_attempts_max",
)


@pytest.fixture
async def day(desk: Desk) -> Desk:
    await desk.set_group("province_office")
    await desk.set_policy(STEP_S)
    return desk


@pytest.fixture
def mortal(state_directory: Path) -> Generator[EmbeddedPostgreSQL]:
    """A PostgreSQL of the test's own, that may die."""
    server = EmbeddedPostgreSQL(state_directory / f"mortal-{uuid4().hex[:8]}", free_port(), settings={"fsync": "off"})
    server.start()
    yield server
    server.stop()
    server.remove()


async def take_as_the_consumer(desk: Desk, event: Event) -> None:
    """Apply one event, again and again while the database is away: the consumer's offset waits for its commit."""
    one = received(event)
    async with asyncio.timeout(2 * WAIT_S):
        while True:
            try:
                await desk.take(one)
            except Exception as error:
                if not (is_unavailable(error) or isinstance(error, OSError | asyncpg.PostgresError)):
                    raise
                await asyncio.sleep(POLL_S)
            else:
                return


async def until_all_left(desk: Desk, count: int) -> None:
    """Until every alert has told its first person."""
    query = "SELECT count(*) FROM delivery WHERE channel = 'email' AND step = 0 AND state = 'sent'"
    async with asyncio.timeout(2 * WAIT_S):
        while True:
            async with everything(desk.database) as connection:
                if await connection.fetchval(query) >= count:
                    return
            await asyncio.sleep(POLL_S)


async def test_a_database_that_dies_and_comes_back_loses_nothing(mortal: EmbeddedPostgreSQL, sink: SmtpSink) -> None:
    async with open_desk(DatabaseFactory(mortal).create("notifications"), sink) as desk:
        await desk.set_policy(STEP_S)
        desk.start_timers()
        desk.start_delivery(delivery_lease_s=LEASE_S, smtp_timeout_s=LEASE_S / 4)
        for _ in range(KILLS):
            taking = asyncio.gather(*(take_as_the_consumer(desk, overdue()) for _ in range(ALERTS)))
            before = len(sink.letters)
            await until(lambda before=before: len(sink.letters) > before, "a letter")
            mortal.kill()
            await asyncio.sleep(0.3)
            mortal.start()  # from the main thread: the server dies with whoever started it
            await taking
        await until_all_left(desk, KILLS * ALERTS)
        await pass_time(desk, HOUR, HOUR)
        await everybody_acts(desk)
        await quiet(desk)
        await require_sound(desk, sink)


async def test_connections_that_are_cut_again_and_again_lose_nothing(day: Desk, sink: SmtpSink) -> None:
    day.start_timers()
    day.start_delivery(delivery_lease_s=LEASE_S, smtp_timeout_s=LEASE_S / 4)
    severities = [Severity.CRITICAL, Severity.MAJOR] * (4 * ALERTS)
    taking = asyncio.gather(*(take_as_the_consumer(day, overdue(severity=severity)) for severity in severities))
    async with everything(day.database) as connection:
        for _ in range(10):
            await connection.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            )
            await asyncio.sleep(0.1)
    await taking
    await until_all_left(day, 4 * ALERTS)
    await pass_time(day, GROUP_WAIT, GROUP_WAIT)
    await until_all_left(day, 4 * ALERTS + 1)
    assert len({alert["alert_id"] for alert in await day.alerts()}) == 8 * ALERTS, (
        "a group's alerts, told by one letter"
    )
    await everybody_acts(day)
    await quiet(day)
    await require_sound(day, sink)


@pytest.fixture
def broker_that_leaves(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Broker]:
    """A broker with every declared topic, that may be stopped and started again."""
    if on_apache():
        request.getfixturevalue("kafka_with_topics")
        broker: Broker = request.getfixturevalue("broker")
        yield broker
        broker.start()
        return
    own = EmbeddedBroker(tmp_path_factory.mktemp("leaving"), free_port())
    own.start()
    run_aside(apply_topics(own.bootstrap_servers, 1))
    yield own
    own.stop()


@pytest.fixture
def configured(day: Desk, broker_that_leaves: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The environment of the whole service, on a broker that may leave."""
    settings = day.settings(delivery_attempts_max=3)
    for name in CONFIGURED:
        monkeypatch.setenv(f"PAYESH_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("PAYESH_KAFKA_BOOTSTRAP_SERVERS", broker_that_leaves.bootstrap_servers)
    return broker_that_leaves


@pytest.fixture
async def running(configured: Broker) -> AsyncGenerator[Broker]:
    """The whole service in this process."""
    async with service.api.router.lifespan_context(service.api):
        yield configured


async def publish(day: Desk, *events: Event) -> None:
    async with day.begin() as tx:
        await tx.publish_many(events)


async def seen(desk: Desk, query: str) -> int:
    async with everything(desk.database) as connection:
        number: int = await connection.fetchval(query)
    return number


@pytest.mark.timeout(180)
async def test_over_the_broker_a_dead_letter_becomes_an_alert_of_the_province_office(
    day: Desk, sink: SmtpSink, running: Broker
) -> None:
    """Nobody can be told by any channel: SMS is not set up, and mail is refused for good."""
    del running  # from its outbox to its rules, the service's own event travels like any other
    people = [one | {"contacts": [{"channel": "sms", "address": "+989120000000"}]} for one in members("rey")]
    async with day.client("notifications_admin") as client:
        (await client.put("/working-groups/rey", json={"members": people})).raise_for_status()
    sink.answer = lambda recipient, _taken: "554 5.7.1 no" if recipient.endswith("rey@payesh.example") else ACCEPTED
    late = overdue()
    await publish(day, late)
    async with asyncio.timeout(60):
        while not sink.letters:
            await asyncio.sleep(POLL_S)
    undelivered, alarm = await day.alerts()
    [letter] = sink.letters
    assert (alarm["kind"], letter.alert_id) == ("alert_undelivered", alarm["alert_id"])
    assert letter.recipient == "m0.province-office@payesh.example"
    told = [line["entry"] for line in await day.history(undelivered["alert_id"])]
    assert (undelivered["subject_id"], told) == (str(late.action_id), ["raised", "fallback", "undelivered"])
    assert await seen(day, "SELECT count(*) FROM delivery WHERE state = 'dead'") == 1
    await quiet(day)
    await everybody_acts(day)
    assert [alert["state"] for alert in await day.alerts()] == ["open", "acknowledged"]
    await require_sound(day, sink)


@pytest.mark.timeout(180)
async def test_over_the_broker_a_process_killed_between_sending_and_marking_repeats_and_the_next_takes_over(
    day: Desk, sink: SmtpSink, configured: Broker
) -> None:
    del configured
    await publish(day, *(overdue() for _ in range(ALERTS)))
    dying = [sys.executable, "-m", "tests.support.dying_service", str(ALERTS)]
    process = await asyncio.create_subprocess_exec(*dying)
    try:
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    before = handed(sink)
    assert set(before.values()) == {1}
    assert not await seen(day, "SELECT count(*) FROM delivery WHERE state = 'sent' AND channel = 'email'")
    await publish(day, overdue())
    await turn_clock(day, LEASE)
    async with service.api.router.lifespan_context(service.api):
        await until_all_left(day, ALERTS + 1)
        assert handed(sink) == Counter(dict.fromkeys(handed(sink), 1)) + before
        assert await seen(day, "SELECT count(*) FROM alert_history WHERE entry = 'may_repeat'") == len(before)
        assert len(await day.alerts()) == ALERTS + 1
        await everybody_acts(day)
        await quiet(day)
        await require_sound(day, sink)


@pytest.mark.timeout(180)
async def test_while_the_broker_is_away_chains_go_on_and_events_wait(
    day: Desk, sink: SmtpSink, running: Broker
) -> None:
    mended = uuid4()
    await publish(day, *(overdue() for _ in range(ALERTS)), overdue(mended))
    await day.until(lambda alerts: len(alerts) == ALERTS + 1)
    running.stop()
    await publish(day, resolved(mended), *(overdue() for _ in range(ALERTS)))
    await turn_clock(day, timedelta(minutes=10))
    await asyncio.sleep(AWAY_S)
    await turn_clock(day, HOUR)
    await day.until(lambda alerts: sum(alert["step"] == 1 for alert in alerts) == ALERTS + 1)
    running.start()
    async with asyncio.timeout(60):
        while [alert["state"] for alert in await day.alerts()].count("resolved") < 1 or len(
            await day.alerts()
        ) < 2 * ALERTS + 1:
            await asyncio.sleep(POLL_S)
    await quiet(day)
    await everybody_acts(day)
    await quiet(day)
    await require_sound(day, sink)


@pytest.mark.parametrize("jumps", [(HOUR, -HOUR), (-HOUR, HOUR), (HOUR, HOUR), (-HOUR, -HOUR)], ids=str)
async def test_a_clock_that_jumps_delays_or_hastens_a_step_and_repeats_none(
    day: Desk, sink: SmtpSink, jumps: tuple[timedelta, timedelta]
) -> None:
    day.start_timers()
    day.start_delivery()
    await raise_alerts(day)
    for jump in jumps:
        await asyncio.sleep(POLL_S)
        await turn_clock(day, jump)
        await raise_alerts(day, 1)
        await quiet(day)
    await pass_time(day, 5 * HOUR, HOUR)
    assert set(handed(sink).values()) == {1}
    assert {alert["step"] for alert in await day.alerts()} == {2}
    await everybody_acts(day)
    await require_sound(day, sink)


async def test_a_day_on_which_nobody_was_told_is_not_sound(day: Desk, sink: SmtpSink) -> None:
    """No worker and no timer runs; an office without members has nobody either."""
    await raise_alerts(day, 1)
    await day.take(overdue(county=County.QODS))
    await everybody_acts(day)
    with pytest.raises(AssertionError, match="nobody acted") as failed:
        await require_sound(day, sink)
    assert str(failed.value).count("nobody acted") == 2


async def test_a_dead_letter_is_alarmed_only_when_somebody_is_alerted(day: Desk, sink: SmtpSink) -> None:
    sink.answer = lambda _recipient, _taken: "554 5.7.1 no"
    day.start_delivery(delivery_attempts_max=1)
    await raise_alerts(day, 1)
    await until(lambda: sink.refused > 0, "a try")
    await quiet(day)
    with pytest.raises(AssertionError, match="alarms nobody"):
        await require_sound(day, sink)
    sink.answer = lambda _recipient, _taken: ACCEPTED
    await everybody_acts(day)
    assert [alert["state"] for alert in await day.alerts()] == ["open", "acknowledged"]
    await require_sound(day, sink)


async def test_a_policy_edited_in_the_middle_changes_no_running_chain(day: Desk, sink: SmtpSink) -> None:
    day.start_timers()
    day.start_delivery()
    await raise_alerts(day, 1)
    await quiet(day)
    body = {"steps": [{"position": "chair", "wait_s": 24 * STEP_S}]}
    async with day.client("notifications_admin") as client:
        (await client.put("/escalation-policies/urgent", json=body)).raise_for_status()
    await raise_alerts(day, 1)
    await pass_time(day, 3 * HOUR, HOUR)
    old, new = await day.alerts()
    assert (old["step"], new["step"]) == (2, 0)
    told = {letter.alert_id: set[str]() for letter in sink.letters}
    for letter in sink.letters:
        told[letter.alert_id].add(letter.recipient.split(".")[0])
    assert told == {old["alert_id"]: {"m0", "m1", "m2"}, new["alert_id"]: {"m2"}}
    await everybody_acts(day)
    await require_sound(day, sink)


async def test_a_recipient_removed_in_the_middle_is_told_no_more_and_others_are(day: Desk, sink: SmtpSink) -> None:
    """The first leaves while the own letter still waits, the second before the own step comes. Who stays is told once; then
    the province office is."""
    sink.answer = lambda _recipient, _taken: "451 4.3.0 try again later"
    day.start_timers()
    day.start_delivery(delivery_retry_first_s=60.0)
    await raise_alerts(day)
    await until(lambda: sink.refused >= ALERTS, "a try of each")
    remaining = [
        {
            "name": "رئیس",
            "role": "chair",
            "language": "fa",
            "email": "m2.rey@payesh.example",
            "position": 0,
            "subject": "m2.rey",
        }
    ]
    async with day.client("notifications_admin") as client:
        (await client.put("/working-groups/rey", json={"members": remaining})).raise_for_status()
    sink.answer = lambda _recipient, _taken: ACCEPTED
    await pass_time(day, 3 * HOUR, timedelta(minutes=20))
    assert "m1.rey@payesh.example" not in {letter.recipient for letter in sink.letters}
    assert {(letter.step, letter.recipient) for letter in sink.letters if letter.step} == {
        (1, "m2.rey@payesh.example"),
        (2, "m0.province-office@payesh.example"),
    }
    await everybody_acts(day)
    await quiet(day)
    await require_sound(day, sink)
