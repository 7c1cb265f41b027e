"""For each guard of the domain a household that lacks nothing but what this guard asks for: the pure half of
the mutants' proof.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.nationals.casework.domain import case_machine
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
from services.nationals.casework.domain.legal_facts import (
    Consideration,
    Decision,
    DecisionState,
    LegalFacts,
    ReviewOutcome,
)
from services.nationals.casework.domain.steps import Guard, Transition
from shared.contracts.refusals import Refusal, RefusalType

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CONSENT = Consent("fa", 1, InterpreterRelation.PROFESSIONAL, given_freely=True, sign_of_pressure=False)
DECISION = Decision(
    outcome=ReviewOutcome.REFER_TO_COMPETENT_AUTHORITY,
    state=DecisionState.PROPOSED,
    proposed_by="first",
    confirmed_by="second",
    served_by="server",
    understood=True,
    basis_in_force=True,
    window_ends_at=NOW - DAY,
)
LEGAL = LegalFacts(
    opened_by="opener",
    review_open=True,
    first_reviewer="actor",
    considered=frozenset(Consideration),
    decision=DECISION,
)
FACTS = CaseFacts(
    state=CaseState.OPENED,
    household_size=2,
    unaccompanied_child=False,
    now=NOW,
    information=Information("fa", 1),
    consent=CONSENT,
    screenings={person: Screening(ScreeningOutcome.CLEAR, NOW + DAY) for person in (1, 2)},
    adults=2,
    heard_privately=frozenset({1, 2}),
    reconfirmed_until=NOW + DAY,
    legal=LEGAL,
)
ATTEMPT = Attempt(
    interpreter=InterpreterRelation.PROFESSIONAL,
    consent=CONSENT,
    language="fa",
    places=2,
    timer_is_current=True,
    actor="actor",
    outcome=ReviewOutcome.REFER_TO_COMPETENT_AUTHORITY,
    basis_in_force=True,
    decision_written=True,
    names_live_proposal=True,
    reason_given=True,
    understood=True,
)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What is changed of `FACTS`, of its decision and legal facts, and of `ATTEMPT`."""

    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    legal: Mapping[str, Any] = field(default_factory=dict[str, Any])
    decision: Mapping[str, Any] = field(default_factory=dict[str, Any])
    attempt: Mapping[str, Any] = field(default_factory=dict[str, Any])


SPOILED: Mapping[str, Spoiled] = {
    "by_a_person": Spoiled(attempt={"by_human": False}),
    "everyone_screened": Spoiled({"screenings": {1: Screening(ScreeningOutcome.CLEAR, NOW + DAY)}}),
    "consent_is_informed": Spoiled(attempt={"consent": replace(CONSENT, information_version=2)}),
    "interpreter_is_independent": Spoiled(attempt={"interpreter": InterpreterRelation.RELATIVE}),
    "consent_is_free": Spoiled(attempt={"consent": replace(CONSENT, given_freely=False)}),
    "consent_in_force": Spoiled({"consent": replace(CONSENT, sign_of_pressure=True)}),
    "no_sign_of_pressure": Spoiled({"open_pauses": frozenset({2})}),
    "no_protection_claim": Spoiled({"open_pauses": frozenset({5})}),
    "no_protected_request": Spoiled({"open_pauses": frozenset({7})}),
    "unaccompanied_child_is_protected": Spoiled({"unaccompanied_child": True}),
    "no_open_flag": Spoiled({"open_pauses": frozenset({9})}),
    "adults_heard_privately": Spoiled({"heard_privately": frozenset({1})}),
    "consent_is_reconfirmed": Spoiled({"reconfirmed_until": NOW}),
    "reconfirmed_in_same_language": Spoiled(attempt={"language": "en"}),
    "not_on_its_way": Spoiled({"has_booking": True}),
    "whole_household": Spoiled(attempt={"places": 1}),
    "one_booking": Spoiled({"has_booking": True}),
    "timer_is_current": Spoiled(attempt={"timer_is_current": False}),
    "withdrawn_first": Spoiled(attempt={"closes_as_withdrawn": True}),
    "review_is_open": Spoiled(legal={"review_open": False}),
    "no_other_proposal": Spoiled(decision={"state": DecisionState.PROPOSED}),
    "review_is_not_taken": Spoiled(legal={"first_reviewer": "another"}),
    "not_decided_before": Spoiled(legal={"annulled_deciders": frozenset({"actor"})}),
    "by_the_first_reviewer": Spoiled(legal={"first_reviewer": "another"}),
    "household_is_assessed": Spoiled(legal={"considered": frozenset({Consideration.HEALTH})}),
    "decision_is_written": Spoiled(attempt={"decision_written": False}),
    "legal_basis_in_force": Spoiled(decision={"basis_in_force": False}, attempt={"basis_in_force": False}),
    "proposal_is_open": Spoiled(attempt={"names_live_proposal": False}),
    "by_a_second_person": Spoiled(attempt={"actor": "first"}),
    "with_a_reason": Spoiled(attempt={"reason_given": False}),
    "decision_is_confirmed": Spoiled(decision={"state": DecisionState.PROPOSED}),
    "decided_by_two_people": Spoiled(decision={"confirmed_by": "first"}),
    "household_understood": Spoiled(attempt={"understood": False}),
    "decision_is_served": Spoiled(decision={"understood": False}),
    "appeal_window_ended": Spoiled(decision={"window_ends_at": NOW + DAY}),
    "no_open_appeal": Spoiled(legal={"appeal_lodged_by": "somebody"}),
    "late_with_a_reason": Spoiled(attempt={"reason_given": False}),
    "appeal_decided_by_another": Spoiled(attempt={"actor": "first"}),
}
"""By the guard's name."""
_STATE_OF_DECISION = {"decision_is_confirmed": DecisionState.CONFIRMED, "decision_is_served": DecisionState.SERVED}


def refusal_of_spoiled(line: Transition, guard: Guard, table: tuple[Transition, ...]) -> RefusalType | None:
    """What `table` says to the step of `line` by the household that lacks only what `guard` asks for; None: it may."""
    spoiled = SPOILED[guard.name.removesuffix("_if_adverse")]
    names = {each.name for each in line.guards}
    decision = DECISION
    for name, state in _STATE_OF_DECISION.items():
        if name in names:
            decision = replace(decision, state=state)
    legal = replace(LEGAL, decision=replace(decision, **spoiled.decision))
    if "no_other_proposal" in names and guard.name != "no_other_proposal":
        legal = replace(legal, decision=None)
    facts = FACTS if "not_on_its_way" not in names else replace(FACTS, reconfirmed_until=None)
    facts = replace(facts, state=min(line.sources), legal=replace(legal, **spoiled.legal), **spoiled.facts)
    before, case_machine.TRANSITIONS = case_machine.TRANSITIONS, table
    try:
        case_machine.take(line.step, facts, replace(ATTEMPT, **spoiled.attempt))
    except Refusal as refusal:
        return refusal.reason
    finally:
        case_machine.TRANSITIONS = before
    return None
