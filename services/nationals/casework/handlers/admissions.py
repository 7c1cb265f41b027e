"""A booked household arrives in the centre: its places go from held to used."""

from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain import capacity_refusals, refusals
from services.nationals.casework.domain.case_facts import Attempt
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.handlers.case_reading import read_facts
from services.nationals.casework.handlers.places import BOOKING_EXPIRY, announce_admitted, lock_places
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store.bookings import BookingState
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


class AdmitHousehold(BaseModel):
    booking_id: UUID


class HouseholdAdmitted(BaseModel):
    booking_id: UUID
    centre_id: UUID
    state: BookingState
    admitted: bool
    """False: it had been admitted before; nothing changed."""


async def admit_household(command: AdmitHousehold, tx: Transaction) -> HouseholdAdmitted:
    """Record that the whole household arrived in the centre; its booking then no longer expires.

    For the people of the centre's county, whatever the county of the case. They need not know what a case lacks: a guard that
    fails is told as `ADMISSION_NOT_CLEARED` alone. Raises Refusal (404; 409 unless the booking is held and unexpired).
    """
    found = await booking_store.find_booking(tx.connection, command.booking_id)
    if found is None or found.centre_county not in tx.principal.counties:
        raise Refusal(refusals.BOOKING_NOT_FOUND)
    if found.county not in tx.principal.counties:
        await centre_store.open_county(tx.connection, found.county)
    case = await case_store.lock_case(tx.connection, found.case_id)
    locked = await lock_places(found.centre_id, found.centre_county, tx)
    booking = await booking_store.find_booking(tx.connection, command.booking_id)
    if case is None or booking is None:
        raise Refusal(refusals.BOOKING_NOT_FOUND)
    answer = HouseholdAdmitted(
        booking_id=booking.booking_id, centre_id=booking.centre_id, state=BookingState.ADMITTED, admitted=True
    )
    if booking.state is BookingState.ADMITTED:
        return answer.model_copy(update={"admitted": False})
    if booking.state is not BookingState.HELD or not await booking_store.is_unexpired(
        tx.connection, booking.booking_id
    ):
        state = booking.state if booking.state is not BookingState.HELD else BookingState.EXPIRED
        raise Refusal(capacity_refusals.BOOKING_NOT_HELD, state=state.value, satisfied_by="a_new_booking")
    attempt = Attempt(by_human=tx.principal.subject != SYSTEM.subject)
    try:
        take(Step.ADMIT_HOUSEHOLD, await read_facts(case, tx), attempt)
    except Refusal as refusal:
        raise Refusal(
            capacity_refusals.ADMISSION_NOT_CLEARED, satisfied_by="clearance_by_the_office_of_the_case"
        ) from refusal
    await booking_store.admit_booking(tx.connection, booking.booking_id, tx.principal.subject)
    await tx.cancel_timer(BOOKING_EXPIRY, booking.booking_id)
    await announce_admitted(booking, locked, tx)
    return answer
