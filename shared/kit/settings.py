"""Configuration of a service, read once from the environment (prefix ``PAYESH_``); limits carry their unit."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

CLOCK_SPEEDUP_MAX = 1_000_000.0
POOL_CONNECTIONS_MAX = 50


class ServiceSettings(BaseSettings):
    """What every service needs. Subclass it for a service's own settings; nothing else reads the environment.

    Raises pydantic.ValidationError, which names the variable, when one is missing or out of range.
    Database addresses may hold passwords, so they never show in a repr.
    """

    model_config = SettingsConfigDict(env_prefix="PAYESH_", frozen=True, extra="ignore")

    api_database_url: str = Field(repr=False)
    """PostgreSQL address of the role that serves HTTP; row-level security holds it to the caller's counties. It and the next
    may name several hosts (``postgresql://role@a:5432,b:5432/name``), of which the one that takes writes is used."""
    worker_database_url: str = Field(repr=False)
    """PostgreSQL address of the role that runs relay, reactions and timers."""
    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_pauses_when_idle: bool = False
    """Set for a broker that answers empty fetches at once (the embedded one), or the idle fetcher spins."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65_535)
    instance: str = Field(default="1", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Tells the processes of one service apart in logs, metrics and database sessions."""

    jwks_url: str = Field(pattern=r"^https?://[^\s]+$")
    jwt_issuer: str = Field(min_length=1)
    token_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """The issuer's token endpoint, where HTTP Basic credentials are exchanged. Unset: HTTP Basic is not offered."""
    token_client_id: str | None = None
    token_client_secret: str | None = Field(default=None, repr=False)
    jwt_audience: str = Field(default="payesh", min_length=1)

    clock_speedup: float = Field(default=1.0, ge=1.0, le=CLOCK_SPEEDUP_MAX)
    """Domain seconds per wall second; above 1 only for trying out."""

    api_pool_connections: int = Field(default=8, ge=1, le=POOL_CONNECTIONS_MAX)
    worker_pool_connections: int = Field(default=4, ge=1, le=POOL_CONNECTIONS_MAX)
    relay_pool_connections: int = Field(default=2, ge=1, le=POOL_CONNECTIONS_MAX)
    pool_acquire_timeout_s: float = Field(default=5.0, gt=0, le=60)

    consumer_lag_events_max: int = Field(default=50_000, ge=1)
    """Above this many unread events /ready says no."""

    log_level: str = Field(default="info", pattern=r"^(debug|info|warning|error)$")
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Base address of an OpenTelemetry collector (OTLP over HTTP). Unset: no spans are made, trace ids still travel."""
    trace_sample_ratio: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of new traces that are sampled; a caller's own decision is always kept."""
