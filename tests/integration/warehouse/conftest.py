from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from services.warehouse.app import service
from services.warehouse.photo_store import PhotoStore, configured_store
from shared.kit.database import open_pool
from shared.kit.http import connect
from tests.integration.warehouse.province import Province
from tests.support.environment import ServiceDatabase
from tests.support.identity import client_of, create_test_verifier


@pytest.fixture
async def province(database: Callable[[str], ServiceDatabase], tmp_path: Path) -> AsyncIterator[Province]:
    """The service's HTTP on a fresh database, with both of its roles."""
    warehouse = database("warehouse")
    api = await open_pool(warehouse.api_url, size=4, name="warehouse-test-api", acquire_timeout_s=30)
    worker = await open_pool(warehouse.worker_url, size=2, name="warehouse-test-worker", acquire_timeout_s=30)
    superuser = await asyncpg.connect(warehouse.superuser_url)
    connect(service.api, pool=api, verifier=create_test_verifier())
    service.api.dependency_overrides[configured_store] = lambda: PhotoStore((tmp_path / "photos").as_uri())
    async with client_of(service.api) as client:
        yield Province(warehouse, api, worker, superuser, client)
    await superuser.close()
    api.terminate()
    worker.terminate()
