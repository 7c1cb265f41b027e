"""The containers of JPEG (ITU T.81), PNG (RFC 2083) and WebP (RFC 9649): the picture alone, and its Exif block.

A decoder gets only what it needs for the pixels, so that nothing in colour profiles, texts, previews, further pictures or
appended files ever reaches it, and the size is known before anything is decoded.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

PhotoFormat = Literal["JPEG", "PNG", "WEBP"]

CHUNKS_MAX = 20_000
JPEG_SCANS_MAX = 64
"""A progressive photo has about ten; each one of thousands would go over the whole picture again."""

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_JPEG_START: Final = b"\xff\xd8"
_JPEG_SCAN: Final = 0xDA
_JPEG_END: Final = 0xD9
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Among the coded pixels: 0 stands for a byte FF, D0 to D7 restart the decoder."""
_JPEG_EXIF: Final = 0xE1
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SEQUENTIAL: Final = frozenset({0xC0, 0xC1})
_JPEG_KEPT: Final = _JPEG_FRAMES | {0xC4, 0xDB, 0xDD}
_JPEG_KEPT_APPS: Final = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
"""Both say in which colours the components are."""
_EXIF_START: Final = b"Exif\0\0"
_WEBP_DIMENSION_MASK: Final = 0x3FFF


class NotAPhotoError(ValueError):
    """The bytes are no single picture of a known format; the message says why."""


@dataclass(frozen=True, slots=True)
class Container:
    """`content` is a file of the same format with nothing but the picture; `exif` begins at its TIFF header.

    `is_sequential` is a JPEG that a decoder reads row by row and can shrink as it goes.
    """

    format: PhotoFormat
    content: bytes
    width_pixels: int
    height_pixels: int
    exif: bytes | None
    is_sequential: bool = False


def open_container(content: bytes) -> Container:
    """Tell the format by the bytes and take the picture out. Raises NotAPhotoError."""
    try:
        if content.startswith(_JPEG_START):
            return _open_jpeg(content)
        if content.startswith(_PNG_SIGNATURE):
            return _open_png(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _open_webp(content)
    except (struct.error, IndexError) as error:
        raise NotAPhotoError("cut off") from error
    raise NotAPhotoError("another format")


def _open_jpeg(content: bytes) -> Container:
    kept, exif, size, is_sequential = [_JPEG_START], None, None, False
    scans_at = len(content)
    for marker, segment, next_at in _jpeg_segments(content):
        if marker == _JPEG_SCAN:
            scans_at = next_at - len(segment)
            break
        body = segment[4:]
        if marker in _JPEG_FRAMES:
            if size is not None:
                raise NotAPhotoError("more than one picture")
            height_pixels, width_pixels = struct.unpack_from(">HH", body, 1)
            size, is_sequential = (width_pixels, height_pixels), marker in _JPEG_SEQUENTIAL
        if marker in _JPEG_KEPT or body.startswith(_JPEG_KEPT_APPS.get(marker, b"\0none")):
            kept.append(segment)
        elif marker == _JPEG_EXIF and body.startswith(_EXIF_START) and exif is None:
            exif = body[len(_EXIF_START) :]
    if size is None:
        raise NotAPhotoError("no picture in it")
    scans = content[scans_at : _jpeg_end(content, scans_at)]
    return Container("JPEG", b"".join([*kept, scans]), *size, exif, is_sequential)


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, whole segment with its marker, and where the next one begins; up to the first scan's."""
    at = len(_JPEG_START)
    for _ in range(CHUNKS_MAX):
        if content[at] != 0xFF:
            raise NotAPhotoError("damaged")
        while content[at + 1] == 0xFF:
            at += 1
        (length,) = struct.unpack_from(">H", content, at + 2)
        next_at = at + 2 + length
        if length < 2 or next_at > len(content):
            raise NotAPhotoError("cut off")
        yield content[at + 1], content[at:next_at], next_at
        at = next_at
    raise NotAPhotoError("too many segments")


def _jpeg_end(content: bytes, scans_at: int) -> int:
    """Where the picture ends; phones append previews and videos to it."""
    scans, at = 0, scans_at
    for _ in range(CHUNKS_MAX):
        found = _JPEG_MARKER.search(content, at)
        if found is None:
            raise NotAPhotoError("cut off")
        marker, at = content[found.end() - 1], found.end()
        if marker == _JPEG_END:
            return at
        scans += marker == _JPEG_SCAN
        if scans > JPEG_SCANS_MAX:
            raise NotAPhotoError("too many scans")
        at += struct.unpack_from(">H", content, at)[0]
    raise NotAPhotoError("too many segments")


def _open_png(content: bytes) -> Container:
    kept, exif = [_PNG_SIGNATURE], None
    width_pixels, height_pixels = struct.unpack_from(">II", content, len(_PNG_SIGNATURE) + 8)
    at = len(_PNG_SIGNATURE)
    for number in range(CHUNKS_MAX):
        length, kind = struct.unpack_from(">I4s", content, at)
        next_at = at + 12 + length
        if next_at > len(content):
            raise NotAPhotoError("cut off")
        if (number == 0) != (kind == b"IHDR"):
            raise NotAPhotoError("damaged")
        if kind == b"acTL":
            raise NotAPhotoError("animated")
        if kind in _PNG_KEPT:
            kept.append(content[at:next_at])
        elif kind == b"eXIf" and exif is None:
            exif = content[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return Container("PNG", b"".join(kept), width_pixels, height_pixels, exif)
        at = next_at
    raise NotAPhotoError("too many chunks")


def _open_webp(content: bytes) -> Container:
    picture, exif = None, None
    at, end = 12, min(len(content), 8 + struct.unpack_from("<I", content, 4)[0])
    for _ in range(CHUNKS_MAX):
        if at >= end:
            break
        kind, length = struct.unpack_from("<4sI", content, at)
        body = content[at + 8 : at + 8 + length]
        if len(body) < length:
            raise NotAPhotoError("cut off")
        if kind in (b"ANIM", b"ANMF"):
            raise NotAPhotoError("animated")
        if kind in (b"VP8 ", b"VP8L"):
            if picture is not None:
                raise NotAPhotoError("more than one picture")
            picture = kind, body
        elif kind == b"EXIF" and exif is None:
            exif = body.removeprefix(_EXIF_START)
        at += 8 + length + length % 2
    if picture is None:
        raise NotAPhotoError("no picture in it")
    kind, body = picture
    chunk = struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2)
    riff = struct.pack("<4sI4s", b"RIFF", 4 + len(chunk), b"WEBP") + chunk
    return Container("WEBP", riff, *_webp_size(kind, body), exif)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & _WEBP_DIMENSION_MASK) + 1, (bits >> 14 & _WEBP_DIMENSION_MASK) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & _WEBP_DIMENSION_MASK, height & _WEBP_DIMENSION_MASK
