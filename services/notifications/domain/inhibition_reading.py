"""Inhibitions of a document, checked against its rules. Pure."""

from collections.abc import Sequence

from services.notifications.domain import rule_faults as texts
from services.notifications.domain.ordering import find_circle
from services.notifications.domain.rule_documents import InhibitionDocument
from services.notifications.domain.rule_faults import Faults, Place
from services.notifications.domain.rules import Inhibition, Rule
from shared.contracts.notifications import AlertSeverity

LESSER = frozenset(AlertSeverity) - {AlertSeverity.CRITICAL}


def read_inhibitions(
    written: Sequence[InhibitionDocument], rules: Sequence[Rule], faults: Faults
) -> tuple[Inhibition, ...]:
    """Every inhibition must be able to hold something back, let it go again, and never hold back in a circle."""
    inhibitions = tuple(_inhibition(one, rules, ("inhibitions", index), faults) for index, one in enumerate(written))
    held: dict[str, set[str]] = {rule.kind: set() for rule in rules}
    for inhibition in inhibitions:
        targets = {rule.kind for rule in rules if inhibition.targets(rule.kind, rule.severity)}
        held.setdefault(inhibition.source_kind, set()).update(targets)
    circle = find_circle(held)
    if circle is not None:
        at = next(at for at, one in enumerate(inhibitions) if one.source_kind in circle)
        faults.add(("inhibitions", at), texts.INHIBITION_CIRCLE, circle=" > ".join(circle))
    return inhibitions


def _inhibition(written: InhibitionDocument, rules: Sequence[Rule], place: Place, faults: Faults) -> Inhibition:
    inhibition = Inhibition(
        source_kind=written.source,
        target_kinds=frozenset(written.targets),
        target_severities=frozenset(written.severities) or LESSER,
        equal=written.equal,
    )
    sources = [rule for rule in rules if rule.kind == written.source]
    if not sources:
        faults.add((*place, "source"), texts.SOURCE_UNKNOWN, name=written.source)
    for rule in sources:
        if not rule.resolvers:
            faults.add((*place, "source"), texts.SOURCE_UNRESOLVED, rule=rule.rule_id)
    if AlertSeverity.CRITICAL in inhibition.target_severities:
        faults.add((*place, "severities"), texts.CRITICAL_HELD)
    if not written.targets and not written.severities:
        faults.add(place, texts.NO_TARGETS)
        return inhibition
    targets = [rule for rule in rules if inhibition.targets(rule.kind, rule.severity)]
    for at, kind in enumerate(written.targets):
        if not any(rule.kind == kind for rule in targets):
            faults.add((*place, "targets", at), texts.TARGETS_NOTHING)
    if not targets:
        faults.add(place, texts.TARGETS_NOTHING)
    _equal_fields(inhibition, sources, targets, place, faults)
    _owners(sources, targets, place, faults)
    return inhibition


def _equal_fields(
    inhibition: Inhibition, sources: Sequence[Rule], targets: Sequence[Rule], place: Place, faults: Faults
) -> None:
    for at, name in enumerate(inhibition.equal):
        for rule in (*sources, *(rule for rule in targets if rule not in sources)):
            if name not in rule.show:
                faults.add((*place, "equal", at), texts.EQUAL_NOT_SHOWN, rule=rule.rule_id, name=name)


def _owners(sources: Sequence[Rule], targets: Sequence[Rule], place: Place, faults: Faults) -> None:
    """What is about a case or a complaint is never held back, and nothing by records of another owner."""
    owners = {rule.source.event_type.__module__ for rule in sources}
    for rule in targets:
        if rule.is_restricted:
            faults.add(place, texts.RESTRICTED_ALONE)
        elif owners and {rule.source.event_type.__module__} != owners:
            faults.add(place, texts.HELD_OTHER_OWNER, rule=rule.rule_id)
