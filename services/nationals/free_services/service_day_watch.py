"""The worker that brings what the calendar brings: rows say what is due, so a process that dies does nothing twice."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from services.nationals.free_services.handlers import service_days
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext
from shared.kit.transaction import Transaction

LOOK_INTERVAL_S = 60.0
COMPARTMENT = "free_services"

_log = get_logger(__name__)
_Step = Callable[[Transaction], Awaitable[bool]]
_STEPS: tuple[_Step, ...] = (
    service_days.end_bookings_of_past_days,
    service_days.plan_coming_days,
    service_days.measure_waiting_times,
)


async def watch_service_days(context: WorkerContext[Any]) -> None:
    """Background worker: look once a minute until the service stops; a database that is away is waited for."""
    while not context.stopping.is_set():
        for step in _STEPS:
            try:
                await take_all(context, step)
            except Exception as error:
                _log.warning("service_day_waits", error=repr(error), next_step=f"again in {LOOK_INTERVAL_S} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.stopping.wait(), LOOK_INTERVAL_S)


async def take_all(context: WorkerContext[Any], step: _Step) -> None:
    """Transaction by transaction, until one leaves nothing."""
    while not context.stopping.is_set():
        async with context.begin("service-day", compartment=COMPARTMENT) as tx:
            more = await step(tx)
        if not more:
            return
