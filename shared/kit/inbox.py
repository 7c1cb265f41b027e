"""Which events have had their effect: the inbox, and the sequence fence beside it (rules 5 and 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from shared.kit.connections import Connection
from shared.kit.database import wait_for_standby

if TYPE_CHECKING:
    from shared.kit.batches import Readable


@dataclass(frozen=True, slots=True)
class Admission:
    """`fresh`: ids seen for the first time. `position_before`: highest sequence applied before this transaction, by
    (topic, aggregate id), for aggregates that had one."""

    fresh: frozenset[UUID]
    position_before: dict[tuple[str, str], int]


async def admit(connection: Connection, consumer: int, readable: "Sequence[Readable]") -> Admission:
    """INSERT all ids in one statement and move the aggregates' positions forward; what was there already is a duplicate.

    A concurrent transaction with the same ids waits here for this one, which is what fences a consumer that lost its
    partition: whoever commits second finds nothing fresh.
    """
    ids = [item.received.id for item in readable]
    rows = await connection.fetch(
        """
        WITH incoming AS (
            SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[])
                          AS event (event_id, topic, aggregate_id, sequence)
        ), fresh AS (
            INSERT INTO inbox (consumer, event_id)
            SELECT DISTINCT $1::smallint, event_id FROM incoming ORDER BY event_id
            ON CONFLICT DO NOTHING
            RETURNING event_id
        ), moved AS (
            INSERT INTO stream_position AS position (consumer, topic, aggregate_id, sequence)
            SELECT $1, topic, aggregate_id, max(sequence)
            FROM incoming JOIN fresh USING (event_id)
            GROUP BY topic, aggregate_id ORDER BY topic, aggregate_id
            ON CONFLICT (consumer, topic, aggregate_id)
            DO UPDATE SET sequence = greatest(position.sequence, excluded.sequence)
            RETURNING topic, aggregate_id, old.sequence AS before
        )
        SELECT event_id, NULL AS topic, NULL AS aggregate_id, NULL::bigint AS before
        FROM incoming WHERE event_id NOT IN (SELECT event_id FROM fresh)
        UNION ALL
        SELECT NULL, topic, aggregate_id, before FROM moved WHERE before IS NOT NULL
        """,
        consumer,
        ids,
        [item.key[0] for item in readable],
        [item.key[1] for item in readable],
        [item.received.sequence for item in readable],
    )
    duplicates = {row["event_id"] for row in rows if row["event_id"] is not None}
    if duplicates:
        await wait_for_standby(connection)
    return Admission(
        fresh=frozenset(ids) - duplicates,
        position_before={(row["topic"], row["aggregate_id"]): row["before"] for row in rows if row["event_id"] is None},
    )
