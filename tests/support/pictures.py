"""Photos as phones make them, written with Pillow's own encoder and Exif writer."""

import io
import struct
from fractions import Fraction
from random import Random
from typing import Any

from PIL import Image, ImageFilter
from PIL.TiffImagePlugin import IFDRational

ORIENTATION, MAKE, EXIF, GPS = 0x0112, 0x010F, 0x8769, 0x8825
TAKEN_AT, TAKEN_AT_OFFSET, SERIAL_NUMBER = 0x9003, 0x9011, 0xA431


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture of light and dark places; every seed makes another."""
    random = Random(seed)
    small = Image.frombytes("RGB", (12, 9), random.randbytes(12 * 9 * 3))
    return small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))


def camera_exif(
    taken_at: str | None = None,
    offset: str | None = None,
    place: tuple[float, float] | None = None,
    orientation: int | None = None,
) -> Image.Exif:
    """Exif data with these facts, and a maker and a serial number that nobody may keep."""
    exif = Image.Exif()
    exif[MAKE] = "Secretphone"
    if orientation is not None:
        exif[ORIENTATION] = orientation
    details: dict[int, Any] = {SERIAL_NUMBER: "SERIAL-4711"}
    if taken_at is not None:
        details[TAKEN_AT] = taken_at
    if offset is not None:
        details[TAKEN_AT_OFFSET] = offset
    exif[EXIF] = details
    if place is not None:
        latitude, longitude = place
        exif[GPS] = {
            1: "N" if latitude >= 0 else "S",
            2: _degrees(latitude),
            3: "E" if longitude >= 0 else "W",
            4: _degrees(longitude),
        }
    return exif


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The picture as a file; `options` as Pillow's `save` takes them."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def photo(seed: int = 1, **exif: Any) -> bytes:
    """A JPEG of scene `seed`; the rest as `camera_exif` takes it."""
    return encode(scene(seed), exif=camera_exif(**exif))


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """The JPEG with one more segment right after its start."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    exact = abs(Fraction(value).limit_denominator(1_000_000))
    degrees = int(exact)
    minutes = int((exact - degrees) * 60)
    seconds = ((exact - degrees) * 60 - minutes) * 60
    return (
        IFDRational(degrees, 1),
        IFDRational(minutes, 1),
        IFDRational(round(seconds * 10_000), 10_000),
    )
