"""Arms at start the digests that somebody wants and nobody has armed; from then on each arms the next."""

import asyncio
import contextlib
from typing import Final

from services.notifications.handlers.digests import arm_missing_digests
from services.notifications.settings import Settings
from shared.kit.database import DATABASE_FAULTS
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

RETRY_DELAY_S: Final = 5.0

_log = get_logger(__name__)


async def arm_digests(context: WorkerContext[Settings]) -> None:
    """Background worker of the service: done once the database has taken it."""
    while not context.stopping.is_set():
        try:
            async with context.begin() as tx:
                await arm_missing_digests(tx)
        except DATABASE_FAULTS as error:
            _log.warning("digests_not_armed", error=repr(error), next_step=f"again in {RETRY_DELAY_S} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.stopping.wait(), RETRY_DELAY_S)
        else:
            return
