"""An installation of an earlier version keeps what it has when its database is migrated: row-level security hides nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.embedded.migrations import create_database, migrate, migration_directories
from shared.kit.connections import Connection
from tests.support.environment import DatabaseFactory

BEFORE = "01031"
"""The first version that the installation does not have yet."""
UP = re.compile(r"^-- migrate:up[^\n]*\n(.*?)(?=^-- migrate:down)", re.MULTILINE | re.DOTALL)


def earlier_migrations() -> list[Path]:
    files = [file for directory in migration_directories("nationals") for file in directory.glob("*.sql")]
    return sorted((file for file in files if file.name < BEFORE), key=lambda file: file.name)


@pytest.fixture
async def earlier(database_factory: DatabaseFactory) -> AsyncIterator[tuple[str, Connection]]:
    """The name of a database of the earlier version, and a superuser's connection to it."""
    name = f"nationals_earlier_{uuid4().hex[:8]}"
    server = database_factory.server
    await create_database(server, "nationals", name)
    owner = await asyncpg.connect(server.url("nationals_owner", name))
    await owner.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    for file in earlier_migrations():
        [up] = UP.findall(file.read_text("utf-8"))
        await owner.execute(up)
        await owner.execute("INSERT INTO schema_migrations VALUES ($1)", file.name.partition("_")[0])
    await owner.close()
    superuser = await asyncpg.connect(server.superuser_url(name))
    yield name, superuser
    await superuser.close()
    connection = await asyncpg.connect(server.superuser_url())
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


async def test_what_was_there_is_there_with_its_new_columns(
    database_factory: DatabaseFactory, earlier: tuple[str, Connection]
) -> None:
    name, superuser = earlier
    centre_id, case_id = uuid4(), uuid4()
    await superuser.execute(
        "INSERT INTO casework.centre (centre_id, county, name, created_by) VALUES ($1, 'rey', 'مرکز', 'one')", centre_id
    )
    await superuser.execute(
        "INSERT INTO casework.centre_place (centre_id, place_kind, county, capacity) VALUES ($1, 'family', 'rey', 40)",
        centre_id,
    )
    # The rows alone, without the day that would lead to them.
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        """
        INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17,
            unaccompanied_child, voluntary_until, voluntary_due_at, voluntary_fence, opened_by)
        VALUES ($1, 'rey', 'R-1', 1, 0, 0, false, now(), now(), 1, 'caseworker.one')
        """,
        case_id,
    )
    await asyncio.wait_for(migrate(database_factory.server, "nationals", name), 120)
    assert await superuser.fetchval("SELECT capacity_target FROM casework.centre_place") == 40
    assignee = "SELECT assignee FROM casework.case_assignment WHERE case_id = $1"
    assert await superuser.fetchval(assignee, case_id) == "caseworker.one"
