"""W3C trace context across HTTP, outbox, Kafka and mail, and spans where a collector is configured.

Without a collector no span is made and no SDK is imported, but a caller's traceparent still travels all the way.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

AttributeValue = str | bool | int | float

EXPORT_TIMEOUT_S: Final = 5
EXPORT_QUEUE_SPANS_MAX: Final = 2_048
FLUSH_TIMEOUT_MS: Final = 3_000
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

_current: ContextVar[str | None] = ContextVar("payesh_traceparent", default=None)
_tracer: "Tracer | None" = None
_provider: "TracerProvider | None" = None


@dataclass(frozen=True, slots=True)
class Traceparent:
    """A parsed ``traceparent`` header (W3C Trace Context, level 1)."""

    trace_id: int
    parent_id: int
    flags: int

    def __str__(self) -> str:
        return f"00-{self.trace_id:032x}-{self.parent_id:016x}-{self.flags:02x}"


def parse_traceparent(text: str | None) -> Traceparent | None:
    """The parsed header, or None when it is absent or invalid (an invalid one is ignored, as the standard says)."""
    match = _TRACEPARENT.fullmatch(text) if text is not None and len(text) <= 256 else None
    if match is None or (match[1] == "00" and match[5]):
        return None
    trace_id, parent_id = int(match[2], 16), int(match[3], 16)
    return Traceparent(trace_id, parent_id, int(match[4], 16)) if trace_id and parent_id else None


def read_traceparent(header: bytes | None) -> str | None:
    """A header as bytes, in its canonical form; None when it is absent or invalid."""
    parsed = parse_traceparent(header.decode(errors="replace")) if header else None
    return str(parsed) if parsed else None


def current_traceparent() -> str | None:
    """What to hand on with an event, a call or a mail made now; None outside any trace."""
    return _current.get()


class span:  # noqa: N801 - used as a function: with span("name"): ...
    """``with span("relay.publish", parent_traceparent=..., topic=...)``: time a piece of work within its trace.

    A parent that is None or invalid continues the surrounding trace. An exception marks the span as failed and goes on.
    """

    __slots__ = ("_attributes", "_name", "_parent", "_scope", "_span", "_token")

    def __init__(self, name: str, parent_traceparent: str | None = None, **attributes: AttributeValue) -> None:
        self._name = name
        self._parent = parent_traceparent
        self._attributes = attributes
        self._token: Token[str | None] | None = None
        self._scope: AbstractContextManager[Span] | None = None
        self._span: Span | None = None

    def __enter__(self) -> Self:
        parent = parse_traceparent(self._parent) if self._parent is not None else None
        if _tracer is not None:
            self._begin(_tracer, parent)
        elif parent is not None:
            self._token = _current.set(str(parent))
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._scope is not None:
            self._scope.__exit__(exc_type, exc, traceback)
        if self._token is not None:
            _current.reset(self._token)

    def set(self, **attributes: AttributeValue) -> None:
        """Add attributes that are known only now."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def _begin(self, tracer: "Tracer", parent: Traceparent | None) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - imported only where a collector is configured

        context = None
        if parent is not None:
            remote = trace.SpanContext(parent.trace_id, parent.parent_id, True, trace.TraceFlags(parent.flags))
            context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        attributes: Mapping[str, AttributeValue] = self._attributes
        self._scope = tracer.start_as_current_span(self._name, context=context, attributes=attributes)
        self._span = self._scope.__enter__()
        made = self._span.get_span_context()
        self._token = _current.set(str(Traceparent(made.trace_id, made.span_id, int(made.trace_flags))))


def configure_telemetry(*, service: str, instance: str, otlp_endpoint: str | None, sample_ratio: float = 1.0) -> None:
    """Start exporting spans to `otlp_endpoint` (base address, OTLP over HTTP); does nothing when it is None."""
    if otlp_endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - heavy
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - heavy

    exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S)
    processor = BatchSpanProcessor(exporter, max_queue_size=EXPORT_QUEUE_SPANS_MAX)
    provider = create_provider(service=service, instance=instance, sample_ratio=sample_ratio)
    provider.add_span_processor(processor)
    use_provider(provider)


def create_provider(*, service: str, instance: str, sample_ratio: float) -> "TracerProvider":
    """A tracer provider without any exporter; a caller's sampling decision is kept."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - heavy
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - heavy
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415 - heavy

    resource = Resource.create({"service.name": f"payesh-{service}", "service.instance.id": instance})
    return TracerProvider(sampler=ParentBased(TraceIdRatioBased(sample_ratio)), resource=resource)


def use_provider(provider: "TracerProvider | None") -> None:
    """Make spans with `provider` from now on; None stops making them."""
    global _tracer, _provider  # noqa: PLW0603 - one process, one tracer
    _provider = provider
    _tracer = provider.get_tracer("payesh") if provider is not None else None


def shutdown_telemetry() -> None:
    """Export what is left, within a bounded time. Blocks: call it when the event loop's work is done."""
    provider = _provider
    use_provider(None)
    if provider is not None:
        provider.force_flush(FLUSH_TIMEOUT_MS)
        provider.shutdown()
