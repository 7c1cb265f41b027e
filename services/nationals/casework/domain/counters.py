"""Case counters per county as a pure fold of the service's own events.

There is no counter of departures or referrals, no target and no ranking: counters show work that waits, not people to be moved.
"""

from collections import Counter
from collections.abc import Iterable

from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.nationals import (
    HouseholdDeparted,
    HouseholdSplit,
    LegalDecisionServed,
    LegalReviewOpened,
    PhaseTwoReviewRequested,
    ReturnCaseClosed,
    ReturnCaseOpened,
    ReturnCaseReferred,
    ReturnCaseReviewOverdue,
    ReturnCaseSuspended,
    ReturnConsentRecorded,
    ReturnConsentWithdrawn,
    VoluntaryStageRenewed,
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


_EFFECTS: dict[type[Event], dict[str, int]] = {
    ReturnCaseOpened: {"opened": 1, "open": 1},
    ReturnConsentRecorded: {"consented": 1},
    ReturnConsentWithdrawn: {"withdrawn": 1},
    ReturnCaseSuspended: {"suspended": 1},
    ReturnCaseReviewOverdue: {"reviews_overdue": 1},
    PhaseTwoReviewRequested: {"in_legal_review": 1},
    LegalReviewOpened: {"legal_reviews_opened": 1},
    LegalDecisionServed: {"in_legal_review": -1},
    VoluntaryStageRenewed: {},
    ReturnCaseReferred: {"open": -1},
    ReturnCaseClosed: {"open": -1, "closed": 1},
    HouseholdDeparted: {"open": -1},
    HouseholdSplit: {"open": -1},
}

COUNTED_EVENTS = tuple(_EFFECTS)


def counter_deltas(event: Event) -> dict[tuple[County, str], int]:
    """What `event` adds to each (county, counter); empty for an event that is not counted (safeguard 12)."""
    effects = dict(_EFFECTS.get(type(event), {}))
    if isinstance(event, ReturnCaseClosed | VoluntaryStageRenewed) and event.was_awaiting_legal_review:
        effects["in_legal_review"] = -1
    county: County | None = getattr(event, "county", None)
    return {(county, counter): delta for counter, delta in effects.items()} if county is not None else {}


def total_deltas(events: Iterable[Event]) -> dict[tuple[County, str], int]:
    """Sum of `counter_deltas` over `events`, keys sorted so that two writers lock rows in one order.

    A sum of zero stays in: the rows that exist must not depend on how events were cut into batches.
    """
    totals: Counter[tuple[County, str]] = Counter()
    for event in events:
        for key, delta in counter_deltas(event).items():
            totals[key] += delta
    return {key: totals[key] for key in sorted(totals)}
