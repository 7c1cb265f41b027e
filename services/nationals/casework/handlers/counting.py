"""Projections: counters as folds of this service's own events (rule 9 of the delivery rules)."""

from collections.abc import Sequence

from services.nationals.casework.domain.counters import COUNTED_EVENTS, total_deltas
from services.nationals.casework.store import counters as counter_store
from services.nationals.casework.store.counters import PlaceCounterRow
from shared.contracts.base import Event
from shared.contracts.nationals import CentreCapacityChanged
from shared.kit.routing import Received, fold
from shared.kit.transaction import Transaction


@fold(*COUNTED_EVENTS, tables=("casework.county_case_counter",))
async def fold_case_counters(received: Sequence[Received[Event]], tx: Transaction) -> None:
    """Add the batch's cases to the counters of their counties."""
    deltas = total_deltas(item.event for item in received)
    if deltas:
        await counter_store.add_case_counters(tx.connection, deltas)


@fold(CentreCapacityChanged, tables=("casework.centre_place_counter",))
async def fold_centre_places(received: Sequence[Received[CentreCapacityChanged]], tx: Transaction) -> None:
    """Keep the newest state of each centre and kind: by the centre's own sequence, whatever order events arrive in."""
    newest: dict[tuple[str, str], Received[CentreCapacityChanged]] = {}
    for item in received:
        key = (str(item.event.centre_id), item.event.place_kind.value)
        if key not in newest or newest[key].sequence < item.sequence:
            newest[key] = item
    await counter_store.put_place_counters(
        tx.connection,
        [
            PlaceCounterRow(
                centre_id=item.event.centre_id,
                place_kind=item.event.place_kind,
                county=item.event.county,
                capacity=item.event.capacity,
                held=item.event.held,
                used=item.event.used,
                sequence=item.sequence,
            )
            for _, item in sorted(newest.items())
        ],
    )
