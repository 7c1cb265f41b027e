"""What alerts a set of rules would have raised from past events, and what would have become of them. Pure.

Nobody acts in a dry run: an alert ends only by an event that resolves it, and a group by all of its alerts.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.escalation import StreamPlace, settles
from services.notifications.domain.rules import Inhibition, Rule, RuleBook, county_of
from shared.contracts.base import Event
from shared.contracts.counties import County

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


@dataclass(slots=True, eq=False)
class _Alert:
    match: _Match
    telling: Telling
    held_by: tuple[int, County, tuple[str, ...]] | None = None


class DryRun:
    """Take events in any order, then ask for the outcome. Only events of `counties` are looked at."""

    def __init__(self, book: RuleBook, counties: Collection[County]) -> None:
        self._book = book
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
        replay = _Replay(self._book, outcomes)
        for match in sorted(self._matches, key=lambda match: (match.place.time_s, match.place.sequence)):
            if match.resolves:
                replay.resolve(match)
            else:
                replay.raise_alert(match)
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

    def __init__(self, book: RuleBook, outcomes: list[RuleOutcome]) -> None:
        self._book = book
        self._outcomes = outcomes
        self._open: dict[tuple[int, str], list[_Alert]] = {}
        self._answers: dict[tuple[int, str], StreamPlace] = {}
        self._groups: Counter[tuple[int, County]] = Counter()
        self._sources: Counter[tuple[int, County, tuple[str, ...]]] = Counter()
        self._held: dict[tuple[int, County, tuple[str, ...]], list[_Alert]] = {}

    def raise_alert(self, match: _Match) -> None:
        outcome, rule = self._outcomes[match.rule], self._book.rules[match.rule]
        outcome.alerts += 1
        outcome.by_county[match.county] += 1
        answer = self._answers.get((match.rule, match.subject_id))
        if answer is not None and settles(answer, match.place):
            outcome.resolved += 1
            outcome.telling[Telling.ANSWERED] += 1
            return
        alert = _Alert(match, Telling.HELD_BACK, self._holder_of(match, rule))
        if alert.held_by is None:
            alert.telling = self._begin(match, rule)
        else:
            self._held.setdefault(alert.held_by, []).append(alert)
        outcome.telling[alert.telling] += 1
        self._open.setdefault((match.rule, match.subject_id), []).append(alert)

    def resolve(self, match: _Match) -> None:
        key = (match.rule, match.subject_id)
        known = self._answers.get(key)
        if known is None or settles(match.place, known):
            self._answers[key] = match.place
        standing: list[_Alert] = []
        for alert in self._open.pop(key, ()):
            if settles(match.place, alert.match.place):
                self._end(alert)
            else:
                standing.append(alert)
        if standing:
            self._open[key] = standing

    def _end(self, alert: _Alert) -> None:
        match, rule = alert.match, self._book.rules[alert.match.rule]
        self._outcomes[match.rule].resolved += 1
        if alert.held_by is not None:
            self._held[alert.held_by].remove(alert)
            return
        if rule.group_wait_s is not None:
            self._groups[match.rule, match.county] -= 1
        for key in self._source_keys(match, rule):
            self._sources[key] -= 1
            if self._sources[key] == 0:
                self._release(key)

    def _release(self, cause: tuple[int, County, tuple[str, ...]]) -> None:
        """The cause is gone: what it held back and still stands is told now, unless something else holds it back."""
        for alert in self._held.pop(cause, []):
            rule = self._book.rules[alert.match.rule]
            alert.held_by = self._holder_of(alert.match, rule)
            if alert.held_by is not None:
                self._held.setdefault(alert.held_by, []).append(alert)
                continue
            self._outcomes[alert.match.rule].told_after_hold += 1
            self._begin(alert.match, rule)

    def _begin(self, match: _Match, rule: Rule) -> Telling:
        """Nothing holds the alert back: it holds back others, and is told by itself, with others, or in the digest."""
        for key in self._source_keys(match, rule):
            self._sources[key] += 1
        if rule.digest:
            return Telling.DIGEST
        self._outcomes[match.rule].counties[match.county] += 1
        if rule.group_wait_s is None:
            return Telling.TOLD
        self._groups[match.rule, match.county] += 1
        return Telling.TOLD if self._groups[match.rule, match.county] == 1 else Telling.GROUPED

    def _holder_of(self, match: _Match, rule: Rule) -> tuple[int, County, tuple[str, ...]] | None:
        for index, likeness in match.likenesses.items():
            key = (index, match.county, likeness)
            if self._book.inhibitions[index].targets(rule.kind, rule.severity) and self._sources[key] > 0:
                return key
        return None

    def _source_keys(self, match: _Match, rule: Rule) -> list[tuple[int, County, tuple[str, ...]]]:
        return [
            (index, match.county, likeness)
            for index, likeness in match.likenesses.items()
            if self._book.inhibitions[index].source_kind == rule.kind
        ]


def _inhibitions_of(rule: Rule, inhibitions: Iterable[Inhibition]) -> dict[int, Inhibition]:
    return {
        index: inhibition
        for index, inhibition in enumerate(inhibitions)
        if inhibition.source_kind == rule.kind or inhibition.targets(rule.kind, rule.severity)
    }
