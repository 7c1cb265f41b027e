"""Databases, roles and migrations of the three services, made once by the launcher, never by a service.

    await set_up_databases(server)                      # every service: roles, database, migrations; safe to repeat
    await create_database(server, "warehouse", "w1")    # one database, named w1, with the warehouse's roles
    await migrate(server, "warehouse", "w1")            # the kit's migrations, then the service's, as warehouse_owner

Roles: `<service>_owner` owns the database and runs migrations; `<service>_api` and `<service>_worker` log in for HTTP,
and for reactions and timers. They inherit from the groups `payesh_api` and `payesh_worker`, to which migrations grant and
which row-level security names. A service with compartments has a pair of roles for each (`casework_api`,
`casework_worker`): its login roles take on one at a time and inherit from none. None of all these may bypass row-level
security, create anything, or connect to another service's database.
"""

import asyncio
import contextlib
import os
import signal
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import asyncpg

from deploy.embedded.errors import LauncherError
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.processes import Command, log_tail, spawn, stop

SERVICES = ("warehouse", "nationals", "notifications")
GROUP_ROLES = ("payesh_api", "payesh_worker")
COMPARTMENTS = {"nationals": ("casework", "complaints", "free_services")}
ROOT = Path(__file__).resolve().parents[2]
KIT_SCHEMA = ROOT / "shared" / "kit" / "schema"
CONNECT_TIMEOUT_S = 20.0
SET_ASIDE_PREFIX = "set-aside-"
MIGRATION_DEADLINE_S = 300.0
POLL_INTERVAL_S = 0.01
CONNECTION_SETTINGS = "sslmode=disable&lock_timeout=10s&statement_timeout=240s"
"""A migration that waits for a lock holds up everybody behind it: better that it fails and is run again."""
NO_PRIVILEGES = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def migration_directories(service: str) -> list[Path]:
    """The kit's migrations, then the service's own; dbmate orders them by version across both."""
    return [KIT_SCHEMA, ROOT / "services" / service / "schema"]


async def set_up_databases(server: EmbeddedPostgreSQL, services: Iterable[str] = SERVICES) -> None:
    """Roles, databases and migrations of all services. Raises LauncherError when a migration fails."""
    names = list(services)
    for service in names:
        await create_database(server, service, service)
    await asyncio.gather(*(migrate(server, service, service) for service in names))


async def set_databases_aside(server: EmbeddedPostgreSQL, services: Iterable[str] = SERVICES) -> None:
    """Make room for empty databases at once: dropping one waits for a checkpoint, renaming it does not.

    Nobody may be connected. `drop_databases_set_aside` drops them when there is time, or after a later start.
    """
    connection = await asyncpg.connect(server.superuser_url(), timeout=CONNECT_TIMEOUT_S)
    try:
        existing = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for service in existing.intersection(services):
            await connection.execute(f'ALTER DATABASE "{service}" RENAME TO "{SET_ASIDE_PREFIX}{uuid4()}"')
    finally:
        await connection.close()


async def drop_databases_set_aside(server: EmbeddedPostgreSQL) -> None:
    """Drop what was set aside. A server that ends meanwhile is no fault: the next start finds them."""
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(server.superuser_url(), timeout=CONNECT_TIMEOUT_S)
        try:
            for row in await connection.fetch(
                "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", SET_ASIDE_PREFIX
            ):
                await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
        finally:
            await connection.close()


async def create_database(server: EmbeddedPostgreSQL, service: str, database: str, template: str | None = None) -> None:
    """Create what is missing: the service's roles, the database (a copy of `template`, if given), its grants."""
    connection = await asyncpg.connect(server.superuser_url(), timeout=CONNECT_TIMEOUT_S)
    try:
        await _create_roles(connection, server, service)
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database):
            source = f' TEMPLATE "{template}"' if template else ""
            await connection.execute(f'CREATE DATABASE "{database}" OWNER {service}_owner{source}')
        await connection.execute(f"""
            REVOKE ALL ON DATABASE "{database}", postgres, template1 FROM PUBLIC;
            GRANT CONNECT ON DATABASE "{database}" TO {service}_owner, {service}_api, {service}_worker;
        """)
    finally:
        await connection.close()
    if template is None:
        await _restrict_schema(server, database)


async def _restrict_schema(server: EmbeddedPostgreSQL, database: str) -> None:
    connection = await asyncpg.connect(server.superuser_url(database), timeout=CONNECT_TIMEOUT_S)
    try:
        await connection.execute("""
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA public TO payesh_api, payesh_worker;
        """)
    finally:
        await connection.close()


async def _create_roles(connection: asyncpg.Connection, server: EmbeddedPostgreSQL, service: str) -> None:
    existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for group in GROUP_ROLES:
        if group not in existing:
            await connection.execute(f"CREATE ROLE {group} NOLOGIN {NO_PRIVILEGES}")
    for kind, group in (("owner", None), ("api", "payesh_api"), ("worker", "payesh_worker")):
        role = f"{service}_{kind}"
        if role not in existing:
            membership = f" IN ROLE {group}" if group else ""
            await connection.execute(
                f"CREATE ROLE {role} LOGIN INHERIT {NO_PRIVILEGES} PASSWORD '{server.password(role)}'{membership}"
            )
    for compartment in COMPARTMENTS.get(service, ()):
        for kind in ("api", "worker"):
            role = f"{compartment}_{kind}"
            if role not in existing:
                await connection.execute(f"""
                    CREATE ROLE {role} NOLOGIN INHERIT {NO_PRIVILEGES} IN ROLE payesh_{kind};
                    GRANT {role} TO {service}_{kind} WITH INHERIT FALSE, SET TRUE;
                """)


async def migrate(server: EmbeddedPostgreSQL, service: str, database: str) -> None:
    """Apply outstanding migrations with dbmate as the database's owner; raises LauncherError with its output."""
    log_file = server.log_file.with_name(f"migrations-{database}.log")
    log_file.unlink(missing_ok=True)
    argv = [str(Path(sysconfig.get_path("scripts")) / "dbmate"), "--no-dump-schema", "--migration-lock"]
    for directory in migration_directories(service):
        argv += ["--migrations-dir", str(directory)]
    process = spawn(
        Command(
            name=f"dbmate-{database}",
            argv=[*argv, "migrate"],
            # In the environment, not among the arguments, which every account on the machine can read.
            env={
                "PATH": os.defpath,
                "DATABASE_URL": f"{server.url(f'{service}_owner', database)}?{CONNECTION_SETTINGS}",
            },
            log_file=log_file,
            directory=server.log_file.parent,
        ),
        waited_for=True,
    )
    try:
        async with asyncio.timeout(MIGRATION_DEADLINE_S):
            while process.poll() is None:
                await asyncio.sleep(POLL_INTERVAL_S)
    finally:
        if process.poll() is None:
            stop(process, signal.SIGTERM)
    if process.returncode != 0:
        raise LauncherError(f"The migrations of {service} failed:\n{log_tail(log_file)}")
