"""What the hand-written contenders do to count: sums of decoded bodies, and one upsert like the warehouse service's own."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.kit.transaction import Connection


def sum_bodies(bodies: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    """Counter sums by (county, counter), exact: capacities are added as whole kilograms."""
    counties: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for body in bodies:
        sums = counties[body["county"]]
        sums[0] += 1
        sums[1] += body["is_first_of_site"]
        sums[2] += round(body["verified_capacity_tonnes"] * 1000) - round(
            body["verified_capacity_tonnes_before"] * 1000
        )
        sums[3] += round(body["in_use_capacity_tonnes"] * 1000) - round(body["in_use_capacity_tonnes_before"] * 1000)
    result: dict[tuple[str, str], Decimal] = {}
    for county, (completed, inspected, verified, in_use) in counties.items():
        result[county, "completed_inspections"] = Decimal(completed)
        result[county, "inspected_sites"] = Decimal(inspected)
        result[county, "verified_capacity_tonnes"] = Decimal(verified) / 1000
        result[county, "in_use_capacity_tonnes"] = Decimal(in_use) / 1000
    return result


async def add_to_counters(connection: Connection, sums: Mapping[tuple[str, str], Decimal]) -> None:
    """Add `sums`, in the order of their keys."""
    ordered = sorted(sums.items())
    await connection.execute(
        """
        INSERT INTO county_counter AS c (county, counter, value)
        SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[])
        ON CONFLICT (county, counter) DO UPDATE SET value = c.value + excluded.value
        """,
        [county for (county, _), _ in ordered],
        [counter for (_, counter), _ in ordered],
        [value for _, value in ordered],
    )
