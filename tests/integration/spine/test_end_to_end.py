"""The spine whole: outbox to topic to effect."""

import asyncio
from uuid import uuid4

from tests.support.spine import Spine


async def test_what_is_published_takes_effect_once_and_in_order(spine: Spine) -> None:
    relay = spine.relay()
    relaying = asyncio.create_task(relay.run())
    subscription = spine.subscription(spine.consumer())
    await subscription.start()
    things = [uuid4() for _ in range(5)]
    for amount in range(1, 21):
        for thing in things:
            await spine.publish(thing, amount)
    async with asyncio.timeout(20):
        while await spine.tally() < 5 * 210:
            await asyncio.sleep(0.05)
    await subscription.stop()
    relay.stop()
    await relaying
    assert await spine.tally() == 5 * 210
    for thing in things:
        assert await spine.seen(thing) == list(range(1, 21))
