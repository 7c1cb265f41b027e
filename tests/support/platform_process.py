"""`payesh` as a child process in a state directory of its own, and signals to the processes it supervises."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from deploy.embedded.processes import ProcessRecord, ProcessRecords, is_alive, send_signal
from deploy.embedded.remove import remove

PORTS_SPAN = 100
PORT_BASE_RANGE = (20_000, 30_000)
"""Below the kernel's ephemeral ports, so that no outgoing connection takes one of them meanwhile."""
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
