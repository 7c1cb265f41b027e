"""Rule 7: lag that grows without progress ends the process; and how a service process stops when it is asked to."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

from deploy.embedded.directories import free_port
from shared.kit.service import EXIT_STALLED
from tests.support.environment import on_apache
from tests.support.spine import Spine, wait_until

EXIT_DEADLINE_S = 30.0


@asynccontextmanager
async def service_process(
    spine: Spine, *, hangs: bool, stalled_after_s: float
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A service of its own process on the test's database and topic."""
    environment = os.environ | {
        "PAYESH_API_DATABASE_URL": spine.database.api_url,
        "PAYESH_WORKER_DATABASE_URL": spine.database.worker_url,
        "PAYESH_KAFKA_BOOTSTRAP_SERVERS": spine.bootstrap_servers,
        "PAYESH_KAFKA_PAUSES_WHEN_IDLE": str(not on_apache()),
        "PAYESH_HTTP_PORT": str(free_port()),
        "PAYESH_JWKS_URL": "http://127.0.0.1:1/keys",
        "PAYESH_JWT_ISSUER": "http://127.0.0.1:1",
        "TEST_TOPIC": spine.topic,
        "TEST_HANGS": str(int(hangs)),
        "TEST_STALLED_AFTER_S": str(stalled_after_s),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.spine_service", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_service_that_makes_no_progress_ends_itself(spine: Spine) -> None:
    await spine.publish()
    async with service_process(spine, hangs=True, stalled_after_s=0.5) as process:
        code = await asyncio.wait_for(process.wait(), EXIT_DEADLINE_S)
    assert code == EXIT_STALLED
    assert await spine.tally() == 0


async def test_a_service_that_works_stays_and_leaves_when_asked(spine: Spine) -> None:
    thing = uuid4()
    async with service_process(spine, hangs=False, stalled_after_s=0.5) as process:
        for amount in (1, 2):
            await spine.publish(thing, amount)
            await wait_until(lambda amount=amount: _has_seen(spine, thing, amount), EXIT_DEADLINE_S)
        names = await spine.pool.fetch("SELECT DISTINCT application_name AS name FROM pg_stat_activity")
        parts = {f"payesh-{spine.topic}-{part}" for part in ("api", "worker", "relay-0")}
        assert parts <= {row["name"] for row in names}
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), EXIT_DEADLINE_S)
    assert code in {0, -signal.SIGTERM}
    assert await spine.seen(thing) == [1, 2]


async def _has_seen(spine: Spine, thing: object, amount: int) -> bool:
    return amount in await spine.seen(thing)  # pyright: ignore[reportArgumentType]
