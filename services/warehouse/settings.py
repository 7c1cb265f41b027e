"""Configuration of the warehouse service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kit.settings import ServiceSettings


class PhotoStoreSettings(BaseSettings):
    """Where photos are kept, read by itself because routes need it without the rest."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_", frozen=True, extra="ignore")

    photo_store: str = Field(
        default="file:///var/lib/payesh/photos", pattern=r"^(file:///|s3://[^/\s]+|memory:///)[^\s]*$"
    )
    """A directory as file:///…, or s3://bucket/prefix with the usual AWS_* variables (AWS_ENDPOINT_URL for another
    server than Amazon's, AWS_ALLOW_HTTP=true for one without TLS). memory:/// forgets at the end and is for tests."""


class PublicAddressSettings(BaseSettings):
    """Under which address people reach this service, read by itself for the same reason."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_", frozen=True, extra="ignore")

    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Printed on certificates as the place where their codes are verified. Unset: the address that was asked."""


class WarehouseSettings(ServiceSettings, PhotoStoreSettings, PublicAddressSettings):
    """What every service needs, and the photo store; the service's own limits are constants beside what they limit."""
