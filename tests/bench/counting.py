"""The one SQL statement that moves the county counters, the same for all consumers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.warehouse.domain.counters import sum_deltas
from shared.contracts.warehouse import InspectionCompleted
from shared.kit.routing import Received
from shared.kit.transaction import Connection, Transaction


async def add_to_counters(connection: Connection, sums: Mapping[tuple[str, str], Decimal]) -> None:
    """Add `sums`, by (county, counter), in the order of their keys."""
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


async def fold_county_counters(received: Sequence[Received[InspectionCompleted]], tx: Transaction) -> None:
    """The fold of the spine's consumer: the warehouse service's own sums."""
    sums = sum_deltas(item.event for item in received)
    await add_to_counters(tx.connection, {(county, counter): value for (county, counter), value in sums.items()})
