"""Rule 1: a command's rows and its outbox rows commit together."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.base import EVENT_BYTES_MAX
from shared.kit.auth import SYSTEM
from shared.kit.connections import Pool
from shared.kit.database import open_pool
from shared.kit.outbox import EventTooLargeError
from shared.kit.transaction import begin
from tests.support import planted_bugs
from tests.support.planted_bugs import PlantedBug
from tests.support.spine import Counted, Spine
from tests.support.spine_proxy import CommitProxy, Fault


class HandlerError(Exception):
    """Raised by the handler after it has published."""


async def record_thing(spine: Spine, pool: Pool, *, fail: bool = False) -> UUID:
    """A command: one row and one event that speaks of it."""
    thing_id = uuid4()
    async with begin(pool, SYSTEM, "test") as tx:
        await tx.connection.execute("INSERT INTO thing (thing_id) VALUES ($1)", thing_id)
        await tx.publish(spine.event_type(thing_id=thing_id))
        if fail:
            raise HandlerError
    return thing_id


async def assert_rows_and_events_agree(spine: Spine) -> set[UUID]:
    things = await spine.pool.fetch("SELECT thing_id::text AS id, xmin::text AS tx FROM thing")
    events = await spine.pool.fetch("SELECT aggregate_id AS id, xmin::text AS tx FROM outbox")
    assert {(row["id"], row["tx"]) for row in things} == {(row["id"], row["tx"]) for row in events}
    return {UUID(row["id"]) for row in things}


async def rows_and_events_commit_together(spine: Spine) -> None:
    kept = await record_thing(spine, spine.pool)
    with pytest.raises(HandlerError):
        await record_thing(spine, spine.pool, fail=True)
    assert await assert_rows_and_events_agree(spine) == {kept}


async def a_lost_commit_keeps_both_or_neither(spine: Spine, fault: Fault) -> int:
    """Returns how many commands took effect."""
    async with CommitProxy(spine.database.worker_url).run() as proxy:
        pool = await open_pool(proxy.url, size=2, name="behind-proxy")
        proxy.fault = fault
        with pytest.raises(Exception, match=r"clos|connection"):
            await record_thing(spine, pool)
        assert proxy.faults_done == 1
        pool.terminate()
    return len(await assert_rows_and_events_agree(spine))


async def test_rows_and_events_commit_together(quiet_spine: Spine) -> None:
    await rows_and_events_commit_together(quiet_spine)


@pytest.mark.parametrize(("fault", "effects"), [("request_lost", 0), ("answer_lost", 1)])
async def test_a_lost_commit_keeps_both_or_neither(quiet_spine: Spine, fault: Fault, effects: int) -> None:
    assert await a_lost_commit_keeps_both_or_neither(quiet_spine, fault) == effects


@pytest.mark.parametrize(
    "bug", [planted_bugs.publish_at_once_on_another_connection, planted_bugs.flush_on_another_connection]
)
async def test_planted_bug_is_caught(quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch, bug: PlantedBug) -> None:
    bug(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await rows_and_events_commit_together(quiet_spine)


async def test_planted_bug_is_caught_when_the_commit_is_lost(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_bugs.flush_on_another_connection(monkeypatch, quiet_spine)
    with pytest.raises(AssertionError):
        await a_lost_commit_keeps_both_or_neither(quiet_spine, "request_lost")


async def test_sequences_have_no_gaps_whatever_rolls_back(quiet_spine: Spine) -> None:
    thing_id = uuid4()
    for attempt in range(6):
        try:
            async with begin(quiet_spine.pool, SYSTEM, "test") as tx:
                await tx.publish_many([quiet_spine.event_type(thing_id=thing_id) for _ in range(2)])
                if attempt % 2:
                    raise HandlerError
        except HandlerError:
            continue
    rows = await quiet_spine.pool.fetch("SELECT sequence FROM outbox ORDER BY position")
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]


async def test_an_event_too_large_to_send_rolls_the_command_back(quiet_spine: Spine) -> None:
    class Bulky(Counted):
        stream = quiet_spine.event_type.stream
        bulk: str = "x" * EVENT_BYTES_MAX

    with pytest.raises(EventTooLargeError):
        async with begin(quiet_spine.pool, SYSTEM, "test") as tx:
            await tx.connection.execute("INSERT INTO thing (thing_id) VALUES ($1)", uuid4())
            event: Any = Bulky(thing_id=uuid4())
            await tx.publish(event)
    assert await assert_rows_and_events_agree(quiet_spine) == set()
