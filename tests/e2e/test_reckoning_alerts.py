"""Alerts that were told together or held back: a right group passes, each planted fault is found and named."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.demo.comparison import Comparison
from deploy.demo.day import DaySettings
from deploy.demo.settle_alerts import NO_STORY, compare_story, told_story
from tests.support.reckoned_days import (
    GroupedDay,
    alert_of,
)


def test_alerts_that_were_told_together_are_one_chain() -> None:
    day = GroupedDay()
    result = day.told()
    assert result.ok, (result.lost, result.doubled, result.left_over)
    told = told_story(day.alerts, day.letters, day.ledger)
    assert told is not None
    assert "3 alerts of discrepancy_found told together in Persian" in told
    assert "by person 2" in told
    assert told_story(day.alerts, [replace(letter, language="en") for letter in day.letters], day.ledger) is None


@pytest.mark.parametrize(("scale", "left_over"), [(1.0, [NO_STORY]), (0.05, [])])
def test_a_whole_day_without_the_story_of_a_group_is_not_right(scale: float, left_over: list[str]) -> None:
    day, told, untold = GroupedDay(), Comparison(), Comparison()
    is_whole = DaySettings(scale=scale).is_whole
    assert "by person 2" in compare_story(told, day.alerts, day.letters, day.ledger, is_whole=is_whole)
    assert told.ok
    assert compare_story(untold, day.alerts, [], day.ledger, is_whole=is_whole) == NO_STORY
    assert untold.left_over == left_over


@pytest.mark.parametrize(
    ("change", "side", "words"),
    [
        ({"rule_id": "centre_full"}, "lost", "never raised"),
        ({"county": "pishva"}, "left_over", "do not belong together"),
        ({"acknowledged_by": None, "state": "escalated"}, "left_over", "escalated instead of open"),
        ({"lead_alert_id": None, "acknowledged_by": None, "state": "open"}, "left_over", "open instead of escalated"),
        ({"held_back": "inhibited", "acknowledged_by": None, "state": "open"}, "left_over", "nothing holds it"),
    ],
)
def test_an_alert_that_was_not_told_with_its_group_as_it_should_is_found(
    change: dict[str, Any], side: str, words: str
) -> None:
    day = GroupedDay()
    day.alerts[2] |= change
    found: list[str] = getattr(day.told(), side)
    assert any(words in line for line in found), found


def test_a_group_that_was_told_too_often_is_found() -> None:
    day = GroupedDay()
    first = day.alerts[0]["deliveries"][0]
    day.alerts[0]["deliveries"] += [first | {"delivery_id": f"again-{n}"} for n in range(3)]
    assert any("owed 4 times" in line for line in day.told().doubled)


def test_a_lesser_alert_of_a_site_on_hold_is_held_back_and_no_other() -> None:
    day = GroupedDay()
    hold = alert_of("h1", "warehouse_put_on_hold", "h1", "escalated", 3, raised_at="2026-11-22T07:00:00Z")
    day.alerts.append(hold | {"details": {"warehouse_id": "w9"}})
    assert not any("hold of its site" in line for line in day.told().left_over)
    day.alerts[-1] = hold
    assert any("not held back by the hold of its site" in line for line in day.told().left_over)
    day.alerts[-1] = hold | {"raised_at": "2026-11-22T07:59:55Z"}
    assert not any("hold of its site" in line for line in day.told().left_over), "at the same time"
