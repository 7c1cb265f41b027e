"""Runs the platform's processes: starts them, restarts those that die, stops them in order, leaves none behind.

    async with Supervisor(Path(".payesh"), report=print) as supervisor:      # locks the directory, ends leftovers
        await supervisor.run(server.command(), server.is_ready, before_start=server.prepare, stage=0)
        await supervisor.start("warehouse", [python, "-m", "services.warehouse"], env, "http://127.0.0.1:8101/ready")
        supervisor.pids()          # {"postgresql": 4711, "warehouse": 4712}
        supervisor.restarts()      # {"postgresql": 0, "warehouse": 1}
    # on leaving: stop_all(): the highest stage first, all of a stage together

Use it from the main thread's event loop: children are killed by the kernel when the thread that spawned them ends.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import Self

import httpx

from deploy.embedded.directories import DirectoryLock, require_usable_directory
from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import Command, ProcessRecords, log_tail, spawn

READY_DEADLINE_S = 60.0
READY_POLL_INTERVAL_S = 0.05
READY_REQUEST_TIMEOUT_S = 2.0
DEATH_POLL_INTERVAL_S = 0.2
STOP_POLL_INTERVAL_S = 0.02
RESTART_DELAY_S_MIN = 0.2
RESTART_DELAY_S_MAX = 5.0
HEALTHY_AFTER_S = 30.0
"""A child that ran this long starts again at once when it dies; the delays of earlier deaths are forgotten."""
START_ATTEMPTS_MAX = 3
STOP_DEADLINE_S = 15.0
LOG_BYTES_MAX = 32 * 1024**2

Ready = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class _Child:
    command: Command
    ready: Ready | None
    before_start: Callable[[], None] | None
    stage: int
    process: Popen[bytes]
    started_at: float
    restarts: int = 0
    delay_s: float = RESTART_DELAY_S_MIN
    watch: asyncio.Task[None] | None = None


class Supervisor:
    """Named child processes of one launcher, with their records and logs in `state_directory`.

    Entering raises LauncherError when another launcher uses the directory, or when it cannot be written or is nearly full.
    `report` gets one line for each death and restart.
    """

    def __init__(self, state_directory: Path, report: Callable[[str], None] = lambda _line: None) -> None:
        self._state = state_directory.absolute()
        self._lock = DirectoryLock(self._state)
        self._records = ProcessRecords(self._state / "processes")
        self._children: dict[str, _Child] = {}
        self._report = report

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    def open(self) -> None:
        """Take the state directory and end what a dead launcher left running."""
        require_usable_directory(self._state)
        self._lock.acquire()
        for name in self._records.end_leftovers():
            self._report(f"{name} was left over by an earlier run and has been ended")

    def log_file(self, name: str) -> Path:
        """Where the child's output goes."""
        return self._state / "logs" / f"{name}.log"

    def pids(self) -> dict[str, int]:
        """Pid of every child that runs now."""
        return {name: child.process.pid for name, child in self._children.items() if child.process.poll() is None}

    def restarts(self) -> dict[str, int]:
        """How often each child has been started again after it died."""
        return {name: child.restarts for name, child in self._children.items()}

    async def start(self, name: str, argv: Sequence[str], env: Mapping[str, str], ready_url: str | None = None) -> None:
        """Start a child with `env` added to this process's environment; returns when GET `ready_url` answers 200.

        Raises LauncherError with the end of its log when it does not become ready.
        """
        ready = None if ready_url is None else _answers_ok(ready_url)
        await self.run(Command(name, argv, {**os.environ, **env}, self.log_file(name)), ready)

    async def run(
        self,
        command: Command,
        ready: Ready | None = None,
        before_start: Callable[[], None] | None = None,
        stage: int = 1,
    ) -> None:
        """Start a child and keep it running. `before_start` runs in a thread before this and every later start.

        Children of a higher stage are stopped first. Raises LauncherError when the child does not become ready.
        """
        if command.name in self._children:
            raise ValueError(f"{command.name} is supervised already")
        _limit_log(command.log_file)
        for attempt in range(1, START_ATTEMPTS_MAX + 1):
            if before_start is not None:
                await in_thread(before_start)
            child = _Child(command, ready, before_start, stage, self._spawn(command), time.monotonic())
            self._children[command.name] = child
            if await self._becomes_ready(child):
                child.watch = asyncio.create_task(self._keep_running(child), name=f"watch {command.name}")
                return
            await self._end(child)
            del self._children[command.name]
            await asyncio.sleep(RESTART_DELAY_S_MIN * attempt)
        raise LauncherError(
            f"{command.name} does not start; {command.log_file} ends with:\n{log_tail(command.log_file)}"
        )

    async def stop_all(self) -> None:
        """Stop every child, the highest stage first and all of one stage together, and free the state directory."""
        watches = [child.watch for child in self._children.values() if child.watch is not None]
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for stage in sorted({child.stage for child in self._children.values()}, reverse=True):
            await asyncio.gather(*(self._end(child) for child in self._children.values() if child.stage == stage))
        self._children.clear()
        self._lock.release()

    def _spawn(self, command: Command) -> Popen[bytes]:
        process = spawn(command)
        try:
            self._records.write(command.name, process.pid)
        except OSError:
            process.kill()  # without its record a later start could not find it
            process.wait()
            raise
        return process

    async def _becomes_ready(self, child: _Child) -> bool:
        """False when the child ends, or is not ready in time."""
        if child.ready is None:
            return child.process.poll() is None
        deadline = time.monotonic() + READY_DEADLINE_S
        while child.process.poll() is None and time.monotonic() < deadline:
            if await child.ready():
                return child.process.poll() is None
            await asyncio.sleep(READY_POLL_INTERVAL_S)
        return False

    async def _keep_running(self, child: _Child) -> None:
        while True:
            while child.process.poll() is None:
                await asyncio.sleep(DEATH_POLL_INTERVAL_S)
            if time.monotonic() - child.started_at > HEALTHY_AFTER_S:
                child.delay_s = RESTART_DELAY_S_MIN
            name = child.command.name
            self._report(
                f"{name} ended ({_describe(child.process.returncode)}); it starts again in {child.delay_s:.1f} s"
            )
            await asyncio.sleep(child.delay_s)
            child.delay_s = min(child.delay_s * 2, RESTART_DELAY_S_MAX)
            try:
                if child.before_start is not None:
                    await in_thread(child.before_start)
                child.process = self._spawn(child.command)
            except (LauncherError, OSError) as error:
                self._report(f"{name} cannot start: {error}")
                continue
            child.started_at = time.monotonic()
            child.restarts += 1

    async def _end(self, child: _Child) -> None:
        """Stop signal, then SIGKILL when the deadline has passed."""
        process = child.process
        if process.poll() is None:
            process.send_signal(child.command.stop_signal)
        deadline = time.monotonic() + STOP_DEADLINE_S
        while process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(STOP_POLL_INTERVAL_S)
        if process.poll() is None:
            self._report(f"{child.command.name} did not stop within {STOP_DEADLINE_S:.0f} s and is killed")
            process.kill()
            await asyncio.to_thread(process.wait)
        self._records.forget(child.command.name)


async def in_thread(function: Callable[[], None]) -> None:
    """Run in a thread and wait for its end even when cancelled: nothing may go on once the state directory is free."""
    work = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.gather(work, return_exceptions=True)
        raise


def _answers_ok(url: str) -> Ready:
    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(verify=False, trust_env=False) as client:  # noqa: S501 - plain HTTP on loopback
                return (await client.get(url, timeout=READY_REQUEST_TIMEOUT_S)).is_success
        except httpx.HTTPError:
            return False

    return ready


def _describe(code: int | None) -> str:
    if code is None:
        return "still running"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _limit_log(log_file: Path) -> None:
    """Keep one earlier log; without a limit a long-lived installation would fill its disk."""
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES_MAX:
        log_file.replace(log_file.with_suffix(".log.1"))
