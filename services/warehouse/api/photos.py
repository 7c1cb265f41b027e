"""HTTP of photos: sent whole or in parts by inspectors, looked at by reviewers."""

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel

from services.warehouse import handlers
from services.warehouse.domain import photo_refusals, refusals
from services.warehouse.domain.photo import PHOTO_BYTES_MAX, PHOTO_PART_BYTES_MIN
from services.warehouse.domain.photo_evidence import PhotoFlag, weigh_evidence
from services.warehouse.handlers.messages import InstanceId, PhotoName
from services.warehouse.handlers.photo_messages import (
    DropPhotoParts,
    PhotoAddress,
    PhotoPartReceived,
    PhotoReceived,
    ReceivePhoto,
    ReceivePhotoPart,
)
from services.warehouse.photo_store import PhotoStore, configured_store, take_photo
from services.warehouse.store import photos as store
from services.warehouse.store.photos import PhotoPlace, PhotoRow
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import ChecklistItem
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.http_boundary import read_raw_body

PHOTO_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
PHOTO_PATH: Final = "/inspections/{inspection_id}/submissions/{instance_id}/photos/{name}"

router = APIRouter()

Sender = Annotated[Commands, Depends(allow("inspector"))]
SenderRead = Annotated[Queries, Depends(allow_read("inspector"))]
Looker = Annotated[Queries, Depends(allow_read("reviewer", "county_chair", "inspector"))]
Store = Annotated[PhotoStore, Depends(configured_store)]

_SEES_ALL: Final = frozenset({"reviewer", "county_chair"})
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,10})-([0-9]{1,10})/([0-9]{1,10})")
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in PHOTO_TYPES},
    }
}


class PhotoLine(BaseModel):
    """One photo for a reviewer. Distances in metres; seconds from the visit to the photo, negative where it was taken
    before. `flags` ask for a second look and decide nothing. Without `submission_id` its submission has not come."""

    photo_id: UUID
    instance_id: str
    name: str
    submission_id: UUID | None
    item: ChecklistItem | None
    received_at: datetime
    sha256: str
    taken_at: datetime | None
    distance_to_recorded_m: float | None
    distance_to_found_m: float | None
    taken_after_inspection_s: float | None
    flags: list[PhotoFlag]
    picture: str


class MissingPhoto(BaseModel):
    """A photo that a submission names and that has not come."""

    instance_id: str
    name: str


class InspectionPhotos(BaseModel):
    """What came for an inspection, the oldest first, and what is still to come."""

    items: list[PhotoLine]
    missing: list[MissingPhoto]


@router.post(PHOTO_PATH, status_code=201, openapi_extra=_BODY)
async def receive_photo(
    inspection_id: UUID,
    instance_id: InstanceId,
    name: PhotoName,
    request: Request,
    commands: Sender,
    queries: SenderRead,
    photo_store: Store,
) -> PhotoReceived:
    """A photo, whole: JPEG, PNG or WebP of at most 16 MiB; 50 million pixels in a sequential JPEG, else 12.5 million.

    It may come before or after its submission and more than once; it is kept re-encoded, without metadata.
    """
    address = PhotoAddress(inspection_id=inspection_id, instance_id=instance_id, name=name)
    await _require_inspection(inspection_id, queries)
    content = await read_raw_body(request, PHOTO_BYTES_MAX)
    command = ReceivePhoto(**dict(address), photo=await take_photo(content, photo_store))
    return await commands.execute(handlers.receive_photo, command)


@router.put(
    PHOTO_PATH,
    status_code=202,
    openapi_extra=_BODY,
    responses={201: {"model": PhotoReceived, "description": "The last part: the photo is whole."}},
)
async def receive_photo_part(
    inspection_id: UUID,
    instance_id: InstanceId,
    name: PhotoName,
    request: Request,
    response: Response,
    commands: Sender,
    queries: SenderRead,
    photo_store: Store,
    content_range: Annotated[
        str, Header(description="`bytes first-last/all` (RFC 9110, partial PUT), e.g. `bytes 0-1048575/3500000`")
    ],
) -> PhotoPartReceived | PhotoReceived:
    """A part of a photo, for lines that break. Parts of 64 KiB or more (the last one of any size) come in order; the
    answer says how many bytes are here.

    After a lost answer send the part again, or go on from the `received_bytes` that a 409
    (`warehouse.photo.part_out_of_order`) names. A part that begins at 0 with other bytes begins anew. The last part makes
    the photo whole and is answered 201 as a POST of the whole; parts of a photo that is not finished in 7 days are
    forgotten.
    """
    address = PhotoAddress(inspection_id=inspection_id, instance_id=instance_id, name=name)
    first_byte, photo_bytes, length = _read_range(content_range)
    await _require_inspection(inspection_id, queries)
    content = await read_raw_body(request, PHOTO_BYTES_MAX)
    is_last = first_byte + length == photo_bytes
    if len(content) != length or (not is_last and length < PHOTO_PART_BYTES_MIN):
        raise Refusal(photo_refusals.PHOTO_RANGE_INVALID, part_bytes_min=PHOTO_PART_BYTES_MIN)
    if not is_last:
        part = ReceivePhotoPart(**dict(address), first_byte=first_byte, photo_bytes=photo_bytes, content=content)
        return await commands.execute(handlers.receive_photo_part, part)
    earlier = await _read_parts(address, first_byte, photo_bytes, queries)
    try:
        photo = await take_photo(earlier + content, photo_store)
    except Refusal as refusal:
        if refusal.reason is not photo_refusals.PHOTO_STORE_UNAVAILABLE:
            await commands.execute(handlers.drop_photo_parts, DropPhotoParts(**dict(address)))
        raise
    response.status_code = 201
    return await commands.execute(handlers.receive_photo, ReceivePhoto(**dict(address), photo=photo))


@router.get("/inspections/{inspection_id}/photos")
async def list_photos(inspection_id: UUID, queries: Looker) -> InspectionPhotos:
    """Photos of an inspection with what speaks for and against each; an inspector sees the own ones."""
    submitted_by = _only_of(queries)
    async with queries.read() as connection:
        if not await store.has_inspection(connection, inspection_id):
            raise Refusal(refusals.INSPECTION_NOT_FOUND)
        rows = await store.read_photos(connection, await store.list_photo_ids(connection, inspection_id, submitted_by))
        missing = await store.list_missing(connection, inspection_id, submitted_by)
    return InspectionPhotos(
        items=[_line(row) for row in rows],
        missing=[MissingPhoto(instance_id=instance_id, name=name) for instance_id, name in missing],
    )


@router.get("/photos/{photo_id}", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def read_picture(photo_id: UUID, queries: Looker, photo_store: Store) -> Response:
    """The picture, re-encoded as JPEG; an inspector sees the own ones."""
    async with queries.read() as connection:
        stored_sha256 = await store.find_stored(connection, photo_id, _only_of(queries))
    if stored_sha256 is None:
        raise Refusal(photo_refusals.PHOTO_NOT_FOUND)
    picture = await photo_store.read(photo_id, stored_sha256)
    headers = {
        "content-disposition": f'inline; filename="{photo_id}.jpg"',
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(picture, media_type="image/jpeg", headers=headers)


def _read_range(content_range: str) -> tuple[int, int, int]:
    """First byte, bytes of the whole, bytes of this part. Raises Refusal."""
    found = _CONTENT_RANGE.fullmatch(content_range)
    if found is None:
        raise Refusal(photo_refusals.PHOTO_RANGE_INVALID, part_bytes_min=PHOTO_PART_BYTES_MIN)
    first, last, whole = (int(number) for number in found.groups())
    if not first <= last < whole:
        raise Refusal(photo_refusals.PHOTO_RANGE_INVALID, part_bytes_min=PHOTO_PART_BYTES_MIN)
    if whole > PHOTO_BYTES_MAX:
        raise Refusal(photo_refusals.PHOTO_TOO_LARGE, limit=f"{PHOTO_BYTES_MAX:,} bytes")
    return first, whole, last - first + 1


async def _require_inspection(inspection_id: UUID, queries: Queries) -> None:
    """Refuse before the body is read; the command decides again, on the locked row."""
    async with queries.read() as connection:
        if not await store.has_inspection(connection, inspection_id):
            raise Refusal(refusals.INSPECTION_NOT_FOUND)


async def _read_parts(address: PhotoAddress, bytes_needed: int, photo_bytes: int, queries: Queries) -> bytes:
    """What came before the last part. Raises Refusal when less is here."""
    if bytes_needed == 0:
        return b""
    place = PhotoPlace(address.inspection_id, address.instance_id, address.name, queries.principal.subject)
    async with queries.read() as connection:
        earlier = await store.join_parts(connection, place, photo_bytes)
        if len(earlier) < bytes_needed:
            received_bytes = await store.count_received_bytes(connection, place, photo_bytes)
            raise Refusal(photo_refusals.PHOTO_PART_OUT_OF_ORDER, received_bytes=received_bytes)
    return earlier[:bytes_needed]


def _only_of(queries: Queries) -> str | None:
    return None if queries.principal.has_any_role(_SEES_ALL) else queries.principal.subject


def _line(row: PhotoRow) -> PhotoLine:
    return PhotoLine(
        photo_id=row.photo_id,
        instance_id=row.instance_id,
        name=row.name,
        submission_id=row.submission_id,
        item=row.item,
        received_at=row.received_at,
        sha256=row.original_sha256,
        taken_at=row.taken_at,
        picture=f"/photos/{row.photo_id}",
        **asdict(weigh_evidence(row.evidence)),
    )
