"""What planning is asked and what it answers."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.planning import INSPECTORS_MAX, PERIOD_DAYS_MAX, VISITS_PER_DAY_MAX
from services.warehouse.handlers.messages import Account, Message, ReasonText
from shared.contracts.counties import County

PlanDay = Annotated[date, Field(description="A calendar day in the province.")]


class PlanInspector(Message):
    """An inspector's days: so many visits on every working day that is not a day off."""

    inspector: Account
    visits_per_day: int = Field(ge=1, le=VISITS_PER_DAY_MAX)
    days_off: list[PlanDay] = Field(default=[], max_length=PERIOD_DAYS_MAX)


class PlanInspections(Message):
    """A plan for a county from `from` to `to`, both included. Inspectors are taken in the order given here."""

    county: County
    from_on: date = Field(alias="from")
    to_on: date = Field(alias="to")
    inspectors: list[PlanInspector] = Field(min_length=1, max_length=INSPECTORS_MAX)
    holidays: list[PlanDay] = Field(
        default=[],
        max_length=PERIOD_DAYS_MAX,
        description="Days on which the county's offices are closed beyond the public holidays that the service knows.",
    )


class PlanMade(BaseModel):
    """Every site that is due in the period is planned or has its reason why not: due = planned + unplanned."""

    plan_id: UUID
    county: County
    state: Literal["draft", "accepted"]
    due: int
    planned: int
    unplanned: int


class AcceptPlan(BaseModel):
    plan_id: UUID


class ReassignmentBody(Message):
    inspector: Account
    reason: ReasonText


class ReassignInspection(ReassignmentBody):
    inspection_id: UUID


class PostponementBody(Message):
    due_on: date
    reason: ReasonText


class PostponeInspection(PostponementBody):
    inspection_id: UUID


class InspectionChanged(BaseModel):
    inspection_id: UUID
    state: InspectionState
    inspector: str
    due_on: date


class Explanation(BaseModel):
    """One reason: a stable code and its text in both languages."""

    code: str
    fa: str
    en: str


class PlanLineView(BaseModel):
    """One due site of a plan: planned, with `inspector` and `visit_on`, or with `why_not`."""

    position: int
    warehouse_id: UUID
    name: str
    inspector: str | None
    visit_on: date | None
    inspection_id: UUID | None
    why_now: list[Explanation]
    why_inspector: list[Explanation] = []
    why_day: list[Explanation] = []
    why_not: list[Explanation] = []
