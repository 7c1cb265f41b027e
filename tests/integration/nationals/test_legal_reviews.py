"""Phase two on a real database: two people, a written decision, an appeal window, and ways back that are always open."""

import asyncio
from uuid import UUID

import pytest

from services.nationals.casework.domain import legal_review_refusals as refusals
from services.nationals.casework.domain.case_facts import InterpreterRelation, ScreeningOutcome
from services.nationals.casework.domain.legal_facts import Consideration, ReviewOutcome
from services.nationals.casework.domain.refusals import AWAITING_LEGAL_REVIEW, HUMAN_REQUIRED, SCREENING_MISSING
from services.nationals.casework.handlers import legal_bases, legal_decisions, reviews
from services.nationals.casework.handlers.legal_stage import APPEAL_REMINDER, APPEAL_WINDOW, LEGAL_REVIEW_REMINDER
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from shared.contracts.nationals import AppealDecision
from shared.contracts.refusals import Refusal, RefusalType
from shared.kit.auth import SYSTEM
from tests.integration.nationals import legal_office as legal
from tests.integration.nationals.office import Office, staff

FAVOURABLE = [outcome for outcome in ReviewOutcome if not outcome.is_adverse]


async def refuses(step: object, reason: RefusalType, safeguard: int | None = None) -> Refusal:
    """The step is refused for `reason`, with its safeguard, both languages and what would satisfy it."""
    with pytest.raises(Refusal) as refused:
        await step  # type: ignore[misc]
    assert refused.value.reason is reason, refused.value
    assert reason.safeguard == safeguard or safeguard is None
    assert reason.status == 409
    assert refused.value.details["satisfied_by"]
    assert refused.value.text("fa") != refused.value.text("en")
    return refused.value


async def waiting_rows(office: Office) -> tuple[int, int, int]:
    """(open reviews, open appeals, live decisions)."""
    row = await office.superuser.fetchrow(
        """
        SELECT (SELECT count(*) FROM casework.legal_review WHERE state = 'open') AS reviews,
               (SELECT count(*) FROM casework.appeal WHERE outcome IS NULL) AS appeals,
               (SELECT count(*) FROM casework.legal_decision WHERE state IN ('proposed', 'confirmed', 'served')) AS decisions
        """
    )
    assert row is not None
    return tuple(row)


async def test_fresh_database_refuses_the_adverse_outcome_with_safeguard_10(office: Office) -> None:
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.legal_basis") == 0, "none ships"
    case_id = await legal.lapsed(office)
    await legal.take(office, case_id)
    await legal.assess(office, case_id)
    await refuses(legal.propose(office, case_id), refusals.NO_LEGAL_BASIS, 10)
    unconfirmed = await legal.basis(office, confirmed=False)
    await refuses(legal.propose(office, case_id, basis_id=unconfirmed), refusals.NO_LEGAL_BASIS, 10)
    expired = await legal.basis(office, days=-2)
    await refuses(legal.propose(office, case_id, basis_id=expired), refusals.NO_LEGAL_BASIS, 10)
    ended = await legal.basis(office)
    settle = legal_bases.SettleLegalBasis(basis_id=ended)
    await office.run(legal_bases.end_legal_basis, settle, legal.REGISTRARS[0])
    await refuses(legal.propose(office, case_id, basis_id=ended), refusals.NO_LEGAL_BASIS, 10)
    assert await waiting_rows(office) == (1, 0, 0)


async def test_legal_basis_needs_two_registrars_and_ends_once(office: Office) -> None:
    basis_id = await legal.basis(office, confirmed=False)
    settle = legal_bases.SettleLegalBasis(basis_id=basis_id)
    for by, reason in ((legal.REGISTRARS[0], refusals.LEGAL_BASIS_SAME_PERSON), (SYSTEM, HUMAN_REQUIRED)):
        await refuses(office.run(legal_bases.confirm_legal_basis, settle, by), reason, 6)
    await office.run(legal_bases.confirm_legal_basis, settle, legal.REGISTRARS[1])
    again = office.run(legal_bases.confirm_legal_basis, settle, legal.REGISTRARS[1])
    await refuses(again, refusals.LEGAL_BASIS_CONFIRMED, 10)
    await office.run(legal_bases.end_legal_basis, settle, legal.REGISTRARS[1])
    again = office.run(legal_bases.end_legal_basis, settle, legal.REGISTRARS[1])
    await refuses(again, refusals.LEGAL_BASIS_CONFIRMED, 10)


@pytest.mark.parametrize("outcome", FAVOURABLE)
async def test_favourable_outcome_needs_no_basis_and_takes_effect_with_the_second_person(
    office: Office, outcome: ReviewOutcome
) -> None:
    case_id = await legal.lapsed(office)
    await legal.take(office, case_id)
    decision_id = await legal.propose(office, case_id, outcome, reasons=None)
    assert await office.state(case_id) == "awaiting_legal_review", "one person alone moves nothing"
    await refuses(legal.confirm(office, case_id, decision_id, legal.FIRST), refusals.SECOND_PERSON_REQUIRED, 6)
    opener = staff(subject="caseworker.one", role="legal_officer")
    await refuses(legal.confirm(office, case_id, decision_id, opener), refusals.SECOND_PERSON_REQUIRED, 6)
    confirmed = await legal.confirm(office, case_id, decision_id)
    if outcome is ReviewOutcome.RENEWED_VOLUNTARY_PERIOD:
        assert (confirmed.state, await office.state(case_id)) == ("opened", "opened")
        assert await office.armed(VOLUNTARY_PERIOD) == [str(case_id)]
        [renewed] = await office.events("VoluntaryStageRenewed")
        assert renewed["was_awaiting_legal_review"]
        await legal.lapse(office, case_id)
        assert await waiting_rows(office) == (1, 0, 0), "a second lapse has a review of its own"
    else:
        assert (confirmed.state, await office.state(case_id)) == ("closed", "closed")
        [closed] = await office.events("ReturnCaseClosed")
        assert closed["outcome"] == outcome.value
        assert await waiting_rows(office) == (0, 0, 0)
        assert await office.superuser.fetch("SELECT kind FROM timer") == []
    assert len(await office.events("LegalReviewDecided")) == 1


async def test_adverse_proposal_needs_its_own_assessment_and_text(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id = await legal.lapsed(office)
    other = await legal.lapsed(office)
    await refuses(legal.propose(office, case_id, basis_id=basis_id), refusals.NOT_FIRST_REVIEWER, 6)
    await refuses(legal.assess(office, case_id), refusals.NOT_FIRST_REVIEWER, 6)
    for each in (case_id, other):
        await legal.take(office, each)
    await legal.assess(office, other)
    refused = await refuses(legal.propose(office, case_id, basis_id=basis_id), refusals.ASSESSMENT_INCOMPLETE, 4)
    assert refused.details["missing"] == [each.value for each in Consideration], (
        "another household's counts for nothing"
    )
    partly = await legal.assess(office, case_id, considered=(Consideration.HEALTH, Consideration.CHILDREN))
    assert Consideration.PROTECTION in partly.missing
    await refuses(legal.propose(office, case_id, basis_id=basis_id), refusals.ASSESSMENT_INCOMPLETE, 4)
    await legal.assess(office, case_id)
    without_text = legal.propose(office, case_id, basis_id=basis_id, reasons=None)
    await refuses(without_text, refusals.DECISION_NOT_WRITTEN, 4)
    await refuses(legal.take(office, case_id, legal.SECOND), refusals.REVIEW_TAKEN, 6)
    await legal.take(office, case_id, legal.SECOND, in_place_of="legal.one")
    by_second = legal.propose(office, case_id, basis_id=basis_id, by=legal.SECOND)
    await refuses(by_second, refusals.ASSESSMENT_INCOMPLETE)
    await refuses(legal.propose(office, case_id, basis_id=basis_id), refusals.NOT_FIRST_REVIEWER)


async def test_second_person_returns_with_a_reason_and_names_what_was_read(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id = await legal.lapsed(office)
    await legal.take(office, case_id)
    await legal.assess(office, case_id)
    first_text = await legal.propose(office, case_id, basis_id=basis_id)
    await refuses(legal.propose(office, case_id, basis_id=basis_id), refusals.PROPOSAL_OPEN, 6)
    await refuses(legal.take(office, case_id, legal.SECOND), refusals.PROPOSAL_OPEN, 6)
    await refuses(legal.give_back(office, case_id, first_text, reason=" "), refusals.REASON_REQUIRED, 6)
    await refuses(legal.give_back(office, case_id, first_text, legal.FIRST), refusals.SECOND_PERSON_REQUIRED, 6)
    await legal.give_back(office, case_id, first_text)
    second_text = await legal.propose(office, case_id, basis_id=basis_id)
    await refuses(legal.confirm(office, case_id, first_text), refusals.NO_PROPOSAL, 12)
    await legal.confirm(office, case_id, second_text)
    await refuses(legal.confirm(office, case_id, second_text), refusals.NO_PROPOSAL, 12)
    await legal.give_back(office, case_id, second_text, legal.THIRD)
    await refuses(legal.serve(office, case_id), refusals.DECISION_NOT_CONFIRMED, 6)


async def test_service_needs_understanding_an_independent_interpreter_and_the_basis(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id, decision_id = await legal.decided(office, basis_id)
    await refuses(legal.refer(office, case_id), AWAITING_LEGAL_REVIEW, 4)
    await refuses(legal.serve(office, case_id, understood=False), refusals.NOT_UNDERSTOOD, 4)
    for relation in (InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER):
        with pytest.raises(Refusal) as refused:
            await legal.serve(office, case_id, interpreter=relation)
        assert refused.value.reason.safeguard == 2
    await refuses(legal.serve(office, case_id, SYSTEM), HUMAN_REQUIRED, 6)
    served = await legal.serve(office, case_id)
    assert (served.state, served.decision_id) == ("decision_served", decision_id)
    assert await office.armed(APPEAL_WINDOW) == [str(decision_id)]
    assert await office.armed(LEGAL_REVIEW_REMINDER) == []
    [event] = await office.events("LegalDecisionServed")
    assert event.keys() - {"type", "sequence"} == {"case_id", "county", "appeal_window_ends_at"}
    other, _ = await legal.decided(office, basis_id)
    settle = legal_bases.SettleLegalBasis(basis_id=basis_id)
    await office.run(legal_bases.end_legal_basis, settle, legal.REGISTRARS[0])
    await refuses(legal.serve(office, other), refusals.NO_LEGAL_BASIS, 10)
    assert await office.state(other) == "awaiting_legal_review"


async def test_end_of_window_tells_and_changes_nothing(office: Office) -> None:
    case_id, decision_id = await legal.served(office)
    refused = await refuses(legal.refer(office, case_id), refusals.WINDOW_RUNNING, 4)
    assert refused.details["window_ends_at"]
    before = await office.superuser.fetch("SELECT * FROM casework.return_case")
    fence = await office.superuser.fetchval("SELECT window_fence FROM casework.legal_decision")
    events = await office.events()
    for wrong in (fence - 1, fence + 1):
        await office.as_worker(legal_decisions.tell_end_of_appeal_window, decision_id, wrong)
    await office.as_worker(legal_decisions.tell_end_of_appeal_window, case_id, fence)
    await office.as_worker(reviews.open_legal_review, legal.review_requested(case_id))
    await office.as_worker(reviews.lapse_voluntary_period, case_id, fence)
    assert await office.events() == events
    await office.fire(APPEAL_WINDOW, decision_id)
    assert len(await office.events("AppealWindowEnded")) == 1
    assert await office.superuser.fetch("SELECT * FROM casework.return_case") == before
    assert (await waiting_rows(office))[0] == 0, "a repeated request opens no review of a decided case"
    referred = await legal.refer(office, case_id)
    assert referred.state == "referred"
    [event] = await office.events("ReturnCaseReferred")
    assert event.keys() - {"type", "sequence"} == {"case_id", "county"}
    assert await office.superuser.fetch("SELECT kind FROM timer") == []


@pytest.mark.parametrize("late", [False, True])
async def test_appeal_suspends_everything_whenever_it_is_lodged(office: Office, late: bool) -> None:
    case_id, decision_id = await legal.served(office, window_ended=late)
    if late:
        await refuses(legal.appeal(office, case_id), refusals.LATE_NEEDS_REASON, 5)
    lodged = await legal.appeal(office, case_id, "was in hospital" if late else None)
    assert (lodged.state, lodged.recorded) == ("appealed", True)
    assert not (await legal.appeal(office, case_id)).recorded
    assert await office.armed(APPEAL_WINDOW) == []
    for step in (legal.refer(office, case_id), legal.serve(office, case_id), legal.take(office, case_id)):
        await refuses(step, refusals.APPEAL_OPEN, 5)
    for by in (legal.FIRST, legal.SECOND, staff()):
        step = legal.decide(office, case_id, AppealDecision.UPHELD, by)
        await refuses(step, refusals.APPEAL_OFFICER_NOT_DIFFERENT, 5)
    upheld = await legal.decide(office, case_id, AppealDecision.UPHELD)
    assert upheld.state == "decision_served"
    assert await office.armed(APPEAL_WINDOW) == [str(decision_id)], "a fresh notice period"
    await refuses(legal.refer(office, case_id), refusals.WINDOW_RUNNING, 4)
    await legal.appeal(office, case_id)
    await legal.decide(office, case_id, AppealDecision.UPHELD)
    await office.fire(APPEAL_WINDOW, decision_id)
    assert (await legal.refer(office, case_id)).state == "referred"
    assert "hospital" not in str(await office.events())


async def test_annulled_decision_is_reviewed_by_two_others(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id, _ = await legal.served(office, basis_id)
    await legal.appeal(office, case_id)
    annulled = await legal.decide(office, case_id, AppealDecision.ANNULLED)
    assert annulled.state == "awaiting_legal_review"
    requested = await office.events("PhaseTwoReviewRequested")
    assert len(requested) == 2, "the second one asks for the new review"
    for _ in range(2):
        await office.as_worker(reviews.open_legal_review, legal.review_requested(case_id))
    assert await waiting_rows(office) == (1, 0, 0)
    for by in (legal.FIRST, legal.SECOND):
        await refuses(legal.take(office, case_id, by), refusals.DECIDED_BEFORE, 6)
    await legal.take(office, case_id, legal.THIRD)
    unassessed = legal.propose(office, case_id, basis_id=basis_id, by=legal.THIRD)
    await refuses(unassessed, refusals.ASSESSMENT_INCOMPLETE)
    await legal.assess(office, case_id, legal.THIRD)
    decision_id = await legal.propose(office, case_id, basis_id=basis_id, by=legal.THIRD)
    await refuses(legal.confirm(office, case_id, decision_id, legal.FIRST), refusals.DECIDED_BEFORE, 6)
    await legal.confirm(office, case_id, decision_id, legal.FOURTH)
    await legal.serve(office, case_id)
    assert await office.state(case_id) == "decision_served"


async def test_appeal_is_chased_and_nothing_happens_to_the_case(office: Office) -> None:
    case_id, _ = await legal.served(office)
    lodged = await legal.appeal(office, case_id)
    for reminder in (1, 2, 3):
        await office.fire(APPEAL_REMINDER, lodged.appeal_id)
        overdue = await office.events("AppealOverdue")
        assert [event["reminder"] for event in overdue] == list(range(1, reminder + 1))
    assert overdue[-1]["next_review_by"] is None
    assert await office.armed(APPEAL_REMINDER) == []
    assert await office.state(case_id) == "appealed"


@pytest.mark.parametrize("stage", ["awaiting_legal_review", "decision_served", "appealed"])
async def test_way_back_and_closure_are_open_from_every_state(office: Office, stage: str) -> None:
    cases: list[UUID] = []
    basis_id = await legal.basis(office)
    for _ in range(2):
        case_id, _ = await (legal.decided if stage == "awaiting_legal_review" else legal.served)(office, basis_id)
        if stage == "appealed":
            await legal.appeal(office, case_id)
        assert await office.state(case_id) == stage
        cases.append(case_id)
    await office.screen(cases[0], outcome=ScreeningOutcome.PROTECTION_NEED)
    with pytest.raises(Refusal) as refused:
        await legal.go_back(office, cases[0], SYSTEM)
    assert refused.value.reason is HUMAN_REQUIRED
    await legal.go_back(office, cases[0])
    legal_close = legal.legal_reviews.close_case
    command = legal.legal_reviews.CloseCase(case_id=cases[1], outcome=legal.legal_reviews.CaseOutcome.REGULARISED)
    await office.run(legal_close, command)
    assert [await office.state(case_id) for case_id in cases] == ["opened", "closed"]
    assert await waiting_rows(office) == (0, 0, 0), "what was open in phase two ended with it"
    for kind in (APPEAL_WINDOW, APPEAL_REMINDER, LEGAL_REVIEW_REMINDER):
        assert await office.armed(kind) == []


async def test_new_protection_claim_suspends_every_step_towards_referral(office: Office) -> None:
    basis_id = await legal.basis(office)
    served, _ = await legal.served(office, basis_id, window_ended=True)
    confirmed, _ = await legal.decided(office, basis_id)
    appealed, _ = await legal.served(office, basis_id)
    await legal.appeal(office, appealed)
    proposed = await legal.lapsed(office)
    await legal.take(office, proposed)
    await legal.assess(office, proposed)
    decision_id = await legal.propose(office, proposed, basis_id=basis_id)
    for case_id in (served, confirmed, appealed, proposed):
        await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    for step in (
        legal.refer(office, served),
        legal.serve(office, confirmed),
        legal.decide(office, appealed, AppealDecision.UPHELD),
        legal.confirm(office, proposed, decision_id),
    ):
        with pytest.raises(Refusal) as refused:
            await step
        assert refused.value.reason.safeguard == 5
    await legal.appeal(office, served, "a new claim")
    assert (await legal.decide(office, appealed, AppealDecision.ANNULLED)).state == "awaiting_legal_review"


async def test_referral_needs_an_unexpired_screening_and_a_person(office: Office) -> None:
    case_id, _ = await legal.served(office, window_ended=True)
    await refuses(legal.refer(office, case_id, SYSTEM), HUMAN_REQUIRED, 6)
    await office.superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '31 days', valid_until = now() - interval '1 second'"
    )
    await refuses(legal.refer(office, case_id), SCREENING_MISSING, 1)
    await office.screen(case_id)
    assert (await legal.refer(office, case_id)).state == "referred"
    withdrawn = await office.withdraw(case_id)
    assert (withdrawn.state, withdrawn.recorded) == ("referred", False)
    with pytest.raises(Refusal) as refused:
        await office.screen(case_id)
    assert refused.value.reason.safeguard == 12


async def test_two_officers_at_once_take_and_confirm_once(office: Office) -> None:
    case_id = await legal.lapsed(office)
    takers = (legal.FIRST, legal.SECOND)
    results = await asyncio.gather(*(legal.take(office, case_id, by) for by in takers), return_exceptions=True)
    [refused] = [result for result in results if isinstance(result, Refusal)]
    assert refused.reason is refusals.REVIEW_TAKEN
    [first] = [by for by, result in zip(takers, results, strict=True) if not isinstance(result, Refusal)]
    decision_id = await legal.propose(office, case_id, ReviewOutcome.REGULARISED, by=first)
    results = await asyncio.gather(
        *(legal.confirm(office, case_id, decision_id, by) for by in (legal.THIRD, legal.FOURTH)), return_exceptions=True
    )
    assert sum(isinstance(result, Refusal) for result in results) == 1
    assert await office.state(case_id) == "closed"
    assert len(await office.events("LegalReviewDecided")) == len(await office.events("ReturnCaseClosed")) == 1


async def test_appeal_and_referral_at_once_one_wins_and_the_other_is_told(office: Office) -> None:
    basis_id = await legal.basis(office)
    for _ in range(4):
        case_id, _ = await legal.served(office, basis_id, window_ended=True)
        results = await asyncio.gather(
            legal.refer(office, case_id), legal.appeal(office, case_id, "late"), return_exceptions=True
        )
        refused = [result for result in results if isinstance(result, BaseException)]
        assert len(refused) == 1
        assert isinstance(refused[0], Refusal)
        assert refused[0].reason.safeguard in {5, 12}
        assert await office.state(case_id) in {"referred", "appealed"}
