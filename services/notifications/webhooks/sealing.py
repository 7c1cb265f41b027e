"""Secrets of the service that are kept in the database: AES-256-GCM under a key of a file that is not in the database.

The file has a line ``version base64-of-32-bytes`` for each key; the highest version seals, all of them open. It is read
anew each time, so that a rotation needs no restart, and must be open to the service's account alone.
"""

import base64
import binascii
import os
import stat
from typing import Final

from pydantic import SecretBytes

from services.notifications.domain.webhook_refusals import SECRETS_UNUSABLE
from services.notifications.webhooks.settings import WebhookSettings
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
VERSION_BYTES: Final = 4
KEY_FILE_BYTES_MAX: Final = 64 * 1024
VERSION_MAX: Final = 1_000_000_000

_log = get_logger(__name__)


def seal(secret: SecretBytes, context: str) -> bytes:
    """What may be stored: key version, nonce, ciphertext. Only the same `context` opens it. Raises Refusal (503)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - costs memory where unused

    keys = _read_keys()
    version = max(keys)
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(keys[version].get_secret_value()).encrypt(nonce, secret.get_secret_value(), context.encode())
    return version.to_bytes(VERSION_BYTES, "big") + nonce + ciphertext


def unseal(sealed: bytes, context: str) -> SecretBytes:
    """The secret. Raises Refusal (503) without its key, or if a byte of it or of `context` is not its own."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - costs memory where unused
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    version = int.from_bytes(sealed[:VERSION_BYTES], "big")
    key = _read_keys().get(version)
    if key is None:
        raise _unusable(f"version {version} is not in the file")
    nonce, ciphertext = sealed[VERSION_BYTES : VERSION_BYTES + NONCE_BYTES], sealed[VERSION_BYTES + NONCE_BYTES :]
    try:
        return SecretBytes(AESGCM(key.get_secret_value()).decrypt(nonce, ciphertext, context.encode()))
    except (InvalidTag, ValueError) as error:
        raise _unusable("a stored secret was sealed under another key, or altered") from error


def _read_keys() -> dict[int, SecretBytes]:
    path = WebhookSettings().key_file
    if path is None:
        raise _unusable("the setting is missing")
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise _unusable(f"the file cannot be read: {os.strerror(error.errno or 0)}") from error
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        raise _unusable("the file is open to other accounts: chmod 600")
    keys: dict[int, SecretBytes] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            version, key = _key_of(line, number)
            keys[version] = key
    if not keys:
        raise _unusable("the file holds no key")
    return keys


def _key_of(line: bytes, number: int) -> tuple[int, SecretBytes]:
    version, _, encoded = line.strip().partition(b" ")
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        key = b""
    if not version.isdigit() or not 0 < int(version) < VERSION_MAX or len(key) != KEY_BYTES:
        raise _unusable(f"line {number} is not `version base64-of-32-bytes`")
    return int(version), SecretBytes(key)


def _unusable(problem: str) -> Refusal:
    _log.error("sealing_key_unusable", problem=problem, next_step="set PAYESH_WEBHOOK_KEY_FILE")
    return Refusal(SECRETS_UNUSABLE, problem=problem)
