"""The worker that notices what has passed with the day. The rows themselves say what is due, so nothing that moves a due
day has to arm anything, and a process that dies announces nothing twice: a row's change and its event commit together.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from services.warehouse.handlers import day_end
from services.warehouse.settings import WarehouseSettings
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext
from shared.kit.transaction import Transaction

LOOK_INTERVAL_S = 60.0

_log = get_logger(__name__)
_Announce = Callable[[Transaction], Awaitable[int]]


async def watch_day_end(context: WorkerContext[WarehouseSettings]) -> None:
    """Background worker of the service: look once a minute until the service stops; a database that is away is waited for."""
    while not context.stopping.is_set():
        for announce in (day_end.announce_lapsed_intervals, day_end.announce_expired_trainings):
            try:
                await announce_all(context, announce)
            except Exception as error:
                _log.warning("day_end_waits", error=repr(error), next_step=f"again in {LOOK_INTERVAL_S} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.stopping.wait(), LOOK_INTERVAL_S)


async def announce_all(context: WorkerContext[WarehouseSettings], announce: _Announce) -> None:
    """Transaction by transaction, until one finds fewer than it could have taken."""
    while not context.stopping.is_set():
        async with context.begin("day-end") as tx:
            found = await announce(tx)
        if found < day_end.ANNOUNCED_AT_ONCE_MAX:
            return
