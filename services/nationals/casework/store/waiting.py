"""The centres' waiting lists: entries in the order of entering. What an entry's offers do to it follows by trigger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from services.nationals.casework.store.bookings import places_of
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.kit.transaction import Connection


class WaitingState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    UNANSWERED = "unanswered"
    """An offer expired: nothing more is offered until a person wakes the entry, which keeps its place in the order."""
    BOOKED = "booked"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One entry; `places` holds only the kinds it wants, `position` its place in the order of all entries."""

    entry_id: UUID
    position: int
    case_id: UUID
    county: County
    centre_id: UUID
    centre_county: County
    places: Mapping[PlaceKind, int]
    state: WaitingState
    entered_by: str
    entered_at: datetime


_COLUMNS = """
    entry_id, position, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
    medical_places, state, entered_by, entered_at
"""


async def insert_entry(
    connection: Connection,
    entry_id: UUID,
    case_id: UUID,
    county: County,
    centre_id: UUID,
    centre_county: County,
    places: Mapping[PlaceKind, int],
    entered_by: str,
) -> None:
    """The case and the places must be locked and the review timer armed already."""
    await connection.execute(
        """
        INSERT INTO casework.waiting_entry (entry_id, case_id, county, centre_id, centre_county, family_places,
                                            single_places, accessible_places, medical_places, entered_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        entry_id,
        case_id,
        county.value,
        centre_id,
        centre_county.value,
        places.get(PlaceKind.FAMILY, 0),
        places.get(PlaceKind.SINGLE, 0),
        places.get(PlaceKind.ACCESSIBLE, 0),
        places.get(PlaceKind.MEDICAL, 0),
        entered_by,
    )


async def find_entry(connection: Connection, entry_id: UUID) -> WaitingRow | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM casework.waiting_entry WHERE entry_id = $1", entry_id)
    return _entry(row) if row else None


async def open_entry(connection: Connection, case_id: UUID) -> WaitingRow | None:
    """The entry that the case has on a list now, if any, read under the case's lock."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM casework.waiting_entry
        WHERE case_id = $1 AND state IN ('waiting', 'offered', 'unanswered')
        """,
        case_id,
    )
    return _entry(row) if row else None


async def set_entry_state(connection: Connection, entry_id: UUID, state: WaitingState) -> None:
    """Only what people do: wake an unanswered entry, or leave the list."""
    await connection.execute("UPDATE casework.waiting_entry SET state = $2 WHERE entry_id = $1", entry_id, state.value)


async def entries_in_turn(connection: Connection, centre_id: UUID, limit: int) -> list[WaitingRow]:
    """The first entries of the centre, in order, whose cases pass every guard of a booking. Sees every county's: the worker's."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM casework.entries_in_turn($1) ORDER BY position LIMIT $2", centre_id, limit
    )
    return [_entry(row) for row in rows]


async def insert_offer(connection: Connection, booking_id: UUID, entry: WaitingRow, expires_at: datetime) -> None:
    """Hold the places that the entry asked for. The case and places must be locked and the expiry timer armed already."""
    await connection.execute(
        """
        INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, single_places,
                                      accessible_places, medical_places, expires_at, booked_by, waiting_entry_id)
        SELECT $1, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
               medical_places, $3, entered_by, entry_id
        FROM casework.waiting_entry WHERE entry_id = $2
        """,
        booking_id,
        entry.entry_id,
        expires_at,
    )


async def keep_places_for_list(connection: Connection, centre_id: UUID) -> None:
    """Say anew, for each kind, whether a household of the list that may be booked waits for it. The places must be locked."""
    await connection.execute(
        """
        UPDATE casework.centre_place AS place SET waiting_list_first = NOT waiting_list_first
        WHERE centre_id = $1 AND waiting_list_first <> EXISTS (
            SELECT FROM casework.entries_in_turn($1) AS entry WHERE casework.wants_kind(entry, place.place_kind))
        """,
        centre_id,
    )


def _entry(row: Record) -> WaitingRow:
    return WaitingRow(
        entry_id=row["entry_id"],
        position=row["position"],
        case_id=row["case_id"],
        county=County(row["county"]),
        centre_id=row["centre_id"],
        centre_county=County(row["centre_county"]),
        places=places_of(row),
        state=WaitingState(row["state"]),
        entered_by=row["entered_by"],
        entered_at=row["entered_at"],
    )
