"""A document that cannot be meant is refused with its line, in both languages; the limits of the text hold."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.rule_documents import DEPTH_MAX, DOCUMENT_CHARACTERS_MAX, NODES_MAX
from services.notifications.domain.rule_faults import FAULTS_MAX, RulesError
from services.notifications.domain.rule_reading import read_rules
from shared.contracts.notifications import AlertSeverity
from tests.support.routing_rules import DOCUMENT


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(RulesError) as refused:
        read_rules(text, "rules.yaml")
    for fault in refused.value.faults:
        assert fault.text_fa
        assert fault.text_fa != fault.text_en
        assert f"rules.yaml:{fault.line}: {fault.place}: {fault.text_en}" in str(refused.value)
    return [(fault.line, fault.text_en) for fault in refused.value.faults]


def changed(old: str, new: str, count: int = 1) -> str:
    assert old in DOCUMENT
    return DOCUMENT.replace(old, new, count)


def test_grouping_digest_and_inhibition_are_read() -> None:
    book = read_rules(DOCUMENT, "rules.yaml")
    assert [(rule.group_wait_s, rule.digest) for rule in book.rules] == [(None, False), (60, False), (None, True)]
    [inhibition] = book.inhibitions
    assert inhibition.targets("overdue", AlertSeverity.WARNING)
    assert not inhibition.targets("overdue", AlertSeverity.CRITICAL)
    assert not inhibition.targets("stock", AlertSeverity.INFO)
    assert inhibition.likeness({"warehouse_id": "a", "severity": "major"}) == ("a",)
    assert inhibition.likeness({"severity": "major"}) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("counties: [rey, pardis]", "counties: []", 16, "leave it out for all counties"),
        ("counties: [rey, pardis]", "when: {county: [rey]}\n    counties: [pardis]", 17, "none of its counties"),
        ("counties: [rey, pardis]", "unless: {county: [rey]}\n    counties: [rey]", 17, "none of its counties"),
        ("counties: [rey, pardis]", "when: {severity: []}", 16, "no value is given"),
        (
            "counties: [rey, pardis]",
            "when: {severity: [major]}\n    unless: {severity: [major, minor]}",
            17,
            "matches nothing",
        ),
        ("counties: [rey, pardis]", "unless: {severity: [minor, major, critical]}", 16, "matches nothing"),
        (
            "{event: warehouse.CorrectiveActionResolved.v1, subject: [action_id]}",
            "{event: warehouse.CorrectiveActionResolved.v1, unless: {was_overdue: [true, false]}, subject: [action_id]}",
            24,
            "matches nothing",
        ),
        (
            "{event: warehouse.CorrectiveActionResolved.v1, subject: [action_id]}",
            "{event: warehouse.CorrectiveActionResolved.v1, subject: [action_id, county]}",
            24,
            "finds no alert",
        ),
        (
            "{event: warehouse.CorrectiveActionResolved.v1, subject: [action_id]}",
            "{event: nationals.WorkPermitExpired.v1, subject: [permit_id]}",
            24,
            "another owner",
        ),
        ("    severity: warning\n", "    severity: critical\n", 20, "never grouped"),
        ("    severity: info\n", "    severity: warning\n", 30, "of severity info"),
        ("    digest: true\n", "    digest: true\n    group: {wait_s: 5}\n", 31, "nothing to group"),
        (
            "    digest: true\n",
            "    digest: true\n    audience: legal_office\n",
            30,
            "only province_office, working_group have",
        ),
        ("group: {wait_s: 60}", "group: {wait_s: 3601}", 20, "less than or equal to 3600"),
        ("source: hold", "source: strike", 34, "no rule raises the kind 'strike'"),
        ("source: hold", "source: stock", 34, "no event resolves alerts of the rule 'stock'"),
        ("targets: [overdue]", "targets: [overdue, strike]", 35, "no rule's alerts are so"),
        ("targets: [overdue]", "targets: [hold]", 35, "no rule's alerts are so"),
        ("    targets: [overdue]\n", "", 34, "name targets or severities"),
        ("targets: [overdue]", "severities: [warning, critical]", 35, "never held back"),
        ("equal: [warehouse_id]", "equal: [severity]", 36, "'hold' does not show 'severity'"),
        ("equal: [warehouse_id]", "equal: [ground]", 36, "'overdue' does not show 'ground'"),
        ("equal: [warehouse_id]", "equal: []", 36, "at least 1 item"),
        ("  - id: overdue\n", "  - id: overdue\n    id: late\n", 14, "the key 'id' stands twice"),
        ("targets: [overdue]", "targets: &t [overdue]\n    severities: *t", 36, "an alias (*t)"),
        ("group: {wait_s: 60}", "group: {wait_s: !!bool maybe}", 20, "a tag (tag:yaml.org,2002:bool)"),
        ("group: {wait_s: 60}", "group: {wait_s: !!timestamp soon}", 20, "a tag (tag:yaml.org,2002:timestamp)"),
        ("group: {wait_s: 60}", 'group: {wait_s: !!int ""}', 20, "a tag (tag:yaml.org,2002:int)"),
        ("group: {wait_s: 60}", "group: !!set {wait_s}", 20, "a tag (tag:yaml.org,2002:set)"),
        ("group: {wait_s: 60}", "group: {wait_s: 1" + ":59" * 300 + ".5}", 1, "not YAML"),
        ("policies:\n", "version: 3\npolicies:\n", 2, "not permitted"),
        ("targets: [overdue]", "targets: [overdue", 36, "not YAML"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(old: str, new: str, line: int, says: str) -> None:
    found = faults_of(changed(old, new))
    assert any(at == line and says in told for at, told in found), found


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("group: {wait_s: 60}", "group: {wait_s: soon}", "rules.1.group.wait_s", "باید عدد صحیح باشد"),
        ("severity: warning", "severity: warnin", "rules.1.severity", "'info', 'warning' یا 'critical'"),
        ("counties: [rey, pardis]", "when: {severity: [grave]}", "rules.1.when.severity", "هرگز درست نیست: باید یکی"),
        ("60}]", "-1}]", "policies.standard.steps.0.wait_s", "باید دست‌کم 1 باشد"),
    ],
)
def test_a_wrong_value_is_told_once_and_in_persian(old: str, new: str, place: str, says: str) -> None:
    with pytest.raises(RulesError) as refused:
        read_rules(changed(old, new), "rules.yaml")
    [fault] = [fault for fault in refused.value.faults if place.startswith(fault.place)]
    assert fault.place == place
    assert says in fault.text_fa
    assert not re.search("input|should|valid", fault.text_fa, re.IGNORECASE)


def test_inhibitions_may_not_go_in_a_circle() -> None:
    other = "  - {source: overdue, targets: [late], equal: [warehouse_id]}\n"
    late = DOCUMENT[DOCUMENT.index("  - id: overdue") : DOCUMENT.index("  - id: stock")]
    late = late.replace("id: overdue", "id: late").replace("kind: overdue", "kind: late")
    text = changed("inhibitions:\n", late + "inhibitions:\n") + other
    read_rules(text, "rules.yaml")
    back = "  - {source: late, targets: [overdue], equal: [warehouse_id]}\n"
    [(_, told)] = faults_of(text + back)
    assert "in a circle" in told
    itself = "  - {source: overdue, severities: [warning], equal: [warehouse_id]}\n"
    assert any("in a circle: overdue > overdue" in told for _, told in faults_of(DOCUMENT + itself))


def test_a_text_that_is_too_long_too_deep_or_too_much_is_refused_before_it_is_read() -> None:
    [(line, told)] = faults_of("#" * (DOCUMENT_CHARACTERS_MAX + 1))
    assert (line, f"{DOCUMENT_CHARACTERS_MAX} characters" in told) == (1, True)
    [(_, told)] = faults_of("[" * 50_000)
    assert f"{DEPTH_MAX} levels" in told
    [(_, told)] = faults_of("rules: [" + "{}," * NODES_MAX + "]")
    assert f"{NODES_MAX} values" in told


def test_a_document_with_very_many_faults_names_so_many_and_no_more() -> None:
    rule = "- {id: r, event: warehouse.Unknown.v1, kind: k, severity: info, policy: missing, subject: [a]}\n"
    assert len(faults_of("policies: {}\nrules:\n" + rule * 500)) == FAULTS_MAX


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused_with_lines_inside_it(text: str) -> None:
    with pytest.raises(RulesError) as refused:
        read_rules(text, "rules.yaml")
    lines = len(text.splitlines()) + 1
    assert all(1 <= fault.line <= lines for fault in refused.value.faults)


@given(
    st.integers(0, len(DOCUMENT) - 1),
    st.integers(0, 30),
    st.sampled_from(["", " ", "\n", "-", ":", "{", "]", "*a", "&a", "!!python/name:os.system", "null", "9" * 5000]),
)
def test_a_document_with_a_slip_is_read_or_refused_but_never_fails(at: int, length: int, put: str) -> None:
    text = DOCUMENT[:at] + put + DOCUMENT[at + length :]
    with contextlib.suppress(RulesError):
        assert read_rules(text, "rules.yaml").rules
