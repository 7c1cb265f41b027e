"""State directories and ports: checked before anything starts, with a message that says what to do."""

import errno
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import POLL_INTERVAL_S, User, started_ticks

FREE_SPACE_BYTES_MIN = 1024**3
PORT_BASE_DEFAULT = 8100
PORT_BASE_MAX = 65_000
UNPRIVILEGED = User(uid=65534, gid=65534)
"""`nobody` on every common distribution: PostgreSQL refuses to run as root."""
DEAD_HOLDER_DEADLINE_S = 10.0
SHARED_DIRECTORY = Path("/var/tmp")  # noqa: S108 - checked for owner and mode before use


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port of one installation, counted from a base so that a second one can run beside it."""

    base: int = PORT_BASE_DEFAULT

    @classmethod
    def from_environment(cls) -> "Ports":
        """Base from PAYESH_PORT_BASE; raises LauncherError when it is no usable number."""
        text = os.environ.get("PAYESH_PORT_BASE", str(PORT_BASE_DEFAULT))
        if not text.isdecimal() or not 1024 <= int(text) <= PORT_BASE_MAX:
            raise LauncherError(f"PAYESH_PORT_BASE={text} is no port. Choose a number from 1024 to {PORT_BASE_MAX}.")
        return cls(int(text))

    @property
    def issuer(self) -> int:
        return self.base

    @property
    def warehouse(self) -> int:
        return self.base + 1

    @property
    def nationals(self) -> int:
        return self.base + 2

    @property
    def notifications(self) -> int:
        return self.base + 3

    @property
    def smtp(self) -> int:
        return self.base + 25

    @property
    def postgresql(self) -> int:
        return self.base + 32

    @property
    def broker(self) -> int:
        """The embedded broker's port, and the first of three for Apache Kafka (the next three: controllers)."""
        return self.base + 92


def require_free_port(port: int, purpose: str) -> None:
    """Raise LauncherError, naming the port and the way out, when something listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LauncherError(
                f"Port {port} ({purpose}) is taken. Stop what listens there, or choose other ports: "
                f"PAYESH_PORT_BASE={port + 1000 - port % 100} make run"
            ) from error


def free_port() -> int:
    """A port that nothing listens on now, chosen by the kernel (for tests)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_usable_directory(directory: Path, free_bytes_min: int = FREE_SPACE_BYTES_MIN) -> None:
    """Create the directory; raise LauncherError when it cannot be written or its disk is nearly full."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory) as probe:
            probe.write(b"payesh")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"The disk that holds {directory} is full. Free some space there, then start again."
            raise LauncherError(message) from error
        raise LauncherError(
            f"The state directory {directory} cannot be written ({error.strerror}). "
            "Give it to this user, or choose another: PAYESH_STATE=/some/directory make run"
        ) from error
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < free_bytes_min:
        raise LauncherError(
            f"Only {free_bytes // 1024**2} MiB are free on the disk that holds {directory}; "
            f"{free_bytes_min // 1024**2} MiB are needed. Free some space, or choose another disk with PAYESH_STATE."
        )


def can_traverse(path: Path, user: User) -> bool:
    """Whether `user` may enter the directory and everything above it."""
    for directory in (path, *path.parents):
        status = directory.stat()
        if status.st_uid == user.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == user.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def owned_directory(path: Path, user: User | None, mode: int) -> Path:
    """Create a directory for `user` (None: this process's own), refusing one that somebody else planted there.

    Raises LauncherError when the path exists and is a link or belongs to another account.
    """
    owner = User(os.getuid(), os.getgid()) if user is None else user
    if not path.exists() and not path.is_symlink():
        path.mkdir(mode=0o700)
        if user is not None:
            os.chown(path, user.uid, user.gid)
        path.chmod(mode)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.uid:
        raise LauncherError(f"{path} belongs to another account. Remove it, or run as the account that made it.")
    return path


class DirectoryLock:
    """Holds a directory for this process. The kernel frees it when the process ends, however it ends: never stale.

    A child between fork and exec has the lock too, so that of a killed launcher is held until such a child is gone.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Create the directory and lock it; raises LauncherError, naming the holder, while another process has it.

        What only a dead holder's children still have is waited for, up to `DEAD_HOLDER_DEADLINE_S`.
        """
        if self._descriptor is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + DEAD_HOLDER_DEADLINE_S
        while not _try_lock(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            is_dead = holder.isdecimal() and started_ticks(int(holder)) is None
            if not is_dead or time.monotonic() > deadline:
                os.close(descriptor)
                raise LauncherError(
                    f"{self._path.parent} is in use by a running launcher (pid {holder or 'unknown'}). Stop it with "
                    "Ctrl-C there, or run a second one beside it: PAYESH_STATE=/some/directory PAYESH_PORT_BASE=9100 "
                    "make run"
                )
            time.sleep(POLL_INTERVAL_S)
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        with suppress(OSError):  # on a full disk the lock holds too, it only does not name its holder
            os.write(descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Free the directory; nothing happens when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def path_digest(path: Path) -> str:
    """Short stable name for a path, for directories that have to live elsewhere."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
