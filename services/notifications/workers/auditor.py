"""The auditor: looks again and again for chains that should have moved and did not, puts right what it safely can, and
tells the operations office straight, by every contact of its people.

It reads the rows and trusts no other part of the service. Where nothing can be told at all, because the database or every
channel is away, or the auditor itself is dead, the heartbeat that stays away says so outside.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Final

from services.notifications.domain.auditing import REPAIRABLE, Found, LateChain, certain, unanswered_name
from services.notifications.handlers import auditing
from services.notifications.settings import Settings
from services.notifications.store import auditing as store
from services.notifications.store import operations
from services.notifications.workers.heartbeat import Heartbeat
from shared.contracts.notifications import OperationsTrouble
from shared.kit import metrics
from shared.kit.auth import SYSTEM
from shared.kit.database import read_transaction
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

TOLD_CHAINS_MAX: Final = 20
"""Late chains of which the office is told one by one; of more at once it is told that there are more."""
FURTHER: Final = "further_chains"

_log = get_logger(__name__)


async def audit_chains(context: WorkerContext[Settings]) -> None:
    """Background worker of the service: a round after every interval until the service stops."""
    auditor = Auditor(context, Heartbeat(context.settings.heartbeat_url))
    try:
        while not context.stopping.is_set():
            await auditor.run_round()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.stopping.wait(), context.settings.audit_interval_s)
    finally:
        await auditor.close()


class Auditor:
    """One auditor; several at once repair and tell nothing twice: rows decide."""

    def __init__(self, context: WorkerContext[Settings], heartbeat: Heartbeat) -> None:
        self._context = context
        self._heartbeat = heartbeat
        self._found_before: frozenset[LateChain] = frozenset()

    async def run_round(self) -> None:
        """Find, repair, tell. A round that fails is not sound; it never ends the process."""
        late_chains = 0
        try:
            found = await self._find()
            late = certain(found.chains, self._found_before)
            self._found_before = found.chains
            late_chains = len(late)
            await self._repair(late)
            await self._tell(late, found)
            await self._tell_unanswered()
            is_sound = not late
        except Exception as error:
            _log.error("audit_failed", error=repr(error), next_step="again in the next round; no heartbeat meanwhile")
            is_sound = False
        else:
            metrics.CHAINS_LATE.set(late_chains)
            if is_sound:
                metrics.AUDITOR_LAST_SOUND_ROUND_SECONDS.set_to_current_time()
        await self._heartbeat.tell(is_sound=is_sound, late_chains=late_chains)

    async def close(self) -> None:
        await self._heartbeat.close()

    async def _find(self) -> Found:
        settings = self._context.settings
        late_after, lease = timedelta(seconds=settings.audit_late_after_s), timedelta(seconds=settings.delivery_lease_s)
        async with read_transaction(self._context.pool, SYSTEM) as connection:
            return await store.find_late(connection, auditing.TIMER_KINDS, late_after, lease)

    async def _repair(self, late: frozenset[LateChain]) -> None:
        """Each in a transaction of its own: one that cannot be repaired keeps no other from it."""
        for one in late:
            if one.reason not in REPAIRABLE:
                continue
            try:
                async with self._context.begin() as tx:
                    repaired = await auditing.repair_chain(one, tx)
            except Exception as error:
                _log.error("chain_not_repaired", subject=one.subject, reason=one.reason, error=repr(error))
            else:
                _log.warning("chain_late", subject=one.subject, reason=one.reason, repaired=repaired)

    async def _tell(self, late: frozenset[LateChain], found: Found) -> None:
        """One trouble for each late chain while it is late; those that are no longer end, and their alerts with them.

        None ends where there was more to find than was read: it may be late still.
        """
        to_tell = {one.subject: one for one in sorted(late, key=_order) if not one.is_of_operations}
        async with read_transaction(self._context.pool, SYSTEM) as connection:
            running = await operations.list_running_keys(connection, OperationsTrouble.CHAIN_LATE)
        still_late = {one.subject for one in found.chains} if found.is_whole else running
        for key in sorted(running - still_late - {FURTHER}):
            async with self._context.begin() as tx:
                await auditing.end_late(key, tx)
        untold = [one for subject, one in to_tell.items() if subject not in running]
        room = max(0, TOLD_CHAINS_MAX - len(running & still_late))
        for one in untold[:room]:
            async with self._context.begin() as tx:
                await auditing.tell_late(one.subject, one.county, tx)
        if untold[room:]:
            async with self._context.begin() as tx:
                await auditing.tell_late(FURTHER, None, tx)
        elif found.is_whole and FURTHER in running:
            async with self._context.begin() as tx:
                await auditing.end_late(FURTHER, tx)

    async def _tell_unanswered(self) -> None:
        """One trouble for each county with chains at their end that nobody answers, until there is none. Not late: the
        service did what it had to, so that the heartbeat goes on."""
        async with read_transaction(self._context.pool, SYSTEM) as connection:
            counties = await store.unanswered_counties(connection)
            running = await operations.list_running_keys(connection, OperationsTrouble.CHAINS_UNANSWERED)
        for name in sorted(running - {unanswered_name(county) for county in counties}):
            async with self._context.begin() as tx:
                await auditing.end_unanswered(name, tx)
        for county in sorted(counties):
            if unanswered_name(county) not in running:
                async with self._context.begin() as tx:
                    await auditing.tell_unanswered(county, tx)


def _order(one: LateChain) -> tuple[str, str]:
    return one.subject, one.reason
