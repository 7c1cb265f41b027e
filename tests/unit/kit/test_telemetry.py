"""Trace context travels with and without a collector; without one nothing heavy is imported."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.kit import telemetry
from shared.kit.telemetry import create_provider, current_traceparent, parse_traceparent, span

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        CALLER.upper(),
        CALLER[:-1],
        CALLER + "-extra",
        "ff" + CALLER[2:],
        CALLER.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        CALLER.replace("00f067aa0ba902b7", "0" * 16),
        CALLER + "\n",
        "0" * 10_000,
    ],
)
def test_what_is_no_traceparent_is_ignored(text: str | None) -> None:
    assert parse_traceparent(text) is None
    with span("work", text):
        assert current_traceparent() is None


def test_a_later_version_of_the_standard_is_read_as_far_as_known() -> None:
    assert str(parse_traceparent("01" + CALLER[2:] + "-more")) == CALLER


def test_without_a_collector_the_callers_context_travels_on() -> None:
    with span("outer", CALLER):
        assert current_traceparent() == CALLER
        with span("inner", topic="warehouse-sites"):
            assert current_traceparent() == CALLER
    assert current_traceparent() is None


def test_with_a_collector_spans_hang_together() -> None:
    exporter = InMemorySpanExporter()
    provider = create_provider(service="warehouse", instance="1", sample_ratio=1.0)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.use_provider(provider)
    try:
        with span("outer", CALLER) as outer:
            outer.set(count=3)
            handed_on = current_traceparent()
        with pytest.raises(ValueError, match="poison"), span("reaction", handed_on, topic="x"):
            raise ValueError("poison")
    finally:
        telemetry.use_provider(None)
    made = {one.name: one for one in exporter.get_finished_spans()}
    outer_span, reaction_span = made["outer"], made["reaction"]
    assert outer_span.parent is not None
    assert reaction_span.parent is not None
    assert outer_span.context is not None
    assert f"{outer_span.parent.trace_id:032x}" in CALLER
    assert reaction_span.parent.span_id == outer_span.context.span_id
    assert dict(outer_span.attributes or {}) == {"count": 3}
    assert not reaction_span.status.is_ok


def test_a_caller_that_does_not_sample_is_obeyed() -> None:
    telemetry.use_provider(create_provider(service="warehouse", instance="1", sample_ratio=1.0))
    try:
        with span("work", CALLER[:-2] + "00"):
            handed_on = parse_traceparent(current_traceparent())
    finally:
        telemetry.use_provider(None)
    assert handed_on is not None
    assert handed_on.flags & 1 == 0


def test_no_sdk_is_imported_without_a_collector() -> None:
    code = (
        "import sys; from shared.kit import telemetry as t;"
        "t.configure_telemetry(service='s', instance='1', otlp_endpoint=None);"
        "t.span('x').__enter__(); t.shutdown_telemetry();"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
