"""What the hand-written contenders do to count: sums of decoded bodies, and one upsert like the warehouse service's own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shared.kit.transaction import Connection

OFFICE_ZONE = ZoneInfo("Asia/Tehran")

Sums = Mapping[tuple[date, str, str], Decimal]
"""By day, county and counter."""


def sum_bodies(bodies: Iterable[tuple[str, dict[str, Any]]]) -> Sums:
    """Sums over (`ce_time`, body), exact: capacities are added as whole kilograms."""
    places: defaultdict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for recorded_at, body in bodies:
        sums = places[datetime.fromisoformat(recorded_at).astimezone(OFFICE_ZONE).date(), body["county"]]
        sums[0] += 1
        sums[1] += body["is_first_of_site"]
        sums[2] += body["enters_interval"]
        sums[3] += round(body["verified_capacity_tonnes"] * 1000) - round(
            body["verified_capacity_tonnes_before"] * 1000
        )
        sums[4] += round(body["in_use_capacity_tonnes"] * 1000) - round(body["in_use_capacity_tonnes_before"] * 1000)
    result: dict[tuple[date, str, str], Decimal] = {}
    for (day, county), (completed, inspected, within, verified, in_use) in places.items():
        result[day, county, "completed_inspections"] = Decimal(completed)
        result[day, county, "inspected_sites"] = Decimal(inspected)
        result[day, county, "inspected_within_interval"] = Decimal(within)
        result[day, county, "verified_capacity_tonnes"] = Decimal(verified) / 1000
        result[day, county, "in_use_capacity_tonnes"] = Decimal(in_use) / 1000
    return result


async def add_to_counters(connection: Connection, sums: Sums) -> None:
    """Add `sums` to the counters and to their days, in the order of their keys."""
    keys = sorted(sums)
    await connection.execute(
        """
        WITH added AS (
            SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::numeric[]) AS sums (day, county, counter, delta)
        ), by_day AS (
            INSERT INTO county_counter_day AS d (county, counter, day, delta)
            SELECT county, counter, day, delta FROM added
            ON CONFLICT (county, counter, day) DO UPDATE SET delta = d.delta + excluded.delta
        )
        INSERT INTO county_counter AS c (county, counter, value)
        SELECT county, counter, sum(delta) FROM added GROUP BY county, counter ORDER BY county, counter
        ON CONFLICT (county, counter) DO UPDATE SET value = c.value + excluded.value
        """,
        [day for day, _, _ in keys],
        [county for _, county, _ in keys],
        [counter for _, _, counter in keys],
        [sums[key] for key in keys],
    )
