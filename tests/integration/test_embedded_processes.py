"""Children die with their launcher, leftovers are ended exactly, and nobody else's process is ever signalled."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded import directories
from deploy.embedded.directories import (
    DirectoryLock,
    Ports,
    free_port,
    owned_directory,
    require_free_port,
    require_usable_directory,
)
from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import (
    Command,
    ProcessRecords,
    end_recorded,
    identify,
    is_alive,
    send_signal,
    spawn,
    stop,
    wait_until,
)

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
LAUNCHER = """
import sys, time
from pathlib import Path
from deploy.embedded.processes import Command, ProcessRecords, spawn
state = Path(sys.argv[1])
child = spawn(Command("child", [sys.executable, "-c", "import time; time.sleep(600)"], {}, state / "child.log"))
ProcessRecords(state / "processes").write("child", child.pid)
print(child.pid, flush=True)
time.sleep(600)
"""


def command(tmp_path: Path, argv: list[str]) -> Command:
    return Command("child", argv, {}, tmp_path / "child.log")


def test_child_dies_when_its_launcher_is_killed(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert launcher.stdout is not None
    record = identify("child", int(launcher.stdout.readline()))
    assert record is not None
    launcher.kill()
    launcher.wait()
    assert wait_until(lambda: not is_alive(record), 5)


def test_a_record_of_a_reused_pid_ends_nobody(tmp_path: Path) -> None:
    process = spawn(command(tmp_path, SLEEP))
    record = identify("child", process.pid)
    assert record is not None
    for other in (replace(record, started_ticks=record.started_ticks - 1), replace(record, boot_id="another")):
        end_recorded(other)
        assert not send_signal(other, signal.SIGKILL)
    assert process.poll() is None
    assert stop(process, signal.SIGTERM) == -signal.SIGTERM


def test_leftovers_are_ended_even_when_they_are_deaf_to_sigterm(tmp_path: Path) -> None:
    records = ProcessRecords(tmp_path / "processes")
    process = spawn(command(tmp_path, STUBBORN))
    records.write("child", process.pid)
    assert wait_until(lambda: "deaf" in (tmp_path / "child.log").read_text(), 10)
    assert records.end_leftovers() == ["child"]
    assert process.wait(5) == -signal.SIGKILL
    assert records.end_leftovers() == []


def test_a_damaged_record_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"name": "torn", "pid"')
    assert ProcessRecords(tmp_path).end_leftovers() == []
    assert list(tmp_path.iterdir()) == []


def test_stop_kills_after_the_deadline(tmp_path: Path) -> None:
    process = spawn(command(tmp_path, STUBBORN))
    assert wait_until(lambda: "deaf" in (tmp_path / "child.log").read_text(), 10)
    begin = time.monotonic()
    assert stop(process, signal.SIGTERM, 0.3) == -signal.SIGKILL
    assert time.monotonic() - begin < 5


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="no-such-program"):
        spawn(command(tmp_path, [str(tmp_path / "no-such-program")]))


def test_a_second_launcher_is_refused_while_the_first_holds_the_directory(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    first.acquire()
    with pytest.raises(LauncherError, match=f"pid {os.getpid()}.*PAYESH_STATE"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


HOLDER_THAT_DIES = """
import os, sys, time
from pathlib import Path
from deploy.embedded.directories import DirectoryLock
DirectoryLock(Path(sys.argv[1])).acquire()
if os.fork():
    os._exit(0)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize(("outlives_s", "deadline_s", "is_freed"), [(0.5, 30.0, True), (30.0, 0.2, False)])
def test_a_dead_launchers_lock_is_waited_for_while_its_child_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outlives_s: float, deadline_s: float, is_freed: bool
) -> None:
    monkeypatch.setattr(directories, "DEAD_HOLDER_DEADLINE_S", deadline_s)
    dead = subprocess.Popen([sys.executable, "-c", HOLDER_THAT_DIES, str(tmp_path), str(outlives_s)])
    assert dead.wait(10) == 0
    lock = DirectoryLock(tmp_path)
    if is_freed:
        lock.acquire()
        lock.release()
    else:
        with pytest.raises(LauncherError, match=f"pid {dead.pid}"):
            lock.acquire()


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LauncherError, match=f"Port {port} .warehouse. is taken.*PAYESH_PORT_BASE"):
            require_free_port(port, "warehouse")
    require_free_port(free_port(), "warehouse")


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="MiB are needed"):
        require_usable_directory(tmp_path, free_bytes_min=1 << 60)


def test_an_unusable_state_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LauncherError, match="PAYESH_STATE"):
        require_usable_directory(tmp_path / "file" / "state")


def test_a_planted_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(LauncherError, match="belongs to another account"):
        owned_directory(tmp_path / "link", None, 0o700)


@pytest.mark.parametrize("text", ["", "80", "70000", "-1", "abc"])
def test_an_unusable_port_base_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYESH_PORT_BASE", text)
    with pytest.raises(LauncherError, match="PAYESH_PORT_BASE"):
        Ports.from_environment()
