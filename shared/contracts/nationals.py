"""Events owned by the nationals service: states and times only, no personal data, no free text, nothing about a person."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared.contracts.base import DataClassification, Event, Stream
from shared.contracts.counties import County

CENTRES = Stream("nationals", "centres", key_field="centre_id")
RETURN_CASES = Stream("nationals", "return-cases", key_field="case_id")


class PlaceKind(StrEnum):
    FAMILY = "family"
    SINGLE = "single"
    ACCESSIBLE = "accessible"
    MEDICAL = "medical"


class BookingChange(StrEnum):
    """Why the places of a centre moved."""

    CAPACITY_SET = "capacity_set"
    HELD = "held"
    RELEASED = "released"
    EXPIRED = "expired"


class CentreCapacityChanged(Event):
    """Absolute state after the change; `held` counts places under booking, `used` places occupied."""

    stream: ClassVar[Stream] = CENTRES
    centre_id: UUID
    county: County
    place_kind: PlaceKind
    change: BookingChange
    places: int
    """Places this change moved (0 or more)."""
    capacity: int
    held: int
    used: int


class CentreCapacityThresholdCrossed(Event):
    stream: ClassVar[Stream] = CENTRES
    centre_id: UUID
    county: County
    place_kind: PlaceKind
    threshold_percent: int
    """80, 95 or 100."""
    rising: bool


class CaseOutcome(StrEnum):
    """How a case can end. None of these is a measure against anybody; no other outcome exists (safeguard 10)."""

    NOT_VIABLE = "not_viable"
    REGULARISED = "regularised"
    PROTECTION_REFERRAL = "protection_referral"
    WITHDRAWN = "withdrawn"
    """The household withdrew and asked for its case to be closed."""


class ReviewOffice(StrEnum):
    """Office that owns a pause or a review, so that nobody waits forgotten (safeguard 13)."""

    PROTECTION_OFFICE = "protection_office"
    CHILD_PROTECTION_OFFICE = "child_protection_office"
    LEGAL_OFFICE = "legal_office"


class ReviewSubject(StrEnum):
    PAUSE = "pause"
    LEGAL_REVIEW = "legal_review"


class _CaseEvent(Event):
    stream: ClassVar[Stream] = RETURN_CASES
    data_classification: ClassVar[DataClassification] = "restricted"
    case_id: UUID
    county: County


class ReturnCaseOpened(_CaseEvent):
    voluntary_until: datetime


class ReturnConsentRecorded(_CaseEvent):
    information_version: int


class ReturnConsentWithdrawn(_CaseEvent):
    pass


class ReturnCaseSuspended(_CaseEvent):
    """The case is paused. Why is not said: the number of the rule would tell of a claim, a child or an illness for ever."""

    review_by: datetime


class ReturnCaseReviewOverdue(_CaseEvent):
    """A pause or a legal review passed its review date: the owner is reminded, then the step above (safeguard 13)."""

    subject: ReviewSubject
    review_by: datetime
    """The date that passed."""
    reminder: int
    """1 for the first reminder; each later one goes a step higher."""
    next_review_by: datetime | None
    """None after the last reminder."""


class PhaseTwoReviewRequested(_CaseEvent):
    """The voluntary period lapsed: a human legal review is asked for, never a measure taken."""

    voluntary_until: datetime


class ReturnCaseClosed(_CaseEvent):
    outcome: CaseOutcome
    was_awaiting_legal_review: bool
    """So that a reader can take the case out of its count of open reviews."""


class LegalReviewOpened(_CaseEvent):
    """The review that `PhaseTwoReviewRequested` asked for now has a place in the legal office's queue."""

    review_id: UUID
    owner_office: ReviewOffice
    review_by: datetime
