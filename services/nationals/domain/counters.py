"""Case counters per county as a pure fold of the service's own events.

There is no counter of departures, no target and no ranking: counters show work that waits, not people to be moved.
"""

from collections import Counter
from collections.abc import Iterable

from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.nationals import (
    LegalReviewOpened,
    PhaseTwoReviewRequested,
    ReturnCaseClosed,
    ReturnCaseOpened,
    ReturnCaseReviewOverdue,
    ReturnCaseSuspended,
    ReturnConsentRecorded,
    ReturnConsentWithdrawn,
)

COUNTED_EVENTS: tuple[type[Event], ...] = (
    ReturnCaseOpened,
    ReturnConsentRecorded,
    ReturnConsentWithdrawn,
    ReturnCaseSuspended,
    ReturnCaseReviewOverdue,
    PhaseTwoReviewRequested,
    LegalReviewOpened,
    ReturnCaseClosed,
)

COUNTERS = (
    "opened",
    "open",
    "consented",
    "withdrawn",
    "suspended",
    "reviews_overdue",
    "in_legal_review",
    "legal_reviews_opened",
    "closed",
)
"""`open` and `in_legal_review` go up and down; the others count events since the beginning."""


def counter_deltas(event: Event) -> dict[tuple[County, str], int]:
    """What `event` adds to each (county, counter); empty for an event that is not counted (safeguard 12)."""
    match event:
        case ReturnCaseOpened():
            return {(event.county, "opened"): 1, (event.county, "open"): 1}
        case ReturnConsentRecorded():
            return {(event.county, "consented"): 1}
        case ReturnConsentWithdrawn():
            return {(event.county, "withdrawn"): 1}
        case ReturnCaseSuspended():
            return {(event.county, "suspended"): 1}
        case ReturnCaseReviewOverdue():
            return {(event.county, "reviews_overdue"): 1}
        case PhaseTwoReviewRequested():
            return {(event.county, "in_legal_review"): 1}
        case LegalReviewOpened():
            return {(event.county, "legal_reviews_opened"): 1}
        case ReturnCaseClosed():
            deltas = {(event.county, "open"): -1, (event.county, "closed"): 1}
            if event.was_awaiting_legal_review:
                deltas[event.county, "in_legal_review"] = -1
            return deltas
        case _:
            return {}


def total_deltas(events: Iterable[Event]) -> dict[tuple[County, str], int]:
    """Sum of `counter_deltas` over `events`, keys sorted so that two writers lock rows in one order.

    A sum of zero stays in: the rows that exist must not depend on how events were cut into batches.
    """
    totals: Counter[tuple[County, str]] = Counter()
    for event in events:
        for key, delta in counter_deltas(event).items():
            totals[key] += delta
    return {key: totals[key] for key in sorted(totals)}
