"""What the broker does for the service's own events, done by the test: from the outbox to the rules."""

from collections.abc import Mapping
from typing import Final

from shared.contracts.base import Event
from shared.contracts.notifications import AlertUndelivered, OperationsTroubleEnded, OperationsTroubleFound
from shared.kit.routing import Received
from tests.support.notifications import Desk

EVENTS: Final = {event.type_name(): event for event in (OperationsTroubleFound, OperationsTroubleEnded)}


async def take_operations_events(desk: Desk) -> int:
    """Apply every operations event in the outbox, also those applied before: rules take each once. Returns how many."""
    return await _take(desk, EVENTS)


async def take_undelivered_events(desk: Desk) -> int:
    """The same for dead letters."""
    return await _take(desk, {AlertUndelivered.type_name(): AlertUndelivered})


async def _take(desk: Desk, events: Mapping[str, type[Event]]) -> int:
    rows = await desk.pool.fetch(
        """
        SELECT type, event_id, recorded_at, sequence, correlation_id, body FROM outbox
        WHERE type = ANY ($1) ORDER BY shard, position
        """,
        list(events),
    )
    for row in rows:
        event = events[row["type"]].model_validate_json(row["body"])
        await desk.take(Received(event, row["event_id"], row["recorded_at"], row["sequence"], row["correlation_id"]))
    return len(rows)
