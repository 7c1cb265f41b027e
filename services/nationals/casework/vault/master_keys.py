"""Master keys: what wraps the data keys of the households. A file of this machine, or another implementation by setting."""

import base64
import binascii
import os
import stat
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import ImportString, SecretBytes, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.nationals.casework.domain.vault_refusals import KEY_UNUSABLE, UNREADABLE
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_FILE_BYTES_MAX = 64 * 1024
VERSION_DIGITS_MAX = 9

log = get_logger(__name__)


class MasterKeys(Protocol):
    """Versioned keys that wrap data keys. `context` is authenticated, not stored: unwrapping needs the same one.

    A key management service is another implementation, named by the setting; its keys need not leave it.
    """

    async def current_version(self) -> int:
        """The version that wraps from now on; 1 or more. Raises Refusal (503)."""
        ...

    async def wrap(self, data_key: SecretBytes, version: int, context: bytes) -> bytes:
        """Raises Refusal (503) if the version cannot be used."""
        ...

    async def unwrap(self, wrapped_key: bytes, version: int, context: bytes) -> SecretBytes:
        """Raises Refusal: 503 if the version cannot be used, 409 if key or context are not those that were wrapped."""
        ...


class VaultSettings(BaseSettings):
    """Settings of the vault (environment prefix ``PAYESH_CASEWORK_VAULT_``).

    `master_keys` names an object of the type `MasterKeys` as ``package.module:name``; it goes before `key_file`.
    """

    model_config = SettingsConfigDict(env_prefix="PAYESH_CASEWORK_VAULT_", frozen=True, extra="ignore")

    key_file: Path | None = None
    master_keys: ImportString[Any] | None = None


def master_keys() -> MasterKeys:
    """What the environment names now. Raises Refusal (503) if it names nothing."""
    try:
        settings = VaultSettings()
    except ValidationError as error:
        raise _unusable("PAYESH_CASEWORK_VAULT_MASTER_KEYS cannot be imported") from error
    if settings.master_keys is not None:
        return cast("MasterKeys", settings.master_keys)
    if settings.key_file is None:
        raise _unusable("the setting is missing")
    return FileMasterKeys(settings.key_file)


class FileMasterKeys:
    """Keys of a file with a line ``version base64`` for each; the highest version is the current one.

    The file is read anew each time, so that keys stay in memory only briefly and a rotation needs no restart.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def current_version(self) -> int:
        return max(self._read())

    async def wrap(self, data_key: SecretBytes, version: int, context: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - costs memory where unused

        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(self._key(version).get_secret_value())
        return nonce + cipher.encrypt(nonce, data_key.get_secret_value(), context)

    async def unwrap(self, wrapped_key: bytes, version: int, context: bytes) -> SecretBytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - costs memory where unused
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        cipher = AESGCM(self._key(version).get_secret_value())
        try:
            return SecretBytes(cipher.decrypt(wrapped_key[:NONCE_BYTES], wrapped_key[NONCE_BYTES:], context))
        except (InvalidTag, ValueError) as error:
            raise Refusal(UNREADABLE) from error

    def _key(self, version: int) -> SecretBytes:
        keys = self._read()
        if version not in keys:
            raise _unusable(f"version {version} is not in the file")
        return keys[version]

    def _read(self) -> dict[int, SecretBytes]:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                content = file.read(KEY_FILE_BYTES_MAX)
        except OSError as error:
            raise _unusable(f"the file cannot be read: {os.strerror(error.errno or 0)}") from error
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            raise _unusable("the file is open to other accounts: chmod 600")
        return _parse(content)


def _parse(content: bytes) -> dict[int, SecretBytes]:
    keys: dict[int, SecretBytes] = {}
    for number, line in enumerate(content.splitlines(), 1):
        version, _, encoded = line.strip().partition(b" ")
        if not version:
            continue
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            key = b""
        is_number = version.isdigit() and len(version) <= VERSION_DIGITS_MAX
        if not is_number or int(version) < 1 or int(version) in keys or len(key) != KEY_BYTES:
            raise _unusable(f"line {number} is not `version base64-of-32-bytes`, or repeats a version")
        keys[int(version)] = SecretBytes(key)
    if not keys:
        raise _unusable("the file holds no key")
    return keys


def _unusable(problem: str) -> Refusal:
    log.error(
        "vault_key_unusable", problem=problem, next_step="set PAYESH_CASEWORK_VAULT_KEY_FILE; see docs/personal-data.md"
    )
    return Refusal(KEY_UNUSABLE, problem=problem)
