"""HTTP of what protects people within a household: an unaccompanied child's procedure, and the protected split."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, model_validator

from services.nationals.casework.domain.child_protection import ChildRecordKind
from services.nationals.casework.domain.household import HOUSEHOLD_SIZE_MAX
from services.nationals.casework.handlers import child_protection, household_splits
from services.nationals.casework.store.household_splits import SplitDecision
from shared.kit.http import Commands, allow

DETERMINATION_VERSION_MAX = 1_000

router = APIRouter()

ChildStaff = Annotated[Commands, Depends(allow("child_protection_officer", "protection_officer"))]
ProtectionOfficer = Annotated[Commands, Depends(allow("protection_officer"))]
PersonNumber = Annotated[int, Field(ge=1, le=HOUSEHOLD_SIZE_MAX)]


class ChildRecordBody(BaseModel):
    """`appointment_reference` belongs to a guardian's appointment, `determination_version` to a best-interests determination."""

    person_number: PersonNumber
    kind: ChildRecordKind
    appointment_reference: str | None = Field(
        default=None, description="pseudonymous, as a case's reference; nobody is named"
    )
    determination_version: int | None = Field(default=None, ge=1, le=DETERMINATION_VERSION_MAX)
    dated_on: date

    @model_validator(mode="after")
    def check_fields_of_kind(self) -> Self:
        if (self.appointment_reference is not None) != (self.kind is ChildRecordKind.GUARDIAN_APPOINTED):
            raise ValueError("appointment_reference belongs to guardian_appointed, and only to it")
        if (self.determination_version is not None) != (self.kind is ChildRecordKind.BEST_INTERESTS_DETERMINED):
            raise ValueError("determination_version belongs to best_interests_determined, and only to it")
        return self


class SplitBody(BaseModel):
    leaving: list[PersonNumber] = Field(min_length=1, max_length=HOUSEHOLD_SIZE_MAX)


class SplitDecisionBody(BaseModel):
    """Both references are needed to approve: those of the two new cases."""

    decision: SplitDecision
    leaving_reference: str | None = None
    staying_reference: str | None = None


@router.post("/cases/{case_id}/child-protection-records", status_code=201)
async def record_child_protection(
    case_id: UUID, body: ChildRecordBody, commands: ChildStaff
) -> child_protection.ChildProtectionRecorded:
    """Guardian, best interests, verified reception of one child (safeguard 8). The pause ends by a clearance of two people."""
    command = child_protection.RecordChildProtection(
        case_id=case_id,
        person_number=body.person_number,
        kind=body.kind,
        appointment_reference=body.appointment_reference,
        determination_version=body.determination_version,
        dated_on=body.dated_on,
    )
    return await commands.execute(child_protection.record_child_protection, command)


@router.post("/cases/{case_id}/split-requests", status_code=201)
async def request_split(case_id: UUID, body: SplitBody, commands: ProtectionOfficer) -> household_splits.SplitRequested:
    """Record a protected request to separate some persons of the household (safeguard 7). The case pauses at once."""
    command = household_splits.RequestSplit(case_id=case_id, leaving=body.leaving)
    return await commands.execute(household_splits.request_split, command)


@router.post("/cases/{case_id}/split-requests/{split_id}/decision")
async def decide_split(
    case_id: UUID, split_id: UUID, body: SplitDecisionBody, commands: ProtectionOfficer
) -> household_splits.SplitDecided:
    """A second protection officer approves, which splits the household into two cases at once, or rejects."""
    command = household_splits.DecideSplit(
        case_id=case_id,
        split_id=split_id,
        decision=body.decision,
        leaving_reference=body.leaving_reference,
        staying_reference=body.staying_reference,
    )
    return await commands.execute(household_splits.decide_split, command)
