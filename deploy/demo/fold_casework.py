"""The casework of the day folded from the ledger: what becomes of each case, who is asked to review it, who is told."""

from collections import Counter

from deploy.demo.expectation import AlertKey, Alerts, Counters, ExpectedAlert, no_counters
from deploy.demo.ledger import Ledger


def fold_cases(
    ledger: Ledger, pause_reminders: int, legal_review_reminders: int, alerts: Alerts, possible: Alerts
) -> Counters:
    """Every case that has not ended and is not paused lapses; each open pause and review is chased to its last reminder.

    `possible`: alerts that only a slow machine's longer day raises.
    """
    counters = no_counters()
    county_of = {str(entry.answer["case_id"]): str(entry.intent["county"]) for entry in ledger.accepted("case.open")}
    _count_consents(ledger, counters)
    pauses = _pauses(ledger)
    closed = _cases(ledger, "case.close") | {
        str(entry.intent["case_id"]) for entry in ledger.accepted("review.confirm") if entry.answer["state"] == "closed"
    }
    departed, reviewed = _cases(ledger, "case.depart"), _cases(ledger, "review.take")
    served, annulled = Counter(_case_list(ledger, "decision.serve")), Counter(_case_list(ledger, "appeal.decide"))
    consented = _cases(ledger, "case.consent")
    for case_id, county in county_of.items():
        counted = counters[county]
        counted["opened"] += 1
        counted["suspended"] += pauses[case_id]
        counted["closed"] += case_id in closed
        is_open = case_id not in closed | departed
        counted["open"] += is_open
        if is_open and pauses[case_id]:
            _remind(case_id, county, pauses[case_id] * pause_reminders, counters, alerts)
            if case_id in consented:
                possible[AlertKey("return_screening_expiring", case_id)] = ExpectedAlert(county)
        elif is_open or case_id in reviewed:
            reviews = 1 + annulled[case_id]
            counted["legal_reviews_opened"] += reviews
            counted["in_legal_review"] += is_open
            if not is_open:  # what was late before it was decided is resolved by the decision
                for rule in ("return_case_review_overdue", "appeal_overdue", "appeal_window_ended"):
                    possible[AlertKey(rule, case_id)] = ExpectedAlert(county, resolved=True)
            for turn in range(reviews):
                is_decided = turn < served[case_id] or not is_open
                alerts[AlertKey("phase_two_review_requested", case_id, turn)] = ExpectedAlert(county, is_decided)
            if is_open:
                _remind(case_id, county, legal_review_reminders, counters, alerts)
    for entry in ledger.accepted("appeal.lodge"):
        case_id = str(entry.intent["case_id"])
        alerts[AlertKey("appeal_lodged", case_id)] = ExpectedAlert(county_of[case_id], resolved=case_id in annulled)
    return counters


def _count_consents(ledger: Ledger, counters: Counters) -> None:
    for kind, taken, counter in (
        ("case.consent", "accepted", "consented"),
        ("case.withdraw", "recorded", "withdrawn"),
    ):
        for entry in ledger.accepted(kind):
            if entry.answer[taken]:
                counters[str(entry.intent["county"])][counter] += 1


def _pauses(ledger: Ledger) -> Counter[str]:
    """How many pauses were opened in each case: by a consent that was not free, or by what a screening found."""
    pauses: Counter[str] = Counter()
    for entry in ledger.accepted("case.consent"):
        pauses[str(entry.intent["case_id"])] += not entry.answer["accepted"]
    for entry in ledger.accepted("case.screening"):
        pauses[str(entry.intent["case_id"])] += bool(entry.answer["paused"])
    return pauses


def _cases(ledger: Ledger, kind: str) -> set[str]:
    return set(_case_list(ledger, kind))


def _case_list(ledger: Ledger, kind: str) -> list[str]:
    return [str(entry.intent["case_id"]) for entry in ledger.accepted(kind)]


def _remind(case_id: str, county: str, reminders: int, counters: Counters, alerts: Alerts) -> None:
    """Each reminder is counted and told to the province's office."""
    counters[county]["reviews_overdue"] += reminders
    for turn in range(reminders):
        alerts[AlertKey("return_case_review_overdue", case_id, turn)] = ExpectedAlert(county)
