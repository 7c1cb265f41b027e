"""Counters per county: a fold of this service's own events."""

from collections import Counter
from collections.abc import Sequence

from services.notifications.store import reading as store
from shared.contracts.base import Event
from shared.contracts.notifications import AlertAcknowledged, AlertEscalated, AlertRaised, AlertReopened, AlertResolved
from shared.kit.routing import Received, fold
from shared.kit.transaction import Transaction

FOLDED = ("raised", "open", "acknowledged", "reopened", "escalated", "resolved")


@fold(AlertRaised, AlertAcknowledged, AlertReopened, AlertEscalated, AlertResolved, tables=("alert_counter",))
async def fold_alert_counters(received: Sequence[Received[Event]], tx: Transaction) -> None:
    """`open` counts alerts on which nobody acted and which no event resolved; the others count what happened."""
    changes: Counter[tuple[str, str]] = Counter()
    for item in received:
        match item.event:
            case AlertRaised(county=county):
                changes[county, "raised"] += 1
                changes[county, "open"] += 1
            case AlertAcknowledged(county=county):
                changes[county, "acknowledged"] += 1
                changes[county, "open"] -= 1
            case AlertReopened(county=county):
                changes[county, "reopened"] += 1
                changes[county, "open"] += 1
            case AlertEscalated(county=county):
                changes[county, "escalated"] += 1
            case AlertResolved(county=county, was_acknowledged=was_acknowledged):
                changes[county, "resolved"] += 1
                changes[county, "open"] -= 0 if was_acknowledged else 1
            case _:
                pass
    await store.add_to_counters(tx.connection, changes)
