"""What a guard may look at: the facts recorded about one case, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.nationals.casework.domain.legal_facts import NO_LEGAL_FACTS, LegalFacts, ReviewOutcome


class CaseState(StrEnum):
    OPENED = "opened"
    INFORMED = "informed"
    CONSENTED = "consented"
    BOOKED = "booked"
    WITHDRAWN = "withdrawn"
    AWAITING_LEGAL_REVIEW = "awaiting_legal_review"
    DECISION_SERVED = "decision_served"
    APPEALED = "appealed"
    REFERRED = "referred"
    DEPARTED = "departed"
    SPLIT = "split"
    """Ended by a protected split; two new cases go on in its place."""
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
    is_waiting: bool = False
    """It is in turn on a centre's waiting list."""
    adults: int | None = None
    """Persons 1..adults are the adults; None: everybody counts as one."""
    heard_privately: frozenset[int] = frozenset()
    reconfirmed_until: datetime | None = None
    """Until when the latest reconfirmation of the consent in force counts; None if there is none or it was cancelled."""
    child_procedure_approved: bool = False
    """Guardian, best interests and verified reception are recorded for every child, and two people have approved them."""
    legal: LegalFacts = NO_LEGAL_FACTS
    """Phase two, where the case is in it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a step brings along beside the facts. Only the fields of that step are read."""

    interpreter: InterpreterRelation = InterpreterRelation.NONE
    consent: Consent | None = None
    language: str = ""
    places: int = 0
    timer_is_current: bool = False
    closes_as_withdrawn: bool = False
    by_human: bool = True
    actor: str = ""
    """Who takes the step."""
    outcome: ReviewOutcome | None = None
    basis_in_force: bool = False
    """Whether the legal basis that a proposal names is in force today."""
    decision_written: bool = False
    names_live_proposal: bool = False
    in_place_of: str | None = None
    """Whom a legal officer relieves of a review."""
    reason_given: bool = False
    understood: bool = False
