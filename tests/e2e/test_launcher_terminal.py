"""`payesh up --play` in a terminal: the live board fits it, the addresses answer, Ctrl-C ends everything at any moment."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shared.contracts.counties import County
from tests.support.platform_process import (
    DAY_DEADLINE_S,
    PLAYED_QUICKLY,
    UP_DEADLINE_S,
    free_port_base,
    processes_of,
    remove_installation,
)

ROWS, COLUMNS = 24, 80
CTRL_C = b"\x03"
STOP_DEADLINE_S = 40.0
POLL_INTERVAL_S = 0.05
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\u200e")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DAY_DEADLINE_S)]


class Terminal:
    """A command whose standard streams are a terminal of its own; what it shows is collected without colours."""

    def __init__(self, state: Path, port_base: int) -> None:
        self._own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        own = {"PAYESH_STATE": str(state), "PAYESH_PORT_BASE": str(port_base), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "up", "--play", *PLAYED_QUICKLY],
            env=inherited | own,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - Ctrl-C needs a controlling terminal
        )
        os.close(theirs)
        self._raw = b""
        threading.Thread(target=self._collect, daemon=True).start()

    @property
    def shown(self) -> str:
        return _CONTROL_SEQUENCE.sub("", self._raw.decode("utf-8", errors="replace"))

    def wait_for(self, condition: Callable[[], bool], deadline_s: float) -> None:
        end = time.monotonic() + deadline_s
        while not condition():
            assert self.process.poll() is None, self.shown
            assert time.monotonic() < end, self.shown
            time.sleep(POLL_INTERVAL_S)

    def press(self, keys: bytes) -> None:
        os.write(self._own, keys)

    def _collect(self) -> None:
        while True:
            try:
                self._raw += os.read(self._own, 65_536)
            except OSError:  # the other end is closed: the command has ended
                os.close(self._own)
                return


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    """Call it to start `payesh up --play` in a new terminal, always on the same state."""
    state, port_base = tmp_path / "state", free_port_base()
    opened: list[Terminal] = []

    def start() -> Terminal:
        opened.append(Terminal(state, port_base))
        return opened[-1]

    yield start
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()
    remove_installation(state)


def _stop_by_keyboard(terminal: Terminal, state: Path) -> None:
    terminal.press(CTRL_C)
    assert terminal.process.wait(STOP_DEADLINE_S) == 0, terminal.shown
    assert terminal.shown.rstrip().endswith("stopped")
    assert "Traceback" not in terminal.shown
    assert processes_of(state) == {}


def test_board_addresses_and_ctrl_c(open_terminal: Callable[[], Terminal], tmp_path: Path) -> None:
    terminal = open_terminal()
    terminal.wait_for(lambda: "Ctrl-C stops everything" in terminal.shown, DAY_DEADLINE_S)
    shown = terminal.shown
    for county in County:
        assert re.search(rf"{county.value} +{county.label_fa} +\d", shown), county
    assert "…" not in shown
    assert re.search(r"[1-9]\d* events/s +lag \d+ +outbox \d+", shown)
    assert re.search(r"alerts open / acknowledged / escalated \d+ / [1-9]\d* / \d+", shown)
    addresses = re.findall(r"http://127\.0\.0\.1:\d+/(?:docs/events|docs|health|ready|metrics)\b", shown)
    assert len(addresses) == 3 * 5
    assert all(httpx.get(address, timeout=5.0, trust_env=False).status_code == 200 for address in addresses)
    _stop_by_keyboard(terminal, tmp_path / "state")


def test_ctrl_c_while_starting_and_while_playing(open_terminal: Callable[[], Terminal], tmp_path: Path) -> None:
    state = tmp_path / "state"
    terminal = open_terminal()
    terminal.wait_for(lambda: any("initdb" in line for line in processes_of(state).values()), UP_DEADLINE_S)
    _stop_by_keyboard(terminal, state)
    for words in ("database and broker are up", "first inspection counted"):
        terminal = open_terminal()
        terminal.wait_for(lambda: words in terminal.shown, UP_DEADLINE_S)  # noqa: B023 - used up before the next round
        _stop_by_keyboard(terminal, state)
