"""Joining the group again after a deployment."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from shared.kit.auth import SYSTEM
from shared.kit.routing import Reaction
from shared.kit.transaction import begin
from tests.integration.spine.test_rule_04_acknowledgement import publish_all
from tests.support.spine import Spine, counted_on, note_seen, wait_until


@pytest.mark.apache_only  # the embedded broker evicts nobody: there an upgrade begins with empty topics
async def test_a_new_version_that_reads_another_topic_gets_its_partitions(
    spine: Spine, make_topic: Callable[..., str]
) -> None:
    """Same group and instance, one topic more: a returning static member must not be left with its old assignment."""
    before = spine.subscription(spine.consumer())
    await before.start()

    async def joined() -> bool:
        return before.has_assignment

    await wait_until(joined)
    await before.stop()
    added, thing = counted_on(make_topic(partitions=3)), uuid4()
    after = spine.subscription(spine.consumer([*spine.reactions(), Reaction((added,), note_seen)]))
    await after.start()
    try:
        async with begin(spine.pool, SYSTEM, "test") as tx:
            await tx.publish(added(thing_id=thing, amount=3))
        await publish_all(spine)

        async def arrived() -> bool:
            return await spine.seen(thing) == [3]

        await wait_until(arrived)
    finally:
        await after.stop()
