"""One channel's worker: leases owed messages, sends them, marks what became of them. A slow provider delays no other channel.

At least once: rows are marked after the provider took the messages, a batch at a time, so a process that dies in between
(or a provider whose answer is lost) sends at most one batch again, under the same idempotency key (`delivery_id`), by which
provider or receiver can drop the second. A lease keeps workers apart; its end on the database's clock gives a dead worker's
rows to the next one. Whatever may have been sent twice is in the alert's history.
"""

import asyncio
import contextlib
import gc
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from services.notifications.channels.base import Outgoing, ProviderAwayError, RefusedError, Sender, UntriedError
from services.notifications.domain.channels import Channel
from services.notifications.domain.circuit_breaker import CircuitBreaker
from services.notifications.domain.delivering import contact_wait_max_s, next_try_after_s
from services.notifications.handlers.deliveries import settle_failed
from services.notifications.handlers.operations import end_trouble, report_trouble
from services.notifications.settings import Settings
from services.notifications.store import alerts, channel_load, deliveries
from services.notifications.store import delivery_outcomes as store
from services.notifications.store.deliveries import LeasedDelivery
from services.notifications.workers.composing import Composer
from shared.contracts.notifications import OperationsTrouble
from shared.kit import metrics
from shared.kit.database import DATABASE_FAULTS
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext
from shared.kit.telemetry import span
from shared.kit.transaction import Transaction

LEASE_ROWS_MAX: Final = 20
"""Rows taken at once: as many messages as a death between sending and marking can send twice."""
POLL_INTERVAL_S: Final = 1.0
MARK_TRIES_MAX: Final = 5
DRY: Final = "dry"

_log = get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What became of the messages of one batch. `stopped`: what has not begun is left untried."""

    sent: list[store.SentDelivery] = field(default_factory=list["store.SentDelivery"])
    failed: list[store.FailedDelivery] = field(default_factory=list["store.FailedDelivery"])
    untried: list[UUID] = field(default_factory=list[UUID])
    plain: list[LeasedDelivery] = field(default_factory=list[LeasedDelivery])
    """Sent in the plain safe form, because their template failed."""
    stopped: bool = False


class ChannelWorker:
    """One worker of one channel; any number of them, in any number of processes, share the rows safely.

    `sender` is closed by who made it: others may ask it about what was sent.
    """

    def __init__(self, context: WorkerContext[Settings], channel: Channel, sender: Sender, composer: Composer) -> None:
        settings = context.settings
        self._context = context
        self._settings = settings
        self._channel = channel
        self._sender = sender
        self._composer = composer
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_open_s)
        self._is_dry = channel in settings.dry_channels
        self._limit_per_minute = settings.channel_limits_per_minute.get(channel)
        self._waits_until_s = 0.0
        self._has_answered = False
        self._trouble_known: bool | None = None
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Deliver until stopped; a database that is away is waited for."""
        while not self._context.stopping.is_set():
            self.wake.clear()
            try:
                busy = await self.deliver_batch() == LEASE_ROWS_MAX
            except DATABASE_FAULTS as error:
                _log.warning("delivery_waits", channel=self._channel, error=repr(error), next_step="again in a second")
                busy = False
            if not busy and not self._context.stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), POLL_INTERVAL_S)

    async def deliver_batch(self) -> int:
        """Lease, send and mark one batch; returns how many rows were leased.

        While the channel is left alone, only what has waited too long is taken: it goes on to its next contact. So does what
        has no turn in this minute, as far as it has a contact by another channel: the provider is well, and nothing is lost.
        """
        now_s = asyncio.get_running_loop().time()
        allowed = self._breaker.allowed(LEASE_ROWS_MAX, now_s) if now_s >= self._waits_until_s else 0
        await self._composer.refresh()
        lease_id, lease = uuid7(), timedelta(seconds=self._settings.delivery_lease_s)
        lease_ends_s = asyncio.get_running_loop().time() + self._settings.delivery_lease_s
        waited = None if allowed else timedelta(seconds=self._contact_wait_max_s())
        elsewhere = not allowed and not self._breaker.is_open
        async with self._context.pool.acquire() as connection:
            leased = await deliveries.lease_due(
                connection, lease_id, self._channel, allowed or LEASE_ROWS_MAX, lease, waited, elsewhere=elsewhere
            )
        if leased and allowed:
            outcome = await self._send_all(leased, lease_ends_s)
            await self._mark(lease_id, leased, outcome)
            # A composed letter is full of cycles; the consumer's high threshold would let a thousand of them pile up.
            gc.collect(0)
        elif leased:
            waited_too_long = [
                store.FailedDelivery(one.delivery_id, "waited too long for the channel", None, elsewhere=elsewhere)
                for one in leased
            ]
            await self._mark(lease_id, leased, Outcome(failed=waited_too_long))
        await self._keep_trouble()
        return len(leased)

    async def _send_all(self, leased: Sequence[LeasedDelivery], lease_ends_s: float) -> Outcome:
        """Send, as many at once as the channel may. What cannot be sent before the lease ends, or before a stop, or after
        the provider was found away, is left untried."""
        outcome = Outcome()
        turns = asyncio.Semaphore(self._sender.sends_at_once)

        async def send_in_turn(delivery: LeasedDelivery) -> None:
            async with turns:
                too_late = asyncio.get_running_loop().time() + self._sender.timeout_s > lease_ends_s
                if too_late or outcome.stopped or self._context.stopping.is_set() or not await self._may_begin():
                    outcome.stopped = True
                    outcome.untried.append(delivery.delivery_id)
                else:
                    with span("send message", delivery.traceparent, channel=self._channel):
                        await self._send(delivery, outcome)

        async with asyncio.TaskGroup() as group:
            for delivery in leased:
                group.create_task(send_in_turn(delivery))
        return outcome

    async def _send(self, delivery: LeasedDelivery, outcome: Outcome) -> None:
        try:
            outgoing = self._composer.compose(delivery)
            sent = await self._hand_over(outgoing)
        except UntriedError as error:
            outcome.stopped = True
            outcome.untried.append(delivery.delivery_id)
            _log.warning("delivery_waits", channel=self._channel, error=str(error), next_step="left untried")
        except RefusedError as error:
            outcome.failed.append(self._failure(delivery, error, error.permanent))
        except ProviderAwayError as error:
            outcome.stopped = True
            outcome.failed.append(self._failure(delivery, error, permanent=False))
        except Exception as error:
            # Neither its text nor the values of its frames: they may hold a provider's key.
            _log.error(
                "send_failed",
                channel=self._channel,
                delivery_id=str(delivery.delivery_id),
                error=type(error).__name__,
                frames=traceback.format_tb(error.__traceback__),
            )
            unexpected = RefusedError(type(error).__name__, may_have_arrived=True)
            outcome.failed.append(self._failure(delivery, unexpected, permanent=False))
        else:
            outcome.sent.append(sent)
            if outgoing.letter.template_error is not None:
                outcome.plain.append(delivery)

    async def _hand_over(self, outgoing: Outgoing) -> store.SentDelivery:
        delivery = outgoing.delivery
        if self._is_dry:
            return store.SentDelivery(delivery.delivery_id, provider_status=DRY)
        try:
            receipt = await self._sender.send(outgoing)
        except RefusedError:
            self._note_answer()
            raise
        except ProviderAwayError:
            self._breaker.failed(asyncio.get_running_loop().time())
            raise
        self._note_answer()
        _log.info(
            "message_sent",
            channel=self._channel,
            delivery_id=str(delivery.delivery_id),
            correlation_id=delivery.correlation_id,
        )
        return store.SentDelivery(
            delivery.delivery_id,
            receipt.message_id,
            receipt.status,
            receipt.ask_after_s,
            tells_of=outgoing.tells_of,
            text_version=outgoing.letter.text_version,
        )

    def _note_answer(self) -> None:
        self._breaker.succeeded()
        self._has_answered = True

    async def _may_begin(self) -> bool:
        try:
            return await self._takes_turn()
        except DATABASE_FAULTS as error:
            _log.warning("delivery_waits", channel=self._channel, error=repr(error), next_step="left untried")
            return False

    async def _takes_turn(self) -> bool:
        """Whether one more message may begin in this minute; if not, the channel waits for the next."""
        if self._limit_per_minute is None or self._is_dry:
            return True
        async with self._context.pool.acquire() as connection:
            if await channel_load.take_turn(connection, self._channel, self._limit_per_minute):
                return True
            wait_s = await channel_load.seconds_to_next_minute(connection)
        metrics.CHANNEL_TURNS_DENIED.labels(self._channel).inc()
        self._waits_until_s = asyncio.get_running_loop().time() + wait_s
        return False

    def _failure(
        self, delivery: LeasedDelivery, error: RefusedError | ProviderAwayError, permanent: bool
    ) -> store.FailedDelivery:
        delay_s = next_try_after_s(
            self._channel,
            delivery.attempts,
            self._settings.delivery_attempts_max,
            self._settings.delivery_retry_first_s,
            is_last_contact=not delivery.fallbacks,
        )
        return store.FailedDelivery(
            delivery.delivery_id, str(error), None if permanent else delay_s, error.may_have_arrived
        )

    def _contact_wait_max_s(self) -> float:
        settings = self._settings
        return contact_wait_max_s(self._channel, settings.delivery_attempts_max, settings.delivery_retry_first_s)

    async def _mark(self, lease_id: UUID, leased: Sequence[LeasedDelivery], outcome: Outcome) -> None:
        """Write the outcome; a deadlock with a bulk cancellation is tried again."""
        ending = {failure.delivery_id: failure for failure in outcome.failed if failure.retry_delay_s is None}
        await _without_deadlock(lambda: self._mark_living(lease_id, leased, outcome))
        for delivery in leased:
            if failure := ending.get(delivery.delivery_id):
                await _without_deadlock(lambda d=delivery, f=failure: self._settle(lease_id, d, f))
        counted = metrics.DELIVERIES_DRY if self._is_dry else metrics.DELIVERIES_SENT
        counted.labels(self._channel).inc(len(outcome.sent))
        metrics.DELIVERIES_FAILED.labels(self._channel).inc(len(outcome.failed))
        if outcome.failed:
            _log.warning(
                "messages_failed",
                channel=self._channel,
                failed=len(outcome.failed),
                ended=len(ending),
                error=outcome.failed[0].error,
            )

    async def _mark_living(self, lease_id: UUID, leased: Sequence[LeasedDelivery], outcome: Outcome) -> None:
        retried = [failure for failure in outcome.failed if failure.retry_delay_s is not None]
        async with self._context.begin() as tx:
            if outcome.sent:
                held = await store.mark_sent(tx.connection, lease_id, outcome.sent)
                if held < len(outcome.sent):
                    _log.warning("lease_lost", channel=self._channel, sent=len(outcome.sent), held=held)
            if outcome.untried:
                await store.release_unsent(tx.connection, lease_id, outcome.untried)
            if retried:
                await store.mark_for_retry(tx.connection, lease_id, retried)
            if self._is_dry:
                await self._tell_dry(leased, outcome, tx)
            for kind, language, county in {(one.kind, one.language, one.county) for one in outcome.plain}:
                await report_trouble(OperationsTrouble.TEMPLATE_FAILED, name=f"{kind}/{language}", tx=tx, county=county)

    async def _tell_dry(self, leased: Sequence[LeasedDelivery], outcome: Outcome, tx: Transaction) -> None:
        """The history says that nothing left."""
        dry = {one.delivery_id for one in outcome.sent}
        lines = [
            alerts.HistoryLine(
                one.alert_id,
                one.county,
                "dry_run",
                one.step,
                tx.principal.subject,
                {"delivery_id": str(one.delivery_id), "recipient": one.recipient, "channel": one.channel},
            )
            for one in leased
            if one.delivery_id in dry and one.digest_id is None
        ]
        await alerts.add_histories(tx.connection, lines, tx.now)

    async def _settle(self, lease_id: UUID, delivery: LeasedDelivery, failure: store.FailedDelivery) -> None:
        async with self._context.begin(delivery.correlation_id) as tx:
            following = await settle_failed(
                lease_id,
                delivery,
                failure.error,
                tx,
                may_have_arrived=failure.may_have_arrived,
                elsewhere=failure.elsewhere,
            )
            if following is not None:
                await deliveries.wake_workers(tx.connection)
            dead = await deliveries.count_dead(tx.connection)
        metrics.DELIVERIES_DEAD.set(dead)
        if following is not None:
            metrics.DELIVERIES_TURNED.labels(self._channel).inc()

    async def _keep_trouble(self) -> None:
        """A channel that is left alone is a trouble of the platform, until its provider answers again."""
        is_open = self._breaker.is_open
        metrics.CHANNEL_CIRCUIT_OPEN.labels(self._channel).set(is_open)
        if is_open == self._trouble_known or not (is_open or self._has_answered):
            return
        async with self._context.begin() as tx:
            if is_open:
                await report_trouble(OperationsTrouble.CHANNEL_CIRCUIT_OPEN, name=self._channel, tx=tx)
            else:
                await end_trouble(OperationsTrouble.CHANNEL_CIRCUIT_OPEN, name=self._channel, tx=tx)
        self._trouble_known = is_open


async def _without_deadlock(mark: Callable[[], Awaitable[None]]) -> None:
    for _ in range(MARK_TRIES_MAX - 1):
        try:
            await mark()
        except asyncpg.DeadlockDetectedError:
            continue
        return
    await mark()
