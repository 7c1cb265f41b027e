"""Projections: written only by the folds, and rebuilt by folding the topics anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class PlaceCounterRow:
    """Places of one kind as the event with `sequence` (of its centre) told them."""

    centre_id: UUID
    place_kind: PlaceKind
    county: County
    capacity: int
    held: int
    used: int
    sequence: int


async def add_case_counters(connection: Connection, deltas: Mapping[tuple[County, str], int]) -> None:
    """Add to the counters, in the mapping's order (sort it: two writers then lock in one order)."""
    keys = list(deltas)
    await connection.execute(
        """
        INSERT INTO casework.county_case_counter AS total (county, counter, value)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
        ON CONFLICT (county, counter) DO UPDATE SET value = total.value + excluded.value
        """,
        [county.value for county, _ in keys],
        [counter for _, counter in keys],
        [deltas[key] for key in keys],
    )


async def put_place_counters(connection: Connection, rows: Sequence[PlaceCounterRow]) -> None:
    """Set absolute states, one row for each centre and kind; an older sequence never overwrites a newer one."""
    await connection.execute(
        """
        INSERT INTO casework.centre_place_counter AS known
            (centre_id, place_kind, county, capacity, held, used, sequence)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
        ON CONFLICT (centre_id, place_kind) DO UPDATE
        SET county = excluded.county, capacity = excluded.capacity, held = excluded.held, used = excluded.used,
            sequence = excluded.sequence
        WHERE known.sequence < excluded.sequence
        """,
        [row.centre_id for row in rows],
        [row.place_kind.value for row in rows],
        [row.county.value for row in rows],
        [row.capacity for row in rows],
        [row.held for row in rows],
        [row.used for row in rows],
        [row.sequence for row in rows],
    )


async def read_case_counters(connection: Connection) -> dict[tuple[County, str], int]:
    rows = await connection.fetch("SELECT county, counter, value FROM casework.county_case_counter")
    return {(County(row["county"]), row["counter"]): row["value"] for row in rows}


async def read_place_counters(connection: Connection) -> list[PlaceCounterRow]:
    rows = await connection.fetch(
        """
        SELECT centre_id, place_kind, county, capacity, held, used, sequence FROM casework.centre_place_counter
        ORDER BY centre_id, place_kind
        """
    )
    return [
        PlaceCounterRow(
            centre_id=row["centre_id"],
            place_kind=PlaceKind(row["place_kind"]),
            county=County(row["county"]),
            capacity=row["capacity"],
            held=row["held"],
            used=row["used"],
            sequence=row["sequence"],
        )
        for row in rows
    ]
