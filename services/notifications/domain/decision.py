"""What a batch of events means: which alerts open, which end, and what becomes of those that stay open. Pure.

In two parts, between which the caller writes the first one down: `settle` finds what opens and ends, whichever event came
first; `place` says of each alert that stays open whether it is held back, told in the digest, joins others or is told.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.escalation import AlertState, StreamPlace, settles
from services.notifications.domain.grouping import GroupKey, Lead, group_wait_s, in_digest_alone
from services.notifications.domain.holding import HeldBack, HoldReason, Holds
from services.notifications.domain.rules import Audience, Rule, RuleBook, county_of
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

SubjectKey = tuple[str, str]
"""Rule id and subject id."""


@dataclass(slots=True)
class Incoming:
    """An event with its place in the streams."""

    event: Event
    event_id: UUID
    time: datetime
    place: StreamPlace
    correlation_id: str
    traceparent: str | None


@dataclass(slots=True)
class Match:
    """An event that a rule is about. `resolves`: it ends what the rule raised about the subject."""

    rule: Rule
    subject_id: str
    incoming: Incoming
    resolves: bool

    @property
    def key(self) -> SubjectKey:
        return self.rule.rule_id, self.subject_id


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that is not resolved, as the database has it."""

    alert_id: UUID
    county: County
    rule_id: str
    subject_id: str
    state: AlertState
    step: int
    source: StreamPlace


@dataclass(slots=True, kw_only=True)
class Placed:
    """An alert about which it is said who is told of it, and how: held back, in the digest alone, joined to a lead, leading
    a group whose letter waits for others, or told at once."""

    alert_id: UUID
    county: County
    rule_id: str
    kind: str
    severity: AlertSeverity
    audience: Audience
    subject_id: str
    details: Mapping[str, JsonValue]
    restricted: bool
    digest: bool
    group_wait_s: int | None
    held_back: HeldBack | None = None
    lead_alert_id: UUID | None = None
    letter_due: bool = False

    @property
    def starts(self) -> bool:
        """Whether its first step is told at once."""
        return not (self.held_back or self.digest or self.lead_alert_id or self.letter_due)


@dataclass(slots=True, kw_only=True)
class NewAlert(Placed):
    """An alert that opens. `resolved_by`: the event that ends it already."""

    rule: Rule
    source: Incoming
    resolved_by: Incoming | None = None


@dataclass(slots=True)
class Known:
    """What the database says of the subjects of a batch: their newest resolution, what rules have answered already, and
    what is unresolved."""

    resolutions: dict[SubjectKey, StreamPlace]
    answered: set[tuple[str, UUID]]
    unresolved: Mapping[SubjectKey, Sequence[OpenAlert]]


@dataclass(slots=True)
class Settled:
    """What opens, what ends by which event, and the resolutions to keep for source events that are still on their way."""

    opened: list[NewAlert] = field(default_factory=list[NewAlert])
    ended: list[tuple[OpenAlert, Incoming]] = field(default_factory=list[tuple[OpenAlert, Incoming]])
    kept: dict[SubjectKey, Incoming] = field(default_factory=dict[SubjectKey, Incoming])


def match(book: RuleBook, incoming: Sequence[Incoming]) -> list[Match]:
    """What the rules say of each event, in order; of one event and rule, the end of the old before the new."""
    found: list[Match] = []
    for item in incoming:
        event = item.event
        for rule in book.rules_about(type(event)):
            found.extend(
                Match(rule, resolver.subject_of(event), item, resolves=True)
                for resolver in rule.resolvers
                if resolver.matches(event)
            )
            if rule.raises(event):
                found.append(Match(rule, rule.source.subject_of(event), item, resolves=False))
    return found


def settle(matches: Sequence[Match], known: Known, new_ids: Iterator[UUID]) -> Settled:
    """One alert per rule and event, ended by any resolving event that happened after its source, in whichever order and
    batches they come."""
    settled = Settled()
    waiting: defaultdict[SubjectKey, list[NewAlert]] = defaultdict(list)
    unresolved = {key: list(alerts) for key, alerts in known.unresolved.items()}
    for found in matches:
        if found.resolves:
            _end(found, known, settled, unresolved, waiting)
            continue
        answer = (found.rule.rule_id, found.incoming.event_id)
        if answer in known.answered:
            continue
        known.answered.add(answer)
        alert = _open(found, next(new_ids))
        settled.opened.append(alert)
        resolution = known.resolutions.get(found.key)
        if resolution is not None and settles(resolution, found.incoming.place):
            alert.resolved_by = settled.kept.get(found.key, found.incoming)
        else:
            waiting[found.key].append(alert)
    return settled


def place(alerts: Sequence[Placed], holds: Holds, leads: dict[GroupKey, Lead]) -> list[Lead]:
    """Say of each alert, in order, what becomes of it. `leads` are those that can be joined; alerts that open a group are
    added to them. Returns the leads that were there before and now owe one more letter."""
    owing: list[Lead] = []
    for alert in alerts:
        alert.held_back = holds.on(alert)
        if alert.held_back is None and not alert.digest and alert.group_wait_s is not None:
            _join_or_lead(alert, alert.group_wait_s, leads, owing)
        if alert.held_back is None or alert.held_back.reason is HoldReason.SILENCED:
            holds.add(alert)
    return owing


def _join_or_lead(alert: Placed, wait_s: int, leads: dict[GroupKey, Lead], owing: list[Lead]) -> None:
    key = alert.rule_id, alert.county
    lead = leads.get(key)
    if lead is None or lead.audience is not alert.audience:
        alert.letter_due = True
        leads[key] = Lead(alert.alert_id, alert.audience, wait_s, letter_due=True)
        return
    alert.lead_alert_id = lead.alert_id
    if not lead.letter_due:
        lead.letter_due = True
        owing.append(lead)


def _open(found: Match, alert_id: UUID) -> NewAlert:
    rule, event = found.rule, found.incoming.event
    digest = in_digest_alone(rule)
    return NewAlert(
        alert_id=alert_id,
        county=county_of(event),
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        audience=rule.audience,
        subject_id=found.subject_id,
        details=rule.details_of(event),
        restricted=rule.is_restricted,
        digest=digest,
        group_wait_s=None if digest else group_wait_s(rule),
        rule=rule,
        source=found.incoming,
    )


def _end(
    found: Match,
    known: Known,
    settled: Settled,
    unresolved: dict[SubjectKey, list[OpenAlert]],
    waiting: dict[SubjectKey, list[NewAlert]],
) -> None:
    key, at = found.key, found.incoming.place
    newest = known.resolutions.get(key)
    if newest is None or settles(at, newest):
        known.resolutions[key] = at
        settled.kept[key] = found.incoming
    if (alerts := unresolved.get(key)) is not None:
        settled.ended.extend((alert, found.incoming) for alert in alerts if settles(at, alert.source))
        unresolved[key] = [alert for alert in alerts if not settles(at, alert.source)]
    if (fresh := waiting.get(key)) is not None:
        for alert in fresh:
            if settles(at, alert.source.place):
                alert.resolved_by = found.incoming
        waiting[key] = [alert for alert in fresh if alert.resolved_by is None]
