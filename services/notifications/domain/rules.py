"""Routing rules: which event raises which alert, for whom, and which event resolves it. Pure.

A rules file is checked whole when the service starts: every event type, field and value it names must exist in the
contracts. `RulesError` says the line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from services.notifications.domain.escalation import EscalationPolicy
from shared.contracts import notifications
from shared.contracts.base import Event
from shared.contracts.catalogue import event_types
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

_TYPE_NAME_PATTERN = r"^[a-z]+\.[A-Za-z]+\.v[0-9]+$"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Place = tuple[str | int, ...]
SUBJECT_SEPARATOR = "/"


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


class RulesError(Exception):
    """The rules file cannot be used; the message lists every fault with its line. The service does not start."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Condition(_Document):
    event: Annotated[str, Field(pattern=_TYPE_NAME_PATTERN)]
    when: dict[str, tuple[JsonValue, ...]] = {}
    unless: dict[str, tuple[JsonValue, ...]] = {}
    subject: Annotated[tuple[str, ...], Field(min_length=1)]


class _RuleDocument(_Condition):
    id: Name
    counties: tuple[County, ...] = ()
    kind: Name
    severity: AlertSeverity
    policy: Name
    audience: Audience = Audience.WORKING_GROUP
    show: tuple[str, ...] = ()
    resolved_by: tuple[_Condition, ...] = ()


class _RulesDocument(_Document):
    version: Annotated[int, Field(ge=1)]
    policies: dict[Name, EscalationPolicy]
    rules: Annotated[tuple[_RuleDocument, ...], Field(min_length=1)]


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
    """One routing rule, checked against the contracts. `counties` empty means all."""

    rule_id: str
    source: Matcher
    resolvers: tuple[Matcher, ...]
    counties: frozenset[County]
    kind: str
    severity: AlertSeverity
    policy: str
    audience: Audience
    show: tuple[str, ...]

    def raises(self, event: Event) -> bool:
        return self.source.matches(event) and (not self.counties or county_of(event) in self.counties)

    def details_of(self, event: Event) -> dict[str, JsonValue]:
        """Only the fields the rule shows; nothing else of the event is kept or sent."""
        return event.model_dump(mode="json", include=set(self.show))


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of one version, with the escalation policies that ship beside them."""

    version: int
    policies: Mapping[str, EscalationPolicy]
    rules: tuple[Rule, ...]
    document: Mapping[str, JsonValue]

    @property
    def event_types(self) -> tuple[type[Event], ...]:
        """Every event type that raises or resolves something, once each, in the file's order."""
        matchers = (matcher for rule in self.rules for matcher in (rule.source, *rule.resolvers))
        return tuple(dict.fromkeys(matcher.event_type for matcher in matchers))


def county_of(event: Event) -> County:
    return cast("County", getattr(event, "county"))  # noqa: B009 - checked for every type when the rules are read


def event_catalogue() -> dict[str, type[Event]]:
    """Every event type in the contracts, by its CloudEvents type."""
    return {event_type.type_name(): event_type for event_type in event_types()}


def read_rules(text: str, source: str) -> RuleBook:
    """Parse and check a rules file; `source` names it in messages. Raises RulesError."""
    try:
        tree: yaml.Node | None = _compose(text)
        raw: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RulesError(f"{source}: not YAML: {error}") from error
    try:
        document = _RulesDocument.model_validate(raw)
    except ValidationError as error:
        faults: list[tuple[Place, str]] = [(fault["loc"], fault["msg"]) for fault in error.errors()]
        raise _refused(source, tree, faults) from error
    compiler = _Compiler(document)
    rules = tuple(compiler.rule(index, rule) for index, rule in enumerate(document.rules))
    if compiler.faults:
        raise _refused(source, tree, compiler.faults)
    return RuleBook(document.version, document.policies, rules, document.model_dump(mode="json"))


class _Compiler:
    """Checks names and values against the contracts and gathers every fault, so that one start shows them all."""

    def __init__(self, document: _RulesDocument) -> None:
        self.document = document
        self.catalogue = event_catalogue()
        self.faults: list[tuple[Place, str]] = []
        self.ids: set[str] = set()

    def rule(self, index: int, rule: _RuleDocument) -> Rule:
        place: Place = ("rules", index)
        if rule.id in self.ids:
            self.faults.append(((*place, "id"), f"a second rule has the id {rule.id!r}"))
        self.ids.add(rule.id)
        if rule.policy not in self.document.policies:
            self.faults.append(((*place, "policy"), f"there is no policy {rule.policy!r}"))
        source = self.matcher(rule, place)
        self.fields(source.event_type, rule.show, (*place, "show"))
        resolvers = tuple(
            self.matcher(resolver, (*place, "resolved_by", at)) for at, resolver in enumerate(rule.resolved_by)
        )
        self.loops(source, (*place, "unless"))
        return Rule(
            rule_id=rule.id,
            source=source,
            resolvers=resolvers,
            counties=frozenset(rule.counties),
            kind=rule.kind,
            severity=rule.severity,
            policy=rule.policy,
            audience=rule.audience,
            show=rule.show,
        )

    def loops(self, source: Matcher, place: Place) -> None:
        """An alert about alerts must never raise itself, nor take turns with another such rule."""
        if source.event_type is Event or source.event_type.stream is not notifications.ALERTS:
            return
        own = {rule.kind for rule in self.document.rules if rule.event == notifications.AlertUndelivered.type_name()}
        if source.event_type is not notifications.AlertUndelivered:
            self.faults.append((place, "only AlertUndelivered may raise an alert about an alert"))
        elif missing := own.difference(map(str, source.unless.get("alert_kind", ()))):
            self.faults.append((place, f"would raise alerts about its own alerts: add alert_kind: {sorted(missing)}"))

    def matcher(self, condition: _Condition, place: Place) -> Matcher:
        event_type = self.catalogue.get(condition.event)
        if event_type is None:
            self.faults.append(((*place, "event"), f"there is no event type {condition.event!r}"))
            return Matcher(Event, {}, {}, condition.subject)
        if "county" not in event_type.model_fields:
            self.faults.append(((*place, "event"), f"{condition.event} has no county, so nobody would be told"))
        self.fields(event_type, condition.subject, (*place, "subject"))
        when = self.values(event_type, condition.when, (*place, "when"))
        unless = self.values(event_type, condition.unless, (*place, "unless"))
        return Matcher(event_type, when, unless, condition.subject)

    def fields(self, event_type: type[Event], names: Iterable[str], place: Place) -> None:
        for at, name in enumerate(names):
            if event_type is not Event and name not in event_type.model_fields:
                self.faults.append(((*place, at), f"{event_type.type_name()} has no field {name!r}"))

    def values(
        self, event_type: type[Event], conditions: Mapping[str, tuple[JsonValue, ...]], place: Place
    ) -> dict[str, tuple[object, ...]]:
        known: dict[str, tuple[object, ...]] = {}
        for name, values in conditions.items():
            field = event_type.model_fields.get(name)
            if field is None:
                self.faults.append(((*place, name), f"{event_type.type_name()} has no field {name!r}"))
                continue
            adapter: TypeAdapter[object] = TypeAdapter(cast("type[object]", field.annotation))
            try:
                known[name] = tuple(adapter.validate_python(value) for value in values)
            except ValidationError as error:
                self.faults.append(((*place, name), f"never true: {error.errors()[0]['msg']}"))
        return known


def _compose(text: str) -> yaml.Node | None:
    return cast("yaml.Node | None", yaml.compose(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]


def _refused(source: str, tree: yaml.Node | None, faults: Iterable[tuple[Place, str]]) -> RulesError:
    lines = [f"{source}:{_line_of(tree, place)}: {'.'.join(map(str, place))}: {text}" for place, text in faults]
    return RulesError("\n".join(lines))


def _line_of(node: yaml.Node | None, place: Place) -> int:
    """The line (1-based) of the deepest node on the way to `place`."""
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            node = None
        if node is None:
            break
        line = int(node.start_mark.line) + 1
    return line
