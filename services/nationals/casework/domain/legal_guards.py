"""The guards of phase two: each says what it requires and names the safeguard it serves.

The same guards stand a second time in PostgreSQL (``schema/01021_legal_review_guards.sql`` and ``01022_legal_stage_guards.sql``).
"""

from dataclasses import replace

from pydantic import JsonValue

from services.nationals.casework.domain import legal_review_refusals as refusals
from services.nationals.casework.domain.case_facts import Attempt, CaseFacts
from services.nationals.casework.domain.legal_facts import Consideration, DecisionState
from services.nationals.casework.domain.steps import Guard

_Details = dict[str, JsonValue] | None


def if_adverse(guard: Guard) -> Guard:
    """`guard`, for the outcome "refer to the competent authority" only: favourable outcomes are always open (safeguard 10)."""

    def fails(facts: CaseFacts, attempt: Attempt) -> _Details:
        decision = facts.legal.decision
        outcome = attempt.outcome or (decision.outcome if decision else None)
        return guard.fails(facts, attempt) if outcome is not None and outcome.is_adverse else None

    return replace(
        guard,
        name=f"{guard.name}_if_adverse",
        requires=f'For the outcome "refer to the competent authority" only: {guard.requires}',
        fails=fails,
    )


def _no_review(facts: CaseFacts, _: Attempt) -> _Details:
    return None if facts.legal.review_open else {"satisfied_by": "an_open_legal_review"}


def _other_proposal(facts: CaseFacts, _: Attempt) -> _Details:
    return {"satisfied_by": "return_of_the_proposal"} if facts.legal.decision else None


def _taken(facts: CaseFacts, attempt: Attempt) -> _Details:
    reviewer = facts.legal.first_reviewer
    if reviewer in {None, attempt.actor, attempt.in_place_of}:
        return None
    return {"satisfied_by": "naming_the_colleague_who_is_relieved"}


def _decided_before(facts: CaseFacts, attempt: Attempt) -> _Details:
    return {"satisfied_by": "another_legal_officer"} if attempt.actor in facts.legal.annulled_deciders else None


def _not_first_reviewer(facts: CaseFacts, attempt: Attempt) -> _Details:
    return None if facts.legal.first_reviewer == attempt.actor else {"satisfied_by": "taking_the_review"}


def _unassessed(facts: CaseFacts, _: Attempt) -> _Details:
    missing: list[JsonValue] = [each.value for each in Consideration if each not in facts.legal.considered]
    return {"missing": missing, "satisfied_by": "assessment_of_this_household"} if missing else None


def _unwritten(_: CaseFacts, attempt: Attempt) -> _Details:
    return None if attempt.decision_written else {"satisfied_by": "individual_written_decision"}


def _no_basis(facts: CaseFacts, attempt: Attempt) -> _Details:
    decision = facts.legal.decision
    in_force = decision.basis_in_force if decision else attempt.basis_in_force
    return None if in_force else {"satisfied_by": "legal_basis_record_in_force"}


def _not_proposed(facts: CaseFacts, attempt: Attempt) -> _Details:
    if facts.legal.decision and attempt.names_live_proposal:
        return None
    return {"satisfied_by": "the_open_proposal"}


def _not_second(facts: CaseFacts, attempt: Attempt) -> _Details:
    decision = facts.legal.decision
    if decision and attempt.actor not in {decision.proposed_by, facts.legal.opened_by}:
        return None
    return {"satisfied_by": "another_legal_officer"}


def _no_reason(_: CaseFacts, attempt: Attempt) -> _Details:
    return None if attempt.reason_given else {"satisfied_by": "reason"}


def _unconfirmed(facts: CaseFacts, _: Attempt) -> _Details:
    decision = facts.legal.decision
    if decision and decision.state is DecisionState.CONFIRMED:
        return None
    return {"satisfied_by": "confirmation_by_a_second_legal_officer"}


def _one_person(facts: CaseFacts, _: Attempt) -> _Details:
    decision = facts.legal.decision
    if decision and decision.confirmed_by and decision.confirmed_by != decision.proposed_by:
        return None
    return {"satisfied_by": "confirmation_by_a_second_legal_officer"}


def _not_understood(_: CaseFacts, attempt: Attempt) -> _Details:
    return None if attempt.understood else {"satisfied_by": "service_that_the_household_understands"}


def _unserved(facts: CaseFacts, _: Attempt) -> _Details:
    decision = facts.legal.decision
    if decision and decision.state is DecisionState.SERVED and decision.understood:
        return None
    return {"satisfied_by": "service_that_the_household_understands"}


def _window_running(facts: CaseFacts, _: Attempt) -> _Details:
    ends_at = facts.legal.decision.window_ends_at if facts.legal.decision else None
    if ends_at is None:
        return {"window_ends_at": None, "satisfied_by": "service_that_the_household_understands"}
    if facts.now >= ends_at:
        return None
    return {"window_ends_at": ends_at.isoformat(), "satisfied_by": "the_end_of_the_appeal_window"}


def _appeal_open(facts: CaseFacts, _: Attempt) -> _Details:
    return {"satisfied_by": "the_outcome_of_the_appeal"} if facts.legal.appeal_lodged_by else None


def _late_without_reason(facts: CaseFacts, attempt: Attempt) -> _Details:
    if attempt.reason_given or _window_running(facts, attempt) is not None:
        return None
    return {"satisfied_by": "reason"}


def _same_appeal_officer(facts: CaseFacts, attempt: Attempt) -> _Details:
    decision = facts.legal.decision
    involved = {decision.proposed_by, decision.confirmed_by, decision.served_by} if decision else set[str | None]()
    if attempt.actor in involved | {facts.legal.appeal_lodged_by}:
        return {"satisfied_by": "another_appeal_officer"}
    return None


REVIEW_OPEN = Guard(
    "review_is_open",
    "The case's legal review is open in the legal office's queue.",
    refusals.REVIEW_NOT_OPEN,
    _no_review,
)
NO_OTHER_PROPOSAL = Guard(
    "no_other_proposal",
    "No outcome is proposed or confirmed in the review.",
    refusals.PROPOSAL_OPEN,
    _other_proposal,
)
NOT_TAKEN = Guard(
    "review_is_not_taken",
    "No colleague has taken the review, or the colleague who is relieved of it is named.",
    refusals.REVIEW_TAKEN,
    _taken,
)
NOT_DECIDED_BEFORE = Guard(
    "not_decided_before",
    "After an appeal annulled a decision, two others review the case: neither who proposed it nor who confirmed it.",
    refusals.DECIDED_BEFORE,
    _decided_before,
)
FIRST_REVIEWER = Guard(
    "by_the_first_reviewer",
    "The legal officer who took the review takes the step.",
    refusals.NOT_FIRST_REVIEWER,
    _not_first_reviewer,
)
ASSESSED = Guard(
    "household_is_assessed",
    "The first reviewer's assessment of this household looked at every consideration of the closed list: "
    + ", ".join(each.value.replace("_", " ") for each in Consideration)
    + ".",
    refusals.ASSESSMENT_INCOMPLETE,
    _unassessed,
)
WRITTEN = Guard(
    "decision_is_written",
    "The decision is individual and in writing, with reasons, its legal basis and appeal instructions.",
    refusals.DECISION_NOT_WRITTEN,
    _unwritten,
)
LEGAL_BASIS = Guard(
    "legal_basis_in_force",
    "A dated legal-basis record that two people of the legal office entered and confirmed is in force today.",
    refusals.NO_LEGAL_BASIS,
    _no_basis,
)
PROPOSED = Guard(
    "proposal_is_open",
    "The step names the proposal that is open in the review now.",
    refusals.NO_PROPOSAL,
    _not_proposed,
)
SECOND_PERSON = Guard(
    "by_a_second_person",
    "A legal officer who neither proposed the outcome nor opened the case takes the step.",
    refusals.SECOND_PERSON_REQUIRED,
    _not_second,
)
REASON = Guard("with_a_reason", "A reason is given.", refusals.REASON_REQUIRED, _no_reason)
CONFIRMED = Guard(
    "decision_is_confirmed",
    "The decision that is served was proposed by one person and confirmed by another.",
    refusals.DECISION_NOT_CONFIRMED,
    _unconfirmed,
)
TWO_PEOPLE = Guard(
    "decided_by_two_people",
    "Two different people approved the decision.",
    refusals.DECISION_NOT_CONFIRMED,
    _one_person,
)
UNDERSTOOD = Guard(
    "household_understood",
    "The household confirms that it understood the decision, served in a language that it understands.",
    refusals.NOT_UNDERSTOOD,
    _not_understood,
)
SERVED = Guard(
    "decision_is_served",
    "An individual written decision was served and understood.",
    refusals.DECISION_NOT_SERVED,
    _unserved,
)
WINDOW_ENDED = Guard(
    "appeal_window_ended",
    "The appeal window has ended on the database's clock.",
    refusals.WINDOW_RUNNING,
    _window_running,
)
NO_APPEAL = Guard("no_open_appeal", "No appeal is open.", refusals.APPEAL_OPEN, _appeal_open)
LATE_WITH_REASON = Guard(
    "late_with_a_reason",
    "While the appeal window runs nothing more is asked; afterwards a reason is given, and the appeal suspends as well.",
    refusals.LATE_NEEDS_REASON,
    _late_without_reason,
)
DIFFERENT_APPEAL_OFFICER = Guard(
    "appeal_decided_by_another",
    "The appeal is decided by a person who neither proposed, confirmed nor served the decision, nor lodged the appeal.",
    refusals.APPEAL_OFFICER_NOT_DIFFERENT,
    _same_appeal_officer,
)
