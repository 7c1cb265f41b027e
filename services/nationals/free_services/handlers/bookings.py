"""Booking slots by claim code. Who books is not asked and not recorded."""

import secrets
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.free_services.domain import slot_refusals as refusals
from services.nationals.free_services.domain.booking import (
    CLAIM_ALPHABET,
    CLAIM_CHARACTERS,
    BookingState,
    check_bookable,
    check_step,
    claim_hash,
    printed,
    waited_minutes,
)
from services.nationals.free_services.store import slots as store
from services.nationals.free_services.store.slots import Slot
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class BookSlot(BaseModel):
    slot_id: UUID


class SlotBooked(BaseModel):
    """`claim_code` is to be printed for the visitor; the booking keeps only its hash.

    A request with an Idempotency-Key gets the same code again, from the stored answers of commands.
    """

    claim_code: str
    service: FreeService
    starts_at: datetime


class UseClaim(BaseModel):
    claim_code: str


class ClaimUsed(BaseModel):
    """The booking's state now. `waited_minutes`: between the slot's time and a check-in."""

    slot_id: UUID
    state: BookingState
    waited_minutes: int | None = None


class RecordNoShows(BaseModel):
    slot_id: UUID


class NoShowsRecorded(BaseModel):
    slot_id: UUID
    bookings: int


async def book_slot(command: BookSlot, tx: Transaction) -> SlotBooked:
    """Take one place of a slot. Raises Refusal: 404; 409 if it is full or has begun."""
    slot = await _require_slot(command.slot_id, tx)
    check_bookable(slot.starts_at, slot.capacity, slot.booked, tx.now)
    code = "".join(secrets.choice(CLAIM_ALPHABET) for _ in range(CLAIM_CHARACTERS))
    await store.insert_booking(tx.connection, uuid7(), slot.slot_id, slot.county, claim_hash(code))
    return SlotBooked(claim_code=printed(code), service=slot.service, starts_at=slot.starts_at)


async def release_claim(command: UseClaim, tx: Transaction) -> ClaimUsed:
    """Give the place back, until the slot is over. Raises Refusal: 404, 409, 422."""
    slot = await _end(command.claim_code, BookingState.RELEASED, tx)
    return ClaimUsed(slot_id=slot.slot_id, state=BookingState.RELEASED)


async def check_in(command: UseClaim, tx: Transaction) -> ClaimUsed:
    """The visitor with this code is received now. Raises Refusal: 404, 409, 422."""
    slot = await _end(command.claim_code, BookingState.CHECKED_IN, tx)
    return ClaimUsed(
        slot_id=slot.slot_id,
        state=BookingState.CHECKED_IN,
        waited_minutes=waited_minutes(slot.starts_at, tx.now),
    )


async def record_no_shows(command: RecordNoShows, tx: Transaction) -> NoShowsRecorded:
    """Nobody came for what is still held of a slot that is over. Raises Refusal: 404; 409 before its end."""
    slot = await _require_slot(command.slot_id, tx)
    check_step(BookingState.HELD, BookingState.NO_SHOW, slot.starts_at, slot.minutes, tx.now)
    bookings = await store.end_held_bookings(tx.connection, slot.slot_id)
    return NoShowsRecorded(slot_id=slot.slot_id, bookings=bookings)


async def _end(claim_code: str, state: BookingState, tx: Transaction) -> Slot:
    hashed = claim_hash(claim_code)
    slot_id = await store.find_slot_of_claim(tx.connection, hashed)
    if slot_id is None:
        raise Refusal(refusals.CLAIM_CODE_UNKNOWN)
    slot = await _require_slot(slot_id, tx)
    booking = await store.read_booking(tx.connection, hashed)
    check_step(booking.state, state, slot.starts_at, slot.minutes, tx.now)
    await store.end_booking(tx.connection, booking.booking_id, state)
    return slot


async def _require_slot(slot_id: UUID, tx: Transaction) -> Slot:
    slot = await store.lock_slot(tx.connection, slot_id)
    if slot is None:
        raise Refusal(refusals.SLOT_NOT_FOUND)
    return slot
