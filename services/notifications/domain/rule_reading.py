"""A document of routing rules becomes a rule book, or is refused with every fault and its line. Pure.

Every event type, field and value that it names must exist in the contracts, and every rule must be able to match.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, cast

from pydantic import JsonValue, TypeAdapter, ValidationError

from services.notifications.domain import rule_faults as texts
from services.notifications.domain.digests import DIGEST_AUDIENCES
from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.field_values import every_value
from services.notifications.domain.inhibition_reading import read_inhibitions
from services.notifications.domain.ordering import find_circle
from services.notifications.domain.rule_documents import (
    ConditionDocument,
    DocumentText,
    RuleDocument,
    RulesDocument,
)
from services.notifications.domain.rule_faults import Faults, Place
from services.notifications.domain.rule_safeguards import check_policies, check_promises, check_restricted
from services.notifications.domain.rules import ABOUT_ALERTS, Matcher, Rule, RuleBook
from shared.contracts import notifications
from shared.contracts.base import Event
from shared.contracts.catalogue import event_types
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity
from shared.persian.value_problems import value_problem

SHIPPED_VERSION: Final = 0
ALERT_KIND: Final = "alert_kind"


def read_rules(text: str, source: str, version: int = SHIPPED_VERSION) -> RuleBook:
    """Parse and check a document; `source` names it in messages. Raises RulesError with every fault."""
    return _Reading(text, source).book(version)


def read_complete_rules(
    text: str,
    source: str,
    version: int = SHIPPED_VERSION,
    letters: Mapping[str, frozenset[str]] | None = None,
    saved_policies: Mapping[str, EscalationPolicy] | None = None,
) -> RuleBook:
    """As `read_rules`, for rules that are to be in force: they must tell what nobody may forget.

    `letters`: the kinds of alerts that have a letter, with the fields it needs; None: they are not looked at.
    `saved_policies`: those in force instead of the document's of the same name.
    """
    reading = _Reading(text, source)
    check_promises(reading.rules, reading.faults)
    check_policies(reading.rules, {**reading.policies, **(saved_policies or {})}, reading.faults)
    if letters is not None:
        _check_letters(reading.rules, letters, reading.faults)
    return reading.book(version)


class _Reading:
    """A document of the right shape with the faults of what it says. Raises RulesError if the shape is wrong."""

    def __init__(self, text: str, source: str) -> None:
        self._written = DocumentText(text, source)
        self._text = text
        self._document = self._written.document()
        compiler = _Compiler(self._document)
        self.rules = tuple(compiler.rule(index, rule) for index, rule in enumerate(self._document.rules))
        compiler.circles(self.rules)
        self._inhibitions = read_inhibitions(self._document.inhibitions, self.rules, compiler.faults)
        self.faults = compiler.faults

    @property
    def policies(self) -> Mapping[str, EscalationPolicy]:
        return self._document.policies

    def book(self, version: int) -> RuleBook:
        """Raises RulesError if there is any fault."""
        self._written.refuse(self.faults)
        document = self._document
        shown = document.model_dump(mode="json", exclude_none=True)
        return RuleBook(version, document.policies, self.rules, self._inhibitions, shown, self._text)


def _check_letters(rules: Sequence[Rule], letters: Mapping[str, frozenset[str]], faults: Faults) -> None:
    for index, rule in enumerate(rules):
        if rule.kind not in letters:
            faults.add(("rules", index, "kind"), texts.LETTER_MISSING, name=rule.kind)
        for name in sorted(letters.get(rule.kind, frozenset()).difference(rule.show)):
            faults.add(("rules", index, "show"), texts.LETTER_NEEDS, kind=rule.kind, name=name)


def event_catalogue() -> dict[str, type[Event]]:
    """Every event type in the contracts, by its CloudEvents type."""
    return {event_type.type_name(): event_type for event_type in event_types()}


class _Compiler:
    """Checks names and values against the contracts and gathers every fault."""

    def __init__(self, document: RulesDocument) -> None:
        self.document = document
        self.catalogue = event_catalogue()
        self.faults = Faults()
        self.ids: set[str] = set()

    def rule(self, index: int, written: RuleDocument) -> Rule:
        place: Place = ("rules", index)
        if written.id in self.ids:
            self.faults.add((*place, "id"), texts.ID_REPEATED, name=written.id)
        self.ids.add(written.id)
        if written.policy not in self.document.policies:
            self.faults.add((*place, "policy"), texts.POLICY_MISSING, name=written.policy)
        source = self.matcher(written, place)
        self.fields(source.event_type, written.show, (*place, "show"))
        resolvers = tuple(
            self.resolver(source, resolver, (*place, "resolved_by", at))
            for at, resolver in enumerate(written.resolved_by)
        )
        rule = Rule(
            rule_id=written.id,
            source=source,
            resolvers=resolvers,
            counties=frozenset(written.counties or ()),
            kind=written.kind,
            severity=written.severity,
            policy=written.policy,
            audience=written.audience,
            show=written.show,
            group_wait_s=None if written.group is None else written.group.wait_s,
            digest=written.digest,
        )
        self.reach(written, rule, place)
        self.telling(rule, place)
        check_restricted(rule, place, self.faults)
        return rule

    def reach(self, written: RuleDocument, rule: Rule, place: Place) -> None:
        """Some county must be left, and what is about alerts only where it can leave out its own."""
        if written.counties is not None and not written.counties:
            self.faults.add((*place, "counties"), texts.COUNTIES_EMPTY)
        conditions = [rule.source.when.get("county", tuple(County)), rule.counties or tuple(County)]
        left = set(conditions[0]).intersection(conditions[1]).difference(rule.source.unless.get("county", ()))
        if rule.source.event_type is not Event and not left and written.counties != ():
            self.faults.add((*place, "counties"), texts.COUNTIES_EXCLUDED)
        stream = getattr(rule.source.event_type, "stream", None)
        if stream is notifications.ALERTS and rule.source.event_type not in ABOUT_ALERTS:
            allowed = " or ".join(sorted(event_type.__name__ for event_type in ABOUT_ALERTS))
            self.faults.add(place, texts.ALERT_ABOUT_ALERT, allowed=allowed)

    def telling(self, rule: Rule, place: Place) -> None:
        """Critical alerts are told at once and by themselves; only what is for information waits for a digest."""
        if rule.group_wait_s is not None and rule.severity is AlertSeverity.CRITICAL:
            self.faults.add((*place, "group"), texts.CRITICAL_GROUPED)
        if rule.digest and rule.severity is not AlertSeverity.INFO:
            self.faults.add((*place, "digest"), texts.DIGEST_NOT_INFO)
        if rule.digest and rule.audience not in DIGEST_AUDIENCES:
            self.faults.add((*place, "digest"), texts.DIGEST_OF_NOBODY, allowed=", ".join(sorted(DIGEST_AUDIENCES)))
        if rule.digest and rule.group_wait_s is not None:
            self.faults.add((*place, "group"), texts.DIGEST_GROUPED)

    def circles(self, rules: tuple[Rule, ...]) -> None:
        """An alert about alerts must never raise itself, nor take turns with another such rule."""
        about = {at: rule for at, rule in enumerate(rules) if rule.source.event_type in ABOUT_ALERTS}
        kinds = {rule.kind for rule in about.values()}
        following: dict[str, set[str]] = {kind: set() for kind in kinds}
        for rule in about.values():
            for kind in kinds:
                if not excludes(rule.source, ALERT_KIND, kind):
                    following[kind].add(rule.kind)
        circle = find_circle(following)
        if circle is not None:
            at = next(at for at, rule in about.items() if rule.kind in circle)
            self.faults.add(("rules", at, "unless"), texts.OWN_ALERTS, circle=" > ".join(circle))

    def resolver(self, source: Matcher, written: ConditionDocument, place: Place) -> Matcher:
        resolver = self.matcher(written, place)
        if Event in (resolver.event_type, source.event_type):
            return resolver
        if resolver.event_type.__module__ != source.event_type.__module__:
            self.faults.add((*place, "event"), texts.OTHER_OWNER, name=written.event)
        expected, found = len(source.subject_fields), len(resolver.subject_fields)
        if expected != found:
            self.faults.add((*place, "subject"), texts.SUBJECT_DIFFERS, expected=expected, found=found)
        return resolver

    def matcher(self, condition: ConditionDocument, place: Place) -> Matcher:
        event_type = self.catalogue.get(condition.event)
        if event_type is None:
            self.faults.add((*place, "event"), texts.EVENT_UNKNOWN, name=condition.event)
            return Matcher(Event, {}, {}, condition.subject)
        if "county" not in event_type.model_fields:
            self.faults.add((*place, "event"), texts.NO_COUNTY, name=condition.event)
        self.fields(event_type, condition.subject, (*place, "subject"))
        when = self.values(event_type, condition.when, (*place, "when"))
        unless = self.values(event_type, condition.unless, (*place, "unless"))
        self.something_left(event_type, when, unless, place)
        return Matcher(event_type, when, unless, condition.subject)

    def something_left(
        self,
        event_type: type[Event],
        when: Mapping[str, tuple[object, ...]],
        unless: Mapping[str, tuple[object, ...]],
        place: Place,
    ) -> None:
        for name, left_out in unless.items():
            possible = when.get(name) or every_value(event_type, name)
            if possible is not None and all(value in left_out for value in possible):
                self.faults.add((*place, "unless", name), texts.NOTHING_LEFT, name=name)

    def fields(self, event_type: type[Event], names: Iterable[str], place: Place) -> None:
        for at, name in enumerate(names):
            if event_type is not Event and name not in event_type.model_fields:
                self.faults.add((*place, at), texts.FIELD_UNKNOWN, event=event_type.type_name(), name=name)

    def values(
        self, event_type: type[Event], conditions: Mapping[str, tuple[JsonValue, ...]], place: Place
    ) -> dict[str, tuple[object, ...]]:
        known: dict[str, tuple[object, ...]] = {}
        for name, values in conditions.items():
            field = event_type.model_fields.get(name)
            if field is None:
                self.faults.add((*place, name), texts.FIELD_UNKNOWN, event=event_type.type_name(), name=name)
                continue
            if not values:
                self.faults.add((*place, name), texts.NO_VALUES)
                continue
            whole = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation  # pyright: ignore
            adapter: TypeAdapter[object] = TypeAdapter(cast("Any", whole))
            try:
                known[name] = tuple(adapter.validate_python(value) for value in values)
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                message_fa = value_problem(first["type"], first.get("ctx", {}))[1]
                self.faults.add((*place, name), texts.NEVER_TRUE, message=first["msg"], message_fa=message_fa)
        return known


def excludes(matcher: Matcher, field: str, value: object) -> bool:
    """Whether the conditions on `field` leave out `value`."""
    return value in matcher.unless.get(field, ()) or (field in matcher.when and value not in matcher.when[field])
