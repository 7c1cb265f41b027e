"""Every alert, delivery and letter against the fold: who led whom, what was held back, who was told and who acted. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from deploy.demo.actors import CHAIR_POSITION, member_email, position_of_email
from deploy.demo.comparison import Comparison
from deploy.demo.fold import (
    GROUPED_RULES,
    HELD_BACK_RULES,
    HOLDING_RULE,
    OFFICE_OF_RULE,
    POLICY_OF_RULE,
    AlertKey,
    Expected,
    acknowledged_alerts,
    doubtful_acknowledgements,
    policy_lengths,
)
from deploy.demo.ledger import Ledger
from deploy.demo.observe import Figures
from deploy.embedded.smtp_sink import ReceivedLetter
from shared.contracts.counties import County

Alert = Mapping[str, Any]
ANSWERED_STATES = frozenset({"acknowledged", "resolved"})
OVERLAP_MAX = timedelta(seconds=10)
"""Alerts that are raised in two transactions at the same time do not see each other, so that neither holds the other back."""
NO_STORY = "no group of alerts was told together in Persian, ignored, escalated and acknowledged by link"
_COUNTER_OF_DELIVERY = {"sent": "delivered", "dead": "undelivered", "cancelled": "cancelled", "pending": "pending"}
_ALERT_COUNTERS = ("raised", "open", "acknowledged", "escalated", "resolved", *_COUNTER_OF_DELIVERY.values())


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that were told together: the one under which the chain went on last, and those that lead to it."""

    root: Alert
    alerts: tuple[Alert, ...]

    @property
    def ids(self) -> set[str]:
        return {str(alert["alert_id"]) for alert in self.alerts}

    @property
    def step(self) -> int:
        return max(int(alert["step"]) for alert in self.alerts)

    @property
    def deliveries(self) -> list[Mapping[str, Any]]:
        return [row for alert in self.alerts for row in alert["deliveries"]]


def groups_of(alerts: Iterable[Alert]) -> list[Group]:
    """Every alert is in one group; most are alone. What leads to an alert that is not there stands for itself."""
    by_id = {str(alert["alert_id"]): alert for alert in alerts}
    members: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert_id, alert in by_id.items():
        root, seen = alert_id, {alert_id}
        while (lead := str(by_id[root]["lead_alert_id"])) in by_id and lead not in seen:
            seen.add(root := lead)
        members[root].append(alert)
    return [Group(by_id[root], tuple(alerts)) for root, alerts in members.items()]


def compare_alerts(result: Comparison, expected: Expected, alerts: Sequence[Alert], ledger: Ledger) -> None:
    """Each alert that must be there and no other, in the right state, told to the right people."""
    found = _by_key(alerts)
    rightly = expected.alerts | {key: expected.possible_alerts[key] for key in expected.possible_alerts.keys() & found}
    result.lost += [f"alert never raised: {name_of(key)}" for key in rightly.keys() - found.keys()]
    result.doubled += [f"alert without a cause: {name_of(key)}" for key in found.keys() - rightly.keys()]
    right = {key: found[key] for key in found.keys() & rightly.keys()}
    key_of = {str(alert["alert_id"]): key for key, alert in right.items()}
    lengths = policy_lengths(ledger)
    holding = [alert for alert in alerts if alert["rule_id"] == HOLDING_RULE]
    for group in groups_of(right.values()):
        pressed = group.ids & acknowledged_alerts(ledger)
        doubtful = bool(group.ids & doubtful_acknowledgements(ledger))
        if pressed and not any(alert["acknowledged_by"] for alert in group.alerts):
            result.left_over.append(f"{_rule_of(group)}: acknowledged in the ledger, and by nobody in the service")
        for alert in group.alerts:
            key = key_of[str(alert["alert_id"])]
            if alert["county"] != rightly[key].county:
                result.left_over.append(f"{name_of(key)}: county {alert['county']} instead of {rightly[key].county}")
            if alert["acknowledged_by"] and not (pressed or doubtful):
                result.left_over.append(
                    f"{name_of(key)}: acknowledged by {alert['acknowledged_by']}, the ledger says otherwise"
                )
            _compare_state(result, key, alert, is_root=alert is group.root, resolved=rightly[key].resolved)
            _compare_held(result, key, alert, holding)
        _compare_group(result, group, lengths[POLICY_OF_RULE[str(group.root["rule_id"])]])


def _by_key(alerts: Sequence[Alert]) -> dict[AlertKey, Alert]:
    turns: Counter[tuple[str, str]] = Counter()
    found: dict[AlertKey, Alert] = {}
    for alert in alerts:
        subject = str(alert["rule_id"]), str(alert["subject_id"])
        found[AlertKey(*subject, turns[subject])] = alert
        turns[subject] += 1
    return found


def _compare_state(result: Comparison, key: AlertKey, alert: Alert, *, is_root: bool, resolved: bool) -> None:
    """Unanswered, the chain of one that leads has passed its first step; the others wait with it."""
    waits = "escalated" if is_root and not alert["held_back"] else "open"
    state = "resolved" if resolved else "acknowledged" if alert["acknowledged_by"] else waits
    if alert["state"] != state:
        result.left_over.append(f"{name_of(key)}: {alert['state']} instead of {state}")


def _compare_held(result: Comparison, key: AlertKey, alert: Alert, holding: Sequence[Alert]) -> None:
    """A lesser alert of a site on hold is held back as long as the hold's alert stands, and no other alert is."""
    may_be_held = key.rule_id in HELD_BACK_RULES
    holders = [
        holder
        for holder in holding
        if may_be_held
        and holder["details"]["warehouse_id"] == alert["details"]["warehouse_id"]
        and holder["state"] != "resolved"
    ]
    if alert["held_back"] and alert["state"] != "resolved" and not holders:
        result.left_over.append(f"{name_of(key)}: held back, and nothing holds it")
    raised_at = datetime.fromisoformat(alert["raised_at"])
    if not alert["held_back"] and any(
        datetime.fromisoformat(holder["raised_at"]) < raised_at - OVERLAP_MAX for holder in holders
    ):
        result.left_over.append(f"{name_of(key)}: not held back by the hold of its site")


def _compare_group(result: Comparison, group: Group, length: int) -> None:
    """One letter and one inbox row for each step that ran, to the person whose turn it was; none for any other step.

    In a group a step is told again to the same person when others have joined since: at most once for each of them.
    """
    rule = str(group.root["rule_id"])
    name = _rule_of(group)
    office = OFFICE_OF_RULE.get(rule, str(group.root["county"]))
    foreign = [a for a in group.alerts if (a["rule_id"], a["county"]) != (rule, group.root["county"])]
    if foreign or (len(group.alerts) > 1 and rule not in GROUPED_RULES):
        result.left_over.append(f"{name}: {len(group.alerts)} alerts were told together that do not belong together")
    answered = all(alert["state"] in ANSWERED_STATES for alert in group.alerts)
    is_told = not group.root["held_back"]
    if not answered and is_told:
        result.count(f"{name} last step", length - 1, int(group.root["step"]))
    owed = {
        (step, channel, member_email(office, min(step, CHAIR_POSITION)))
        for step in range(group.step + 1)
        for channel in ("email", "inbox")
    }
    made = Counter((int(row["step"]), str(row["channel"]), str(row["recipient"])) for row in group.deliveries)
    settled_before_told = group.root["state"] == "resolved" and not made
    if is_told and not settled_before_told:
        result.lost += [f"{name}: nothing owed for {what}" for what in sorted(owed - made.keys())]
    result.doubled += [f"{name}: owed to nobody's turn: {what}" for what in sorted(made.keys() - owed)]
    result.doubled += [
        f"{name}: owed {number} times: {what}" for what, number in made.items() if number > len(group.alerts)
    ]
    for alert in group.alerts:
        allowed = {"sent", "cancelled"} if alert["state"] in ANSWERED_STATES else {"sent"}
        result.left_over += [
            f"{name}: delivery to {row['recipient']} is {row['state']}"
            for row in alert["deliveries"]
            if row["state"] not in allowed
        ]


def compare_alert_counters(result: Comparison, figures: Figures, alerts: Sequence[Alert]) -> None:
    """The service's counters of alerts and deliveries against the alerts themselves."""
    expected: dict[str, Counter[str]] = {county.value: Counter() for county in County}
    for group in groups_of(alerts):
        counters = expected[str(group.root["county"])]
        counters["escalated"] += group.step  # a group that goes on under another alert goes on at the same step
        for alert in group.alerts:
            acknowledged = alert["acknowledged_by"] is not None
            counters["raised"] += 1
            counters["acknowledged"] += acknowledged
            counters["resolved"] += alert["state"] == "resolved"
            counters["open"] += not acknowledged and alert["state"] != "resolved"
        for row in group.deliveries:
            counters[_COUNTER_OF_DELIVERY[str(row["state"])]] += 1
    for county, counters in expected.items():
        for name in _ALERT_COUNTERS:
            result.count(
                f"alerts {county} {name}", counters[name], figures.alerts.get(county, {}).get(name, Decimal(0))
            )


def compare_letters(result: Comparison, alerts: Sequence[Alert], letters: Sequence[ReceivedLetter]) -> None:
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


def told_story(alerts: Sequence[Alert], letters: Sequence[ReceivedLetter], ledger: Ledger) -> str | None:
    """One group of the day that was told in Persian, ignored, escalated and acknowledged by link; None if there was none."""
    pressed = {
        str(entry.intent["alert_id"]): entry
        for entry in ledger.accepted("alert.acknowledge")
        if entry.intent["by"] == "link" and int(entry.intent["step"] or 0) > 0
    }
    for group in sorted(groups_of(alerts), key=lambda group: -len(group.alerts)):
        entry = next((pressed[alert_id] for alert_id in sorted(group.ids & pressed.keys())), None)
        persian = {letter.step for letter in letters if letter.alert_id in group.ids and letter.language == "fa"}
        if entry is None or len(group.alerts) < 2 or not {0, entry.intent["step"]} <= persian:
            continue
        person = position_of_email(f"{entry.actor}@") + 1
        return (
            f"{group.root['county']}: {len(group.alerts)} alerts of {group.root['kind']} told together in Persian, ignored "
            f"by the first person, escalated, acknowledged by link by person {person}"
        )
    return None


def compare_story(
    result: Comparison, alerts: Sequence[Alert], letters: Sequence[ReceivedLetter], ledger: Ledger, *, is_whole: bool
) -> str:
    """The story for the reader. A whole day has one; a smaller one may be too short for it."""
    story = told_story(alerts, letters, ledger)
    if story is None and is_whole:
        result.left_over.append(NO_STORY)
    return story or NO_STORY


def name_of(key: AlertKey) -> str:
    """How a difference names an alert."""
    return f"{key.rule_id} {key.subject_id}" + (f" (turn {key.turn + 1})" if key.turn else "")


def _rule_of(group: Group) -> str:
    also = f" and {len(group.alerts) - 1} more" if len(group.alerts) > 1 else ""
    return f"{group.root['rule_id']} {group.root['subject_id']}{also}"
