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
    """Which way the places of a centre moved. Closed: a published enumeration cannot grow; see `PlacesCause` for why."""

    CAPACITY_SET = "capacity_set"
    HELD = "held"
    RELEASED = "released"
    EXPIRED = "expired"


class PlacesCause(StrEnum):
    """Why the places of a centre moved. Open: readers must take a cause that they do not know."""

    CAPACITY_SET = "capacity_set"
    HELD = "held"
    OFFERED = "offered"
    """Held for a household of the waiting list until it answers."""
    ADMITTED = "admitted"
    """The household arrived: its places went from `held` to `used`. Tells `change: held` and `places: 0`."""
    RELEASED = "released"
    EXPIRED = "expired"


class CentreCapacityChanged(Event):
    """Absolute state after the change; `held` counts places under booking, `used` places occupied.

    `capacity` is the one in effect: while a lowered capacity still waits for places to be given back it is what is taken.
    """

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
    cause: str = ""
    """A `PlacesCause`, or one of a newer producer; empty in events from before it was told."""


class CentreCapacityThresholdCrossed(Event):
    stream: ClassVar[Stream] = CENTRES
    centre_id: UUID
    county: County
    place_kind: PlaceKind
    threshold_percent: int
    """80, 95 or 100."""
    rising: bool


class CentreClosedForBookings(Event):
    """A capacity was lowered below what is taken: the centre takes nobody of this kind until it is back in bounds."""

    stream: ClassVar[Stream] = CENTRES
    centre_id: UUID
    county: County
    place_kind: PlaceKind
    capacity_target: int
    places_over: int
    """Places that have to be given back before it opens again (more than 0)."""


class CentreReopened(Event):
    """What is taken is within the capacity again: once for each `CentreClosedForBookings`."""

    stream: ClassVar[Stream] = CENTRES
    centre_id: UUID
    county: County
    place_kind: PlaceKind
    capacity: int


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


class ReturnConsentReconfirmed(_CaseEvent):
    """Shortly before its departure the household said once more that it wishes to go."""

    valid_until: datetime


class ReturnCaseSuspended(_CaseEvent):
    """The case is paused. Why is not said: the number of the rule would tell of a claim, a child or an illness for ever."""

    review_by: datetime


class ReturnCaseResumed(_CaseEvent):
    """The last pause of the case has ended: two people looked at it. Why is not said, as with the suspension."""


class ReturnScreeningExpiring(_CaseEvent):
    """A screening of a consenting or booked household is about to run out. Whose it is, is not told."""

    valid_until: datetime


class HouseholdDeparted(_CaseEvent):
    """The household has left of its own will. No figures of people: departures are neither counted nor compared."""


class HouseholdSplit(_CaseEvent):
    """At a protected request the household goes on in two cases; this one has ended."""

    resulting_case_ids: tuple[UUID, ...]


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
    """The voluntary period lapsed, or an appeal annulled a decision: a human legal review is asked for, never a measure taken."""

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


class PlacesOffered(_CaseEvent):
    """Freed places of a centre are held for a household of its waiting list, until it accepts, declines or the offer expires."""

    centre_id: UUID
    answer_by: datetime


class PlacesOfferEnded(_CaseEvent):
    """The household accepted or declined, or the offer expired. Which of them is not told: nobody is counted by an answer."""

    centre_id: UUID


class BreakGlassOpened(_CaseEvent):
    """Somebody opened a case that is not theirs, for a limited time. Who and why are told to the supervisor, not to the topic."""

    break_glass_id: UUID
    expires_at: datetime
    review_by: datetime


class BreakGlassReviewed(_CaseEvent):
    """A second person reviewed the use; what they found stays in the service."""

    break_glass_id: UUID


class BreakGlassReviewOverdue(_CaseEvent):
    """A use passed its review date unreviewed (safeguard 13)."""

    break_glass_id: UUID
    review_by: datetime
    """The date that passed."""
    reminder: int
    next_review_by: datetime | None
    """None after the last reminder."""


class LegalReviewDecided(_CaseEvent):
    """People ended a legal review: a second one confirmed an outcome, and it took effect or was served. Which, is not told."""

    review_id: UUID


class LegalDecisionServed(_CaseEvent):
    """An individual written decision was served and understood: the appeal window runs on the database's clock."""

    appeal_window_ends_at: datetime


class AppealWindowEnded(_CaseEvent):
    """The appeal window is over and nothing has changed: a person looks at the case, so that nobody waits forgotten."""

    appeal_window_ends_at: datetime


class AppealDecision(StrEnum):
    ANNULLED = "annulled"
    """The decision is void: two others review the case anew."""
    UPHELD = "upheld"
    """The decision stands: a fresh notice period runs."""


class AppealLodged(_CaseEvent):
    """Everything is suspended until a different person has recorded the appeal's outcome (safeguard 5)."""

    review_by: datetime


class AppealOverdue(_CaseEvent):
    """An appeal passed its date: its office is reminded, then the step above (safeguard 13)."""

    review_by: datetime
    """The date that passed."""
    reminder: int
    """1 for the first reminder; each later one goes a step higher."""
    next_review_by: datetime | None
    """None after the last reminder."""


class AppealDecided(_CaseEvent):
    outcome: AppealDecision
    appeal_window_ends_at: datetime | None
    """End of the fresh notice period of an upheld decision; None for an annulled one."""


class VoluntaryStageRenewed(_CaseEvent):
    """The case is back in the voluntary stage with a new full period, at the household's wish or by a legal review."""

    voluntary_until: datetime
    was_awaiting_legal_review: bool
    """So that a reader can take the case out of its count of open reviews."""


class ReturnCaseReferred(_CaseEvent):
    """The legal office recorded that the case is the competent authority's; this system ends here and orders nothing."""


class CaseDataErased(_CaseEvent):
    """Contacts, texts and the office's reference of an ended case were erased, at the household's request or on their date."""


class RetentionHeld(_CaseEvent):
    """A person keeps the records of the case beyond their retention date. Who and why stay in the service."""

    hold_id: UUID
    review_by: datetime


class RetentionReleased(_CaseEvent):
    """A person released the hold; the retention dates of the case count again."""

    hold_id: UUID


class RetentionReviewOverdue(_CaseEvent):
    """A hold passed its review date: who may release it is reminded, then the step above (safeguard 13)."""

    hold_id: UUID
    review_by: datetime
    """The date that passed."""
    reminder: int
    next_review_by: datetime | None
    """None after the last reminder."""
