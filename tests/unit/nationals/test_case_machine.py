"""The table of states against an oracle written from the safeguards, not from the table."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.nationals.casework.domain import refusals, voluntary_refusals
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
from services.nationals.casework.domain.case_machine import OPEN_STATES, TRANSITIONS, Step, take
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
    adults=2,
    heard_privately=frozenset({1, 2}),
)
BOOKING = Attempt(places=2)
TOMORROW = NOW + timedelta(days=1)
LEAVING = replace(READY, state=CaseState.BOOKED, has_booking=True, reconfirmed_until=TOMORROW)
FLAGGED = Screening(ScreeningOutcome.MEDICAL_FLAG, NOW + timedelta(days=1))


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
        (replace(READY, heard_privately=frozenset({2})), BOOKING, 7),
        (replace(READY, heard_privately=frozenset({1}), adults=None), BOOKING, 7),
        (replace(READY, open_pauses=frozenset({7})), BOOKING, 7),
        (
            replace(READY, unaccompanied_child=True, child_procedure_approved=True, open_pauses=frozenset({8})),
            BOOKING,
            8,
        ),
        (replace(READY, screenings={**READY.screenings, 2: FLAGGED}), BOOKING, 1),
        (replace(READY, state=CaseState.DEPARTED), BOOKING, 3),
        (replace(READY, state=CaseState.SPLIT), BOOKING, 7),
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


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.DEPARTED])
def test_withdrawal_succeeds_from_every_state_before_departure_whatever_the_facts(state: CaseState) -> None:
    worst = replace(READY, state=state, unaccompanied_child=True, open_pauses=frozenset({2, 5, 8, 9}), consent=None)
    after = take(Step.WITHDRAW, worst, Attempt(by_human=False))
    assert after in {CaseState.WITHDRAWN, state}


def test_after_departure_it_is_too_late_to_withdraw_and_it_is_said_kindly() -> None:
    with pytest.raises(Refusal) as refused:
        take(Step.WITHDRAW, replace(READY, state=CaseState.DEPARTED))
    assert refused.value.reason is voluntary_refusals.HOUSEHOLD_DEPARTED
    assert (refused.value.reason.status, refused.value.reason.safeguard) == (409, 3)


@pytest.mark.parametrize(
    ("facts", "attempt", "reason"),
    [
        (replace(LEAVING, heard_privately=frozenset()), BOOKING, voluntary_refusals.HEARING_MISSING),
        (replace(LEAVING, reconfirmed_until=None), BOOKING, voluntary_refusals.RECONFIRMATION_MISSING),
        (replace(LEAVING, reconfirmed_until=NOW), BOOKING, voluntary_refusals.RECONFIRMATION_MISSING),
        (replace(LEAVING, consent=None), BOOKING, refusals.CONSENT_MISSING),
        (replace(LEAVING, screenings={}), BOOKING, refusals.SCREENING_MISSING),
        (LEAVING, replace(BOOKING, places=1), refusals.HOUSEHOLD_NOT_WHOLE),
        (LEAVING, replace(BOOKING, by_human=False), refusals.HUMAN_REQUIRED),
        (replace(LEAVING, unaccompanied_child=True), BOOKING, refusals.UNACCOMPANIED_CHILD),
        (replace(LEAVING, open_pauses=frozenset({2})), BOOKING, refusals.PRESSURE_RECORDED),
        (replace(LEAVING, open_pauses=frozenset({5})), BOOKING, refusals.PROTECTION_CLAIM_OPEN),
        (replace(LEAVING, open_pauses=frozenset({7})), BOOKING, voluntary_refusals.SPLIT_REQUESTED),
        (replace(LEAVING, open_pauses=frozenset({9})), BOOKING, refusals.FLAG_OPEN),
        (replace(LEAVING, state=CaseState.CONSENTED), BOOKING, refusals.STEP_NOT_ALLOWED),
    ],
)
def test_departure_needs_every_guard(facts: CaseFacts, attempt: Attempt, reason: RefusalType) -> None:
    assert take(Step.DEPART, LEAVING, BOOKING) is CaseState.DEPARTED
    with pytest.raises(Refusal) as refused:
        take(Step.DEPART, facts, attempt)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("facts", "attempt", "reason"),
    [
        (LEAVING, Attempt(language="ar"), voluntary_refusals.LANGUAGE_DIFFERS),
        (
            LEAVING,
            Attempt(language="fa", interpreter=InterpreterRelation.RELATIVE),
            refusals.INTERPRETER_NOT_INDEPENDENT,
        ),
        (replace(LEAVING, consent=None), Attempt(language="fa"), refusals.CONSENT_MISSING),
        (replace(LEAVING, open_pauses=frozenset({5})), Attempt(language="fa"), refusals.PROTECTION_CLAIM_OPEN),
        (replace(LEAVING, state=CaseState.INFORMED), Attempt(language="fa"), refusals.STEP_NOT_ALLOWED),
    ],
)
def test_reconfirmation_is_of_a_consent_in_force(facts: CaseFacts, attempt: Attempt, reason: RefusalType) -> None:
    assert take(Step.RECONFIRM, LEAVING, Attempt(language="fa")) is CaseState.BOOKED
    with pytest.raises(Refusal) as refused:
        take(Step.RECONFIRM, facts, attempt)
    assert refused.value.reason is reason


@pytest.mark.parametrize("facts", [replace(READY, has_booking=True), replace(READY, reconfirmed_until=TOMORROW)])
def test_household_on_its_way_does_not_lapse(facts: CaseFacts) -> None:
    with pytest.raises(Refusal) as refused:
        take(Step.LAPSE_VOLUNTARY_PERIOD, facts, Attempt(timer_is_current=True))
    assert refused.value.reason is voluntary_refusals.ON_ITS_WAY


def test_every_open_state_can_be_closed_and_only_without_measure() -> None:
    for state in OPEN_STATES:
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
    reasons = [*vars(refusals).values(), *vars(voluntary_refusals).values()]
    reasons += [
        *voluntary_refusals.CLEARANCE_OF_ANOTHER_OFFICE.values(),
        *voluntary_refusals.REASON_NOT_OF_PAUSE.values(),
    ]
    for reason in reasons:
        if isinstance(reason, RefusalType):
            names = [
                {name for _, name, _, _ in string.Formatter().parse(text) if name}
                for text in (reason.text_en, reason.text_fa)
            ]
            assert names[0] == names[1], reason.code
