"""Embedded Kafka-compatible broker (the noida-db binary) for trying out and for quick tests only.

    broker = EmbeddedBroker(Path(".payesh/broker"), port=8192)
    broker.start()                       # sync; waits until a real metadata request is answered
    broker.bootstrap_servers             # "127.0.0.1:8192"
    broker.stop()

Under the Supervisor: `broker.prepare()`, then `supervisor.run(broker.command(), broker.is_ready)`.

What it is not: it saves its log once a second, so a kill -9 loses acknowledged messages; it never evicts a dead group
member (give each consumer a `group_instance_id`); it answers empty fetches at once, so an idle consumer must pause by
itself. Correctness, faults and published figures count on Apache Kafka only (deploy/kafka).
"""

import asyncio
import os
import signal
import socket
import struct
import subprocess
from importlib.metadata import distribution
from pathlib import Path

from deploy.embedded.directories import DirectoryLock, require_free_port
from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import Command, ProcessRecords, log_tail, spawn, stop, wait_until

DISTRIBUTION = "noida-db"
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 10.0
REQUEST_DEADLINE_S = 2.0
METADATA_API_KEY = 3
METADATA_API_VERSION = 1
CORRELATION_ID = 1
ANSWER_START_BYTES = 12
CLIENT_ID = b"payesh-launcher"


def metadata_brokers(port: int) -> int:
    """Ask the broker on 127.0.0.1 for its metadata (Kafka protocol, Metadata v1, no topics).

    Returns how many live brokers it names; 0 when it does not answer.
    """
    body = struct.pack(">i", 0)
    header = struct.pack(">hhih", METADATA_API_KEY, METADATA_API_VERSION, CORRELATION_ID, len(CLIENT_ID)) + CLIENT_ID
    try:
        with socket.create_connection(("127.0.0.1", port), REQUEST_DEADLINE_S) as connection:
            connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
            answer = connection.makefile("rb").read(ANSWER_START_BYTES)
    except OSError:
        return 0
    if len(answer) < ANSWER_START_BYTES:
        return 0
    _, correlation_id, brokers = struct.unpack(">iii", answer)
    return brokers if correlation_id == CORRELATION_ID else 0


class EmbeddedBroker:
    """One broker with its data in `directory`, on 127.0.0.1:`port`. Raises LauncherError from prepare() and start()."""

    def __init__(self, directory: Path, port: int) -> None:
        self.port = port
        self._state = directory.absolute()
        self._records = ProcessRecords(self._state / "processes")
        self._lock = DirectoryLock(self._state)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def log_file(self) -> Path:
        return self._state / "broker.log"

    def prepare(self) -> None:
        """Directories, and the end of what a dead launcher left behind."""
        self._records.end_leftovers(signal.SIGTERM)
        (self._state / "data").mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        """How to run the broker in the foreground."""
        program = str(distribution(DISTRIBUTION).locate_file("noida_db/noida-db"))
        return Command(
            name="broker",
            argv=[
                program,
                "start",
                "--only",
                "kafka",
                "--host",
                "127.0.0.1",
                "--kafka-port",
                str(self.port),
                "--data-dir",
                str(self._state / "data"),
            ],
            env={"PATH": os.defpath, "HOME": str(self._state)},
            log_file=self.log_file,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGTERM,
        )

    async def is_ready(self) -> bool:
        """Whether a metadata request is answered."""
        return await asyncio.to_thread(metadata_brokers, self.port) > 0

    def start(self) -> None:
        """Start and wait for the first answered metadata request."""
        if self._process is not None and self._process.poll() is None:
            return
        self._lock.acquire()
        self.prepare()
        require_free_port(self.port, "broker")
        process = self._process = spawn(self.command())
        self._records.write("broker", process.pid)
        wait_until(lambda: process.poll() is not None or metadata_brokers(self.port) > 0, START_DEADLINE_S)
        if process.poll() is not None or metadata_brokers(self.port) == 0:
            self.stop()
            raise LauncherError(f"The broker does not start; {self.log_file} ends with:\n{log_tail(self.log_file)}")

    def stop(self) -> None:
        """Stop and save."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, STOP_DEADLINE_S)
            self._records.forget("broker")
            self._process = None
        self._lock.release()

    def kill(self) -> None:
        """SIGKILL, as a fault test does; what was produced in the last second is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
