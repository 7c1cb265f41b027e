"""What a batch of events means, without a database: any order and any cut into batches gives the same end."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.decision import Incoming, Known, NewAlert, OpenAlert, match, place, settle
from services.notifications.domain.escalation import AlertState, StreamPlace
from services.notifications.domain.grouping import GroupKey, Joined, Lead, group_wait_s, in_digest_alone, successors
from services.notifications.domain.holding import HoldReason, Holds, Inhibitor, Silence
from services.notifications.domain.rule_reading import read_rules
from services.notifications.domain.rules import Audience
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity
from shared.contracts.warehouse import CorrectiveActionOverdue, CorrectiveActionResolved, Severity
from tests.support.routing_rules import DOCUMENT

BOOK = read_rules(DOCUMENT, "test")
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SITE = UUID(int=7)


def incoming(event: Event, sequence: int) -> Incoming:
    at = NOW + timedelta(seconds=sequence)
    return Incoming(event, uuid4(), at, StreamPlace(event.aggregate_id, sequence, at.timestamp()), "c", None)


def overdue(action: int, sequence: int = 1, county: County = County.REY) -> Incoming:
    event = CorrectiveActionOverdue(
        action_id=UUID(int=action), warehouse_id=SITE, county=county, severity=Severity.MAJOR, due_at=NOW
    )
    return incoming(event, sequence)


def resolved(action: int, sequence: int = 2) -> Incoming:
    event = CorrectiveActionResolved(action_id=UUID(int=action), warehouse_id=SITE, county=County.REY, was_overdue=True)
    return incoming(event, sequence)


def ids() -> Iterator[UUID]:
    return (UUID(int=number) for number in itertools.count(1000))


class Rows:
    """What the database would hold after each batch."""

    def __init__(self) -> None:
        self.known = Known({}, set(), {})
        self.alerts: dict[UUID, NewAlert] = {}
        self.ended: set[UUID] = set()
        self._ids = ids()

    def take(self, batch: Sequence[Incoming]) -> None:
        unresolved: dict[tuple[str, str], list[OpenAlert]] = {}
        for alert in self.alerts.values():
            if alert.alert_id not in self.ended:
                unresolved.setdefault((alert.rule_id, alert.subject_id), []).append(
                    OpenAlert(
                        alert.alert_id,
                        alert.county,
                        alert.rule_id,
                        alert.subject_id,
                        AlertState.OPEN,
                        0,
                        alert.source.place,
                    )
                )
        settled = settle(match(BOOK, batch), replace(self.known, unresolved=unresolved), self._ids)
        self.ended |= {alert.alert_id for alert, _ in settled.ended}
        for alert in settled.opened:
            self.alerts[alert.alert_id] = alert
            if alert.resolved_by is not None:
                self.ended.add(alert.alert_id)

    @property
    def states(self) -> dict[UUID, bool]:
        return {alert.source.event_id: alert.alert_id in self.ended for alert in self.alerts.values()}


@given(st.data())
def test_any_order_and_any_batches_give_the_same_end(data: st.DataObject) -> None:
    events = [
        make(action, sequence)
        for action in (1, 2)
        for sequence, make in enumerate((overdue, resolved, overdue, resolved), 1)
    ][: data.draw(st.integers(1, 8))]
    expected = Rows()
    expected.take(events)
    shuffled = data.draw(st.permutations(events))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(events)), max_size=4)))
    rows = Rows()
    for start, end in itertools.pairwise([0, *cuts, len(events)]):
        rows.take(shuffled[start:end])
    rows.take(shuffled)
    assert rows.states == expected.states


def test_an_event_is_answered_once_however_often_it_is_in_the_batch() -> None:
    event = overdue(1)
    rows = Rows()
    rows.take([event, event])
    rows.take([event])
    assert len(rows.alerts) == 1


def opened(*sources: Incoming) -> list[NewAlert]:
    return settle(match(BOOK, sources), Known({}, set(), {}), ids()).opened


def no_holds() -> Holds:
    return Holds((), (), (), NOW)


def test_the_first_of_a_rule_and_county_leads_and_the_others_join_it() -> None:
    alerts = opened(overdue(1), overdue(2), overdue(3, county=County.PARDIS), overdue(4))
    owing = place(alerts, no_holds(), {})
    first, second, elsewhere, last = alerts
    assert [alert.lead_alert_id for alert in alerts] == [None, first.alert_id, None, first.alert_id]
    assert [alert.letter_due for alert in alerts] == [True, False, True, False]
    assert not any(alert.starts for alert in (first, second, elsewhere, last))
    assert owing == []


@pytest.mark.parametrize("letter_due", [True, False])
def test_a_lead_that_was_told_owes_one_more_letter_to_all_who_join(letter_due: bool) -> None:
    lead = Lead(UUID(int=1), Audience.WORKING_GROUP, 60, letter_due)
    leads: dict[GroupKey, Lead] = {("overdue", County.REY): lead}
    alerts = opened(overdue(1), overdue(2))
    assert place(alerts, no_holds(), leads) == ([] if letter_due else [lead])
    assert {alert.lead_alert_id for alert in alerts} == {lead.alert_id}


def test_a_lead_for_other_people_is_not_joined() -> None:
    lead = Lead(UUID(int=1), Audience.LEGAL_OFFICE, 60, letter_due=True)
    alerts = opened(overdue(1))
    place(alerts, no_holds(), {("overdue", County.REY): lead})
    assert alerts[0].lead_alert_id is None


def test_critical_rules_neither_group_nor_wait_for_the_digest_whatever_they_say() -> None:
    rule = next(rule for rule in BOOK.rules if rule.group_wait_s is not None)
    critical = replace(rule, severity=AlertSeverity.CRITICAL, digest=True)
    assert group_wait_s(critical) is None
    assert not in_digest_alone(critical)
    assert not in_digest_alone(replace(rule, digest=True)), "only information is told in the digest alone"


def inhibitor(site: UUID = SITE, county: County = County.REY) -> Inhibitor:
    return Inhibitor(UUID(int=5), county, "hold", {"warehouse_id": str(site)})


@pytest.mark.parametrize(
    ("holder", "held"),
    [(inhibitor(), True), (inhibitor(UUID(int=8)), False), (inhibitor(county=County.PARDIS), False)],
)
def test_a_greater_alert_with_equal_fields_of_the_county_holds_back(holder: Inhibitor, held: bool) -> None:
    [alert] = opened(overdue(1))
    place([alert], Holds(BOOK.inhibitions, (), [holder], NOW), {})
    assert (alert.held_back is not None) == held
    assert alert.letter_due != held, "what is held back opens no group"


def silence(**matchers: object) -> Silence:
    values = {
        "silence_id": UUID(int=9),
        "audiences": frozenset({Audience.WORKING_GROUP}),
        "county": None,
        "kind": None,
        "rule_id": None,
        "subject_id": None,
        "ends_at": NOW + timedelta(hours=8),
        "critical_until": NOW + timedelta(hours=4),
    }
    return Silence(**(values | matchers))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("matchers", "held"),
    [
        ({}, True),
        ({"kind": "overdue", "county": County.REY, "rule_id": "overdue", "subject_id": str(UUID(int=1))}, True),
        ({"county": County.PARDIS}, False),
        ({"kind": "hold"}, False),
        ({"rule_id": "hold"}, False),
        ({"subject_id": "another"}, False),
        ({"audiences": frozenset({Audience.LEGAL_OFFICE})}, False),
        ({"ends_at": NOW}, False),
    ],
)
def test_a_silence_holds_what_every_one_of_its_matchers_fits(matchers: dict[str, object], held: bool) -> None:
    [alert] = opened(overdue(1))
    found = Holds((), [silence(**matchers)], (), NOW).on(alert)
    assert (found is not None and found.reason is HoldReason.SILENCED) == held


def test_a_critical_alert_is_silenced_only_until_its_limit_and_a_case_never() -> None:
    [alert] = opened(overdue(1))
    alert.severity = AlertSeverity.CRITICAL
    held = silence()
    assert Holds((), [held], (), held.critical_until - timedelta(seconds=1)).on(alert) is not None
    assert Holds((), [held], (), held.critical_until).on(alert) is None
    alert.restricted = True
    assert Holds((), [held], (), NOW).on(alert) is None


def joined(number: int, state: AlertState, lead_state: AlertState, at: datetime | None = None) -> Joined:
    return Joined(UUID(int=number), UUID(int=1), state, at, lead_state, NOW)


def test_the_oldest_that_shares_the_chain_leads_on() -> None:
    unanswered = [
        joined(4, AlertState.OPEN, AlertState.ESCALATED),
        joined(2, AlertState.ACKNOWLEDGED, AlertState.ESCALATED, NOW),
        joined(3, AlertState.OPEN, AlertState.ESCALATED),
    ]
    assert successors(unanswered) == {UUID(int=1): UUID(int=3)}
    acknowledged = [
        joined(2, AlertState.ACKNOWLEDGED, AlertState.ACKNOWLEDGED, NOW - timedelta(hours=1)),
        joined(3, AlertState.ACKNOWLEDGED, AlertState.ACKNOWLEDGED, NOW),
    ]
    assert successors(acknowledged) == {UUID(int=1): UUID(int=3)}
    assert successors([joined(2, AlertState.ACKNOWLEDGED, AlertState.OPEN, NOW)]) == {}
