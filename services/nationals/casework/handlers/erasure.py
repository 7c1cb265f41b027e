"""Erasure: at the household's request, at once; and on the retention date, unless a person holds the records."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain.case_facts import CaseState
from services.nationals.casework.domain.case_machine import ENDED_STATES
from services.nationals.casework.domain.contacts import ErasureCause, RetentionPurpose
from services.nationals.casework.handlers.case_reading import require_case
from services.nationals.casework.periods import RetentionPolicy, casework_periods
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import erasure as erasure_store
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.nationals import (
    CaseDataErased,
    HouseholdDeparted,
    HouseholdSplit,
    ReturnCaseClosed,
    ReturnCaseReferred,
)
from shared.kit.logging import get_logger
from shared.kit.routing import Received, reaction
from shared.kit.transaction import Transaction

RETENTION = "nationals.retention"
HELD_RETRY = timedelta(days=1)
"""A case that is held when its date has come is looked at again so often."""

CaseEnd = ReturnCaseClosed | HouseholdDeparted | HouseholdSplit | ReturnCaseReferred

log = get_logger(__name__)


class EraseCase(BaseModel):
    case_id: UUID


class ErasureWaitsFor(StrEnum):
    END_OF_CASE = "end_of_case"
    """A running case keeps reference and texts: they are the household's own protection. Closing it is always possible."""
    RELEASE_OF_HOLD = "release_of_hold"


class CaseErased(BaseModel):
    """Contacts are gone whatever `waits_for` says; it says what reference and texts still wait for, None: nothing."""

    case_id: UUID
    contacts_erased: bool
    waits_for: ErasureWaitsFor | None


async def erase_case(command: EraseCase, tx: Transaction) -> CaseErased:
    """Erase at the household's request: contacts at once; reference and texts at once in an ended case that nobody holds.

    What has to wait is done by itself when the case ends or the hold is released. Asking again changes nothing.
    Raises Refusal (403, 404).
    """
    case = await require_case(command.case_id, tx)
    await erasure_store.insert_erasure(
        tx.connection, uuid7(), case, ErasureCause.HOUSEHOLD_REQUEST, RetentionPurpose.CASE, tx.principal.subject
    )
    contacts_erased = await erasure_store.erase_contacts(tx.connection, case.case_id)
    if case.state not in ENDED_STATES:
        waits_for = ErasureWaitsFor.END_OF_CASE
    elif await erasure_store.running_hold(tx.connection, case.case_id) is not None:
        waits_for = ErasureWaitsFor.RELEASE_OF_HOLD
    else:
        waits_for = None
        await _erase_whole(case, tx)
    return CaseErased(case_id=case.case_id, contacts_erased=contacts_erased, waits_for=waits_for)


@reaction(ReturnCaseClosed, HouseholdDeparted, HouseholdSplit, ReturnCaseReferred)
async def start_retention(received: Received[CaseEnd], tx: Transaction) -> None:
    """A case has ended: its retention dates run from now, by the periods of today. Late or repeated events change nothing.

    A household that was split shares no contacts: what it left together is erased at once, as is all that a household
    asked to have erased while its case was running.
    """
    case = await case_store.lock_case(tx.connection, received.event.case_id)
    if case is None or case.state not in ENDED_STATES or await erasure_store.is_erased(tx.connection, case.case_id):
        log.info("retention_start_ignored", case_id=str(received.event.case_id), event_id=str(received.id))
        return
    if await erasure_store.has_retention_date(tx.connection, RETENTION, case.case_id):
        log.info("retention_start_ignored", case_id=str(case.case_id), event_id=str(received.id))
        return
    policy = casework_periods().retention_policy
    if await erasure_store.has_open_request(tx.connection, case.case_id):
        await _arm(case, policy.for_purpose(RetentionPurpose.CASE), timedelta(), tx)
    elif case.state is CaseState.SPLIT:
        await _erase_contacts(case, tx)
        await _arm(case, policy.for_purpose(RetentionPurpose.CASE), policy.case_retention, tx)
    else:
        await _arm(case, policy, policy.contact_retention, tx)


async def end_retention(case_id: UUID, policy: RetentionPolicy, tx: Transaction) -> None:
    """A retention date has come: erase what it is about, or look again later if a person holds it."""
    case = await case_store.lock_case(tx.connection, case_id)
    if case is None or case.state not in ENDED_STATES:
        log.info("retention_end_ignored", case_id=str(case_id))
        return
    if await erasure_store.running_hold(tx.connection, case_id) is not None:
        await _arm(case, policy, HELD_RETRY, tx)
        return
    if policy.purpose is RetentionPurpose.CONTACTS:
        await _erase_contacts(case, tx)
        rest = policy.case_retention - policy.contact_retention
        await _arm(case, policy.for_purpose(RetentionPurpose.CASE), rest, tx)
        return
    await erasure_store.insert_erasure(
        tx.connection, uuid7(), case, ErasureCause.RETENTION, RetentionPurpose.CASE, tx.principal.subject
    )
    await _erase_whole(case, tx)


async def resume_erasure(case: CaseRow, tx: Transaction) -> None:
    """A hold was released: an erasure that the household asked for meanwhile is done at once."""
    if case.state in ENDED_STATES and await erasure_store.has_open_request(tx.connection, case.case_id):
        await _erase_whole(case, tx)


async def _arm(case: CaseRow, policy: RetentionPolicy, delay: timedelta, tx: Transaction) -> None:
    await tx.arm_timer(RETENTION, case.case_id, delay, policy)


async def _erase_contacts(case: CaseRow, tx: Transaction) -> None:
    await erasure_store.insert_erasure(
        tx.connection, uuid7(), case, ErasureCause.RETENTION, RetentionPurpose.CONTACTS, tx.principal.subject
    )
    await erasure_store.erase_contacts(tx.connection, case.case_id)


async def _erase_whole(case: CaseRow, tx: Transaction) -> None:
    if await erasure_store.erase_case(tx.connection, case.case_id):
        await tx.publish(CaseDataErased(case_id=case.case_id, county=case.county))
    await tx.cancel_timer(RETENTION, case.case_id)
    log.info("case_data_erased", case_id=str(case.case_id), county=case.county.value)
