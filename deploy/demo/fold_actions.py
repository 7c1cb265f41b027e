"""Corrective actions in the fold: opened, extended, reopened, resolved, and run overdue when nobody does anything."""

from dataclasses import dataclass

from deploy.demo.expectation import AlertKey, Alerts, Counters, ExpectedAlert
from deploy.demo.ledger import Entry

CRITICAL = "critical"
OVERDUE = "overdue"


@dataclass(slots=True)
class _Action:
    county: str
    severity: str
    is_open: bool = True
    overdue_turns: int = 0
    """How often it has run overdue."""
    reopened_turns: int = 0


class ActionFold:
    """Whether an action was overdue when a person acted on it is told by the services, never guessed."""

    def __init__(self, counters: Counters, alerts: Alerts) -> None:
        self._counters = counters
        self._alerts = alerts
        self._actions: dict[str, _Action] = {}

    def open(self, action_id: str, county: str, severity: str) -> None:
        """Critical actions raise an alert already when they open."""
        self._actions[action_id] = _Action(county, severity)
        self._counters[county]["open_actions"] += 1
        if severity == CRITICAL:
            self._alerts[AlertKey("critical_corrective_action_opened", action_id)] = ExpectedAlert(county)

    def resolve(self, entry: Entry) -> None:
        """`was_overdue` in the answer: overdue counted up when the timer fired, and counts down again now."""
        action_id = str(entry.intent["action_id"])
        action = self._actions[action_id]
        action.is_open = False
        self._counters[action.county]["open_actions"] -= 1
        if entry.answer["was_overdue"]:
            self._ran_overdue(action_id, resolved=True)
        opened = AlertKey("critical_corrective_action_opened", action_id)
        reopened = AlertKey(_rule("corrective_action_reopened", action), action_id, action.reopened_turns - 1)
        for key in (opened, reopened):
            if key in self._alerts:
                self._alerts[key].resolved = True

    def extend(self, entry: Entry) -> None:
        """`state_before` in the intent: what the service told right before. An overdue action no longer is."""
        if entry.intent["state_before"] == OVERDUE:
            self._ran_overdue(str(entry.intent["action_id"]), resolved=True)

    def reopen(self, entry: Entry) -> None:
        action_id = str(entry.intent["action_id"])
        action = self._actions[action_id]
        action.is_open = True
        self._counters[action.county]["open_actions"] += 1
        key = AlertKey(_rule("corrective_action_reopened", action), action_id, action.reopened_turns)
        self._alerts[key] = ExpectedAlert(action.county)
        action.reopened_turns += 1

    def let_the_rest_run_overdue(self) -> None:
        """Nobody resolves what is still open."""
        for action_id, action in self._actions.items():
            if action.is_open:
                self._counters[action.county]["overdue_actions"] += 1
                self._ran_overdue(action_id, resolved=False)

    def _ran_overdue(self, action_id: str, *, resolved: bool) -> None:
        action = self._actions[action_id]
        key = AlertKey(_rule("corrective_action_overdue", action), action_id, action.overdue_turns)
        self._alerts[key] = ExpectedAlert(action.county, resolved)
        action.overdue_turns += 1


def _rule(name: str, action: _Action) -> str:
    return f"critical_{name}" if action.severity == CRITICAL else name
