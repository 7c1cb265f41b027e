"""Sites as the registry gives them: read, added and changed as sets, one statement for any number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.risk import RiskClass
from services.warehouse.domain.site import Site
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind
from shared.kit.transaction import Connection

IMPORT_LOCK = "warehouse.registry_import"


@dataclass(frozen=True, slots=True)
class StoredSite:
    """A stored record and what the last completed inspection of the site found (0 and None where there was none)."""

    warehouse_id: UUID
    site: Site
    verified_capacity_tonnes: Decimal
    in_use_capacity_tonnes: Decimal
    last_inspected_at: datetime | None
    next_due_on: date
    is_within_interval: bool


@dataclass(frozen=True, slots=True)
class SiteToStore:
    """A record to add or to change, with the day on which its next inspection falls due."""

    warehouse_id: UUID
    site: Site
    next_due_on: date


async def try_lock_import(connection: Connection) -> bool:
    """Let one import run at a time, until the transaction's end; False if another one runs."""
    locked: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", IMPORT_LOCK)
    return locked


async def read_sites(connection: Connection, registry_ids: Sequence[str]) -> dict[str, StoredSite]:
    """The stored sites of these registry ids by registry id, as they are now; another command may change them."""
    return _sites(await connection.fetch(_SITES, registry_ids))


async def lock_sites(connection: Connection, registry_ids: Sequence[str]) -> dict[str, StoredSite]:
    """The stored sites of these registry ids by registry id, locked in a fixed order."""
    return _sites(await connection.fetch(f"{_SITES} FOR NO KEY UPDATE", registry_ids))


_SITES = """
    SELECT warehouse_id, registry_id, county, name, kind, capacity_tonnes, floor_area_m2, status, risk_class, address,
           postal_code, latitude, longitude, operator, operator_id, registry_updated_on, verified_capacity_tonnes,
           in_use_capacity_tonnes, last_inspected_at, next_due_on, within_interval
    FROM warehouse WHERE registry_id = ANY ($1::text[]) ORDER BY warehouse_id
"""


def _sites(rows: Sequence[Record]) -> dict[str, StoredSite]:
    return {
        row["registry_id"]: StoredSite(
            row["warehouse_id"],
            Site(
                registry_id=row["registry_id"],
                county=County(row["county"]),
                name=row["name"],
                kind=WarehouseKind(row["kind"]),
                capacity_tonnes=row["capacity_tonnes"],
                floor_area_m2=row["floor_area_m2"],
                status=SiteStatus(row["status"]),
                risk_class=RiskClass(row["risk_class"]),
                address=row["address"],
                postal_code=row["postal_code"],
                latitude=row["latitude"],
                longitude=row["longitude"],
                operator=row["operator"],
                operator_id=row["operator_id"],
                registry_updated_on=row["registry_updated_on"],
            ),
            row["verified_capacity_tonnes"],
            row["in_use_capacity_tonnes"],
            row["last_inspected_at"],
            row["next_due_on"],
            row["within_interval"],
        )
        for row in rows
    }


async def sites_with_open_work(connection: Connection, warehouse_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the sites on which an inspection, discrepancy, corrective action, hold, recount or proposal is open."""
    rows = await connection.fetch(
        """
        SELECT warehouse_id FROM inspection WHERE warehouse_id = ANY ($1::uuid[]) AND state <> 'completed'
        UNION SELECT warehouse_id FROM discrepancy WHERE warehouse_id = ANY ($1::uuid[]) AND resolved_at IS NULL
        UNION SELECT warehouse_id FROM corrective_action WHERE warehouse_id = ANY ($1::uuid[]) AND state <> 'resolved'
        UNION SELECT warehouse_id FROM hold WHERE warehouse_id = ANY ($1::uuid[]) AND lifted_at IS NULL
        UNION SELECT warehouse_id FROM recount WHERE warehouse_id = ANY ($1::uuid[]) AND second_inspection_id IS NULL
        UNION SELECT warehouse_id FROM registry_proposal WHERE warehouse_id = ANY ($1::uuid[]) AND state = 'proposed'
        """,
        warehouse_ids,
    )
    return {row["warehouse_id"] for row in rows}


async def insert_sites(connection: Connection, sites: Sequence[SiteToStore]) -> None:
    """Add new sites."""
    await connection.execute(
        """
        INSERT INTO warehouse (warehouse_id, registry_id, county, name, kind, capacity_tonnes, floor_area_m2, status,
                               risk_class, address, postal_code, latitude, longitude, operator, operator_id,
                               registry_updated_on, next_due_on)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[],
                             $8::text[], $9::text[], $10::text[], $11::text[], $12::numeric[], $13::numeric[],
                             $14::text[], $15::text[], $16::date[], $17::date[])
        """,
        *_columns(sites),
    )


async def update_sites(connection: Connection, sites: Sequence[SiteToStore]) -> None:
    """Change what the registry says of stored sites."""
    await connection.execute(
        """
        UPDATE warehouse AS w
        SET registry_id = n.registry_id, county = n.county, name = n.name, kind = n.kind,
            capacity_tonnes = n.capacity_tonnes, floor_area_m2 = n.floor_area_m2, status = n.status,
            risk_class = n.risk_class, address = n.address, postal_code = n.postal_code, latitude = n.latitude,
            longitude = n.longitude, operator = n.operator, operator_id = n.operator_id,
            registry_updated_on = n.registry_updated_on, next_due_on = n.next_due_on
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[],
                    $8::text[], $9::text[], $10::text[], $11::text[], $12::numeric[], $13::numeric[], $14::text[],
                    $15::text[], $16::date[], $17::date[])
             AS n (warehouse_id, registry_id, county, name, kind, capacity_tonnes, floor_area_m2, status, risk_class,
                   address, postal_code, latitude, longitude, operator, operator_id, registry_updated_on, next_due_on)
        WHERE w.warehouse_id = n.warehouse_id
        """,
        *_columns(sites),
    )


def _columns(sites: Sequence[SiteToStore]) -> tuple[list[object], ...]:
    """The sites as one list per column, in the order that both statements take."""
    return (
        [item.warehouse_id for item in sites],
        [item.site.registry_id for item in sites],
        [item.site.county for item in sites],
        [item.site.name for item in sites],
        [item.site.kind for item in sites],
        [item.site.capacity_tonnes for item in sites],
        [item.site.floor_area_m2 for item in sites],
        [item.site.status for item in sites],
        [item.site.risk_class for item in sites],
        [item.site.address for item in sites],
        [item.site.postal_code for item in sites],
        [item.site.latitude for item in sites],
        [item.site.longitude for item in sites],
        [item.site.operator for item in sites],
        [item.site.operator_id for item in sites],
        [item.site.registry_updated_on for item in sites],
        [item.next_due_on for item in sites],
    )
