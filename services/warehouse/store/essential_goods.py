"""Stock declarations, what counties need, and whether their stocks are low."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.essential_goods import Need
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody says is in a site. `tonnes` is `quantity` of `unit`, exactly."""

    declaration_id: UUID
    warehouse_id: UUID
    county: County
    commodity: str
    quantity: Decimal
    unit: str
    tonnes: Decimal
    declared_on: date
    declared_by: str
    declared_at: datetime


@dataclass(frozen=True, slots=True)
class SiteStock:
    """A site's newest declaration of a commodity."""

    declaration_id: UUID
    quantity: Decimal
    unit: str
    declared_on: date
    expired: bool


@dataclass(frozen=True, slots=True)
class SetNeed:
    """A need as it was set; the newer of two that begin on one day has the higher `position`."""

    need_id: UUID
    position: int
    valid_from: date
    need: Need


@dataclass(frozen=True, slots=True)
class EssentialStock:
    """A county's stock of a commodity, locked. `current`: the need that is in force, if one was ever set."""

    low: bool
    current: SetNeed | None


@dataclass(frozen=True, slots=True)
class DeclarationLine:
    """One declaration in a site's history."""

    declaration_id: UUID
    position: int
    commodity: str
    quantity: Decimal
    unit: str
    tonnes: Decimal
    declared_on: date
    declared_by: str


@dataclass(frozen=True, slots=True)
class StockRecord:
    """A county's stock of a commodity as it stands. Tonnes on hold are declared and do not count."""

    county: County
    commodity: str
    low: bool
    need: Need | None
    valid_from: date | None
    stock_tonnes: Decimal
    on_hold_tonnes: Decimal
    sites: int
    oldest_declared_on: date | None


async def lock_stock(connection: Connection, county: County, commodity: str) -> EssentialStock:
    """The county's stock of a commodity, locked until the transaction ends: cover is judged by one at a time."""
    await connection.execute(
        """
        INSERT INTO essential_stock (county, commodity, low) VALUES ($1, $2, false)
        ON CONFLICT (county, commodity) DO NOTHING
        """,
        county,
        commodity,
    )
    row = await connection.fetchrow(
        "SELECT low, need_id FROM essential_stock WHERE county = $1 AND commodity = $2 FOR NO KEY UPDATE",
        county,
        commodity,
    )
    if row is None:
        raise LookupError(f"essential stock of {commodity} in {county}")
    current = None if row["need_id"] is None else await get_need(connection, row["need_id"])
    return EssentialStock(row["low"], current)


async def sum_counting_tonnes(connection: Connection, county: County, commodity: str) -> Decimal:
    """Tonnes that count as cover: declared, not expired, in sites that are not on hold. Call it under `lock_stock`."""
    tonnes: Decimal = await connection.fetchval(
        """
        SELECT coalesce(sum(tonnes), 0) FROM site_stock s
        WHERE county = $1 AND commodity = $2 AND NOT expired
          AND NOT EXISTS (SELECT FROM hold h WHERE h.warehouse_id = s.warehouse_id AND h.lifted_at IS NULL)
        """,
        county,
        commodity,
    )
    return tonnes


async def set_low(connection: Connection, county: County, commodity: str, low: bool) -> None:
    """Keep the state of a locked stock."""
    await connection.execute(
        "UPDATE essential_stock SET low = $3 WHERE county = $1 AND commodity = $2", county, commodity, low
    )


async def set_current_need(connection: Connection, county: County, commodity: str, need_id: UUID) -> None:
    """Put a need in force for a locked stock."""
    await connection.execute(
        "UPDATE essential_stock SET need_id = $3 WHERE county = $1 AND commodity = $2", county, commodity, need_id
    )


async def find_site_stock(connection: Connection, warehouse_id: UUID, commodity: str) -> SiteStock | None:
    """The site's newest declaration of a commodity; None if there is none."""
    row = await connection.fetchrow(
        """
        SELECT s.declaration_id, d.quantity, d.unit, s.declared_on, s.expired
        FROM site_stock s JOIN stock_declaration d USING (declaration_id)
        WHERE s.warehouse_id = $1 AND s.commodity = $2
        """,
        warehouse_id,
        commodity,
    )
    return SiteStock(**dict(row)) if row else None


async def site_commodities(connection: Connection, warehouse_id: UUID) -> list[tuple[County, str]]:
    """Where and of what the site has stock declared that has not expired; sorted, the order in which they are locked."""
    rows = await connection.fetch(
        "SELECT county, commodity FROM site_stock WHERE warehouse_id = $1 AND NOT expired ORDER BY county, commodity",
        warehouse_id,
    )
    return [(County(row["county"]), row["commodity"]) for row in rows]


async def insert_declaration(connection: Connection, declaration: Declaration) -> None:
    """Keep a declaration in the site's history."""
    await connection.execute(
        """
        INSERT INTO stock_declaration (declaration_id, warehouse_id, county, commodity, quantity, unit, tonnes,
                                       declared_on, declared_by, declared_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        declaration.declaration_id,
        declaration.warehouse_id,
        declaration.county,
        declaration.commodity,
        declaration.quantity,
        declaration.unit,
        declaration.tonnes,
        declaration.declared_on,
        declaration.declared_by,
        declaration.declared_at,
    )


async def set_site_stock(connection: Connection, declaration: Declaration, timer_fence: int, expired: bool) -> None:
    """The declaration is now the site's newest."""
    await connection.execute(
        """
        INSERT INTO site_stock (warehouse_id, commodity, county, declaration_id, tonnes, declared_on, timer_fence, expired)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (warehouse_id, commodity) DO UPDATE
        SET county = excluded.county, declaration_id = excluded.declaration_id, tonnes = excluded.tonnes,
            declared_on = excluded.declared_on, timer_fence = excluded.timer_fence, expired = excluded.expired
        """,
        declaration.warehouse_id,
        declaration.commodity,
        declaration.county,
        declaration.declaration_id,
        declaration.tonnes,
        declaration.declared_on,
        timer_fence,
        expired,
    )


async def find_stock_county(connection: Connection, warehouse_id: UUID, commodity: str) -> County | None:
    """The county in which a site's stock counts; None if the site has none declared."""
    county: str | None = await connection.fetchval(
        "SELECT county FROM site_stock WHERE warehouse_id = $1 AND commodity = $2", warehouse_id, commodity
    )
    return None if county is None else County(county)


async def set_expired(connection: Connection, warehouse_id: UUID, commodity: str, timer_fence: int) -> County | None:
    """The site's declaration no longer counts; returns the county where it counted.

    None, and nothing changes, if a newer one was made since the timer was armed.
    """
    county: str | None = await connection.fetchval(
        """
        UPDATE site_stock SET expired = true
        WHERE warehouse_id = $1 AND commodity = $2 AND timer_fence = $3 AND NOT expired
        RETURNING county
        """,
        warehouse_id,
        commodity,
        timer_fence,
    )
    return None if county is None else County(county)


async def insert_need(
    connection: Connection,
    need_id: UUID,
    county: County,
    commodity: str,
    need: Need,
    valid_from: date,
    set_by: str,
    set_at: datetime,
) -> SetNeed:
    """Keep what a county needs from a day on."""
    position: int = await connection.fetchval(
        """
        INSERT INTO essential_need (need_id, county, commodity, tonnes_per_day, low_below_days, recovered_above_days,
                                    valid_from, set_by, set_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING position
        """,
        need_id,
        county,
        commodity,
        need.tonnes_per_day,
        need.low_below_days,
        need.recovered_above_days,
        valid_from,
        set_by,
        set_at,
    )
    return SetNeed(need_id, position, valid_from, need)


async def find_newest_need(connection: Connection, county: County, commodity: str, valid_from: date) -> SetNeed | None:
    """What was last set for this very day; None if nothing was."""
    row = await connection.fetchrow(
        f"{_NEEDS} WHERE county = $1 AND commodity = $2 AND valid_from = $3 ORDER BY position DESC LIMIT 1",
        county,
        commodity,
        valid_from,
    )
    return _set_need(row) if row else None


async def get_need(connection: Connection, need_id: UUID) -> SetNeed:
    """The need. Raises LookupError."""
    row = await connection.fetchrow(f"{_NEEDS} WHERE need_id = $1", need_id)
    if row is None:
        raise LookupError(f"need {need_id}")
    return _set_need(row)


async def find_need_place(connection: Connection, need_id: UUID) -> tuple[County, str] | None:
    """County and commodity of a need."""
    row = await connection.fetchrow("SELECT county, commodity FROM essential_need WHERE need_id = $1", need_id)
    return (County(row["county"]), row["commodity"]) if row else None


async def list_stocks(connection: Connection, county: County | None) -> list[StockRecord]:
    """Every stock of the caller's counties that was ever declared or needed, by county and commodity."""
    rows = await connection.fetch(
        """
        SELECT e.county, e.commodity, e.low, n.tonnes_per_day, n.low_below_days, n.recovered_above_days, n.valid_from,
               coalesce(sum(s.tonnes) FILTER (WHERE NOT s.on_hold), 0) AS stock_tonnes,
               coalesce(sum(s.tonnes) FILTER (WHERE s.on_hold), 0) AS on_hold_tonnes,
               count(s.warehouse_id) AS sites, min(s.declared_on) AS oldest_declared_on
        FROM essential_stock e
        LEFT JOIN essential_need n ON n.need_id = e.need_id
        LEFT JOIN LATERAL (
            SELECT warehouse_id, tonnes, declared_on,
                   EXISTS (SELECT FROM hold h WHERE h.warehouse_id = site_stock.warehouse_id AND h.lifted_at IS NULL) AS on_hold
            FROM site_stock WHERE county = e.county AND commodity = e.commodity AND NOT expired
        ) s ON true
        WHERE $1::text IS NULL OR e.county = $1
        GROUP BY e.county, e.commodity, n.need_id
        ORDER BY e.county, e.commodity
        """,
        county,
    )
    return [
        StockRecord(
            county=County(row["county"]),
            commodity=row["commodity"],
            low=row["low"],
            need=None if row["tonnes_per_day"] is None else _need(row),
            valid_from=row["valid_from"],
            stock_tonnes=row["stock_tonnes"],
            on_hold_tonnes=row["on_hold_tonnes"],
            sites=row["sites"],
            oldest_declared_on=row["oldest_declared_on"],
        )
        for row in rows
    ]


async def list_declarations(
    connection: Connection, warehouse_id: UUID, limit: int, after: int | None
) -> Sequence[DeclarationLine]:
    """Up to `limit` declarations of a site that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT declaration_id, position, commodity, quantity, unit, tonnes, declared_on, declared_by
        FROM stock_declaration WHERE warehouse_id = $1 AND ($2::bigint IS NULL OR position > $2)
        ORDER BY position LIMIT $3
        """,
        warehouse_id,
        after,
        limit,
    )
    return [DeclarationLine(**dict(row)) for row in rows]


_NEEDS = """
    SELECT need_id, position, valid_from, tonnes_per_day, low_below_days, recovered_above_days FROM essential_need
"""


def _need(row: Record) -> Need:
    return Need(row["tonnes_per_day"], row["low_below_days"], row["recovered_above_days"])


def _set_need(row: Record) -> SetNeed:
    return SetNeed(row["need_id"], row["position"], row["valid_from"], _need(row))
