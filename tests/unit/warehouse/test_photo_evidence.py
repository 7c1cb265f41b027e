"""Figures and flags of a photo, at and beyond each limit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from services.warehouse.domain.photo_evidence import (
    TAKEN_AFTER_MAX,
    TAKEN_BEFORE_MAX,
    TAKEN_ELSEWHERE_M,
    PhotoEvidence,
    PhotoFlag,
    Point,
    weigh_evidence,
)

VISITED = datetime(2025, 11, 22, 7, 0, tzinfo=UTC)
SITE = Point(Decimal("35.580000"), Decimal("51.440000"))
SECOND = timedelta(seconds=1)
SOUND = PhotoEvidence(VISITED, SITE, VISITED, SITE, SITE, same_sites=0, similar_sites=0)


def north_of_site(metres: float) -> Point:
    return Point(SITE.latitude + Decimal(metres / 111_194.93).quantize(Decimal("0.000001")), SITE.longitude)


def test_a_sound_photo_raises_nothing() -> None:
    found = weigh_evidence(SOUND)
    assert (found.distance_to_recorded_m, found.distance_to_found_m, found.taken_after_inspection_s) == (0, 0, 0)
    assert found.flags == ()


@pytest.mark.parametrize(
    ("after", "flags"),
    [
        (-TAKEN_BEFORE_MAX, ()),
        (-TAKEN_BEFORE_MAX - SECOND, (PhotoFlag.TAKEN_LONG_BEFORE,)),
        (TAKEN_AFTER_MAX, ()),
        (TAKEN_AFTER_MAX + SECOND, (PhotoFlag.TAKEN_AFTER,)),
    ],
)
def test_time(after: timedelta, flags: tuple[PhotoFlag, ...]) -> None:
    found = weigh_evidence(replace(SOUND, taken_at=VISITED + after))
    assert (found.taken_after_inspection_s, found.flags) == (after.total_seconds(), flags)


def test_distance_is_to_the_nearest_known_point() -> None:
    near, far = north_of_site(TAKEN_ELSEWHERE_M - 5), north_of_site(TAKEN_ELSEWHERE_M + 5)
    assert weigh_evidence(replace(SOUND, taken_point=near)).flags == ()
    assert weigh_evidence(replace(SOUND, taken_point=far)).flags == (PhotoFlag.TAKEN_ELSEWHERE,)
    assert weigh_evidence(replace(SOUND, taken_point=far, found_point=far)).flags == ()
    only_recorded = weigh_evidence(replace(SOUND, taken_point=far, found_point=None))
    assert only_recorded.flags == (PhotoFlag.TAKEN_ELSEWHERE,)
    assert only_recorded.distance_to_recorded_m == pytest.approx(TAKEN_ELSEWHERE_M + 5, abs=1)


def test_what_is_unknown_raises_nothing() -> None:
    far = north_of_site(100_000)
    for evidence in (
        replace(SOUND, taken_at=None, taken_point=None),
        replace(SOUND, inspected_at=None, taken_at=VISITED - timedelta(days=400)),
        replace(SOUND, recorded_point=None, found_point=None, taken_point=far),
    ):
        assert weigh_evidence(evidence).flags == ()


def test_pictures_of_other_sites() -> None:
    assert weigh_evidence(replace(SOUND, same_sites=1)).flags == (PhotoFlag.SAME_FILE_AT_ANOTHER_SITE,)
    assert weigh_evidence(replace(SOUND, similar_sites=2)).flags == (PhotoFlag.SIMILAR_PICTURE_AT_ANOTHER_SITE,)
