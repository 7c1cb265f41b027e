"""Settings of the notifications service, beside those every service has."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from services.notifications.domain.channels import Channel
from services.notifications.domain.circuit_breaker import FAILURES_TO_OPEN, OPEN_S_FIRST
from services.notifications.domain.delivering import ATTEMPTS_MAX, RETRY_DELAY_S_FIRST
from shared.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where mail leaves, and under which address people reach the acknowledgement page."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65_535)
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    """`none` is for a relay on the same machine; `starttls` and `tls` verify the server's certificate."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_s: float = Field(default=10.0, gt=0, le=30)
    smtp_from: str = Field(default="payesh@localhost", pattern=r"^[^@\s<>]+@[^@\s<>]+$")

    ca_file: Path | None = None
    """Certificates (PEM) of a further authority that providers may be signed by, beside those of the system."""

    kavenegar_api_key: SecretStr | None = None
    """Unset: no SMS is sent; a delivery by SMS goes on to the person's next contact."""
    kavenegar_sender: str | None = Field(default=None, pattern=r"^\d{4,20}$")
    """The account's line. Unset: the account's default one."""
    kavenegar_url: str = Field(default="https://api.kavenegar.com", pattern=r"^https://[^\s]+$")
    sms_timeout_s: float = Field(default=10.0, gt=0, le=30)
    sms_status_first_s: float = Field(default=60.0, gt=0, le=3_600)
    """When to ask first what became of an SMS; then after twice as long each time."""

    chat_services: dict[str, SecretStr] = Field(default_factory=dict)
    """Apprise addresses by a name of our own, with ``{target}`` where the person's address belongs; they hold tokens.
    A contact ``telegram:123456`` uses the service named telegram. Unset: no chat is used."""
    chat_timeout_s: float = Field(default=15.0, gt=0, le=30)

    dry_channels: frozenset[Channel] = frozenset()
    """Channels whose messages are composed and marked as sent, but do not leave."""
    channel_limits_per_minute: dict[Channel, int] = Field(default_factory=lambda: {Channel.SMS: 120, Channel.CHAT: 120})
    """Messages begun per minute of the database's clock, over all processes. A channel that is not named has no limit."""
    breaker_failures: int = Field(default=FAILURES_TO_OPEN, ge=1, le=100)
    """So many times in a row a channel's provider is away before the channel is left alone for a while."""
    breaker_open_s: float = Field(default=OPEN_S_FIRST, gt=0, le=300)

    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Address of this service as recipients reach it. Unset: its own HTTP address."""
    case_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Address under which the legal office opens a case; the case id is appended. Unset: only the id is shown."""

    delivery_attempts_max: int = Field(default=ATTEMPTS_MAX, ge=1, le=100)
    delivery_retry_first_s: float = Field(default=RETRY_DELAY_S_FIRST, gt=0, le=600)
    delivery_lease_s: float = Field(default=60.0, gt=0, le=600)

    heartbeat_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$", repr=False)
    """Where an outside service takes the auditor's pings (Healthchecks: the check's ping URL). Unset: nobody is pinged."""
    audit_interval_s: float = Field(default=15.0, gt=0, le=3_600)
    audit_late_after_s: float = Field(default=60.0, gt=0, le=86_400)
    """How much later than its time a step, letter or delivery may be before its chain counts as late."""

    @property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")
