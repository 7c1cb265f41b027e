"""What an inspector is to visit, without any registered figure."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class AssignedSite:
    """A site as its inspector may know it before the count: where it is, and nothing of what is registered there."""

    inspection_id: UUID
    name: str
    county: County
    address: str | None
    latitude: Decimal | None
    longitude: Decimal | None


async def list_assigned_sites(connection: Connection, inspector: str) -> list[AssignedSite]:
    """Sites whose inspection is assigned or returned to the inspector, the first due first."""
    rows = await connection.fetch(
        """
        SELECT i.inspection_id, w.name, w.county, w.address, w.latitude, w.longitude
        FROM inspection i JOIN warehouse w USING (warehouse_id)
        WHERE i.inspector = $1 AND i.state IN ('assigned', 'returned')
        ORDER BY i.due_on, i.inspection_id
        """,
        inspector,
    )
    return [
        AssignedSite(
            row["inspection_id"],
            row["name"],
            County(row["county"]),
            row["address"],
            row["latitude"],
            row["longitude"],
        )
        for row in rows
    ]


async def find_instance(connection: Connection, instance_id: str, submitted_by: str) -> tuple[UUID, UUID] | None:
    """Inspection and submission that hold the inspector's own instance, the latest one; None if there is none."""
    row = await connection.fetchrow(
        """
        SELECT inspection_id, submission_id FROM submission WHERE instance_id = $1 AND submitted_by = $2
        ORDER BY submission_id DESC LIMIT 1
        """,
        instance_id,
        submitted_by,
    )
    return (row["inspection_id"], row["submission_id"]) if row else None


async def list_photo_names(connection: Connection, submission_id: UUID) -> list[tuple[str, bool]]:
    """Names of the submission's pictures, and whether each has come."""
    rows = await connection.fetch(
        "SELECT name, photo_id IS NOT NULL AS is_there FROM submission_photo WHERE submission_id = $1 ORDER BY name",
        submission_id,
    )
    return [(row["name"], row["is_there"]) for row in rows]
