"""Routing rules: what ships is sound, what cannot be meant is refused with its line, and matching does what it says."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.rule_faults import RulesError
from services.notifications.domain.rule_reading import read_rules
from services.notifications.domain.rules import Audience, Rule
from services.notifications.routing_rules import RULES, RULES_FILE
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.free_services import (
    PartnerReportLate,
    PartnerReportReceived,
    SupportKind,
    SupportRequestChanged,
    SupportRequestUnanswered,
    SupportState,
)
from shared.contracts.nationals import CentreCapacityThresholdCrossed, PhaseTwoReviewRequested, PlaceKind
from shared.contracts.notifications import AlertSeverity, AlertUndelivered
from shared.contracts.warehouse import (
    CorrectiveActionExtended,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionReopened,
    CorrectiveActionResolved,
    EssentialStockLow,
    EssentialStockRecovered,
    HoldGround,
    Severity,
    WarehousePutOnHold,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SHIPPED = RULES_FILE.read_text(encoding="utf-8")
DAY_S = 24 * 3600


def test_an_acknowledgement_that_leads_to_nothing_ends_by_every_policy_that_ships() -> None:
    lasts_s = {name: policy.acknowledged_for_s for name, policy in RULES.policies.items()}
    assert lasts_s == {"standard": 5 * DAY_S, "urgent": DAY_S, "office": 7 * DAY_S}


SMALL = """
# One rule for one county.
policies:
  standard: {steps: [{position: 0, wait_s: 60}]}
rules:
  - id: overdue
    event: warehouse.CorrectiveActionOverdue.v1
    counties: [rey]
    kind: overdue
    severity: warning
    policy: standard
    subject: [action_id]
"""


def overdue(severity: Severity, county: County = County.REY) -> CorrectiveActionOverdue:
    return CorrectiveActionOverdue(
        action_id=uuid4(), warehouse_id=uuid4(), county=county, severity=severity, due_at=NOW
    )


def raised_by(event: Event) -> list[Rule]:
    return [rule for rule in RULES.rules if rule.raises(event)]


@pytest.mark.parametrize(
    ("severity", "rule_id", "alert_severity"),
    [
        (Severity.MINOR, "corrective_action_overdue", AlertSeverity.WARNING),
        (Severity.MAJOR, "corrective_action_overdue", AlertSeverity.WARNING),
        (Severity.CRITICAL, "critical_corrective_action_overdue", AlertSeverity.CRITICAL),
    ],
)
def test_an_overdue_action_raises_exactly_one_alert(
    severity: Severity, rule_id: str, alert_severity: AlertSeverity
) -> None:
    [rule] = raised_by(overdue(severity))
    assert (rule.rule_id, rule.severity, rule.kind) == (rule_id, alert_severity, "corrective_action_overdue")


def test_late_report_is_told_to_the_province_and_settled_by_the_report_of_the_same_period() -> None:
    late = PartnerReportLate(
        partner_id=uuid4(), agreement_id=uuid4(), county=County.REY, period="1405-07", due_on=date(2026, 11, 1)
    )
    [rule] = raised_by(late)
    assert (rule.kind, rule.audience) == ("partner_report_late", Audience.PROVINCE_OFFICE)
    [resolver] = rule.resolvers
    for period, settles in (("1405-07", True), ("1405-08", False)):
        came = PartnerReportReceived(
            partner_id=late.partner_id,
            agreement_id=late.agreement_id,
            county=County.REY,
            period=period,
            report_version=1,
        )
        assert resolver.matches(came)
        assert (resolver.subject_of(came) == rule.source.subject_of(late)) is settles


def test_unanswered_request_is_settled_by_any_step_but_the_request_itself() -> None:
    known = {
        "request_id": uuid4(),
        "partner_id": uuid4(),
        "county": County.REY,
        "support": SupportKind.SPACE,
        "needed_by": date(2026, 12, 1),
    }
    [rule] = raised_by(SupportRequestUnanswered.model_validate(known))
    [resolver] = rule.resolvers
    settling = {
        state
        for state in SupportState
        if resolver.matches(SupportRequestChanged.model_validate({**known, "state": state}))
    }
    assert settling == set(SupportState) - {SupportState.REQUESTED}


def test_an_opened_action_alerts_only_when_it_is_critical() -> None:
    def opened(severity: Severity) -> Event:
        fields = CorrectiveActionOpened.model_fields
        values: Mapping[str, object] = {
            "action_id": uuid4(),
            "warehouse_id": uuid4(),
            "inspection_id": uuid4(),
            "county": County.REY,
            "item": "fire_safety",
            "severity": severity,
            "due_at": NOW,
        }
        return CorrectiveActionOpened.model_validate({name: values[name] for name in fields})

    assert [rule.kind for rule in raised_by(opened(Severity.CRITICAL))] == ["corrective_action_opened"]
    assert raised_by(opened(Severity.MAJOR)) == []


@pytest.mark.parametrize(
    ("severity", "rule_id"),
    [
        (Severity.MINOR, "corrective_action_reopened"),
        (Severity.CRITICAL, "critical_corrective_action_reopened"),
    ],
)
def test_a_reopened_action_is_told_and_resolved_with_the_action(severity: Severity, rule_id: str) -> None:
    reopened = CorrectiveActionReopened(
        action_id=uuid4(), warehouse_id=uuid4(), county=County.REY, severity=severity, due_at=NOW
    )
    [rule] = raised_by(reopened)
    assert (rule.rule_id, rule.kind) == (rule_id, "corrective_action_reopened")
    assert [resolver.event_type for resolver in rule.resolvers] == [CorrectiveActionResolved]


@pytest.mark.parametrize("severity", [Severity.MINOR, Severity.CRITICAL])
def test_more_time_resolves_the_overdue_alert_and_raises_none(severity: Severity) -> None:
    def extended(action_id: UUID, *, was_overdue: bool) -> CorrectiveActionExtended:
        return CorrectiveActionExtended(
            action_id=action_id,
            warehouse_id=uuid4(),
            county=County.REY,
            severity=severity,
            due_at=NOW,
            was_overdue=was_overdue,
        )

    late = overdue(severity)
    [rule] = raised_by(late)
    more = extended(late.action_id, was_overdue=True)
    assert raised_by(more) == []
    [resolver] = [resolver for resolver in rule.resolvers if resolver.matches(more)]
    assert resolver.subject_of(more) == rule.source.subject_of(late)
    assert not any(resolver.matches(extended(late.action_id, was_overdue=False)) for resolver in rule.resolvers)


def test_a_low_stock_is_told_to_the_working_group_and_resolved_when_it_recovers() -> None:
    figures = {"stock_id": "rey:rice", "county": County.REY, "commodity": "rice", "stock_tonnes": 5, "cover_days": 2}
    low = EssentialStockLow.model_validate(figures | {"low_below_days": 3})
    recovered = EssentialStockRecovered.model_validate(figures | {"recovered_above_days": 5})
    [rule] = raised_by(low)
    assert (rule.audience, rule.kind) == (Audience.WORKING_GROUP, "essential_stock_low")
    assert raised_by(recovered) == []
    [resolver] = rule.resolvers
    assert resolver.matches(recovered)
    assert resolver.subject_of(recovered) == rule.source.subject_of(low) == "rey:rice"


def test_a_hold_is_critical_and_found_again_by_its_id() -> None:
    hold = WarehousePutOnHold(
        hold_id=uuid4(),
        warehouse_id=uuid4(),
        county=County.REY,
        ground=HoldGround.BIOLOGICAL_HAZARD,
        referred_to="health_authority",
    )
    [rule] = raised_by(hold)
    assert rule.severity is AlertSeverity.CRITICAL
    assert rule.source.subject_of(hold) == str(hold.hold_id)


@pytest.mark.parametrize(("percent", "severity"), [(80, "warning"), (95, "warning"), (100, "critical")])
def test_a_threshold_alerts_when_rising_and_is_resolved_when_falling(percent: int, severity: str) -> None:
    def crossed(*, rising: bool, at_percent: int = percent) -> CentreCapacityThresholdCrossed:
        return CentreCapacityThresholdCrossed(
            centre_id=UUID(int=1),
            county=County.REY,
            place_kind=PlaceKind.FAMILY,
            threshold_percent=at_percent,
            rising=rising,
        )

    [rule] = raised_by(crossed(rising=True))
    assert rule.severity == severity
    assert raised_by(crossed(rising=False)) == []
    [resolver] = [matcher for matcher in rule.resolvers if matcher.matches(crossed(rising=False))]
    assert resolver.subject_of(crossed(rising=False)) == rule.source.subject_of(crossed(rising=True))
    assert not resolver.matches(crossed(rising=True))


def test_a_review_request_goes_to_the_legal_office_and_shows_nothing_of_the_case_but_its_id() -> None:
    event = PhaseTwoReviewRequested(case_id=uuid4(), county=County.REY, voluntary_until=NOW)
    [rule] = raised_by(event)
    assert rule.audience is Audience.LEGAL_OFFICE
    assert rule.details_of(event) == {"case_id": str(event.case_id)}


def test_an_undelivered_alert_about_an_undelivered_alert_is_not_raised() -> None:
    def undelivered(kind: str) -> Event:
        return AlertUndelivered(
            alert_id=uuid4(), county=County.REY, delivery_id=uuid4(), channel="email", alert_kind=kind
        )

    assert [rule.kind for rule in raised_by(undelivered("discrepancy_found"))] == ["alert_undelivered"]
    assert raised_by(undelivered("alert_undelivered")) == []


def test_a_resolving_event_is_among_the_event_types() -> None:
    assert CorrectiveActionResolved in RULES.event_types
    assert len(RULES.event_types) == len(set(RULES.event_types))


def test_counties_narrow_a_rule() -> None:
    book = read_rules(SMALL, "small.yaml", version=3)
    [rule] = book.rules
    assert (book.version, book.text) == (3, SMALL)
    assert rule.raises(overdue(Severity.MINOR, County.REY))
    assert not rule.raises(overdue(Severity.MINOR, County.PARDIS))


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("warehouse.CorrectiveActionOverdue.v1", "warehouse.CorrectiveActionLate.v1", 7, "no event type"),
        ("warehouse.CorrectiveActionOverdue.v1", "warehouse.CorrectiveActionOverdue.v2", 7, "no event type"),
        ("warehouse.CorrectiveActionOverdue.v1", "notifications.AlertRaised.v1", 6, "only AlertUndelivered"),
        ("[action_id]", "[action]", 12, "has no field 'action'"),
        ("counties: [rey]", "counties: [ray]", 8, "counties"),
        ("counties: [rey]", "when: {colour: [red]}", 8, "has no field 'colour'"),
        ("counties: [rey]", "when: {severity: [grave]}", 8, "never true"),
        ("counties: [rey]", "show: [inspector]", 8, "has no field 'inspector'"),
        ("counties: [rey]", "resolved_by: [{event: warehouse.Undone.v1, subject: [action_id]}]", 8, "no event type"),
        ("policy: standard", "policy: swift", 11, "no policy 'swift'"),
        ("severity: warning", "severity: grave", 10, "rules.0.severity"),
        ("wait_s: 60", "wait_s: 0", 4, "wait_s"),
        ("kind: overdue", "kind: overdue\n    colour: red", 10, "colour"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_line(old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(RulesError) as refused:
        read_rules(SMALL.replace(old, new), "small.yaml")
    assert says in str(refused.value)
    assert f"small.yaml:{line}:" in str(refused.value)


def test_every_fault_is_told_at_once() -> None:
    broken = SHIPPED.replace("[stock_id]", "[stock]", 2).replace("policy: office", "policy: ofice", 1)
    with pytest.raises(RulesError) as refused:
        read_rules(broken, "rules.yaml")
    assert len(str(refused.value).splitlines()) == 3


def test_two_rules_with_one_id_are_refused() -> None:
    rule = SMALL[SMALL.index("  - id") :]
    with pytest.raises(RulesError, match="second rule"):
        read_rules(SMALL + rule, "small.yaml")


def test_rules_about_undelivered_alerts_may_not_take_turns() -> None:
    def rule(own: str, left_out: str) -> str:
        return f"""
  - id: {own}
    event: notifications.AlertUndelivered.v1
    unless: {{alert_kind: [{left_out}]}}
    kind: {own}
    severity: critical
    policy: standard
    subject: [delivery_id]
"""

    with pytest.raises(RulesError, match="its own alerts"):
        read_rules(SMALL + rule("first", "first") + rule("second", "second"), "small.yaml")
    read_rules(SMALL + rule("first", "first, second") + rule("second", "first, second"), "small.yaml")


@pytest.mark.parametrize("text", ["", "- 1", "version: [", "{}"])
def test_what_is_no_rules_file_is_refused(text: str) -> None:
    with pytest.raises(RulesError):
        read_rules(text, "rules.yaml")
