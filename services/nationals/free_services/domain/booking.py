"""Booking a slot by a claim code: a random code printed for the visitor, who stays unknown."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

from services.nationals.free_services.domain import slot_refusals as refusals
from shared.contracts.refusals import Refusal
from shared.persian.calendar import office_date

CLAIM_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No characters that look alike on paper."""
CLAIM_CHARACTERS = 12
"""Some 58 bits: nobody guesses one that is in use."""
CLAIM_TEXT_MAX = 40
CHECK_IN_EARLY = timedelta(hours=1)
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")


class BookingState(StrEnum):
    """`held` until the visitor gives the slot back, is received, or does not come."""

    HELD = "held"
    RELEASED = "released"
    CHECKED_IN = "checked_in"
    NO_SHOW = "no_show"


def printed(code: str) -> str:
    """The code in groups of four, as it is printed."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def claim_hash(written: str) -> bytes:
    """What is stored of a code (32 bytes); as it is typed, with or without dashes. Raises Refusal if it is no code."""
    code = "".join(written.translate(_DIGITS).upper().replace("-", "").split())
    if len(code) != CLAIM_CHARACTERS or not set(code) <= set(CLAIM_ALPHABET):
        raise Refusal(refusals.CLAIM_CODE_UNREADABLE)
    return hashlib.sha256(code.encode()).digest()


def check_bookable(starts_at: datetime, capacity: int, booked: int, now: datetime) -> None:
    """Raises Refusal for a slot that has begun or is full."""
    if starts_at <= now:
        raise Refusal(refusals.SLOT_BEGUN)
    if booked >= capacity:
        raise Refusal(refusals.SLOT_FULL, capacity=capacity)


def check_step(state: BookingState, to: BookingState, starts_at: datetime, minutes: int, now: datetime) -> None:
    """Raises Refusal unless a booking may take this step now."""
    if state is not BookingState.HELD:
        raise Refusal(refusals.BOOKING_ENDED, state=state.value)
    ended = now >= starts_at + timedelta(minutes=minutes)
    if to is BookingState.RELEASED and ended:
        raise Refusal(refusals.SLOT_OVER)
    if to is BookingState.NO_SHOW and not ended:
        raise Refusal(refusals.SLOT_NOT_OVER)
    if to is BookingState.CHECKED_IN and not (
        starts_at - CHECK_IN_EARLY <= now and office_date(now) == office_date(starts_at)
    ):
        raise Refusal(refusals.NOT_THE_TIME_TO_CHECK_IN)


def waited_minutes(starts_at: datetime, received_at: datetime) -> int:
    """Whole minutes between the slot's time and the moment the visitor is received; 0 for one received early."""
    return max(0, int((received_at - starts_at).total_seconds() // 60))
