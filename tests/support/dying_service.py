"""The whole notifications service, as the environment configures it, in a process of its own that is killed, with SIGKILL,
after a provider took letters and before their rows say so: `python -m … ALERTS`, once so many alerts were raised."""

import asyncio
import sys
from typing import Any, Final
from unittest.mock import patch

from services.notifications.app import service
from services.notifications.workers.channel_worker import ChannelWorker
from shared.kit.connections import Pool
from tests.support.dying_delivery import die

POLL_S: Final = 0.05


async def main(alerts: int) -> None:
    async def die_late(worker: Any, *_: Any) -> None:
        pool: Pool = worker._context.pool
        while await pool.fetchval("SELECT count(*) FROM alert") < alerts:
            await asyncio.sleep(POLL_S)
        await die()

    with patch.object(ChannelWorker, "_mark", die_late):
        async with service.api.router.lifespan_context(service.api):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
