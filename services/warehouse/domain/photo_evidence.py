"""What a photo says of itself against what the inspection says: figures and flags for a reviewer, decisions never.

Coordinates are those of a site or of its photo, kept only with the inspection; readers get distances.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from services.warehouse.domain.geography import distance_m

TAKEN_ELSEWHERE_M = 500.0
"""As far as a site may lie from its recorded point before it counts as moved."""
TAKEN_BEFORE_MAX = timedelta(hours=12)
TAKEN_AFTER_MAX = timedelta(hours=12)
"""Photo and visit are dated by the same phone; half a day is beyond a visit and a camera's missing time zone."""
SIMILAR_BITS_MAX = 3
"""Bits of 64 in which the hashes of two near-same pictures may differ; the index finds every such pair up to 3."""


class PhotoFlag(StrEnum):
    """Why a reviewer should look twice."""

    SAME_FILE_AT_ANOTHER_SITE = "same_file_at_another_site"
    SIMILAR_PICTURE_AT_ANOTHER_SITE = "similar_picture_at_another_site"
    TAKEN_ELSEWHERE = "taken_elsewhere"
    TAKEN_LONG_BEFORE = "taken_long_before"
    TAKEN_AFTER = "taken_after"


@dataclass(frozen=True, slots=True)
class Point:
    """A place on earth, WGS 84, in degrees."""

    latitude: Decimal
    longitude: Decimal


@dataclass(frozen=True, slots=True)
class PhotoEvidence:
    """One photo's own claims, the visit's, and how many other sites share the picture. None is unknown."""

    taken_at: datetime | None
    taken_point: Point | None
    inspected_at: datetime | None
    recorded_point: Point | None
    found_point: Point | None
    same_sites: int
    similar_sites: int


@dataclass(frozen=True, slots=True)
class PhotoFindings:
    """Distances in metres, to the registry's point and to the one found; seconds from the visit to the photo, negative
    where it was taken before. None where one side is unknown."""

    distance_to_recorded_m: float | None
    distance_to_found_m: float | None
    taken_after_inspection_s: float | None
    flags: tuple[PhotoFlag, ...]


def weigh_evidence(evidence: PhotoEvidence) -> PhotoFindings:
    """Compute the figures and raise the flags; what is unknown raises none."""
    to_recorded_m = _distance_m(evidence.taken_point, evidence.recorded_point)
    to_found_m = _distance_m(evidence.taken_point, evidence.found_point)
    known_m = [distance for distance in (to_recorded_m, to_found_m) if distance is not None]
    after = evidence.taken_at - evidence.inspected_at if evidence.taken_at and evidence.inspected_at else None
    raised = {
        PhotoFlag.SAME_FILE_AT_ANOTHER_SITE: evidence.same_sites > 0,
        PhotoFlag.SIMILAR_PICTURE_AT_ANOTHER_SITE: evidence.similar_sites > 0,
        PhotoFlag.TAKEN_ELSEWHERE: bool(known_m) and min(known_m) > TAKEN_ELSEWHERE_M,
        PhotoFlag.TAKEN_LONG_BEFORE: after is not None and after < -TAKEN_BEFORE_MAX,
        PhotoFlag.TAKEN_AFTER: after is not None and after > TAKEN_AFTER_MAX,
    }
    return PhotoFindings(
        distance_to_recorded_m=to_recorded_m,
        distance_to_found_m=to_found_m,
        taken_after_inspection_s=after.total_seconds() if after is not None else None,
        flags=tuple(flag for flag, is_raised in raised.items() if is_raised),
    )


def _distance_m(a: Point | None, b: Point | None) -> float | None:
    """Distance to the metre; None where a point is unknown."""
    if a is None or b is None:
        return None
    return round(distance_m(float(a.latitude), float(a.longitude), float(b.latitude), float(b.longitude)), 0)
