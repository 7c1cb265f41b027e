"""A delivery worker in a process of its own that is killed, with SIGKILL, after the provider took a batch of letters and
before its rows say so: `python -m … SETTINGS`, the service's settings as JSON."""

import asyncio
import json
import os
import signal
import sys
from typing import Any
from unittest.mock import patch

from services.notifications.settings import Settings
from services.notifications.workers.channel_worker import ChannelWorker
from services.notifications.workers.delivery import DeliveryWorker
from shared.kit.database import open_pool
from shared.kit.service import WorkerContext


async def die(*_: Any, **__: Any) -> None:
    """Where a kill hurts most."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(settings: Settings) -> None:
    pool = await open_pool(settings.worker_database_url, size=4, name="dying-delivery")
    with patch.object(ChannelWorker, "_mark", die):
        await DeliveryWorker(WorkerContext(pool, settings, asyncio.Event())).run()


if __name__ == "__main__":
    asyncio.run(main(Settings(**json.loads(sys.argv[1]))))
