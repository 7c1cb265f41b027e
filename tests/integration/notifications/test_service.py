"""The whole service in one process, as it runs: an event on the broker becomes an alert, a letter, an escalation, counters."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.app import service
from shared.kit.clock import set_clock_speedup
from shared.kit.telemetry import create_provider, current_traceparent, span, use_provider
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


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Every span of this process, as an OpenTelemetry collector would get it."""
    exporter = InMemorySpanExporter()
    provider = create_provider(service="notifications", instance="test", sample_ratio=1.0)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use_provider(provider)
    yield exporter
    use_provider(None)


@pytest.mark.usefixtures("running")
async def test_one_trace_goes_from_the_event_to_the_letter(
    desk: Desk, sink: SmtpSink, spans: InMemorySpanExporter
) -> None:
    with span("http"):
        traceparent = current_traceparent()
        async with desk.begin() as tx:
            await tx.publish(overdue())
    assert traceparent is not None
    assert await asyncio.to_thread(sink.wait_for, 1, WAIT_S)
    wanted = {"http", "handle warehouse.CorrectiveActionOverdue.v1", "send message"}
    async with asyncio.timeout(WAIT_S):
        while not wanted <= {one.name for one in spans.get_finished_spans()}:
            await asyncio.sleep(0.02)
    contexts = [one.get_span_context() for one in spans.get_finished_spans() if one.name in wanted]
    traces = {format(context.trace_id, "032x") for context in contexts if context is not None}
    assert traces == {traceparent.split("-")[1]}


@pytest.mark.usefixtures("running")
async def test_from_the_broker_to_the_person_and_to_the_counters(desk: Desk, sink: SmtpSink) -> None:
    await desk.set_policy(wait_s=3600)
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
