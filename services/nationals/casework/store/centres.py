"""Centres and their places. `held`, `used` and `capacity` are never written here: they follow by trigger (safeguard 11)."""

from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from services.nationals.casework.domain.capacity import Places
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class CentreRow:
    centre_id: UUID
    county: County
    name: str


@dataclass(frozen=True, slots=True)
class PlaceRow:
    centre_id: UUID
    place_kind: PlaceKind
    places: Places


async def insert_centre(connection: Connection, centre_id: UUID, county: County, name: str, created_by: str) -> bool:
    """False if the county already has a centre of that name."""
    status = await connection.execute(
        """
        INSERT INTO casework.centre (centre_id, county, name, created_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (county, name) DO NOTHING
        """,
        centre_id,
        county.value,
        name,
        created_by,
    )
    return status == "INSERT 0 1"


async def find_county(connection: Connection, centre_id: UUID) -> County | None:
    """The centre's county; None if there is no such centre. Every caller may see every centre."""
    county = await connection.fetchval("SELECT county FROM casework.centre WHERE centre_id = $1", centre_id)
    return County(county) if county else None


async def list_centres(
    connection: Connection, county: County | None, after: UUID | None, limit: int
) -> list[CentreRow]:
    """Centres in the order of their ids, after `after`."""
    rows = await connection.fetch(
        """
        SELECT centre_id, county, name FROM casework.centre
        WHERE ($1::text IS NULL OR county = $1) AND ($2::uuid IS NULL OR centre_id > $2)
        ORDER BY centre_id LIMIT $3
        """,
        county.value if county else None,
        after,
        limit,
    )
    return [CentreRow(row["centre_id"], County(row["county"]), row["name"]) for row in rows]


async def list_places(connection: Connection, centre_ids: list[UUID] | None) -> list[PlaceRow]:
    """Places of these centres (None: of all), without locking."""
    rows = await connection.fetch(
        """
        SELECT centre_id, place_kind, capacity, held, used, threshold_percent, capacity_target, waiting_list_first
        FROM casework.centre_place
        WHERE $1::uuid[] IS NULL OR centre_id = ANY ($1)
        ORDER BY centre_id, place_kind
        """,
        centre_ids,
    )
    return [PlaceRow(row["centre_id"], PlaceKind(row["place_kind"]), _places(row)) for row in rows]


async def ensure_place_kind(connection: Connection, centre_id: UUID, county: County, place_kind: PlaceKind) -> None:
    """Make the row of this kind, with no capacity, if there is none."""
    await connection.execute(
        """
        INSERT INTO casework.centre_place (centre_id, place_kind, county) VALUES ($1, $2, $3)
        ON CONFLICT (centre_id, place_kind) DO NOTHING
        """,
        centre_id,
        place_kind.value,
        county.value,
    )


async def lock_places(connection: Connection, centre_id: UUID) -> dict[PlaceKind, Places]:
    """All kinds of one centre, locked in one order: two bookings of one centre follow each other and never deadlock."""
    rows = await connection.fetch(
        """
        SELECT place_kind, capacity, held, used, threshold_percent, capacity_target, waiting_list_first
        FROM casework.centre_place
        WHERE centre_id = $1 ORDER BY place_kind FOR UPDATE
        """,
        centre_id,
    )
    return {PlaceKind(row["place_kind"]): _places(row) for row in rows}


async def set_threshold(connection: Connection, centre_id: UUID, place_kind: PlaceKind, threshold_percent: int) -> None:
    await connection.execute(
        "UPDATE casework.centre_place SET threshold_percent = $3 WHERE centre_id = $1 AND place_kind = $2",
        centre_id,
        place_kind.value,
        threshold_percent,
    )


async def insert_capacity_change(
    connection: Connection,
    centre_id: UUID,
    county: County,
    place_kind: PlaceKind,
    capacity_before: int,
    capacity: int,
    reason: str | None,
    changed_by: str,
) -> None:
    """Set a capacity: recording the change is the only way to make it, so none is without who, when and, downwards, why."""
    await connection.execute(
        """
        INSERT INTO casework.centre_capacity_change
            (centre_id, county, place_kind, capacity_before, capacity, reason, changed_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        centre_id,
        county.value,
        place_kind.value,
        capacity_before,
        capacity,
        reason,
        changed_by,
    )


async def open_county(connection: Connection, county: County) -> None:
    """Let the rest of this transaction touch the rows of `county` too.

    Only for holding places and giving them back: a centre serves households of every county, and a withdrawal always
    succeeds (safeguard 3), also where the caller's token does not grant the centre's county.
    """
    await connection.execute(
        "SELECT set_config('payesh.counties', concat_ws(',', nullif(current_setting('payesh.counties', true), ''), $1::text),"
        " true)",
        county.value,
    )


def _places(row: Record) -> Places:
    return Places(
        capacity=row["capacity"],
        held=row["held"],
        used=row["used"],
        threshold_percent=row["threshold_percent"],
        capacity_target=row["capacity_target"],
        waiting_list_first=row["waiting_list_first"],
    )
