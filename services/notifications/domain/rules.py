"""Routing rules as they act: which event raises which alert, for whom, and which event resolves it. Pure.

`rule_reading.read_rules` makes a `RuleBook` of a document and refuses what cannot be meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, cast

from pydantic import JsonValue

from services.notifications.domain.escalation import EscalationPolicy
from shared.contracts import notifications
from shared.contracts.base import Event
from shared.contracts.catalogue import event_types
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

SUBJECT_SEPARATOR: Final = "/"


class Audience(StrEnum):
    """`WORKING_GROUP`: that of the event's county. The others are provincial offices; while an office has no members, the
    chair of the county's working group is told instead."""

    WORKING_GROUP = "working_group"
    PROVINCE_OFFICE = "province_office"
    LEGAL_OFFICE = "legal_office"
    APPEAL_OFFICE = "appeal_office"
    PROTECTION_OFFICE = "protection_office"
    CASEWORK_SUPERVISION = "casework_supervision"
    COMPLAINTS_OFFICE = "complaints_office"
    OPS_OFFICE = "ops_office"


ABOUT_ALERTS: Final = tuple(
    event_type
    for event_type in event_types()
    if event_type.stream is notifications.ALERTS and "alert_kind" in event_type.model_fields
)
"""Events about an alert that may raise one: they name its kind, so that a rule can leave out its own alerts."""

RULEABLE_EVENT_TYPES: Final = tuple(
    event_type
    for event_type in event_types()
    if "county" in event_type.model_fields
    and (event_type.stream is not notifications.ALERTS or event_type in ABOUT_ALERTS)
)
"""Every event type that a rule may name. Rules change while the service runs, so it listens to all of them."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """An event type with conditions on its fields and the fields that name the subject."""

    event_type: type[Event]
    when: Mapping[str, tuple[object, ...]]
    unless: Mapping[str, tuple[object, ...]]
    subject_fields: tuple[str, ...]

    def matches(self, event: Event) -> bool:
        return (
            type(event) is self.event_type
            and all(getattr(event, field) in values for field, values in self.when.items())
            and not any(getattr(event, field) in values for field, values in self.unless.items())
        )

    def subject_of(self, event: Event) -> str:
        return SUBJECT_SEPARATOR.join(str(getattr(event, field)) for field in self.subject_fields)


@dataclass(frozen=True, slots=True)
class Rule:
    """One routing rule, checked against the contracts. `counties` empty means all.

    `group_wait_s` (domain seconds): the first alert of this rule and county waits so long for others to be told with it;
    None: each alert is told alone. `digest`: told in the digest alone.
    """

    rule_id: str
    source: Matcher
    resolvers: tuple[Matcher, ...]
    counties: frozenset[County]
    kind: str
    severity: AlertSeverity
    policy: str
    audience: Audience
    show: tuple[str, ...]
    group_wait_s: int | None = None
    digest: bool = False

    @property
    def is_restricted(self) -> bool:
        """About a return case or a complaint."""
        return self.source.event_type.data_classification == "restricted"

    def raises(self, event: Event) -> bool:
        return self.source.matches(event) and (not self.counties or county_of(event) in self.counties)

    def details_of(self, event: Event) -> dict[str, JsonValue]:
        """Only the fields the rule shows; nothing else of the event is kept or sent."""
        return event.model_dump(mode="json", include=set(self.show))


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert of `source_kind` is unresolved, alerts of the same county with equal `equal` details are held back.

    `target_kinds` empty means every kind. `target_severities` is never empty and never has critical in it.
    """

    source_kind: str
    target_kinds: frozenset[str]
    target_severities: frozenset[AlertSeverity]
    equal: tuple[str, ...]

    def targets(self, kind: str, severity: AlertSeverity) -> bool:
        return severity in self.target_severities and (not self.target_kinds or kind in self.target_kinds)

    def likeness(self, details: Mapping[str, JsonValue]) -> tuple[str, ...] | None:
        """What must be equal of source and target, as text; None if `details` lacks a field of it, so that it is like none."""
        values = [details.get(field) for field in self.equal]
        return None if None in values else tuple(str(value) for value in values)


@dataclass(frozen=True)
class RuleBook:
    """All rules of one version, with the escalation policies that stand beside them.

    `version` 0: as the service ships; others are saved. `text` is the document as it was written.
    """

    version: int
    policies: Mapping[str, EscalationPolicy]
    rules: tuple[Rule, ...]
    inhibitions: tuple[Inhibition, ...]
    document: Mapping[str, JsonValue]
    text: str

    @property
    def event_types(self) -> tuple[type[Event], ...]:
        """Every event type that raises or resolves something, once each, in the document's order."""
        return tuple(self._by_event_type)

    def rules_about(self, event_type: type[Event]) -> tuple[Rule, ...]:
        """The rules, in the document's order, that an event of this type may raise or resolve something by."""
        return self._by_event_type.get(event_type, ())

    @cached_property
    def _by_event_type(self) -> Mapping[type[Event], tuple[Rule, ...]]:
        index: dict[type[Event], dict[str, Rule]] = {}
        for rule in self.rules:
            for matcher in (rule.source, *rule.resolvers):
                index.setdefault(matcher.event_type, {})[rule.rule_id] = rule
        return {event_type: tuple(rules.values()) for event_type, rules in index.items()}


UNRESTRICTED_TYPES: Final = frozenset(
    event.type_name() for event in event_types() if event.data_classification != "restricted"
)
"""Source events of alerts that are about no case and no complaint."""


def county_of(event: Event) -> County:
    return cast("County", getattr(event, "county"))  # noqa: B009 - checked for every type when the rules are read
