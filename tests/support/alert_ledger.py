"""What must be true of the rows when a disturbed day is over, whatever failed in the middle. Fault tests end with it.

1. Every alert ends acknowledged, resolved, or in a dead letter (its lead's, if letters of another tell of it) that is
   alarmed.
2. Every dead letter is in the history, and somebody is alarmed about it; a dead alarm is in the history alone.
3. Nothing is still owed for an alert that ended.
4. What the provider took is a row that says so, or whose history says why it does not; what a row says was sent, the
   provider took.
5. Nobody is told twice within one step without the history saying why.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from shared.kit.connections import Connection

ENDED: Final = frozenset({"acknowledged", "resolved"})
ALARM_KIND: Final = "alert_undelivered"
DIRECT: Final = "inbox"
"""A row of the inbox is shown, not sent: it is there once, and no provider sees it."""
MAY_REPEAT: Final = "may_repeat"
EXPLAINS: Final = frozenset({MAY_REPEAT, "fallback", "group_told", "told_straight", "chain_resumed", "replayed"})


@dataclass(frozen=True, slots=True)
class AlertLine:
    alert_id: UUID
    kind: str
    state: str
    lead_alert_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    delivery_id: UUID
    alert_id: UUID
    step: int
    member_id: UUID
    recipient: str
    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    alert_id: UUID
    entry: str
    step: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows. `alarmed`: ids of deliveries for which AlertUndelivered waits in the outbox or has become an alert."""

    alerts: tuple[AlertLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    history: tuple[HistoryLine, ...]
    alarmed: frozenset[UUID]


async def load_ledger(connection: Connection) -> Ledger:
    """Everything, as a superuser sees it."""
    alerts = await connection.fetch("SELECT alert_id, kind, state, lead_alert_id FROM alert ORDER BY alert_id")
    deliveries = await connection.fetch(
        """
        SELECT delivery_id, alert_id, step, member_id, recipient, channel, state
        FROM delivery WHERE alert_id IS NOT NULL ORDER BY delivery_id
        """
    )
    history = await connection.fetch(
        "SELECT alert_id, entry, step, details::text AS details FROM alert_history ORDER BY entry_id"
    )
    waiting = await connection.fetch("SELECT body FROM outbox WHERE type LIKE '%AlertUndelivered%'")
    raised = await connection.fetch("SELECT subject_id FROM alert WHERE kind = $1", ALARM_KIND)
    alarmed = {json.loads(row["body"])["delivery_id"] for row in waiting} | {row["subject_id"] for row in raised}
    return Ledger(
        tuple(AlertLine(**dict(row)) for row in alerts),
        tuple(DeliveryLine(**dict(row)) for row in deliveries),
        tuple(HistoryLine(row["alert_id"], row["entry"], row["step"], json.loads(row["details"])) for row in history),
        frozenset(map(UUID, alarmed)),
    )


def violations(ledger: Ledger, handed: Mapping[UUID, int], seen_channels: Iterable[str] = ("email",)) -> list[str]:
    """What is not as it must be, one line each. `handed`: how often a provider took which delivery, for the channels
    whose provider the test sees; of the other channels a row that says sent counts as taken once."""
    seen = frozenset(seen_channels)
    taken = {
        row.delivery_id: handed.get(row.delivery_id, 0) if row.channel in seen else int(row.state == "sent")
        for row in ledger.deliveries
        if row.channel != DIRECT
    }
    return [
        *_endings(ledger),
        *_dead_letters(ledger),
        *_strangers(ledger, handed),
        *_marks(ledger, taken),
        *_repetitions(ledger, taken),
    ]


def _endings(ledger: Ledger) -> Iterable[str]:
    states: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for row in ledger.deliveries:
        states[row.alert_id][row.state] += 1
    for alert in ledger.alerts:
        owed = states[alert.alert_id]["pending"]
        told_by = states[alert.lead_alert_id or alert.alert_id]
        has_ended = alert.state in ENDED or told_by["dead"] > 0
        if not has_ended:
            yield f"alert {alert.alert_id} ({alert.kind}) is {alert.state}: nobody acted, and no dead letter says so"
        elif owed:
            yield f"alert {alert.alert_id} ({alert.kind}) has ended, but {owed} of its messages are still owed"


def _dead_letters(ledger: Ledger) -> Iterable[str]:
    kinds = {alert.alert_id: alert.kind for alert in ledger.alerts}
    told = {(line.alert_id, line.details.get("recipient")) for line in ledger.history if line.entry == "undelivered"}
    for row in ledger.deliveries:
        if row.state != "dead":
            continue
        if (row.alert_id, row.recipient) not in told:
            yield f"dead letter {row.delivery_id} is not in the history of its alert"
        if kinds[row.alert_id] != ALARM_KIND and row.delivery_id not in ledger.alarmed:
            yield f"dead letter {row.delivery_id} alarms nobody"


def _strangers(ledger: Ledger, handed: Mapping[UUID, int]) -> Iterable[str]:
    known = {row.delivery_id for row in ledger.deliveries}
    return (f"the provider took {one}, of which there is no row" for one in handed if one not in known)


def _marks(ledger: Ledger, taken: Mapping[UUID, int]) -> Iterable[str]:
    doubted = {line.details.get("delivery_id") for line in ledger.history if line.entry == MAY_REPEAT}
    for row in ledger.deliveries:
        if row.channel == DIRECT:
            continue
        if row.state == "sent" and not taken[row.delivery_id]:
            yield f"delivery {row.delivery_id} says sent, but the provider never took it"
        if row.state != "sent" and taken[row.delivery_id] and str(row.delivery_id) not in doubted:
            yield f"delivery {row.delivery_id} is {row.state}, but the provider took it and the history does not say so"


def _repetitions(ledger: Ledger, taken: Mapping[UUID, int]) -> Iterable[str]:
    """An explanation counts for the delivery, or else the address, that it names; for the whole step if it names none."""
    rows: defaultdict[tuple[UUID, int, UUID], list[DeliveryLine]] = defaultdict(list)
    for row in ledger.deliveries:
        if row.channel != DIRECT:
            rows[row.alert_id, row.step, row.member_id].append(row)
    for (alert_id, step, _), told in rows.items():
        times = sum(taken[row.delivery_id] for row in told)
        names = {str(row.delivery_id) for row in told} | {row.recipient for row in told}
        explained = sum(
            line.entry in EXPLAINS and _is_about(line.details, names)
            for line in ledger.history
            if (line.alert_id, line.step) == (alert_id, step)
        )
        if times > 1 + explained:
            yield (
                f"alert {alert_id}, step {step}: {told[0].recipient} was told {times} times, "
                f"the history explains {explained} of the {times - 1} repetitions"
            )


def _is_about(details: Mapping[str, Any], names: set[str]) -> bool:
    named = [str(details[field]) for field in ("delivery_id", "recipient", "told") if details.get(field) is not None]
    return not named or named[0] in names
