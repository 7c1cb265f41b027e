"""A dry run counts what the rules would have raised: grouped, held back, resolved, in whatever order events are read."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain import dry_run
from services.notifications.domain.dry_run import (
    EXAMPLES_MAX,
    Circumstances,
    DryRun,
    PastEvent,
    RuleOutcome,
    Telling,
)
from services.notifications.domain.holding import PastSilence, Silence
from services.notifications.domain.rule_reading import read_rules
from services.notifications.domain.rules import Audience
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import (
    CorrectiveActionOverdue,
    CorrectiveActionResolved,
    EssentialStockLow,
    HoldGround,
    Severity,
    WarehouseHoldLifted,
    WarehousePutOnHold,
)
from tests.support.routing_rules import DOCUMENT

BEGIN = datetime(2026, 11, 15, 8, tzinfo=UTC)
BOOK = read_rules(DOCUMENT, "rules.yaml")
ALL = frozenset(County)
FIRST_WAIT = timedelta(hours=8)
END = BEGIN + timedelta(days=7)
CIRCUMSTANCES = Circumstances(END, lambda _rule, _county, began_at: began_at + FIRST_WAIT)


def silence(
    begins_after: timedelta, ends_after: timedelta, audience: Audience = Audience.WORKING_GROUP, **matchers: str
) -> PastSilence:
    """Of everything in rey that `matchers` (kind, rule_id, subject_id) fit."""
    ends_at = BEGIN + ends_after
    fits = {"kind": None, "rule_id": None, "subject_id": None, **matchers}
    number = UUID(int=round(begins_after.total_seconds()))
    kept = Silence(number, frozenset({audience}), County.REY, **fits, ends_at=ends_at, critical_until=ends_at)
    return PastSilence(kept, BEGIN + begins_after)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


class History:
    """Events one after the other, a minute apart, each with the sequence of its aggregate."""

    def __init__(self) -> None:
        self.events: list[PastEvent] = []

        self.waited = timedelta(0)

    def wait(self, time: timedelta) -> None:
        self.waited += time

    def add(self, event: Event) -> None:
        number = len(self.events)
        sequence = 1 + sum(one.event.aggregate_id == event.aggregate_id for one in self.events)
        self.events.append(PastEvent(event, UUID(int=number), sequence, BEGIN + minutes(number) + self.waited))

    def overdue(self, action: int, warehouse: int = 1, county: County = County.REY) -> None:
        self.add(
            CorrectiveActionOverdue(
                action_id=UUID(int=action),
                warehouse_id=UUID(int=warehouse),
                county=county,
                severity=Severity.MAJOR,
                due_at=BEGIN,
            )
        )

    def resolved(self, action: int, warehouse: int = 1, county: County = County.REY) -> None:
        self.add(
            CorrectiveActionResolved(
                action_id=UUID(int=action), warehouse_id=UUID(int=warehouse), county=county, was_overdue=True
            )
        )

    def hold(self, warehouse: int, *, lifted: bool = False, county: County = County.REY) -> None:
        fields = {"hold_id": UUID(int=warehouse), "warehouse_id": UUID(int=warehouse), "county": county}
        ground = HoldGround.BIOLOGICAL_HAZARD
        if lifted:
            self.add(WarehouseHoldLifted.model_validate({**fields, "ground": ground}))
        else:
            self.add(WarehousePutOnHold.model_validate({**fields, "ground": ground, "referred_to": "health_authority"}))

    def stock_low(self, commodity: str) -> None:
        figures = {"stock_tonnes": 1, "cover_days": 1, "low_below_days": 3}
        stock = {"stock_id": f"rey:{commodity}", "county": County.REY, "commodity": commodity}
        self.add(EssentialStockLow.model_validate(stock | figures))

    def outcomes(
        self, counties: frozenset[County] = ALL, silences: Sequence[PastSilence] = ()
    ) -> dict[str, RuleOutcome]:
        run = DryRun(BOOK, counties, replace(CIRCUMSTANCES, silences=silences))
        assert run.take(self.events)
        return {outcome.rule.rule_id: outcome for outcome in run.outcomes()}


def test_alerts_of_one_rule_and_county_are_told_together_until_all_of_them_are_resolved() -> None:
    history = History()
    for action in (1, 2, 3):
        history.overdue(action)
    history.overdue(4, county=County.PARDIS)
    history.resolved(1)
    history.overdue(5)
    for action in (2, 3, 5):
        history.resolved(action)
    history.overdue(6)
    outcome = history.outcomes()["overdue"]
    assert outcome.alerts == 6
    assert dict(outcome.telling) == {Telling.TOLD: 3, Telling.GROUPED: 3}
    assert dict(outcome.by_county) == {County.REY: 5, County.PARDIS: 1}
    assert outcome.resolved == 4


def test_nobody_joins_a_group_whose_first_step_has_waited_in_vain() -> None:
    history = History()
    for action in range(6):
        history.overdue(action)
        history.wait(timedelta(days=1))
    assert dict(history.outcomes()["overdue"].telling) == {Telling.TOLD: 6}


def test_whoever_leads_on_gathers_no_longer_than_who_led_before() -> None:
    history = History()
    history.overdue(1)
    history.wait(FIRST_WAIT / 2)
    history.overdue(2)
    history.resolved(1)
    history.overdue(3)
    history.wait(FIRST_WAIT / 2)
    history.overdue(4)
    assert dict(history.outcomes()["overdue"].telling) == {Telling.TOLD: 2, Telling.GROUPED: 2}


def test_a_silence_of_that_time_keeps_back_what_it_fits_and_lets_go_at_its_end() -> None:
    history = History()
    history.overdue(1)
    history.overdue(2)
    history.overdue(3)
    history.overdue(4, county=County.PARDIS)
    history.wait(minutes(10))
    history.resolved(3)
    history.overdue(5)
    overdue = history.outcomes(silences=[silence(minutes(0.5), minutes(14.5), kind="overdue")])["overdue"]
    assert dict(overdue.telling) == {Telling.TOLD: 2, Telling.HELD_BACK: 2, Telling.GROUPED: 1}
    assert (overdue.told_after_hold, overdue.resolved, dict(overdue.counties)) == (
        1,
        1,
        {County.REY: 3, County.PARDIS: 1},
    )


def test_a_silence_that_runs_still_or_concerns_others_or_another_subject_lets_go_of_nothing_or_keeps_nothing() -> None:
    history = History()
    history.overdue(1)
    endless = silence(timedelta(0), END - BEGIN + minutes(1), subject_id=str(UUID(int=1)))
    for silences, told in (
        ([endless], {Telling.HELD_BACK: 1}),
        ([silence(timedelta(0), minutes(9), subject_id=str(UUID(int=2)))], {Telling.TOLD: 1}),
        ([silence(timedelta(0), minutes(9), Audience.LEGAL_OFFICE, kind="overdue")], {Telling.TOLD: 1}),
    ):
        overdue = history.outcomes(silences=silences)["overdue"]
        assert (dict(overdue.telling), overdue.told_after_hold) == (told, 0)


def test_a_silenced_hold_still_keeps_back_what_is_lesser_there() -> None:
    history = History()
    history.hold(7)
    history.overdue(1, warehouse=7)
    history.hold(7, lifted=True)
    outcomes = history.outcomes(silences=[silence(timedelta(0), minutes(9), rule_id="hold")])
    assert dict(outcomes["hold"].telling) == {Telling.HELD_BACK: 1}
    assert (dict(outcomes["overdue"].telling), outcomes["overdue"].told_after_hold) == ({Telling.HELD_BACK: 1}, 1)


def test_a_hold_keeps_back_what_is_lesser_there_and_lets_go_of_what_still_stands() -> None:
    history = History()
    history.overdue(1, warehouse=7)
    history.hold(7)
    history.overdue(2, warehouse=7)
    history.overdue(3, warehouse=7)
    history.overdue(4, warehouse=8)
    history.resolved(2)
    history.hold(7, lifted=True)
    outcomes = history.outcomes()
    assert dict(outcomes["hold"].telling) == {Telling.TOLD: 1}
    overdue = outcomes["overdue"]
    assert dict(overdue.telling) == {Telling.TOLD: 1, Telling.HELD_BACK: 2, Telling.GROUPED: 1}
    assert (overdue.told_after_hold, overdue.resolved) == (1, 1)
    assert dict(overdue.counties) == {County.REY: 3}


def test_another_hold_of_the_same_site_goes_on_holding() -> None:
    history = History()
    history.hold(7)
    again = WarehousePutOnHold(
        hold_id=UUID(int=99),
        warehouse_id=UUID(int=7),
        county=County.REY,
        ground=HoldGround.SMUGGLING_SUSPICION,
        referred_to="anti_smuggling_commission",
    )
    history.add(again)
    history.overdue(1, warehouse=7)
    history.hold(7, lifted=True)
    overdue = history.outcomes()["overdue"]
    assert (overdue.telling[Telling.HELD_BACK], overdue.told_after_hold, dict(overdue.counties)) == (1, 0, {})


def test_a_hold_keeps_back_nothing_of_another_county() -> None:
    history = History()
    history.hold(7)
    history.overdue(1, warehouse=7, county=County.PARDIS)
    assert dict(history.outcomes()["overdue"].telling) == {Telling.TOLD: 1}


def test_what_waits_for_the_digest_tells_nobody_by_itself() -> None:
    history = History()
    history.stock_low("rice")
    stock = history.outcomes()["stock"]
    assert dict(stock.telling) == {Telling.DIGEST: 1}
    assert not stock.counties


def test_an_event_answered_before_it_was_recorded_tells_nobody() -> None:
    history = History()
    history.resolved(1)
    history.overdue(1)
    late = history.events[1]
    history.events[0], history.events[1] = (
        PastEvent(history.events[0].event, UUID(int=50), 2, BEGIN),
        PastEvent(late.event, UUID(int=51), 1, BEGIN + timedelta(hours=1)),
    )
    overdue = history.outcomes()["overdue"]
    assert dict(overdue.telling) == {Telling.ANSWERED: 1}
    assert overdue.resolved == 1


def test_the_first_examples_are_kept_with_what_the_rule_shows() -> None:
    history = History()
    for action in range(20):
        history.overdue(action)
    random.Random(1).shuffle(history.events)
    examples = history.outcomes()["overdue"].examples
    assert [example.subject_id for example in examples] == [str(UUID(int=action)) for action in range(EXAMPLES_MAX)]
    assert examples[0].details == {"warehouse_id": str(UUID(int=1)), "severity": "major"}


def test_only_the_callers_counties_are_looked_at() -> None:
    history = History()
    history.overdue(1)
    history.overdue(2, county=County.PARDIS)
    assert history.outcomes(frozenset({County.PARDIS}))["overdue"].alerts == 1


def test_there_is_room_for_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "MATCHES_MAX", 3)
    history = History()
    for action in range(5):
        history.overdue(action)
    run = DryRun(BOOK, ALL, CIRCUMSTANCES)
    assert not run.take(history.events)
    assert sum(outcome.alerts for outcome in run.outcomes()) == 3


STEPS = st.lists(
    st.tuples(st.sampled_from(["overdue", "resolved", "hold", "lift"]), st.integers(1, 4), st.integers(1, 2)),
    max_size=40,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_the_outcome_depends_neither_on_the_order_of_reading_nor_on_repeats(
    steps: list[tuple[str, int, int]], shuffling: random.Random
) -> None:
    history = History()
    for step, action, warehouse in steps:
        if step == "overdue":
            history.overdue(action, warehouse)
        elif step == "resolved":
            history.resolved(action, warehouse)
        else:
            history.hold(warehouse, lifted=step == "lift")
    first = history.outcomes()
    for outcome in first.values():
        assert sum(outcome.telling.values()) == outcome.alerts == sum(outcome.by_county.values())
        assert outcome.resolved <= outcome.alerts
        told = outcome.telling[Telling.TOLD] + outcome.telling[Telling.GROUPED] + outcome.told_after_hold
        assert sum(outcome.counties.values()) == told
    history.events = history.events * 2
    shuffling.shuffle(history.events)
    assert history.outcomes() == first
