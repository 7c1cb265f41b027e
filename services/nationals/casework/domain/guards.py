"""The guards of the case's steps: each says what it requires and names the safeguard it serves.

The same guards stand a second time in PostgreSQL (``schema/01002_casework_guards.sql`` and what replaces parts of it).
"""

from collections.abc import Callable

from pydantic import JsonValue

from services.nationals.casework.domain import refusals, voluntary_refusals
from services.nationals.casework.domain.case_facts import (
    INDEPENDENT_INTERPRETERS,
    Attempt,
    CaseFacts,
    CaseState,
    ScreeningOutcome,
)
from services.nationals.casework.domain.steps import Guard


def _unscreened(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    persons: list[JsonValue] = [
        person
        for person in range(1, facts.household_size + 1)
        if person not in facts.screenings
        or facts.screenings[person].valid_until <= facts.now
        or facts.screenings[person].outcome is not ScreeningOutcome.CLEAR
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


def _unprotected_child(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    if 8 in facts.open_pauses or (facts.unaccompanied_child and not facts.child_procedure_approved):
        return {"satisfied_by": "guardian_best_interests_record_and_verified_reception"}
    return None


def _unheard(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    adults = facts.household_size if facts.adults is None else facts.adults
    persons: list[JsonValue] = [person for person in range(1, adults + 1) if person not in facts.heard_privately]
    return {"persons": persons, "satisfied_by": "private_hearing_of_each_adult"} if persons else None


def _not_reconfirmed(facts: CaseFacts, _: Attempt) -> dict[str, JsonValue] | None:
    if facts.reconfirmed_until is not None and facts.now < facts.reconfirmed_until:
        return None
    return {"satisfied_by": "reconfirmation_through_an_independent_interpreter"}


def _other_language(facts: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if facts.consent is not None and facts.consent.language == attempt.language:
        return None
    return {"satisfied_by": "reconfirmation_in_the_language_of_the_consent"}


def _on_its_way(facts: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
    if facts.has_booking or facts.is_waiting or _not_reconfirmed(facts, attempt) is None:
        return {"satisfied_by": "the_end_of_the_booking_or_of_the_wait"}
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
    "Every person of the household has an unexpired protection screening, and the latest one is clear.",
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
CHILD_PROTECTED = Guard(
    "unaccompanied_child_is_protected",
    "An unaccompanied child has a guardian, a best-interests determination and a verified reception, approved by two people.",
    refusals.UNACCOMPANIED_CHILD,
    _unprotected_child,
)
NO_PROTECTED_REQUEST = Guard(
    "no_protected_request",
    "No protected request to split the household waits for its decision.",
    voluntary_refusals.SPLIT_REQUESTED,
    _paused_by(7),
)
HEARD_PRIVATELY = Guard(
    "adults_heard_privately",
    "Every adult of the household was heard privately since the case opened.",
    voluntary_refusals.HEARING_MISSING,
    _unheard,
)
RECONFIRMED = Guard(
    "consent_is_reconfirmed",
    "The household reconfirmed its consent through an independent interpreter, not longer ago than the period set for it.",
    voluntary_refusals.RECONFIRMATION_MISSING,
    _not_reconfirmed,
)
SAME_LANGUAGE = Guard(
    "reconfirmed_in_same_language",
    "The household reconfirms in the language of its consent.",
    voluntary_refusals.LANGUAGE_DIFFERS,
    _other_language,
)
NOT_ON_ITS_WAY = Guard(
    "not_on_its_way",
    "The household holds no booking, waits for none, and no reconfirmation of its consent is in force.",
    voluntary_refusals.ON_ITS_WAY,
    _on_its_way,
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
NO_PAUSE = (NO_PRESSURE, NO_PROTECTION_CLAIM, NO_PROTECTED_REQUEST, CHILD_PROTECTED, NO_FLAG)
