"""Photos come before, with or long after the submission that names them, in any order and more than once."""

from services.warehouse.domain import photo_refusals, refusals
from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.photo import INSPECTION_PHOTOS_MAX
from services.warehouse.domain.photo_evidence import weigh_evidence
from services.warehouse.handlers.inspections import lock_for_submitter
from services.warehouse.handlers.photo_messages import (
    DropPhotoParts,
    PhotoAddress,
    PhotoPartReceived,
    PhotoReceived,
    ReceivePhoto,
    ReceivePhotoPart,
)
from services.warehouse.store import photos as store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.inspections import Inspection
from services.warehouse.store.photos import PhotoPlace
from services.warehouse.store.submissions import Submission
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


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
