"""One notifications service on real PostgreSQL and a real SMTP sink, its parts started where a test needs them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from deploy.embedded.smtp_sink import SmtpSink
from shared.kit.database import open_pool
from tests.support.environment import ServiceDatabase
from tests.support.notifications import Desk


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[SmtpSink]:
    """A provider that takes everything until the test says otherwise."""
    async with SmtpSink("127.0.0.1", 0, tmp_path / "mail") as started:
        yield started


@pytest.fixture
async def desk(database: Callable[[str], ServiceDatabase], sink: SmtpSink) -> AsyncIterator[Desk]:
    """The service with a fresh database; its working group of rey has three members."""
    one = database("notifications")
    async with AsyncExitStack() as stack:
        api_pool = await open_pool(one.api_url, size=4, name="notifications-test-api")
        stack.callback(api_pool.terminate)
        pool = await open_pool(one.worker_url, size=8, name="notifications-test-worker")
        stack.callback(pool.terminate)
        desk = Desk(one, api_pool, pool, sink, asyncio.Event())
        stack.push_async_callback(desk.stop)
        await desk.set_group("rey")
        yield desk
