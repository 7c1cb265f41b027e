"""Alive and ready: /health touches nothing, /ready asks every registered dependency within a bounded time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from shared.kit.connections import Pool
from shared.kit.logging import get_logger

CHECK_TIMEOUT_S: Final = 2.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one dependency answered. `detail` is for operators: no secrets, no addresses with passwords."""

    ok: bool
    detail: str = ""


ReadinessCheck = Callable[[], Awaitable[CheckResult]]


class Readiness:
    """The dependencies of a process, by name. A check that raises or is too slow counts as a no."""

    def __init__(self) -> None:
        self._checks: dict[str, ReadinessCheck] = {}

    def register(self, name: str, check: ReadinessCheck) -> None:
        """Raises ValueError if `name` is taken."""
        if name in self._checks:
            raise ValueError(f"readiness check {name} is registered twice")
        self._checks[name] = check

    def clear(self) -> None:
        """Forget the checks: what they asked has stopped."""
        self._checks.clear()

    async def report(self) -> dict[str, CheckResult]:
        """Ask all of them side by side."""
        results = await asyncio.gather(*(_ask(name, check) for name, check in self._checks.items()))
        return dict(zip(self._checks, results, strict=True))


async def _ask(name: str, check: ReadinessCheck) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return CheckResult(False, f"no answer within {CHECK_TIMEOUT_S:g} s")
    except Exception as error:
        _log.warning("readiness_check_failed", check=name, error=repr(error))
        return CheckResult(False, type(error).__name__)


def database_check(pool: Pool) -> ReadinessCheck:
    """Ready when a connection comes free in time and the database answers on it."""

    async def check() -> CheckResult:
        async with pool.acquire(timeout=CHECK_TIMEOUT_S) as connection:
            await connection.fetchval("SELECT 1", timeout=CHECK_TIMEOUT_S)
        return CheckResult(True)

    return check
