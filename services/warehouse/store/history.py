"""The county counters: as they are, as they were on any past day, day by day. One fold writes both tables."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from services.warehouse.domain.counters import Counter
from shared.contracts.counties import County
from shared.kit.transaction import Connection

CounterValues = dict[tuple[County, Counter], Decimal]
"""By county and counter; one that no event touched is absent."""


async def add_to_counters(connection: Connection, sums: Mapping[tuple[date, County, Counter], Decimal]) -> None:
    """Add to the counters and to their days in one atomic statement, keys sorted so that two folds cannot deadlock."""
    keys: Sequence[tuple[date, County, Counter]] = sorted(sums)
    await connection.execute(
        """
        WITH added AS (
            SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::numeric[]) AS sums (day, county, counter, delta)
        ), by_day AS (
            INSERT INTO county_counter_day AS t (county, counter, day, delta)
            SELECT county, counter, day, delta FROM added ORDER BY county, counter, day
            ON CONFLICT (county, counter, day) DO UPDATE SET delta = t.delta + excluded.delta
        )
        INSERT INTO county_counter AS t (county, counter, value)
        SELECT county, counter, sum(delta) FROM added GROUP BY county, counter ORDER BY county, counter
        ON CONFLICT (county, counter) DO UPDATE SET value = t.value + excluded.value
        """,
        [day for day, _, _ in keys],
        [county for _, county, _ in keys],
        [counter for _, _, counter in keys],
        [sums[key] for key in keys],
    )


async def read_counters(connection: Connection) -> CounterValues:
    """The counters of the caller's counties as they are."""
    rows = await connection.fetch("SELECT county, counter, value FROM county_counter")
    return {(County(row["county"]), Counter(row["counter"])): row["value"] for row in rows}


async def read_counters_as_of(connection: Connection, day: date) -> CounterValues:
    """The counters of the caller's counties as they were at the end of `day` in the province."""
    rows = await connection.fetch(
        "SELECT county, counter, sum(delta) AS value FROM county_counter_day WHERE day <= $1 GROUP BY county, counter",
        day,
    )
    return {(County(row["county"]), Counter(row["counter"])): row["value"] for row in rows}


async def read_daily(
    connection: Connection, counties: Sequence[County], counter: Counter, first: date, last: date
) -> list[tuple[date, Decimal]]:
    """A counter summed over `counties` at the end of each day from `first` to `last`, both included."""
    rows = await connection.fetch(
        """
        SELECT day::date AS day, sum(coalesce(changed.delta, 0)) OVER (ORDER BY day) AS value
        FROM generate_series($3::date, $4::date, interval '1 day') AS day
        LEFT JOIN (
            SELECT greatest(day, $3) AS day, sum(delta) AS delta FROM county_counter_day
            WHERE county = ANY ($1::text[]) AND counter = $2 AND day <= $4
            GROUP BY greatest(day, $3)
        ) AS changed USING (day)
        ORDER BY day
        """,
        counties,
        counter,
        first,
        last,
    )
    return [(row["day"], row["value"]) for row in rows]


async def read_now(connection: Connection) -> datetime:
    """The database's clock, in UTC."""
    now: datetime = await connection.fetchval("SELECT now()")
    return now


async def enter_interval(connection: Connection, warehouse_id: UUID) -> bool:
    """The site's inspection counts until its next one is due; False if the last one still counted."""
    status = await connection.execute(
        "UPDATE warehouse SET within_interval = true WHERE warehouse_id = $1 AND NOT within_interval", warehouse_id
    )
    return status == "UPDATE 1"


async def end_intervals(connection: Connection, today: date, limit: int) -> list[tuple[UUID, County, date]]:
    """Up to `limit` sites whose next inspection was due before `today`: their last one counts no longer.

    Returns site, county and the day on which it was due. Rows that somebody is working on are left for the next time.
    """
    rows = await connection.fetch(
        """
        UPDATE warehouse AS w SET within_interval = false
        FROM (
            SELECT warehouse_id FROM warehouse WHERE within_interval AND next_due_on < $1
            ORDER BY next_due_on LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        ) AS due
        WHERE w.warehouse_id = due.warehouse_id
        RETURNING w.warehouse_id, w.county, w.next_due_on
        """,
        today,
        limit,
    )
    return [(row["warehouse_id"], County(row["county"]), row["next_due_on"]) for row in rows]
