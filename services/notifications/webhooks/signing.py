"""Signatures of the Standard Webhooks specification: HMAC-SHA256 (v1) and ed25519 (v1a), several at once."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import SecretBytes

from services.notifications.store.webhooks import Scheme

SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets begin with, not one
PUBLIC_PREFIX: Final = "whpk_"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """v1: the shared secret. v1a: the seed of an ed25519 pair."""

    scheme: Scheme
    secret: SecretBytes


def new_secret() -> SecretBytes:
    return SecretBytes(os.urandom(SECRET_BYTES))


def public_key_of(seed: SecretBytes) -> bytes:
    """The ed25519 public key (32 bytes)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - rarely needed

    return Ed25519PrivateKey.from_private_bytes(seed.get_secret_value()).public_key().public_bytes_raw()


def shown_secret(secret: SecretBytes) -> str:
    """A v1 secret as receivers' libraries take it."""
    return SECRET_PREFIX + base64.b64encode(secret.get_secret_value()).decode()


def shown_public_key(public_key: bytes) -> str:
    """A v1a public key as receivers' libraries take it."""
    return PUBLIC_PREFIX + base64.b64encode(public_key).decode()


def signatures(keys: Sequence[SigningKey], message_id: str, sent_at: datetime, body: str) -> str:
    """The header ``webhook-signature``: one signature for each key. `sent_at` in UTC, as in ``webhook-timestamp``."""
    return " ".join(_signature(key, message_id, sent_at, body) for key in keys)


def _signature(key: SigningKey, message_id: str, sent_at: datetime, body: str) -> str:
    if key.scheme == "v1":
        from standardwebhooks import Webhook  # noqa: PLC0415 - only where webhooks leave

        return Webhook(key.secret.get_secret_value()).sign(message_id, sent_at, body)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    signed = f"{message_id}.{int(sent_at.timestamp())}.{body}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(key.secret.get_secret_value()).sign(signed)
    return f"v1a,{base64.b64encode(signature).decode()}"
