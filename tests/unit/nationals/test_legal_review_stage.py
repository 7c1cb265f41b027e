"""Phase two in the table of states: every way to the adverse outcome lacks something until nothing is lacking."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.nationals.casework.domain import legal_review_refusals as refusals
from services.nationals.casework.domain.case_facts import (
    Attempt,
    CaseFacts,
    CaseState,
    InterpreterRelation,
    Screening,
    ScreeningOutcome,
)
from services.nationals.casework.domain.case_machine import OPEN_STATES, TRANSITIONS, Step, take
from services.nationals.casework.domain.legal_basis import LegalBasis
from services.nationals.casework.domain.legal_facts import (
    Consideration,
    Decision,
    DecisionState,
    LegalFacts,
    ReviewOutcome,
)
from services.nationals.casework.domain.legal_review_stage import LEGAL_REVIEW_STAGE, LEGAL_REVIEW_TRANSITIONS
from services.nationals.casework.domain.voluntary_stage import VOLUNTARY_STAGE
from shared.contracts.refusals import Refusal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REFER = ReviewOutcome.REFER_TO_COMPETENT_AUTHORITY
WAITING_STATE = {CaseState.AWAITING_LEGAL_REVIEW}
FAVOURABLE = [outcome for outcome in ReviewOutcome if not outcome.is_adverse]
REVIEW = LegalFacts(opened_by="opener", review_open=True, first_reviewer="first", considered=frozenset(Consideration))
WAITING = CaseFacts(
    state=CaseState.AWAITING_LEGAL_REVIEW,
    household_size=1,
    unaccompanied_child=False,
    now=NOW,
    screenings={1: Screening(ScreeningOutcome.CLEAR, NOW + timedelta(days=1))},
    legal=REVIEW,
)
PROPOSED = Decision(REFER, DecisionState.PROPOSED, "first", basis_in_force=True)
CONFIRMED = replace(PROPOSED, state=DecisionState.CONFIRMED, confirmed_by="second")
SERVED = replace(
    CONFIRMED, state=DecisionState.SERVED, served_by="server", understood=True, window_ends_at=NOW - timedelta(hours=1)
)


def with_decision(decision: Decision | None, state: CaseState = CaseState.AWAITING_LEGAL_REVIEW) -> CaseFacts:
    return replace(WAITING, state=state, legal=replace(REVIEW, decision=decision))


READY = with_decision(SERVED, CaseState.DECISION_SERVED)
APPEALED = replace(READY, state=CaseState.APPEALED, legal=replace(READY.legal, appeal_lodged_by="lodger"))
PROPOSAL = Attempt(actor="first", outcome=REFER, basis_in_force=True, decision_written=True)
CONFIRMATION = Attempt(actor="second", names_live_proposal=True)
SERVICE = Attempt(actor="server", understood=True, interpreter=InterpreterRelation.PROFESSIONAL)
REFERRAL = Attempt(actor="third")
DECIDER = Attempt(actor="appeals")


def refused_with(step: Step, facts: CaseFacts, attempt: Attempt) -> int | None:
    with pytest.raises(Refusal) as refused:
        take(step, facts, attempt)
    assert refused.value.reason.status == 409
    assert refused.value.details.get("satisfied_by") or "possible_from" in refused.value.details
    return refused.value.reason.safeguard


RETURN = Attempt(actor="second", names_live_proposal=True, reason_given=True)
COMPLETE: dict[Step, tuple[CaseFacts, Attempt, CaseState]] = {
    Step.TAKE_REVIEW: (WAITING, Attempt(actor="x", in_place_of="first"), CaseState.AWAITING_LEGAL_REVIEW),
    Step.RECORD_ASSESSMENT: (WAITING, Attempt(actor="first"), CaseState.AWAITING_LEGAL_REVIEW),
    Step.PROPOSE_OUTCOME: (WAITING, PROPOSAL, CaseState.AWAITING_LEGAL_REVIEW),
    Step.CONFIRM_OUTCOME: (with_decision(PROPOSED), CONFIRMATION, CaseState.AWAITING_LEGAL_REVIEW),
    Step.RETURN_PROPOSAL: (with_decision(PROPOSED), RETURN, CaseState.AWAITING_LEGAL_REVIEW),
    Step.SERVE_DECISION: (with_decision(CONFIRMED), SERVICE, CaseState.DECISION_SERVED),
    Step.LODGE_APPEAL: (READY, Attempt(actor="x", reason_given=True), CaseState.APPEALED),
    Step.ANNUL_DECISION: (APPEALED, DECIDER, CaseState.AWAITING_LEGAL_REVIEW),
    Step.UPHOLD_DECISION: (APPEALED, DECIDER, CaseState.DECISION_SERVED),
    Step.REFER_TO_COMPETENT_AUTHORITY: (READY, REFERRAL, CaseState.REFERRED),
    Step.RETURN_TO_VOLUNTARY_STAGE: (READY, REFERRAL, CaseState.OPENED),
}
"""What lacks nothing, and the state after it."""
TOWARDS_REFERRAL = (
    Step.PROPOSE_OUTCOME,
    Step.CONFIRM_OUTCOME,
    Step.SERVE_DECISION,
    Step.UPHOLD_DECISION,
    Step.REFER_TO_COMPETENT_AUTHORITY,
)


@pytest.mark.parametrize("step", COMPLETE)
def test_step_that_lacks_nothing_is_taken_by_a_person_alone(step: Step) -> None:
    facts, attempt, after = COMPLETE[step]
    assert take(step, facts, attempt) is after
    assert refused_with(step, facts, replace(attempt, by_human=False)) == 6


def test_a_second_wish_to_appeal_is_a_person_s_too() -> None:
    assert refused_with(Step.LODGE_APPEAL, APPEALED, Attempt(by_human=False)) == 6


@pytest.mark.parametrize("step", TOWARDS_REFERRAL)
@pytest.mark.parametrize("pause", [2, 5, 7, 8, 9])
def test_every_open_pause_stops_every_step_towards_referral(step: Step, pause: int) -> None:
    facts, attempt, _ = COMPLETE[step]
    assert refused_with(step, replace(facts, open_pauses=frozenset({pause})), attempt) == pause


@pytest.mark.parametrize("step", TOWARDS_REFERRAL)
def test_unaccompanied_child_without_its_procedure_stops_every_step_towards_referral(step: Step) -> None:
    facts, attempt, _ = COMPLETE[step]
    assert refused_with(step, replace(facts, unaccompanied_child=True), attempt) == 8


@pytest.mark.parametrize("step", [step for step, (facts, _, _) in COMPLETE.items() if facts.state in WAITING_STATE])
def test_a_step_of_the_review_needs_the_review_open(step: Step) -> None:
    facts, attempt, _ = COMPLETE[step]
    closed = replace(facts, legal=replace(facts.legal, review_open=False))
    with pytest.raises(Refusal) as refused:
        take(step, closed, attempt)
    assert refused.value.reason is refusals.REVIEW_NOT_OPEN


@pytest.mark.parametrize(
    ("step", "facts", "attempt", "reason"),
    [
        (Step.TAKE_REVIEW, WAITING, Attempt(actor="x"), refusals.REVIEW_TAKEN),
        (Step.TAKE_REVIEW, with_decision(PROPOSED), Attempt(actor="first"), refusals.PROPOSAL_OPEN),
        (
            Step.TAKE_REVIEW,
            replace(WAITING, legal=replace(REVIEW, annulled_deciders=frozenset({"first"}))),
            Attempt(actor="first"),
            refusals.DECIDED_BEFORE,
        ),
        (Step.RECORD_ASSESSMENT, WAITING, Attempt(actor="x"), refusals.NOT_FIRST_REVIEWER),
        (Step.RETURN_PROPOSAL, with_decision(None), RETURN, refusals.NO_PROPOSAL),
        (
            Step.RETURN_PROPOSAL,
            with_decision(PROPOSED),
            replace(RETURN, names_live_proposal=False),
            refusals.NO_PROPOSAL,
        ),
        (
            Step.RETURN_PROPOSAL,
            with_decision(PROPOSED),
            replace(RETURN, actor="first"),
            refusals.SECOND_PERSON_REQUIRED,
        ),
        (
            Step.RETURN_PROPOSAL,
            with_decision(PROPOSED),
            replace(RETURN, reason_given=False),
            refusals.REASON_REQUIRED,
        ),
        (
            Step.SERVE_DECISION,
            with_decision(replace(PROPOSED, confirmed_by="second")),
            SERVICE,
            refusals.DECISION_NOT_CONFIRMED,
        ),
    ],
)
def test_step_of_the_review_lacks(step: Step, facts: CaseFacts, attempt: Attempt, reason: refusals.RefusalType) -> None:
    with pytest.raises(Refusal) as refused:
        take(step, facts, attempt)
    assert refused.value.reason is reason
    assert refused.value.details["satisfied_by"]


@pytest.mark.parametrize(
    ("facts", "attempt", "safeguard"),
    [
        (replace(WAITING, legal=replace(REVIEW, review_open=False)), PROPOSAL, 12),
        (WAITING, replace(PROPOSAL, actor="second"), 6),
        (with_decision(PROPOSED), PROPOSAL, 6),
        (WAITING, replace(PROPOSAL, basis_in_force=False), 10),
        (WAITING, replace(PROPOSAL, decision_written=False), 4),
        *(
            (replace(WAITING, legal=replace(REVIEW, considered=frozenset(Consideration) - {each})), PROPOSAL, 4)
            for each in Consideration
        ),
        *((replace(WAITING, open_pauses=frozenset({pause})), PROPOSAL, pause) for pause in (2, 5, 8, 9)),
        (replace(WAITING, state=CaseState.APPEALED), PROPOSAL, 5),
    ],
)
def test_adverse_proposal_lacks(facts: CaseFacts, attempt: Attempt, safeguard: int) -> None:
    assert refused_with(Step.PROPOSE_OUTCOME, facts, attempt) == safeguard


@pytest.mark.parametrize(
    ("facts", "attempt", "safeguard"),
    [
        (with_decision(None), CONFIRMATION, 12),
        (with_decision(PROPOSED), replace(CONFIRMATION, names_live_proposal=False), 12),
        (with_decision(PROPOSED), replace(CONFIRMATION, actor="first"), 6),
        (with_decision(PROPOSED), replace(CONFIRMATION, actor="opener"), 6),
        (
            replace(WAITING, legal=replace(REVIEW, decision=PROPOSED, annulled_deciders=frozenset({"second"}))),
            CONFIRMATION,
            6,
        ),
        (with_decision(replace(PROPOSED, basis_in_force=False)), CONFIRMATION, 10),
        (replace(with_decision(PROPOSED), open_pauses=frozenset({5})), CONFIRMATION, 5),
        (replace(with_decision(PROPOSED), unaccompanied_child=True), CONFIRMATION, 8),
    ],
)
def test_adverse_confirmation_lacks(facts: CaseFacts, attempt: Attempt, safeguard: int) -> None:
    assert refused_with(Step.CONFIRM_OUTCOME, facts, attempt) == safeguard


@pytest.mark.parametrize(
    ("facts", "attempt", "safeguard"),
    [
        (with_decision(PROPOSED), SERVICE, 6),
        (with_decision(replace(CONFIRMED, confirmed_by="first")), SERVICE, 6),
        (with_decision(CONFIRMED), replace(SERVICE, understood=False), 4),
        (with_decision(CONFIRMED), replace(SERVICE, interpreter=InterpreterRelation.DECIDER), 2),
        (with_decision(CONFIRMED), replace(SERVICE, interpreter=InterpreterRelation.RELATIVE), 2),
        (with_decision(replace(CONFIRMED, basis_in_force=False)), SERVICE, 10),
        (replace(with_decision(CONFIRMED), open_pauses=frozenset({9})), SERVICE, 9),
    ],
)
def test_service_lacks(facts: CaseFacts, attempt: Attempt, safeguard: int) -> None:
    assert refused_with(Step.SERVE_DECISION, facts, attempt) == safeguard


def with_served(decision: Decision) -> CaseFacts:
    return with_decision(decision, CaseState.DECISION_SERVED)


@pytest.mark.parametrize(
    ("facts", "safeguard"),
    [
        (with_served(replace(SERVED, understood=False)), 4),
        (with_served(CONFIRMED), 4),
        (with_served(replace(SERVED, confirmed_by="first")), 6),
        (with_served(replace(SERVED, confirmed_by=None)), 6),
        (with_served(replace(SERVED, basis_in_force=False)), 10),
        (with_served(replace(SERVED, window_ends_at=NOW + timedelta(microseconds=1))), 4),
        (with_served(replace(SERVED, window_ends_at=None)), 4),
        (replace(READY, legal=replace(READY.legal, appeal_lodged_by="lodger")), 5),
        (APPEALED, 5),
        *((replace(READY, open_pauses=frozenset({pause})), pause) for pause in (2, 5, 8, 9)),
        (replace(READY, unaccompanied_child=True), 8),
        (replace(READY, screenings={}), 1),
        (replace(READY, now=NOW + timedelta(days=1)), 1),
        *((replace(READY, state=state), 4) for state in (CaseState.AWAITING_LEGAL_REVIEW,)),
        *((replace(READY, state=state), 12) for state in (*VOLUNTARY_STAGE, CaseState.CLOSED, CaseState.REFERRED)),
    ],
)
def test_referral_lacks(facts: CaseFacts, safeguard: int) -> None:
    assert refused_with(Step.REFER_TO_COMPETENT_AUTHORITY, facts, REFERRAL) == safeguard


@pytest.mark.parametrize("actor", ["first", "second", "server", "lodger"])
@pytest.mark.parametrize("step", [Step.ANNUL_DECISION, Step.UPHOLD_DECISION])
def test_appeal_is_decided_by_a_person_who_had_no_part_in_it(step: Step, actor: str) -> None:
    assert refused_with(step, APPEALED, Attempt(actor=actor)) == 5


def test_an_open_pause_stops_upholding_but_never_annulling() -> None:
    for pause in (2, 5, 8, 9):
        paused = replace(APPEALED, open_pauses=frozenset({pause}))
        assert refused_with(Step.UPHOLD_DECISION, paused, DECIDER) == pause
        assert take(Step.ANNUL_DECISION, paused, DECIDER) is CaseState.AWAITING_LEGAL_REVIEW


def test_appeal_in_time_needs_nothing_and_a_late_one_a_reason() -> None:
    in_time = with_served(replace(SERVED, window_ends_at=NOW + timedelta(microseconds=1)))
    assert take(Step.LODGE_APPEAL, in_time, Attempt(actor="x")) is CaseState.APPEALED
    assert refused_with(Step.LODGE_APPEAL, READY, Attempt(actor="x")) == 5
    assert take(Step.LODGE_APPEAL, APPEALED, Attempt(actor="x")) is CaseState.APPEALED


@pytest.mark.parametrize("outcome", FAVOURABLE)
def test_favourable_outcomes_need_no_basis_text_assessment_or_clearance(outcome: ReviewOutcome) -> None:
    bare = replace(
        WAITING, open_pauses=frozenset({2, 5, 8, 9}), screenings={}, legal=replace(REVIEW, considered=frozenset())
    )
    take(Step.PROPOSE_OUTCOME, bare, Attempt(actor="first", outcome=outcome))
    proposed = replace(bare, legal=replace(bare.legal, decision=Decision(outcome, DecisionState.PROPOSED, "first")))
    take(Step.CONFIRM_OUTCOME, proposed, CONFIRMATION)


@pytest.mark.parametrize("state", sorted(LEGAL_REVIEW_STAGE))
def test_ways_out_in_favour_of_the_household_are_open_to_one_person_whatever_is_paused(state: CaseState) -> None:
    paused = replace(APPEALED, state=state, open_pauses=frozenset({2, 5, 8, 9}), unaccompanied_child=True)
    one_person = Attempt(actor="first")
    assert take(Step.RETURN_TO_VOLUNTARY_STAGE, paused, one_person) is CaseState.OPENED
    assert take(Step.CLOSE, paused, one_person) is CaseState.CLOSED


def test_every_line_of_phase_two_but_the_household_s_own_and_the_bookings_is_a_person_s() -> None:
    for line in LEGAL_REVIEW_TRANSITIONS:
        if line.step not in {Step.WITHDRAW, Step.END_BOOKING}:
            assert line.guards[0].name == "by_a_person", line


def test_referred_is_reached_by_one_line_and_left_by_none() -> None:
    [line] = [line for line in TRANSITIONS if line.target is CaseState.REFERRED]
    assert line.sources == {CaseState.DECISION_SERVED}
    assert {1, 2, 4, 5, 6, 8, 9, 10} <= {guard.safeguard for guard in line.guards}
    assert all(line.target is None for line in TRANSITIONS if CaseState.REFERRED in line.sources)
    assert CaseState.REFERRED not in OPEN_STATES


@pytest.mark.parametrize(
    ("basis", "in_force"),
    [
        (LegalBasis(date(2025, 12, 1), date(2026, 2, 1), "a", "b"), True),
        (LegalBasis(date(2026, 1, 1), date(2026, 1, 1), "a", "b"), True),
        (LegalBasis(date(2026, 1, 2), date(2026, 2, 1), "a", "b"), False),
        (LegalBasis(date(2025, 12, 1), date(2025, 12, 31), "a", "b"), False),
        (LegalBasis(date(2025, 12, 1), date(2026, 2, 1), "a"), False),
        (LegalBasis(date(2025, 12, 1), date(2026, 2, 1), "a", "a"), False),
        (LegalBasis(date(2025, 12, 1), date(2026, 2, 1), "a", "b", ended_by="c"), False),
    ],
)
def test_legal_basis_is_in_force_on_its_days_if_two_people_made_it_and_nobody_ended_it(
    basis: LegalBasis, in_force: bool
) -> None:
    assert basis.is_in_force(NOW) is in_force
    if in_force and basis.in_force_until == date(2026, 1, 1):
        evening_in_utc = datetime(2026, 1, 1, 20, 45, tzinfo=UTC)
        assert not basis.is_in_force(evening_in_utc), "it is the next day in the province already"


def test_every_refusal_of_phase_two_says_what_would_satisfy_it_in_both_languages() -> None:
    for reason in vars(refusals).values():
        if isinstance(reason, refusals.RefusalType) and reason.status == 409:
            assert reason.safeguard
            assert any(word in reason.text_en for word in ("would satisfy", "give one", "Give one")), reason.code
            assert any(word in reason.text_fa for word in ("برآورده", "بنویسید")), reason.code
