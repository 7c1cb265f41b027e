"""The warehouses' part of the fold: the accepted commands, one after the other, in the fold's own words."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from deploy.demo.expectation import AlertKey, Alerts, Counters, ExpectedAlert, no_counters
from deploy.demo.fold_actions import ActionFold
from deploy.demo.fold_stocks import StockFold
from deploy.demo.ledger import Entry, Ledger


def fold_warehouse(
    ledger: Ledger, registry: Mapping[str, tuple[int, Decimal]], alerts: Alerts, problems: list[str]
) -> Counters:
    """The county counters at the end of the day; adds the alerts that must be there, and what contradicts the plan.

    `registry`: per county the number of accepted registry rows and their summed capacity in tonnes.
    """
    counters = no_counters()
    for county, (rows, capacity) in registry.items():
        counters[county]["registered_sites"] += rows
        counters[county]["registered_capacity_tonnes"] += capacity
    fold = _WarehouseFold(counters, alerts, problems)
    for entry in ledger.entries:
        if entry.accepted:
            fold.apply(entry)
    fold.end()
    return counters


def exact(figure: object) -> Decimal:
    """A figure in tonnes as the decimal it was sent as."""
    return Decimal(str(figure))


class _WarehouseFold:
    """What each kind of command does to the counters and alerts; every other kind does nothing."""

    def __init__(self, counters: Counters, alerts: Alerts, problems: list[str]) -> None:
        self._counters = counters
        self._alerts = alerts
        self._problems = problems
        self._actions = ActionFold(counters, alerts)
        self._stocks = StockFold(alerts)
        self._last_found: defaultdict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
        self._effects: dict[str, Callable[[Entry], None]] = {
            "inspection.approve": self._approve,
            "discrepancy.resolve": lambda entry: self._settle(entry, entry.intent["discrepancy_id"]),
            "proposal.decide": self._decide_proposal,
            "found_site.decide": self._decide_found_site,
            "found_site.registry_id": lambda entry: self._settle(entry, entry.answer["discrepancy_id"]),
            "hold.place": lambda entry: self._hold(entry, entry.answer["hold_id"] if entry.answer["placed"] else None),
            "hold.lift": self._lift,
            "action.resolve": self._actions.resolve,
            "action.extend": self._actions.extend,
            "action.reopen": self._actions.reopen,
            "need.set": self._stocks.set_need,
            "stock.declare": self._stocks.declare,
        }

    def apply(self, entry: Entry) -> None:
        effect = self._effects.get(entry.kind)
        if effect is not None:
            effect(entry)

    def end(self) -> None:
        """What time does to what people left: the day ends when no timer is armed any more."""
        self._actions.let_the_rest_run_overdue()
        self._stocks.let_declarations_expire()

    def _approve(self, entry: Entry) -> None:
        intent, answer = entry.intent, entry.answer
        self._check_review(entry)
        found = exact(intent["capacity_tonnes"]), exact(intent["in_use_capacity_tonnes"])
        self._inspected(str(intent["county"]), str(intent["warehouse_id"]), found)
        # A recount takes the place of the count that asked for it.
        self._settle(entry, intent.get("recounted_discrepancy_id"))
        self._differs(entry, answer.get("discrepancy_id"))
        self._hold(entry, answer.get("hold_id"))
        for action_id in answer.get("action_ids", []):
            self._actions.open(str(action_id), str(intent["county"]), str(intent["severity"]))

    def _inspected(self, county: str, site: str, found: tuple[Decimal, Decimal]) -> None:
        """Capacities follow the newest inspection of a site. The site counts as inspected once, and within its interval
        from then on: the shortest interval is 45 days of the calendar, which no day of the demo outlasts."""
        counters, is_first = self._counters[county], site not in self._last_found
        before = self._last_found[site]
        counters["completed_inspections"] += 1
        counters["inspected_sites"] += is_first
        counters["inspected_within_interval"] += is_first
        counters["verified_capacity_tonnes"] += found[0] - before[0]
        counters["in_use_capacity_tonnes"] += found[1] - before[1]
        self._last_found[site] = found

    def _check_review(self, entry: Entry) -> None:
        intent, answer = entry.intent, entry.answer
        where, verdict = f"inspection {answer.get('inspection_id')}", intent["verdict"]
        if answer.get("verdict") != verdict:
            self._problems.append(f"{where}: verdict {answer.get('verdict')}, the figures say {verdict}")
        if bool(answer.get("discrepancy_id")) != (verdict != "confirmed"):
            self._problems.append(f"{where}: discrepancy {answer.get('discrepancy_id')} at verdict {verdict}")
        actions = len(answer.get("action_ids", []))
        if actions != intent["failed_items"]:
            self._problems.append(f"{where}: {actions} actions for {intent['failed_items']} failed items")
        if bool(answer.get("hold_id")) != bool(intent["suspicion"]):
            self._problems.append(f"{where}: hold {answer.get('hold_id')} at suspicion {intent['suspicion']}")

    def _differs(self, entry: Entry, discrepancy_id: Any) -> None:
        if discrepancy_id:
            county = str(entry.intent["county"])
            self._counters[county]["open_discrepancies"] += 1
            self._alerts[AlertKey("discrepancy_found", str(discrepancy_id))] = ExpectedAlert(county)

    def _settle(self, entry: Entry, discrepancy_id: Any) -> None:
        if discrepancy_id:
            self._counters[entry.intent["county"]]["open_discrepancies"] -= 1
            self._alerts[AlertKey("discrepancy_found", str(discrepancy_id))].resolved = True

    def _hold(self, entry: Entry, hold_id: Any) -> None:
        if hold_id:
            county = str(entry.intent["county"])
            self._counters[county]["holds"] += 1
            self._alerts[AlertKey("warehouse_put_on_hold", str(hold_id))] = ExpectedAlert(county)

    def _lift(self, entry: Entry) -> None:
        self._counters[entry.intent["county"]]["holds"] -= 1
        self._alerts[AlertKey("warehouse_put_on_hold", entry.intent["hold_id"])].resolved = True

    def _decide_proposal(self, entry: Entry) -> None:
        """Accepted, the register says what was found; a discrepancy of which nothing else is open is settled."""
        if entry.answer["changed"]:
            change = exact(entry.intent["capacity_tonnes"]) - exact(entry.intent["capacity_tonnes_before"])
            self._counters[entry.intent["county"]]["registered_capacity_tonnes"] += change
        self._settle(entry, entry.answer["discrepancy_id"])

    def _decide_found_site(self, entry: Entry) -> None:
        """Accepted: a site more, inspected by whoever found it. A duplicate: a completed visit that counts nothing more."""
        intent, answer = entry.intent, entry.answer
        counters = self._counters[intent["county"]]
        if answer["state"] == "duplicate":
            counters["completed_inspections"] += 1
        if answer["state"] == "accepted":
            found = exact(intent["capacity_tonnes"]), exact(intent["in_use_capacity_tonnes"])
            counters["registered_sites"] += 1
            counters["registered_capacity_tonnes"] += found[0]
            self._inspected(str(intent["county"]), str(answer["warehouse_id"]), found)
            self._differs(entry, answer["discrepancy_id"])
