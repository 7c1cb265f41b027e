"""What reviewing is asked and what it answers, beyond the review itself."""

from uuid import UUID

from pydantic import BaseModel

from services.warehouse.domain.recount import CountDecision
from services.warehouse.handlers.messages import ReasonBody
from services.warehouse.store.reviews import AssignmentChangeView, InspectionHead, ReviewView, SubmissionView


class RecountDecisionBody(ReasonBody):
    """Which count holds, and why."""

    decision: CountDecision


class DecideRecount(RecountDecisionBody):
    recount_id: UUID


class FieldView(BaseModel):
    """One field on both sides; `difference` and `allowed` in tonnes, m² or metres where the field has a measure."""

    field: str
    registered: str | None
    found: str | None
    differs: bool
    difference: float | None
    allowed: float | None


class InspectionDetail(BaseModel):
    """An inspection with its whole history. `comparison` is for those who review, never for who counts blind."""

    inspection: InspectionHead
    submissions: list[SubmissionView]
    reviews: list[ReviewView]
    changes: list[AssignmentChangeView]
    comparison: list[FieldView] | None = None
    recount_of: UUID | None = None
