"""The end of the day: wait until nothing moves, then compare every counter, alert and letter with the fold. Comparing is pure."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.demo.actors import CHAIR_POSITION, member_email
from deploy.demo.client import DemoClient
from deploy.demo.expectation import Counters
from deploy.demo.fold import (
    OFFICE_OF_RULE,
    POLICY_OF_RULE,
    AlertKey,
    Expected,
    acknowledged_alerts,
    doubtful_acknowledgements,
    policy_lengths,
)
from deploy.demo.ledger import Ledger
from deploy.demo.observe import Figures, Progress, read_figures, read_progress
from deploy.embedded.smtp_sink import ReceivedLetter
from shared.contracts.counties import County

LOOK_INTERVAL_S = 0.5
QUIET_LOOKS = 3
"""So many looks in a row must show nothing moving, with the same totals."""
PROGRESS_INTERVAL_S = 5.0
SETTLE_DEADLINE_S = 240.0
ANSWERED_STATES = frozenset({"acknowledged", "resolved"})


@dataclass(slots=True)
class Comparison:
    """What differs between the fold and the platform. Nothing may."""

    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    left_over: list[str] = field(default_factory=list[str])
    letters_resent: int = 0

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.left_over)

    def count(self, what: str, expected: Decimal | int, actual: Decimal | int) -> None:
        """Note a difference: less is lost, more is doubled."""
        if actual != expected:
            side = self.lost if actual < expected else self.doubled
            side.append(f"{what}: {_plain(actual)} instead of {_plain(expected)}")


async def wait_until_quiet(
    client: DemoClient, report: Callable[[str], None], deadline_s: float = SETTLE_DEADLINE_S
) -> list[str]:
    """Wait until outboxes, lag, timers and unsent letters are all gone; returns what is left when the deadline passes."""
    end = time.monotonic() + deadline_s
    quiet, before, spoke_at = 0, (-1, -1), time.monotonic()
    progress, pending = Progress(), -1
    while time.monotonic() < end:
        progress = await read_progress(client)
        pending = await _pending_letters(client)
        totals = (progress.published, progress.applied)
        quiet = quiet + 1 if progress.is_quiet and pending == 0 and totals == before else 0
        before = totals
        if quiet >= QUIET_LOOKS:
            return []
        if progress.halted:
            return [f"consumer halted ({reason})" for reason in progress.halted]
        if time.monotonic() - spoke_at > PROGRESS_INTERVAL_S:
            spoke_at = time.monotonic()
            report(_describe(progress, pending))
        await asyncio.sleep(LOOK_INTERVAL_S)
    return [f"not settled after {deadline_s:.0f} s: {_describe(progress, pending)}"]


async def _pending_letters(client: DemoClient) -> int:
    figures = await read_figures(client, patient=False)
    return int(sum(values.get("pending", Decimal(0)) for values in figures.alerts.values())) if figures.alerts else -1


def _describe(progress: Progress, pending: int) -> str:
    wait = "" if progress.next_timer_in_s is None else f" (next in {max(0.0, progress.next_timer_in_s):.1f} s)"
    return (
        f"settling: outbox {progress.outbox}, lag {progress.lag}, timers {progress.timers_armed}{wait}, "
        f"letters to send {pending}, parked {progress.parked}"
    )


def compare(
    expected: Expected,
    figures: Figures,
    alerts: Sequence[Mapping[str, Any]],
    letters: Sequence[ReceivedLetter],
    ledger: Ledger,
) -> Comparison:
    """Every counter, every place, every alert, every delivery, every letter."""
    result = Comparison()
    result.left_over += expected.problems
    result.left_over += [
        f"{entry.kind} by {entry.actor}: {entry.refusal_code or 'accepted'} instead of {entry.expected_refusal or 'accepted'}"
        for entry in ledger.unexpected()
    ]
    _compare_counters(result, "warehouse", expected.warehouse, figures.warehouse)
    _compare_counters(result, "cases", _with_late_reviews(expected, alerts), figures.cases)
    _compare_places(result, expected, figures)
    _compare_alerts(result, expected, alerts, ledger)
    _compare_alert_counters(result, figures, alerts)
    _compare_letters(result, alerts, letters)
    return result


def _with_late_reviews(expected: Expected, alerts: Sequence[Mapping[str, Any]]) -> Counters:
    """The case counters, with each review that only a slow machine's longer day let run late."""
    cases = {county: values.copy() for county, values in expected.cases.items()}
    found = {AlertKey(str(alert["rule_id"]), str(alert["subject_id"])) for alert in alerts}
    for key in expected.possible_alerts.keys() & found:
        if key.rule_id == "return_case_review_overdue":
            cases[expected.possible_alerts[key].county]["reviews_overdue"] += 1
    return cases


def _compare_counters(
    result: Comparison,
    title: str,
    expected: Mapping[str, Mapping[str, Decimal]],
    actual: Mapping[str, Mapping[str, Decimal]],
) -> None:
    for county in County:
        wanted, found = expected.get(county, {}), actual.get(county, {})
        for name in sorted(wanted.keys() | found.keys()):
            result.count(f"{title} {county} {name}", wanted.get(name, Decimal(0)), found.get(name, Decimal(0)))


def _compare_places(result: Comparison, expected: Expected, figures: Figures) -> None:
    for title, actual in (("centre", figures.places), ("projected centre", figures.projected)):
        for key in sorted(expected.places.keys() | actual.keys()):
            wanted, found = expected.places.get(key, {}), actual.get(key, {})
            for name in ("capacity", "held", "used"):
                result.count(f"{title} {key[0]} {key[1]} {name}", wanted.get(name, 0), found.get(name, 0))


def _compare_alerts(
    result: Comparison, expected: Expected, alerts: Sequence[Mapping[str, Any]], ledger: Ledger
) -> None:
    turns: Counter[tuple[str, str]] = Counter()
    found: dict[AlertKey, Mapping[str, Any]] = {}
    for alert in alerts:
        subject = str(alert["rule_id"]), str(alert["subject_id"])
        found[AlertKey(*subject, turns[subject])] = alert
        turns[subject] += 1
    rightly = expected.alerts | {key: expected.possible_alerts[key] for key in expected.possible_alerts.keys() & found}
    result.lost += [f"alert never raised: {_name(key)}" for key in rightly.keys() - found.keys()]
    result.doubled += [f"alert without a cause: {_name(key)}" for key in found.keys() - rightly.keys()]
    acknowledged, doubtful, lengths = (
        acknowledged_alerts(ledger),
        doubtful_acknowledgements(ledger),
        policy_lengths(ledger),
    )
    for key in found.keys() & rightly.keys():
        alert, wanted = found[key], rightly[key]
        alert_id = str(alert["alert_id"])
        was_acknowledged = alert["acknowledged_by"] is not None
        if alert["county"] != wanted.county:
            result.left_over.append(f"{_name(key)}: county {alert['county']} instead of {wanted.county}")
        if was_acknowledged != (alert_id in acknowledged) and alert_id not in doubtful:
            result.left_over.append(
                f"{_name(key)}: acknowledged by {alert['acknowledged_by']}, the ledger says otherwise"
            )
        state = "resolved" if wanted.resolved else "acknowledged" if was_acknowledged else "escalated"
        if alert["state"] != state:
            result.left_over.append(f"{_name(key)}: {alert['state']} instead of {state}")
        _compare_deliveries(result, key, alert, lengths[POLICY_OF_RULE[key.rule_id]])


def _compare_deliveries(result: Comparison, key: AlertKey, alert: Mapping[str, Any], length: int) -> None:
    """One letter and one inbox row for each step that ran, to the person whose turn it was; none for any other step."""
    group = OFFICE_OF_RULE.get(key.rule_id, str(alert["county"]))
    answered = alert["state"] in ANSWERED_STATES
    if not answered:
        result.count(f"{_name(key)} last step", length - 1, int(alert["step"]))
    owed = Counter(
        (step, channel, member_email(group, min(step, CHAIR_POSITION)))
        for step in range(int(alert["step"]) + 1)
        for channel in ("email", "inbox")
    )
    made = Counter((int(row["step"]), str(row["channel"]), str(row["recipient"])) for row in alert["deliveries"])
    settled_before_told = alert["state"] == "resolved" and not alert["deliveries"]
    if not settled_before_told:
        result.lost += [f"{_name(key)}: nothing owed for {what}" for what in (owed - made)]
    result.doubled += [f"{_name(key)}: owed once too often: {what}" for what in (made - owed)]
    allowed = {"sent", "cancelled"} if answered else {"sent"}
    result.left_over += [
        f"{_name(key)}: delivery to {row['recipient']} is {row['state']}"
        for row in alert["deliveries"]
        if row["state"] not in allowed
    ]


def _compare_alert_counters(result: Comparison, figures: Figures, alerts: Sequence[Mapping[str, Any]]) -> None:
    expected: dict[str, Counter[str]] = {county.value: Counter() for county in County}
    for alert in alerts:
        counters = expected[str(alert["county"])]
        acknowledged = alert["acknowledged_by"] is not None
        counters["raised"] += 1
        counters["acknowledged"] += acknowledged
        counters["resolved"] += alert["state"] == "resolved"
        counters["open"] += not acknowledged and alert["state"] != "resolved"
        counters["escalated"] += int(alert["step"])
        for row in alert["deliveries"]:
            counters[_COUNTER_OF_DELIVERY[str(row["state"])]] += 1
    for county, counters in expected.items():
        for name in _ALERT_COUNTERS:
            result.count(
                f"alerts {county} {name}", counters[name], figures.alerts.get(county, {}).get(name, Decimal(0))
            )


_COUNTER_OF_DELIVERY = {"sent": "delivered", "dead": "undelivered", "cancelled": "cancelled", "pending": "pending"}
_ALERT_COUNTERS = ("raised", "open", "acknowledged", "escalated", "resolved", *_COUNTER_OF_DELIVERY.values())


def _compare_letters(
    result: Comparison, alerts: Sequence[Mapping[str, Any]], letters: Sequence[ReceivedLetter]
) -> None:
    """Each sent letter arrived; a letter sent again under the same Message-ID is one that its receiver drops."""
    owed = {
        str(row["delivery_id"]): (str(alert["alert_id"]), int(row["step"]), str(row["recipient"]), str(row["state"]))
        for alert in alerts
        for row in alert["deliveries"]
        if row["channel"] == "email"
    }
    arrived: defaultdict[str, list[ReceivedLetter]] = defaultdict(list)
    for letter in letters:
        arrived[letter.delivery_id].append(letter)
    result.lost += [
        f"letter never arrived: {owed[delivery_id][:3]}"
        for delivery_id in owed.keys() - arrived.keys()
        if owed[delivery_id][3] == "sent"
    ]
    for delivery_id, copies in arrived.items():
        message_ids = {letter.message_id for letter in copies}
        result.letters_resent += len(copies) - len(message_ids)
        if len(message_ids) > 1:
            result.doubled.append(f"letter {delivery_id} arrived under {len(message_ids)} message ids")
        if delivery_id not in owed:
            result.doubled.append(f"letter nobody owed: {copies[0].alert_id} to {copies[0].recipient}")
        elif (copies[0].alert_id, copies[0].step, copies[0].recipient) != owed[delivery_id][:3]:
            result.left_over.append(f"letter {delivery_id} went to {copies[0].recipient} at step {copies[0].step}")


def _name(key: AlertKey) -> str:
    return f"{key.rule_id} {key.subject_id}" + (f" (turn {key.turn + 1})" if key.turn else "")


def _plain(value: Decimal | int) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
