"""Providers that drop, hang, refuse for an hour and answer too late; a process killed between sending and marking: of mail,
SMS, webhooks and chat alike.

Each test ends with the ledger: every alert acknowledged, resolved, or in an alarmed dead letter; nobody told twice within
one step without the history saying why; what the provider truly took is what the rows or the history say.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.domain.channels import Channel
from services.notifications.domain.circuit_breaker import OPEN_S_MAX, CircuitBreaker
from services.notifications.domain.delivering import RETRY_DELAY_S_FIRST
from services.notifications.workers import channel_worker, provider_states
from shared.kit import timer_worker
from tests.support.disturbed_day import (
    ALERTS,
    acknowledge,
    everybody_acts,
    everything,
    pass_time,
    pass_tries,
    quiet,
    raise_alerts,
    require_sound,
    turn_clock,
    until,
)
from tests.support.kavenegar import FAILED, UNDELIVERED, UNKNOWN
from tests.support.notifications import WAIT_S, Desk, members
from tests.support.providers import HttpProvider, Provider, SmsProvider, open_provider

pytestmark = [pytest.mark.slow, pytest.mark.fault]

STEP_S = 3_600
HOUR = timedelta(hours=1)
TURNS_MAX = 20
AWAITED_S = 1.5
TIMEOUT_S = 0.8
ENOUGH_S = 5.0
POLL_S = 0.05
PROBE_S = 0.5
REQUESTS_A_TRY = 2
"""An SMS asks first whether the try before arrived."""
LEASE = timedelta(seconds=60)
FOR_GOOD = "554 5.7.1 no"
HTTP = [Channel.SMS, Channel.WEBHOOK, Channel.CHAT]


@pytest.fixture(autouse=True)
async def _offices(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look more often than they need to: a turned clock wakes nobody."""
    monkeypatch.setattr(channel_worker, "POLL_INTERVAL_S", POLL_S)
    monkeypatch.setattr(provider_states, "ASK_INTERVAL_S", POLL_S)
    monkeypatch.setattr(timer_worker, "POLL_INTERVAL_S_MAX", POLL_S)
    await desk.set_group("province_office")
    await desk.set_policy(STEP_S)


@pytest.fixture(params=[Channel.EMAIL, *HTTP])
async def provider(
    request: pytest.FixtureRequest, desk: Desk, sink: SmtpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Provider]:
    """Of each channel in turn, or of the one that the test names; the members of rey are told by it."""
    async with open_provider(request.param, sink, tmp_path, monkeypatch) as opened:
        await opened.enrol(desk)
        yield opened
        await desk.stop()


only_mail = pytest.mark.parametrize("provider", [Channel.EMAIL], indirect=True)
only_sms = pytest.mark.parametrize("provider", [Channel.SMS], indirect=True)
only_http = pytest.mark.parametrize("provider", HTTP, indirect=True)


async def history_entries(desk: Desk, entry: str) -> int:
    async with everything(desk.database) as connection:
        number: int = await connection.fetchval("SELECT count(*) FROM alert_history WHERE entry = $1", entry)
    return number


async def states(desk: Desk) -> Counter[tuple[str, str]]:
    """(channel, state) of all that has to be sent."""
    async with everything(desk.database) as connection:
        rows = await connection.fetch("SELECT channel, state FROM delivery WHERE channel <> 'inbox'")
    return Counter((row["channel"], row["state"]) for row in rows)


async def until_states(desk: Desk, wanted: dict[tuple[str, str], int], turn: timedelta = timedelta(0)) -> None:
    """Wait for them; at each look `turn` has passed."""
    found = await states(desk)
    try:
        async with asyncio.timeout(WAIT_S):
            while found != wanted:
                await turn_clock(desk, turn)
                await asyncio.sleep(0.1)
                found = await states(desk)
    except TimeoutError:
        raise AssertionError(f"not within {WAIT_S} s: {wanted}, but {found}") from None


async def told(desk: Desk, deliveries: Collection[UUID]) -> set[tuple[int, str]]:
    """(step, sign-in name) of these."""
    async with everything(desk.database) as connection:
        rows = await connection.fetch(
            "SELECT step, recipient_subject FROM delivery WHERE delivery_id = ANY ($1)", list(deliveries)
        )
    return {(row["step"], row["recipient_subject"]) for row in rows}


async def test_what_a_provider_takes_and_drops_is_not_acted_on_so_the_next_ones_are_told(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    """Nothing tells a dropped letter from a read one but that nobody acts: the chain goes on to its last person."""
    desk.start_timers()
    desk.start_delivery(**provider.settings(ENOUGH_S))
    await raise_alerts(desk)
    await quiet(desk)
    await pass_time(desk, 3 * HOUR, HOUR)
    taken = await provider.taken(desk)
    assert await told(desk, taken) == {(0, "m0.rey"), (1, "m1.rey"), (2, "m2.rey")}
    assert taken.total() == len(taken) == 3 * ALERTS
    assert {alert["state"] for alert in await desk.alerts()} == {"escalated"}
    await everybody_acts(desk, provider)
    await quiet(desk)
    await require_sound(desk, sink, provider)


@only_sms
@pytest.mark.parametrize("mail_is_taken", [True, False])
async def test_what_the_provider_says_it_dropped_goes_on_by_mail_or_is_an_alarmed_dead_letter(
    desk: Desk, sink: SmtpSink, provider: SmsProvider, mail_is_taken: bool
) -> None:
    desk.start_delivery(**provider.settings(ENOUGH_S), delivery_attempts_max=3)
    await raise_alerts(desk)
    await until_states(desk, {("sms", "sent"): ALERTS})
    if not mail_is_taken:
        sink.answer = lambda _recipient, _taken: FOR_GOOD
    for position, message in enumerate(provider.fake.messages):
        message.state = (FAILED, UNDELIVERED, UNKNOWN)[position % 3]
    await until_states(desk, {("email", "sent" if mail_is_taken else "dead"): ALERTS})
    assert await history_entries(desk, "fallback") == ALERTS
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


@only_sms
async def test_what_the_provider_says_it_dropped_and_nobody_else_can_be_told_by_is_an_alarmed_dead_letter(
    desk: Desk, sink: SmtpSink, provider: SmsProvider
) -> None:
    desk.start_delivery(**provider.settings(ENOUGH_S))
    await raise_alerts(desk)
    async with everything(desk.database) as connection:
        await connection.execute("UPDATE delivery SET fallbacks = '[]' WHERE channel = 'sms'")
    await until_states(desk, {("sms", "sent"): ALERTS})
    for message in provider.fake.messages:
        message.state = UNDELIVERED
    await until_states(desk, {("sms", "dead"): ALERTS})
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


@only_sms
async def test_what_the_provider_has_forgotten_after_two_days_counts_as_it_said_before(
    desk: Desk, sink: SmtpSink, provider: SmsProvider
) -> None:
    desk.start_delivery(**provider.settings(ENOUGH_S) | {"sms_status_first_s": HOUR.total_seconds()})
    await raise_alerts(desk)
    await until_states(desk, {("sms", "sent"): ALERTS})
    for message in provider.fake.messages:
        message.state = UNKNOWN
    await turn_clock(desk, provider_states.GIVE_UP_AFTER + HOUR)
    async with everything(desk.database) as connection, asyncio.timeout(WAIT_S):
        while await connection.fetchval("SELECT count(*) FROM delivery WHERE ask_provider_at IS NOT NULL"):
            await asyncio.sleep(POLL_S)
    assert await states(desk) == {("sms", "sent"): ALERTS}
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


async def test_a_provider_that_hangs_holds_messages_back_and_loses_none(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    await provider.line.turn("hangs")
    desk.start_timers()
    desk.start_delivery(**provider.settings(TIMEOUT_S), breaker_open_s=0.2, delivery_retry_first_s=5.0)
    await raise_alerts(desk)
    await until(lambda: provider.line.taken > 0, "a try")
    assert provider.tries == 0
    await provider.line.turn("open")
    await until_states(desk, {(provider.channel, "sent"): ALERTS}, timedelta(seconds=10))
    await everybody_acts(desk, provider)
    await quiet(desk)
    await require_sound(desk, sink, provider)


async def test_refused_for_an_hour_messages_leave_when_it_is_over(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    await desk.set_policy(24 * STEP_S)
    provider.fail()
    desk.start_timers()
    desk.start_delivery(**provider.settings(ENOUGH_S), delivery_retry_first_s=5.0, breaker_failures=100)
    await raise_alerts(desk)
    await until(lambda: provider.tries > 0, "a try")
    await quiet(desk)
    await pass_tries(desk, HOUR)
    assert not await provider.taken(desk)
    assert await states(desk) == {(provider.channel, "pending"): ALERTS}, "an hour is not the end"
    provider.take()
    await pass_tries(desk, HOUR)
    assert await states(desk) == {(provider.channel, "sent"): ALERTS}
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


@only_sms
async def test_refused_for_an_hour_with_the_breaker_as_it_ships_few_tries_are_made_and_nothing_is_dead(
    desk: Desk, sink: SmtpSink, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The breaker's clock, which is no database's, is turned with it."""
    passed_s = 0.0

    class Turned(CircuitBreaker):
        def allowed(self, wanted: int, now_s: float) -> int:
            return CircuitBreaker.allowed(self, wanted, now_s + passed_s)

        def failed(self, now_s: float) -> None:
            CircuitBreaker.failed(self, now_s + passed_s)

    async def pass_probe() -> None:
        nonlocal passed_s
        tries = provider.tries
        await turn_clock(desk, timedelta(seconds=OPEN_S_MAX))
        passed_s += OPEN_S_MAX
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_S):
                while provider.tries == tries:
                    await asyncio.sleep(POLL_S)

    monkeypatch.setattr(channel_worker, "CircuitBreaker", Turned)
    provider.fail()
    desk.start_delivery(**provider.settings(ENOUGH_S), delivery_retry_first_s=RETRY_DELAY_S_FIRST)
    await raise_alerts(desk)
    while "OperationsTroubleFound" not in await desk.published():
        assert passed_s < HOUR.total_seconds(), "the breaker never opened"
        await pass_probe()
    until_opened = provider.tries
    while passed_s < HOUR.total_seconds():
        await pass_probe()
    probes = HOUR.total_seconds() / OPEN_S_MAX
    assert 0 < provider.tries - until_opened <= REQUESTS_A_TRY * probes, "one message at a time, and seldom"
    assert await states(desk) == {(provider.channel, "pending"): ALERTS}, "an hour is not the end"
    provider.take()
    for _ in range(TURNS_MAX):
        if await states(desk) == {(provider.channel, "sent"): ALERTS}:
            break
        await pass_probe()
    assert await states(desk) == {(provider.channel, "sent"): ALERTS}
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


@only_http
async def test_what_was_taken_and_answered_with_5xx_by_a_gateway_repeats_and_the_history_says_why(
    desk: Desk, sink: SmtpSink, provider: HttpProvider
) -> None:
    provider.take_and_fail()
    desk.start_timers()
    desk.start_delivery(**provider.settings(ENOUGH_S), breaker_failures=100)
    await raise_alerts(desk)
    await until(lambda: provider.tries >= ALERTS, "a try of each")
    provider.take()
    await until_states(desk, {(provider.channel, "sent"): ALERTS})
    assert len(await provider.taken(desk)) == ALERTS
    assert await history_entries(desk, "may_repeat") >= ALERTS
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


async def test_refused_for_good_every_message_is_an_alarmed_dead_letter(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    provider.fail()
    sink.answer = lambda _recipient, _taken: FOR_GOOD
    desk.start_timers()
    desk.start_delivery(**provider.settings(ENOUGH_S), delivery_attempts_max=3)
    await raise_alerts(desk)
    await until(lambda: provider.tries + sink.refused > 0, "a try")
    for _ in range(TURNS_MAX):
        await turn_clock(desk, timedelta(minutes=20))
        await quiet(desk)
        if not any(state == "pending" for _, state in await states(desk)):
            break
    found = await states(desk)
    assert set(found) == {("email", "dead")}
    assert found.total() >= ALERTS
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


async def test_an_answer_after_the_timeout_means_told_twice_and_the_history_says_why(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    """SMS: the second try asks whether the one before arrived, so that there is no second message."""
    provider.answer_late(2 * TIMEOUT_S, times=1)
    desk.start_timers()
    desk.start_delivery(**provider.settings(TIMEOUT_S))
    await raise_alerts(desk, 1)
    await until_states(desk, {(provider.channel, "sent"): 1})
    taken = await provider.taken(desk)
    assert len(taken) == 1, "the receiver can drop the second"
    assert (taken.total() > 1) is provider.takes_twice, "it took what its client had given up"
    assert await history_entries(desk, "may_repeat") >= 1
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


async def test_an_answer_that_comes_after_the_person_has_acted_leaves_no_message_unaccounted_for(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    """They act on the message whose answer is still awaited: its row is cancelled, and was told all the same."""
    provider.answer_late(AWAITED_S, times=1)
    desk.start_delivery(**provider.settings(ENOUGH_S))
    await raise_alerts(desk, 1)
    await until(lambda: provider.tries > 0, "a try")
    [alert] = await desk.alerts()
    await acknowledge(desk, alert["alert_id"], "m0.rey")
    await quiet(desk)
    await desk.stop()
    assert await history_entries(desk, "cancelled_under_way") == 1
    await require_sound(desk, sink, provider)


@only_mail
async def test_an_answer_that_comes_after_the_person_has_left_leaves_no_message_unaccounted_for(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    provider.answer_late(2 * TIMEOUT_S, times=1)
    desk.start_timers()
    desk.start_delivery(**provider.settings(TIMEOUT_S))
    await raise_alerts(desk, 1)
    await until(lambda: provider.tries > 0, "a try")
    first, *others = members("rey")
    async with desk.client("notifications_admin") as client:
        body = {"members": [other | {"position": place} for place, other in enumerate(others)]}
        (await client.put("/working-groups/rey", json=body)).raise_for_status()
    await until(lambda: len(sink.letters) > 1, "a letter to the next")
    await quiet(desk)
    assert await told(desk, await provider.taken(desk)) == {(0, first["subject"]), (1, others[0]["subject"])}
    await everybody_acts(desk, provider)
    await require_sound(desk, sink, provider)


async def test_a_process_killed_between_sending_and_marking_repeats_and_the_history_says_why(
    desk: Desk, sink: SmtpSink, provider: Provider
) -> None:
    """One alert is acknowledged, by who read the message, before anybody else would send it again."""
    await raise_alerts(desk)
    settings = desk.settings().model_dump(mode="json", include={"jwks_url", "jwt_issuer", "smtp_from", "public_url"})
    databases = {"worker_database_url": desk.database.worker_url, "api_database_url": desk.database.api_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.dying_delivery",
        json.dumps(settings | databases | provider.settings(ENOUGH_S), default=str),
    )
    assert await asyncio.wait_for(process.wait(), 2 * WAIT_S) == -signal.SIGKILL
    before = await provider.taken(desk)
    assert sorted(before.values()) == [1] * ALERTS
    assert await states(desk) == {(provider.channel, "pending"): ALERTS}, "no row says so"
    [first, *_] = await desk.alerts()
    await acknowledge(desk, first["alert_id"], "m0.rey")
    desk.start_timers()
    desk.start_delivery(**provider.settings(ENOUGH_S))
    await turn_clock(desk, LEASE)
    await until_states(desk, {(provider.channel, "sent"): ALERTS - 1, (provider.channel, "cancelled"): 1})
    repeated = ALERTS - 1 if provider.takes_twice else 0
    assert sorted((await provider.taken(desk)).values()) == [1] * (ALERTS - repeated) + [2] * repeated
    assert await history_entries(desk, "may_repeat") == ALERTS - 1
    await everybody_acts(desk, provider)
    await quiet(desk)
    await require_sound(desk, sink, provider)
