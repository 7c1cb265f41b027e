"""The whole service in one process, as it runs: an event on the broker becomes an alert, a letter, an escalation, counters."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.app import service
from shared.kit.clock import set_clock_speedup
from tests.support.notifications import WAIT_S, Desk, overdue, resolved

SPEEDUP = 28_800.0
"""The eight hours of the standard policy's first step last one second."""


@pytest.fixture
async def running(desk: Desk, kafka_with_topics: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    settings = desk.settings()
    for name in ("api_database_url", "worker_database_url", "smtp_host", "smtp_port", "jwks_url", "jwt_issuer"):
        monkeypatch.setenv(f"PAYESH_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("PAYESH_KAFKA_BOOTSTRAP_SERVERS", kafka_with_topics)
    set_clock_speedup(SPEEDUP)
    async with service.api.router.lifespan_context(service.api):
        yield
    set_clock_speedup(1.0)


@pytest.mark.usefixtures("running")
async def test_from_the_broker_to_the_person_and_to_the_counters(desk: Desk, sink: SmtpSink) -> None:
    ignored, mended = uuid4(), uuid4()
    async with desk.begin() as tx:
        await tx.publish_many([overdue(ignored), overdue(mended)])
    await desk.until(lambda alerts: len(alerts) == 2)
    async with desk.begin() as tx:
        await tx.publish(resolved(mended))
    await desk.until(lambda alerts: [a for a in alerts if a["step"] == 2])
    assert await asyncio.to_thread(sink.wait_for, 3, WAIT_S)

    expected = {"raised": 2, "open": 1, "acknowledged": 0, "escalated": 2, "resolved": 1, "undelivered": 0}
    counted: dict[str, int] = {}
    async with asyncio.timeout(WAIT_S), desk.client("operator") as client:
        while counted != expected or (await client.get("/counters")).json()["rey"]["pending"]:
            counters = (await client.get("/counters")).json()["rey"]
            counted = {name: counters[name] for name in expected}
            await asyncio.sleep(0.05)

    told = {
        d["delivery_id"]
        for a in await desk.alerts()
        for d in a["deliveries"]
        if (d["channel"], d["state"]) == ("email", "sent")
    }
    assert {letter.delivery_id for letter in sink.letters} == told
    assert len(sink.letters) == len(told)
