"""A whole service process on the spine, to be killed, stopped and watched: `python -m tests.support.spine_service`.

It is named after its topic, so that no two tests share a consumer group.
One event type, one reaction that hangs when told so. Configured like every service (PAYESH_…), and by
TEST_TOPIC, TEST_STALLED_AFTER_S and TEST_HANGS.
"""

import asyncio
import os
from types import ModuleType

from shared.kit import service
from shared.kit.routing import Received, reaction
from shared.kit.settings import ServiceSettings
from shared.kit.transaction import Transaction
from tests.support.spine import Counted, counted_on, fold_tally, note_seen


def build(topic: str, *, hangs: bool) -> service.Service[ServiceSettings]:
    event_type = counted_on(topic)

    @reaction(event_type)
    async def count(received: Received[Counted], tx: Transaction) -> None:
        await note_seen(received, tx)
        await fold_tally([received], tx)
        if hangs:
            await asyncio.Event().wait()

    handlers = ModuleType("handlers")
    handlers.__dict__["count"] = count
    return service.Service(
        name=topic,
        settings=ServiceSettings,
        parts=[service.Part([], handlers, ModuleType("timers"), ModuleType("contracts"))],
    )


def main() -> None:
    service.STALLED_AFTER_S = float(os.environ["TEST_STALLED_AFTER_S"])
    service.OBSERVE_INTERVAL_S = 0.1
    build(os.environ["TEST_TOPIC"], hangs=os.environ["TEST_HANGS"] == "1").main()


if __name__ == "__main__":
    main()
