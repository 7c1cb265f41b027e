"""The notifications service in parts: events in, timers, delivery workers and HTTP, each real, driven by the test."""

import asyncio
import functools
import time
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications import timers
from services.notifications.api import routers
from services.notifications.handlers import apply_rules
from services.notifications.settings import Settings
from services.notifications.workers.delivery import DeliveryWorker
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import CorrectiveActionOverdue, CorrectiveActionResolved, Severity
from shared.kit.auth import SYSTEM
from shared.kit.connections import Pool
from shared.kit.health import Readiness
from shared.kit.http import connect, create_api
from shared.kit.routing import Received, collect_timers
from shared.kit.service import WorkerContext
from shared.kit.timer_worker import TimerWorker
from shared.kit.transaction import Transaction, begin
from tests.support.environment import ServiceDatabase
from tests.support.identity import bearer, client_of, create_test_verifier

WAIT_S = 15.0
POLL_S = 0.02
T = TypeVar("T")


@functools.cache
def _routes() -> FastAPI:
    """The routes, built once for all desks, of which one at a time is asked."""
    return create_api(service="notifications", routers=routers, readiness=Readiness(), asyncapi=dict)


def overdue(
    action_id: UUID | None = None, county: County = County.REY, severity: Severity = Severity.CRITICAL
) -> CorrectiveActionOverdue:
    """By default critical, so that its alert is told at once and alone; a lesser one waits for others."""
    return CorrectiveActionOverdue(
        action_id=action_id or uuid4(),
        warehouse_id=uuid4(),
        county=county,
        severity=severity,
        due_at=datetime(2026, 11, 21, 20, 30, tzinfo=UTC),
    )


def resolved(action_id: UUID, county: County = County.REY) -> CorrectiveActionResolved:
    return CorrectiveActionResolved(action_id=action_id, warehouse_id=uuid4(), county=county, was_overdue=True)


def received(event: Event, sequence: int = 1, time: datetime | None = None) -> Received[Event]:
    """`event` as the consumer hands it over; every call is another event."""
    return Received(event, uuid4(), time or datetime.now(UTC), sequence, f"correlation-{uuid4().hex[:8]}")


def members(group: str, count: int = 3, language: str = "fa") -> list[dict[str, Any]]:
    """`count` members, the last of them the chair; sign-in names like ``m0.rey``."""
    return [
        {
            "name": f"عضو {position}",
            "role": "chair" if position == count - 1 else "expert",
            "language": language,
            "email": f"m{position}.{group.replace('_', '-')}@payesh.example",
            "position": position,
            "subject": f"m{position}.{group}",
        }
        for position in range(count)
    ]


@dataclass(slots=True)
class Desk:
    """One service's parts on one database."""

    database: ServiceDatabase
    api_pool: Pool
    pool: Pool
    sink: SmtpSink
    stopping: asyncio.Event
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    timer_workers: list[TimerWorker] = field(default_factory=list[TimerWorker])

    def settings(self, **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "api_database_url": self.database.api_url,
            "worker_database_url": self.database.worker_url,
            "jwks_url": "http://issuer.test/keys",
            "jwt_issuer": "http://issuer.test",
            "smtp_host": self.sink.host,
            "smtp_port": self.sink.port,
            "smtp_from": "payesh@payesh.example",
            "public_url": "http://service.test",
            "delivery_retry_first_s": 0.05,
        }
        return Settings(**(values | changes))

    def context(self, **settings: Any) -> WorkerContext[Settings]:
        return WorkerContext(self.pool, self.settings(**settings), self.stopping)

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        return begin(self.pool, SYSTEM, f"test-{uuid4().hex[:8]}")

    async def take(self, event: Event | Received[Event], sequence: int = 1) -> Received[Event]:
        """Apply one event as the consumer does."""
        one = event if isinstance(event, Received) else received(event, sequence)
        async with begin(self.pool, SYSTEM, one.correlation_id, str(one.id)) as tx:
            await apply_rules([one], tx)
        return one

    def start_timers(self) -> None:
        worker = TimerWorker(self.pool, collect_timers(timers))
        self.timer_workers.append(worker)
        self.tasks.append(asyncio.create_task(worker.run()))

    def start_delivery(self, **settings: Any) -> DeliveryWorker:
        worker = DeliveryWorker(self.context(**settings))
        self.tasks.append(asyncio.create_task(worker.run()))
        return worker

    async def stop(self) -> None:
        """Stop what was started; a part that failed fails the test."""
        self.stopping.set()
        for worker in self.timer_workers:
            worker.stop()
        await asyncio.wait_for(asyncio.gather(*self.tasks), WAIT_S)
        self.tasks.clear()
        self.timer_workers.clear()
        self.stopping.clear()

    def api(self) -> FastAPI:
        """The HTTP interface on this desk's database."""
        api = _routes()
        connect(api, pool=self.api_pool, verifier=create_test_verifier())
        return api

    def client(
        self, *roles: str, subject: str = "somebody", counties: Collection[str] = tuple(County)
    ) -> httpx.AsyncClient:
        """The HTTP interface for a caller with `roles`; without roles, without a token."""
        return client_of(self.api(), bearer(*roles, subject=subject, counties=counties) if roles else None)

    async def set_group(self, group: str, count: int = 3, language: str = "fa") -> None:
        async with self.client("notifications_admin") as client:
            body = {"members": members(group, count, language)}
            (await client.put(f"/working-groups/{group}", json=body)).raise_for_status()

    async def set_policy(self, wait_s: int, repeats: int = 0, name: str = "urgent") -> None:
        """Three steps, the last of them the chair, with one wait for all."""
        steps = [{"position": position, "wait_s": wait_s} for position in (0, 1, "chair")]
        async with self.client("notifications_admin") as client:
            body = {"steps": steps, "repeats": repeats}
            (await client.put(f"/escalation-policies/{name}", json=body)).raise_for_status()

    async def alerts(self, **query: Any) -> list[dict[str, Any]]:
        async with self.client("operator") as client:
            answer = await client.get("/alerts", params=query)
        return answer.raise_for_status().json()["items"]

    async def history(self, alert_id: str) -> list[dict[str, Any]]:
        async with self.client("operator") as client:
            answer = await client.get(f"/alerts/{alert_id}")
        return answer.raise_for_status().json()["history"]

    async def published(self) -> list[str]:
        """Types of the events in the outbox, in order, without service and version."""
        rows = await self.pool.fetch("SELECT type FROM outbox ORDER BY shard, position")
        return [row["type"].split(".")[1] for row in rows]

    async def until(self, holds: Callable[[list[dict[str, Any]]], T]) -> T:
        """Wait until `holds(alerts)` is truthy; returns it."""
        ends_s = time.monotonic() + WAIT_S
        while True:
            alerts = await self.alerts()
            if found := holds(alerts):
                return found
            if time.monotonic() > ends_s:
                raise AssertionError(f"not within {WAIT_S} s: {alerts}")
            await asyncio.sleep(POLL_S)
