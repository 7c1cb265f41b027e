"""Photos come before, with or long after the submission that names them, in any order and more than once."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, computed_field

from services.warehouse.domain import photo_refusals, refusals
from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.photo import INSPECTION_PHOTOS_MAX, KeptPhoto
from services.warehouse.domain.photo_evidence import PhotoFlag, weigh_evidence
from services.warehouse.handlers.inspections import lock_for_submitter
from services.warehouse.handlers.messages import Account, InstanceId, PhotoName
from services.warehouse.store import photos as store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.inspections import Inspection
from services.warehouse.store.photos import PhotoPlace
from services.warehouse.store.submissions import Submission
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


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


async def receive_photo(command: ReceivePhoto, tx: Transaction) -> PhotoReceived:
    """Take a photo; the same file under the same name is the same photo, whenever it comes.

    Raises Refusal: no such inspection, not assigned to the inspector, another picture under this name, too many,
    inspection completed.
    """
    inspection, place = await _locate(command, tx)
    received = await store.find_received(tx.connection, place)
    await store.delete_parts(tx.connection, place)
    if received is None:
        await _check_room(inspection, tx)
        await store.insert_photo(tx.connection, inspection, place, command.photo, tx.now)
        photo_id = command.photo.photo_id
    else:
        photo_id, original_sha256 = received
        if original_sha256 != command.original_sha256:
            raise Refusal(photo_refusals.PHOTO_CONFLICT)
    await store.attach_photos(tx.connection, place.instance_id, place.submitted_by)
    submission = await submission_store.find_own(tx.connection, place.instance_id, place.submitted_by)
    [row] = await store.read_photos(tx.connection, [photo_id])
    return PhotoReceived(
        photo_id=photo_id,
        sha256=row.original_sha256,
        flags=list(weigh_evidence(row.evidence).flags),
        missing=await store.missing_photos(tx.connection, submission.submission_id) if submission else None,
    )


async def attach_pending(tx: Transaction, submission: Submission) -> None:
    """Give a submission that has just come the photos that came before it. The inspection is locked by the caller."""
    await store.attach_photos(tx.connection, submission.instance_id, submission.submitted_by)


async def receive_photo_part(command: ReceivePhotoPart, tx: Transaction) -> PhotoPartReceived:
    """Keep a part that joins what is here. A part that begins at 0 and says something new begins the photo anew; one
    that came before is passed over. Raises Refusal as `receive_photo` does, and for a part that leaves a gap."""
    inspection, place = await _locate(command, tx)
    here = await store.find_part(tx.connection, place, command.photo_bytes, command.first_byte)
    received_bytes = await store.count_received_bytes(tx.connection, place, command.photo_bytes)
    if here == command.content:
        return PhotoPartReceived(received_bytes=received_bytes, photo_bytes=command.photo_bytes)
    if command.first_byte == 0:
        await store.delete_parts(tx.connection, place)
        await _check_room(inspection, tx)
    elif command.first_byte != received_bytes:
        raise Refusal(photo_refusals.PHOTO_PART_OUT_OF_ORDER, received_bytes=received_bytes)
    await store.insert_part(
        tx.connection, inspection, place, command.first_byte, command.photo_bytes, command.content, tx.now
    )
    return PhotoPartReceived(received_bytes=command.first_byte + len(command.content), photo_bytes=command.photo_bytes)


async def drop_photo_parts(command: DropPhotoParts, tx: Transaction) -> PhotoPartReceived:
    """Forget the parts."""
    _, place = await _locate(command, tx)
    await store.delete_parts(tx.connection, place)
    return PhotoPartReceived(received_bytes=0, photo_bytes=0)


async def _locate(address: PhotoAddress, tx: Transaction) -> tuple[Inspection, PhotoPlace]:
    """The inspection, locked, so that a photo and its submission cannot pass each other. Raises Refusal."""
    submitter = address.on_behalf_of or tx.principal.subject
    inspection = await lock_for_submitter(address.inspection_id, submitter, tx)
    return inspection, PhotoPlace(address.inspection_id, address.instance_id, address.name, submitter)


async def _check_room(inspection: Inspection, tx: Transaction) -> None:
    if inspection.state is InspectionState.COMPLETED:
        raise Refusal(refusals.INSPECTION_WRONG_STATE, state=inspection.state.value)
    if await store.count_photos(tx.connection, inspection.inspection_id) >= INSPECTION_PHOTOS_MAX:
        raise Refusal(photo_refusals.PHOTO_TOO_MANY, limit=INSPECTION_PHOTOS_MAX)
