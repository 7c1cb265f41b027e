"""Topic administration that only tests need."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient

GONE_DEADLINE_S = 30.0
POLL_INTERVAL_S = 0.1


async def delete_topics(bootstrap_servers: str, names: Sequence[str]) -> None:
    """Delete those topics that exist and wait until they are gone; raises TimeoutError when they stay."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        present = sorted(set(names) & set(await admin.list_topics()))
        if present:
            await admin.delete_topics(present)
        async with asyncio.timeout(GONE_DEADLINE_S):
            while set(names) & set(await admin.list_topics()):
                await asyncio.sleep(POLL_INTERVAL_S)
    finally:
        await admin.close()
