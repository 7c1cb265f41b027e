"""What people read: lists by cursor, and the county counters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.warehouse.domain.corrective_action import ActionState
from services.warehouse.domain.counters import Counter
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class WarehouseLine:
    """One site in a list. Figures are rounded to 3 decimals."""

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


async def list_warehouses(
    connection: Connection, county: County | None, limit: int, after: UUID | None
) -> list[WarehouseLine]:
    """Up to `limit` sites of the caller's counties that come after `after`, in the order of registration."""
    rows = await connection.fetch(
        """
        SELECT warehouse_id, registry_id, county, name, kind, capacity_tonnes::float8 AS capacity_tonnes,
               floor_area_m2::float8 AS floor_area_m2, risk_class, status,
               EXISTS (SELECT FROM hold h WHERE h.warehouse_id = w.warehouse_id AND h.lifted_at IS NULL) AS on_hold
        FROM warehouse w
        WHERE ($1::text IS NULL OR county = $1) AND ($2::uuid IS NULL OR warehouse_id > $2)
        ORDER BY warehouse_id LIMIT $3
        """,
        county,
        after,
        limit,
    )
    return [WarehouseLine(**dict(row)) for row in rows]


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


async def add_to_counters(connection: Connection, sums: Mapping[tuple[County, Counter], Decimal]) -> None:
    """Add to the counters in one atomic upsert, keys sorted so that two folds cannot deadlock."""
    keys: Sequence[tuple[County, Counter]] = sorted(sums)
    await connection.execute(
        """
        INSERT INTO county_counter AS t (county, counter, value)
        SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[])
        ON CONFLICT (county, counter) DO UPDATE SET value = t.value + excluded.value
        """,
        [county for county, _ in keys],
        [counter for _, counter in keys],
        [sums[key] for key in keys],
    )


async def read_counters(connection: Connection) -> dict[tuple[County, Counter], Decimal]:
    """The counters of the caller's counties; one that no event touched is absent."""
    rows = await connection.fetch("SELECT county, counter, value FROM county_counter")
    return {(County(row["county"]), Counter(row["counter"])): row["value"] for row in rows}
