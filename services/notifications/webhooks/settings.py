"""Settings of webhooks: where they may go, and the file of the key that seals theirs (prefix ``PAYESH_WEBHOOK_``).

Apart from the service's other settings because commands need them too, and read them anew: no restart after a change.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebhookSettings(BaseSettings):
    """Raises pydantic.ValidationError, which names the variable, when one is out of range."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_WEBHOOK_", frozen=True, extra="ignore")

    key_file: Path | None = None
    """Seals the endpoints' keys (`services.notifications.webhooks.sealing`). Unset: no endpoint can be made or used."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that are not public and that webhooks may reach all the same: an agency's own. Keep it narrow."""
    plain_http: bool = False
    """Allow http:// for endpoints inside `networks`."""
    timeout_s: float = Field(default=15.0, gt=0, le=30)
    disable_after_s: float = Field(default=24 * 3_600.0, gt=0, le=30 * 24 * 3_600.0)
    """An endpoint that has failed for so long without one success is switched off until a person switches it on."""
