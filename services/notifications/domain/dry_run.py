"""What alerts a set of rules would have raised from past events, and what would have become of them. Pure.

Nobody acts in a dry run: an alert ends only by an event that resolves it, and a group by all of its alerts or when the wait
of its lead's first step is over.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.escalation import StreamPlace, settles
from services.notifications.domain.grouping import group_wait_s, in_digest_alone
from services.notifications.domain.holding import PastSilence
from services.notifications.domain.rules import Audience, Inhibition, Rule, RuleBook, county_of
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

EXAMPLES_MAX: Final = 5
MATCHES_MAX: Final = 50_000
"""Raising and resolving events kept in memory (about 500 bytes each)."""


class Telling(StrEnum):
    """How an alert would have begun. `ANSWERED`: its resolving event was there before it; nobody is told."""

    TOLD = "told"
    GROUPED = "grouped"
    HELD_BACK = "held_back"
    DIGEST = "digest"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event as it was published; `time` is when its owner recorded it."""

    event: Event
    event_id: UUID
    sequence: int
    time: datetime

    @property
    def place(self) -> StreamPlace:
        aggregate = f"{self.event.stream.topic}/{self.event.aggregate_id}"
        return StreamPlace(aggregate, self.sequence, self.time.timestamp())


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else decides: the silences of that time, in the order in which they are looked at, up to `until`.

    `joined_until`: of a lead of this rule and county that began at that moment, when the wait of its first step is over.
    """

    until: datetime
    joined_until: Callable[[Rule, County, datetime], datetime]
    silences: Sequence[PastSilence] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One of the first alerts of a rule."""

    at: datetime
    county: County
    subject_id: str
    details: dict[str, JsonValue]


@dataclass(slots=True)
class RuleOutcome:
    """`told` and the others count alerts by how they begin; `told_after_hold`: of those held back, told in the end.

    `counties`: alerts that somebody is told of, at once or later, by county.
    """

    rule: Rule
    alerts: int = 0
    resolved: int = 0
    told_after_hold: int = 0
    telling: Counter[Telling] = field(default_factory=Counter[Telling])
    by_county: Counter[County] = field(default_factory=Counter[County])
    counties: Counter[County] = field(default_factory=Counter[County])
    examples: list[Example] = field(default_factory=list[Example])


@dataclass(slots=True)
class _Match:
    """One event at one rule: it raises, or resolves. `likenesses`: by inhibition, as source and as target."""

    rule: int
    resolves: bool
    subject_id: str
    county: County
    place: StreamPlace
    likenesses: dict[int, tuple[str, ...]]


_Likeness = tuple[int, County, tuple[str, ...]]
_Holder = _Likeness | UUID
"""A likeness to greater alerts, or a silence."""


@dataclass(slots=True)
class _Group:
    """`standing`: alerts of it that are not resolved."""

    joined_until: datetime
    standing: int = 0


@dataclass(frozen=True, slots=True)
class _Silenceable:
    county: County
    kind: str
    rule_id: str
    severity: AlertSeverity
    audience: Audience
    subject_id: str


@dataclass(slots=True, eq=False)
class _Alert:
    """`is_source`: it holds back others."""

    match: _Match
    held_by: _Holder | None = None
    group: _Group | None = None
    is_source: bool = False


class DryRun:
    """Take events in any order, then ask for the outcome. Only events of `counties` are looked at."""

    def __init__(self, book: RuleBook, counties: Collection[County], circumstances: Circumstances) -> None:
        self._book = book
        self._circumstances = circumstances
        self._counties = frozenset(counties)
        self._at = {rule.rule_id: at for at, rule in enumerate(book.rules)}
        self._inhibitions = [_inhibitions_of(rule, book.inhibitions) for rule in book.rules]
        self._matches: list[_Match] = []
        self._seen: set[UUID] = set()
        self._examples: list[list[tuple[float, UUID, Example]]] = [[] for _ in book.rules]

    def take(self, events: Iterable[PastEvent]) -> bool:
        """Keep what the rules match; an event that comes twice counts once. False when there is room for no more."""
        for past in events:
            if past.event_id in self._seen or county_of(past.event) not in self._counties:
                continue
            if len(self._matches) >= MATCHES_MAX:
                return False
            known = len(self._matches)
            for rule in self._book.rules_about(type(past.event)):
                self._match(rule, past)
            if len(self._matches) > known:
                self._seen.add(past.event_id)
        return True

    def outcomes(self) -> list[RuleOutcome]:
        """What would have become of the alerts, rule by rule in the document's order."""
        outcomes = [RuleOutcome(rule) for rule in self._book.rules]
        replay = _Replay(self._book, outcomes, self._circumstances)
        for match in sorted(self._matches, key=lambda match: (match.place.time_s, match.place.sequence)):
            at = _moment(match)
            replay.end_silences(at)
            if match.resolves:
                replay.resolve(match, at)
            else:
                replay.raise_alert(match, at)
        replay.end_silences(self._circumstances.until)
        for outcome, first in zip(outcomes, self._examples, strict=True):
            outcome.examples = [example for _, _, example in sorted(first, key=lambda item: -item[0])]
        return outcomes

    def _match(self, rule: Rule, past: PastEvent) -> None:
        event, at = past.event, self._at[rule.rule_id]
        for resolver in rule.resolvers:
            if resolver.matches(event):
                subject = resolver.subject_of(event)
                self._matches.append(_Match(at, True, subject, county_of(event), past.place, {}))
        if rule.raises(event):
            subject = rule.source.subject_of(event)
            details = rule.details_of(event) if self._inhibitions[at] or self._wants_example(at, past) else {}
            likenesses = {
                index: likeness
                for index, inhibition in self._inhibitions[at].items()
                if (likeness := inhibition.likeness(details)) is not None
            }
            self._matches.append(_Match(at, False, subject, county_of(event), past.place, likenesses))
            if self._wants_example(at, past):
                self._keep_example(at, past, Example(past.time, county_of(event), subject, details))

    def _wants_example(self, at: int, past: PastEvent) -> bool:
        kept = self._examples[at]
        return len(kept) < EXAMPLES_MAX or past.time.timestamp() < -kept[0][0]

    def _keep_example(self, at: int, past: PastEvent, example: Example) -> None:
        item = (-past.time.timestamp(), past.event_id, example)  # a heap whose head is the latest of the first ones
        if len(self._examples[at]) < EXAMPLES_MAX:
            heapq.heappush(self._examples[at], item)
        else:
            heapq.heapreplace(self._examples[at], item)


class _Replay:
    """Alerts as they stand while events are gone through in their order."""

    def __init__(self, book: RuleBook, outcomes: list[RuleOutcome], circumstances: Circumstances) -> None:
        self._book = book
        self._outcomes = outcomes
        self._circumstances = circumstances
        self._open: dict[tuple[int, str], list[_Alert]] = {}
        self._answers: dict[tuple[int, str], StreamPlace] = {}
        self._groups: dict[tuple[int, County], _Group] = {}
        self._sources: Counter[_Likeness] = Counter()
        self._held: dict[_Holder, list[_Alert]] = {}
        self._silence_ends = [
            (at, past.silence.silence_id)
            for past in circumstances.silences
            for at in {past.silence.critical_until, past.silence.ends_at}
        ]
        heapq.heapify(self._silence_ends)

    def end_silences(self, at: datetime) -> None:
        """What ended until then lets go of what it held back."""
        while self._silence_ends and self._silence_ends[0][0] <= at:
            ended_at, silence_id = heapq.heappop(self._silence_ends)
            self._release(silence_id, ended_at)

    def raise_alert(self, match: _Match, at: datetime) -> None:
        outcome = self._outcomes[match.rule]
        outcome.alerts += 1
        outcome.by_county[match.county] += 1
        answer = self._answers.get((match.rule, match.subject_id))
        if answer is not None and settles(answer, match.place):
            outcome.resolved += 1
            outcome.telling[Telling.ANSWERED] += 1
            return
        alert = _Alert(match)
        outcome.telling[self._place(alert, at)] += 1
        self._open.setdefault((match.rule, match.subject_id), []).append(alert)

    def resolve(self, match: _Match, at: datetime) -> None:
        key = (match.rule, match.subject_id)
        known = self._answers.get(key)
        if known is None or settles(match.place, known):
            self._answers[key] = match.place
        standing: list[_Alert] = []
        for alert in self._open.pop(key, ()):
            if settles(match.place, alert.match.place):
                self._end(alert, at)
            else:
                standing.append(alert)
        if standing:
            self._open[key] = standing

    def _end(self, alert: _Alert, at: datetime) -> None:
        match = alert.match
        self._outcomes[match.rule].resolved += 1
        if alert.held_by is not None:
            self._held[alert.held_by].remove(alert)
        if alert.group is not None:
            alert.group.standing -= 1
        for key in self._source_keys(match) if alert.is_source else ():
            self._sources[key] -= 1
            if self._sources[key] == 0:
                self._release(key, at)

    def _release(self, cause: _Holder, at: datetime) -> None:
        """The cause is gone: what it held back and still stands is told now, unless something else holds it back."""
        for alert in self._held.pop(cause, []):
            if self._place(alert, at) is not Telling.HELD_BACK:
                self._outcomes[alert.match.rule].told_after_hold += 1

    def _place(self, alert: _Alert, at: datetime) -> Telling:
        """It is held back, or told by itself, with others, or in the digest. What a silence holds back holds back others."""
        match, rule = alert.match, self._book.rules[alert.match.rule]
        alert.held_by = self._holder_of(match, rule, at)
        if alert.held_by is not None:
            self._held.setdefault(alert.held_by, []).append(alert)
        if not alert.is_source and (alert.held_by is None or isinstance(alert.held_by, UUID)):
            alert.is_source = True
            self._sources.update(self._source_keys(match))
        return self._begin(alert, rule, at) if alert.held_by is None else Telling.HELD_BACK

    def _begin(self, alert: _Alert, rule: Rule, at: datetime) -> Telling:
        match = alert.match
        if in_digest_alone(rule):
            return Telling.DIGEST
        self._outcomes[match.rule].counties[match.county] += 1
        if group_wait_s(rule) is None:
            return Telling.TOLD
        group = self._groups.get((match.rule, match.county))
        joins = group is not None and group.standing > 0 and at < group.joined_until
        if group is None or not joins:
            group = _Group(self._circumstances.joined_until(rule, match.county, at))
            self._groups[match.rule, match.county] = group
        alert.group = group
        group.standing += 1
        return Telling.GROUPED if joins else Telling.TOLD

    def _holder_of(self, match: _Match, rule: Rule, at: datetime) -> _Holder | None:
        """A silence before a greater alert; nothing holds back what is about a case or a complaint."""
        if rule.is_restricted:
            return None
        subject = _Silenceable(match.county, rule.kind, rule.rule_id, rule.severity, rule.audience, match.subject_id)
        for past in self._circumstances.silences:
            if past.began_at <= at and past.silence.holds(subject, at):
                return past.silence.silence_id
        for index, likeness in match.likenesses.items():
            inhibition, key = self._book.inhibitions[index], (index, match.county, likeness)
            is_target = inhibition.source_kind != rule.kind and inhibition.targets(rule.kind, rule.severity)
            if is_target and self._sources[key] > 0:
                return key
        return None

    def _source_keys(self, match: _Match) -> list[_Likeness]:
        kind = self._book.rules[match.rule].kind
        return [
            (index, match.county, likeness)
            for index, likeness in match.likenesses.items()
            if self._book.inhibitions[index].source_kind == kind
        ]


def _moment(match: _Match) -> datetime:
    return datetime.fromtimestamp(match.place.time_s, UTC)


def _inhibitions_of(rule: Rule, inhibitions: Iterable[Inhibition]) -> dict[int, Inhibition]:
    return {
        index: inhibition
        for index, inhibition in enumerate(inhibitions)
        if inhibition.source_kind == rule.kind or inhibition.targets(rule.kind, rule.severity)
    }
