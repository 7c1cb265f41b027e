"""An inspection's states and what a submission from the field must hold. Nothing counts before a review approves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from services.warehouse.domain import refusals
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import ChecklistItem, Severity, WarehouseKind

CHECKLIST_VERSION = 1
PHOTOS_MAX = 20
"""Pictures of one submission, those of all items and the general ones together."""
PHONE_CLOCK_AHEAD_MAX = timedelta(hours=24)
"""A phone's clock may be set a time zone or a day wrong; a submission from further ahead is refused."""


class InspectionState(StrEnum):
    """assigned → submitted → completed, or submitted → returned → submitted.

    A recount whose count disagrees with the first one goes submitted → disputed → completed, by a person's decision.
    """

    ASSIGNED = "assigned"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    DISPUTED = "disputed"
    COMPLETED = "completed"


class ItemResult(StrEnum):
    """Answer to one item of the checklist."""

    PASS = "pass"  # noqa: S105 - an answer, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


class ReviewDecision(StrEnum):
    """What a reviewer can decide."""

    APPROVE = "approve"
    RETURN = "return"


_NEXT_STATES: dict[InspectionState, frozenset[InspectionState]] = {
    InspectionState.ASSIGNED: frozenset({InspectionState.SUBMITTED}),
    InspectionState.SUBMITTED: frozenset(
        {InspectionState.RETURNED, InspectionState.DISPUTED, InspectionState.COMPLETED}
    ),
    InspectionState.RETURNED: frozenset({InspectionState.SUBMITTED}),
    InspectionState.DISPUTED: frozenset({InspectionState.COMPLETED}),
    InspectionState.COMPLETED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """One item as the inspector answered it; `severity` only where it failed, `photos` by the phone's names."""

    item: ChecklistItem
    result: ItemResult
    severity: Severity | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What the inspector found, taken blind. Figures are finite, 0 or more, of 3 decimals; `operator_id` is a legal entity's."""

    capacity_tonnes: Decimal
    in_use_capacity_tonnes: Decimal
    floor_area_m2: Decimal
    kind: WarehouseKind
    operating: bool
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    operator_id: str | None = None


def move(state: InspectionState, to: InspectionState) -> InspectionState:
    """`to`, if an inspection in `state` may go there. Raises Refusal `warehouse.inspection.wrong_state`."""
    if to not in _NEXT_STATES[state]:
        raise Refusal(refusals.INSPECTION_WRONG_STATE, state=state.value)
    return to


def check_assignable(state: InspectionState) -> None:
    """Refuse to change an assignment that no longer waits for its inspector. Raises Refusal
    `warehouse.inspection.wrong_state`."""
    if state not in (InspectionState.ASSIGNED, InspectionState.RETURNED):
        raise Refusal(refusals.INSPECTION_WRONG_STATE, state=state.value)


def check_submission(
    findings: Findings, answers: Sequence[ItemAnswer], photos: Sequence[str], inspected_at: datetime, now: datetime
) -> None:
    """Refuse what cannot have been found: Refusal with the codes `warehouse.submission.*`. `photos` belong to no item."""
    if inspected_at > now + PHONE_CLOCK_AHEAD_MAX:
        raise Refusal(refusals.SUBMISSION_IN_FUTURE)
    if findings.in_use_capacity_tonnes > findings.capacity_tonnes:
        raise Refusal(refusals.SUBMISSION_IN_USE_OVER_CAPACITY)
    if (findings.latitude is None) != (findings.longitude is None):
        raise Refusal(refusals.SUBMISSION_COORDINATE_INCOMPLETE)
    answered = [answer.item for answer in answers]
    uneven = [item.value for item in ChecklistItem if answered.count(item) != 1]
    if uneven:
        raise Refusal(refusals.SUBMISSION_CHECKLIST_INCOMPLETE, items=", ".join(uneven))
    failed = [answer for answer in answers if answer.result is ItemResult.FAIL]
    unweighed = [answer.item.value for answer in failed if not answer.severity]
    if unweighed:
        raise Refusal(refusals.SUBMISSION_SEVERITY_MISSING, items=", ".join(unweighed))
    unseen = [answer.item.value for answer in failed if not answer.photos]
    if unseen:
        raise Refusal(refusals.SUBMISSION_PHOTO_MISSING, items=", ".join(unseen))
    _check_photo_names([*photos, *(name for answer in answers for name in answer.photos)])


def _check_photo_names(names: Sequence[str]) -> None:
    if len(names) > PHOTOS_MAX:
        raise Refusal(refusals.SUBMISSION_PHOTOS_TOO_MANY, photos_max=str(PHOTOS_MAX))
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Refusal(refusals.SUBMISSION_PHOTO_REPEATED, names=", ".join(repeated))


def check_review(inspector: str, reviewer: str, decision: ReviewDecision, reasons: Sequence[str]) -> None:
    """Refuse a review of one's own inspection, and a return without reasons. Raises Refusal."""
    if reviewer == inspector:
        raise Refusal(refusals.REVIEW_OWN_INSPECTION)
    if decision is ReviewDecision.RETURN and not any(reason.strip() for reason in reasons):
        raise Refusal(refusals.REVIEW_REASONS_MISSING)
