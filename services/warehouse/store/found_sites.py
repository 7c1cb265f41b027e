"""Sites that inspectors found and the register does not have, with what people decided on them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.proposal import FoundSiteState
from services.warehouse.store.proposals import Decision
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class FoundSite:
    """A site that an inspector found and the register does not have."""

    unregistered_site_id: UUID
    instance_id: str
    content_sha256: str
    county: County
    name: str
    found: Findings
    photos: tuple[str, ...]
    found_by: str
    found_at: datetime
    state: FoundSiteState = FoundSiteState.PROPOSED


@dataclass(frozen=True, slots=True)
class FoundSiteLine:
    """One found site in a list; `warehouse_id` is the site that it became, or that it turned out to be."""

    unregistered_site_id: UUID
    county: str
    name: str
    kind: str
    capacity_tonnes: float
    in_use_capacity_tonnes: float
    floor_area_m2: float
    operating: bool
    latitude: float
    longitude: float
    operator_id: str | None
    photos: list[str]
    found_by: str
    found_at: datetime
    reported_at: datetime
    state: str
    warehouse_id: UUID | None
    inspection_id: UUID | None
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None


async def insert_found_site(connection: Connection, site: FoundSite, reported_at: datetime) -> bool:
    """Keep a found site; False, and nothing is kept, if its instance id was received before (in any county)."""
    found = site.found
    status = await connection.execute(
        """
        INSERT INTO unregistered_site (unregistered_site_id, instance_id, content_sha256, county, name, kind,
                                       capacity_tonnes, in_use_capacity_tonnes, floor_area_m2, operating, latitude,
                                       longitude, operator_id, photos, found_by, found_at, reported_at, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 'proposed')
        ON CONFLICT (instance_id) DO NOTHING
        """,
        site.unregistered_site_id,
        site.instance_id,
        site.content_sha256,
        site.county,
        site.name,
        found.kind,
        found.capacity_tonnes,
        found.in_use_capacity_tonnes,
        found.floor_area_m2,
        found.operating,
        found.latitude,
        found.longitude,
        found.operator_id,
        site.photos,
        site.found_by,
        site.found_at,
        reported_at,
    )
    return status == "INSERT 0 1"


async def find_received(connection: Connection, instance_id: str) -> FoundSite | None:
    """What was received under this instance id; None if nothing that the caller may see."""
    row = await connection.fetchrow(f"{_FOUND_SITE} WHERE instance_id = $1", instance_id)
    return _found_site(row) if row else None


async def lock_found_site(connection: Connection, unregistered_site_id: UUID) -> FoundSite | None:
    """The found site, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        f"{_FOUND_SITE} WHERE unregistered_site_id = $1 FOR NO KEY UPDATE", unregistered_site_id
    )
    return _found_site(row) if row else None


async def set_found_site(
    connection: Connection,
    unregistered_site_id: UUID,
    state: FoundSiteState,
    decision: Decision,
    warehouse_id: UUID | None,
    inspection_id: UUID | None,
) -> None:
    """A person has decided what the site is."""
    await connection.execute(
        """
        UPDATE unregistered_site
        SET state = $2, decision_reason = $3, decided_by = $4, decided_at = $5, warehouse_id = $6, inspection_id = $7
        WHERE unregistered_site_id = $1
        """,
        unregistered_site_id,
        state,
        decision.reason,
        decision.decided_by,
        decision.decided_at,
        warehouse_id,
        inspection_id,
    )


async def list_found_sites(
    connection: Connection, county: County | None, state: FoundSiteState | None, limit: int, after: UUID | None
) -> list[FoundSiteLine]:
    """Up to `limit` found sites of the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT unregistered_site_id, county, name, kind, capacity_tonnes::float8 AS capacity_tonnes,
               in_use_capacity_tonnes::float8 AS in_use_capacity_tonnes, floor_area_m2::float8 AS floor_area_m2,
               operating, latitude::float8 AS latitude, longitude::float8 AS longitude, operator_id, photos, found_by,
               found_at, reported_at, state, warehouse_id, inspection_id, decided_by, decided_at, decision_reason
        FROM unregistered_site
        WHERE ($1::text IS NULL OR county = $1) AND ($2::text IS NULL OR state = $2)
          AND ($3::uuid IS NULL OR unregistered_site_id > $3)
        ORDER BY unregistered_site_id LIMIT $4
        """,
        county,
        state,
        after,
        limit,
    )
    return [FoundSiteLine(**dict(row)) for row in rows]


_FOUND_SITE = """
    SELECT unregistered_site_id, instance_id, content_sha256, county, name, kind, capacity_tonnes, in_use_capacity_tonnes,
           floor_area_m2, operating, latitude, longitude, operator_id, photos, found_by, found_at, state
    FROM unregistered_site
"""


def _found_site(row: Record) -> FoundSite:
    return FoundSite(
        unregistered_site_id=row["unregistered_site_id"],
        instance_id=row["instance_id"],
        content_sha256=row["content_sha256"],
        county=County(row["county"]),
        name=row["name"],
        found=Findings(
            row["capacity_tonnes"],
            row["in_use_capacity_tonnes"],
            row["floor_area_m2"],
            WarehouseKind(row["kind"]),
            row["operating"],
            row["latitude"],
            row["longitude"],
            row["operator_id"],
        ),
        photos=tuple(row["photos"]),
        found_by=row["found_by"],
        found_at=row["found_at"],
        state=FoundSiteState(row["state"]),
    )
