"""Days that the reckoning must find right, for planting faults in them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from deploy.demo.actors import member_email
from deploy.demo.comparison import Comparison
from deploy.demo.fold import Expected, Periods, fold
from deploy.demo.ledger import Entry, Ledger
from deploy.demo.observe import Figures
from deploy.demo.settle import compare
from deploy.demo.settle_alerts import compare_alert_counters, compare_alerts, compare_letters
from deploy.embedded.smtp_sink import ReceivedLetter

PERIODS = Periods(booking_hold_s=10.0, pause_reminders=1, legal_review_reminders=1)
REGISTRY = {"rey": (2, Decimal("300.000"))}
COUNTY = "rey"
COUNTERS = ("raised", "open", "acknowledged", "escalated", "resolved", "delivered")


def entry(kind: str, intent: dict[str, Any], answer: dict[str, Any], **more: Any) -> Entry:
    return Entry(kind, "somebody", {"county": COUNTY} | intent, 200, answer, **more)


def inspection(site: str, capacity: float, **answer: Any) -> Entry:
    intent = {
        "warehouse_id": site,
        "capacity_tonnes": capacity,
        "in_use_capacity_tonnes": 1.5,
        "verdict": "differs" if answer.get("discrepancy_id") else "confirmed",
        "failed_items": len(answer.get("action_ids", [])),
        "severity": "critical",
        "suspicion": None,
    }
    return entry("inspection.approve", intent, {"verdict": intent["verdict"]} | answer)


def ledger_of(*entries: Entry) -> Ledger:
    policies = [entry("policy.set", {"policy": "standard", "body": {"steps": [{}, {}, {}], "repeats": 0}}, {})]
    return Ledger(entries=[*policies, *entries])


def alert_of(alert_id: str, rule: str, subject: str, state: str, step: int, **more: Any) -> dict[str, Any]:
    deliveries = [
        {
            "delivery_id": f"{alert_id}-{number}-{channel}",
            "step": number,
            "channel": channel,
            "recipient": member_email(COUNTY, min(number, 2)),
            "state": "sent",
        }
        for number in range(step + 1)
        for channel in ("email", "inbox")
    ]
    alert = {
        "alert_id": alert_id,
        "rule_id": rule,
        "subject_id": subject,
        "county": COUNTY,
        "state": state,
        "step": step,
    }
    plain = {"acknowledged_by": None, "lead_alert_id": None, "held_back": None, "details": {"warehouse_id": "w1"}}
    return alert | plain | {"raised_at": "2026-11-22T08:00:00Z", "kind": rule, "deliveries": deliveries} | more


def letters_of(alert: dict[str, Any]) -> list[ReceivedLetter]:
    return [
        ReceivedLetter(
            row["delivery_id"],
            f"<{row['delivery_id']}>",
            row["recipient"],
            "",
            "fa",
            alert["alert_id"],
            "",
            row["step"],
            "",
            None,
        )
        for row in alert["deliveries"]
        if row["channel"] == "email"
    ]


class Day:
    """A day with one site inspected twice, one discrepancy that nobody answers, and its alert at the end of its chain."""

    def __init__(self) -> None:
        self.ledger = ledger_of(inspection("w1", 10.25), inspection("w1", 14.5, discrepancy_id="d1"))
        self.alerts = [alert_of("a1", "discrepancy_found", "d1", "escalated", 2)]
        self.letters = letters_of(self.alerts[0])
        self.figures = Figures(
            warehouse={
                COUNTY: {
                    "registered_sites": Decimal(2),
                    "registered_capacity_tonnes": Decimal("300.0"),
                    "verified_capacity_tonnes": Decimal("14.5"),
                    "in_use_capacity_tonnes": Decimal("1.5"),
                    "completed_inspections": Decimal(2),
                    "inspected_sites": Decimal(1),
                    "inspected_within_interval": Decimal(1),
                    "open_discrepancies": Decimal(1),
                }
            },
            alerts={COUNTY: dict(zip(COUNTERS, map(Decimal, (1, 1, 0, 2, 0, 6)), strict=True))},
        )

    def reckon(self) -> Comparison:
        expected: Expected = fold(self.ledger, REGISTRY, PERIODS)
        return compare(expected, self.figures, self.alerts, self.letters, self.ledger)


class GroupedDay(Day):
    """Three discrepancies told together; the second person acts on the lead's link, and one of them is settled first."""

    def __init__(self) -> None:
        super().__init__()
        found = [inspection(f"w{n}", 14.5, discrepancy_id=f"d{n}") for n in (2, 3)]
        pressed = {"alert_id": "a1", "step": 1, "by": "link"}
        self.ledger = ledger_of(
            inspection("w1", 10.25),
            inspection("w1", 14.5, discrepancy_id="d1"),
            *found,
            Entry("alert.acknowledge", f"member2.{COUNTY}", {"county": COUNTY} | pressed, 200, {}),
        )
        answered = {"acknowledged_by": f"member2.{COUNTY}"}
        lead = alert_of("a1", "discrepancy_found", "d1", "acknowledged", 1, **answered)
        joined = [
            alert_of(
                f"a{n}", "discrepancy_found", f"d{n}", "acknowledged", 0, **answered, lead_alert_id="a1", deliveries=[]
            )
            for n in (2, 3)
        ]
        self.alerts = [lead, *joined]
        self.letters = letters_of(lead)
        counters = dict(zip(COUNTERS, map(Decimal, (3, 0, 3, 1, 0, 4)), strict=True))
        self.figures = replace(self.figures, alerts={COUNTY: counters})

    def told(self) -> Comparison:
        """The reckoning of the alerts alone."""
        result = Comparison()
        compare_alerts(result, fold(self.ledger, REGISTRY, PERIODS), self.alerts, self.ledger)
        compare_alert_counters(result, self.figures, self.alerts)
        compare_letters(result, self.alerts, self.letters)
        return result
