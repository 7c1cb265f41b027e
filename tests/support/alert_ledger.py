"""What must be true of the rows when a disturbed day is over, whatever failed in the middle. Fault tests end with it.

1. Every alert ends acknowledged, resolved, or in a dead letter (its lead's, if letters of another tell of it) that is
   alarmed.
2. Every dead letter is in the history, and somebody is alarmed about it, or about another of the same person's in the same
   step, unless one of these left or need not leave any more; a dead alarm is in the history alone.
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
DOUBTS: Final = frozenset({MAY_REPEAT, "cancelled_under_way"})
"""A message that its row does not call sent may have arrived."""
NOT_DELIVERED: Final = "the provider says: "
"""Begins the error of a message that its provider took and could not deliver; it goes on elsewhere, or is dead."""
STRAIGHT: Final = "told_straight"
"""A message besides those of the chain, to everybody by every channel: a second one for whoever has another of the step."""


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
    round: int = 0


@dataclass(frozen=True, slots=True)
class HistoryLine:
    alert_id: UUID
    entry: str
    step: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows. `alarmed`: ids of deliveries for which AlertUndelivered has become an alert."""

    alerts: tuple[AlertLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    history: tuple[HistoryLine, ...]
    alarmed: frozenset[UUID]


async def load_ledger(connection: Connection) -> Ledger:
    """Everything, as a superuser sees it."""
    alerts = await connection.fetch("SELECT alert_id, kind, state, lead_alert_id FROM alert ORDER BY alert_id")
    deliveries = await connection.fetch(
        """
        SELECT delivery_id, alert_id, step, member_id, recipient, channel, state, round
        FROM delivery WHERE alert_id IS NOT NULL ORDER BY delivery_id
        """
    )
    history = await connection.fetch(
        "SELECT alert_id, entry, step, details::text AS details FROM alert_history ORDER BY entry_id"
    )
    raised = await connection.fetch("SELECT subject_id FROM alert WHERE kind = $1", ALARM_KIND)
    return Ledger(
        tuple(AlertLine(**dict(row)) for row in alerts),
        tuple(DeliveryLine(**dict(row)) for row in deliveries),
        tuple(HistoryLine(row["alert_id"], row["entry"], row["step"], json.loads(row["details"])) for row in history),
        frozenset(UUID(row["subject_id"]) for row in raised),
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
        *_further_letters(ledger),
    ]


def mistaken_channels(ledger: Ledger, taken: Mapping[str, Mapping[UUID, int]]) -> list[str]:
    """Rows that say sent by a channel whose provider never took them, though another channel's did. `taken`: by channel, how
    often its provider took which delivery."""
    return [
        f"delivery {row.delivery_id} says sent by {row.channel}, whose provider never took it"
        for row in ledger.deliveries
        if row.state == "sent" and row.channel in taken and not taken[row.channel].get(row.delivery_id, 0)
    ]


def _endings(ledger: Ledger) -> Iterable[str]:
    states: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    left = _left(ledger)
    for row in ledger.deliveries:
        if row.state != "dead" or row.delivery_id in ledger.alarmed or _telling(row) not in left:
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
    settled = _left(ledger) | {_telling(row) for row in ledger.deliveries if row.delivery_id in ledger.alarmed}
    for row in ledger.deliveries:
        if row.state != "dead":
            continue
        if (row.alert_id, row.recipient) not in told:
            yield f"dead letter {row.delivery_id} is not in the history of its alert"
        if kinds[row.alert_id] != ALARM_KIND and _telling(row) not in settled:
            yield f"dead letter {row.delivery_id} alarms nobody"


def _telling(row: DeliveryLine) -> tuple[UUID, int, int, UUID]:
    """What the messages of one person have in common that say the same by several channels."""
    return row.alert_id, row.step, row.round, row.member_id


def _left(ledger: Ledger) -> set[tuple[UUID, int, int, UUID]]:
    """Of which at least one message left, or need not leave any more."""
    return {_telling(row) for row in ledger.deliveries if row.channel != DIRECT and row.state in ("sent", "cancelled")}


def _strangers(ledger: Ledger, handed: Mapping[UUID, int]) -> Iterable[str]:
    known = {row.delivery_id for row in ledger.deliveries}
    return (f"the provider took {one}, of which there is no row" for one in handed if one not in known)


def _marks(ledger: Ledger, taken: Mapping[UUID, int]) -> Iterable[str]:
    doubted = {line.details.get("delivery_id") for line in ledger.history if _says_it_was_taken(line)}
    for row in ledger.deliveries:
        if row.channel == DIRECT:
            continue
        if row.state == "sent" and not taken[row.delivery_id]:
            yield f"delivery {row.delivery_id} says sent, but the provider never took it"
        if row.state != "sent" and taken[row.delivery_id] and str(row.delivery_id) not in doubted:
            yield f"delivery {row.delivery_id} is {row.state}, but the provider took it and the history does not say so"


def _says_it_was_taken(line: HistoryLine) -> bool:
    goes_on = line.entry in ("fallback", "undelivered")
    return line.entry in DOUBTS or (goes_on and str(line.details.get("error")).startswith(NOT_DELIVERED))


def _repetitions(ledger: Ledger, taken: Mapping[UUID, int]) -> Iterable[str]:
    """An explanation counts for the delivery, or else the address, that it names; for the whole step if it names none.
    A further letter of a growing group, and that of a silence, is repeated by itself."""
    rows: defaultdict[tuple[UUID, int, int, UUID], list[DeliveryLine]] = defaultdict(list)
    for row in ledger.deliveries:
        if row.channel != DIRECT:
            rows[_telling(row)].append(row)
    for (alert_id, step, _, _), told in rows.items():
        times = sum(taken[row.delivery_id] for row in told)
        names = {str(row.delivery_id) for row in told} | {row.recipient for row in told}
        about = [
            line
            for line in ledger.history
            if (line.alert_id, line.step) == (alert_id, step) and _is_about(line.details, names)
        ]
        straight = {line.details.get("delivery_id") for line in about if line.entry == STRAIGHT}
        explained = sum(map(_explains, about)) + min(len(straight), len(told) - 1)
        if times > 1 + explained:
            yield (
                f"alert {alert_id}, step {step}: {told[0].recipient} was told {times} times, "
                f"the history explains {explained} of the {times - 1} repetitions"
            )


def _explains(line: HistoryLine) -> bool:
    """Whether its message may have been taken once more. Who went on to the next contact was told there alone, unless the
    provider had taken the message and did not deliver it, or may have (another line)."""
    return line.entry in (MAY_REPEAT, "replayed") or (line.entry == "fallback" and _says_it_was_taken(line))


def _further_letters(ledger: Ledger) -> Iterable[str]:
    """Each letter of a step beyond its first, and that of a silence, has a line."""
    rounds: defaultdict[tuple[UUID, int, str], set[int]] = defaultdict(set)
    for row in ledger.deliveries:
        if row.round:
            rounds[row.alert_id, row.step, "group_told" if row.round > 0 else "silence_told"].add(row.round)
    lines = Counter((line.alert_id, line.step, line.entry) for line in ledger.history)
    for (alert_id, step, entry), letters in rounds.items():
        if len(letters) > lines[alert_id, step, entry]:
            yield f"alert {alert_id}, step {step}: of {len(letters)} letters, {entry} is in the history too seldom"


def _is_about(details: Mapping[str, Any], names: set[str]) -> bool:
    named = [str(details[field]) for field in ("delivery_id", "recipient", "told") if details.get(field) is not None]
    return not named or named[0] in names
