"""/health says that the process lives; /ready whether it can work, and what is missing."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.kit.health import CheckResult, Readiness
from shared.kit.http import create_api
from tests.support.identity import client_of


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
async def client(readiness: Readiness) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_api(service="tea", routers=[], readiness=readiness, asyncapi=dict)) as client:
        yield client


async def test_alive_is_independent_of_ready(client: httpx.AsyncClient, readiness: Readiness) -> None:
    async def good() -> CheckResult:
        return CheckResult(True)

    async def bad() -> CheckResult:
        return CheckResult(False, "4 events parked in a row")

    async def raises() -> CheckResult:
        raise ConnectionRefusedError("secret-address")

    readiness.register("database", good)
    assert (await client.get("/ready")).json()["status"] == "ready"
    readiness.register("consumer", bad)
    readiness.register("broker", raises)
    answer = await client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["failed"] == ["broker", "consumer"]
    assert answer.json()["checks"]["consumer"]["detail"] == "4 events parked in a row"
    assert "secret-address" not in answer.text
    assert (await client.get("/health")).json() == {"status": "alive"}


async def test_a_check_that_hangs_is_a_no(
    client: httpx.AsyncClient, readiness: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs() -> CheckResult:
        await asyncio.sleep(60)
        return CheckResult(True)

    monkeypatch.setattr("shared.kit.health.CHECK_TIMEOUT_S", 0.01)
    readiness.register("broker", hangs)
    assert (await client.get("/ready")).json()["failed"] == ["broker"]
