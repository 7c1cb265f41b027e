"""What submissions and their conflicts are asked and answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.warehouse.domain.submission import Channel, ConflictDecision, ConflictGround
from services.warehouse.handlers.messages import Message, ReasonText
from shared.contracts.counties import County


class SubmissionReceived(BaseModel):
    """What became of a submission. Without a conflict `submission_id` is the one that holds the content, received at
    `received_at`, of whose photos `missing_photos` have not come."""

    inspection_id: UUID
    received_at: datetime
    submission_id: UUID | None = None
    missing_photos: list[str] = []
    conflict_id: UUID | None = None
    ground: ConflictGround | None = None
    is_settled: bool = False


class ConflictResolutionBody(Message):
    """A person's decision about a conflict. `submission_id`, if it is given: what was under review or approved when the
    person looked (null: nothing); where that has changed meanwhile, the decision is refused."""

    decision: ConflictDecision
    reason: ReasonText
    submission_id: UUID | None = None


class ResolveSubmissionConflict(ConflictResolutionBody):
    conflict_id: UUID


class SubmissionConflictResolved(BaseModel):
    """`inspection_id` is the inspection that now has the taken submission to review: the same, or a further one of the
    same site where the first was already completed."""

    conflict_id: UUID
    decision: ConflictDecision
    inspection_id: UUID
    submission_id: UUID | None = None


class ConflictDetail(BaseModel):
    """A conflict with both contents, so that a person can decide; `differing` names what they say differently."""

    conflict_id: UUID
    inspection_id: UUID
    county: County
    ground: ConflictGround
    instance_id: str
    channel: Channel
    submitted_by: str
    received_at: datetime
    content: dict[str, Any]
    first: dict[str, Any] | None
    differing: list[str]
    decision: ConflictDecision | None
    resolved_by: str | None
    resolved_at: datetime | None
    reason: str | None
