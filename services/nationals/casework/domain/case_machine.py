"""The life of a voluntary-return case, written to be read by a lawyer: one table, `TRANSITIONS`, says everything.

Each line says which step leads from which states to which state, and which guards must hold; each guard names the
safeguard it serves. The same guards stand a second time in PostgreSQL (``schema/01002_casework_guards.sql``).

There is no step that decides against anybody: the lapse of the voluntary period asks people for a legal review, and a
case ends only as not viable, regularised, referred for protection, or withdrawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.case_facts import INDEPENDENT_INTERPRETERS, Attempt, CaseFacts, CaseState
from shared.contracts.refusals import Refusal, RefusalType


class Step(StrEnum):
    GIVE_INFORMATION = "give_information"
    SCREEN_PERSON = "screen_person"
    RECORD_CONSENT = "record_consent"
    RECORD_PRESSURE = "record_pressure"
    BOOK_PLACES = "book_places"
    END_BOOKING = "end_booking"
    WITHDRAW = "withdraw"
    LAPSE_VOLUNTARY_PERIOD = "lapse_voluntary_period"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a step. `fails` returns None when it holds, else the details that say what is missing."""

    name: str
    requires: str
    refusal: RefusalType
    fails: Callable[[CaseFacts, Attempt], dict[str, JsonValue] | None]

    @property
    def safeguard(self) -> int:
        return self.refusal.safeguard or 0


@dataclass(frozen=True, slots=True)
class Transition:
    """`step` leads from each state in `sources` to `target` (None: the state stays) if every guard holds."""

    step: Step
    sources: frozenset[CaseState]
    target: CaseState | None
    guards: tuple[Guard, ...] = ()


def _unscreened(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    persons: list[JsonValue] = [
        person
        for person in range(1, facts.household_size + 1)
        if person not in facts.screenings or facts.screenings[person].valid_until <= facts.now
    ]
    return {"persons": persons, "satisfied_by": "screening_of_each_person"} if persons else None


def _not_informed(facts: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if attempt.consent is not None and attempt.consent.covers(facts.information):
        return None
    return {"satisfied_by": "information_session_in_same_language_and_version"}


def _dependent_interpreter(_: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if attempt.interpreter in INDEPENDENT_INTERPRETERS:
        return None
    return {"satisfied_by": "independent_interpreter"}


def _not_free(_: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if attempt.consent is not None and attempt.consent.is_free:
        return None
    return {"satisfied_by": "free_consent"}


def _no_consent_in_force(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    consent = facts.consent
    if consent is not None and consent.is_free and consent.covers(facts.information):
        return None
    return {"satisfied_by": "free_informed_consent"}


def _paused_by(*safeguards: int) -> Callable[[CaseFacts, Attempt], dict[str, JsonValue] | None]:
    def fails(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
        return {"satisfied_by": "review_of_the_pause"} if facts.open_pauses & set(safeguards) else None

    return fails


def _unaccompanied(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    if facts.unaccompanied_child or 8 in facts.open_pauses:
        return {"satisfied_by": "guardian_best_interests_record_and_verified_reception"}
    return None


def _not_whole(facts: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if attempt.places == facts.household_size:
        return None
    return {"size": facts.household_size, "places": attempt.places, "satisfied_by": "a_place_for_every_person"}


def _already_booked(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    return {"satisfied_by": "release_of_the_booking"} if facts.has_booking else None


def _stale_timer(_: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    return None if attempt.timer_is_current else {"satisfied_by": "the_running_timer"}


def _not_withdrawn(facts: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if attempt.closes_as_withdrawn and facts.state is not CaseState.WITHDRAWN:
        return {"satisfied_by": "withdrawal"}
    return None


def _not_human(_: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    return None if attempt.by_human else {"satisfied_by": "a_person"}


HUMAN = Guard("by_a_person", "A person takes the step, never a service account.", refusals.HUMAN_REQUIRED, _not_human)
SCREENED = Guard(
    "everyone_screened",
    "Every person of the household has an unexpired protection screening.",
    refusals.SCREENING_MISSING,
    _unscreened,
)
INFORMED = Guard(
    "consent_is_informed",
    "The consent names the language and version of the latest information session.",
    refusals.INFORMATION_MISSING,
    _not_informed,
)
INDEPENDENT = Guard(
    "interpreter_is_independent",
    "The interpreter is neither a relative nor the one who decides.",
    refusals.INTERPRETER_NOT_INDEPENDENT,
    _dependent_interpreter,
)
FREE = Guard("consent_is_free", "The consent is given freely, without pressure.", refusals.PRESSURE_RECORDED, _not_free)
CONSENTED = Guard(
    "consent_in_force",
    "A free, informed, unwithdrawn consent covers the latest information.",
    refusals.CONSENT_MISSING,
    _no_consent_in_force,
)
NO_PRESSURE = Guard(
    "no_sign_of_pressure", "No sign of pressure is recorded.", refusals.PRESSURE_RECORDED, _paused_by(2)
)
NO_PROTECTION_CLAIM = Guard(
    "no_protection_claim", "No protection claim is open.", refusals.PROTECTION_CLAIM_OPEN, _paused_by(5)
)
NO_UNACCOMPANIED_CHILD = Guard(
    "no_unaccompanied_child",
    "No child is unaccompanied (its guardian, best-interests record and reception cannot be recorded yet).",
    refusals.UNACCOMPANIED_CHILD,
    _unaccompanied,
)
NO_FLAG = Guard("no_open_flag", "No medical or vulnerability flag is open.", refusals.FLAG_OPEN, _paused_by(9))
WHOLE = Guard(
    "whole_household", "There is exactly one place for every person.", refusals.HOUSEHOLD_NOT_WHOLE, _not_whole
)
NOT_BOOKED = Guard(
    "one_booking", "The household holds no other booking.", refusals.HOUSEHOLD_ALREADY_BOOKED, _already_booked
)
TIMER = Guard(
    "timer_is_current",
    "The case's own running timer is due on the database's clock; a late or repeated one changes nothing.",
    refusals.TIMER_NOT_CURRENT,
    _stale_timer,
)
WITHDRAWN_FIRST = Guard(
    "withdrawn_first",
    "A case closes as withdrawn only after the household withdrew.",
    refusals.CLOSURE_NEEDS_WITHDRAWAL,
    _not_withdrawn,
)
NO_PAUSE = (NO_PRESSURE, NO_PROTECTION_CLAIM, NO_UNACCOMPANIED_CHILD, NO_FLAG)

S = CaseState
VOLUNTARY_STAGE = frozenset({S.OPENED, S.INFORMED, S.CONSENTED, S.BOOKED, S.WITHDRAWN})
OPEN_STATES = VOLUNTARY_STAGE | {S.AWAITING_LEGAL_REVIEW}

TRANSITIONS: tuple[Transition, ...] = (
    Transition(Step.GIVE_INFORMATION, frozenset({S.OPENED, S.INFORMED, S.WITHDRAWN}), S.INFORMED, (HUMAN, INDEPENDENT)),
    Transition(
        Step.GIVE_INFORMATION, frozenset({S.CONSENTED, S.BOOKED, S.AWAITING_LEGAL_REVIEW}), None, (HUMAN, INDEPENDENT)
    ),
    Transition(Step.SCREEN_PERSON, OPEN_STATES, None, (HUMAN,)),
    Transition(
        Step.RECORD_CONSENT,
        frozenset({S.INFORMED, S.CONSENTED, S.WITHDRAWN}),
        S.CONSENTED,
        (HUMAN, INDEPENDENT, INFORMED, FREE, *NO_PAUSE),
    ),
    Transition(Step.RECORD_CONSENT, frozenset({S.BOOKED}), None, (HUMAN, INDEPENDENT, INFORMED, FREE, *NO_PAUSE)),
    Transition(Step.RECORD_PRESSURE, frozenset({S.CONSENTED, S.BOOKED}), S.INFORMED, (HUMAN,)),
    Transition(
        Step.RECORD_PRESSURE, frozenset({S.OPENED, S.INFORMED, S.WITHDRAWN, S.AWAITING_LEGAL_REVIEW}), None, (HUMAN,)
    ),
    Transition(
        Step.BOOK_PLACES,
        frozenset({S.CONSENTED}),
        S.BOOKED,
        (HUMAN, *NO_PAUSE, SCREENED, CONSENTED, WHOLE, NOT_BOOKED),
    ),
    Transition(Step.END_BOOKING, frozenset({S.BOOKED}), S.CONSENTED),
    Transition(Step.END_BOOKING, frozenset({S.AWAITING_LEGAL_REVIEW}), None),
    Transition(Step.WITHDRAW, VOLUNTARY_STAGE, S.WITHDRAWN),
    Transition(Step.WITHDRAW, frozenset({S.AWAITING_LEGAL_REVIEW, S.CLOSED}), None),
    Transition(Step.LAPSE_VOLUNTARY_PERIOD, VOLUNTARY_STAGE, S.AWAITING_LEGAL_REVIEW, (TIMER, *NO_PAUSE)),
    Transition(Step.CLOSE, OPEN_STATES, S.CLOSED, (HUMAN, WITHDRAWN_FIRST)),
)
"""Withdrawal has no guard at all: it succeeds from every state before departure (safeguard 3), in a closed case it changes
nothing, and during a legal review it releases the booking but leaves the review to people. A withdrawn household may be
informed and consent anew, or have its case closed. While a pause is open the voluntary period does not lapse (safeguards 5, 9).
"""


def take(step: Step, facts: CaseFacts, attempt: Attempt | None = None) -> CaseState:
    """The state after `step`. Raises Refusal, naming the first guard that fails, or the state that does not allow it."""
    attempt = attempt or Attempt()
    lines = [line for line in TRANSITIONS if line.step is step]
    if facts.state is CaseState.CLOSED and not any(CaseState.CLOSED in line.sources for line in lines):
        raise Refusal(refusals.CASE_CLOSED, satisfied_by="a_new_case")
    line = next((line for line in lines if facts.state in line.sources), None)
    if line is None and facts.state is CaseState.AWAITING_LEGAL_REVIEW:
        raise Refusal(refusals.AWAITING_LEGAL_REVIEW, satisfied_by="the_outcome_of_the_legal_review")
    for guard in (line or lines[0]).guards:
        details = guard.fails(facts, attempt)
        if details is not None:
            raise Refusal(guard.refusal, **details)
    if line is None:
        possible_from: list[JsonValue] = [*sorted(state.value for each in lines for state in each.sources)]
        raise Refusal(refusals.STEP_NOT_ALLOWED, step=step.value, state=facts.state.value, possible_from=possible_from)
    return line.target or facts.state


def state_changes() -> frozenset[tuple[CaseState, CaseState]]:
    """Every change of state that the table allows; PostgreSQL holds the same list (``casework.case_transition``)."""
    return frozenset(
        (source, line.target)
        for line in TRANSITIONS
        if line.target is not None
        for source in line.sources
        if source is not line.target
    )
