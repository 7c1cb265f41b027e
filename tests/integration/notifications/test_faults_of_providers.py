"""Providers that drop, hang, refuse for an hour and answer too late; a process killed between sending and marking.

Each test ends with the ledger: every alert acknowledged, resolved, or in an alarmed dead letter; nobody told twice within
one step without the history saying why.
"""

import asyncio
import signal
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest

from deploy.embedded.smtp_sink import ACCEPTED, SmtpSink
from tests.support.disturbed_day import (
    ALERTS,
    everybody_acts,
    everything,
    handed,
    pass_time,
    quiet,
    raise_alerts,
    require_sound,
    turn_clock,
    until,
)
from tests.support.notifications import WAIT_S, Desk
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.slow

STEP_S = 3_600
HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=4)
TURNS_MAX = 20
TIMEOUT_S = 0.4
LEASE_S = 2.0


@pytest.fixture(autouse=True)
async def _offices(desk: Desk) -> None:
    await desk.set_group("province_office")
    await desk.set_policy(STEP_S)


async def history_entries(desk: Desk, entry: str) -> int:
    async with everything(desk.database) as connection:
        number: int = await connection.fetchval("SELECT count(*) FROM alert_history WHERE entry = $1", entry)
    return number


async def states(desk: Desk) -> Counter[str]:
    async with everything(desk.database) as connection:
        rows = await connection.fetch(
            "SELECT state, count(*) AS number FROM delivery WHERE channel = 'email' GROUP BY 1"
        )
    return Counter({row["state"]: row["number"] for row in rows})


async def test_what_a_provider_takes_and_drops_is_not_acted_on_so_the_next_ones_are_told(
    desk: Desk, sink: SmtpSink
) -> None:
    """Nothing tells a dropped letter from a read one but that nobody acts: the chain goes on to its last person."""
    desk.start_timers()
    desk.start_delivery()
    await raise_alerts(desk)
    await quiet(desk)
    await pass_time(desk, 3 * HOUR, HOUR)
    assert {letter.recipient.split(".")[0] for letter in sink.letters} == {"m0", "m1", "m2"}
    assert {letter.step for letter in sink.letters} == {0, 1, 2}
    assert {alert["state"] for alert in await desk.alerts()} == {"escalated"}
    await everybody_acts(desk)
    await quiet(desk)
    await require_sound(desk, sink)


async def test_a_provider_that_hangs_holds_letters_back_and_loses_none(desk: Desk, sink: SmtpSink) -> None:
    async with TcpProxy(sink.host, sink.port).run() as line:
        await line.turn("hangs")
        desk.start_timers()
        desk.start_delivery(smtp_port=line.port, smtp_timeout_s=TIMEOUT_S, breaker_open_s=0.5)
        await raise_alerts(desk)
        await until(lambda: line.taken > 0, "a try")
        assert not sink.letters
        await line.turn("open")
        async with asyncio.timeout(WAIT_S):
            while (await states(desk))["sent"] < ALERTS:
                await turn_clock(desk, timedelta(seconds=10))
                await asyncio.sleep(0.2)
        await everybody_acts(desk)
        await quiet(desk)
        await require_sound(desk, sink)
        await desk.stop()


async def test_refused_for_an_hour_letters_leave_when_it_is_over(desk: Desk, sink: SmtpSink) -> None:
    await desk.set_policy(24 * STEP_S)
    sink.answer = lambda _recipient, _taken: "451 4.3.0 try again later"
    desk.start_timers()
    desk.start_delivery(delivery_retry_first_s=5.0)
    await raise_alerts(desk)
    await until(lambda: sink.refused > 0, "a try")
    await quiet(desk)
    await pass_time(desk, HOUR, MINUTES)
    assert not sink.letters
    assert await states(desk) == {"pending": ALERTS}, "an hour is not the end"
    sink.answer = lambda _recipient, _taken: ACCEPTED
    await pass_time(desk, HOUR, MINUTES)
    assert await states(desk) == {"sent": ALERTS}
    await everybody_acts(desk)
    await require_sound(desk, sink)


async def test_refused_for_good_every_letter_is_an_alarmed_dead_letter(desk: Desk, sink: SmtpSink) -> None:
    sink.answer = lambda _recipient, _taken: "554 5.7.1 no"
    desk.start_timers()
    desk.start_delivery(delivery_attempts_max=3)
    await raise_alerts(desk)
    await until(lambda: sink.refused > 0, "a try")
    for _ in range(TURNS_MAX):
        await turn_clock(desk, timedelta(minutes=20))
        await quiet(desk)
        if not (await states(desk))["pending"]:
            break
    assert (await states(desk))["dead"] >= ALERTS
    assert (await states(desk))["pending"] == 0
    await require_sound(desk, sink)


async def test_an_answer_after_the_timeout_means_told_twice_and_the_history_says_why(
    desk: Desk, sink: SmtpSink
) -> None:
    slow = iter([True, True])

    def answer(_recipient: str, _taken: int) -> str:
        if next(slow, False):
            time.sleep(2 * TIMEOUT_S)
        return ACCEPTED

    sink.answer = answer
    desk.start_timers()
    desk.start_delivery(smtp_timeout_s=TIMEOUT_S, delivery_retry_first_s=1.0)
    await raise_alerts(desk, 1)
    async with asyncio.timeout(WAIT_S):
        while (await states(desk))["sent"] < 1:
            await asyncio.sleep(0.1)
    assert sum(handed(sink).values()) >= 2, "the provider took what its client had given up"
    assert len({letter.message_id for letter in sink.letters}) == 1, "the receiver can drop the second"
    assert await history_entries(desk, "may_repeat") >= 1
    await everybody_acts(desk)
    await require_sound(desk, sink)


async def test_a_process_killed_between_sending_and_marking_repeats_and_the_history_says_why(
    desk: Desk, sink: SmtpSink
) -> None:
    await raise_alerts(desk)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.dying_delivery",
        desk.database.worker_url,
        desk.database.api_url,
        str(sink.port),
        str(LEASE_S),
    )
    assert await asyncio.wait_for(process.wait(), 2 * WAIT_S) == -signal.SIGKILL
    sent_before = handed(sink)
    assert sum(sent_before.values()) >= 1
    assert (await states(desk))["sent"] == 0, "no row says so"
    desk.start_timers()
    desk.start_delivery()
    async with asyncio.timeout(WAIT_S):
        while (await states(desk))["sent"] < ALERTS:
            await asyncio.sleep(0.1)
    twice = [delivery_id for delivery_id, times in handed(sink).items() if times == 2]
    assert sorted(twice) == sorted(sent_before)
    assert await history_entries(desk, "may_repeat") == len(twice)
    await everybody_acts(desk)
    await quiet(desk)
    await require_sound(desk, sink)
