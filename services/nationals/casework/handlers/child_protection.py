"""The procedure for an unaccompanied child (safeguard 8): records by people, approved by two others, before any step."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.child_protection import (
    ChildRecord,
    ChildRecordKind,
    check_child_record,
    missing_records,
)
from services.nationals.casework.handlers.case_reading import read_facts, require_case
from services.nationals.casework.handlers.pauses import open_pause
from services.nationals.casework.store import child_protection as child_store
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


class RecordChildProtection(BaseModel):
    case_id: UUID
    person_number: int
    kind: ChildRecordKind
    appointment_reference: str | None
    """Pseudonymous reference of a guardian's appointment; nobody is named."""
    determination_version: int | None
    dated_on: date


class ChildProtectionRecorded(BaseModel):
    record_id: UUID
    case_id: UUID
    state: CaseState
    missing: list[str]
    """What the children of the case still lack, as ``2:reception_verified``."""


async def record_child_protection(command: RecordChildProtection, tx: Transaction) -> ChildProtectionRecorded:
    """Record a guardian's appointment, a best-interests determination or a verified reception of one child.

    What is recorded after the approval pauses the case anew: the approval did not know of it. Raises Refusal (8).
    """
    case = await require_case(command.case_id, tx)
    state = take(
        Step.RECORD_CHILD_PROTECTION,
        await read_facts(case, tx),
        Attempt(by_human=tx.principal.subject != SYSTEM.subject),
    )
    records = await child_store.list_child_records(tx.connection, case.case_id)
    record = ChildRecord(0, command.person_number, command.kind, tx.principal.subject)
    check_child_record(
        case.household, case.unaccompanied_child, records, record, tx.principal.roles, command.appointment_reference
    )
    record_id = uuid7()
    await child_store.insert_child_record(
        tx.connection,
        record_id,
        case,
        record,
        command.appointment_reference,
        command.determination_version,
        command.dated_on,
    )
    await open_pause(case, 8, tx)
    return ChildProtectionRecorded(
        record_id=record_id,
        case_id=case.case_id,
        state=state,
        missing=missing_records(case.household, [*records, record]),
    )
