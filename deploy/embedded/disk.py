"""Room on the disks that hold an installation's data: watched while it runs, and named when its lack breaks something.

with_reason(error, directories)      # LauncherError that says which disk is full, or None when none is
await watch(directories, report)     # one line when a disk fills up, one when it has room again; ends by cancellation
"""

import asyncio
import errno
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from deploy.embedded.errors import LauncherError, leaves

FULL_BYTES = 32 * 1024**2
"""PostgreSQL's log grows by files of 16 MiB: with less than two of them left it is about to stop."""
LOOK_INTERVAL_S = 1.0
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def with_reason(error: BaseException, directories: Iterable[Path]) -> LauncherError | None:
    """What to tell a reader when one of these disks is full, or an OSError says that another one is; None otherwise."""
    full = [path for path in _one_per_disk(directories) if _free_bytes(path) < FULL_BYTES]
    single = list(leaves(error))
    refused = [leaf for leaf in single if isinstance(leaf, OSError) and leaf.errno in NO_SPACE]
    if not full and not refused:
        return None
    places = [f"{path} ({_free_bytes(path) // 1024**2} MiB left)" for path in full]
    places = places or sorted({str(leaf.filename or "the state directory") for leaf in refused})
    advice = (
        f"The disk that holds {' and '.join(places)} is full. "
        "Free some space there, or choose another disk with PAYESH_STATE=/some/directory, then start again."
    )
    return LauncherError("\n".join([*sorted({str(leaf) for leaf in single if leaf not in refused}), advice]))


async def watch(directories: Iterable[Path], report: Callable[[str], None]) -> None:
    """Tell the reader once when a disk fills up and once when it has room again."""
    looked_at = list(directories)
    full: set[Path] = set()
    while True:
        for path in _one_per_disk(looked_at):
            free_bytes = _free_bytes(path)
            if free_bytes < FULL_BYTES and path not in full:
                full.add(path)
                report(
                    f"The disk that holds {path} is full ({free_bytes // 1024**2} MiB left): nothing more can be stored. "
                    "Free some space there; everything then goes on by itself."
                )
            elif free_bytes >= FULL_BYTES and path in full:
                full.discard(path)
                report(f"The disk that holds {path} has room again ({free_bytes // 1024**2} MiB)")
        await asyncio.sleep(LOOK_INTERVAL_S)


def _one_per_disk(directories: Iterable[Path]) -> list[Path]:
    disks: dict[int, Path] = {}
    for directory in directories:
        try:
            disks.setdefault(directory.stat().st_dev, directory)
        except OSError:
            continue
    return list(disks.values())


def _free_bytes(directory: Path) -> int:
    return shutil.disk_usage(directory).free
