"""Splitting a household at a protected request: two officers, child safeguards, one transaction (safeguards 6, 7, 8)."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals as case_refusals
from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.case_facts import Attempt, CaseState, ScreeningOutcome
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.clearance import open_concerns
from services.nationals.casework.domain.household import check_reference
from services.nationals.casework.domain.household_split import HouseholdPart, split_parts
from services.nationals.casework.handlers.case_reading import read_facts, require_case
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, end_pause, open_pause
from services.nationals.casework.handlers.places import give_back_places
from services.nationals.casework.handlers.screening_expiry import SCREENING_EXPIRY
from services.nationals.casework.handlers.voluntary_period import VOLUNTARY_PERIOD
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import clearances as clearance_store
from services.nationals.casework.store import household_splits as split_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store import voluntary as voluntary_store
from services.nationals.casework.store.bookings import BookingState
from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.store.household_splits import ScreeningRow, SplitDecision
from shared.contracts.nationals import HouseholdSplit, ReturnCaseOpened
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction

PROTECTED_REQUEST = 7
"""Safeguard under which a case is paused while such a request waits."""

FLAG_SAFEGUARDS = {
    ScreeningOutcome.PROTECTION_NEED: 5,
    ScreeningOutcome.MEDICAL_FLAG: 9,
    ScreeningOutcome.VULNERABILITY_FLAG: 9,
}


class RequestSplit(BaseModel):
    case_id: UUID
    leaving: list[int]
    """Numbers of the persons who go their own way."""


class SplitRequested(BaseModel):
    split_id: UUID
    case_id: UUID
    state: CaseState


class DecideSplit(BaseModel):
    case_id: UUID
    split_id: UUID
    decision: SplitDecision
    leaving_reference: str | None
    staying_reference: str | None
    """Pseudonymous references of the two new cases; needed to approve."""


class SplitDecided(BaseModel):
    split_id: UUID
    case_id: UUID
    decision: SplitDecision
    leaving_case_id: UUID | None
    staying_case_id: UUID | None


async def request_split(command: RequestSplit, tx: Transaction) -> SplitRequested:
    """A protection officer records that people of the household ask to be separated. The case pauses until it is decided.

    Raises Refusal (safeguard 7) if a request waits already, or unless some but not all persons leave.
    """
    case = await require_case(command.case_id, tx)
    state = take(Step.REQUEST_SPLIT, await read_facts(case, tx), Attempt(by_human=_by_human(tx)))
    split_parts(case.household, case.unaccompanied_child, command.leaving)
    await open_pause(case, PROTECTED_REQUEST, tx)
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    [pause_id] = [pause.pause_id for pause in pauses if pause.safeguard == PROTECTED_REQUEST]
    split_id = uuid7()
    await split_store.insert_split(tx.connection, split_id, case, pause_id, command.leaving, tx.principal.subject)
    return SplitRequested(split_id=split_id, case_id=case.case_id, state=state)


async def decide_split(command: DecideSplit, tx: Transaction) -> SplitDecided:
    """A second protection officer approves the request, which splits the household at once, or rejects it.

    Each of the two new cases starts from the beginning: informed, heard and asked anew, with a whole voluntary period. Every
    person keeps the screening; what pauses a person's case goes along. Children without an adult are unaccompanied at once.
    Raises Refusal: 6 for who made the request, 7 if none waits, 8 through the new cases; 422 for a reference.
    """
    case = await require_case(command.case_id, tx)
    state = take(Step.SPLIT_HOUSEHOLD, await read_facts(case, tx), Attempt(by_human=_by_human(tx)))
    split = await split_store.open_split(tx.connection, case.case_id)
    if split is None or split.split_id != command.split_id:
        raise Refusal(refusals.SPLIT_NOT_OPEN, satisfied_by="a_protected_request")
    if split.requested_by == tx.principal.subject:
        raise Refusal(refusals.SPLIT_BY_SECOND_OFFICER, satisfied_by="another_protection_officer")
    await split_store.decide_split(tx.connection, split.split_id, command.decision, tx.principal.subject)
    decided = SplitDecided(
        split_id=split.split_id,
        case_id=case.case_id,
        decision=command.decision,
        leaving_case_id=None,
        staying_case_id=None,
    )
    if command.decision is SplitDecision.REJECTED:
        await end_pause(case, split.pause_id, tx)
        return decided
    leaving, staying = split_parts(case.household, case.unaccompanied_child, split.leaving)
    leaving_case = await _open_part(case, leaving, command.leaving_reference, tx)
    staying_case = await _open_part(case, staying, command.staying_reference, tx)
    await _end_divided_case(case, state, tx)
    await tx.publish(
        HouseholdSplit(case_id=case.case_id, county=case.county, resulting_case_ids=(leaving_case, staying_case))
    )
    return decided.model_copy(update={"leaving_case_id": leaving_case, "staying_case_id": staying_case})


async def _open_part(case: CaseRow, part: HouseholdPart, reference: str | None, tx: Transaction) -> UUID:
    check_reference(reference or "")
    period = casework_periods().voluntary_period
    case_id = uuid7()
    voluntary_until = tx.now + period
    await tx.arm_timer(VOLUNTARY_PERIOD, case_id, period)
    if not await case_store.insert_case(
        tx.connection,
        case_id,
        case.county,
        reference or "",
        part.household,
        part.unaccompanied_child,
        list(case.needs),
        voluntary_until,
        tx.principal.subject,
        split_from=case.case_id,
    ):
        raise Refusal(case_refusals.REFERENCE_TAKEN)
    await tx.publish(ReturnCaseOpened(case_id=case_id, county=case.county, voluntary_until=voluntary_until))
    screenings = await split_store.list_screenings(tx.connection, case.case_id)
    concerns = open_concerns(
        await clearance_store.list_concerns(tx.connection, case.case_id),
        await clearance_store.cleared_to(tx.connection, case.case_id),
    )
    uncleared = {(concern.safeguard, concern.position) for concern in concerns}
    flags = [each for each in screenings if (FLAG_SAFEGUARDS.get(each.outcome, 0), each.position) in uncleared]
    for origin in _kept_screenings(screenings, flags):
        if origin.person_number in part.persons and origin.valid_until > tx.now:
            number = part.persons.index(origin.person_number) + 1
            await split_store.carry_screening(tx.connection, uuid7(), case_id, case.county.value, number, origin)
    await _pause_part(case, case_id, part, flags, tx)
    return case_id


def _kept_screenings(screenings: Sequence[ScreeningRow], flags: Sequence[ScreeningRow]) -> list[ScreeningRow]:
    """The latest screening of each person, and every flag that nobody has cleared, in their order."""
    latest = {each.person_number: each for each in screenings}
    clear = [each for each in latest.values() if each.outcome is ScreeningOutcome.CLEAR]
    return sorted([*flags, *clear], key=lambda each: each.position)


async def _pause_part(
    case: CaseRow, case_id: UUID, part: HouseholdPart, flags: Sequence[ScreeningRow], tx: Transaction
) -> None:
    """What paused the household pauses each part that it is about; what cannot be told apart pauses both."""
    new_case = await require_case(case_id, tx)
    for pause in await review_store.open_pauses(tx.connection, case.case_id):
        about = {flag.person_number for flag in flags if FLAG_SAFEGUARDS[flag.outcome] == pause.safeguard}
        if pause.safeguard in {2, 5, 9} and (not about or about & set(part.persons)):
            await open_pause(new_case, pause.safeguard, tx)
    if part.unaccompanied_child:
        await open_pause(new_case, 8, tx)


async def _end_divided_case(case: CaseRow, state: CaseState, tx: Transaction) -> None:
    await case_store.withdraw_consents(tx.connection, case.case_id)
    await voluntary_store.cancel_reconfirmations(tx.connection, case.case_id)
    booking = await booking_store.held_booking(tx.connection, case.case_id)
    if booking:
        await give_back_places(booking, BookingState.RELEASED, tx)
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    await case_store.set_state(tx.connection, case.case_id, state)
    await review_store.end_pauses(tx.connection, case.case_id)
    for pause in pauses:
        await tx.cancel_timer(PAUSE_REVIEW, pause.pause_id)
    await tx.cancel_timer(VOLUNTARY_PERIOD, case.case_id)
    await tx.cancel_timer(SCREENING_EXPIRY, case.case_id)


def _by_human(tx: Transaction) -> bool:
    return tx.principal.subject != SYSTEM.subject
