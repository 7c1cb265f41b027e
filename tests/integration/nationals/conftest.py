from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from shared.kit.database import open_pool
from tests.integration.nationals.office import Office
from tests.support.environment import ServiceDatabase


@pytest.fixture
async def office(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    nationals = database("nationals")
    api = await open_pool(nationals.api_url, size=10, name="nationals-test-api", acquire_timeout_s=30)
    worker = await open_pool(nationals.worker_url, size=4, name="nationals-test-worker", acquire_timeout_s=30)
    superuser = await asyncpg.connect(nationals.superuser_url)
    yield Office(nationals, api, worker, superuser)
    await superuser.close()
    api.terminate()
    worker.terminate()
