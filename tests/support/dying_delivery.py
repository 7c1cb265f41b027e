"""A delivery worker in a process of its own that is killed, with SIGKILL, after the provider took a batch of letters and
before its rows say so: `python -m … WORKER_URL API_URL SMTP_PORT LEASE_S`."""

import asyncio
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


async def main(worker_url: str, api_url: str, smtp_port: int, lease_s: float) -> None:
    settings = Settings(
        api_database_url=api_url,
        worker_database_url=worker_url,
        jwks_url="http://issuer.test/keys",
        jwt_issuer="http://issuer.test",
        smtp_port=smtp_port,
        smtp_from="payesh@payesh.example",
        smtp_timeout_s=lease_s / 2,
        delivery_lease_s=lease_s,
    )
    pool = await open_pool(worker_url, size=4, name="dying-delivery")
    with patch.object(ChannelWorker, "_mark", die):
        await DeliveryWorker(WorkerContext(pool, settings, asyncio.Event())).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
