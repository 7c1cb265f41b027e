"""What must be true at the end of the day, folded from the ledger alone: pure, and without a line of the services' code.

The fold knows the rules in its own words. What depends on time (was an action overdue, which step was running) is read
from the services' answers in the ledger, never guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.demo.expectation import AlertKey, Counters, ExpectedAlert
from deploy.demo.fold_casework import fold_cases
from deploy.demo.fold_warehouse import fold_warehouse
from deploy.demo.ledger import OBSERVED, Ledger

THRESHOLDS_PERCENT = (80, 95, 100)
HYSTERESIS_POINTS = 5


@dataclass(frozen=True, slots=True)
class Periods:
    """What the launcher configured, as far as the fold needs it. `booking_hold_s` in wall seconds."""

    booking_hold_s: float
    pause_reminders: int
    legal_review_reminders: int


@dataclass(slots=True)
class Expected:
    """All that the fold claims. `places`: (centre id, place kind) to capacity and places held."""

    warehouse: Counters
    cases: Counters
    places: dict[tuple[str, str], dict[str, int]]
    alerts: dict[AlertKey, ExpectedAlert]
    possible_alerts: dict[AlertKey, ExpectedAlert]
    """Those that only a slow machine's longer day raises: right if they are there, and right if not."""
    problems: list[str] = field(default_factory=list[str])
    """Answers that contradict the plan: a verdict other than the figures must give, an action too many."""


def fold(ledger: Ledger, registry: Mapping[str, tuple[int, Decimal]], periods: Periods) -> Expected:
    """Everything that must follow from the accepted commands.

    `registry`: per county the number of accepted registry rows and their summed capacity in tonnes.
    """
    alerts: dict[AlertKey, ExpectedAlert] = {}
    problems: list[str] = []
    warehouse = fold_warehouse(ledger, registry, alerts, problems)
    possible: dict[AlertKey, ExpectedAlert] = {}
    cases = fold_cases(ledger, periods.pause_reminders, periods.legal_review_reminders, alerts, possible)
    places = _fold_places(ledger, periods, alerts)
    problems += [
        f"{entry.actor}: {entry.answer['seen']} instead of {entry.intent['expected']}"
        for entry in ledger.accepted(OBSERVED)
        if entry.answer["seen"] != entry.intent["expected"]
    ]
    return Expected(warehouse, cases, places, alerts, possible, problems)


def _fold_places(
    ledger: Ledger, periods: Periods, alerts: dict[AlertKey, ExpectedAlert]
) -> dict[tuple[str, str], dict[str, int]]:
    """Every booking ends by itself at the latest; on the way up each threshold raises an alert that its fall resolves."""
    places: dict[tuple[str, str], dict[str, int]] = {}
    county_of: dict[str, str] = {}
    for entry in ledger.accepted("centre.capacity"):
        key = str(entry.intent["centre_id"]), str(entry.intent["place_kind"])
        places[key] = {"capacity": int(entry.intent["capacity"]), "held": 0, "used": 0}
        county_of[key[0]] = str(entry.intent["county"])
    released_at = _release_times(ledger)
    moves: defaultdict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for entry in ledger.accepted("case.book"):
        key = str(entry.intent["centre_id"]), str(entry.intent["place_kind"])
        count = int(entry.intent["places"])
        expires_at_s = entry.at_s + periods.booking_hold_s
        ended_at_s = min(expires_at_s, released_at.get(str(entry.answer["booking_id"]), expires_at_s))
        moves[key] += [(entry.at_s, count), (ended_at_s, -count)]
    for key, changes in moves.items():
        _fold_thresholds(key, county_of[key[0]], places[key]["capacity"], sorted(changes), alerts)
    return places


def _release_times(ledger: Ledger) -> dict[str, float]:
    """When each booking was given back before it expired, by booking id."""
    times = {
        str(entry.intent["booking_id"]): entry.at_s
        for entry in ledger.accepted("booking.release")
        if entry.answer["released"]
    }
    for entry in ledger.accepted("case.depart"):
        times[str(entry.intent["booking_id"])] = entry.at_s
    for entry in ledger.accepted("case.withdraw"):
        if entry.answer.get("released_booking_id"):
            times[str(entry.answer["released_booking_id"])] = entry.at_s
    return times


def _fold_thresholds(
    key: tuple[str, str],
    county: str,
    capacity: int,
    changes: Iterable[tuple[float, int]],
    alerts: dict[AlertKey, ExpectedAlert],
) -> None:
    """A threshold falls only five points below itself, so that one booking cannot make it flap."""
    held, turns, running = 0, defaultdict[int, int](int), dict[int, AlertKey]()
    for _, change in changes:
        held += change
        for threshold in THRESHOLDS_PERCENT:
            crossed = held * 100 >= (threshold - HYSTERESIS_POINTS * (threshold in running)) * capacity
            if crossed and threshold not in running:
                rule = "centre_full" if threshold == THRESHOLDS_PERCENT[-1] else "centre_capacity_threshold_crossed"
                running[threshold] = AlertKey(rule, f"{key[0]}/{key[1]}/{threshold}", turns[threshold])
                turns[threshold] += 1
                alerts[running[threshold]] = ExpectedAlert(county)
            elif not crossed and threshold in running:
                alerts[running.pop(threshold)].resolved = True


def acknowledged_alerts(ledger: Ledger) -> set[str]:
    """Ids of alerts whose acknowledgement was accepted."""
    return {str(entry.intent["alert_id"]) for entry in ledger.accepted("alert.acknowledge")}


def doubtful_acknowledgements(ledger: Ledger) -> set[str]:
    """Ids of alerts whose acknowledgement was asked more than once and then refused: the first may have been taken."""
    return {
        str(entry.intent["alert_id"])
        for entry in ledger.entries
        if entry.kind == "alert.acknowledge" and not entry.accepted and entry.attempts > 1
    }


def policy_lengths(ledger: Ledger) -> dict[str, int]:
    """How many steps each escalation policy tells in all, repeats included, by policy name."""
    lengths: dict[str, int] = {}
    for entry in ledger.accepted("policy.set"):
        body: dict[str, Any] = entry.intent["body"]
        lengths[str(entry.intent["policy"])] = len(body["steps"]) + int(body["repeats"])
    return lengths


POLICY_OF_RULE: Mapping[str, str] = {
    "corrective_action_overdue": "standard",
    "critical_corrective_action_overdue": "urgent",
    "critical_corrective_action_opened": "urgent",
    "discrepancy_found": "standard",
    "warehouse_put_on_hold": "urgent",
    "corrective_action_reopened": "standard",
    "critical_corrective_action_reopened": "urgent",
    "essential_stock_low": "standard",
    "centre_capacity_threshold_crossed": "standard",
    "centre_full": "urgent",
    "phase_two_review_requested": "office",
    "return_case_review_overdue": "office",
    "return_screening_expiring": "office",
    "appeal_lodged": "office",
    "appeal_overdue": "office",
    "appeal_window_ended": "office",
}
"""Which policy escalates the alerts of which rule."""
OFFICE_OF_RULE: Mapping[str, str] = {
    "phase_two_review_requested": "legal_office",
    "return_case_review_overdue": "province_office",
    "return_screening_expiring": "protection_office",
    "appeal_lodged": "appeal_office",
    "appeal_overdue": "province_office",
    "appeal_window_ended": "legal_office",
}
"""Rules that tell a provincial office instead of the county's working group."""
GROUPED_RULES = frozenset({"corrective_action_overdue", "discrepancy_found"})
"""Rules whose alerts of one county are told together."""
HOLDING_RULE = "warehouse_put_on_hold"
HELD_BACK_RULES = frozenset({"corrective_action_overdue", "corrective_action_reopened", "discrepancy_found"})
"""Rules whose alerts about a site wait while an alert of `HOLDING_RULE` about it stands."""
