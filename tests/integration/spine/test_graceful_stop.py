"""A stop in the middle of a batch finishes it or rolls it back, and then the process leaves."""

import asyncio
from uuid import uuid4

import pytest

from shared.kit import consumer as consumer_module
from tests.integration.spine.test_rule_06_revocation import Gate
from tests.support.spine import Spine
from tests.support.spine_records import Log, Offsets


@pytest.mark.parametrize("finishes", [True, False])
async def test_the_batch_under_way_is_finished_or_rolled_back(
    quiet_spine: Spine, monkeypatch: pytest.MonkeyPatch, finishes: bool
) -> None:
    monkeypatch.setattr(consumer_module, "DRAIN_TIMEOUT_S", 10 if finishes else 0.1)
    gate, offsets, log, thing = Gate(), Offsets(), Log(quiet_spine.topic), uuid4()
    consumer = quiet_spine.consumer(gate.reactions(quiet_spine))
    first, second = (log.append(quiet_spine.event_type(thing_id=thing, amount=n), n) for n in (1, 2))
    await consumer.receive([first], offsets)
    await asyncio.wait_for(gate.entered.wait(), 10)
    waiting = asyncio.create_task(consumer.receive([second], offsets))
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.sleep(0)
    if finishes:
        gate.released.set()
    await asyncio.gather(stopping, waiting)
    assert await quiet_spine.seen(thing) == ([1] if finishes else [])
    assert list(offsets.committed.values()) == ([1] if finishes else [])
    await consumer.receive([first, second], offsets)
    assert await quiet_spine.seen(thing) == ([1] if finishes else []), "a stopped consumer takes nothing"
