"""What the use cases are asked and what they answer. Figures come in as exact decimals and go out as numbers."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SkipValidation, StringConstraints

from services.warehouse.domain.inspection import InspectionState, ItemResult, ReviewDecision
from services.warehouse.domain.persian import DECIMALS
from services.warehouse.domain.registry import ReadTable
from services.warehouse.domain.registry_row import CAPACITY_TONNES_MAX, COORDINATE_DECIMALS, FLOOR_AREA_M2_MAX
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem, HoldGround, RowReason, Severity, Verdict, WarehouseKind

REASONS_MAX = 20


def _rounded(decimals: int) -> AfterValidator:
    quantum = Decimal(1).scaleb(-decimals)
    return AfterValidator(lambda figure: figure.quantize(quantum))


CapacityTonnes = Annotated[Decimal, Field(ge=0, le=CAPACITY_TONNES_MAX, allow_inf_nan=False), _rounded(DECIMALS)]
FloorAreaM2 = Annotated[Decimal, Field(ge=0, le=FLOOR_AREA_M2_MAX, allow_inf_nan=False), _rounded(DECIMALS)]
LatitudeDeg = Annotated[Decimal, Field(ge=-90, le=90, allow_inf_nan=False), _rounded(COORDINATE_DECIMALS)]
LongitudeDeg = Annotated[Decimal, Field(ge=-180, le=180, allow_inf_nan=False), _rounded(COORDINATE_DECIMALS)]
Account = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
InstanceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._-]{1,128}$")]
ReasonText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")
]


class Message(BaseModel):
    """Base of what is asked: an unknown field is an error, so that a misspelt one is not silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImportRegistry(BaseModel):
    """A registry file, already read. The file's hash stands for its rows where two commands are compared."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    mode: Literal["dry_run", "apply"]
    file_sha256: str
    table: SkipValidation[ReadTable] = Field(exclude=True)


class RefusedCell(BaseModel):
    """One reason against one row: `row` as the sheet numbers it (the header is row 1), `column` as the file heads it."""

    row: int
    column: str
    value: str | None = None
    reason_code: RowReason
    reason_fa: str
    reason_en: str


class RegistryImported(BaseModel):
    """rows = added + changed + unchanged + refused_rows. `refused_omitted` counts reasons beyond the longest answer."""

    import_id: UUID
    mode: Literal["dry_run", "apply"]
    file_sha256: str
    rows: int
    added: int
    changed: int
    unchanged: int
    refused_rows: int
    refused: list[RefusedCell]
    refused_omitted: int
    ignored_columns: list[str]


class ScheduleInspection(Message):
    """Assign an inspection; without `due_on` it falls due when the site's risk class says."""

    warehouse_id: UUID
    inspector: Account
    due_on: date | None = None


class InspectionScheduledAnswer(BaseModel):
    inspection_id: UUID
    due_on: date
    county: County
    state: InspectionState


class FoundFigures(Message):
    """What the inspector found, taken blind."""

    capacity_tonnes: CapacityTonnes
    in_use_capacity_tonnes: CapacityTonnes
    floor_area_m2: FloorAreaM2
    kind: WarehouseKind
    operating: bool
    latitude: LatitudeDeg | None = None
    longitude: LongitudeDeg | None = None


class ChecklistAnswer(Message):
    """One item; a fail needs a severity."""

    item: ChecklistItem
    result: ItemResult
    severity: Severity | None = None


class SubmissionBody(Message):
    """One visit, as a phone sends it. The same instance id with the same content is the same submission."""

    instance_id: InstanceId
    inspected_at: AwareDatetime
    found: FoundFigures
    items: list[ChecklistAnswer] = Field(max_length=len(ChecklistItem) * 2)
    suspicion: HoldGround | None = None


class SubmitInspection(SubmissionBody):
    inspection_id: UUID


class InspectionSubmitted(BaseModel):
    inspection_id: UUID
    state: InspectionState


class ReviewBody(Message):
    """A reviewer's decision; returning needs a reason."""

    decision: ReviewDecision
    reasons: list[ReasonText] = Field(default=[], max_length=REASONS_MAX)


class ReviewInspection(ReviewBody):
    inspection_id: UUID


class InspectionReviewed(BaseModel):
    """What the review led to. `hold_id` only where this review put the site on hold."""

    inspection_id: UUID
    state: InspectionState
    verdict: Verdict | None = None
    discrepancy_id: UUID | None = None
    action_ids: list[UUID] = []
    hold_id: UUID | None = None


class EvidenceBody(Message):
    evidence: ReasonText


class ReasonBody(Message):
    reason: ReasonText


class ResolveAction(EvidenceBody):
    action_id: UUID


class ActionResolved(BaseModel):
    action_id: UUID
    was_overdue: bool


class ResolveDiscrepancy(ReasonBody):
    discrepancy_id: UUID


class DiscrepancyResolvedAnswer(BaseModel):
    discrepancy_id: UUID


class LiftHold(ReasonBody):
    hold_id: UUID


class HoldLifted(BaseModel):
    hold_id: UUID
