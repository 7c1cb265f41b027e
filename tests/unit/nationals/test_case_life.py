"""Random lives of one case: every step that is taken is checked against what the safeguards say, from the history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
from services.nationals.casework.domain.case_machine import Step, take
from shared.contracts.refusals import Refusal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECONFIRMATION_VALID = timedelta(hours=72)


class CaseLife(RuleBasedStateMachine):
    """Random steps on one case; a step that is taken is checked against what the safeguards say, from the history."""

    @initialize(size=st.integers(1, 3), child=st.booleans())
    def open(self, size: int, child: bool) -> None:
        self.facts = CaseFacts(CaseState.OPENED, size, child, NOW, open_pauses=frozenset({8} if child else set[int]()))
        self.lapsed = False
        self.concerns = {8} if child else set[int]()
        self.reconfirmed_at: datetime | None = None
        self.heard: set[int] = set()
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
                self.concerns.add(number)

    @rule(version=st.integers(1, 2), interpreter=st.sampled_from(InterpreterRelation), by_human=st.booleans())
    def consent(self, version: int, interpreter: InterpreterRelation, by_human: bool) -> None:
        consent = Consent("fa", version, interpreter, given_freely=True, sign_of_pressure=False)
        attempt = Attempt(interpreter=interpreter, consent=consent, by_human=by_human)
        if self.attempt(Step.RECORD_CONSENT, attempt):
            assert by_human
            assert not self.lapsed
            assert not self.concerns
            assert version == self.latest_version
            assert interpreter not in {InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER}
            self.facts = replace(self.facts, consent=consent, reconfirmed_until=None)
            self.reconfirmed_at = None
            self.withdrawn = False

    @rule()
    def pressure(self) -> None:
        has_ended = self.facts.state in {CaseState.CLOSED, CaseState.DEPARTED}
        assert self.attempt(Step.RECORD_PRESSURE) is not has_ended, "a sign of pressure can always be recorded"
        if not has_ended:
            self.facts = replace(self.facts, has_booking=False, open_pauses=self.facts.open_pauses | {2})
            self.concerns.add(2)

    @rule(places=st.integers(1, 3))
    def book(self, places: int) -> None:
        if self.attempt(Step.BOOK_PLACES, Attempt(places=places)):
            assert places == self.facts.household_size
            assert not self.lapsed
            assert not self.concerns
            assert not self.withdrawn
            assert not self.facts.has_booking
            assert self.heard == set(range(1, self.facts.household_size + 1))
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
        if self.facts.state is CaseState.DEPARTED:
            assert not self.attempt(Step.WITHDRAW), "it is too late"
            return
        assert self.attempt(Step.WITHDRAW), "withdrawal always succeeds before departure"
        self.facts = replace(self.facts, has_booking=False, consent=None, reconfirmed_until=None)
        self.reconfirmed_at = None
        self.withdrawn = True

    @rule(person=st.integers(1, 3), interpreter=st.sampled_from(InterpreterRelation))
    def hear(self, person: int, interpreter: InterpreterRelation) -> None:
        if person <= self.facts.household_size and self.attempt(Step.HEAR_PRIVATELY, Attempt(interpreter=interpreter)):
            assert interpreter not in {InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER}
            self.facts = replace(self.facts, heard_privately=self.facts.heard_privately | {person})
            self.heard.add(person)

    @rule(interpreter=st.sampled_from(InterpreterRelation))
    def reconfirm(self, interpreter: InterpreterRelation) -> None:
        if self.attempt(Step.RECONFIRM, Attempt(interpreter=interpreter, language="fa")):
            assert interpreter not in {InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER}
            assert not self.withdrawn
            assert not self.concerns
            self.facts = replace(self.facts, reconfirmed_until=self.facts.now + RECONFIRMATION_VALID)
            self.reconfirmed_at = self.facts.now

    @rule()
    def everything_is_recorded(self) -> None:
        """The usual way, so that random lives also get far."""
        self.inform(1, InterpreterRelation.NONE)
        for person in range(1, self.facts.household_size + 1):
            self.screen(person, 30, ScreeningOutcome.CLEAR)
            self.hear(person, InterpreterRelation.NONE)
        self.consent(1, InterpreterRelation.NONE, by_human=True)
        self.book(self.facts.household_size)
        self.reconfirm(InterpreterRelation.NONE)

    @rule()
    def pauses_are_cleared(self) -> None:
        """As two people do: everything recorded so far, and an unaccompanied child's procedure is approved."""
        self.facts = replace(self.facts, open_pauses=frozenset(), child_procedure_approved=True)
        self.concerns.clear()

    @rule(missing=st.sampled_from([0, 0, 0, 1]), by_human=st.sampled_from([True, True, True, False]))
    def depart(self, missing: int, by_human: bool) -> None:
        places = self.facts.household_size - missing
        booked = self.facts.state is CaseState.BOOKED
        if self.attempt(Step.DEPART, Attempt(places=places, by_human=by_human)):
            assert booked
            assert by_human
            assert places == self.facts.household_size
            assert not self.lapsed
            assert not self.withdrawn
            assert not self.concerns
            assert self.heard == set(range(1, self.facts.household_size + 1))
            assert self.reconfirmed_at is not None
            assert self.facts.now < self.reconfirmed_at + RECONFIRMATION_VALID
            for person in range(1, self.facts.household_size + 1):
                assert self.facts.screenings[person].valid_until > self.facts.now
                assert self.facts.screenings[person].outcome is ScreeningOutcome.CLEAR
            self.facts = replace(self.facts, has_booking=False)

    @rule(current=st.booleans())
    def lapse(self, current: bool) -> None:
        had_booking = self.facts.has_booking
        if self.attempt(Step.LAPSE_VOLUNTARY_PERIOD, Attempt(timer_is_current=current)):
            assert current
            assert not self.concerns
            assert not had_booking
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
