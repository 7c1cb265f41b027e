"""A photo from the field: what is kept of the file that was sent, and the picture that is kept in its place."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.warehouse.domain.photo_evidence import Point

PHOTO_BYTES_MAX = 16 * 1024 * 1024
PHOTO_PIXELS_MAX = 50_000_000
"""Of a sequential JPEG, which is what cameras write: it is decoded at the size at which it is kept."""
BUFFERED_PIXELS_MAX = 12_500_000
"""Of any other file, whose decoder holds the whole picture, some more than once: up to 180 MB for a moment."""
PHOTO_PART_BYTES_MIN = 64 * 1024
"""Of a part that is not the last."""
INSPECTION_PHOTOS_MAX = 200
"""Of all submissions of one inspection, sent and sent again."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """The evidence: the original's hash, size, format, and the time and place of its Exif data and nothing else of them;
    then what is kept in its place. `difference_hash` is None for a picture too plain to be told from another.
    """

    original_sha256: str
    original_bytes: int
    original_format: str
    taken_at: datetime | None
    taken_point: Point | None
    stored_sha256: str
    stored_bytes: int
    width_pixels: int
    height_pixels: int
    difference_hash: int | None


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """`picture` is a JPEG made from the decoded pixels, upright, without metadata."""

    facts: PhotoFacts
    picture: bytes


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """A photo whose picture is in the photo store already, under `photo_id`: its row may be written."""

    photo_id: UUID
    facts: PhotoFacts
