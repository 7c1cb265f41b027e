"""The delivery worker: leases owed messages, sends them, marks what became of them.

At least once: rows are marked after the provider took the letters, a batch at a time, so a process that dies in between
(or a provider whose answer is lost) sends at most one batch of letters again, under the same Message-ID and
X-Payesh-Delivery-Id, by which a receiver can drop the second. A lease keeps workers apart; its end on the database's
clock gives a dead worker's rows to the next one.
"""

import asyncio
import contextlib
import gc
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from services.notifications.domain.delivering import retry_delay_s
from services.notifications.handlers import bury_delivery
from services.notifications.links import KEY_BYTES, VALID_FOR, AcknowledgementLink, sign_link
from services.notifications.mail import Letters, compose
from services.notifications.routing_rules import RULES
from services.notifications.settings import Settings
from services.notifications.smtp import LetterRefusedError, ProviderAwayError, SmtpSender
from services.notifications.store import deliveries as store
from shared.kit import metrics
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext
from shared.kit.telemetry import span

LEASE_ROWS_MAX: Final = 20
"""Rows taken at once: as many letters as a death between sending and marking can send twice."""
POLL_INTERVAL_S: Final = 1.0
LISTEN_TIMEOUT_S: Final = 5.0
MARK_TRIES_MAX: Final = 5
CASE_PURPOSE: Final = "legal_review"
CASE_KIND: Final = "phase_two_review_requested"

_log = get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What became of the letters of one batch."""

    sent: list[UUID] = field(default_factory=list["UUID"])
    failed: list[store.FailedDelivery] = field(default_factory=list["store.FailedDelivery"])
    untried: list[UUID] = field(default_factory=list["UUID"])


async def deliver_letters(context: WorkerContext[Settings]) -> None:
    """Background worker of the service: deliver until the service stops."""
    await DeliveryWorker(context).run()


class DeliveryWorker:
    """One worker; any number of them share the rows safely."""

    def __init__(self, context: WorkerContext[Settings]) -> None:
        self._context = context
        self._settings = context.settings
        self._letters = Letters()
        self._sender = SmtpSender(context.settings)
        self._wake = asyncio.Event()
        self._listener: asyncpg.Connection[asyncpg.Record] | None = None
        self._link_key: bytes | None = None
        self._letters.require(frozenset(rule.kind for rule in RULES.rules))

    async def run(self) -> None:
        """Deliver until stopped; a database that is away is waited for."""
        stopping = asyncio.create_task(self._wake_at_stop())
        try:
            while not self._context.stopping.is_set():
                self._wake.clear()
                try:
                    await self._listen()
                    busy = await self.deliver_batch() == LEASE_ROWS_MAX
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    _log.warning("delivery_waits", error=repr(error), next_step="trying again in a second")
                    busy = False
                if not busy:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), POLL_INTERVAL_S)
        finally:
            stopping.cancel()
            self._sender.close()
            if self._listener is not None:
                self._listener.terminate()

    async def deliver_batch(self) -> int:
        """Lease, send and mark one batch; returns how many rows were leased."""
        key = await self._signing_key()
        lease_id = uuid7()
        lease_ends_s = asyncio.get_running_loop().time() + self._settings.delivery_lease_s
        async with self._context.pool.acquire() as connection:
            leased = await store.lease_due(
                connection, lease_id, LEASE_ROWS_MAX, timedelta(seconds=self._settings.delivery_lease_s)
            )
        if leased:
            outcome = await self._send_all(leased, key, lease_ends_s)
            await self._mark(lease_id, leased, outcome)
            # A composed letter is full of cycles; the consumer's high threshold would let a thousand of them pile up.
            gc.collect(0)
        return len(leased)

    async def _send_all(self, leased: Sequence[store.LeasedDelivery], key: bytes, lease_ends_s: float) -> Outcome:
        """Send in order. What cannot be sent before the lease ends, or before a stop, is left untried."""
        outcome = Outcome()
        clock = asyncio.get_running_loop()
        away: str | None = None
        for delivery in leased:
            too_late = clock.time() + self._settings.smtp_timeout_s > lease_ends_s
            if too_late or self._context.stopping.is_set():
                outcome.untried.append(delivery.delivery_id)
                continue
            try:
                if away is None:
                    with span("send letter", delivery.traceparent):
                        await self._send(delivery, key)
                    outcome.sent.append(delivery.delivery_id)
                else:
                    outcome.failed.append(self._failure(delivery, away))
            except LetterRefusedError as error:
                outcome.failed.append(self._failure(delivery, str(error)))
            except ProviderAwayError as error:
                away = str(error)
                outcome.failed.append(self._failure(delivery, away))
        return outcome

    async def _send(self, delivery: store.LeasedDelivery, key: bytes) -> None:
        link = AcknowledgementLink(
            delivery.alert_id, delivery.member_id, delivery.county, delivery.created_at + VALID_FOR
        )
        acknowledge_url = f"{self._settings.base_url}/acknowledge/{sign_link(link, key)}"
        try:
            letter = self._letters.render(delivery, acknowledge_url, self._case_url(delivery))
            message = compose(delivery, letter, self._settings.smtp_from).as_bytes()
        except Exception as error:
            _log.error("letter_not_composed", delivery_id=str(delivery.delivery_id), error=repr(error))
            raise LetterRefusedError(f"could not be composed: {error!r}") from error
        await self._sender.send(delivery.recipient, message)
        _log.info("letter_sent", delivery_id=str(delivery.delivery_id), correlation_id=delivery.correlation_id)

    def _case_url(self, delivery: store.LeasedDelivery) -> str | None:
        if delivery.kind != CASE_KIND or self._settings.case_url is None:
            return None
        return f"{self._settings.case_url.rstrip('/')}/{delivery.subject_id}?purpose={CASE_PURPOSE}"

    def _failure(self, delivery: store.LeasedDelivery, error: str) -> store.FailedDelivery:
        last = delivery.attempts >= self._settings.delivery_attempts_max
        delay_s = None if last else retry_delay_s(delivery.attempts, self._settings.delivery_retry_first_s)
        return store.FailedDelivery(delivery.delivery_id, error, delay_s)

    async def _mark(self, lease_id: UUID, leased: Sequence[store.LeasedDelivery], outcome: Outcome) -> None:
        """Write the outcome; a deadlock with a bulk cancellation is tried again."""
        dying = {failure.delivery_id: failure for failure in outcome.failed if failure.retry_delay_s is None}
        await _without_deadlock(lambda: self._mark_living(lease_id, outcome))
        for delivery in leased:
            if failure := dying.get(delivery.delivery_id):
                await _without_deadlock(lambda d=delivery, f=failure: self._bury(lease_id, d, f))
        channel = leased[0].channel
        metrics.DELIVERIES_SENT.labels(channel).inc(len(outcome.sent))
        metrics.DELIVERIES_FAILED.labels(channel).inc(len(outcome.failed))
        if outcome.failed:
            _log.warning("letters_failed", failed=len(outcome.failed), dead=len(dying), error=outcome.failed[0].error)

    async def _mark_living(self, lease_id: UUID, outcome: Outcome) -> None:
        retried = [failure for failure in outcome.failed if failure.retry_delay_s is not None]
        async with self._context.begin() as tx:
            if outcome.sent:
                held = await store.mark_sent(tx.connection, lease_id, outcome.sent)
                if held < len(outcome.sent):
                    _log.warning("lease_lost", sent=len(outcome.sent), held=held)
            if outcome.untried:
                await store.release_unsent(tx.connection, lease_id, outcome.untried)
            if retried:
                await store.mark_for_retry(tx.connection, lease_id, retried)

    async def _bury(self, lease_id: UUID, delivery: store.LeasedDelivery, failure: store.FailedDelivery) -> None:
        async with self._context.begin(delivery.correlation_id) as tx:
            await bury_delivery(lease_id, delivery, failure.error, tx)
            metrics.DELIVERIES_DEAD.set(await store.count_dead(tx.connection))

    async def _signing_key(self) -> bytes:
        if self._link_key is None:
            async with self._context.begin() as tx:
                await store.ensure_link_key(tx.connection, secrets.token_bytes(KEY_BYTES))
                self._link_key = (await store.list_link_keys(tx.connection))[0]
                metrics.DELIVERIES_DEAD.set(await store.count_dead(tx.connection))
        return self._link_key

    async def _listen(self) -> None:
        """Keep a connection that hears NOTIFY. Only a hint: the worker also looks by itself every second."""
        if self._listener is not None and not self._listener.is_closed():
            return
        async with asyncio.timeout(LISTEN_TIMEOUT_S):
            self._listener = await asyncpg.connect(
                self._settings.worker_database_url,
                server_settings={"application_name": f"payesh-notifications-delivery-{self._settings.instance}"},
            )
            await self._listener.add_listener(store.WAKE_CHANNEL, self._on_notify)

    def _on_notify(self, *_: object) -> None:
        self._wake.set()

    async def _wake_at_stop(self) -> None:
        await self._context.stopping.wait()
        self._wake.set()


async def _without_deadlock(mark: Callable[[], Awaitable[None]]) -> None:
    for _ in range(MARK_TRIES_MAX - 1):
        try:
            await mark()
        except asyncpg.DeadlockDetectedError:
            continue
        return
    await mark()
