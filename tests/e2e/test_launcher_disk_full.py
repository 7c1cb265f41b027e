"""A disk that is full at the start, during initdb, and in the middle of a day: a message, no orphan, nothing lost.

The disk is a small tmpfs that is shrunk to what it holds and grown again, which needs root and the right to mount.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.embedded.directories import UNPRIVILEGED, can_traverse
from tests.support.platform_process import (
    DAY_DEADLINE_S,
    PLAYED_QUICKLY,
    UP_DEADLINE_S,
    Installation,
    free_port_base,
    plays_whole_days,
    processes_of,
    wait_until,
    wait_up,
)

MIB = 1024**2
LARGE_BYTES = 3 * 1024 * MIB
"""Only an upper limit: a tmpfs takes no more memory than the files in it."""
FULL_FOR_S = 6.0
SHRINK_TRIES_MAX = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DAY_DEADLINE_S + UP_DEADLINE_S)]


@dataclass(frozen=True)
class Disk:
    """A mounted tmpfs."""

    path: Path

    def resize(self, size_bytes: int) -> None:
        _run("mount", "-o", f"remount,size={size_bytes}", str(self.path))

    def leave(self, free_bytes: int) -> None:
        """Shrink it until only so much is free; again where more than that was written meanwhile, which is refused."""
        for tries_left in reversed(range(SHRINK_TRIES_MAX)):
            status = os.statvfs(self.path)
            try:
                self.resize((status.f_blocks - status.f_bfree) * status.f_frsize + free_bytes)
            except subprocess.CalledProcessError:
                if not tries_left:
                    raise
            else:
                return


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("a small disk can be mounted by root only")
    with tempfile.TemporaryDirectory(prefix="payesh-disk-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)
        if not can_traverse(path, UNPRIVILEGED):
            pytest.skip("PostgreSQL's account cannot enter the temporary directory, so its data would be elsewhere")
        options = f"size={LARGE_BYTES},mode=755"
        try:
            _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", name)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"mounting is not permitted here: {error}")
        yield Disk(path)
        _run("umount", "--lazy", name)


@pytest.fixture
def installation(disk: Disk, tmp_path: Path) -> Iterator[Installation]:
    """Its state is on the small disk, what it says is not."""
    on_disk = Installation(disk.path / "state", free_port_base(), logs=tmp_path)
    yield on_disk
    for process in on_disk.started:
        process.end()


def test_disk_too_small_for_a_start_is_named_with_a_way_out(disk: Disk, installation: Installation) -> None:
    disk.resize(200 * MIB)
    refused = installation.start("up")
    assert refused.process.wait(UP_DEADLINE_S) == 1
    assert "MiB are needed" in refused.output
    assert str(disk.path) in refused.output
    assert "PAYESH_STATE" in refused.output
    assert "Traceback" not in refused.output
    assert processes_of(installation.state) == {}


def test_disk_that_fills_up_during_initdb_is_named_and_the_next_start_works(
    disk: Disk, installation: Installation
) -> None:
    broken = installation.start("up")
    wait_until(
        lambda: any("initdb" in line for line in processes_of(installation.state).values()), UP_DEADLINE_S, broken
    )
    disk.leave(MIB)
    assert broken.process.wait(UP_DEADLINE_S) == 1
    assert f"The disk that holds {disk.path}" in broken.output
    assert "Free some space there" in broken.output
    assert "Traceback" not in broken.output
    assert processes_of(installation.state) == {}
    disk.resize(LARGE_BYTES)
    again = installation.start("up")
    wait_up(again)
    assert "yes" in installation.run("counters", "check")
    again.process.terminate()
    assert again.process.wait(UP_DEADLINE_S) == 0
    assert processes_of(installation.state) == {}


@plays_whole_days
def test_disk_that_fills_up_during_the_day_is_named_and_the_day_ends_right(
    disk: Disk, installation: Installation
) -> None:
    day = installation.start("demo", *PLAYED_QUICKLY)
    wait_until(lambda: "first inspection counted" in day.output, UP_DEADLINE_S, day)
    assert list(installation.state.glob("day-*/postgresql/cluster/data/PG_VERSION"))
    disk.leave(MIB // 2)
    wait_until(lambda: f"The disk that holds {disk.path}" in day.output, UP_DEADLINE_S, day)
    time.sleep(FULL_FOR_S)
    assert day.process.poll() is None, day.output
    disk.resize(LARGE_BYTES)
    exit_code = day.process.wait(DAY_DEADLINE_S)
    assert "has room again" in day.output
    assert "Traceback" not in day.output
    summary = day.summary()
    assert (summary["lost"], summary["doubled"], summary["parked"]) == (0, 0, 0), day.output
    assert (exit_code, summary["left_over"]) == (0, 0), day.output
    assert processes_of(installation.state) == {}
