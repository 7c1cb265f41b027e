"""`payesh` as a child process in a state directory of its own, and signals to the processes it supervises."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deploy.embedded.directories import path_digest
from deploy.embedded.processes import ProcessRecord, ProcessRecords, is_alive, send_signal, started_ticks
from deploy.embedded.remove import remove

UP_DEADLINE_S = 90.0
DAY_DEADLINE_S = 240.0
POLL_INTERVAL_S = 0.05
PORTS_SPAN = 100
PORT_BASE_RANGE = (20_000, 30_000)
"""Below the kernel's ephemeral ports, so that no outgoing connection takes one of them meanwhile."""
APACHE = os.environ.get("BROKER") == "apache"
plays_whole_days = pytest.mark.skipif(
    not (APACHE or os.environ.get("PAYESH_FAULTS")),
    reason="takes minutes: run with BROKER=apache (make test-kafka) or PAYESH_FAULTS=1",
)
"""For tests that play one day after the other."""
OFFSETS = (0, 1, 2, 3, 25, 32, 92, 93, 94, 95, 96, 97)


def free_port_base() -> int:
    """A base whose ports are all free now."""
    random = Random()
    while True:
        base = random.randrange(*PORT_BASE_RANGE, PORTS_SPAN)
        if all(_is_free(base + offset) for offset in OFFSETS):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class PayeshProcess:
    """One running `payesh …` command; its output goes to `log`."""

    process: subprocess.Popen[bytes]
    state: Path
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def records(self) -> dict[str, ProcessRecord]:
        """Living supervised processes by name."""
        found: dict[str, ProcessRecord] = {}
        for directory in self.state.glob("*/processes"):
            found |= {record.name: record for record in ProcessRecords(directory).read() if is_alive(record)}
        return found

    def kill(self, name: str) -> bool:
        """kill -9 one supervised process; False when it does not run just now."""
        record = self.records().get(name)
        return record is not None and send_signal(record, signal.SIGKILL)

    def summary(self) -> dict[str, Any]:
        """The JSON object of the last line."""
        return json.loads(self.output.strip().splitlines()[-1])

    def end(self) -> None:
        """Make sure that nothing is left when a test fails half-way: the kernel ends the children with the launcher."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


PLAYED_QUICKLY = ("--scale", "0.05", "--speedup", "320000")
"""A small day in which everything happens; about 25 s on two free cores."""


def remove_installation(state: Path) -> None:
    """Delete what `payesh` kept under `state`, also the database that root's server keeps outside it."""
    for profile in state.glob("*-*"):
        if profile.is_dir():
            remove(profile)


def start_payesh(
    state: Path,
    port_base: int,
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> PayeshProcess:
    """Start `payesh` with these arguments; its output goes to `log`, by default beside the state directory."""
    log = log or state.with_name(f"{state.name}-output.log")
    own = {"PAYESH_STATE": str(state), "PAYESH_PORT_BASE": str(port_base), "COLUMNS": "130"}
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", *arguments],
            env={**os.environ, **own, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return PayeshProcess(process, state, log)


@dataclass
class Installation:
    """One state directory with its ports, and the commands that were started on it."""

    state: Path
    port_base: int
    started: list[PayeshProcess] = field(default_factory=list[PayeshProcess])
    logs: Path | None = None
    """Where output goes, by default beside the state directory."""

    def start(self, *arguments: str) -> PayeshProcess:
        """Start `payesh` with these arguments; output is kept apart for each."""
        log = (self.logs or self.state.parent) / f"{self.state.name}-{len(self.started)}.log"
        self.started.append(start_payesh(self.state, self.port_base, arguments, log=log))
        return self.started[-1]

    def run(self, *arguments: str) -> str:
        """Run to the end, which must be a good one; returns what it said."""
        command = self.start(*arguments)
        assert command.process.wait(DAY_DEADLINE_S) == 0, command.output
        return command.output


def wait_until(condition: Callable[[], bool], deadline_s: float, process: PayeshProcess) -> None:
    """Poll until `condition` holds; fails with what the command said when the deadline passes."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, process.output
        time.sleep(POLL_INTERVAL_S)


def wait_up(process: PayeshProcess) -> None:
    """Wait until `payesh up` has printed its addresses."""
    wait_until(
        lambda: "Ctrl-C stops everything" in process.output or process.process.poll() is not None,
        UP_DEADLINE_S,
        process,
    )
    assert process.process.poll() is None, process.output


def processes_of(state: Path) -> dict[int, str]:
    """Every living process that runs, or was told to work, in a state directory, by pid with its command line.

    Looked for in /proc and not in the launcher's own records, which know neither initdb nor migrations.
    """
    marks = [str(state), *(f"/payesh-{path_digest(profile / 'postgresql')}" for profile in state.glob("*-*"))]
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command_line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
            texts = (command_line, environment, os.readlink(entry / "cwd"))
        except OSError:
            continue
        if any(mark in text for mark in marks for text in texts) and started_ticks(int(entry.name)) is not None:
            found[int(entry.name)] = command_line.strip()
    return found
