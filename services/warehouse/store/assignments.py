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
