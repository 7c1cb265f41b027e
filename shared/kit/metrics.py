"""Every Prometheus metric of the platform, named once and typed; nothing else creates one.

Labels are bounded sets (topics, routes, kinds), never ids, counties of people, or text from outside.
"""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY: Final = CollectorRegistry(auto_describe=True)
EXPOSITION_CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

OUTBOX_DEPTH_EVENTS: Final = Gauge(
    "payesh_outbox_depth_events", "Events committed, not yet published", registry=REGISTRY
)
RELAY_PUBLISHED_EVENTS: Final = Counter(
    "payesh_relay_published_events", "Events acknowledged by the broker", ["topic"], registry=REGISTRY
)
RELAY_FAILURES: Final = Counter(
    "payesh_relay_failures", "Publishing rounds that failed and were begun again", registry=REGISTRY
)
RELAY_PUBLISH_SECONDS: Final = Histogram(
    "payesh_relay_publish_seconds", "From commit to the broker's acknowledgement", buckets=_SECONDS, registry=REGISTRY
)

CONSUMER_APPLIED_EVENTS: Final = Counter(
    "payesh_consumer_applied_events", "Events whose effects were committed", ["consumer", "topic"], registry=REGISTRY
)
CONSUMER_DUPLICATE_EVENTS: Final = Counter(
    "payesh_consumer_duplicate_events", "Events already applied before", ["consumer", "topic"], registry=REGISTRY
)
CONSUMER_IGNORED_EVENTS: Final = Counter(
    "payesh_consumer_ignored_events", "Records of types nobody here reads", ["consumer", "topic"], registry=REGISTRY
)
CONSUMER_PARKED_EVENTS: Final = Counter(
    "payesh_consumer_parked_events", "Events set aside for a person", ["consumer", "topic", "reason"], registry=REGISTRY
)
CONSUMER_RETRIES: Final = Counter(
    "payesh_consumer_retries", "Attempts after a failed one", ["consumer", "topic"], registry=REGISTRY
)
CONSUMER_BATCH_SECONDS: Final = Histogram(
    "payesh_consumer_batch_seconds",
    "One batch, from receipt to commit",
    ["consumer"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
CONSUMER_LAG_EVENTS: Final = Gauge(
    "payesh_consumer_lag_events",
    "Events published, not yet acknowledged here",
    ["consumer", "topic"],
    registry=REGISTRY,
)
CONSUMER_HALTED: Final = Gauge(
    "payesh_consumer_halted", "1 when too many events in a row were parked", ["consumer"], registry=REGISTRY
)

TIMERS_FIRED: Final = Counter("payesh_timers_fired", "Timers whose effects were committed", ["kind"], registry=REGISTRY)
TIMERS_FAILED: Final = Counter("payesh_timers_failed", "Attempts to fire that failed", ["kind"], registry=REGISTRY)
TIMERS_LATE: Final = Gauge("payesh_timers_late", "Timers overdue beyond the sweeper's limit", registry=REGISTRY)
SWEEPER_LAST_RUN_SECONDS: Final = Gauge(
    "payesh_sweeper_last_run_timestamp_seconds", "When the sweeper last finished; alarm on its age", registry=REGISTRY
)

HTTP_REQUESTS: Final = Counter(
    "payesh_http_requests", "HTTP requests answered", ["method", "route", "status"], registry=REGISTRY
)
HTTP_SECONDS: Final = Histogram(
    "payesh_http_seconds", "HTTP requests, from first byte to last", ["route"], buckets=_SECONDS, registry=REGISTRY
)
HTTP_REPLAYED: Final = Counter(
    "payesh_http_replayed", "Commands answered from their Idempotency-Key", ["route"], registry=REGISTRY
)

DELIVERIES_SENT: Final = Counter(
    "payesh_deliveries_sent", "Notifications accepted by their channel", ["channel"], registry=REGISTRY
)
DELIVERIES_FAILED: Final = Counter(
    "payesh_deliveries_failed", "Attempts to deliver that failed", ["channel"], registry=REGISTRY
)
DELIVERIES_DEAD: Final = Gauge(
    "payesh_deliveries_dead", "Notifications given up on, waiting for a person", registry=REGISTRY
)
CHAINS_LATE: Final = Gauge(
    "payesh_chains_late", "Escalation chains that should have moved and did not", registry=REGISTRY
)
AUDITOR_LAST_SOUND_ROUND_SECONDS: Final = Gauge(
    "payesh_auditor_last_sound_round_timestamp_seconds",
    "When the auditor last found no chain late; alarm on its age",
    registry=REGISTRY,
)
HEARTBEATS_FAILED: Final = Counter(
    "payesh_heartbeats_failed", "Pings that the outside service did not take", registry=REGISTRY
)
DELIVERIES_TURNED: Final = Counter(
    "payesh_deliveries_turned",
    "Notifications that went on from a channel to the next contact",
    ["channel"],
    registry=REGISTRY,
)
DELIVERIES_DRY: Final = Counter(
    "payesh_deliveries_dry",
    "Notifications composed and not sent, the channel being dry",
    ["channel"],
    registry=REGISTRY,
)
CHANNEL_CIRCUIT_OPEN: Final = Gauge(
    "payesh_channel_circuit_open",
    "1 while a channel whose provider is away is left alone",
    ["channel"],
    registry=REGISTRY,
)
CHANNEL_TURNS_DENIED: Final = Counter(
    "payesh_channel_turns_denied",
    "Times a channel had to wait for its limit per minute",
    ["channel"],
    registry=REGISTRY,
)

METRICS: Final[tuple[Counter | Gauge | Histogram, ...]] = (
    OUTBOX_DEPTH_EVENTS,
    RELAY_PUBLISHED_EVENTS,
    RELAY_FAILURES,
    RELAY_PUBLISH_SECONDS,
    CONSUMER_APPLIED_EVENTS,
    CONSUMER_DUPLICATE_EVENTS,
    CONSUMER_IGNORED_EVENTS,
    CONSUMER_PARKED_EVENTS,
    CONSUMER_RETRIES,
    CONSUMER_BATCH_SECONDS,
    CONSUMER_LAG_EVENTS,
    CONSUMER_HALTED,
    TIMERS_FIRED,
    TIMERS_FAILED,
    TIMERS_LATE,
    SWEEPER_LAST_RUN_SECONDS,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    HTTP_REPLAYED,
    DELIVERIES_SENT,
    DELIVERIES_FAILED,
    DELIVERIES_DEAD,
    CHANNEL_CIRCUIT_OPEN,
    CHANNEL_TURNS_DENIED,
    DELIVERIES_DRY,
    DELIVERIES_TURNED,
    CHAINS_LATE,
    AUDITOR_LAST_SOUND_ROUND_SECONDS,
    HEARTBEATS_FAILED,
)

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


def exposition() -> bytes:
    """All metrics in the Prometheus text format."""
    return generate_latest(REGISTRY)
