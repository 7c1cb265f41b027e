"""Pools: every acquire has a deadline, none nests, every statement is bounded, and reads are only reads (rule 10)."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from shared.contracts.counties import County
from shared.kit import database as kit_database
from shared.kit.auth import SYSTEM, Principal
from shared.kit.connections import Connection
from shared.kit.database import (
    GuardedPool,
    NestedAcquireError,
    PoolBusyError,
    is_unavailable,
    open_pool,
    read_transaction,
)
from tests.support.environment import ServiceDatabase
from tests.support.tcp_proxy import TcpProxy

REY = Principal("a", frozenset(), frozenset({County.REY}))


@pytest.fixture
async def pool(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[GuardedPool]:
    opened = await open_pool(database("warehouse").api_url, size=2, name="payesh-test", acquire_timeout_s=0.2)
    yield opened
    opened.terminate()


async def test_an_acquire_gives_up_at_its_deadline_and_harms_nothing(pool: GuardedPool) -> None:
    async def hold(until: asyncio.Event) -> None:
        async with pool.acquire():
            await until.wait()

    done = asyncio.Event()
    holders = [asyncio.create_task(hold(done)) for _ in range(2)]
    await asyncio.sleep(0.05)
    for _ in range(3):
        with pytest.raises(PoolBusyError):
            await pool.fetchval("SELECT 1")
    done.set()
    await asyncio.gather(*holders)
    assert await pool.fetchval("SELECT 1") == 1
    assert not pool.holders


async def test_a_nested_acquire_is_refused_before_it_can_wait_for_itself(pool: GuardedPool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(NestedAcquireError):
            await pool.fetchval("SELECT 1")
        with pytest.raises(NestedAcquireError):
            async with read_transaction(pool, SYSTEM):
                pass
        assert await connection.fetchval("SELECT 1") == 1
    assert await pool.fetchval("SELECT 2") == 2


async def test_another_task_may_acquire_meanwhile(pool: GuardedPool) -> None:
    async with pool.acquire():
        assert await asyncio.create_task(pool.fetchval("SELECT 1")) == 1


async def test_the_session_has_its_limits_and_its_name(pool: GuardedPool) -> None:
    names = ("application_name", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")
    values = [await pool.fetchval("SELECT current_setting($1)", name) for name in names]
    assert values == ["payesh-test", "30s", "10s", "1min", "UTC"]


async def test_a_read_sees_one_snapshot_of_its_counties_and_cannot_write(pool: GuardedPool) -> None:
    async with read_transaction(pool, REY) as connection:
        assert await connection.fetchval("SELECT payesh_counties()") == ["rey"]
        assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("INSERT INTO idempotency (subject, key, request_sha256) VALUES ('a', 'b', '')")


async def test_counties_do_not_outlive_their_transaction(pool: GuardedPool) -> None:
    async with pool.acquire() as connection:
        for _ in range(2):
            with pytest.raises(asyncpg.DivisionByZeroError):
                await _fail_with_counties(connection)
            assert not await connection.fetchval("SELECT payesh_counties()")


async def _fail_with_counties(connection: Connection) -> None:
    async with connection.transaction():
        await connection.execute("SELECT set_config('payesh.counties', 'rey', true)")
        await connection.execute("SELECT 1 / 0")


async def test_the_host_that_takes_writes_is_found_behind_a_silent_one(
    database: Callable[[str], ServiceDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that lost its power refuses nothing: it never answers. Once another has answered, that one is asked first."""
    monkeypatch.setattr(kit_database, "CONNECT_TIMEOUT_S", 1.0)
    url = database("warehouse").api_url
    silent = TcpProxy("127.0.0.1", urlsplit(url).port or 0)
    async with silent.run():
        await silent.turn("hangs")
        both = url.replace("@", f"@127.0.0.1:{silent.port},")
        for asked in (1, 1):
            pool = await open_pool(both, size=1, name="payesh-test")
            assert await pool.fetchval("SELECT 1") == 1
            assert silent.taken == asked
            pool.terminate()


async def test_a_server_that_takes_no_writes_is_a_database_that_is_away(
    database: Callable[[str], ServiceDatabase],
) -> None:
    """A standby, or a primary that was told to step down."""
    one = database("warehouse")
    owner = await asyncpg.connect(one.owner_url)
    await owner.execute(f'ALTER DATABASE "{one.name}" SET default_transaction_read_only = on')
    await owner.close()
    with pytest.raises(asyncpg.InternalClientError) as unmatched:
        await open_pool(one.api_url, size=1, name="x")
    assert is_unavailable(unmatched.value)


async def test_a_host_without_a_way_to_it_is_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def find_no_way(*_: object, **__: object) -> None:
        raise OSError(errno.EHOSTUNREACH, "no route to host")

    monkeypatch.setattr(asyncpg, "connect", find_no_way)
    with pytest.raises(ConnectionError) as caught:
        await open_pool("postgresql://nobody@192.0.2.1,192.0.2.2/none", size=1, name="x")
    assert is_unavailable(caught.value)


async def test_a_database_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(ConnectionRefusedError):
        await open_pool("postgresql://nobody@127.0.0.1:1/none", size=1, name="x")
