"""Two PostgreSQL servers, a primary and its synchronous standby: an acknowledged commit is on both, and either may be last.

with DatabasePair(directory) as pair:
    database = pair.create("notifications")      # its addresses name both
    await pair.hold_replication()    # commits wait from here on: what is under way is on the primary alone
    pair.kill_primary()              # only a read-only standby answers
    await pair.promote()             # it is the primary from now on
"""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncpg

from deploy.embedded.directories import UNPRIVILEGED, free_port
from deploy.embedded.postgresql import DISTRIBUTION, INSTALLATION, SUPERUSER, EmbeddedPostgreSQL
from tests.support.environment import DatabaseFactory, ServiceDatabase, run_aside

STANDBY = "standby"
SETTINGS = {"fsync": "off", "wal_receiver_status_interval": "1s", "wal_retrieve_retry_interval": "100ms"}
BACKUP_DEADLINE_S = 60.0
WAIT_S = 20.0
POLL_S = 0.02


class DatabasePair:
    """Both servers listen on 127.0.0.1. Start it in the main thread: the servers die with whoever started them."""

    def __init__(self, directory: Path) -> None:
        self.primary = EmbeddedPostgreSQL(directory / "primary", free_port(), SETTINGS)
        self._standby_directory = directory / STANDBY
        self._standby: EmbeddedPostgreSQL | None = None
        self._held: list[int] = []

    @property
    def standby(self) -> EmbeddedPostgreSQL:
        assert self._standby is not None, "start the pair first"
        return self._standby

    def __enter__(self) -> "DatabasePair":
        self.primary.start()
        try:
            self._start_standby()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def create(self, service: str) -> ServiceDatabase:
        """A new database for `service`, which the standby has too, by addresses that name both servers, the standby first."""
        database = DatabaseFactory(self.primary).create(service)
        run_aside(self._until_replayed())

        def both(url: str) -> str:
            alone = f"@127.0.0.1:{self.primary.port}/"
            assert alone in url
            return url.replace(alone, f"@127.0.0.1:{self.standby.port},127.0.0.1:{self.primary.port}/")

        return replace(
            database,
            owner_url=both(database.owner_url),
            api_url=both(database.api_url),
            worker_url=both(database.worker_url),
            superuser_url=f"{both(database.superuser_url)}?target_session_attrs=read-write",
        )

    async def hold_replication(self) -> None:
        """From now on nothing reaches the standby, so that every commit waits."""
        pids = await _first_column(self.primary, "SELECT pid FROM pg_stat_replication")
        assert pids, "nobody replicates"
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            self._held.append(pid)

    def kill_primary(self) -> None:
        """The primary's machine dies: every process of it, by SIGKILL."""
        pid = self.primary.pid
        assert pid is not None, "the primary does not run"
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        self.primary.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._held.clear()

    async def promote(self) -> None:
        """Make the standby the primary; returns when it takes writes."""
        assert await _first_column(self.standby, "SELECT pg_promote(wait => true)") == [True]

    def stop(self) -> None:
        for pid in self._held:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        for server in (self._standby, self.primary):
            if server is not None:
                server.stop()
                server.remove()

    def _start_standby(self) -> None:
        standby = self._standby = EmbeddedPostgreSQL(self._standby_directory, free_port(), SETTINGS)
        data = standby.place() / "data"
        # Who fails over finds the same roles with the same passwords.
        (self._standby_directory / "secret").write_bytes(
            (self._standby_directory.parent / "primary" / "secret").read_bytes()
        )
        _copy(self.primary, data)
        standby.start()
        run_aside(self._synchronise())

    async def _until_replayed(self) -> None:
        query = "SELECT replay_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication"
        async with asyncio.timeout(WAIT_S):
            while await _first_column(self.primary, query) != [True]:
                await asyncio.sleep(POLL_S)

    async def _synchronise(self) -> None:
        await _first_column(self.primary, f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        await _first_column(self.primary, "SELECT pg_reload_conf()")
        async with asyncio.timeout(WAIT_S):
            while await _first_column(self.primary, "SELECT sync_state FROM pg_stat_replication") != ["sync"]:
                await asyncio.sleep(POLL_S)


def _copy(primary: EmbeddedPostgreSQL, data: Path) -> None:
    """A copy of the running primary, set up to follow it."""
    program = Path(str(distribution(DISTRIBUTION).locate_file(""))) / INSTALLATION / "bin" / "pg_basebackup"
    subprocess.run(
        [
            str(program),
            f"--pgdata={data}",
            f"--dbname=host=127.0.0.1 port={primary.port} user={SUPERUSER} application_name={STANDBY}",
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "--no-password",
        ],
        env={"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": primary.password(SUPERUSER)},
        check=True,
        timeout=BACKUP_DEADLINE_S,
    )
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            os.chown(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid)


async def _first_column(server: EmbeddedPostgreSQL, query: str) -> list[Any]:
    connection = await asyncpg.connect(server.superuser_url())
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()
