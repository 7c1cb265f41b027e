"""Of a photo's Exif data (CIPA DC-008) six facts are read: which side is up, when and where it was taken; nothing else.

Two levels of directories are looked at, each once, so that a block that points to itself leads nowhere.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from services.warehouse.domain.photo_evidence import Point
from services.warehouse.domain.registry_row import COORDINATE_DECIMALS
from shared.persian.calendar import OFFICE_ZONE

DIRECTORY_ENTRIES_MAX = 200
ORIENTATION_UPRIGHT = 1
YEARS = range(1990, 2100)

_ORIENTATION: Final = 0x0112
_EXIF_DIRECTORY: Final = 0x8769
_GPS_DIRECTORY: Final = 0x8825
_TAKEN_AT: Final = 0x9003
_TAKEN_AT_OFFSET: Final = 0x9011
_LATITUDE_SIDE, _LATITUDE, _LONGITUDE_SIDE, _LONGITUDE = 1, 2, 3, 4
_ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
_BYTE_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """`orientation` is 1 to 8 as Exif numbers it. `taken_at` is in UTC; a time without zone is taken as the province's."""

    orientation: int = ORIENTATION_UPRIGHT
    taken_at: datetime | None = None
    taken_point: Point | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    value_at: int


def read_exif(block: bytes | None) -> ExifFacts:
    """The six facts; what is missing, damaged or impossible is left out."""
    order = _BYTE_ORDERS.get((block or b"")[:4])
    if block is None or order is None:
        return ExifFacts()
    reader = _Reader(block, order)
    first = reader.directory(reader.unsigned("I", 4))
    orientation = reader.number(first, _ORIENTATION, _SHORT) or ORIENTATION_UPRIGHT
    exif = reader.directory(reader.number(first, _EXIF_DIRECTORY, _LONG))
    gps = reader.directory(reader.number(first, _GPS_DIRECTORY, _LONG))
    return ExifFacts(
        orientation=orientation if orientation in range(1, 9) else ORIENTATION_UPRIGHT,
        taken_at=_moment(reader.text(exif, _TAKEN_AT), reader.text(exif, _TAKEN_AT_OFFSET)),
        taken_point=_point(
            _degrees(reader.rationals(gps, _LATITUDE), reader.text(gps, _LATITUDE_SIDE), "N", "S", 90),
            _degrees(reader.rationals(gps, _LONGITUDE), reader.text(gps, _LONGITUDE_SIDE), "E", "W", 180),
        ),
    )


class _Reader:
    """Values of a block; each method answers None, or nothing, where the block does not hold what is asked."""

    def __init__(self, block: bytes, order: str) -> None:
        self._block = block
        self._order = order

    def unsigned(self, code: str, at: int) -> int | None:
        try:
            (value,) = struct.unpack_from(self._order + code, self._block, at)
        except struct.error:
            return None
        return value

    def directory(self, at: int | None) -> Mapping[int, _Entry]:
        entries: dict[int, _Entry] = {}
        count = None if at is None else self.unsigned("H", at)
        if at is None or count is None:
            return entries
        for number in range(min(count, DIRECTORY_ENTRIES_MAX)):
            entry_at = at + 2 + 12 * number
            tag, kind, values = (self.unsigned(code, entry_at + by) for code, by in (("H", 0), ("H", 2), ("I", 4)))
            if tag is None or kind is None or values is None:
                break
            entries.setdefault(tag, _Entry(kind, values, entry_at + 8))
        return entries

    def number(self, directory: Mapping[int, _Entry], tag: int, kind: int) -> int | None:
        entry = directory.get(tag)
        if entry is None or (entry.kind, entry.count) != (kind, 1):
            return None
        return self.unsigned("H" if kind == _SHORT else "I", entry.value_at)

    def text(self, directory: Mapping[int, _Entry], tag: int) -> str:
        entry = directory.get(tag)
        if entry is None or entry.kind != _ASCII or entry.count > 64:
            return ""
        at = entry.value_at if entry.count <= 4 else self.unsigned("I", entry.value_at)
        raw = b"" if at is None else self._block[at : at + entry.count]
        return raw.partition(b"\0")[0].decode("ascii", "replace").strip()

    def rationals(self, directory: Mapping[int, _Entry], tag: int) -> list[Decimal]:
        entry = directory.get(tag)
        at = self.unsigned("I", entry.value_at) if entry and (entry.kind, entry.count) == (_RATIONAL, 3) else None
        if at is None:
            return []
        parts = [self.unsigned("I", at + 4 * number) for number in range(6)]
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return [Decimal(above) / Decimal(below) for above, below in pairs if above is not None and below]


def _moment(text: str, offset: str) -> datetime | None:
    try:
        local = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - its zone is written elsewhere
        zone = timezone(_offset(offset)) if offset else OFFICE_ZONE
    except ValueError:
        return None
    return local.replace(tzinfo=zone).astimezone(UTC) if local.year in YEARS else None


def _offset(text: str) -> timedelta:
    written = datetime.strptime(text, "%z").utcoffset()
    if written is None:
        raise ValueError(text)
    return written


def _degrees(parts: list[Decimal], side: str, positive: str, negative: str, most: int) -> Decimal | None:
    if len(parts) != 3 or side not in (positive, negative):
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    if degrees > most:
        return None
    rounded = degrees.quantize(Decimal(1).scaleb(-COORDINATE_DECIMALS))
    return rounded if side == positive else -rounded


def _point(latitude: Decimal | None, longitude: Decimal | None) -> Point | None:
    """The place; 0, 0 is what cameras write before they know it."""
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    return Point(latitude, longitude)
