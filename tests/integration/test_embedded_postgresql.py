"""The embedded PostgreSQL starts cold, after kill -9 and beside stale files, and lets nobody in without a password."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.directories import UNPRIVILEGED, can_traverse, free_port
from deploy.embedded.errors import LauncherError
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.processes import identify, is_alive, wait_until

LAUNCHER = """
import sys, time
from pathlib import Path
from deploy.embedded.postgresql import EmbeddedPostgreSQL
server = EmbeddedPostgreSQL(Path(sys.argv[1]), int(sys.argv[2]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(state_directory: Path) -> Iterator[EmbeddedPostgreSQL]:
    started = EmbeddedPostgreSQL(state_directory / f"own-{free_port()}", free_port())
    started.start()
    yield started
    started.stop()


async def fetch(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_both_addresses_work_and_collation_is_fixed(server: EmbeddedPostgreSQL) -> None:
    assert await fetch(server.superuser_url(), "SHOW fsync") == "on"
    assert await fetch(server.socket_url("postgres", "postgres"), "SHOW server_encoding") == "UTF8"
    locale = await fetch(server.superuser_url(), "SELECT datlocale FROM pg_database WHERE datname = 'template1'")
    assert locale == "C.UTF-8"


async def test_no_password_no_entry(server: EmbeddedPostgreSQL) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://postgres:guess@127.0.0.1:{server.port}/postgres")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=str(server.socket_directory), port=server.port, user="postgres", password="guess")


async def test_committed_rows_survive_kill_9_five_times(server: EmbeddedPostgreSQL) -> None:
    await fetch(server.superuser_url(), "CREATE TABLE kept (value int)")
    for number in range(5):
        await fetch(server.superuser_url(), f"INSERT INTO kept VALUES ({number})")
        server.kill()
        server.start()
    assert await fetch(server.superuser_url(), "SELECT count(*) FROM kept") == 5


async def test_a_lock_file_that_names_a_strangers_pid_does_not_block_the_start(server: EmbeddedPostgreSQL) -> None:
    lock = server.data_directory / "postmaster.pid"
    stale = lock.read_text().splitlines()
    server.kill()
    lock.write_text("\n".join([str(os.getpid()), *stale[1:]]))
    server.start()
    assert await fetch(server.superuser_url(), "SELECT 1") == 1


async def test_server_dies_with_a_killed_launcher_and_starts_again(state_directory: Path) -> None:
    directory, port = state_directory / "killed", free_port()
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(directory), str(port)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert launcher.stdout is not None
    postmaster = identify("postgresql", int(launcher.stdout.readline()))
    assert postmaster is not None
    second = EmbeddedPostgreSQL(directory, port)
    with pytest.raises(LauncherError, match="in use by a running launcher"):
        second.start()
    launcher.kill()
    launcher.wait()
    second.start()
    assert not is_alive(postmaster)
    assert await fetch(second.superuser_url(), "SELECT 1") == 1
    second.stop()


def test_a_killed_first_start_leaves_nothing_half_made(state_directory: Path) -> None:
    directory = state_directory / "half"
    unfinished = EmbeddedPostgreSQL(directory, free_port())
    unfinished.prepare()
    data = unfinished.data_directory
    unfinished.stop()
    data.rename(data.with_name("data.unfinished"))
    (data.with_name("data.unfinished") / "PG_VERSION").unlink()
    again = EmbeddedPostgreSQL(directory, free_port())
    again.start()
    assert asyncio.run(fetch(again.superuser_url(), "SELECT 1")) == 1
    again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_as_root_it_runs_unprivileged_even_where_its_account_cannot_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgreSQL(closed / "state", free_port())
    server.start()
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid == UNPRIVILEGED.uid
    assert not can_traverse(closed, UNPRIVILEGED)
    assert closed not in server.data_directory.parents
    server.stop()
    server.remove()
    assert wait_until(lambda: not server.data_directory.exists(), 5)


def test_a_taken_port_is_named(server: EmbeddedPostgreSQL, state_directory: Path) -> None:
    other = EmbeddedPostgreSQL(state_directory / "taken", server.port)
    with pytest.raises(LauncherError, match=f"Port {server.port} .PostgreSQL. is taken"):
        other.start()
    other.stop()
