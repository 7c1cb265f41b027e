"""Pools whose every acquire has a deadline and never nests (rule 10), and read-only transactions under a principal.

Every connection is to the server that takes writes, which may be another one than a moment ago.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.pool import PoolAcquireContext

from shared.kit.connections import Connection, Pool

if TYPE_CHECKING:
    from shared.kit.auth import Principal

    _BasePool = asyncpg.Pool[asyncpg.Record]
    _BaseAcquire = PoolAcquireContext[asyncpg.Record]
else:
    _BasePool = asyncpg.Pool
    _BaseAcquire = PoolAcquireContext

__all__ = [
    "DATABASE_FAULTS",
    "Connection",
    "GuardedPool",
    "NestedAcquireError",
    "Pool",
    "PoolBusyError",
    "connect_to_primary",
    "open_pool",
    "read_transaction",
    "wait_for_standby",
]

CONNECT_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_S = 30.0
LOCK_TIMEOUT_S = 10.0
IDLE_IN_TRANSACTION_TIMEOUT_S = 60.0
COMMAND_TIMEOUT_S = STATEMENT_TIMEOUT_S + 5.0
"""The client gives up a little after the server would have, so it is the server that says why."""
CONNECTION_IDLE_S_MAX = 300.0
ACQUIRE_TIMEOUT_S_DEFAULT = 5.0
WRITABLE = SessionAttribute.read_write
"""A standby takes no writes and no LISTEN, and what it would be asked for includes both."""


DATABASE_FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a worker meets that waits for a database which dies, also in the middle of an exchange, and comes back."""


class PoolBusyError(TimeoutError):
    """No connection came free before the deadline; nothing was begun, so asking again later is safe."""


class NestedAcquireError(RuntimeError):
    """One task asked a pool for a second connection while holding one; under load that waits for itself forever."""


class GuardedPool(_BasePool):
    """An asyncpg pool whose acquires have a default deadline and refuse to nest within one task."""

    def __init__(self, *connect_args: Any, acquire_timeout_s: float, **options: Any) -> None:
        super().__init__(*connect_args, **options)
        self.acquire_timeout_s = acquire_timeout_s
        self.holders: set[asyncio.Task[Any]] = set()

    def acquire(self, *, timeout: float | None = None) -> "_GuardedAcquire":
        """Use with ``async with``. Raises PoolBusyError after `timeout` seconds, NestedAcquireError at once."""
        return _GuardedAcquire(self, self.acquire_timeout_s if timeout is None else timeout)


class _GuardedAcquire(_BaseAcquire):
    __slots__ = ("guarded_pool", "holder")

    def __init__(self, pool: GuardedPool, timeout_s: float) -> None:
        super().__init__(pool, timeout_s)
        self.guarded_pool = pool
        self.holder: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Any:
        task = asyncio.current_task()
        holders = self.guarded_pool.holders
        if task is not None:
            if task in holders:
                raise NestedAcquireError(f"task {task.get_name()} already holds a connection of this pool")
            holders.add(task)
            self.holder = task
        try:
            return await super().__aenter__()
        except TimeoutError as error:
            self._let_go()
            raise PoolBusyError(f"no database connection came free within {self.timeout} s") from error
        except BaseException:
            self._let_go()
            raise

    async def __aexit__(self, *exc: object) -> None:
        try:
            await super().__aexit__(*exc)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self.holder is not None:
            self.guarded_pool.holders.discard(self.holder)
            self.holder = None


_primaries: dict[str, str] = {}
"""The address that last took writes, by the address that names all hosts. Only a hint where to look first."""


async def connect_to_primary(
    url: str, *, timeout: float = CONNECT_TIMEOUT_S, **options: Any
) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect to the host of `url` that takes writes; it may name several (``postgresql://user@a:5432,b:5432/name``).

    They share `timeout` (seconds): one that is silent does not keep us from the next. Raises ConnectionError,
    TimeoutError, or what asyncpg raises, of the first that failed.
    """
    hosts = _each_host(url)
    errors: list[Exception] = []
    for one in sorted(hosts, key=lambda one: one != _primaries.get(url)):
        try:
            connection = await asyncpg.connect(
                one, timeout=timeout / len(hosts), target_session_attrs=WRITABLE, **options
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError) as error:
            errors.append(error)
        else:
            _primaries[url] = one
            return connection
    if isinstance(errors[0], ConnectionError | TimeoutError) or not isinstance(errors[0], OSError):
        raise errors[0]
    raise ConnectionError(str(errors[0])) from errors[0]  # no route, no such name: not told from other I/O by its type


def _each_host(url: str) -> list[str]:
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{account}{at}{host}").geturl() for host in hosts.split(",")]


async def open_pool(
    url: str, *, size: int, name: str, acquire_timeout_s: float = ACQUIRE_TIMEOUT_S_DEFAULT, idle_size: int = 1
) -> GuardedPool:
    """Open a pool of at most `size` connections and prove one of them; `name` shows in pg_stat_activity. `url`: as in
    `connect_to_primary`.

    Every statement, lock wait and idle transaction has a server-side limit. Raises OSError, asyncpg.PostgresError or
    TimeoutError when the database cannot be reached.
    """
    pool = GuardedPool(
        url,
        acquire_timeout_s=acquire_timeout_s,
        min_size=min(idle_size, size),
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=CONNECTION_IDLE_S_MAX,
        connect=connect_to_primary,
        setup=None,
        init=None,
        reset=None,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        server_settings={
            "application_name": name[:63],
            "statement_timeout": _milliseconds(STATEMENT_TIMEOUT_S),
            "lock_timeout": _milliseconds(LOCK_TIMEOUT_S),
            "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_TIMEOUT_S),
            "timezone": "UTC",
            "jit": "off",
        },
    )
    await pool
    return pool


@asynccontextmanager
async def read_transaction(
    pool: Pool, principal: "Principal", compartment: str | None = None
) -> AsyncGenerator[Connection]:
    """A read-only transaction that sees one snapshot and only the principal's counties.

    The counties are set for this transaction alone, so the next user of the pooled connection starts with none.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SELECT set_config('payesh.counties', $1, true)", ",".join(sorted(principal.counties)))
        if compartment is not None:
            await enter_compartment(connection, compartment)
        yield connection


async def enter_compartment(connection: Connection, compartment: str) -> None:
    """Until the transaction ends, be ``<compartment>_api`` or ``<compartment>_worker``, as the session's own user is."""
    await connection.execute(
        "SELECT set_config('role', $1 || '_' || split_part(session_user, '_', -1), true)", compartment
    )


async def wait_for_standby(connection: Connection) -> None:
    """Let this transaction's COMMIT wait for the synchronous standby, if there is one, also when it changes nothing.

    For whoever finds work done before and says so: a COMMIT whose wait was given up (a time-out) can be seen, and yet is on
    the primary alone. Commits reach the standby in order.
    """
    # A commit without a record in the write-ahead log waits for nobody; this is an empty one.
    await connection.execute("SELECT pg_logical_emit_message(true, 'payesh', '')")


def is_unavailable(error: BaseException) -> bool:
    """True when `error` says that the database cannot answer now, rather than that the statement was wrong."""
    return isinstance(
        error,
        PoolBusyError
        | ConnectionError
        | asyncpg.PostgresConnectionError
        | asyncpg.InternalClientError  # a session that ended in the middle of an exchange, or no host that takes writes
        | asyncpg.InsufficientResourcesError
        | asyncpg.OperatorInterventionError
        | asyncpg.LockNotAvailableError
        | asyncpg.IdleInTransactionSessionTimeoutError,
    ) or (isinstance(error, asyncpg.InterfaceError) and "clos" in str(error))


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
