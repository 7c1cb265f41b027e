"""What must be true at the end of the day, folded from the ledger alone: pure, and without a line of the services' code.

The fold knows the rules in its own words. What depends on time (was an action overdue, which step was running) is read
from the services' answers in the ledger, never guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.demo.ledger import Entry, Ledger
from shared.contracts.counties import County

THRESHOLDS_PERCENT = (80, 95, 100)
HYSTERESIS_POINTS = 5
Counters = dict[str, dict[str, Decimal]]
"""Value by county and counter."""


@dataclass(frozen=True, slots=True)
class Periods:
    """What the launcher configured, as far as the fold needs it. `booking_hold_s` in wall seconds."""

    booking_hold_s: float
    pause_reminders: int
    legal_review_reminders: int


@dataclass(frozen=True, slots=True)
class AlertKey:
    """One alert: the routing rule and what it is about. `turn` tells repeated alerts about one subject apart."""

    rule_id: str
    subject_id: str
    turn: int = 0


@dataclass(slots=True)
class ExpectedAlert:
    county: str
    resolved: bool = False


@dataclass(slots=True)
class Expected:
    """All that the fold claims. `places`: (centre id, place kind) to capacity and places held."""

    warehouse: Counters
    cases: Counters
    places: dict[tuple[str, str], dict[str, int]]
    alerts: dict[AlertKey, ExpectedAlert]
    problems: list[str] = field(default_factory=list[str])
    """Answers that contradict the plan: a verdict other than the figures must give, an action too many."""


def fold(ledger: Ledger, registry: Mapping[str, tuple[int, Decimal]], periods: Periods) -> Expected:
    """Everything that must follow from the accepted commands.

    `registry`: per county the number of accepted registry rows and their summed capacity in tonnes.
    """
    alerts: dict[AlertKey, ExpectedAlert] = {}
    problems: list[str] = []
    warehouse = _fold_warehouse(ledger, registry, alerts, problems)
    cases = _fold_cases(ledger, periods, alerts)
    places = _fold_places(ledger, periods, alerts)
    return Expected(warehouse, cases, places, alerts, problems)


def _counters() -> Counters:
    return {county.value: defaultdict(Decimal) for county in County}


def exact(figure: object) -> Decimal:
    """A figure in tonnes as the decimal it was sent as."""
    return Decimal(str(figure))


def _fold_warehouse(
    ledger: Ledger,
    registry: Mapping[str, tuple[int, Decimal]],
    alerts: dict[AlertKey, ExpectedAlert],
    problems: list[str],
) -> Counters:
    counters = _counters()
    for county, (rows, capacity) in registry.items():
        counters[county]["registered_sites"] += rows
        counters[county]["registered_capacity_tonnes"] += capacity
    last_found: dict[str, tuple[Decimal, Decimal]] = {}
    actions = _Actions(counters, alerts)
    for entry in ledger.accepted("inspection.approve"):
        _fold_inspection(entry, counters[entry.intent["county"]], last_found)
        _fold_findings(entry, counters[entry.intent["county"]], alerts, actions, problems)
    for entry in ledger.accepted("discrepancy.resolve"):
        counters[entry.intent["county"]]["open_discrepancies"] -= 1
        alerts[AlertKey("discrepancy_found", entry.intent["discrepancy_id"])].resolved = True
    for entry in ledger.accepted("hold.lift"):
        counters[entry.intent["county"]]["holds"] -= 1
        alerts[AlertKey("warehouse_put_on_hold", entry.intent["hold_id"])].resolved = True
    for entry in ledger.accepted("action.resolve"):
        actions.resolve(entry)
    actions.let_the_rest_run_overdue()
    return counters


def _fold_inspection(
    entry: Entry, counters: dict[str, Decimal], last_found: dict[str, tuple[Decimal, Decimal]]
) -> None:
    """Capacities follow the newest inspection of a site; a site counts as inspected once."""
    site = str(entry.intent["warehouse_id"])
    found = exact(entry.intent["capacity_tonnes"]), exact(entry.intent["in_use_capacity_tonnes"])
    before = last_found.get(site, (Decimal(0), Decimal(0)))
    counters["completed_inspections"] += 1
    counters["inspected_sites"] += site not in last_found
    counters["verified_capacity_tonnes"] += found[0] - before[0]
    counters["in_use_capacity_tonnes"] += found[1] - before[1]
    last_found[site] = found


def _fold_findings(
    entry: Entry,
    counters: dict[str, Decimal],
    alerts: dict[AlertKey, ExpectedAlert],
    actions: "_Actions",
    problems: list[str],
) -> None:
    intent, answer = entry.intent, entry.answer
    county, where = str(intent["county"]), f"inspection {answer.get('inspection_id')}"
    if answer.get("verdict") != intent["verdict"]:
        problems.append(f"{where}: verdict {answer.get('verdict')}, the figures say {intent['verdict']}")
    differs = intent["verdict"] != "confirmed"
    if bool(answer.get("discrepancy_id")) != differs:
        problems.append(f"{where}: discrepancy {answer.get('discrepancy_id')} at verdict {intent['verdict']}")
    if len(answer.get("action_ids", [])) != intent["failed_items"]:
        problems.append(
            f"{where}: {len(answer.get('action_ids', []))} actions for {intent['failed_items']} failed items"
        )
    if bool(answer.get("hold_id")) != bool(intent["suspicion"]):
        problems.append(f"{where}: hold {answer.get('hold_id')} at suspicion {intent['suspicion']}")
    if answer.get("discrepancy_id"):
        counters["open_discrepancies"] += 1
        alerts[AlertKey("discrepancy_found", str(answer["discrepancy_id"]))] = ExpectedAlert(county)
    if answer.get("hold_id"):
        counters["holds"] += 1
        alerts[AlertKey("warehouse_put_on_hold", str(answer["hold_id"]))] = ExpectedAlert(county)
    for action_id in answer.get("action_ids", []):
        actions.open(str(action_id), county, str(intent["severity"]))


class _Actions:
    """Open actions run overdue when nobody resolves them; critical ones raise an alert already when they open."""

    def __init__(self, counters: Counters, alerts: dict[AlertKey, ExpectedAlert]) -> None:
        self._counters = counters
        self._alerts = alerts
        self._open: dict[str, tuple[str, str]] = {}

    def open(self, action_id: str, county: str, severity: str) -> None:
        self._open[action_id] = county, severity
        self._counters[county]["open_actions"] += 1
        if severity == "critical":
            self._alerts[AlertKey("critical_corrective_action_opened", action_id)] = ExpectedAlert(county)

    def resolve(self, entry: Entry) -> None:
        """`was_overdue` in the answer: overdue counted up when the timer fired, and counts down again now."""
        action_id = str(entry.intent["action_id"])
        county, severity = self._open.pop(action_id)
        self._counters[county]["open_actions"] -= 1
        if severity == "critical":
            self._alerts[AlertKey("critical_corrective_action_opened", action_id)].resolved = True
        if entry.answer["was_overdue"]:
            self._alerts[AlertKey(_overdue_rule(severity), action_id)] = ExpectedAlert(county, resolved=True)

    def let_the_rest_run_overdue(self) -> None:
        for action_id, (county, severity) in self._open.items():
            self._counters[county]["overdue_actions"] += 1
            self._alerts[AlertKey(_overdue_rule(severity), action_id)] = ExpectedAlert(county)


def _overdue_rule(severity: str) -> str:
    return "critical_corrective_action_overdue" if severity == "critical" else "corrective_action_overdue"


def _fold_cases(ledger: Ledger, periods: Periods, alerts: dict[AlertKey, ExpectedAlert]) -> Counters:
    """Every case that is neither closed nor paused lapses; each pause and each legal review is chased to its last reminder."""
    counters = _counters()
    county_of: dict[str, str] = {}
    pauses: defaultdict[str, int] = defaultdict(int)
    for entry in ledger.accepted("case.open"):
        case_id = str(entry.answer["case_id"])
        county_of[case_id] = str(entry.intent["county"])
        counters[county_of[case_id]]["opened"] += 1
        counters[county_of[case_id]]["open"] += 1
    for entry in ledger.accepted("case.consent"):
        case_id = str(entry.intent["case_id"])
        if entry.answer["accepted"]:
            counters[county_of[case_id]]["consented"] += 1
        else:
            pauses[case_id] += 1
    for entry in ledger.accepted("case.screening"):
        pauses[str(entry.intent["case_id"])] += bool(entry.answer["paused"])
    for entry in ledger.accepted("case.withdraw"):
        counters[str(entry.intent["county"])]["withdrawn"] += bool(entry.answer["recorded"])
    closed = {str(entry.intent["case_id"]) for entry in ledger.accepted("case.close")}
    for case_id, county in county_of.items():
        counters[county]["suspended"] += pauses[case_id]
        if case_id in closed:
            counters[county]["open"] -= 1
            counters[county]["closed"] += 1
        elif pauses[case_id]:
            _remind(case_id, county, pauses[case_id] * periods.pause_reminders, counters, alerts)
        else:
            counters[county]["in_legal_review"] += 1
            counters[county]["legal_reviews_opened"] += 1
            _remind(case_id, county, periods.legal_review_reminders, counters, alerts)
            alerts[AlertKey("phase_two_review_requested", case_id)] = ExpectedAlert(county)
    return counters


def _remind(
    case_id: str, county: str, reminders: int, counters: Counters, alerts: dict[AlertKey, ExpectedAlert]
) -> None:
    """Each reminder is counted and told to the province's office."""
    counters[county]["reviews_overdue"] += reminders
    for turn in range(reminders):
        alerts[AlertKey("return_case_review_overdue", case_id, turn)] = ExpectedAlert(county)


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
    "centre_capacity_threshold_crossed": "standard",
    "centre_full": "urgent",
    "phase_two_review_requested": "office",
    "return_case_review_overdue": "office",
}
"""Which policy escalates the alerts of which rule."""
OFFICE_OF_RULE: Mapping[str, str] = {
    "phase_two_review_requested": "legal_office",
    "return_case_review_overdue": "province_office",
}
"""Rules that tell a provincial office instead of the county's working group."""
