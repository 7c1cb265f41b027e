"""Runs due timers, and the sweeper that says which are late."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta

from shared.kit import metrics, timers
from shared.kit.auth import SYSTEM
from shared.kit.connections import Pool
from shared.kit.logging import bound_contextvars, get_logger
from shared.kit.routing import DueTimer, TimerRoute
from shared.kit.transaction import begin

POLL_INTERVAL_S_MAX = 1.0
POLL_INTERVAL_S_MIN = 0.005
SWEEP_INTERVAL_S = 5.0
LATE_AFTER = timedelta(seconds=10)
LATE_TIMERS_LISTED_MAX = 100

log = get_logger(__name__)


class _SupersededError(Exception):
    """The timer was cancelled or re-armed while its handler ran: its effects are rolled back."""


class TimerWorker:
    """Fires timers of the kinds in `routes`; several workers of one service share the work safely."""

    def __init__(self, pool: Pool, routes: Mapping[str, TimerRoute]) -> None:
        self._pool = pool
        self._routes = routes
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask `run` and `sweep` to end after the timer under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Fire timers until stopped. Errors of the database are waited out; errors of a handler postpone its timer."""
        while not self._stopping.is_set():
            try:
                wait_s = 0.0 if await self._fire_next() else await self._idle_wait_s()
            except Exception as error:
                log.warning("timer_worker_waits", error=repr(error), next_step="trying again in a second")
                wait_s = POLL_INTERVAL_S_MAX
            if wait_s:
                await self._sleep(wait_s)

    async def sweep(self) -> None:
        """Report late timers until stopped: as a metric, and as a warning that names the first of them."""
        while not self._stopping.is_set():
            with contextlib.suppress(Exception):
                async with self._pool.acquire() as connection:
                    late = await timers.late(connection, LATE_AFTER, LATE_TIMERS_LISTED_MAX)
                metrics.TIMERS_LATE.set(len(late))
                metrics.SWEEPER_LAST_RUN_SECONDS.set_to_current_time()
                if late:
                    first, error = late[0]
                    log.warning(
                        "timers_late", count=len(late), kind=first.kind, subject_id=first.subject_id, error=error
                    )
            await self._sleep(SWEEP_INTERVAL_S)

    async def _sleep(self, delay_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _idle_wait_s(self) -> float:
        async with self._pool.acquire() as connection:
            wait_s = await timers.seconds_until_next(connection)
        return POLL_INTERVAL_S_MAX if wait_s is None else min(max(wait_s, POLL_INTERVAL_S_MIN), POLL_INTERVAL_S_MAX)

    async def _fire_next(self) -> bool:
        """Fire one due timer; False if none is due."""
        async with self._pool.acquire() as connection:
            row = await timers.next_due(connection)
        if row is None:
            return False
        try:
            with bound_contextvars(correlation_id=row.correlation_id):
                await self._fire(row)
        except _SupersededError:
            return False
        except Exception as error:
            metrics.TIMERS_FAILED.labels(row.kind if row.kind in self._routes else "unknown").inc()
            log.error("timer_failed", kind=row.kind, subject_id=row.subject_id, tries=row.tries + 1, error=repr(error))
            async with self._pool.acquire() as connection:
                await timers.postpone(connection, row, repr(error))
        return True

    async def _fire(self, row: timers.TimerRow) -> None:
        route = self._routes.get(row.kind)
        if route is None:
            raise LookupError(f"no handler for timer {row.kind!r}: deploy the version that knows it")
        policy = route.policy.model_validate_json(row.policy) if route.policy and row.policy else None
        causation_id = f"timer:{row.kind}:{row.fence}"
        async with begin(self._pool, SYSTEM, row.correlation_id, causation_id) as tx:
            if not await timers.claim(tx.connection, row):
                raise _SupersededError
            async with tx.inside(route.compartment):
                await route.call(DueTimer(row.kind, row.subject_id, row.fence, row.due_at, policy), tx)
            changed_here = (row.kind, row.subject_id) in tx.changed_timers
            if not await timers.finish(tx.connection, row) and not changed_here:
                raise _SupersededError
        metrics.TIMERS_FIRED.labels(row.kind).inc()
