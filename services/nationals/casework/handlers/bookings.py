"""Booking places for a whole household, giving them back, and their expiry."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.capacity import Places, check_can_hold
from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.handlers.case_reading import read_facts, require_case
from services.nationals.casework.handlers.places import BOOKING_EXPIRY, announce_held, give_back_places, lock_places
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store import waiting as waiting_store
from services.nationals.casework.store.bookings import OPEN_BOOKING_STATES, BookingRow, BookingState
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind, PlacesCause
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.logging import get_logger
from shared.kit.transaction import Transaction

log = get_logger(__name__)


class BookPlaces(BaseModel):
    case_id: UUID
    centre_id: UUID
    places: dict[PlaceKind, int]


class PlacesBooked(BaseModel):
    booking_id: UUID
    case_id: UUID
    state: CaseState
    expires_at: datetime


class ReleaseBooking(BaseModel):
    booking_id: UUID


class BookingReleased(BaseModel):
    booking_id: UUID
    case_id: UUID
    state: BookingState
    released: bool
    """False: it had ended before; nothing changed."""


async def book_places(command: BookPlaces, tx: Transaction) -> PlacesBooked:
    """Hold a place for every person of the household in one centre of any county, until the booking expires, or hold none.

    Raises Refusal with the number of the first safeguard that is not met (1, 2, 4, 5, 7, 8, 9, 11), or 404.
    """
    case = await require_case(command.case_id, tx)
    attempt = Attempt(places=sum(command.places.values()), by_human=tx.principal.subject != SYSTEM.subject)
    state = take(Step.BOOK_PLACES, await read_facts(case, tx), attempt)
    centre_county = await centre_store.find_county(tx.connection, command.centre_id)
    if centre_county is None:
        raise Refusal(refusals.CENTRE_NOT_FOUND)
    locked = await _lock_places_to_book(case, command.centre_id, centre_county, tx)
    check_can_hold(locked, command.places)
    hold = casework_periods().booking_hold
    booking_id = uuid7()
    expires_at = tx.now + hold
    await tx.arm_timer(BOOKING_EXPIRY, booking_id, hold)
    await booking_store.insert_booking(
        tx.connection,
        booking_id,
        case.case_id,
        case.county,
        command.centre_id,
        centre_county,
        command.places,
        expires_at,
        tx.principal.subject,
    )
    await case_store.set_state(tx.connection, case.case_id, state)
    await announce_held(command.centre_id, centre_county, locked, command.places, PlacesCause.HELD, tx)
    return PlacesBooked(booking_id=booking_id, case_id=case.case_id, state=state, expires_at=expires_at)


async def _lock_places_to_book(
    case: CaseRow, centre_id: UUID, county: County, tx: Transaction
) -> dict[PlaceKind, Places]:
    """The centre's places under their lock, and those of a centre whose waiting list the household leaves by booking here.

    Two centres are locked in the order of their ids, so that two households that change over between them never deadlock.
    """
    counties = {centre_id: county}
    entry = await waiting_store.open_entry(tx.connection, case.case_id)
    if entry is not None:
        counties.setdefault(entry.centre_id, entry.centre_county)
    locked = {wanted: await lock_places(wanted, counties[wanted], tx) for wanted in sorted(counties)}
    return locked[centre_id]


async def release_booking(command: ReleaseBooking, tx: Transaction) -> BookingReleased:
    """Give the places back. Releasing what has ended changes nothing and says so. Raises Refusal (404)."""
    found = await lock_booking(command.booking_id, tx)
    if found is None:
        raise Refusal(refusals.BOOKING_NOT_FOUND)
    case, booking = found
    if booking.state not in OPEN_BOOKING_STATES:
        return BookingReleased(booking_id=booking.booking_id, case_id=case.case_id, state=booking.state, released=False)
    await end_booking(case, booking, BookingState.RELEASED, tx)
    return BookingReleased(
        booking_id=booking.booking_id, case_id=case.case_id, state=BookingState.RELEASED, released=True
    )


async def expire_booking(booking_id: UUID, fence: int, tx: Transaction) -> None:
    """The booking's timer is due: give the places back, unless the booking has ended or the timer is not its own."""
    found = await lock_booking(booking_id, tx)
    if found is None or found[1].state is not BookingState.HELD or found[1].expiry_fence != fence:
        log.info("booking_expiry_ignored", booking_id=str(booking_id), fence=fence)
        return
    await end_booking(*found, BookingState.EXPIRED, tx)


async def lock_booking(booking_id: UUID, tx: Transaction) -> tuple[CaseRow, BookingRow] | None:
    """The booking under its case's lock: release and expiry of one booking follow each other."""
    case_id = await booking_store.find_case_id(tx.connection, booking_id)
    if case_id is None:
        return None
    case = await require_case(case_id, tx)
    booking = await booking_store.find_booking(tx.connection, booking_id)
    return (case, booking) if booking else None


async def end_booking(case: CaseRow, booking: BookingRow, state: BookingState, tx: Transaction) -> None:
    """End a booking or an offer that is open, read under its case's lock. An offer never moved its case, nor does its end."""
    case_state = take(Step.END_BOOKING, await read_facts(case, tx))
    await give_back_places(booking, state, tx)
    if case_state is not case.state:
        await case_store.set_state(tx.connection, case.case_id, case_state)
