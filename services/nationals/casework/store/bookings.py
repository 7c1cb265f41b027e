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
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One booking; `places` holds only the kinds it takes."""

    booking_id: UUID
    case_id: UUID
    centre_id: UUID
    centre_county: County
    places: Mapping[PlaceKind, int]
    state: BookingState
    expires_at: datetime
    expiry_fence: int


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
    """The places must be locked and the expiry timer armed already."""
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


async def find_booking(connection: Connection, booking_id: UUID) -> BookingRow | None:
    """One booking, read under its case's lock."""
    row = await connection.fetchrow(
        """
        SELECT booking_id, case_id, centre_id, centre_county, family_places, single_places, accessible_places,
               medical_places, state, expires_at, expiry_fence
        FROM casework.booking WHERE booking_id = $1
        """,
        booking_id,
    )
    return _booking(row) if row else None


async def held_booking(connection: Connection, case_id: UUID) -> BookingRow | None:
    """The booking that the case holds now, if any, read under the case's lock."""
    booking_id = await connection.fetchval(
        "SELECT booking_id FROM casework.booking WHERE case_id = $1 AND state = 'held'", case_id
    )
    return await find_booking(connection, booking_id) if booking_id else None


async def end_booking(connection: Connection, booking_id: UUID, state: BookingState) -> bool:
    """End a held booking; False if it was ended before."""
    status = await connection.execute(
        "UPDATE casework.booking SET state = $2, ended_at = now() WHERE booking_id = $1 AND state = 'held'",
        booking_id,
        state.value,
    )
    return status == "UPDATE 1"


def _booking(row: Record) -> BookingRow:
    places = {
        PlaceKind.FAMILY: row["family_places"],
        PlaceKind.SINGLE: row["single_places"],
        PlaceKind.ACCESSIBLE: row["accessible_places"],
        PlaceKind.MEDICAL: row["medical_places"],
    }
    return BookingRow(
        booking_id=row["booking_id"],
        case_id=row["case_id"],
        centre_id=row["centre_id"],
        centre_county=County(row["centre_county"]),
        places={kind: count for kind, count in places.items() if count},
        state=BookingState(row["state"]),
        expires_at=row["expires_at"],
        expiry_fence=row["expiry_fence"],
    )
