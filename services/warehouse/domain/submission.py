"""Where something from the field belongs: it is the one to review, it is history, or a person must decide.

Phones send late, twice and out of order. Whatever the order, what an inspector edited ends behind the edit; everything
that contradicts what is already there is kept as a conflict and never replaces it by itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.warehouse.domain import submission_refusals as refusals
from services.warehouse.domain.inspection import InspectionState
from shared.contracts.refusals import Refusal, RefusalType


class Channel(StrEnum):
    """How a submission came."""

    JSON = "json"
    OPENROSA = "openrosa"
    CENTRAL = "central"
    KOBO = "kobo"


class ConflictGround(StrEnum):
    """Why a person must decide about a submission."""

    OTHER_CONTENT = "other_content"
    ALREADY_SUBMITTED = "already_submitted"
    EDITED_AFTER_REVIEW = "edited_after_review"
    EDIT_OF_OTHER_INSPECTION = "edit_of_other_inspection"
    INSPECTION_COMPLETED = "inspection_completed"
    REASSIGNED = "reassigned"


class ConflictDecision(StrEnum):
    """What a person can decide about a conflict."""

    KEEP_FIRST = "keep_first"
    TAKE_OTHER = "take_other"


class Place(StrEnum):
    """Where a submission without a conflict belongs."""

    TO_REVIEW = "to_review"
    HISTORY = "history"


CONFLICT_REFUSALS: dict[ConflictGround, RefusalType] = {
    ConflictGround.OTHER_CONTENT: refusals.CONFLICT_OTHER_CONTENT,
    ConflictGround.ALREADY_SUBMITTED: refusals.CONFLICT_ALREADY_SUBMITTED,
    ConflictGround.EDITED_AFTER_REVIEW: refusals.CONFLICT_EDITED_AFTER_REVIEW,
    ConflictGround.EDIT_OF_OTHER_INSPECTION: refusals.CONFLICT_EDIT_OF_OTHER_INSPECTION,
    ConflictGround.INSPECTION_COMPLETED: refusals.CONFLICT_INSPECTION_COMPLETED,
    ConflictGround.REASSIGNED: refusals.CONFLICT_REASSIGNED,
}


NOT_YET_REVIEWED = frozenset({InspectionState.ASSIGNED, InspectionState.SUBMITTED, InspectionState.RETURNED})
"""States from which a submission can still become the one to review."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there when a submission arrives that was not received before.

    `is_assigned`: to the submitter, now. `instance_known`: the same instance id was received with other content.
    `edited_already`: an edit of this very submission was received before it. `edits_current`: it is an edit of the one
    under review. `edits_other_inspection`: it is an edit of a submission for another inspection.
    """

    state: InspectionState
    is_assigned: bool
    instance_known: bool
    edited_already: bool
    edits_current: bool
    edits_other_inspection: bool


def check_edit(instance_id: str, deprecated_id: str | None) -> None:
    """Refuse an edit of itself: it replaces nothing. Raises Refusal `warehouse.submission.edit_of_itself`."""
    if deprecated_id == instance_id:
        raise Refusal(refusals.EDIT_OF_ITSELF)


def place(standing: Standing) -> Place | ConflictGround:  # noqa: PLR0911 - one rule a line
    """Where a submission belongs; the first rule that fits."""
    if standing.instance_known:
        return ConflictGround.OTHER_CONTENT
    if standing.edited_already:
        return Place.HISTORY
    if standing.edits_other_inspection:
        return ConflictGround.EDIT_OF_OTHER_INSPECTION
    if not standing.is_assigned:
        return ConflictGround.REASSIGNED
    if standing.state is InspectionState.COMPLETED:
        return ConflictGround.EDITED_AFTER_REVIEW if standing.edits_current else ConflictGround.INSPECTION_COMPLETED
    if standing.state is InspectionState.DISPUTED:
        return ConflictGround.EDITED_AFTER_REVIEW if standing.edits_current else ConflictGround.ALREADY_SUBMITTED
    if standing.state is InspectionState.SUBMITTED and not standing.edits_current:
        return ConflictGround.ALREADY_SUBMITTED
    return Place.TO_REVIEW
