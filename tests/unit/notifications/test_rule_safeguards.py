"""What no saved rules may do about cases and complaints, and what they must tell, whoever saves them."""

import re

import pytest

from services.notifications.domain.rule_faults import RulesError
from services.notifications.domain.rule_reading import read_complete_rules, read_rules
from services.notifications.domain.rule_safeguards import PERMITTED, PROMISED
from services.notifications.domain.rules import RULEABLE_EVENT_TYPES
from services.notifications.letters.letter_needs import letter_needs
from services.notifications.routing_rules import RULES
from shared.contracts.base import Event
from shared.contracts.notifications import AlertRaised, AlertUndelivered, OperationsTroubleFound

CASE_RULE = """
policies:
  office: {steps: [{position: 0, wait_s: 60}]}
rules:
  - id: opened
    event: nationals.BreakGlassOpened.v1
    kind: break_glass_opened
    severity: info
    policy: office
    audience: casework_supervision
    subject: [break_glass_id]
    show: [case_id]
    resolved_by:
      - {event: nationals.BreakGlassReviewed.v1, subject: [break_glass_id]}
"""
COMPLAINT_RULES = re.compile(r"  - id: complaint_answer_overdue\n.*?\n\n", re.DOTALL)


def refusal(text: str) -> str:
    with pytest.raises(RulesError) as refused:
        read_complete_rules(text, "rules.yaml")
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("audience: casework_supervision", "audience: ops_office", "is told only to casework_supervision"),
        ("    audience: casework_supervision\n", "", "is told only to casework_supervision"),
        ("event: nationals.BreakGlassOpened.v1", "event: nationals.HouseholdDeparted.v1", "raises no alert"),
        ("event: nationals.BreakGlassOpened.v1", "event: nationals.ReturnCaseOpened.v1", "raises no alert"),
        ("event: nationals.BreakGlassOpened.v1", "event: nationals.ComplaintReceived.v1", "raises no alert"),
        ("show: [case_id]", "show: [county]", "may not use 'county'"),
        ("subject: [break_glass_id]\n    show", "subject: [county]\n    show", "may not use 'county'"),
        (
            "    severity: info",
            "    when: {case_id: [00000000-0000-0000-0000-000000000001]}\n    severity: info",
            "no condition on 'case_id'",
        ),
        ("    severity: info", "    unless: {county: [rey]}\n    severity: info", "no condition on 'county'"),
        ("nationals.BreakGlassReviewed.v1", "nationals.RetentionReleased.v1", "does not answer"),
        ("    severity: info", "    severity: info\n    digest: true", "at once and by itself"),
        ("    severity: info", "    severity: info\n    group: {wait_s: 60}", "at once and by itself"),
    ],
)
def test_a_rule_about_a_case_tells_no_more_than_the_work_needs(old: str, new: str, says: str) -> None:
    read_rules(CASE_RULE, "rules.yaml")
    assert old in CASE_RULE
    with pytest.raises(RulesError) as refused:
        read_rules(CASE_RULE.replace(old, new, 1), "rules.yaml")
    assert says in str(refused.value)


def test_alerts_about_cases_and_complaints_are_never_held_back() -> None:
    sources = "  - {source: warehouse_put_on_hold, severities: [info, warning], equal: [warehouse_id]}\n"
    assert "at once and by itself" in refusal(RULES.text + sources)


@pytest.mark.parametrize("event_type", PROMISED)
def test_what_safeguards_promise_is_told_in_every_county_whatever_the_rules_say(event_type: type[Event]) -> None:
    name = event_type.type_name()
    promise = f"{name} must be told in every county"
    elsewhere = RULES.text.replace(f"event: {name}\n", f"event: {name}\n    counties: [rey]\n")
    assert promise in refusal(elsewhere)
    rules = re.split(r"(?=^  - id: )", RULES.text, flags=re.MULTILINE)
    without = "".join(rule for rule in rules if f"    event: {name}\n" not in rule)
    assert promise in refusal(without)


def test_a_promise_holds_for_every_value_of_the_event() -> None:
    text, number = COMPLAINT_RULES.subn("", RULES.text)
    assert number == 1
    assert "nationals.ComplaintOverdue.v1 must be told" in refusal(text)
    muted = RULES.text.replace(
        "unless: {alert_kind: [alert_undelivered]}", "unless: {alert_kind: [discrepancy_found, alert_undelivered]}"
    )
    assert "notifications.AlertUndelivered.v1 must be told" in refusal(muted)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    when: {trouble: [template_failed]}\n", "    when: {trouble: [template_failed], severity: [critical]}\n"),
        ("    when: {trouble: [ops_alert]}\n", "    when: {trouble: [chain_late]}\n"),
        (
            "    kind: channel_circuit_open\n    severity: warning\n    policy: office\n    audience: ops_office\n",
            "    kind: channel_circuit_open\n    severity: warning\n    policy: office\n    audience: province_office\n",
        ),
    ],
)
def test_every_trouble_of_every_severity_is_told_to_the_operations_office(old: str, new: str) -> None:
    assert RULES.text.count(old) == 1
    said = refusal(RULES.text.replace(old, new))
    assert "notifications.OperationsTroubleFound.v1 must be told" in said


def test_what_is_promised_is_not_left_to_a_digest() -> None:
    old = "    severity: critical\n    policy: urgent\n    audience: province_office\n    subject: [delivery_id]\n"
    assert RULES.text.count(old) == 1
    new = old.replace("critical", "info") + "    digest: true\n"
    assert "notifications.AlertUndelivered.v1 must be told" in refusal(RULES.text.replace(old, new))


def test_every_permission_is_for_a_restricted_event_and_its_own_fields() -> None:
    for event_type, permitted in PERMITTED.items():
        assert event_type.data_classification == "restricted"
        assert permitted.conditions <= permitted.fields <= event_type.model_fields.keys()
        assert all(answer.__module__ == event_type.__module__ for answer in permitted.answers)


def test_what_ships_is_complete_with_its_letters() -> None:
    assert read_complete_rules(RULES.text, "rules.yaml", letters=letter_needs()).rules == RULES.rules
    needs = {**letter_needs(), "discrepancy_found": frozenset({"inspector"})}
    del needs["appeal_lodged"]
    with pytest.raises(RulesError) as refused:
        read_complete_rules(RULES.text, "rules.yaml", letters=needs)
    assert [fault.text_en for fault in refused.value.faults] == [
        "the letter of 'discrepancy_found' needs 'inspector': show it",
        "there is no letter for the kind 'appeal_lodged'",
    ]


def test_every_event_that_a_rule_may_name_is_listened_to() -> None:
    assert set(RULES.event_types) <= set(RULEABLE_EVENT_TYPES)
    assert {AlertUndelivered, OperationsTroubleFound} <= set(RULEABLE_EVENT_TYPES)
    assert AlertRaised not in RULEABLE_EVENT_TYPES
