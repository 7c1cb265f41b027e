"""Composition of one service process: HTTP, relay, consumer, timers and background workers, started and stopped together.

Every part waits for what it needs (database, broker) and says so in /ready; a part that dies ends the process, which
its supervisor starts again clean (rule 7).
"""

import asyncio
import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Generic, TypeVar

import uvicorn
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI

from shared.contracts.base import declared_events
from shared.kit import metrics, relay
from shared.kit.auth import SYSTEM, TokenVerifier, create_verifier
from shared.kit.basic_auth import PasswordVerifier, exchange_over_http
from shared.kit.clock import set_clock_speedup
from shared.kit.connections import Pool
from shared.kit.consumer import BatchConsumer
from shared.kit.database import is_unavailable, open_pool
from shared.kit.event_documents import event_document
from shared.kit.health import CheckResult, Readiness, database_check
from shared.kit.http import connect, create_api, mount
from shared.kit.logging import configure_logging, get_logger
from shared.kit.operations import OperatedService, operations_router
from shared.kit.routing import TimerRoute, collect_reactions, collect_timers
from shared.kit.settings import ServiceSettings
from shared.kit.subscription import Subscription
from shared.kit.telemetry import configure_telemetry, shutdown_telemetry
from shared.kit.timer_worker import TimerWorker
from shared.kit.transaction import OUTBOX_SHARDS, Transaction, begin

VERSION = "0.1.0"
RETRY_DELAY_S = 0.25
OBSERVE_INTERVAL_S = 1.0
LAG_TIMEOUT_S = 10.0
STALLED_AFTER_S = 120.0
EXIT_STALLED = 70
GRACEFUL_STOP_S = 20
BACKGROUND_TASKS_STOP_S = 10.0

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerContext(Generic[SettingsT]):
    """What a background worker gets. It runs until `stopping` is set and then finishes what it holds."""

    pool: Pool
    settings: SettingsT
    stopping: asyncio.Event

    def begin(
        self, correlation_id: str = "worker", compartment: str | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        """A transaction as the system."""
        return begin(self.pool, SYSTEM, correlation_id, compartment=compartment)


Worker = Callable[[WorkerContext[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """The modules of a service, or of one compartment of it (`Transaction.inside`)."""

    routers: Sequence[APIRouter]
    handlers: ModuleType
    timers: ModuleType
    contracts: ModuleType
    compartment: str | None = None


class Service(Generic[SettingsT]):
    """One service: its name, its parts, its settings. `main` runs it; `api` is its application for tests and exports."""

    def __init__(
        self,
        *,
        name: str,
        settings: type[SettingsT],
        parts: Sequence[Part],
        workers: Sequence[Worker] = (),
        raw_media_types: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self._settings_type = settings
        self.reactions = [mark for part in parts for mark in collect_reactions(part.handlers, part.compartment)]
        self._timers = _timers(parts)
        self._workers = workers
        self._readiness = Readiness()
        self._running: OperatedService | None = None
        self._event_document = event_document(
            name, VERSION, declared_events(*(part.contracts for part in parts)), self.reactions
        )
        self.api: FastAPI = create_api(
            service=name,
            routers=[operations_router(self._operated)],
            readiness=self._readiness,
            asyncapi=self._event_document,
            version=VERSION,
            lifespan=self._lifespan,
            raw_media_types=raw_media_types,
            # One correlation id or trace of a caller, sent to two compartments, would join what was done in them.
            follows_callers=all(part.compartment is None for part in parts),
        )
        for part in parts:
            mount(self.api, part.routers, part.compartment)

    def main(self, arguments: Sequence[str] = sys.argv[1:]) -> None:
        """Run until SIGTERM or SIGINT: requests under way end, the batch in flight commits or rolls back, then it leaves.

        With the argument ``documents`` it prints its OpenAPI and AsyncAPI documents as one JSON object instead.
        """
        if list(arguments) == ["documents"]:
            print(json.dumps(self.documents()))
            return
        settings = self._settings()
        configure_logging(service=self.name, instance=settings.instance, level=settings.log_level)
        set_clock_speedup(settings.clock_speedup)
        configure_telemetry(
            service=self.name,
            instance=settings.instance,
            otlp_endpoint=settings.otlp_endpoint,
            sample_ratio=settings.trace_sample_ratio,
        )
        gc.collect()
        gc.freeze()  # what the imports made stays; no later collection need walk it
        uvicorn.run(
            self.api,
            host=settings.http_host,
            port=settings.http_port,
            loop="uvloop",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACEFUL_STOP_S,
        )
        shutdown_telemetry()

    def documents(self) -> dict[str, Any]:
        """What the service serves at /openapi.json and /asyncapi.json."""
        return {"openapi": self.api.openapi(), "asyncapi": dict(self._event_document())}

    def _settings(self) -> SettingsT:
        return self._settings_type()  # pyright: ignore[reportCallIssue] - fields come from the environment

    def _operated(self) -> OperatedService:
        if self._running is None:
            raise ConnectionError("the service is still starting")
        return self._running

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncGenerator[None]:
        settings = self._settings()
        verifier = create_verifier(
            jwks_url=settings.jwks_url, issuer=settings.jwt_issuer, audience=settings.jwt_audience
        )
        async with contextlib.AsyncExitStack() as stack:
            pool = partial(self._pool, stack, settings)
            api_pool = await pool(settings.api_database_url, settings.api_pool_connections, "api")
            worker_pool = await pool(settings.worker_database_url, settings.worker_pool_connections, "worker")
            connect(app, pool=api_pool, verifier=verifier, passwords=_password_verifier(settings, verifier))
            stack.callback(self._readiness.clear)
            self._readiness.register("database", database_check(api_pool))
            background = await stack.enter_async_context(_background())
            await self._start_parts(stack, settings, worker_pool, background)
            yield

    async def _pool(
        self, stack: contextlib.AsyncExitStack, settings: SettingsT, url: str, size: int, part: str
    ) -> Pool:
        """Open a pool, waiting for the database as long as it takes."""
        while True:
            try:
                pool = await open_pool(
                    url,
                    size=size,
                    name=f"payesh-{self.name}-{part}",
                    acquire_timeout_s=settings.pool_acquire_timeout_s,
                )
            except Exception as error:
                if not (is_unavailable(error) or isinstance(error, OSError)):
                    raise
                log.warning("waiting_for_database", error=repr(error), next_step=f"again in {RETRY_DELAY_S} s")
                await asyncio.sleep(RETRY_DELAY_S)
            else:
                stack.push_async_callback(_close_pool, pool)
                return pool

    async def _start_parts(
        self, stack: contextlib.AsyncExitStack, settings: SettingsT, pool: Pool, background: "Background"
    ) -> None:
        consumer = BatchConsumer(pool, self.reactions, self.name)
        subscription = Subscription(
            consumer,
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group=f"payesh-{self.name}",
            instance=settings.instance,
            pauses_when_idle=settings.kafka_pauses_when_idle,
        )
        self._running = OperatedService(
            pool, consumer, self.reactions, settings.kafka_bootstrap_servers, subscription.lag
        )
        relays = [
            relay.Relay(
                relay.RelaySettings(settings.worker_database_url, settings.kafka_bootstrap_servers, self.name, shard)
            )
            for shard in range(OUTBOX_SHARDS)
        ]
        worker = TimerWorker(pool, self._timers)
        context = WorkerContext(pool, settings, background.stopping)
        background.on_stop(worker.stop, *(one.stop for one in relays))
        background.start(worker.run(), worker.sweep(), *(one.run() for one in relays))
        background.start(*(_run_worker(call, context) for call in self._workers))
        if self.reactions:
            stack.push_async_callback(subscription.stop)
            background.start(_subscribe(subscription, background.stopping))
            self._readiness.register("broker", _broker_check(subscription, consumer, settings.consumer_lag_events_max))
        # Stopped by cancelling: once the broker's connection is closed, its question for the lag finds no end.
        [observer] = background.start(_observe(pool, subscription, consumer, self.name, background.stopping))
        background.on_stop(observer.cancel)


def _timers(parts: Sequence[Part]) -> dict[str, TimerRoute]:
    timers: dict[str, TimerRoute] = {}
    for part in parts:
        found = collect_timers(part.timers, part.compartment)
        if claimed := timers.keys() & found.keys():
            raise ValueError(f"two parts of the service claim the timers {sorted(claimed)}")
        timers |= found
    return timers


class Background:
    """Tasks that live as long as the process; one that fails ends it."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_stop: list[Callable[[], object]] = []

    def on_stop(self, *calls: Callable[[], object]) -> None:
        self._on_stop.extend(calls)

    def start(self, *parts: Coroutine[Any, Any, None]) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(part) for part in parts]
        self._tasks.update(tasks)
        for task in tasks:
            task.add_done_callback(self._ended)
        return tasks

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            try:
                log.critical("background_task_failed", error=repr(error), next_step="the process ends and starts clean")
            finally:
                os._exit(EXIT_STALLED)

    async def stop(self) -> None:
        """Ask every part to finish; cancel what has not after `BACKGROUND_TASKS_STOP_S`."""
        self.stopping.set()
        for call in self._on_stop:
            call()
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=BACKGROUND_TASKS_STOP_S)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)


@asynccontextmanager
async def _background() -> AsyncGenerator[Background]:
    background = Background()
    try:
        yield background
    finally:
        await background.stop()


def _password_verifier(settings: ServiceSettings, verifier: TokenVerifier) -> PasswordVerifier | None:
    if settings.token_url is None:
        return None
    exchange = exchange_over_http(settings.token_url, settings.token_client_id, settings.token_client_secret)
    return PasswordVerifier(exchange, verifier)


async def _close_pool(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), BACKGROUND_TASKS_STOP_S)
    except TimeoutError:
        pool.terminate()


async def _run_worker(worker: Worker, context: WorkerContext[Any]) -> None:
    await worker(context)


async def _subscribe(subscription: Subscription, stopping: asyncio.Event) -> None:
    """Join the group as soon as a broker answers."""
    while not stopping.is_set():
        try:
            await subscription.start()
        except (KafkaError, OSError) as error:
            log.warning("waiting_for_broker", error=repr(error), next_step=f"again in {RETRY_DELAY_S} s")
            await asyncio.sleep(RETRY_DELAY_S)
        else:
            return


def _broker_check(
    subscription: Subscription, consumer: BatchConsumer, lag_events_max: int
) -> Callable[[], Awaitable[CheckResult]]:
    async def check() -> CheckResult:
        if consumer.halted is not None:
            return CheckResult(False, f"the consumer has halted: {consumer.halted}")
        if not subscription.has_assignment:
            return CheckResult(False, "no partitions assigned yet")
        lag = sum((await subscription.lag()).values())
        return CheckResult(lag <= lag_events_max, f"{lag} events behind")

    return check


async def _observe(
    pool: Pool, subscription: Subscription, consumer: BatchConsumer, service: str, stopping: asyncio.Event
) -> None:
    """Keep the gauges, and end the process when lag stands without progress (rule 7)."""
    lag_since_s: float | None = None
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), OBSERVE_INTERVAL_S)
        with contextlib.suppress(Exception):
            async with pool.acquire() as connection:
                metrics.OUTBOX_DEPTH_EVENTS.set(await relay.depth(connection))
        lag: dict[str, int] = {}
        with contextlib.suppress(KafkaError, OSError):
            lag = await asyncio.wait_for(subscription.lag(), LAG_TIMEOUT_S)
        for topic, records in lag.items():
            metrics.CONSUMER_LAG_EVENTS.labels(service, topic).set(records)
        metrics.CONSUMER_HALTED.labels(service).set(consumer.halted is not None)
        lag_since_s = (lag_since_s or time.monotonic()) if sum(lag.values()) else None
        if is_stalled(lag_since_s, consumer, time.monotonic()):
            log.critical("consumer_stalled", lag=lag, next_step="the process ends and starts clean")
            os._exit(EXIT_STALLED)


def is_stalled(lag_since_s: float | None, consumer: BatchConsumer, now_s: float) -> bool:
    """True when there has been lag, and no batch settled, for `STALLED_AFTER_S`; a halted consumer waits for a person."""
    if lag_since_s is None or consumer.halted is not None:
        return False
    return now_s - max(lag_since_s, consumer.last_progress_s) > STALLED_AFTER_S
