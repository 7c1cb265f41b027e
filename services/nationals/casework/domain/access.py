"""Who may open a case, and for which reasons people are let in. Access is by assignment; all else is break-glass."""

from enum import StrEnum

ROLES_WITH_ACCESS = frozenset(
    {
        "protection_officer",
        "child_protection_officer",
        "medical_officer",
        "legal_officer",
        "appeal_officer",
        "casework_supervisor",
    }
)
"""Offices that serve every case of their counties: by role. A caseworker needs an assignment to the case."""


class AssignmentReason(StrEnum):
    """Why somebody is assigned to a case. `OPENED_THE_CASE` is written by the opening alone."""

    OPENED_THE_CASE = "opened_the_case"
    WORKLOAD = "workload"
    ABSENCE = "absence"
    LANGUAGE = "language"
    EXPERTISE = "expertise"
    HOUSEHOLD_REQUEST = "household_request"
    CONFLICT_OF_INTEREST = "conflict_of_interest"


class UnassignmentReason(StrEnum):
    """Why an assignment ends."""

    WORKLOAD = "workload"
    ABSENCE = "absence"
    LANGUAGE = "language"
    EXPERTISE = "expertise"
    HOUSEHOLD_REQUEST = "household_request"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    LEFT_THE_OFFICE = "left_the_office"


class BreakGlassReason(StrEnum):
    """The only grounds on which a caseworker opens a case that is not theirs."""

    DANGER_TO_LIFE_OR_HEALTH = "danger_to_life_or_health"
    HOUSEHOLD_IS_PRESENT = "household_is_present"
    CASEWORKER_ABSENT = "caseworker_absent"
    DEADLINE = "deadline"
    CORRECTION_OF_AN_ERROR = "correction_of_an_error"


class BreakGlassVerdict(StrEnum):
    """What the supervisor found. `NOT_JUSTIFIED` also ends the access at once."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"
