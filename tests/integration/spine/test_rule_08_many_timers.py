"""Rule 8 for many timers at once: each is as if it had been armed, cancelled or handed over alone."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from shared.kit import clock
from shared.kit.auth import SYSTEM
from shared.kit.routing import DueTimer, TimerRoute
from shared.kit.timer_worker import TimerWorker
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction, begin
from tests.support.spine import Spine, wait_until

KIND = "test.reminder"
LATER = timedelta(hours=1)


class Policy(BaseModel):
    steps: int


async def arm(spine: Spine, *subjects: UUID, delay: timedelta = LATER, steps: int = 1) -> None:
    async with begin(spine.pool, SYSTEM, "own") as tx:
        armings = [Arming(str(subject), delay, Policy(steps=steps), None) for subject in subjects]
        await tx.arm_timers(KIND, armings)


async def rows(spine: Spine) -> dict[str, tuple[int, datetime, str, str]]:
    found = await spine.pool.fetch(
        "SELECT subject_id, fence, due_at, policy::text AS policy, correlation_id FROM timer"
    )
    return {row["subject_id"]: (row["fence"], row["due_at"], row["policy"], row["correlation_id"]) for row in found}


async def test_many_are_armed_with_delay_policy_and_correlation_of_their_own(
    spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_speedup", 60.0)
    first, second = uuid4(), uuid4()
    async with begin(spine.pool, SYSTEM, "own") as tx:
        await tx.arm_timers(
            KIND,
            [Arming(str(second), LATER, Policy(steps=2), "other"), Arming(str(first), 2 * LATER)],
        )
        now = tx.now
    found = await rows(spine)
    assert found[str(second)][1:] == (now + timedelta(minutes=1), '{"steps": 2}', "other")
    assert found[str(first)][1:] == (now + timedelta(minutes=2), None, "own")


async def test_arming_again_replaces_and_is_a_later_fence(spine: Spine) -> None:
    subject = uuid4()
    await arm(spine, subject)
    before = await rows(spine)
    await spine.pool.execute("UPDATE timer SET tries = 5, last_error = 'no'")
    await arm(spine, subject, steps=9)
    after = await rows(spine)
    assert after[str(subject)][0] > before[str(subject)][0]
    assert after[str(subject)][2] == '{"steps": 9}'
    assert await spine.pool.fetchval("SELECT tries FROM timer") == 0


async def test_many_are_cancelled_and_others_stay(spine: Spine) -> None:
    subjects = [uuid4() for _ in range(4)]
    await arm(spine, *subjects)
    async with begin(spine.pool, SYSTEM, "own") as tx:
        await tx.cancel_timers(KIND, [*subjects[:3], uuid4()])
        assert tx.changed_timers == {(KIND, str(subject)) for subject in subjects[:3]}
    assert set(await rows(spine)) == {str(subjects[3])}


async def test_a_timer_is_handed_over_with_its_time_and_replaces_the_successors(spine: Spine) -> None:
    before, after, alone = uuid4(), uuid4(), uuid4()
    await arm(spine, before, steps=3)
    await arm(spine, after, delay=2 * LATER, steps=4)
    known = await rows(spine)
    async with begin(spine.pool, SYSTEM, "other") as tx:
        await tx.hand_over_timers(KIND, {before: after, alone: uuid4()})
    found = await rows(spine)
    assert set(found) == {str(after)}
    assert found[str(after)][1:] == known[str(before)][1:]
    assert found[str(after)][0] > max(fence for fence, *_ in known.values())


async def test_a_timer_that_fires_while_it_is_handed_over_fires_once_for_the_successor(spine: Spine) -> None:
    before, after = uuid4(), uuid4()
    entered, may_go_on = asyncio.Event(), asyncio.Event()

    async def note(due: DueTimer, tx: Transaction) -> None:
        if due.subject_id == str(before):
            entered.set()
            await may_go_on.wait()
        await tx.connection.execute("INSERT INTO seen (aggregate_id, amount) VALUES ($1, 1)", due.subject_id)

    await arm(spine, before, delay=timedelta())
    worker = TimerWorker(spine.pool, {KIND: TimerRoute(KIND, Policy, note)})
    task = asyncio.create_task(worker.run())
    await entered.wait()
    async with begin(spine.pool, SYSTEM, "other") as tx:
        await tx.hand_over_timers(KIND, {before: after})
    may_go_on.set()

    async def has_fired() -> bool:
        return await spine.pool.fetchval("SELECT count(*) FROM seen") > 0

    await wait_until(has_fired)
    worker.stop()
    await task
    seen = [row["aggregate_id"] for row in await spine.pool.fetch("SELECT aggregate_id FROM seen")]
    assert seen == [str(after)]
    assert await rows(spine) == {}


async def test_two_who_arm_and_cancel_the_same_in_other_orders_do_not_lock_each_other_out(spine: Spine) -> None:
    subjects = [uuid4() for _ in range(50)]
    await arm(spine, *subjects)

    async def cancel() -> None:
        async with begin(spine.pool, SYSTEM, "own") as tx:
            await tx.cancel_timers(KIND, subjects)

    await asyncio.gather(*(arm(spine, *reversed(subjects)) for _ in range(3)), *(cancel() for _ in range(3)))
