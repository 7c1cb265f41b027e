"""What rules about return cases and complaints may do, and what every set of rules must tell. Pure.

Source: the project's safeguards page. Rules can be changed while the service runs; these limits can not. A rule about a
case or a complaint tells the office whose work it is, shows no more than it needs, has no conditions that would single
cases out (nothing tracks people), is not put off (13), and its alert is resolved only by what really answers it. And
what nobody may forget is told in every county, whatever the rules say.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.notifications.domain import rule_faults as texts
from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.field_values import every_value
from services.notifications.domain.rule_faults import Faults, Place
from services.notifications.domain.rules import Audience, Matcher, Rule
from shared.contracts import complaints, nationals
from shared.contracts.base import Event
from shared.contracts.notifications import AlertUndelivered, OperationsTroubleFound


@dataclass(frozen=True, slots=True)
class Permission:
    """What a rule about one restricted event may do. `conditions`: fields that `when` and `unless` may name."""

    audiences: frozenset[Audience]
    fields: frozenset[str]
    answers: frozenset[type[Event]] = frozenset()
    conditions: frozenset[str] = frozenset()


def _permission(audience: Audience, fields: str, *answers: type[Event], conditions: str = "") -> Permission:
    return Permission(
        frozenset({audience}), frozenset(fields.split()), frozenset(answers), frozenset(conditions.split())
    )


PERMITTED: Final[Mapping[type[Event], Permission]] = {
    nationals.PlacesOffered: _permission(
        Audience.CASEWORK_SUPERVISION, "case_id centre_id answer_by", nationals.PlacesOfferEnded
    ),
    nationals.PhaseTwoReviewRequested: _permission(
        Audience.LEGAL_OFFICE,
        "case_id",
        nationals.LegalReviewDecided,
        nationals.LegalDecisionServed,
        nationals.VoluntaryStageRenewed,
        nationals.ReturnCaseClosed,
    ),
    nationals.AppealLodged: _permission(
        Audience.APPEAL_OFFICE,
        "case_id",
        nationals.AppealDecided,
        nationals.VoluntaryStageRenewed,
        nationals.ReturnCaseClosed,
    ),
    nationals.AppealOverdue: _permission(
        Audience.PROVINCE_OFFICE,
        "case_id",
        nationals.AppealDecided,
        nationals.VoluntaryStageRenewed,
        nationals.ReturnCaseClosed,
    ),
    nationals.AppealWindowEnded: _permission(
        Audience.LEGAL_OFFICE,
        "case_id",
        nationals.AppealLodged,
        nationals.VoluntaryStageRenewed,
        nationals.ReturnCaseReferred,
        nationals.ReturnCaseClosed,
    ),
    nationals.ReturnCaseReferred: _permission(Audience.LEGAL_OFFICE, "case_id"),
    nationals.ReturnCaseReviewOverdue: _permission(
        Audience.PROVINCE_OFFICE,
        "case_id",
        nationals.ReturnCaseClosed,
        nationals.LegalReviewDecided,
        nationals.ReturnCaseReferred,
        nationals.ReturnCaseResumed,
        nationals.HouseholdSplit,
    ),
    nationals.ReturnScreeningExpiring: _permission(
        Audience.PROTECTION_OFFICE,
        "case_id valid_until",
        nationals.ReturnCaseClosed,
        nationals.HouseholdDeparted,
        nationals.HouseholdSplit,
    ),
    nationals.BreakGlassOpened: _permission(
        Audience.CASEWORK_SUPERVISION, "case_id break_glass_id expires_at review_by", nationals.BreakGlassReviewed
    ),
    nationals.BreakGlassReviewOverdue: _permission(
        Audience.PROVINCE_OFFICE, "case_id break_glass_id review_by", nationals.BreakGlassReviewed
    ),
    nationals.RetentionReviewOverdue: _permission(
        Audience.CASEWORK_SUPERVISION, "case_id hold_id review_by", nationals.RetentionReleased
    ),
    complaints.ComplaintOverdue: _permission(
        Audience.COMPLAINTS_OFFICE,
        "complaint_id deadline due_at",
        complaints.ComplaintAcknowledged,
        complaints.ComplaintAnswered,
        conditions="deadline",
    ),
}

PROMISED: Final[Sequence[type[Event]]] = (*PERMITTED, AlertUndelivered, OperationsTroubleFound)
"""What every set of rules in force tells, in each county and whatever the event's values, and not in a digest alone."""


def check_restricted(rule: Rule, place: Place, faults: Faults) -> None:
    """Add a fault for everything that a rule about a case or a complaint may not do."""
    if not rule.is_restricted:
        return
    event_type = rule.source.event_type
    name = event_type.type_name()
    permitted = PERMITTED.get(event_type)
    if permitted is None:
        faults.add((*place, "event"), texts.NOT_FOR_RULES, name=name)
        return
    if rule.audience not in permitted.audiences:
        allowed = ", ".join(sorted(permitted.audiences))
        faults.add((*place, "audience"), texts.AUDIENCE_CLOSED, name=name, allowed=allowed)
    _check_fields(rule, permitted, place, faults)
    _check_conditions(rule.source, permitted, place, faults)
    for at, resolver in enumerate(rule.resolvers):
        answer: Place = (*place, "resolved_by", at)
        if resolver.event_type not in permitted.answers:
            faults.add((*answer, "event"), texts.RESOLVER_CLOSED, name=resolver.event_type.type_name(), event=name)
        _check_conditions(resolver, permitted, answer, faults)
    for part, is_so in (("group", rule.group_wait_s is not None), ("digest", rule.digest)):
        if is_so:
            faults.add((*place, part), texts.RESTRICTED_ALONE)


def _check_fields(rule: Rule, permitted: Permission, place: Place, faults: Faults) -> None:
    name = rule.source.event_type.type_name()
    for part, fields in (("subject", rule.source.subject_fields), ("show", rule.show)):
        for at, field in enumerate(fields):
            if field not in permitted.fields:
                faults.add((*place, part, at), texts.FIELD_CLOSED, event=name, name=field)


def _check_conditions(matcher: Matcher, permitted: Permission, place: Place, faults: Faults) -> None:
    for part, conditions in (("when", matcher.when), ("unless", matcher.unless)):
        for field in conditions:
            if field not in permitted.conditions:
                faults.add((*place, part, field), texts.CONDITION_CLOSED, name=field)


def check_promises(rules: Sequence[Rule], faults: Faults) -> None:
    """Add a fault for every promised event that the rules would leave untold somewhere."""
    own = {rule.kind for rule in rules if rule.source.event_type is AlertUndelivered}
    for event_type in PROMISED:
        telling = [rule for rule in rules if rule.source.event_type is event_type and _is_whole(rule, own)]
        if not all(any(_takes(rule.source, values) for rule in telling) for values in _combinations(telling)):
            faults.add(("rules",), texts.PROMISE_UNKEPT, name=event_type.type_name())


def is_promised(rule: Rule) -> bool:
    """Whether the rule tells what every set of rules must tell."""
    return rule.source.event_type in PROMISED


def check_policies(rules: Sequence[Rule], policies: Mapping[str, EscalationPolicy], faults: Faults) -> None:
    """Add a fault for every rule whose promise its escalation policy would keep by the inbox alone."""
    for index, rule in enumerate(rules):
        policy = policies.get(rule.policy)
        if policy is not None and is_promised(rule) and policy.inbox_alone_at is not None:
            name, step = rule.source.event_type.type_name(), policy.inbox_alone_at
            faults.add(("rules", index, "policy"), texts.INBOX_ALONE, event=name, policy=rule.policy, step=step)


def _is_whole(rule: Rule, own: set[str]) -> bool:
    """Every county, and no conditions but on fields whose values can be counted. Its own alerts it must leave out; of a
    trouble of the platform whoever operates it must be told."""
    source = rule.source
    event_type = source.event_type
    if rule.digest or (event_type is OperationsTroubleFound and rule.audience is not Audience.OPS_OFFICE):
        return False
    fields = {*source.when, *source.unless}
    if event_type is AlertUndelivered:
        return not rule.counties and fields <= {"alert_kind"} and set(source.unless.get("alert_kind", ())) <= own
    return not rule.counties and all(every_value(event_type, field) is not None for field in fields)


def _combinations(rules: Sequence[Rule]) -> Iterator[dict[str, object]]:
    """Every combination of values of the fields that the rules have conditions on; one empty one without any."""
    names = sorted({name for rule in rules for name in (*rule.source.when, *rule.source.unless)})
    domains = [every_value(rules[0].source.event_type, name) or ("",) for name in names]
    for values in itertools.product(*domains):
        yield dict(zip(names, values, strict=True))


def _takes(matcher: Matcher, values: Mapping[str, object]) -> bool:
    return all(values[name] in known for name, known in matcher.when.items()) and not any(
        values[name] in known for name, known in matcher.unless.items()
    )
