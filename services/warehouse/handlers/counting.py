"""The county counters: a fold of the service's own events and of nothing else (rule 9)."""

from collections.abc import Sequence

from services.warehouse.domain.counters import COUNTED_EVENTS, sum_deltas
from services.warehouse.store import history as store
from shared.contracts.base import Event
from shared.kit.routing import Received, fold
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


@fold(*COUNTED_EVENTS, tables=("county_counter", "county_counter_day"))
async def fold_county_counters(received: Sequence[Received[Event]], tx: Transaction) -> None:
    """Add the batch to the counters of its counties and to the days on which the events were recorded."""
    await store.add_to_counters(tx.connection, sum_deltas((office_date(item.time), item.event) for item in received))
