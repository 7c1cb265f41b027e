"""What people read: lists by cursor, one site with what is open on it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from services.warehouse.domain.corrective_action import ActionState
from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.risk import RiskClass
from shared.contracts.counties import County
from shared.contracts.warehouse import Verdict, WarehouseKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """West, south, east, north in degrees (RFC 7946, section 5)."""

    west: Decimal
    south: Decimal
    east: Decimal
    north: Decimal


@dataclass(frozen=True, slots=True)
class SiteFilters:
    """Which sites; None asks nothing. `due_before`: next inspection due before that day; `name`: part of the name,
    in any spelling; `verdict`: of the last completed inspection."""

    county: County | None = None
    kind: WarehouseKind | None = None
    status: SiteStatus | None = None
    risk_class: RiskClass | None = None
    on_hold: bool | None = None
    due_before: date | None = None
    verdict: Verdict | None = None
    name: str | None = None
    box: BoundingBox | None = None

    def parameters(self) -> tuple[object, ...]:
        """In the order that `_SITES` numbers them."""
        box = self.box
        return (
            self.county,
            self.kind,
            self.status,
            self.risk_class,
            self.on_hold,
            self.due_before,
            self.verdict,
            self.name,
            *((box.west, box.south, box.east, box.north) if box else (None, None, None, None)),
        )


@dataclass(frozen=True, slots=True)
class WarehouseLine:
    """One site in a list. Figures are rounded to 3 decimals; `verdict` is of the last completed inspection."""

    warehouse_id: UUID
    registry_id: str
    county: str
    name: str
    kind: str
    capacity_tonnes: float
    floor_area_m2: float
    risk_class: str
    status: str
    on_hold: bool
    next_due_on: date
    last_inspected_at: datetime | None
    verdict: str | None
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class RegisteredSite(WarehouseLine):
    """One site with everything that the register says of it."""

    address: str | None
    postal_code: str | None
    operator: str | None
    operator_id: str | None
    registry_updated_on: date | None
    verified_capacity_tonnes: float
    in_use_capacity_tonnes: float
    within_interval: bool


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One corrective action in a list."""

    action_id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: str
    item: str
    severity: str
    state: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that is not lifted."""

    hold_id: UUID
    ground: str
    referred_to: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class InspectionLine:
    """One inspection in a list."""

    inspection_id: UUID
    warehouse_id: UUID
    registry_id: str
    name: str
    county: str
    state: str
    due_on: date
    inspector: str
    assigned_at: datetime
    verdict: str | None
    reviewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class InspectionFilters:
    """Which inspections; None asks nothing. `due_before`: due before that day."""

    county: County | None = None
    state: InspectionState | None = None
    inspector: str | None = None
    due_before: date | None = None
    warehouse_id: UUID | None = None


_LINE = """
    w.warehouse_id, w.registry_id, w.county, w.name, w.kind, w.capacity_tonnes::float8 AS capacity_tonnes,
    w.floor_area_m2::float8 AS floor_area_m2, w.risk_class, w.status,
    EXISTS (SELECT FROM hold h WHERE h.warehouse_id = w.warehouse_id AND h.lifted_at IS NULL) AS on_hold, w.next_due_on,
    w.last_inspected_at,
    (SELECT i.verdict FROM inspection i WHERE i.inspection_id = w.last_completed_inspection_id) AS verdict,
    w.latitude::float8 AS latitude, w.longitude::float8 AS longitude
"""
_REGISTERED = f"""
    {_LINE}, w.address, w.postal_code, w.operator, w.operator_id, w.registry_updated_on,
    w.verified_capacity_tonnes::float8 AS verified_capacity_tonnes,
    w.in_use_capacity_tonnes::float8 AS in_use_capacity_tonnes, w.within_interval
"""
_SITES = """
    FROM warehouse w
    WHERE ($1::text IS NULL OR w.county = $1) AND ($2::text IS NULL OR w.kind = $2)
      AND ($3::text IS NULL OR w.status = $3) AND ($4::text IS NULL OR w.risk_class = $4)
      AND ($5::boolean IS NULL
           OR $5 = EXISTS (SELECT FROM hold h WHERE h.warehouse_id = w.warehouse_id AND h.lifted_at IS NULL))
      AND ($6::date IS NULL OR w.next_due_on < $6)
      AND ($7::text IS NULL OR EXISTS (
           SELECT FROM inspection i WHERE i.inspection_id = w.last_completed_inspection_id AND i.verdict = $7))
      AND ($8::text IS NULL
           OR (payesh_name_key($8) <> '' AND strpos(w.name_key, payesh_name_key($8)) > 0))
      AND ($9::numeric IS NULL OR (w.longitude BETWEEN $9 AND $11 AND w.latitude BETWEEN $10 AND $12))
      AND ($13::uuid IS NULL OR w.warehouse_id > $13)
    ORDER BY w.warehouse_id LIMIT $14
"""


async def list_warehouses(
    connection: Connection, filters: SiteFilters, limit: int, after: UUID | None
) -> list[WarehouseLine]:
    """Up to `limit` sites of the caller's counties that come after `after`, in the order of registration."""
    rows = await connection.fetch(f"SELECT {_LINE} {_SITES}", *filters.parameters(), after, limit)
    return [WarehouseLine(**dict(row)) for row in rows]


async def list_registered(
    connection: Connection, filters: SiteFilters, limit: int, after: UUID | None
) -> list[RegisteredSite]:
    """As `list_warehouses`, with everything that the register says."""
    rows = await connection.fetch(f"SELECT {_REGISTERED} {_SITES}", *filters.parameters(), after, limit)
    return [RegisteredSite(**dict(row)) for row in rows]


async def find_registered(connection: Connection, warehouse_id: UUID) -> RegisteredSite | None:
    """The site; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(f"SELECT {_REGISTERED} FROM warehouse w WHERE w.warehouse_id = $1", warehouse_id)
    return RegisteredSite(**dict(row)) if row else None


async def list_actions(
    connection: Connection, county: County | None, state: ActionState | None, limit: int, after: UUID | None
) -> list[ActionLine]:
    """Up to `limit` corrective actions of the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT action_id, warehouse_id, inspection_id, county, item, severity, state, due_at
        FROM corrective_action
        WHERE ($1::text IS NULL OR county = $1) AND ($2::text IS NULL OR state = $2)
          AND ($3::uuid IS NULL OR action_id > $3)
        ORDER BY action_id LIMIT $4
        """,
        county,
        state,
        after,
        limit,
    )
    return [ActionLine(**dict(row)) for row in rows]


async def list_open_actions(connection: Connection, warehouse_id: UUID) -> list[ActionLine]:
    """Corrective actions of the site that nobody has closed, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT action_id, warehouse_id, inspection_id, county, item, severity, state, due_at
        FROM corrective_action WHERE warehouse_id = $1 AND state <> $2 ORDER BY action_id
        """,
        warehouse_id,
        ActionState.RESOLVED,
    )
    return [ActionLine(**dict(row)) for row in rows]


async def list_open_holds(connection: Connection, warehouse_id: UUID) -> list[OpenHold]:
    """Holds of the site that nobody has lifted, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT hold_id, ground, referred_to, placed_at FROM hold
        WHERE warehouse_id = $1 AND lifted_at IS NULL ORDER BY hold_id
        """,
        warehouse_id,
    )
    return [OpenHold(**dict(row)) for row in rows]


async def list_inspections(
    connection: Connection, filters: InspectionFilters, limit: int, after: UUID | None
) -> list[InspectionLine]:
    """Up to `limit` inspections of the caller's counties that come after `after`, in the order of assignment."""
    rows = await connection.fetch(
        """
        SELECT i.inspection_id, i.warehouse_id, w.registry_id, w.name, i.county, i.state, i.due_on, i.inspector,
               i.assigned_at, i.verdict, i.reviewed_at
        FROM inspection i JOIN warehouse w USING (warehouse_id)
        WHERE ($1::text IS NULL OR i.county = $1) AND ($2::text IS NULL OR i.state = $2)
          AND ($3::text IS NULL OR i.inspector = $3) AND ($4::date IS NULL OR i.due_on < $4)
          AND ($5::uuid IS NULL OR i.warehouse_id = $5) AND ($6::uuid IS NULL OR i.inspection_id > $6)
        ORDER BY i.inspection_id LIMIT $7
        """,
        filters.county,
        filters.state,
        filters.inspector,
        filters.due_before,
        filters.warehouse_id,
        after,
        limit,
    )
    return [InspectionLine(**dict(row)) for row in rows]


async def find_last_inspection(connection: Connection, warehouse_id: UUID) -> InspectionLine | None:
    """The inspection of the site that was assigned last; None if there never was one."""
    row = await connection.fetchrow(
        """
        SELECT i.inspection_id, i.warehouse_id, w.registry_id, w.name, i.county, i.state, i.due_on, i.inspector,
               i.assigned_at, i.verdict, i.reviewed_at
        FROM inspection i JOIN warehouse w USING (warehouse_id)
        WHERE i.warehouse_id = $1 ORDER BY i.inspection_id DESC LIMIT 1
        """,
        warehouse_id,
    )
    return InspectionLine(**dict(row)) if row else None
