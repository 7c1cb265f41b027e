"""Databases and roles as the launcher makes them: migrated, separate, and closed to each other's roles."""

from collections.abc import Callable

import asyncpg
import pytest

from deploy.embedded.migrations import (
    SET_ASIDE_PREFIX,
    drop_databases_set_aside,
    set_databases_aside,
    set_up_databases,
)
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from tests.support.environment import ServiceDatabase


async def test_clone_has_the_spine_and_belongs_to_its_owner(database: Callable[[str], ServiceDatabase]) -> None:
    warehouse = database("warehouse")
    connection = await asyncpg.connect(warehouse.owner_url)
    owner = await connection.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'outbox'")
    rows = await connection.fetchval("SELECT count(*) FROM outbox")
    await connection.close()
    assert owner == "warehouse_owner"
    assert rows == 0


async def test_clones_do_not_share_rows(database: Callable[[str], ServiceDatabase]) -> None:
    first, second = database("warehouse"), database("warehouse")
    connection = await asyncpg.connect(first.owner_url)
    await connection.execute("CREATE TABLE only_in_first (value int)")
    await connection.close()
    other = await asyncpg.connect(second.owner_url)
    assert await other.fetchval("SELECT to_regclass('only_in_first')") is None
    await other.close()


async def test_a_service_role_cannot_enter_another_services_database(
    database: Callable[[str], ServiceDatabase], postgresql: EmbeddedPostgreSQL
) -> None:
    nationals, warehouse = database("nationals"), database("warehouse")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgresql.url("warehouse_worker", nationals.name))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(warehouse.api_url.replace(postgresql.password("warehouse_api"), "guess"))


async def test_service_roles_inherit_their_group_and_nothing_more(database: Callable[[str], ServiceDatabase]) -> None:
    connection = await asyncpg.connect(database("warehouse").api_url)
    row = await connection.fetchrow("""
        SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS privileged,
               pg_has_role('payesh_api', 'USAGE') AS api, pg_has_role('payesh_worker', 'USAGE') AS worker
        FROM pg_roles WHERE rolname = current_user
    """)
    assert row is not None
    assert dict(row) == {"privileged": False, "api": True, "worker": False}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE TABLE mine (value int)")
    await connection.close()


async def test_set_up_can_be_repeated(postgresql: EmbeddedPostgreSQL) -> None:
    await set_up_databases(postgresql)
    await set_up_databases(postgresql)
    connection = await asyncpg.connect(postgresql.url("notifications_worker", "notifications"))
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    await connection.close()


async def test_databases_set_aside_make_room_at_once_and_go_later(postgresql: EmbeddedPostgreSQL) -> None:
    await set_up_databases(postgresql, ["notifications"])
    before = await asyncpg.connect(postgresql.url("notifications_owner", "notifications"))
    await before.execute("CREATE TABLE of_the_last_start (value int)")
    await before.close()

    await set_databases_aside(postgresql, ["notifications"])
    await set_up_databases(postgresql, ["notifications"])
    after = await asyncpg.connect(postgresql.url("notifications_owner", "notifications"))
    assert await after.fetchval("SELECT to_regclass('of_the_last_start')") is None
    set_aside = "SELECT count(*) FROM pg_database WHERE starts_with(datname, $1)"
    assert await after.fetchval(set_aside, SET_ASIDE_PREFIX) == 1
    await drop_databases_set_aside(postgresql)
    assert await after.fetchval(set_aside, SET_ASIDE_PREFIX) == 0
    await after.close()
