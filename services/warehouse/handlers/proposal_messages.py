"""What is asked and answered about proposed changes of the record and about sites found in the field."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from services.warehouse.domain.inspection import PHOTOS_MAX
from services.warehouse.domain.proposal import FoundSiteState, ProposalState
from services.warehouse.domain.registry_row import NAME_CHARACTERS_MAX, REGISTRY_ID_CHARACTERS_MAX
from services.warehouse.handlers.messages import (
    CapacityTonnes,
    FloorAreaM2,
    InstanceId,
    LatitudeDeg,
    LongitudeDeg,
    Message,
    OperatorId,
    PhotoName,
    ReasonBody,
    ReasonText,
)
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind

SiteName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=NAME_CHARACTERS_MAX, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
RegistryId = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=REGISTRY_ID_CHARACTERS_MAX, pattern=r"^[A-Za-z0-9._/-]+$"
    ),
]


class ProposalDecisionBody(Message):
    """Rejecting needs a reason."""

    decision: Literal["accept", "reject"]
    reason: ReasonText | None = None


class DecideProposal(ProposalDecisionBody):
    proposal_id: UUID


class ProposalDecided(BaseModel):
    """`changed`: the record was changed. It was not where it already said what was proposed."""

    proposal_id: UUID
    warehouse_id: UUID
    state: ProposalState
    changed: bool
    discrepancy_id: UUID | None = None


class ReportFoundSite(Message):
    """A site that is there and not in the register. The same instance id with the same content is the same report."""

    instance_id: InstanceId
    county: County
    name: SiteName
    kind: WarehouseKind
    capacity_tonnes: CapacityTonnes
    in_use_capacity_tonnes: CapacityTonnes
    floor_area_m2: FloorAreaM2
    operating: bool
    latitude: LatitudeDeg
    longitude: LongitudeDeg
    operator_id: OperatorId | None = None
    found_at: AwareDatetime
    photos: list[PhotoName] = Field(default=[], max_length=PHOTOS_MAX)

    @model_validator(mode="after")
    def in_use_fits(self) -> Self:
        if self.in_use_capacity_tonnes > self.capacity_tonnes:
            raise ValueError("the capacity in use is larger than the capacity")
        return self


class FoundSiteReported(BaseModel):
    unregistered_site_id: UUID
    state: FoundSiteState


class FoundSiteDecisionBody(Message):
    """What the site is: a new record, nothing to record, or the registered site `duplicate_of`."""

    decision: Literal["accept", "reject", "duplicate"]
    reason: ReasonText | None = None
    duplicate_of: UUID | None = None


class DecideFoundSite(FoundSiteDecisionBody):
    unregistered_site_id: UUID


class FoundSiteDecided(BaseModel):
    """`registry_id` is provisional; only an accepted site has one."""

    unregistered_site_id: UUID
    state: FoundSiteState
    warehouse_id: UUID | None = None
    registry_id: str | None = None
    inspection_id: UUID | None = None
    discrepancy_id: UUID | None = None


class RegistryIdBody(ReasonBody):
    """The id that the national register gave to a site that was found in the field."""

    registry_id: RegistryId


class GiveRegistryId(RegistryIdBody):
    warehouse_id: UUID


class RegistryIdGiven(BaseModel):
    warehouse_id: UUID
    registry_id: str
    discrepancy_id: UUID | None = None
