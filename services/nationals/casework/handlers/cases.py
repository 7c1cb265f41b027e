"""The household's way through its case: opening, information, screening, consent, withdrawal, closure."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.case_facts import (
    Attempt,
    CaseState,
    Consent,
    Information,
    InterpreterRelation,
    Screening,
    ScreeningOutcome,
)
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.domain.household import Household, HouseholdNeed, check_household, check_reference
from services.nationals.casework.handlers.case_reading import find_case, read_facts, require_case
from services.nationals.casework.handlers.legal_stage import cancel_legal_stage_timers
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, VOLUNTARY_PERIOD, open_pause
from services.nationals.casework.handlers.places import give_back_places
from services.nationals.casework.handlers.screening_expiry import SCREENING_EXPIRY, watch_screenings
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store import voluntary as voluntary_store
from services.nationals.casework.store.bookings import BookingState
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.contracts.nationals import (
    CaseOutcome,
    ReturnCaseClosed,
    ReturnCaseOpened,
    ReturnConsentRecorded,
    ReturnConsentWithdrawn,
)
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction

SAFEGUARD_OF_OUTCOME = {
    ScreeningOutcome.PROTECTION_NEED: 5,
    ScreeningOutcome.MEDICAL_FLAG: 9,
    ScreeningOutcome.VULNERABILITY_FLAG: 9,
}
"""Safeguard under which a screening's outcome pauses the case; a clear one pauses nothing."""


class OpenCase(BaseModel):
    reference: str
    county: County
    adults: int
    children_under_5: int
    children_5_to_17: int
    unaccompanied_child: bool
    needs: list[HouseholdNeed]


class CaseOpened(BaseModel):
    case_id: UUID
    state: CaseState
    voluntary_until: datetime


class GiveInformation(BaseModel):
    case_id: UUID
    language: str
    information_version: int
    interpreter: InterpreterRelation


class InformationGiven(BaseModel):
    session_id: UUID
    case_id: UUID
    state: CaseState


class ScreenPerson(BaseModel):
    case_id: UUID
    person_number: int
    outcome: ScreeningOutcome
    valid_days: int | None


class PersonScreened(BaseModel):
    screening_id: UUID
    case_id: UUID
    state: CaseState
    valid_until: datetime
    paused: bool
    """Whether this screening paused the case."""


class RecordConsent(BaseModel):
    case_id: UUID
    language: str
    interpreter: InterpreterRelation
    information_version: int
    given_freely: bool
    sign_of_pressure: bool


class ConsentRecorded(BaseModel):
    consent_id: UUID
    case_id: UUID
    state: CaseState
    accepted: bool
    """False: a sign of pressure was recorded instead, and the case is paused."""


class WithdrawConsent(BaseModel):
    case_id: UUID


class ConsentWithdrawn(BaseModel):
    case_id: UUID
    state: CaseState
    recorded: bool
    """False: it was withdrawn already, or the case is closed; nothing changed."""
    released_booking_id: UUID | None


class CloseCase(BaseModel):
    case_id: UUID
    outcome: CaseOutcome


class CaseClosed(BaseModel):
    case_id: UUID
    state: CaseState
    outcome: CaseOutcome


async def open_case(command: OpenCase, tx: Transaction) -> CaseOpened:
    """Open a case with its voluntary period running. A household without an adult is an unaccompanied child's (safeguard 8).

    Raises Refusal for a reference that is not pseudonymous or is taken, and for an impossible household.
    """
    household = Household(command.adults, command.children_under_5, command.children_5_to_17)
    check_reference(command.reference)
    check_household(household)
    if not _by_human(tx):
        raise Refusal(refusals.HUMAN_REQUIRED)
    unaccompanied_child = command.unaccompanied_child or household.is_children_only
    period = casework_periods().voluntary_period
    case_id = uuid7()
    voluntary_until = tx.now + period
    await tx.arm_timer(VOLUNTARY_PERIOD, case_id, period)
    if not await case_store.insert_case(
        tx.connection,
        case_id,
        command.county,
        command.reference,
        household,
        unaccompanied_child,
        command.needs,
        voluntary_until,
        tx.principal.subject,
    ):
        raise Refusal(refusals.REFERENCE_TAKEN)
    await tx.publish(ReturnCaseOpened(case_id=case_id, county=command.county, voluntary_until=voluntary_until))
    if unaccompanied_child:
        await open_pause(await require_case(case_id, tx), 8, tx)
    return CaseOpened(case_id=case_id, state=CaseState.OPENED, voluntary_until=voluntary_until)


async def give_information(command: GiveInformation, tx: Transaction) -> InformationGiven:
    """Record an information session. A consent given on an earlier version no longer counts afterwards (safeguard 2)."""
    case = await require_case(command.case_id, tx)
    attempt = Attempt(interpreter=command.interpreter, by_human=_by_human(tx))
    state = take(Step.GIVE_INFORMATION, await read_facts(case, tx), attempt)
    session_id = uuid7()
    await case_store.insert_information_session(
        tx.connection,
        session_id,
        case,
        Information(command.language, command.information_version),
        command.interpreter,
        tx.principal.subject,
    )
    await _move(case, state, tx)
    return InformationGiven(session_id=session_id, case_id=case.case_id, state=state)


async def screen_person(command: ScreenPerson, tx: Transaction) -> PersonScreened:
    """Record one person's protection screening; anything but `clear` pauses the case (safeguards 5, 9)."""
    case = await require_case(command.case_id, tx)
    if not 1 <= command.person_number <= case.household.size:
        raise Refusal(refusals.PERSON_NOT_IN_HOUSEHOLD, person_number=command.person_number, size=case.household.size)
    state = take(Step.SCREEN_PERSON, await read_facts(case, tx), Attempt(by_human=_by_human(tx)))
    valid_until = tx.now + timedelta(days=command.valid_days or casework_periods().screening_valid_days)
    screening_id = uuid7()
    await case_store.insert_screening(
        tx.connection,
        screening_id,
        case,
        command.person_number,
        Screening(command.outcome, valid_until),
        tx.principal.subject,
    )
    await watch_screenings(case.case_id, tx)
    safeguard = SAFEGUARD_OF_OUTCOME.get(command.outcome)
    paused = safeguard is not None and await open_pause(case, safeguard, tx)
    return PersonScreened(
        screening_id=screening_id, case_id=case.case_id, state=state, valid_until=valid_until, paused=paused
    )


async def record_consent(command: RecordConsent, tx: Transaction) -> ConsentRecorded:
    """Record the household's consent, or, if it is not free, the sign of pressure, which pauses the case and frees its places.

    A sign of pressure is never refused for want of anything else. Raises Refusal (safeguard 2 and those of open pauses).
    """
    case = await require_case(command.case_id, tx)
    consent = Consent(
        language=command.language,
        information_version=command.information_version,
        interpreter=command.interpreter,
        given_freely=command.given_freely,
        sign_of_pressure=command.sign_of_pressure,
    )
    step = Step.RECORD_CONSENT if consent.is_free else Step.RECORD_PRESSURE
    attempt = Attempt(interpreter=command.interpreter, consent=consent, by_human=_by_human(tx))
    state = take(step, await read_facts(case, tx), attempt)
    consent_id = uuid7()
    await case_store.insert_consent(tx.connection, consent_id, case, consent, tx.principal.subject)
    if consent.is_free:
        await watch_screenings(case.case_id, tx)
        await tx.publish(
            ReturnConsentRecorded(
                case_id=case.case_id, county=case.county, information_version=consent.information_version
            )
        )
    else:
        await _release_booking(case, tx)
        await open_pause(case, 2, tx)
    await _move(case, state, tx)
    return ConsentRecorded(consent_id=consent_id, case_id=case.case_id, state=state, accepted=consent.is_free)


async def withdraw_consent(command: WithdrawConsent, tx: Transaction) -> ConsentWithdrawn:
    """Withdraw: succeeds from every state before departure, costs nothing, gives every place back (safeguard 3).

    Asking twice changes nothing. After departure it is too late: raises Refusal (409), kindly.
    """
    case = await find_case(command.case_id, tx)
    state = take(Step.WITHDRAW, await read_facts(case, tx))
    if case.state in {CaseState.CLOSED, CaseState.SPLIT, CaseState.REFERRED}:
        return ConsentWithdrawn(case_id=case.case_id, state=state, recorded=False, released_booking_id=None)
    withdrawn = await case_store.withdraw_consents(tx.connection, case.case_id)
    await voluntary_store.cancel_reconfirmations(tx.connection, case.case_id)
    released = await _release_booking(case, tx)
    await _move(case, state, tx)
    recorded = withdrawn > 0 or released is not None or state is not case.state
    if recorded:
        await tx.publish(ReturnConsentWithdrawn(case_id=case.case_id, county=case.county))
    return ConsentWithdrawn(case_id=case.case_id, state=state, recorded=recorded, released_booking_id=released)


async def close_case(command: CloseCase, tx: Transaction) -> CaseClosed:
    """A person closes the case with one of the outcomes that are no measure (safeguard 10); places, pauses and timers end."""
    case = await require_case(command.case_id, tx)
    attempt = Attempt(closes_as_withdrawn=command.outcome is CaseOutcome.WITHDRAWN, by_human=_by_human(tx))
    state = take(Step.CLOSE, await read_facts(case, tx), attempt)
    await _release_booking(case, tx)
    await cancel_legal_stage_timers(case, tx)
    await case_store.set_closed(tx.connection, case.case_id, command.outcome)
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    await review_store.end_pauses(tx.connection, case.case_id)
    for pause in pauses:
        await tx.cancel_timer(PAUSE_REVIEW, pause.pause_id)
    await tx.cancel_timer(VOLUNTARY_PERIOD, case.case_id)
    await tx.cancel_timer(SCREENING_EXPIRY, case.case_id)
    await tx.publish(
        ReturnCaseClosed(
            case_id=case.case_id,
            county=case.county,
            outcome=command.outcome,
            was_awaiting_legal_review=case.state is CaseState.AWAITING_LEGAL_REVIEW,
        )
    )
    return CaseClosed(case_id=case.case_id, state=state, outcome=command.outcome)


async def _release_booking(case: CaseRow, tx: Transaction) -> UUID | None:
    booking = await booking_store.held_booking(tx.connection, case.case_id)
    if booking is None:
        return None
    await give_back_places(booking, BookingState.RELEASED, tx)
    return booking.booking_id


async def _move(case: CaseRow, state: CaseState, tx: Transaction) -> None:
    if state is not case.state:
        await case_store.set_state(tx.connection, case.case_id, state)


def _by_human(tx: Transaction) -> bool:
    return tx.principal.subject != SYSTEM.subject
