"""The supervisor restarts what dies, stops in order, and leaves nothing behind even when it is killed itself."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded.directories import free_port
from deploy.embedded.errors import LauncherError
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.processes import Command, ProcessRecords, is_alive, wait_until
from deploy.embedded.supervisor import Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
HTTP = """
import http.server, sys, time
time.sleep(0.3)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
WRITE_ON_STOP = """
import signal, sys, time
def stop(*_):
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2])
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(600)
"""
LAUNCHER = """
import asyncio, sys
from pathlib import Path
from deploy.embedded.supervisor import Supervisor
async def main():
    async with Supervisor(Path(sys.argv[1])) as supervisor:
        for name in ("one", "two"):
            await supervisor.start(name, [sys.executable, "-c", "import time; time.sleep(600)"], {})
        print("up", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def eventually(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.02)


async def test_start_waits_until_the_child_answers(tmp_path: Path) -> None:
    port = free_port()
    async with Supervisor(tmp_path) as supervisor:
        begin = time.monotonic()
        await supervisor.start("web", [sys.executable, "-c", HTTP, str(port)], {}, f"http://127.0.0.1:{port}/ready")
        assert time.monotonic() - begin >= 0.3
        pid = supervisor.pids()["web"]
    assert not Path(f"/proc/{pid}").exists()
    assert ProcessRecords(tmp_path / "processes").read() == []


async def test_a_killed_child_is_restarted_and_counted(tmp_path: Path) -> None:
    lines: list[str] = []
    async with Supervisor(tmp_path, report=lines.append) as supervisor:
        await supervisor.start("sleeper", SLEEP, {})
        for expected in (1, 2):
            killed = supervisor.pids()["sleeper"]
            os.kill(killed, signal.SIGKILL)
            await eventually(lambda number=expected: supervisor.restarts()["sleeper"] == number)
            assert supervisor.pids()["sleeper"] != killed
    assert any("signal 9" in line for line in lines)


async def test_a_child_that_cannot_run_shows_the_end_of_its_log(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(LauncherError, match="no such module of ours"):
            await supervisor.start(
                "broken",
                [sys.executable, "-c", "raise SystemExit('no such module of ours')"],
                {},
                "http://127.0.0.1:9/",
            )
        assert supervisor.pids() == {}


async def test_higher_stages_stop_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    async with Supervisor(tmp_path) as supervisor:
        for name, stage in (("a", 0), ("b", 2), ("c", 1)):
            log_file = supervisor.log_file(name)
            argv = [sys.executable, "-c", WRITE_ON_STOP, str(order), name]
            await supervisor.run(Command(name, argv, {}, log_file), stage=stage)
            await eventually(lambda file=log_file: "ready" in file.read_text())
    assert order.read_text() == "bca"


async def test_a_second_launcher_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    async with Supervisor(tmp_path):
        with pytest.raises(LauncherError, match="in use by a running launcher"):
            Supervisor(tmp_path).open()


async def test_nothing_is_left_of_a_killed_launcher_and_the_next_one_starts(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == b"up\n"
    records = ProcessRecords(tmp_path / "processes").read()
    assert {record.name for record in records} == {"one", "two"}
    launcher.kill()
    launcher.wait()
    async with Supervisor(tmp_path) as supervisor:
        assert not any(is_alive(record) for record in records)
        await supervisor.start("one", SLEEP, {})


async def test_postgresql_comes_back_under_the_supervisor(state_directory: Path) -> None:
    server = EmbeddedPostgreSQL(state_directory / "supervised" / "postgresql", free_port())
    async with Supervisor(state_directory / "supervised") as supervisor:
        server.prepare()
        await supervisor.run(server.command(), server.is_ready, before_start=server.prepare, stage=0)
        postmaster = supervisor.pids()["postgresql"]
        os.kill(postmaster, signal.SIGKILL)
        await eventually(lambda: supervisor.restarts()["postgresql"] == 1, 30)
        async with asyncio.timeout(30):
            while not await server.is_ready():
                await asyncio.sleep(0.05)
    server.stop()
    assert wait_until(lambda: not (server.data_directory / "postmaster.pid").exists(), 5)
