"""Wakes live inboxes when deliveries are written. Only a hint: an open inbox also looks by itself."""

import asyncio
import contextlib
from typing import Final

from services.notifications.settings import Settings
from services.notifications.store.deliveries import WAKE_CHANNEL
from shared.kit.database import DATABASE_FAULTS, connect_to_primary
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

CONNECT_TIMEOUT_S: Final = 5.0
RETRY_DELAY_S: Final = 5.0
CHECK_INTERVAL_S: Final = 5.0

_log = get_logger(__name__)


class Bell:
    """Any number of tasks wait; each ring wakes all that wait."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, *_: object) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Until it rings, or `timeout_s` later."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), timeout_s)


INBOX_BELL: Final = Bell()
"""One process, one bell: its HTTP and its worker share it."""


async def ring_inbox_bell(context: WorkerContext[Settings]) -> None:
    """Background worker of the service: ring at every NOTIFY until the service stops; at its stop, too."""
    while not context.stopping.is_set():
        try:
            await _ring_while_connected(context)
        except DATABASE_FAULTS as error:
            _log.warning("inbox_bell_waits", error=repr(error), next_step=f"again in {RETRY_DELAY_S} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.stopping.wait(), RETRY_DELAY_S)
    INBOX_BELL.ring()


async def _ring_while_connected(context: WorkerContext[Settings]) -> None:
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        connection = await connect_to_primary(
            context.settings.worker_database_url,
            server_settings={"application_name": f"payesh-notifications-inbox-{context.settings.instance}"},
        )
    try:
        await connection.add_listener(WAKE_CHANNEL, INBOX_BELL.ring)
        while not context.stopping.is_set() and not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.stopping.wait(), CHECK_INTERVAL_S)
    finally:
        connection.terminate()
