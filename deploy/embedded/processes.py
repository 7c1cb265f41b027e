"""Child processes that die with their launcher, and records exact enough to kill what a dead launcher left behind.

A pid alone names nothing for long, so every record also holds the process's start time and the machine's boot id; a
signal is sent only to the very process that was recorded, through a pidfd. Linux only (/proc, prctl, pidfd).

The kernel sends the death signal when the *thread* that spawned the child ends: spawn from the main thread only.
"""

import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.embedded.errors import LauncherError

PR_SET_PDEATHSIG = 1
STOP_DEADLINE_S = 10.0
KILL_DEADLINE_S = 10.0
POLL_INTERVAL_S = 0.02
LOG_TAIL_LINES = 15
LOG_TAIL_BYTES = 16 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class User:
    """The account a child runs as; its numeric ids need no entry in /etc/passwd."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One process, named so that no other process can be mistaken for it, not even after its pid is used again."""

    name: str
    pid: int
    started_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Command:
    """How to run one child. `env` is the whole environment. `death_signal` is sent when the launcher dies."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log_file: Path
    user: User | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    directory: Path | None = None


def boot_id() -> str:
    """The kernel's id of this boot: start times are counted from it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started_ticks(pid: int) -> int | None:
    """Start time of a living process in clock ticks since boot; None when there is none, or only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def identify(name: str, pid: int) -> ProcessRecord | None:
    """Record of a living process, or None when it has ended already."""
    ticks = started_ticks(pid)
    return None if ticks is None else ProcessRecord(name, pid, ticks, boot_id())


def is_alive(record: ProcessRecord) -> bool:
    """Whether this very process still runs."""
    return record.boot_id == boot_id() and started_ticks(record.pid) == record.started_ticks


def send_signal(record: ProcessRecord, number: signal.Signals) -> bool:
    """Signal this very process. False when it has ended; raises PermissionError when it is another user's."""
    try:
        descriptor = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(record):
            return False
        signal.pidfd_send_signal(descriptor, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)


def wait_until(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Poll until the condition holds; False when the deadline passes first."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_INTERVAL_S)
    return True


def end_recorded(record: ProcessRecord, first: signal.Signals = signal.SIGTERM, deadline_s: float = 3.0) -> None:
    """End a leftover process: `first`, then SIGKILL. Raises LauncherError when it outlives both."""
    if not send_signal(record, first) or wait_until(lambda: not is_alive(record), deadline_s):
        return
    send_signal(record, signal.SIGKILL)
    if not wait_until(lambda: not is_alive(record), KILL_DEADLINE_S):
        raise LauncherError(f"Process {record.pid} ({record.name}) of an earlier run does not end. End it first.")


def _child_setup(death_signal: signal.Signals, launcher_pid: int) -> None:
    """Runs in the child between fork and exec, after the change of user (which would clear the death signal)."""
    _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != launcher_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def spawn(command: Command, *, waited_for: bool = False) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (Ctrl-C reaches the launcher alone), its output appended to the log file.

    `waited_for`: the calling thread stays until the child ends, so it need not be the main thread.
    Raises LauncherError when the program cannot be executed.
    """
    if not waited_for and threading.current_thread() is not threading.main_thread():
        raise RuntimeError("spawn from the main thread: the child would die with this one")
    launcher_pid = os.getpid()
    command.log_file.parent.mkdir(parents=True, exist_ok=True)
    user, group, groups = None, None, None
    if command.user is not None:
        user, group, groups = command.user.uid, command.user.gid, list[int]()
    with command.log_file.open("ab") as log:
        try:
            return subprocess.Popen(
                list(command.argv),
                env=dict(command.env),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=user,
                group=group,
                extra_groups=groups,
                start_new_session=True,
                preexec_fn=lambda: _child_setup(command.death_signal, launcher_pid),  # noqa: PLW1509 - one system call, no lock
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise LauncherError(f"{command.name} cannot be started ({command.argv[0]}): {error}") from error


def stop(process: subprocess.Popen[bytes], first: signal.Signals, deadline_s: float = STOP_DEADLINE_S) -> int:
    """Ask a child to end, then kill it after the deadline; returns its exit code (negative: the signal)."""
    with suppress(ProcessLookupError):
        process.send_signal(first)
    try:
        return process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(KILL_DEADLINE_S)


def log_tail(log_file: Path) -> str:
    """The last lines of a child's log, to be shown with the error that its end caused."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log_file.stat().st_size - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-LOG_TAIL_LINES:])


class ProcessRecords:
    """Records of running children, one small file each in `directory`, written whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, name: str, pid: int) -> None:
        """Remember a child that has just been started; nothing is written when it has ended already."""
        record = identify(name, pid)
        if record is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        temporary = self._directory / f".{name}.{os.getpid()}"
        temporary.write_text(json.dumps(asdict(record)))
        temporary.replace(self._directory / f"{name}.json")

    def forget(self, name: str) -> None:
        """Drop the record of a child that has ended."""
        (self._directory / f"{name}.json").unlink(missing_ok=True)

    def read(self) -> list[ProcessRecord]:
        """All records; a file that cannot be read names no process and is removed."""
        records: list[ProcessRecord] = []
        for path in sorted(self._directory.glob("*.json")):
            try:
                records.append(ProcessRecord(**json.loads(path.read_text())))
            except (ValueError, TypeError):
                path.unlink(missing_ok=True)
        return records

    def end_leftovers(self, first: signal.Signals = signal.SIGTERM) -> list[str]:
        """End every recorded process that still runs and forget them all; returns the names of those that did."""
        ended: list[str] = []
        for record in self.read():
            if is_alive(record):
                end_recorded(record, first)
                ended.append(record.name)
            self.forget(record.name)
        return ended
