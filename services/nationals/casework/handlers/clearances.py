"""Ending a pause: one officer proposes it with a reason, a second and different one confirms it (safeguards 2, 5, 6, 8, 9)."""

from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals as case_refusals
from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.child_protection import check_complete
from services.nationals.casework.domain.clearance import (
    ClearanceDecision,
    ClearanceReason,
    OpenPause,
    check_decision,
    check_proposal,
    open_concerns,
)
from services.nationals.casework.handlers.case_reading import require_case
from services.nationals.casework.handlers.pauses import end_pause
from services.nationals.casework.store import child_protection as child_store
from services.nationals.casework.store import clearances as clearance_store
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


class ProposeClearance(BaseModel):
    case_id: UUID
    pause_id: UUID
    reason: ClearanceReason
    note: str | None
    """Kept in the row alone and erasable; never in an event."""


class ClearanceProposed(BaseModel):
    clearance_id: UUID
    pause_id: UUID


class DecideClearance(BaseModel):
    case_id: UUID
    clearance_id: UUID
    decision: ClearanceDecision


class ClearanceDecided(BaseModel):
    clearance_id: UUID
    pause_id: UUID
    decision: ClearanceDecision
    resumed: bool
    """Whether this was the last pause of the case, which now goes on."""


async def propose_clearance(command: ProposeClearance, tx: Transaction) -> ClearanceProposed:
    """Propose to end a pause. Nothing changes before a second person confirms it.

    Raises Refusal: 6 for who opened the pause or recorded what it is about, 2, 5, 8 or 9 for another office's pause or reason,
    8 while a child's procedure is incomplete, 13 if the pause is not open or a proposal waits already.
    """
    case = await require_case(command.case_id, tx)
    _require_human(tx)
    found = await clearance_store.find_open_pause(tx.connection, case.case_id, command.pause_id)
    if found is None:
        raise Refusal(refusals.PAUSE_NOT_OPEN, satisfied_by="an_open_pause")
    pause = await _read_pause(case, *found, tx)
    proposed_as = check_proposal(pause, command.reason, tx.principal.subject, tx.principal.roles)
    await _check_children(case, pause, tx)
    waiting = await clearance_store.open_clearances(tx.connection, case.case_id)
    if any(each.pause_id == command.pause_id for each in waiting):
        raise Refusal(refusals.CLEARANCE_PROPOSED_ALREADY, satisfied_by="decision_of_a_second_person")
    clearance_id = uuid7()
    await clearance_store.insert_clearance(
        tx.connection,
        clearance_id,
        case,
        command.pause_id,
        command.reason,
        command.note,
        tx.principal.subject,
        proposed_as,
    )
    return ClearanceProposed(clearance_id=clearance_id, pause_id=command.pause_id)


async def decide_clearance(command: DecideClearance, tx: Transaction) -> ClearanceDecided:
    """Confirm the proposal, which ends the pause, or reject it, which leaves the pause open for another one.

    When the last pause ends, the voluntary period runs on for what was left of it. Raises Refusal as `propose_clearance`
    does, also for who proposed it (6) and if something was recorded since (9).
    """
    case = await require_case(command.case_id, tx)
    _require_human(tx)
    waiting = await clearance_store.open_clearances(tx.connection, case.case_id)
    proposal = next((each for each in waiting if each.clearance_id == command.clearance_id), None)
    if proposal is None:
        raise Refusal(refusals.PAUSE_NOT_OPEN, satisfied_by="an_open_proposal")
    pause = await _read_pause(case, proposal.safeguard, proposal.pause_opened_by, tx)
    check_decision(
        pause,
        command.decision,
        tx.principal.subject,
        tx.principal.roles,
        proposal.proposed_by,
        proposal.proposed_as,
        proposal.covers_to,
    )
    resumed = False
    if command.decision is ClearanceDecision.CONFIRMED:
        await _check_children(case, pause, tx)
    await clearance_store.decide_clearance(tx.connection, proposal.clearance_id, command.decision, tx.principal.subject)
    if command.decision is ClearanceDecision.CONFIRMED:
        resumed = await end_pause(case, proposal.pause_id, tx)
    return ClearanceDecided(
        clearance_id=proposal.clearance_id, pause_id=proposal.pause_id, decision=command.decision, resumed=resumed
    )


async def _read_pause(case: CaseRow, safeguard: int, opened_by: str, tx: Transaction) -> OpenPause:
    concerns = open_concerns(
        await clearance_store.list_concerns(tx.connection, case.case_id),
        await clearance_store.cleared_to(tx.connection, case.case_id),
    )
    return OpenPause(safeguard, opened_by, tuple(each for each in concerns if each.safeguard == safeguard))


async def _check_children(case: CaseRow, pause: OpenPause, tx: Transaction) -> None:
    if pause.safeguard == 8:
        check_complete(case.household, await child_store.list_child_records(tx.connection, case.case_id))


def _require_human(tx: Transaction) -> None:
    if tx.principal.subject == SYSTEM.subject:
        raise Refusal(case_refusals.HUMAN_REQUIRED, satisfied_by="a_person")
