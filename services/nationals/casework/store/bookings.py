"""Bookings. Inserting or ending one moves the centre's `held` by trigger, in the same statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.kit.transaction import Connection


class BookingState(StrEnum):
    HELD = "held"
    ADMITTED = "admitted"
    RELEASED = "released"
    EXPIRED = "expired"
    DEPARTED = "departed"


OPEN_BOOKING_STATES = frozenset({BookingState.HELD, BookingState.ADMITTED})
"""A booking in one of these takes places; in any other it has ended and given them back."""


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One booking; `places` holds only the kinds it takes."""

    booking_id: UUID
    case_id: UUID
    county: County
    """The case's."""
    centre_id: UUID
    centre_county: County
    places: Mapping[PlaceKind, int]
    state: BookingState
    expires_at: datetime
    expiry_fence: int
    is_offer: bool
    """It came from the waiting list and the household has not accepted it."""


async def insert_booking(
    connection: Connection,
    booking_id: UUID,
    case_id: UUID,
    county: County,
    centre_id: UUID,
    centre_county: County,
    places: Mapping[PlaceKind, int],
    expires_at: datetime,
    booked_by: str,
) -> None:
    """A person's booking. The places must be locked and the expiry timer armed already."""
    await connection.execute(
        """
        INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places,
                                      single_places, accessible_places, medical_places, expires_at, booked_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        booking_id,
        case_id,
        county.value,
        centre_id,
        centre_county.value,
        places.get(PlaceKind.FAMILY, 0),
        places.get(PlaceKind.SINGLE, 0),
        places.get(PlaceKind.ACCESSIBLE, 0),
        places.get(PlaceKind.MEDICAL, 0),
        expires_at,
        booked_by,
    )


async def find_case_id(connection: Connection, booking_id: UUID) -> UUID | None:
    """The booking's case, without locking: the case is locked first, then the booking is read."""
    return await connection.fetchval("SELECT case_id FROM casework.booking WHERE booking_id = $1", booking_id)


async def is_unexpired(connection: Connection, booking_id: UUID) -> bool:
    """Whether the booking's hold still runs on the database's clock."""
    unexpired: bool = await connection.fetchval(
        "SELECT clock_timestamp() < expiry_due_at FROM casework.booking WHERE booking_id = $1", booking_id
    )
    return unexpired


async def find_booking(connection: Connection, booking_id: UUID) -> BookingRow | None:
    """One booking, read under its case's lock."""
    row = await connection.fetchrow(
        """
        SELECT booking_id, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
               medical_places, state, expires_at, expiry_fence,
               waiting_entry_id IS NOT NULL AND accepted_at IS NULL AS is_offer
        FROM casework.booking WHERE booking_id = $1
        """,
        booking_id,
    )
    return _booking(row) if row else None


async def held_booking(connection: Connection, case_id: UUID) -> BookingRow | None:
    """The booking that the case has now, held or admitted, if any, read under the case's lock."""
    booking_id = await connection.fetchval(
        "SELECT booking_id FROM casework.booking WHERE case_id = $1 AND state IN ('held', 'admitted')", case_id
    )
    return await find_booking(connection, booking_id) if booking_id else None


async def end_booking(connection: Connection, booking_id: UUID, state: BookingState) -> BookingState | None:
    """End a held or admitted booking; returns which it was, None if it was ended before. The places must be locked already."""
    was: str | None = await connection.fetchval(
        """
        WITH before AS (
            SELECT booking_id, state FROM casework.booking
            WHERE booking_id = $1 AND state IN ('held', 'admitted') FOR UPDATE
        )
        UPDATE casework.booking SET state = $2, ended_at = now() FROM before
        WHERE booking.booking_id = before.booking_id
        RETURNING before.state
        """,
        booking_id,
        state.value,
    )
    return BookingState(was) if was else None


async def accept_offer(connection: Connection, booking_id: UUID, expires_at: datetime) -> None:
    """The household accepts. Its case must be locked and the expiry timer armed anew already."""
    await connection.execute(
        "UPDATE casework.booking SET accepted_at = now(), expires_at = $2 WHERE booking_id = $1", booking_id, expires_at
    )


async def admit_booking(connection: Connection, booking_id: UUID, admitted_by: str) -> None:
    """The held booking's household has arrived. Case and places must be locked already, in this order."""
    await connection.execute(
        """
        UPDATE casework.booking SET state = 'admitted', admitted_by = $2, admitted_at = now() WHERE booking_id = $1
        """,
        booking_id,
        admitted_by,
    )


def _booking(row: Record) -> BookingRow:
    return BookingRow(
        booking_id=row["booking_id"],
        case_id=row["case_id"],
        county=County(row["county"]),
        centre_id=row["centre_id"],
        centre_county=County(row["centre_county"]),
        places=places_of(row),
        state=BookingState(row["state"]),
        expires_at=row["expires_at"],
        expiry_fence=row["expiry_fence"],
        is_offer=row["is_offer"],
    )


def places_of(row: Record) -> dict[PlaceKind, int]:
    """The kinds that a booking or a waiting entry takes, with their numbers."""
    places = {
        PlaceKind.FAMILY: row["family_places"],
        PlaceKind.SINGLE: row["single_places"],
        PlaceKind.ACCESSIBLE: row["accessible_places"],
        PlaceKind.MEDICAL: row["medical_places"],
    }
    return {kind: count for kind, count in places.items() if count}
