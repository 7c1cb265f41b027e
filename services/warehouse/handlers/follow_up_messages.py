"""What people ask about corrective actions, holds and referrals, and what they are answered."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from services.warehouse.domain.corrective_action import ActionState
from services.warehouse.domain.hold import ReferralState
from services.warehouse.handlers.messages import Account, Message, ReasonBody, ReasonText
from shared.contracts.warehouse import HoldGround

DecisionReference = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")
]


class ExtensionBody(Message):
    """More time until `due_on`, which is a working day, at the time of day at which the action is due now."""

    due_on: date
    reason: ReasonText


class ExtendAction(ExtensionBody):
    action_id: UUID


class ReopenAction(ReasonBody):
    action_id: UUID


class HandOverBody(Message):
    """The action goes to another official of the county."""

    owner: Account
    reason: ReasonText


class HandOverAction(HandOverBody):
    action_id: UUID


class ActionMoved(BaseModel):
    """How the action stands afterwards."""

    action_id: UUID
    state: ActionState
    due_at: datetime
    owner: str


class PlacingBody(Message):
    ground: HoldGround
    reason: ReasonText


class PlaceHold(PlacingBody):
    warehouse_id: UUID


class HoldPlaced(BaseModel):
    """`placed` is False where the site was on hold on this ground already: `hold_id` is that hold then."""

    hold_id: UUID
    placed: bool


class LiftingBody(Message):
    """`without_answer`: the authority has not answered, and `reason` says why the hold is lifted all the same."""

    reason: ReasonText
    without_answer: bool = False


class LiftHold(LiftingBody):
    hold_id: UUID


class HoldLifted(BaseModel):
    hold_id: UUID


class ReceiveReferral(Message):
    referral_id: UUID


class AnswerBody(Message):
    """What the authority found, and the reference of its decision where there is one."""

    answer: ReasonText
    decision_reference: DecisionReference | None = None


class AnswerReferral(AnswerBody):
    referral_id: UUID


class ReferralMoved(BaseModel):
    """How the referral stands afterwards."""

    referral_id: UUID
    state: ReferralState
    received_by: str
    received_at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None
