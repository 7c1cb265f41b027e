"""What is asked and answered when photos come, whole or in parts."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, computed_field

from services.warehouse.domain.photo import KeptPhoto
from services.warehouse.domain.photo_evidence import PhotoFlag
from services.warehouse.handlers.messages import Account, InstanceId, PhotoName


class PhotoAddress(BaseModel):
    """Where a photo belongs; `on_behalf_of` is the inspector, where a gateway sends it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    inspection_id: UUID
    instance_id: InstanceId
    name: PhotoName
    on_behalf_of: Account | None = None


class ReceivePhoto(PhotoAddress):
    """A photo whose picture the photo store already holds (`photo_store.take_photo` sees to that), so that no crash
    leaves a row without its bytes. Two commands are compared by the original's hash.
    """

    photo: Annotated[SkipValidation[KeptPhoto], Field(exclude=True)]

    @computed_field
    @property
    def original_sha256(self) -> str:
        return self.photo.facts.original_sha256


class PhotoReceived(BaseModel):
    """`missing` names the photos of the submission that have not come; None while the submission has not come."""

    photo_id: UUID
    sha256: str
    flags: list[PhotoFlag]
    missing: list[str] | None


class ReceivePhotoPart(PhotoAddress):
    """Bytes of a photo from `first_byte` on, the last one excepted: with that the photo is whole."""

    first_byte: int
    photo_bytes: int
    content: bytes


class PhotoPartReceived(BaseModel):
    """How much of the photo is here, without a gap: the next part begins there."""

    received_bytes: int
    photo_bytes: int


class DropPhotoParts(PhotoAddress):
    """Forget a photo that was sent in parts and was refused when it was whole."""
