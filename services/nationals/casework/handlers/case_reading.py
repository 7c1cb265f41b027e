"""Reading a case: its facts for the guards, and the logged view for people."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.case_facts import CaseFacts, CaseState, ScreeningOutcome
from services.nationals.casework.domain.household import HouseholdNeed
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome, PlaceKind, ReviewOffice
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction

SCREENING_READERS = frozenset({"protection_officer", "legal_officer"})
"""Roles that see what a screening found; others see only whether it is valid (need to know)."""


class ReadPurpose(StrEnum):
    CASEWORK = "casework"
    PROTECTION_SCREENING = "protection_screening"
    LEGAL_REVIEW = "legal_review"
    SUPERVISION = "supervision"
    HOUSEHOLD_REQUEST = "household_request"


class ReadCase(BaseModel):
    case_id: UUID
    purpose: ReadPurpose


class ScreeningView(BaseModel):
    person_number: int
    valid_until: datetime
    outcome: ScreeningOutcome | None
    """None for a reader who need not know it."""


class PauseView(BaseModel):
    pause_id: UUID
    safeguard: int
    owner_office: ReviewOffice
    review_by: datetime
    reminders: int


class BookingView(BaseModel):
    booking_id: UUID
    centre_id: UUID
    places: dict[PlaceKind, int]
    expires_at: datetime


class CaseView(BaseModel):
    case_id: UUID
    county: County
    reference: str
    adults: int
    children_under_5: int
    children_5_to_17: int
    household_size: int
    unaccompanied_child: bool
    needs: list[HouseholdNeed]
    state: CaseState
    outcome: CaseOutcome | None
    opened_at: datetime
    voluntary_until: datetime
    information_version: int | None
    consent_in_force: bool
    screenings: list[ScreeningView]
    pauses: list[PauseView]
    booking: BookingView | None
    legal_review_id: UUID | None


async def require_case(case_id: UUID, tx: Transaction) -> CaseRow:
    """The case under its row lock. Raises Refusal (404) if it does not exist for the caller."""
    case = await case_store.lock_case(tx.connection, case_id)
    if case is None:
        raise Refusal(refusals.CASE_NOT_FOUND)
    return case


async def read_facts(case: CaseRow, tx: Transaction) -> CaseFacts:
    """What the guards look at, read under the case's lock."""
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    return CaseFacts(
        state=case.state,
        household_size=case.household.size,
        unaccompanied_child=case.unaccompanied_child,
        now=tx.now,
        information=await case_store.latest_information(tx.connection, case.case_id),
        consent=await case_store.latest_consent(tx.connection, case.case_id),
        screenings=await case_store.latest_screenings(tx.connection, case.case_id),
        open_pauses=frozenset(pause.safeguard for pause in pauses),
        has_booking=await booking_store.held_booking(tx.connection, case.case_id) is not None,
    )


async def read_case(command: ReadCase, tx: Transaction) -> CaseView:
    """Show one case and log who read it and why, in one transaction. Raises Refusal (404)."""
    case = await require_case(command.case_id, tx)
    await case_store.insert_read(tx.connection, case, tx.principal.subject, command.purpose.value)
    facts = await read_facts(case, tx)
    booking = await booking_store.held_booking(tx.connection, case.case_id)
    sees_outcomes = tx.principal.has_any_role(SCREENING_READERS)
    return CaseView(
        case_id=case.case_id,
        county=case.county,
        reference=case.reference,
        adults=case.household.adults,
        children_under_5=case.household.children_under_5,
        children_5_to_17=case.household.children_5_to_17,
        household_size=case.household.size,
        unaccompanied_child=case.unaccompanied_child,
        needs=list(case.needs),
        state=case.state,
        outcome=case.outcome,
        opened_at=case.opened_at,
        voluntary_until=case.voluntary_until,
        information_version=facts.information.version if facts.information else None,
        consent_in_force=facts.consent is not None
        and facts.consent.is_free
        and facts.consent.covers(facts.information),
        screenings=[
            ScreeningView(
                person_number=person,
                valid_until=screening.valid_until,
                outcome=screening.outcome if sees_outcomes else None,
            )
            for person, screening in sorted(facts.screenings.items())
        ],
        pauses=[
            PauseView(
                pause_id=pause.pause_id,
                safeguard=pause.safeguard,
                owner_office=pause.owner_office,
                review_by=pause.review_by,
                reminders=pause.reminders,
            )
            for pause in await review_store.open_pauses(tx.connection, case.case_id)
        ],
        booking=BookingView(
            booking_id=booking.booking_id,
            centre_id=booking.centre_id,
            places=dict(booking.places),
            expires_at=booking.expires_at,
        )
        if booking
        else None,
        legal_review_id=await review_store.find_legal_review_id(tx.connection, case.case_id),
    )
