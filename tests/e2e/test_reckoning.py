"""The reckoning itself is tested: a right day passes, and each planted fault is found and named."""

from dataclasses import replace
from decimal import Decimal

import pytest

from deploy.demo.fold import AlertKey, fold
from deploy.demo.ledger import Entry
from deploy.embedded.smtp_sink import ReceivedLetter
from tests.support.reckoned_days import (
    COUNTY,
    PERIODS,
    REGISTRY,
    Day,
    alert_of,
    entry,
    inspection,
    ledger_of,
)


def test_a_right_day_passes() -> None:
    result = Day().reckon()
    assert result.ok, (result.lost, result.doubled, result.left_over)


@pytest.mark.parametrize(
    ("counter", "change", "side"),
    [("verified_capacity_tonnes", "-0.001", "lost"), ("completed_inspections", "1", "doubled")],
)
def test_a_counter_that_is_off_is_named(counter: str, change: str, side: str) -> None:
    day = Day()
    day.figures.warehouse[COUNTY][counter] += Decimal(change)
    found: list[str] = getattr(day.reckon(), side)
    assert len(found) == 1
    assert f"{COUNTY} {counter}" in found[0]


def test_a_lost_and_a_doubled_alert_are_found() -> None:
    lost, doubled = Day(), Day()
    lost.alerts.clear()
    assert any("never raised" in line for line in lost.reckon().lost)
    doubled.alerts.append(alert_of("a2", "discrepancy_found", "d1", "escalated", 2))
    assert any("without a cause" in line for line in doubled.reckon().doubled)


def test_an_alert_that_stopped_escalating_is_left_over() -> None:
    day = Day()
    day.alerts[0] |= {"step": 1}
    assert any("last step: 1 instead of 2" in line for line in day.reckon().lost)


def test_a_lost_letter_a_second_letter_and_a_letter_sent_again() -> None:
    lost, doubled, again = Day(), Day(), Day()
    lost.letters.pop()
    assert any("never arrived" in line for line in lost.reckon().lost)
    extra = doubled.letters[0]
    doubled.letters.append(
        ReceivedLetter("other", "<other>", extra.recipient, "", "fa", extra.alert_id, "", extra.step, "", None)
    )
    assert any("nobody owed" in line for line in doubled.reckon().doubled)
    again.letters.append(again.letters[0])
    result = again.reckon()
    assert result.ok
    assert result.letters_resent == 1


def test_an_unforeseen_refusal_is_left_over() -> None:
    day = Day()
    day.ledger.append(entry("hold.lift", {}, {}, refusal_code="kit.role_not_allowed"))
    assert any("kit.role_not_allowed" in line for line in day.reckon().left_over)


def test_an_action_answers_for_itself_whether_it_was_overdue() -> None:
    early, late, left = (
        ledger_of(
            inspection("w1", 10.0, action_ids=["c1"]),
            *([entry("action.resolve", {"action_id": "c1"}, {"was_overdue": overdue})] if overdue is not None else []),
        )
        for overdue in (False, True, None)
    )
    opened, overdue = (
        AlertKey("critical_corrective_action_opened", "c1"),
        AlertKey("critical_corrective_action_overdue", "c1"),
    )
    folded = [fold(ledger, REGISTRY, PERIODS) for ledger in (early, late, left)]
    assert [one.warehouse[COUNTY]["overdue_actions"] for one in folded] == [0, 0, 1]
    assert [one.warehouse[COUNTY]["open_actions"] for one in folded] == [0, 0, 1]
    assert [set(one.alerts) for one in folded] == [{opened}, {opened, overdue}, {opened, overdue}]
    assert [one.alerts[opened].resolved for one in folded] == [True, True, False]


def test_thresholds_rise_one_by_one_and_fall_with_the_bookings() -> None:
    place = {"centre_id": "k1", "place_kind": "family"}
    bookings = [
        entry("case.book", place | {"places": places}, {"booking_id": f"b{number}"}, at_s=float(number))
        for number, places in enumerate((16, 3, 1))
    ]
    expected = fold(ledger_of(entry("centre.capacity", place | {"capacity": 20}, {}), *bookings), REGISTRY, PERIODS)
    assert {key.subject_id: alert.resolved for key, alert in expected.alerts.items()} == {
        "k1/family/80": True,
        "k1/family/95": True,
        "k1/family/100": True,
    }
    assert expected.places["k1", "family"] == {"capacity": 20, "held": 0, "used": 0}


def test_a_case_lapses_unless_it_is_closed_or_paused() -> None:
    opened = [entry("case.open", {}, {"case_id": case}) for case in ("lapses", "closed", "paused")]
    expected = fold(
        ledger_of(
            *opened,
            entry("case.close", {"case_id": "closed"}, {}),
            entry("case.consent", {"case_id": "paused"}, {"accepted": False}),
        ),
        REGISTRY,
        PERIODS,
    )
    counters = expected.cases[COUNTY]
    assert {name: int(value) for name, value in counters.items()} == {
        "opened": 3,
        "open": 2,
        "closed": 1,
        "suspended": 1,
        "reviews_overdue": 2,
        "in_legal_review": 1,
        "legal_reviews_opened": 1,
    }
    assert set(expected.alerts) == {
        AlertKey("return_case_review_overdue", "lapses"),
        AlertKey("phase_two_review_requested", "lapses"),
        AlertKey("return_case_review_overdue", "paused"),
    }


def test_an_annulled_decision_is_reviewed_again_and_what_is_decided_is_resolved() -> None:
    case = {"case_id": "appealed"}
    expected = fold(
        ledger_of(
            entry("case.open", {}, case),
            entry("review.take", case, {}),
            entry("decision.serve", case, {}),
            entry("appeal.lodge", case, {}),
            entry("appeal.decide", case, {}),
            entry("review.confirm", case, {"state": "closed"}),
        ),
        REGISTRY,
        PERIODS,
    )
    assert {name: int(value) for name, value in expected.cases[COUNTY].items() if value} == {
        "opened": 1,
        "closed": 1,
        "legal_reviews_opened": 2,
    }
    assert {(key.rule_id, key.turn): alert.resolved for key, alert in expected.alerts.items()} == {
        ("phase_two_review_requested", 0): True,
        ("phase_two_review_requested", 1): True,
        ("appeal_lodged", 0): True,
    }


def test_a_refusal_whose_ground_has_gone_may_be_an_acceptance() -> None:
    late = Entry("case.book", "caseworker", {}, 201, {}, None, "nationals.centre.not_enough_places", refused_until_s=5)
    assert not replace(late, at_s=4.9).as_expected
    assert replace(late, at_s=5.0).as_expected


def test_what_somebody_was_shown_is_compared_with_what_must_be_shown() -> None:
    day = Day()
    day.ledger.append(Entry("observed", "state of the certificate", {"expected": "valid"}, 200, {"seen": "suspended"}))
    day.ledger.append(Entry("observed", "flags", {"expected": []}, 200, {"seen": []}))
    assert day.reckon().left_over == ["state of the certificate: suspended instead of valid"]
    assert day.ledger.commands_accepted() == len(day.ledger.entries) - 2


def test_an_extended_and_a_reopened_action_run_overdue_again() -> None:
    about = {"action_id": "c1"}
    expected = fold(
        ledger_of(
            inspection("w1", 10.0, action_ids=["c1"]),
            entry("action.extend", about | {"state_before": "overdue"}, {}),
            entry("action.extend", about | {"state_before": "open"}, {}),
            entry("action.resolve", about, {"was_overdue": False}),
            entry("action.reopen", about, {}),
        ),
        REGISTRY,
        PERIODS,
    )
    assert (expected.warehouse[COUNTY]["open_actions"], expected.warehouse[COUNTY]["overdue_actions"]) == (1, 1)
    assert {key: alert.resolved for key, alert in expected.alerts.items()} == {
        AlertKey("critical_corrective_action_opened", "c1"): True,
        AlertKey("critical_corrective_action_overdue", "c1"): True,
        AlertKey("critical_corrective_action_reopened", "c1"): False,
        AlertKey("critical_corrective_action_overdue", "c1", turn=1): False,
    }


def test_a_stock_is_low_by_turns_and_again_when_its_declarations_have_expired() -> None:
    stock, need = {"stock_id": "rey:rice"}, {"low_below_days": "7", "recovered_above_days": "10"}
    expected = fold(
        ledger_of(
            entry("need.set", stock | need | {"tonnes_per_day": "10"}, {}),
            *(
                entry("stock.declare", stock | {"warehouse_id": site, "tonnes": tonnes}, {})
                for site, tonnes in (("w1", "90"), ("w2", "10.001"), ("w1", "65"), ("w1", "59"))
            ),
            entry("stock.declare", stock | {"warehouse_id": "w2", "tonnes": "41.001"}, {}),
        ),
        REGISTRY,
        PERIODS,
    )
    turns = {key.turn: alert.resolved for key, alert in expected.alerts.items()}
    assert turns == {0: True, 1: True, 2: False}


def test_the_register_changes_by_what_people_accepted() -> None:
    change = {"capacity_tonnes": 120.5, "capacity_tonnes_before": 100.25}
    found = {"capacity_tonnes": 812.5, "in_use_capacity_tonnes": 410.25}
    expected = fold(
        ledger_of(
            inspection("w1", 120.5, discrepancy_id="d1"),
            inspection("w2", 10.0, discrepancy_id="d2"),
            entry("proposal.decide", change, {"changed": True, "discrepancy_id": "d1"}),
            entry("proposal.decide", change, {"changed": False, "discrepancy_id": None}),
            entry("found_site.decide", found, {"state": "accepted", "warehouse_id": "w3", "discrepancy_id": "d3"}),
            entry("found_site.decide", found, {"state": "duplicate", "warehouse_id": "w1", "discrepancy_id": None}),
            entry("found_site.registry_id", {}, {"discrepancy_id": "d3"}),
        ),
        REGISTRY,
        PERIODS,
    )
    counters = expected.warehouse[COUNTY]
    assert counters["registered_sites"] == 3
    assert counters["registered_capacity_tonnes"] == Decimal("300.000") + Decimal("20.25") + Decimal("812.5")
    assert counters["verified_capacity_tonnes"] == Decimal("120.5") + 10 + Decimal("812.5")
    assert (counters["completed_inspections"], counters["inspected_sites"], counters["open_discrepancies"]) == (4, 3, 1)
    assert {key.subject_id: alert.resolved for key, alert in expected.alerts.items()} == {
        "d1": True,
        "d2": False,
        "d3": True,
    }


def test_a_hold_counts_once_however_often_it_is_placed() -> None:
    expected = fold(
        ledger_of(
            entry("hold.place", {}, {"hold_id": "h1", "placed": True}),
            entry("hold.place", {}, {"hold_id": "h1", "placed": False}),
            entry("hold.place", {}, {"hold_id": "h2", "placed": True}),
            entry("hold.lift", {"hold_id": "h1"}, {}),
        ),
        REGISTRY,
        PERIODS,
    )
    assert expected.warehouse[COUNTY]["holds"] == 1
    assert {key.subject_id: alert.resolved for key, alert in expected.alerts.items()} == {"h1": True, "h2": False}
