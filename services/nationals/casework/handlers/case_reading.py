"""Reading a case: its facts for the guards, and the logged view for people."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.case_facts import CaseFacts, CaseState, ScreeningOutcome
from services.nationals.casework.domain.child_protection import is_approved
from services.nationals.casework.domain.clearance import CLEARANCE_ROLES, ClearanceReason
from services.nationals.casework.domain.household import HouseholdNeed
from services.nationals.casework.handlers.access import require_access
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import child_protection as child_store
from services.nationals.casework.store import clearances as clearance_store
from services.nationals.casework.store import household_splits as split_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store import voluntary as voluntary_store
from services.nationals.casework.store import waiting as waiting_store
from services.nationals.casework.store.bookings import BookingState
from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.store.waiting import WaitingState
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome, PlaceKind, ReviewOffice
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction

SCREENING_READERS = frozenset({"protection_officer", "legal_officer"})
"""Roles that see what a screening found; others see only whether it is valid (need to know)."""


SPLIT_READERS = frozenset({"protection_officer"})


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


class ClearanceView(BaseModel):
    """A proposal to end a pause, for its second person."""

    clearance_id: UUID
    pause_id: UUID
    reason: ClearanceReason
    note: str | None
    proposed_by: str


class SplitRequestView(BaseModel):
    """A protected request, for the second protection officer."""

    split_id: UUID
    leaving: list[int]
    requested_by: str


class BookingView(BaseModel):
    booking_id: UUID
    centre_id: UUID
    places: dict[PlaceKind, int]
    expires_at: datetime
    state: BookingState
    is_offer: bool
    """Places of a waiting list, held until the household answers."""


class WaitingView(BaseModel):
    entry_id: UUID
    centre_id: UUID
    places: dict[PlaceKind, int]
    state: WaitingState
    entered_at: datetime


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
    reconfirmed_until: datetime | None
    heard_privately: list[int]
    screenings: list[ScreeningView]
    pauses: list[PauseView]
    clearances: list[ClearanceView]
    """Empty for a reader who cannot clear a pause."""
    split_request: SplitRequestView | None
    """None for a reader who is no protection officer: the request is protected."""
    booking: BookingView | None
    waiting_list: WaitingView | None
    legal_review_id: UUID | None


async def require_case(case_id: UUID, tx: Transaction) -> CaseRow:
    """The case under its row lock, for who has access to it: the one door to a case.

    Raises Refusal (404) if it does not exist for the caller, (403) if the caller is not assigned to it.
    """
    case = await find_case(case_id, tx)
    await require_access(case, tx)
    return case


async def find_case(case_id: UUID, tx: Transaction) -> CaseRow:
    """The case under its row lock, whoever asks: only for a withdrawal, which nobody may be kept from recording (safeguard 3),
    and for break-glass itself. Raises Refusal (404) if it does not exist for the caller.
    """
    case = await case_store.lock_case(tx.connection, case_id)
    if case is None:
        raise Refusal(refusals.CASE_NOT_FOUND)
    return case


async def read_facts(case: CaseRow, tx: Transaction) -> CaseFacts:
    """What the guards look at, read under the case's lock."""
    pauses = await review_store.open_pauses(tx.connection, case.case_id)
    entry = await waiting_store.open_entry(tx.connection, case.case_id)
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
        is_waiting=entry is not None and entry.state is WaitingState.WAITING,
        adults=case.household.adults,
        heard_privately=await voluntary_store.heard_persons(tx.connection, case.case_id),
        reconfirmed_until=await voluntary_store.reconfirmed_until(tx.connection, case.case_id),
        child_procedure_approved=case.unaccompanied_child
        and is_approved(
            case.household,
            await child_store.list_child_records(tx.connection, case.case_id),
            (await clearance_store.cleared_to(tx.connection, case.case_id)).get(8, 0),
        ),
    )


async def read_case(command: ReadCase, tx: Transaction) -> CaseView:
    """Show one case and log who read it and why, in one transaction. Raises Refusal (404)."""
    case = await require_case(command.case_id, tx)
    await case_store.insert_read(tx.connection, case, tx.principal.subject, command.purpose.value)
    facts = await read_facts(case, tx)
    booking = await booking_store.held_booking(tx.connection, case.case_id)
    entry = await waiting_store.open_entry(tx.connection, case.case_id)
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
        reconfirmed_until=facts.reconfirmed_until,
        heard_privately=sorted(facts.heard_privately),
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
        clearances=await _clearances(case, tx),
        split_request=await _split_request(case, tx),
        booking=BookingView(
            booking_id=booking.booking_id,
            centre_id=booking.centre_id,
            places=dict(booking.places),
            expires_at=booking.expires_at,
            state=booking.state,
            is_offer=booking.is_offer,
        )
        if booking
        else None,
        waiting_list=WaitingView(
            entry_id=entry.entry_id,
            centre_id=entry.centre_id,
            places=dict(entry.places),
            state=entry.state,
            entered_at=entry.entered_at,
        )
        if entry
        else None,
        legal_review_id=await review_store.find_legal_review_id(tx.connection, case.case_id),
    )


async def _clearances(case: CaseRow, tx: Transaction) -> list[ClearanceView]:
    if not tx.principal.has_any_role(CLEARANCE_ROLES):
        return []
    return [
        ClearanceView(
            clearance_id=row.clearance_id,
            pause_id=row.pause_id,
            reason=row.reason,
            note=row.note,
            proposed_by=row.proposed_by,
        )
        for row in await clearance_store.open_clearances(tx.connection, case.case_id)
    ]


async def _split_request(case: CaseRow, tx: Transaction) -> SplitRequestView | None:
    if not tx.principal.has_any_role(SPLIT_READERS):
        return None
    split = await split_store.open_split(tx.connection, case.case_id)
    return (
        SplitRequestView(split_id=split.split_id, leaving=list(split.leaving), requested_by=split.requested_by)
        if split
        else None
    )
