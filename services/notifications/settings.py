"""Settings of the notifications service, beside those every service has."""

from typing import Literal

from pydantic import Field, SecretStr

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

    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Address of this service as recipients reach it. Unset: its own HTTP address."""
    case_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Address under which the legal office opens a case; the case id is appended. Unset: only the id is shown."""

    delivery_attempts_max: int = Field(default=ATTEMPTS_MAX, ge=1, le=100)
    delivery_retry_first_s: float = Field(default=RETRY_DELAY_S_FIRST, gt=0, le=600)
    delivery_lease_s: float = Field(default=60.0, gt=0, le=600)

    @property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")
