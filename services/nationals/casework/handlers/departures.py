"""A household leaves, of its own will and as a whole. Nothing here counts departures, sets a target or compares."""

from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain.case_facts import Attempt, CaseState
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.handlers.case_reading import read_facts, require_case
from services.nationals.casework.handlers.places import give_back_places
from services.nationals.casework.handlers.screening_expiry import SCREENING_EXPIRY
from services.nationals.casework.handlers.voluntary_period import VOLUNTARY_PERIOD
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store.bookings import BookingState
from shared.contracts.nationals import HouseholdDeparted
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


class RecordDeparture(BaseModel):
    case_id: UUID


class DepartureRecorded(BaseModel):
    case_id: UUID
    state: CaseState


async def record_departure(command: RecordDeparture, tx: Transaction) -> DepartureRecorded:
    """The booked household departs: its places are given back and its case ends.

    Raises Refusal with the number of the first safeguard that is not met (1, 2, 5, 6, 7, 8, 9), or 404.
    """
    case = await require_case(command.case_id, tx)
    booking = await booking_store.held_booking(tx.connection, case.case_id)
    attempt = Attempt(
        places=sum(booking.places.values()) if booking else 0, by_human=tx.principal.subject != SYSTEM.subject
    )
    state = take(Step.DEPART, await read_facts(case, tx), attempt)
    if booking:
        await give_back_places(booking, BookingState.DEPARTED, tx)
    await case_store.set_state(tx.connection, case.case_id, state)
    await tx.cancel_timer(VOLUNTARY_PERIOD, case.case_id)
    await tx.cancel_timer(SCREENING_EXPIRY, case.case_id)
    await tx.publish(HouseholdDeparted(case_id=case.case_id, county=case.county))
    return DepartureRecorded(case_id=case.case_id, state=state)
