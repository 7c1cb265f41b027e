"""Sealing and opening one household's contact details: AES-256-GCM under a data key of its own, bound to its case.

Plaintext lives in local variables of these functions and in `Secret*` values, whose repr shows nothing. Python cannot
overwrite memory for certain: a process dump taken in that moment holds it.
"""

import os
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import SecretBytes

from services.nationals.casework.domain.vault_refusals import UNREADABLE
from services.nationals.casework.vault.master_keys import KEY_BYTES, NONCE_BYTES, MasterKeys
from shared.contracts.refusals import Refusal

PADDING_BYTES = 512
"""Details are padded to a multiple of this, so that the length of a row does not tell a telephone number from an address."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is stored of one household: nothing in it can be read without the master key."""

    case_id: UUID
    data_key_version: int
    """Counts the data keys that this household has had."""
    master_key_version: int
    wrapped_key: bytes
    ciphertext: bytes = b""
    """Empty where only the key is looked at."""


async def seal(details: SecretBytes, case_id: UUID, data_key_version: int, keys: MasterKeys) -> Envelope:
    """Encrypt `details` (JSON) under a new random data key. Raises Refusal (503) if there is no usable master key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - costs memory where unused

    master_key_version = await keys.current_version()
    data_key = SecretBytes(os.urandom(KEY_BYTES))
    wrapped_key = await keys.wrap(
        data_key, master_key_version, _key_context(case_id, data_key_version, master_key_version)
    )
    plaintext = details.get_secret_value()
    padded = plaintext.ljust(-(-len(plaintext) // PADDING_BYTES) * PADDING_BYTES)
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = nonce + AESGCM(data_key.get_secret_value()).encrypt(
        nonce, padded, _details_context(case_id, data_key_version)
    )
    return Envelope(case_id, data_key_version, master_key_version, wrapped_key, ciphertext)


async def open_envelope(envelope: Envelope, keys: MasterKeys) -> SecretBytes:
    """The details (JSON). Raises Refusal: 503 without the master key, 409 if a byte of the row is not its own."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - costs memory where unused
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    data_key = await _unwrap(envelope, keys)
    nonce, sealed = envelope.ciphertext[:NONCE_BYTES], envelope.ciphertext[NONCE_BYTES:]
    context = _details_context(envelope.case_id, envelope.data_key_version)
    try:
        return SecretBytes(AESGCM(data_key.get_secret_value()).decrypt(nonce, sealed, context))
    except (InvalidTag, ValueError) as error:
        raise Refusal(UNREADABLE) from error


async def rewrap(envelope: Envelope, version: int, keys: MasterKeys) -> Envelope:
    """The same data key under master key `version`; the details are not touched. Raises Refusal as `open_envelope`."""
    data_key = await _unwrap(envelope, keys)
    context = _key_context(envelope.case_id, envelope.data_key_version, version)
    return replace(envelope, master_key_version=version, wrapped_key=await keys.wrap(data_key, version, context))


async def _unwrap(envelope: Envelope, keys: MasterKeys) -> SecretBytes:
    context = _key_context(envelope.case_id, envelope.data_key_version, envelope.master_key_version)
    return await keys.unwrap(envelope.wrapped_key, envelope.master_key_version, context)


def _details_context(case_id: UUID, data_key_version: int) -> bytes:
    return f"payesh.casework.contacts {case_id} {data_key_version}".encode()


def _key_context(case_id: UUID, data_key_version: int, master_key_version: int) -> bytes:
    return f"payesh.casework.data-key {case_id} {data_key_version} {master_key_version}".encode()
