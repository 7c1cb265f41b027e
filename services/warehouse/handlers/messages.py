"""What the use cases are asked and what they answer. Figures come in as exact decimals and go out as numbers."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SkipValidation, StringConstraints

from services.warehouse.domain.inspection import (
    CHECKLIST_VERSION,
    PHOTOS_MAX,
    InspectionState,
    ItemResult,
    ReviewDecision,
)
from services.warehouse.domain.registry_row import CAPACITY_TONNES_MAX, COORDINATE_DECIMALS, DECIMALS, FLOOR_AREA_M2_MAX
from services.warehouse.domain.submission import Channel
from services.warehouse.registry_file import Progress, ReadRegistry
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
OperatorId = Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")]
"""National id of the legal entity that operates a site, in ASCII digits; a natural person's has ten."""
Account = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
InstanceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._-]{1,128}$")]
PhotoName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$")]
"""A picture as the phone calls it."""
ReasonText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")
]


class Message(BaseModel):
    """Base of what is asked: an unknown field is an error, so that a misspelt one is not silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImportRegistry(BaseModel):
    """A registry file, already read. Its hash and its mapping's stand for it where two commands are compared."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    mode: Literal["dry_run", "apply"]
    file_sha256: str
    mapping_sha256: str | None = None
    read: SkipValidation[ReadRegistry] = Field(exclude=True)
    progress: SkipValidation[Progress] = Field(exclude=True)


class RefusedCell(BaseModel):
    """One reason against one row: `row` as the sheet numbers it (the header is row 1), `column` as the file heads it."""

    row: int
    column: str
    value: str | None = None
    reason_code: RowReason
    reason_fa: str
    reason_en: str


class RegistryImported(BaseModel):
    """rows = added + changed + unchanged + refused_rows. `refused_omitted` counts reasons beyond the longest answer.

    `missing` counts recorded sites that the file does not name; nothing changes on them.
    """

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
    missing: int = 0


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
    operator_id: OperatorId | None = None


class ChecklistAnswer(Message):
    """One item; a fail needs a severity and a photo."""

    item: ChecklistItem
    result: ItemResult
    severity: Severity | None = None
    photos: list[PhotoName] = Field(default=[], max_length=PHOTOS_MAX)


class SubmissionBody(Message):
    """One visit, as a phone sends it. The same instance id with the same content is the same submission."""

    instance_id: InstanceId
    inspected_at: AwareDatetime
    found: FoundFigures
    items: list[ChecklistAnswer] = Field(max_length=len(ChecklistItem) * 2)
    suspicion: HoldGround | None = None
    photos: list[PhotoName] = Field(default=[], max_length=PHOTOS_MAX)
    """Pictures of the site that belong to no item."""
    deprecated_id: InstanceId | None = None
    """The instance id of the inspector's own submission that this one replaces."""


class SubmitInspection(SubmissionBody):
    """`on_behalf_of` is the inspector, where a gateway sends it; `checklist_version` is that of the form."""

    inspection_id: UUID
    channel: Channel = Channel.JSON
    form_version: str | None = None
    checklist_version: int = CHECKLIST_VERSION
    on_behalf_of: Account | None = None


class InspectionSubmitted(BaseModel):
    inspection_id: UUID
    state: InspectionState


class ReviewBody(Message):
    """A reviewer's decision; returning needs a reason, general or for an item of the checklist.

    `duplicate_of`, with an approval: the site was found to be this other one, registered a second time. `submission_id`:
    the submission that the reviewer looked at; where an edit has taken its place meanwhile, the decision is refused.
    """

    decision: ReviewDecision
    reasons: list[ReasonText] = Field(default=[], max_length=REASONS_MAX)
    item_reasons: dict[ChecklistItem, ReasonText] = {}
    duplicate_of: UUID | None = None
    submission_id: UUID | None = None


class ReviewInspection(ReviewBody):
    inspection_id: UUID


class RecountOpened(BaseModel):
    """The count is made again by `due_on`, by anybody but `not_by`; with `disputed`, a person decides between two counts."""

    recount_id: UUID
    due_on: date
    not_by: list[str]
    disputed: bool = False


class InspectionReviewed(BaseModel):
    """What the review led to. `hold_id` only where this review put the site on hold."""

    inspection_id: UUID
    state: InspectionState
    verdict: Verdict | None = None
    discrepancy_id: UUID | None = None
    action_ids: list[UUID] = []
    hold_id: UUID | None = None
    proposal_ids: list[UUID] = []
    recount: RecountOpened | None = None


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
