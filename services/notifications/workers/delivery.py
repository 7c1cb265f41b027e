"""Delivery: a worker for each channel, woken together when something is owed."""

import asyncio
import contextlib
from typing import Final

import asyncpg

from services.notifications.channels.base import Outgoing, ProviderReceipt, RefusedError, Sender
from services.notifications.channels.chat import ChatSender
from services.notifications.channels.email import EmailSender
from services.notifications.channels.sms_kavenegar import KavenegarSender
from services.notifications.channels.webhook import WebhookSender
from services.notifications.domain.channels import Channel
from services.notifications.settings import Settings
from services.notifications.store import deliveries as store
from services.notifications.workers.channel_worker import ChannelWorker
from services.notifications.workers.composing import Composer
from services.notifications.workers.provider_states import ProviderStates
from shared.kit import metrics
from shared.kit.database import DATABASE_FAULTS, connect_to_primary
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

LISTEN_TIMEOUT_S: Final = 5.0
LISTEN_AGAIN_S: Final = 1.0

_log = get_logger(__name__)


async def deliver_messages(context: WorkerContext[Settings]) -> None:
    """Background worker of the service: deliver until the service stops."""
    await DeliveryWorker(context).run()


class AbsentSender:
    """A channel that is not set up: what is owed by it goes on to the person's next contact."""

    sends_at_once = 1
    timeout_s = 0.0

    def __init__(self, problem: str) -> None:
        self._problem = problem

    async def send(self, outgoing: Outgoing) -> ProviderReceipt:
        """Raises RefusedError."""
        raise RefusedError(f"{outgoing.delivery.channel}: {self._problem}", permanent=True)

    async def close(self) -> None:
        """Nothing is open."""


class DeliveryWorker:
    """The workers of all channels in one process; any number of processes share the rows safely."""

    def __init__(self, context: WorkerContext[Settings]) -> None:
        self._context = context
        self._settings = context.settings
        self._listener: asyncpg.Connection[asyncpg.Record] | None = None
        composer = Composer(context)
        senders = create_senders(context)
        self._senders = tuple(senders.values())
        self._workers = [ChannelWorker(context, channel, sender, composer) for channel, sender in senders.items()]
        self._states = [
            ProviderStates(context, sender) for sender in self._senders if isinstance(sender, KavenegarSender)
        ]

    async def run(self) -> None:
        """Deliver until stopped; a database that is away is waited for."""
        listening = asyncio.create_task(self._listen())
        stopping = asyncio.create_task(self._wake_at_stop())
        try:
            async with asyncio.TaskGroup() as group:
                for worker in (*self._workers, *self._states):
                    group.create_task(worker.run())
        finally:
            for task in (listening, stopping):
                task.cancel()
            await asyncio.gather(listening, stopping, return_exceptions=True)
            if self._listener is not None:
                self._listener.terminate()
            await asyncio.gather(*(sender.close() for sender in self._senders))

    async def _listen(self) -> None:
        """Keep a connection that hears NOTIFY. Only a hint: each worker also looks by itself every second."""
        while True:
            with contextlib.suppress(*DATABASE_FAULTS):
                if self._listener is None or self._listener.is_closed():
                    await self._connect_listener()
                    await self._count_dead()
                    self._wake_all()
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _connect_listener(self) -> None:
        async with asyncio.timeout(LISTEN_TIMEOUT_S):
            listener = await connect_to_primary(
                self._settings.worker_database_url,
                server_settings={"application_name": f"payesh-notifications-delivery-{self._settings.instance}"},
            )
            try:
                await listener.add_listener(store.WAKE_CHANNEL, self._on_notify)
            except BaseException:
                listener.terminate()
                raise
            self._listener = listener

    async def _count_dead(self) -> None:
        async with self._context.pool.acquire() as connection:
            metrics.DELIVERIES_DEAD.set(await store.count_dead(connection))

    def _on_notify(self, *_: object) -> None:
        self._wake_all()

    def _wake_all(self) -> None:
        for worker in self._workers:
            worker.wake.set()

    async def _wake_at_stop(self) -> None:
        await self._context.stopping.wait()
        self._wake_all()


def create_senders(context: WorkerContext[Settings]) -> dict[Channel, Sender]:
    """A sender for every channel but the inbox, whose rows are the messages. Raises ValueError for unusable settings."""
    settings = context.settings
    return {
        Channel.EMAIL: EmailSender(settings),
        Channel.SMS: KavenegarSender(settings) if settings.kavenegar_api_key else AbsentSender("no account is set up"),
        Channel.CHAT: ChatSender(settings) if settings.chat_services else AbsentSender("no chat service is set up"),
        Channel.WEBHOOK: WebhookSender(context),
    }
