"""How to reach a household that wants to be reached: written, read under a logged purpose, taken back at any time.

A value is in no log, event, metric, trace, error or stored answer: it goes from the request into the sealed row and from
there into the one answer that asked for it.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, PlainSerializer, SecretBytes, SecretStr, ValidationError
from uuid_utils.compat import uuid7

from services.nationals.casework.domain.case_machine import ENDED_STATES
from services.nationals.casework.domain.contacts import (
    CONTACT_CHARACTERS_MAX,
    CONTACT_ENTRIES_MAX,
    SAFE_TIMES_CHARACTERS_MAX,
    ContactChannel,
    ErasureCause,
    RetentionPurpose,
)
from services.nationals.casework.domain.vault_refusals import CASE_HAS_ENDED, UNREADABLE
from services.nationals.casework.handlers.case_reading import ReadPurpose, require_case
from services.nationals.casework.store import contacts as contact_store
from services.nationals.casework.store import erasure as erasure_store
from services.nationals.casework.vault.envelope import open_envelope, rewrap, seal
from services.nationals.casework.vault.master_keys import master_keys
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.transaction import Transaction

REWRAP_KEYS_MAX = 1_000

log = get_logger(__name__)


def _reveal(value: SecretStr) -> str:
    return value.get_secret_value()


_Revealed = PlainSerializer(_reveal, when_used="json")
"""Masked in every repr and Python dump; shown only in the JSON of an answer, or of what is sealed."""


class ContactEntry(BaseModel, frozen=True):
    channel: ContactChannel
    value: Annotated[SecretStr, Field(min_length=1, max_length=CONTACT_CHARACTERS_MAX), _Revealed]


class ContactDetails(BaseModel, frozen=True):
    """What the household left, in its own words; every field of it is sealed."""

    entries: list[ContactEntry] = Field(min_length=1, max_length=CONTACT_ENTRIES_MAX)
    preferred_language: Annotated[SecretStr, Field(min_length=2, max_length=3), _Revealed]
    """ISO 639 code."""
    safe_times: Annotated[SecretStr, Field(max_length=SAFE_TIMES_CHARACTERS_MAX), _Revealed] = SecretStr("")
    """When it is safe to make contact, and when not."""


class WriteContacts(BaseModel):
    case_id: UUID
    details: ContactDetails


class ContactsWritten(BaseModel):
    """What was written is not repeated."""

    case_id: UUID
    entries: int


class ReadContacts(BaseModel):
    case_id: UUID
    purpose: ReadPurpose


class CaseContacts(BaseModel):
    """`contacts` is None if the household left none or they were erased."""

    case_id: UUID
    contacts: ContactDetails | None


class RemoveContacts(BaseModel):
    case_id: UUID


class ContactsRemoved(BaseModel):
    """`removed` False: there were none."""

    case_id: UUID
    removed: bool


class RewrapKeys(BaseModel):
    pass


class KeysRewrapped(BaseModel):
    """`keys_by_version`: data keys under each version of the master key, after this step. Repeat until one is left."""

    version: int
    rewrapped: int
    keys_by_version: dict[int, int]
    as_of: datetime


async def write_contacts(command: WriteContacts, tx: Transaction) -> ContactsWritten:
    """Seal what the household leaves now under a new data key; what it left before is gone with the old one.

    Raises Refusal (403, 404; 409 in a case that has ended; 503 without a usable master key).
    """
    case = await require_case(command.case_id, tx)
    if case.state in ENDED_STATES:
        raise Refusal(CASE_HAS_ENDED)
    version = await contact_store.data_key_version(tx.connection, case.case_id) + 1
    details = SecretBytes(command.details.model_dump_json().encode())
    envelope = await seal(details, case.case_id, version, master_keys())
    await contact_store.put_contacts(tx.connection, case, envelope, tx.principal.subject)
    return ContactsWritten(case_id=case.case_id, entries=len(command.details.entries))


async def read_contacts(command: ReadContacts, tx: Transaction) -> CaseContacts:
    """Show the contacts, and log who reads them and why in the same transaction. Raises Refusal (403, 404, 409, 503)."""
    case = await require_case(command.case_id, tx)
    await contact_store.insert_contacts_read(tx.connection, case, tx.principal.subject, command.purpose.value)
    envelope = await contact_store.read_contacts(tx.connection, case.case_id)
    if envelope is None:
        return CaseContacts(case_id=case.case_id, contacts=None)
    try:
        details = await open_envelope(envelope, master_keys())
        contacts = ContactDetails.model_validate_json(details.get_secret_value())
    except ValidationError:
        log.error("contacts_unreadable", case_id=str(case.case_id), next_step="the household gives them anew")
        raise Refusal(UNREADABLE) from None
    except Refusal as refusal:
        if refusal.reason is UNREADABLE:
            log.error("contacts_unreadable", case_id=str(case.case_id), next_step="the household gives them anew")
        raise
    return CaseContacts(case_id=case.case_id, contacts=contacts)


async def remove_contacts(command: RemoveContacts, tx: Transaction) -> ContactsRemoved:
    """The household no longer wants to be reached: its data key is destroyed. Raises Refusal (403, 404)."""
    case = await require_case(command.case_id, tx)
    await erasure_store.insert_erasure(
        tx.connection,
        uuid7(),
        case,
        ErasureCause.HOUSEHOLD_REQUEST,
        RetentionPurpose.CONTACTS,
        tx.principal.subject,
    )
    return ContactsRemoved(
        case_id=case.case_id, removed=await erasure_store.erase_contacts(tx.connection, case.case_id)
    )


async def rewrap_keys(_: RewrapKeys, tx: Transaction) -> KeysRewrapped:
    """Wrap up to `REWRAP_KEYS_MAX` data keys under the current master key. Contact details are neither read nor changed.

    Raises Refusal (503 if a version is missing; 409 if a wrapped key was tampered with).
    """
    keys = master_keys()
    version = await keys.current_version()
    outdated = await contact_store.lock_outdated_keys(tx.connection, version, REWRAP_KEYS_MAX)
    rewrapped = [await rewrap(envelope, version, keys) for envelope in outdated]
    await contact_store.put_wrapped_keys(tx.connection, rewrapped)
    return KeysRewrapped(
        version=version,
        rewrapped=len(rewrapped),
        keys_by_version=await contact_store.count_keys(tx.connection),
        as_of=tx.now,
    )
