"""HTTP of the contact vault, of erasure, and of holds on a case's records."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.contacts import HoldGround
from services.nationals.casework.handlers import contacts, erasure, retention_holds
from services.nationals.casework.handlers.case_reading import ReadPurpose
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, allow

router = APIRouter()

Caseworker = Annotated[Commands, Depends(allow("caseworker"))]
CaseStaff = Annotated[Commands, Depends(allow("caseworker", "protection_officer", "legal_officer"))]
RecordKeeper = Annotated[Commands, Depends(allow("casework_supervisor", "legal_officer"))]
Operator = Annotated[Commands, Depends(allow("operator"))]


class HoldBody(BaseModel):
    ground: HoldGround


@router.put("/cases/{case_id}/contacts")
async def write_contacts(
    case_id: UUID, body: contacts.ContactDetails, commands: Caseworker
) -> contacts.ContactsWritten:
    """Replaces what was there, so asking twice is safe by itself. An Idempotency-Key is accepted and not kept: beside it
    would stand a digest of the request, from which a telephone number can be guessed back.
    """
    command = contacts.WriteContacts(case_id=case_id, details=body)
    return await commands.without_key().execute(contacts.write_contacts, command)


@router.get("/cases/{case_id}/contacts")
async def read_contacts(
    case_id: UUID,
    purpose: ReadPurpose,
    commands: CaseStaff,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> contacts.CaseContacts:
    """Every read is logged with its reader and purpose, so none may be answered from a stored answer or a cache."""
    if idempotency_key is not None:
        raise Refusal(refusals.READ_NOT_REPEATABLE)
    return await commands.execute(contacts.read_contacts, contacts.ReadContacts(case_id=case_id, purpose=purpose))


@router.delete("/cases/{case_id}/contacts")
async def remove_contacts(case_id: UUID, commands: Caseworker) -> contacts.ContactsRemoved:
    """The household no longer wants to be reached."""
    return await commands.execute(contacts.remove_contacts, contacts.RemoveContacts(case_id=case_id))


@router.post("/cases/{case_id}/erasure")
async def erase_case(case_id: UUID, commands: Caseworker) -> erasure.CaseErased:
    """At the household's request. `waits_for` says what cannot be erased yet, and why."""
    return await commands.execute(erasure.erase_case, erasure.EraseCase(case_id=case_id))


@router.post("/cases/{case_id}/retention-holds", status_code=201)
async def hold_records(case_id: UUID, body: HoldBody, commands: RecordKeeper) -> retention_holds.CaseHolds:
    command = retention_holds.HoldRecords(case_id=case_id, ground=body.ground)
    return await commands.execute(retention_holds.hold_records, command)


@router.get("/cases/{case_id}/retention-holds")
async def list_holds(case_id: UUID, commands: RecordKeeper) -> retention_holds.CaseHolds:
    return await commands.without_key().execute(retention_holds.list_holds, retention_holds.ListHolds(case_id=case_id))


@router.post("/cases/{case_id}/retention-holds/{hold_id}/release")
async def release_records(case_id: UUID, hold_id: UUID, commands: RecordKeeper) -> retention_holds.CaseHolds:
    command = retention_holds.ReleaseRecords(case_id=case_id, hold_id=hold_id)
    return await commands.execute(retention_holds.release_records, command)


@router.post("/vault/rewrap")
async def rewrap_keys(commands: Operator) -> contacts.KeysRewrapped:
    """After a rotation of the master key: repeat until `keys_by_version` names the new version alone. Contact details are
    not read. The caller must be granted every county, or an old key could be thrown away while a county still needs it.
    """
    for county in County:
        commands.require_county(county)
    return await commands.without_key().execute(contacts.rewrap_keys, contacts.RewrapKeys())
