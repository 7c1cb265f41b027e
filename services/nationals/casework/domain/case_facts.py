"""What a guard may look at: the facts recorded about one case, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class CaseState(StrEnum):
    OPENED = "opened"
    INFORMED = "informed"
    CONSENTED = "consented"
    BOOKED = "booked"
    WITHDRAWN = "withdrawn"
    AWAITING_LEGAL_REVIEW = "awaiting_legal_review"
    CLOSED = "closed"


class ScreeningOutcome(StrEnum):
    CLEAR = "clear"
    PROTECTION_NEED = "protection_need"
    MEDICAL_FLAG = "medical_flag"
    VULNERABILITY_FLAG = "vulnerability_flag"


class InterpreterRelation(StrEnum):
    """Who interpreted. `none`: the session was held in a language that both speak."""

    NONE = "none"
    PROFESSIONAL = "professional"
    COMMUNITY = "community"
    RELATIVE = "relative"
    DECIDER = "decider"


INDEPENDENT_INTERPRETERS = frozenset(
    {InterpreterRelation.NONE, InterpreterRelation.PROFESSIONAL, InterpreterRelation.COMMUNITY}
)


@dataclass(frozen=True, slots=True)
class Information:
    """The latest information session."""

    language: str
    version: int


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as recorded (the latest one in force), or as it is about to be recorded."""

    language: str
    information_version: int
    interpreter: InterpreterRelation
    given_freely: bool
    sign_of_pressure: bool

    @property
    def is_free(self) -> bool:
        """A consent not given freely is itself a sign of pressure (safeguard 2)."""
        return self.given_freely and not self.sign_of_pressure

    def covers(self, information: Information | None) -> bool:
        """Whether it was given on the latest information, in the language of that session."""
        return (
            information is not None
            and information.version == self.information_version
            and information.language == self.language
        )


@dataclass(frozen=True, slots=True)
class Screening:
    """The latest screening of one person."""

    outcome: ScreeningOutcome
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case as read under its row lock. `now` is the database's clock; `screenings` by person number 1..size."""

    state: CaseState
    household_size: int
    unaccompanied_child: bool
    now: datetime
    information: Information | None = None
    consent: Consent | None = None
    screenings: Mapping[int, Screening] = field(default_factory=dict[int, Screening])
    open_pauses: frozenset[int] = frozenset()
    """Safeguard numbers of the pauses that are open."""
    has_booking: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a step brings along beside the facts. Only the fields of that step are read."""

    interpreter: InterpreterRelation = InterpreterRelation.NONE
    consent: Consent | None = None
    places: int = 0
    timer_is_current: bool = False
    closes_as_withdrawn: bool = False
    by_human: bool = True
