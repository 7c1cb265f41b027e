"""The table of states against an oracle written from the safeguards, not from the table."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.case_facts import (
    Attempt,
    CaseFacts,
    CaseState,
    Consent,
    Information,
    InterpreterRelation,
    Screening,
    ScreeningOutcome,
)
from services.nationals.casework.domain.case_machine import TRANSITIONS, Step, take
from shared.contracts.nationals import CaseOutcome
from shared.contracts.refusals import Refusal, RefusalType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FREE = Consent("fa", 1, InterpreterRelation.PROFESSIONAL, given_freely=True, sign_of_pressure=False)
READY = CaseFacts(
    state=CaseState.CONSENTED,
    household_size=2,
    unaccompanied_child=False,
    now=NOW,
    information=Information("fa", 1),
    consent=FREE,
    screenings={person: Screening(ScreeningOutcome.CLEAR, NOW + timedelta(days=1)) for person in (1, 2)},
)
BOOKING = Attempt(places=2)


def test_complete_case_is_booked() -> None:
    assert take(Step.BOOK_PLACES, READY, BOOKING) is CaseState.BOOKED


@pytest.mark.parametrize(
    ("facts", "attempt", "safeguard"),
    [
        (replace(READY, screenings={1: READY.screenings[1]}), BOOKING, 1),
        (replace(READY, now=NOW + timedelta(days=1)), BOOKING, 1),
        (replace(READY, consent=None), BOOKING, 2),
        (replace(READY, information=Information("fa", 2)), BOOKING, 2),
        (replace(READY, information=Information("ar", 1)), BOOKING, 2),
        (replace(READY, consent=replace(FREE, given_freely=False)), BOOKING, 2),
        (replace(READY, open_pauses=frozenset({2})), BOOKING, 2),
        (replace(READY, state=CaseState.AWAITING_LEGAL_REVIEW), BOOKING, 4),
        (replace(READY, open_pauses=frozenset({5})), BOOKING, 5),
        (READY, replace(BOOKING, by_human=False), 6),
        (READY, replace(BOOKING, places=1), 7),
        (READY, replace(BOOKING, places=3), 7),
        (replace(READY, has_booking=True), BOOKING, 7),
        (replace(READY, unaccompanied_child=True), BOOKING, 8),
        (replace(READY, open_pauses=frozenset({9})), BOOKING, 9),
        (replace(READY, state=CaseState.CLOSED), BOOKING, 12),
        (replace(READY, state=CaseState.INFORMED), BOOKING, 12),
    ],
)
def test_each_missing_guard_refuses_with_its_safeguard(facts: CaseFacts, attempt: Attempt, safeguard: int) -> None:
    with pytest.raises(Refusal) as refused:
        take(Step.BOOK_PLACES, facts, attempt)
    assert refused.value.reason.safeguard == safeguard
    assert refused.value.reason.status == 409
    if refused.value.reason is not refusals.STEP_NOT_ALLOWED:
        assert refused.value.details["satisfied_by"]


@pytest.mark.parametrize(
    ("facts", "consent", "reason"),
    [
        (replace(READY, information=None), FREE, refusals.INFORMATION_MISSING),
        (READY, replace(FREE, information_version=2), refusals.INFORMATION_MISSING),
        (READY, replace(FREE, language="ar"), refusals.INFORMATION_MISSING),
        (READY, replace(FREE, interpreter=InterpreterRelation.RELATIVE), refusals.INTERPRETER_NOT_INDEPENDENT),
        (READY, replace(FREE, interpreter=InterpreterRelation.DECIDER), refusals.INTERPRETER_NOT_INDEPENDENT),
        (READY, replace(FREE, given_freely=False), refusals.PRESSURE_RECORDED),
        (READY, replace(FREE, sign_of_pressure=True), refusals.PRESSURE_RECORDED),
        (replace(READY, open_pauses=frozenset({5})), FREE, refusals.PROTECTION_CLAIM_OPEN),
    ],
)
def test_consent_that_is_not_free_informed_and_independent_is_refused(
    facts: CaseFacts, consent: Consent, reason: RefusalType
) -> None:
    with pytest.raises(Refusal) as refused:
        take(Step.RECORD_CONSENT, facts, Attempt(interpreter=consent.interpreter, consent=consent))
    assert refused.value.reason is reason


@pytest.mark.parametrize("state", CaseState)
def test_withdrawal_succeeds_from_every_state_whatever_the_facts(state: CaseState) -> None:
    worst = replace(READY, state=state, unaccompanied_child=True, open_pauses=frozenset({2, 5, 8, 9}), consent=None)
    after = take(Step.WITHDRAW, worst, Attempt(by_human=False))
    assert after in {CaseState.WITHDRAWN, state}


def test_every_open_state_can_be_closed_and_only_without_measure() -> None:
    for state in set(CaseState) - {CaseState.CLOSED}:
        assert take(Step.CLOSE, replace(READY, state=state)) is CaseState.CLOSED
    assert {outcome.value for outcome in CaseOutcome} == {
        "not_viable",
        "regularised",
        "protection_referral",
        "withdrawn",
    }


def test_only_its_own_timer_lapses_a_case_and_never_a_paused_one() -> None:
    current = Attempt(timer_is_current=True)
    assert take(Step.LAPSE_VOLUNTARY_PERIOD, READY, current) is CaseState.AWAITING_LEGAL_REVIEW
    for facts, attempt in ((READY, Attempt()), (replace(READY, open_pauses=frozenset({5})), current)):
        with pytest.raises(Refusal):
            take(Step.LAPSE_VOLUNTARY_PERIOD, facts, attempt)


def test_each_step_and_state_has_one_line() -> None:
    seen = [(line.step, source) for line in TRANSITIONS for source in line.sources]
    assert len(seen) == len(set(seen))
    assert all(guard.safeguard for line in TRANSITIONS for guard in line.guards)


def test_every_refusal_speaks_both_languages_with_the_same_placeholders() -> None:
    for reason in vars(refusals).values():
        if isinstance(reason, RefusalType):
            names = [
                {name for _, name, _, _ in string.Formatter().parse(text) if name}
                for text in (reason.text_en, reason.text_fa)
            ]
            assert names[0] == names[1], reason.code


class CaseLife(RuleBasedStateMachine):
    """Random steps on one case; a step that is taken is checked against what the safeguards say, from the history."""

    @initialize(size=st.integers(1, 3), child=st.booleans())
    def open(self, size: int, child: bool) -> None:
        self.facts = CaseFacts(CaseState.OPENED, size, child, NOW, open_pauses=frozenset({8} if child else set[int]()))
        self.lapsed = False
        self.ever_flagged = child
        self.withdrawn = False
        self.latest_version = 0

    def attempt(self, step: Step, attempt: Attempt | None = None) -> bool:
        before = self.facts
        try:
            state = take(step, self.facts, attempt)
        except Refusal:
            assert self.facts is before
            return False
        self.facts = replace(self.facts, state=state)
        return True

    @rule(hours=st.integers(1, 400))
    def time_passes(self, hours: int) -> None:
        self.facts = replace(self.facts, now=self.facts.now + timedelta(hours=hours))

    @rule(version=st.integers(1, 2), interpreter=st.sampled_from(InterpreterRelation))
    def inform(self, version: int, interpreter: InterpreterRelation) -> None:
        if self.attempt(Step.GIVE_INFORMATION, Attempt(interpreter=interpreter)):
            assert interpreter not in {InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER}
            self.facts = replace(self.facts, information=Information("fa", version))
            self.latest_version = version

    @rule(
        person=st.integers(1, 3),
        days=st.integers(1, 30),
        outcome=st.sampled_from([ScreeningOutcome.CLEAR] * 9 + list(ScreeningOutcome)),
    )
    def screen(self, person: int, days: int, outcome: ScreeningOutcome) -> None:
        if person <= self.facts.household_size and self.attempt(Step.SCREEN_PERSON):
            valid_until = self.facts.now + timedelta(days=days)
            screenings = {**self.facts.screenings, person: Screening(outcome, valid_until)}
            self.facts = replace(self.facts, screenings=screenings)
            if outcome is not ScreeningOutcome.CLEAR:
                number = 5 if outcome is ScreeningOutcome.PROTECTION_NEED else 9
                self.facts = replace(self.facts, open_pauses=self.facts.open_pauses | {number})
                self.ever_flagged = True

    @rule(version=st.integers(1, 2), interpreter=st.sampled_from(InterpreterRelation), by_human=st.booleans())
    def consent(self, version: int, interpreter: InterpreterRelation, by_human: bool) -> None:
        consent = Consent("fa", version, interpreter, given_freely=True, sign_of_pressure=False)
        attempt = Attempt(interpreter=interpreter, consent=consent, by_human=by_human)
        if self.attempt(Step.RECORD_CONSENT, attempt):
            assert by_human
            assert not self.lapsed
            assert not self.ever_flagged
            assert version == self.latest_version
            assert interpreter not in {InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER}
            self.facts = replace(self.facts, consent=consent)
            self.withdrawn = False

    @rule()
    def pressure(self) -> None:
        was_closed = self.facts.state is CaseState.CLOSED
        assert self.attempt(Step.RECORD_PRESSURE) is not was_closed, "a sign of pressure can always be recorded"
        if not was_closed:
            self.facts = replace(self.facts, has_booking=False, open_pauses=self.facts.open_pauses | {2})
            self.ever_flagged = True

    @rule(places=st.integers(1, 3))
    def book(self, places: int) -> None:
        if self.attempt(Step.BOOK_PLACES, Attempt(places=places)):
            assert places == self.facts.household_size
            assert not self.lapsed
            assert not self.ever_flagged
            assert not self.withdrawn
            assert not self.facts.has_booking
            assert self.facts.consent is not None
            assert self.facts.consent.information_version == self.latest_version
            for person in range(1, self.facts.household_size + 1):
                assert self.facts.screenings[person].valid_until > self.facts.now
            self.facts = replace(self.facts, has_booking=True)

    @rule()
    def booking_ends(self) -> None:
        if self.facts.has_booking:
            assert self.attempt(Step.END_BOOKING)
            self.facts = replace(self.facts, has_booking=False)

    @rule()
    def withdraw(self) -> None:
        assert self.attempt(Step.WITHDRAW), "withdrawal always succeeds"
        self.facts = replace(self.facts, has_booking=False, consent=None)
        self.withdrawn = True

    @rule(current=st.booleans())
    def lapse(self, current: bool) -> None:
        had_booking = self.facts.has_booking
        if self.attempt(Step.LAPSE_VOLUNTARY_PERIOD, Attempt(timer_is_current=current)):
            assert current
            assert not self.ever_flagged
            assert self.facts.has_booking is had_booking
            self.lapsed = True

    @rule(as_withdrawn=st.booleans(), by_human=st.booleans())
    def close(self, as_withdrawn: bool, by_human: bool) -> None:
        if self.attempt(Step.CLOSE, Attempt(closes_as_withdrawn=as_withdrawn, by_human=by_human)):
            assert by_human
            assert self.withdrawn or not as_withdrawn
            self.facts = replace(self.facts, has_booking=False)

    @invariant()
    def state_says_what_is_true(self) -> None:
        if not hasattr(self, "facts"):
            return
        if self.facts.state is CaseState.BOOKED:
            assert self.facts.has_booking
            assert not self.lapsed
        if self.facts.state in {CaseState.OPENED, CaseState.INFORMED, CaseState.WITHDRAWN, CaseState.CLOSED}:
            assert not self.facts.has_booking
        if self.lapsed:
            assert self.facts.state in {CaseState.AWAITING_LEGAL_REVIEW, CaseState.CLOSED}


CaseLife.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCaseLife = CaseLife.TestCase
