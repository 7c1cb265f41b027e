"""The waiting list of a centre, and the household's answer to an offer. Each step is a person's, at the household's wish."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import capacity_refusals, refusals
from services.nationals.casework.domain.capacity import can_hold, check_can_wait
from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.handlers.bookings import BookingReleased, end_booking, lock_booking
from services.nationals.casework.handlers.case_reading import read_facts, require_case
from services.nationals.casework.handlers.places import BOOKING_EXPIRY, announce_offer_ended, lock_places
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store import waiting as waiting_store
from services.nationals.casework.store.bookings import BookingRow, BookingState
from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.store.waiting import WaitingState
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction

WAITING_LIST_REVIEW = "nationals.waiting_list_review"


class JoinWaitingList(BaseModel):
    case_id: UUID
    centre_id: UUID
    places: dict[PlaceKind, int]


class WaitingListJoined(BaseModel):
    entry_id: UUID
    case_id: UUID
    centre_id: UUID
    state: WaitingState
    entered_at: datetime
    """What the order goes by, and nothing else."""


class LeaveWaitingList(BaseModel):
    case_id: UUID


class WaitingListLeft(BaseModel):
    case_id: UUID
    left: bool
    """False: it was on no list; nothing changed."""


class AnswerOffer(BaseModel):
    booking_id: UUID


class OfferAccepted(BaseModel):
    booking_id: UUID
    case_id: UUID
    state: CaseState
    expires_at: datetime


async def join_waiting_list(command: JoinWaitingList, tx: Transaction) -> WaitingListJoined:
    """Wait for places of one centre: for a household that lacks nothing for a booking but free places.

    A household that did not answer an offer is woken by the same command and keeps its place in the order. Raises Refusal as a
    booking does, and if the places are free, could never be, or the household waits already.
    """
    case = await require_case(command.case_id, tx)
    attempt = Attempt(places=sum(command.places.values()), by_human=_by_human(tx))
    take(Step.JOIN_WAITING_LIST, await read_facts(case, tx), attempt)
    county = await centre_store.find_county(tx.connection, command.centre_id)
    if county is None:
        raise Refusal(refusals.CENTRE_NOT_FOUND)
    locked = await lock_places(command.centre_id, county, tx)
    check_can_wait(locked, command.places)
    entry = await waiting_store.open_entry(tx.connection, case.case_id)
    if entry is None:
        if can_hold(locked, command.places):
            raise Refusal(capacity_refusals.PLACES_ARE_FREE, satisfied_by="a_booking")
        entry_id = uuid7()
        await tx.arm_timer(WAITING_LIST_REVIEW, entry_id, casework_periods().waiting_list_review)
        await waiting_store.insert_entry(
            tx.connection,
            entry_id,
            case.case_id,
            case.county,
            command.centre_id,
            county,
            command.places,
            tx.principal.subject,
        )
        entered_at = tx.now
    else:
        if entry.state is not WaitingState.UNANSWERED or (entry.centre_id, dict(entry.places)) != (
            command.centre_id,
            command.places,
        ):
            raise Refusal(capacity_refusals.ALREADY_WAITING, satisfied_by="leaving_that_list")
        entry_id, entered_at = entry.entry_id, entry.entered_at
        await tx.arm_timer(WAITING_LIST_REVIEW, entry_id, casework_periods().waiting_list_review)
        await waiting_store.set_entry_state(tx.connection, entry_id, WaitingState.WAITING)
    return WaitingListJoined(
        entry_id=entry_id,
        case_id=case.case_id,
        centre_id=command.centre_id,
        state=WaitingState.WAITING,
        entered_at=entered_at,
    )


async def leave_waiting_list(command: LeaveWaitingList, tx: Transaction) -> WaitingListLeft:
    """Leave the list: always possible, costs nothing, and gives back what is on offer. Leaving twice changes nothing."""
    case = await require_case(command.case_id, tx)
    entry = await waiting_store.open_entry(tx.connection, case.case_id)
    if entry is None:
        return WaitingListLeft(case_id=case.case_id, left=False)
    if entry.state is WaitingState.OFFERED:
        booking = await booking_store.held_booking(tx.connection, case.case_id)
        if booking is not None:
            await end_booking(case, booking, BookingState.RELEASED, tx)
    else:
        await waiting_store.set_entry_state(tx.connection, entry.entry_id, WaitingState.LEFT)
    await tx.cancel_timer(WAITING_LIST_REVIEW, entry.entry_id)
    return WaitingListLeft(case_id=case.case_id, left=True)


async def accept_offer(command: AnswerOffer, tx: Transaction) -> OfferAccepted:
    """The household accepts: the held places become its booking, which now runs as long as any. Raises Refusal as a booking."""
    case, booking = await _require_open_offer(command.booking_id, tx)
    state = take(Step.ACCEPT_OFFER, await read_facts(case, tx), Attempt(by_human=_by_human(tx)))
    hold = casework_periods().booking_hold
    expires_at = tx.now + hold
    await tx.arm_timer(BOOKING_EXPIRY, booking.booking_id, hold)
    await booking_store.accept_offer(tx.connection, booking.booking_id, expires_at)
    await case_store.set_state(tx.connection, case.case_id, state)
    await announce_offer_ended(booking, tx)
    return OfferAccepted(booking_id=booking.booking_id, case_id=case.case_id, state=state, expires_at=expires_at)


async def decline_offer(command: AnswerOffer, tx: Transaction) -> BookingReleased:
    """The household says no: the places go to the next, and the household leaves the list. Nothing else happens to it."""
    case, booking = await _require_open_offer(command.booking_id, tx)
    await end_booking(case, booking, BookingState.RELEASED, tx)
    return BookingReleased(
        booking_id=booking.booking_id, case_id=case.case_id, state=BookingState.RELEASED, released=True
    )


async def _require_open_offer(booking_id: UUID, tx: Transaction) -> tuple[CaseRow, BookingRow]:
    found = await lock_booking(booking_id, tx)
    if found is None:
        raise Refusal(refusals.BOOKING_NOT_FOUND)
    booking = found[1]
    if (
        not booking.is_offer
        or booking.state is not BookingState.HELD
        or not await booking_store.is_unexpired(tx.connection, booking_id)
    ):
        raise Refusal(capacity_refusals.OFFER_NOT_OPEN, satisfied_by="a_place_on_the_waiting_list")
    return found


def _by_human(tx: Transaction) -> bool:
    return tx.principal.subject != SYSTEM.subject
