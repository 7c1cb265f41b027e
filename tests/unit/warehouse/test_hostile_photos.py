"""1,000 files that mean harm: each is refused or becomes a clean picture, in bounded memory and time."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.support import hostile_pictures

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("PAYESH_TEST_HOSTILE_PHOTOS", "1000"))
SEED = int(os.environ.get("PAYESH_TEST_SEED", "20251122"))
GROWTH_MB_MAX = 200
DECODE_S_MAX = 10.0
"""About ten times what the slowest takes on a busy machine."""


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", hostile_pictures.__name__, str(SEED), str(COUNT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


def test_each_is_refused_or_becomes_clean(report: dict[str, Any]) -> None:
    outcomes: dict[str, dict[str, int]] = report["outcomes"]
    assert sum(sum(codes.values()) for codes in outcomes.values()) == COUNT + hostile_pictures.LARGEST_COUNT
    codes = {code for found in outcomes.values() for code in found}
    assert codes == {"clean", "warehouse.photo.unreadable", "warehouse.photo.too_large"}
    for never_clean in ("cut_off", "png_pixel_bomb", "png_many_chunks", "animation", "no_picture"):
        assert "clean" not in outcomes[never_clean]
    for always_clean in ("png_text_bomb", "exif_trap", "icc_bomb", "largest_png", "largest_jpeg"):
        assert set(outcomes[always_clean]) == {"clean"}, outcomes[always_clean]


def test_no_file_takes_more_memory_or_time_than_a_photo_may(report: dict[str, Any]) -> None:
    growth_mb: dict[str, int] = report["growth_mb"]
    assert max(growth_mb.values()) < GROWTH_MB_MAX, growth_mb
    assert growth_mb["largest_webp"] > 50, "the measurement sees what a decoder takes"
    assert report["slowest"][0] < DECODE_S_MAX, report["slowest"]
