"""What the broker does for the service's own events about operations, done by the test: from the outbox to the rules."""

from typing import Final

from shared.contracts.notifications import OperationsTroubleEnded, OperationsTroubleFound
from shared.kit.routing import Received
from tests.support.notifications import Desk

EVENTS: Final = {event.type_name(): event for event in (OperationsTroubleFound, OperationsTroubleEnded)}


async def take_operations_events(desk: Desk) -> int:
    """Apply every operations event in the outbox, also those applied before: rules take each once. Returns how many."""
    rows = await desk.pool.fetch(
        """
        SELECT type, event_id, recorded_at, sequence, correlation_id, body FROM outbox
        WHERE type = ANY ($1) ORDER BY shard, position
        """,
        list(EVENTS),
    )
    for row in rows:
        event = EVENTS[row["type"]].model_validate_json(row["body"])
        await desk.take(Received(event, row["event_id"], row["recorded_at"], row["sequence"], row["correlation_id"]))
    return len(rows)
