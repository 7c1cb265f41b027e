"""A photo's bytes become a clean picture and the evidence they carry, within named limits, or a Refusal.

The picture that is kept is encoded anew from its pixels: upright, no larger than a reviewer needs, a JPEG without metadata.
Nothing of the file as it was sent is kept but its hash.
"""

import hashlib
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Final

from services.warehouse.domain import photo_refusals
from services.warehouse.domain.photo import (
    BUFFERED_PIXELS_MAX,
    PHOTO_BYTES_MAX,
    PHOTO_PIXELS_MAX,
    DecodedPhoto,
    PhotoFacts,
)
from services.warehouse.domain.photo_container import Container, NotAPhotoError, open_container
from services.warehouse.domain.photo_exif import ORIENTATION_UPRIGHT, read_exif
from shared.contracts.refusals import Refusal

if TYPE_CHECKING:
    from PIL.Image import Image

STORED_EDGE_PIXELS_MAX = 2560
"""Longest side of what is kept; a placard across a hall can still be read."""
STORED_QUALITY = 85
EDGE_PIXELS_MIN = 16
"""Smaller is no photo."""
HASH_ROWS = 8
HASH_BITS_SET_MIN = 6
"""A hash with fewer bits set, or clear, is that of a wall or of the dark: too many pictures have it."""

_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
_UNSCALABLE_MODES: Final = frozenset({"1", "P", "PA"})
_one_at_a_time = threading.Lock()


def decode_photo(content: bytes) -> DecodedPhoto:
    """Decode `content` (JPEG, PNG or WebP, told by its bytes) and encode the picture anew; about 0.1 s of one core.

    Call it in a thread; threads take turns, so that the memory is that of one picture. Raises Refusal
    `warehouse.photo.unreadable` or `warehouse.photo.too_large`.
    """
    if len(content) > PHOTO_BYTES_MAX:
        raise Refusal(photo_refusals.PHOTO_TOO_LARGE, limit=f"{PHOTO_BYTES_MAX:,} bytes")
    try:
        container = open_container(content)
    except NotAPhotoError as error:
        raise _unreadable(str(error)) from error
    pixels_max = PHOTO_PIXELS_MAX if container.is_sequential else BUFFERED_PIXELS_MAX
    if container.width_pixels * container.height_pixels > pixels_max:
        raise Refusal(photo_refusals.PHOTO_TOO_LARGE, limit=f"{pixels_max:,} pixels")
    if min(container.width_pixels, container.height_pixels) < EDGE_PIXELS_MIN:
        raise _unreadable(f"a side has fewer than {EDGE_PIXELS_MIN} pixels")
    exif = read_exif(container.exif)
    with _one_at_a_time:
        image = _read_pixels(container, exif.orientation)
        picture = BytesIO()
        image.save(picture, "JPEG", quality=STORED_QUALITY)
        difference_hash = hash_differences(image)
    stored = picture.getvalue()
    return DecodedPhoto(
        PhotoFacts(
            original_sha256=hashlib.sha256(content).hexdigest(),
            original_bytes=len(content),
            original_format=container.format,
            taken_at=exif.taken_at,
            taken_point=exif.taken_point,
            stored_sha256=hashlib.sha256(stored).hexdigest(),
            stored_bytes=len(stored),
            width_pixels=image.width,
            height_pixels=image.height,
            difference_hash=difference_hash,
        ),
        stored,
    )


def hash_differences(image: "Image") -> int | None:
    """Difference hash of a picture, 64 bits as a signed number: whether each of 8 × 9 grey fields is darker than the
    next of its row. Near-same pictures differ in few bits. None for a picture too plain to be told from another.
    """
    from PIL import Image  # noqa: PLC0415 - see _read_pixels

    fields = image.convert("L").resize((HASH_ROWS + 1, HASH_ROWS), Image.Resampling.BOX).tobytes()
    bits = 0
    for at in range(len(fields) - 1):
        if (at + 1) % (HASH_ROWS + 1):
            bits = bits << 1 | (fields[at] < fields[at + 1])
    if not HASH_BITS_SET_MIN <= bits.bit_count() <= HASH_ROWS**2 - HASH_BITS_SET_MIN:
        return None
    return int.from_bytes(bits.to_bytes(8, "big"), "big", signed=True)


def _read_pixels(container: Container, orientation: int) -> "Image":
    """The picture, upright and at most `STORED_EDGE_PIXELS_MAX` wide and high, RGB. Raises Refusal."""
    from PIL import Image  # noqa: PLC0415 - 15 MB of native code that only a photo needs

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        with Image.open(BytesIO(container.content), formats=(container.format,)) as image:
            if image.size != (container.width_pixels, container.height_pixels) or image.mode not in _MODES:
                raise _unreadable("a kind of picture that no camera makes")
            share = STORED_EDGE_PIXELS_MAX / max(image.size)
            image.draft(None, (round(image.width * share), round(image.height * share)))
            pixels = image.convert("RGB") if image.mode in _UNSCALABLE_MODES else image
            pixels.thumbnail((STORED_EDGE_PIXELS_MAX, STORED_EDGE_PIXELS_MAX))
            pixels = pixels.convert("RGB")
    except Refusal:
        raise
    except Exception as error:
        # Whatever a decoder raises tells of nothing but the file; which exceptions those are differs by decoder.
        raise _unreadable("damaged") from error
    return pixels if orientation == ORIENTATION_UPRIGHT else pixels.transpose(turns[orientation])


def _unreadable(problem: str) -> Refusal:
    return Refusal(photo_refusals.PHOTO_UNREADABLE, problem=problem)
