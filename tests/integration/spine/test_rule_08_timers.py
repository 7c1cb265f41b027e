"""Rule 8: every timer is a row with a due time, a fence and a copied policy."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from shared.kit import clock, metrics, timer_worker, timers
from shared.kit.auth import SYSTEM
from shared.kit.routing import DueTimer, TimerRoute
from shared.kit.timer_worker import TimerWorker
from shared.kit.transaction import Transaction, begin
from tests.support import planted_bugs
from tests.support.planted_bugs import PlantedBug
from tests.support.spine import Spine, wait_until

KIND = "test.reminder"
SOON = timedelta(milliseconds=20)
LATER = timedelta(hours=1)
NEVER_DEADLINE_S = 2.0


class Policy(BaseModel):
    """A policy that a timer copies."""

    steps: int


async def note_fired(due: DueTimer, tx: Transaction) -> None:
    """The effect: one row per firing."""
    await tx.connection.execute("INSERT INTO seen (aggregate_id, amount) VALUES ($1, $2)", due.subject_id, due.fence)


def routes(call: Any = note_fired) -> Mapping[str, TimerRoute]:
    return {KIND: TimerRoute(KIND, Policy, call)}


async def arm(spine: Spine, subject: str, delay: timedelta = SOON, kind: str = KIND, steps: int = 1) -> int:
    async with begin(spine.pool, SYSTEM, "test") as tx:
        return await tx.arm_timer(kind, subject, delay, Policy(steps=steps))


async def cancel(spine: Spine, subject: str) -> bool:
    async with begin(spine.pool, SYSTEM, "test") as tx:
        return await tx.cancel_timer(KIND, subject)


async def fired(spine: Spine, subject: str) -> list[int]:
    """Fences of the firings of `subject`."""
    rows = await spine.pool.fetch("SELECT amount FROM seen WHERE aggregate_id = $1 ORDER BY place", subject)
    return [row["amount"] for row in rows]


async def has_fired(spine: Spine, subject: str, times: int = 1) -> bool:
    return len(await fired(spine, subject)) >= times


async def armed(spine: Spine) -> int:
    return await spine.pool.fetchval("SELECT count(*) FROM timer")


@asynccontextmanager
async def working(spine: Spine, by_kind: Mapping[str, TimerRoute], workers: int = 1) -> AsyncGenerator[None]:
    """Workers that run while the block does."""
    started = [TimerWorker(spine.pool, by_kind) for _ in range(workers)]
    tasks = [asyncio.create_task(worker.run()) for worker in started]
    try:
        yield
    finally:
        for worker in started:
            worker.stop()
        await asyncio.gather(*tasks)


async def a_timer_outlives_its_process(spine: Spine) -> None:
    """It is armed by a process that ends before it is due; another one fires it."""
    async with working(spine, routes()):
        await arm(spine, "a")
    async with working(spine, routes()):
        await wait_until(lambda: has_fired(spine, "a"), NEVER_DEADLINE_S)
    assert len(await fired(spine, "a")) == 1
    assert await armed(spine) == 0


async def an_old_firing_cannot_end_a_newer_timer(spine: Spine) -> None:
    """While the handler runs, a command arms the timer anew: the old firing has no effect, the new timer stays."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(due: DueTimer, tx: Transaction) -> None:
        entered.set()
        await go_on.wait()
        await note_fired(due, tx)

    await arm(spine, "a")
    async with working(spine, routes(slow)):
        await asyncio.wait_for(entered.wait(), 10)
        await arm(spine, "a", LATER)
        go_on.set()
    assert await fired(spine, "a") == []
    assert await armed(spine) == 1


async def a_failed_effect_comes_again(spine: Spine) -> None:
    failures = [RuntimeError("the first time")]

    async def fail_once(due: DueTimer, tx: Transaction) -> None:
        await note_fired(due, tx)
        if failures:
            raise failures.pop()

    await arm(spine, "a")
    async with working(spine, routes(fail_once)):
        await wait_until(lambda: has_fired(spine, "a"), NEVER_DEADLINE_S)
    assert len(await fired(spine, "a")) == 1


SCENARIOS = [a_timer_outlives_its_process, an_old_firing_cannot_end_a_newer_timer, a_failed_effect_comes_again]


@pytest.fixture(autouse=True)
def _short_backoff_of_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "RETRY_DELAY_S_MIN", 0.02)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_timers(quiet_spine: Spine, scenario: Any) -> None:
    await scenario(quiet_spine)


@pytest.mark.parametrize(
    ("bug", "scenario"),
    [
        (planted_bugs.timer_in_memory, a_timer_outlives_its_process),
        (planted_bugs.timer_without_fence, an_old_firing_cannot_end_a_newer_timer),
        (planted_bugs.timer_deleted_before_its_effect, a_failed_effect_comes_again),
    ],
)
async def test_planted_bug_is_caught(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch, bug: PlantedBug, scenario: Any
) -> None:
    bug(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await scenario(quiet_spine)


async def test_two_workers_fire_each_timer_once(quiet_spine: Spine) -> None:
    subjects = [str(uuid4()) for _ in range(30)]
    for subject in subjects:
        await arm(quiet_spine, subject)
    async with working(quiet_spine, routes(), workers=2):
        await wait_until(lambda: _none_armed(quiet_spine))
    for subject in subjects:
        assert len(await fired(quiet_spine, subject)) == 1


async def _none_armed(spine: Spine) -> bool:
    return await armed(spine) == 0


@pytest.mark.parametrize("round_number", range(3))
async def test_a_cancel_that_says_yes_means_no_effect(quiet_spine: Spine, round_number: int) -> None:
    """Cancelling races with firing; exactly one of them wins, and the answer says which."""
    subjects = [f"{round_number}-{number}" for number in range(15)]
    for subject in subjects:
        await arm(quiet_spine, subject, timedelta(0))
    async with working(quiet_spine, routes(), workers=2):
        cancelled = {subject: await cancel(quiet_spine, subject) for subject in reversed(subjects)}
        await wait_until(lambda: _none_armed(quiet_spine))
    for subject in subjects:
        assert len(await fired(quiet_spine, subject)) == (0 if cancelled[subject] else 1)


async def test_a_cancel_during_the_handler_wins(quiet_spine: Spine) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(due: DueTimer, tx: Transaction) -> None:
        await note_fired(due, tx)
        entered.set()
        await go_on.wait()

    await arm(quiet_spine, "a")
    async with working(quiet_spine, routes(slow)):
        await asyncio.wait_for(entered.wait(), 10)
        assert await cancel(quiet_spine, "a")
        go_on.set()
    assert await fired(quiet_spine, "a") == []


async def test_a_handler_may_arm_its_timer_again(quiet_spine: Spine) -> None:
    async def again(due: DueTimer, tx: Transaction) -> None:
        await note_fired(due, tx)
        if not await has_fired_in(tx, due.subject_id, 3):
            await tx.arm_timer(KIND, due.subject_id, SOON)

    await arm(quiet_spine, "a")
    async with working(quiet_spine, routes(again)):
        await wait_until(lambda: _none_armed(quiet_spine))
    fences = await fired(quiet_spine, "a")
    assert len(fences) == 3
    assert fences == sorted(set(fences))


async def has_fired_in(tx: Transaction, subject: str, times: int) -> bool:
    count: int = await tx.connection.fetchval("SELECT count(*) FROM seen WHERE aggregate_id = $1", subject)
    return count >= times


async def test_a_handler_may_cancel_its_own_timer(quiet_spine: Spine) -> None:
    async def close(due: DueTimer, tx: Transaction) -> None:
        await note_fired(due, tx)
        await tx.cancel_timer(KIND, due.subject_id)

    await arm(quiet_spine, "a")
    async with working(quiet_spine, routes(close)):
        await wait_until(lambda: _none_armed(quiet_spine), NEVER_DEADLINE_S)
    assert len(await fired(quiet_spine, "a")) == 1


async def test_a_timer_keeps_the_policy_it_was_armed_with(quiet_spine: Spine) -> None:
    policies: list[Any] = []

    async def keep(due: DueTimer, tx: Transaction) -> None:
        del tx
        policies.append(due.policy)

    await arm(quiet_spine, "a", steps=3)
    async with working(quiet_spine, routes(keep)):
        await wait_until(lambda: _none_armed(quiet_spine))
    assert policies == [Policy(steps=3)]


async def test_what_fails_backs_off_others_go_on_and_the_sweeper_says_so(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timer_worker, "LATE_AFTER", timedelta(0))
    monkeypatch.setattr(timer_worker, "SWEEP_INTERVAL_S", 0.05)

    async def fail_for_a(due: DueTimer, tx: Transaction) -> None:
        if due.subject_id == "a":
            raise RuntimeError("always")
        await note_fired(due, tx)

    await arm(quiet_spine, "a")
    await arm(quiet_spine, "b", timedelta(milliseconds=40))
    await arm(quiet_spine, "c", kind="test.of_a_later_version")
    sweeper = TimerWorker(quiet_spine.pool, {})
    with capture_logs() as logs:
        sweeping = asyncio.create_task(sweeper.sweep())
        async with working(quiet_spine, routes(fail_for_a)):
            await wait_until(lambda: _has_tried(quiet_spine, 3))
            await wait_until(lambda: has_fired(quiet_spine, "b"))
            await wait_until(lambda: _is_reported(logs))
        sweeper.stop()
        await sweeping
    assert metrics.TIMERS_LATE._value.get() == 2
    rows = await quiet_spine.pool.fetch("SELECT subject_id, last_error, next_try_at > due_at AS later FROM timer")
    assert {row["subject_id"] for row in rows} == {"a", "c"}
    assert all(row["later"] for row in rows)
    errors = {row["subject_id"]: row["last_error"] for row in rows}
    assert "always" in errors["a"]
    assert "no handler for timer" in errors["c"]


async def _has_tried(spine: Spine, times: int) -> bool:
    return await spine.pool.fetchval("SELECT min(tries) FROM timer WHERE subject_id <> 'b'") >= times


async def _is_reported(logs: list[Any]) -> bool:
    return any(line["event"] == "timers_late" and line["count"] == 2 and line["error"] for line in logs)


async def test_the_compressed_clock_shortens_only_the_wait(quiet_spine: Spine) -> None:
    clock.set_clock_speedup(100_000)
    try:
        await arm(quiet_spine, "a", timedelta(hours=1))
    finally:
        clock.set_clock_speedup(1)
    async with working(quiet_spine, routes()):
        await wait_until(lambda: has_fired(quiet_spine, "a"))


async def test_a_timer_armed_in_a_transaction_that_rolls_back_never_was(quiet_spine: Spine) -> None:
    with pytest.raises(RuntimeError):
        async with begin(quiet_spine.pool, SYSTEM, "test") as tx:
            await tx.arm_timer(KIND, "a", SOON)
            raise RuntimeError
    assert await armed(quiet_spine) == 0
