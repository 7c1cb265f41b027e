"""Asks the SMS provider what became of messages it took; one that was not delivered goes on to the person's next contact."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Final

from uuid_utils.compat import uuid7

from services.notifications.channels.base import ProviderAwayError, RefusedError
from services.notifications.channels.sms_kavenegar import (
    ASK_IDS_MAX,
    SETTLED_STATES,
    UNDELIVERED_STATES,
    KavenegarSender,
)
from services.notifications.domain.channels import Channel
from services.notifications.handlers.deliveries import settle_failed
from services.notifications.settings import Settings
from services.notifications.store import channel_load, deliveries
from services.notifications.store.members import share_memberships
from shared.kit import metrics
from shared.kit.database import DATABASE_FAULTS
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

ASK_INTERVAL_S: Final = 5.0
GIVE_UP_AFTER: Final = timedelta(hours=48)
"""So long the provider knows a message's state (kavenegar.com/rest.html, sms/status)."""
RETAKEN_FOR: Final = timedelta(minutes=1)

_log = get_logger(__name__)


class ProviderStates:
    """Asks in a loop of its own: a slow answer delays no message."""

    def __init__(self, context: WorkerContext[Settings], sender: KavenegarSender) -> None:
        self._context = context
        self._sender = sender
        self._first = timedelta(seconds=context.settings.sms_status_first_s)
        self._interval_s = min(ASK_INTERVAL_S, context.settings.sms_status_first_s)

    async def run(self) -> None:
        """Ask until stopped; a database or provider that is away is waited for."""
        while not self._context.stopping.is_set():
            try:
                busy = await self.ask_batch() == ASK_IDS_MAX
            except (*DATABASE_FAULTS, RefusedError, ProviderAwayError) as error:
                _log.warning("provider_states_wait", error=repr(error), next_step="asked again later")
                busy = False
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._context.stopping.wait(), self._interval_s)

    async def ask_batch(self) -> int:
        """Ask about what is due; returns how many messages were asked about. Raises RefusedError or ProviderAwayError."""
        async with self._context.pool.acquire() as connection:
            asked = await channel_load.take_questions(connection, Channel.SMS, ASK_IDS_MAX, self._first, GIVE_UP_AFTER)
        if not asked:
            return 0
        answers = await self._sender.states_of([one.provider_message_id for one in asked])
        states = [
            channel_load.ProviderState(one.delivery_id, state, state in SETTLED_STATES)
            for one in asked
            if (state := answers.get(one.provider_message_id)) is not None
        ]
        for state in states:
            if state.state in UNDELIVERED_STATES:
                await self._try_to_go_on(state)
        async with self._context.pool.acquire() as connection:
            await channel_load.keep_states(connection, [one for one in states if one.state not in UNDELIVERED_STATES])
        return len(asked)

    async def _try_to_go_on(self, state: channel_load.ProviderState) -> None:
        try:
            await self._go_on(state)
        except DATABASE_FAULTS as error:
            _log.warning(
                "undelivered_waits",
                delivery_id=str(state.delivery_id),
                error=repr(error),
                next_step="asked about again later",
            )

    async def _go_on(self, state: channel_load.ProviderState) -> None:
        """What the provider says is kept together with what becomes of it: a death in between forgets neither."""
        lease_id = uuid7()
        async with self._context.begin() as tx:
            await share_memberships(tx.connection)
            await channel_load.keep_states(tx.connection, [state])
            delivery = await deliveries.retake_undelivered(tx.connection, lease_id, state.delivery_id, RETAKEN_FOR)
            if delivery is None:
                return
            await settle_failed(lease_id, delivery, f"the provider says: {state.state}", tx)
            dead = await deliveries.count_dead(tx.connection)
            await deliveries.wake_workers(tx.connection)
        metrics.DELIVERIES_DEAD.set(dead)
        metrics.DELIVERIES_FAILED.labels(Channel.SMS).inc()
