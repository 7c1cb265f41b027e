"""What operators do with a running service: see its state, settle parked events, check and rebuild its projections.

Behind HTTP with the role `operator`, so that the command line needs neither the tables nor the service's code.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, JsonValue

from shared.contracts.refusals import Refusal
from shared.kit import parking, projections, replay, timers
from shared.kit.connections import Pool
from shared.kit.consumer import BatchConsumer
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.idempotency import RequestKey
from shared.kit.routing import Reaction
from shared.kit.timer_worker import LATE_AFTER, LATE_TIMERS_LISTED_MAX

PAGE_ROWS_MAX = 500
BODY_SHOWN_CHARACTERS_MAX = 20_000
OPERATOR = "operator"

Operator = Annotated[Queries, Depends(allow_read(OPERATOR))]
OperatorCommand = Annotated[Commands, Depends(allow(OPERATOR))]


@dataclass(frozen=True, slots=True)
class OperatedService:
    """What the operations need of a running service. `lag` answers records behind, per topic."""

    pool: Pool
    consumer: BatchConsumer
    reactions: list[Reaction]
    bootstrap_servers: str
    lag: Callable[[], Awaitable[dict[str, int]]]


class Status(BaseModel):
    """State of one service. `applied_events`: inbox rows, so it survives restarts."""

    outbox_depth: int
    published_events: int
    applied_events: int
    parked: int
    timers_armed: int
    timers_late: int
    next_timer_in_s: float | None
    lag: dict[str, int]
    consumer_halted: str | None


class LateTimer(BaseModel):
    kind: str
    subject_id: str
    due_at: datetime
    tries: int
    last_error: str | None


class ParkedSummary(BaseModel):
    parked_id: int
    topic: str
    partition: int
    record_offset: int
    aggregate_id: str
    sequence: int | None
    event_id: UUID | None
    type: str | None
    reason: str
    error: str
    parked_at: datetime


class ParkedDetail(ParkedSummary):
    state: str
    headers: dict[str, str]
    body: str


class RetryRequest(BaseModel):
    """`body`, if given, is applied in place of the parked one."""

    body: JsonValue = None


class DiscardRequest(BaseModel):
    reason: str = Field(min_length=3, max_length=500)


class ProjectionRequest(BaseModel):
    """Nothing but the path says what to do."""


def operations_router(service: Callable[[], OperatedService]) -> APIRouter:
    """Routes under /operations; `service` is asked at each request, because pools open after routes are made."""
    router = APIRouter(prefix="/operations", tags=["operations"])
    _add_status_routes(router, service)
    _add_parked_routes(router, service)

    @router.post("/projections/{action}")
    async def check_or_rebuild(action: str, commands: OperatorCommand) -> list[projections.ProjectionReport]:
        """`check` compares the projections with the topics; `rebuild` also keeps what the topics say.

        A check changes nothing, so one that is asked again, also with the same Idempotency-Key, looks again.
        """
        if action not in {"check", "rebuild"}:
            raise Refusal(replay.UNKNOWN_ACTION, action=action)
        running = service()

        async def refold(key: RequestKey | None) -> list[projections.ProjectionReport]:
            return await projections.refold(
                running.pool,
                running.bootstrap_servers,
                running.consumer.consumer_id,
                running.reactions,
                keep=action == "rebuild",
                progress=running.consumer.note_progress,
                key=key,
            )

        return await commands.execute_elsewhere(refold, ProjectionRequest(), list[projections.ProjectionReport])

    return router


def _add_status_routes(router: APIRouter, service: Callable[[], OperatedService]) -> None:
    @router.get("/status")
    async def status(queries: Operator) -> Status:
        """Outbox, lag, parked, timers."""
        del queries
        running = service()
        async with running.pool.acquire() as connection:
            counts = await connection.fetchrow(
                """
                SELECT (SELECT count(*) FROM outbox) AS outbox_depth,
                       (SELECT count(*) FROM inbox WHERE consumer = $1) AS applied,
                       (SELECT coalesce(sum(sequence), 0)::bigint FROM stream_head) AS recorded,
                       (SELECT count(*) FROM timer) AS timers_armed,
                       (SELECT count(*) FROM timer WHERE due_at < clock_timestamp() - $2::interval) AS timers_late
                """,
                running.consumer.consumer_id,
                LATE_AFTER,
            )
            parked = await parking.count_parked(connection, running.consumer.consumer_id)
            next_timer_in_s = await timers.seconds_until_next(connection)
        assert counts is not None  # noqa: S101 - a SELECT without FROM has one row
        return Status(
            outbox_depth=counts["outbox_depth"],
            published_events=counts["recorded"] - counts["outbox_depth"],
            applied_events=counts["applied"],
            parked=parked,
            timers_armed=counts["timers_armed"],
            timers_late=counts["timers_late"],
            next_timer_in_s=next_timer_in_s,
            lag=await running.lag(),
            consumer_halted=running.consumer.halted,
        )

    @router.get("/late-timers")
    async def late_timers(queries: Operator, late_after_s: Annotated[float, Query(ge=0)] = 10.0) -> list[LateTimer]:
        """Timers that should have fired, the latest first."""
        del queries
        async with service().pool.acquire() as connection:
            rows = await timers.late(connection, timedelta(seconds=late_after_s), LATE_TIMERS_LISTED_MAX)
        return [
            LateTimer(kind=row.kind, subject_id=row.subject_id, due_at=row.due_at, tries=row.tries, last_error=error)
            for row, error in rows
        ]


def _add_parked_routes(router: APIRouter, service: Callable[[], OperatedService]) -> None:
    @router.get("/parked")
    async def list_parked(
        queries: Operator, after: int = 0, limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 100
    ) -> list[ParkedSummary]:
        """Open parked events, oldest first."""
        del queries
        running = service()
        async with running.pool.acquire() as connection:
            rows = await parking.list_parked(connection, running.consumer.consumer_id, after, limit)
        return [ParkedSummary.model_validate(row) for row in rows]

    @router.get("/parked/{parked_id}")
    async def show_parked(parked_id: int, queries: Operator) -> ParkedDetail:
        """One parked event with its headers and body."""
        del queries
        running = service()
        async with running.pool.acquire() as connection:
            found = await parking.find_parked(connection, running.consumer.consumer_id, parked_id)
        if found is None:
            raise Refusal(replay.PARKED_NOT_FOUND, parked_id=parked_id)
        headers = parking.headers_from_json(found.headers)
        return ParkedDetail.model_validate(
            {
                **asdict(found),
                "headers": {name: value.decode(errors="replace") for name, value in headers.items()},
                "body": found.body.decode(errors="replace")[:BODY_SHOWN_CHARACTERS_MAX],
            }
        )

    @router.post("/parked/{parked_id}/retry")
    async def retry_parked(parked_id: int, request: RetryRequest, commands: OperatorCommand) -> replay.Settled:
        """Apply it again, and then what waits behind it."""
        running, by = service(), commands.principal.subject

        async def retry(key: RequestKey | None) -> replay.Settled:
            return await replay.replay(running.pool, running.consumer, parked_id, by, request.body, key)

        return await commands.execute_elsewhere(retry, request, replay.Settled)

    @router.post("/parked/{parked_id}/discard")
    async def discard_parked(parked_id: int, request: DiscardRequest, commands: OperatorCommand) -> replay.Settled:
        """Give it up, with a reason that is kept with the name."""
        running, by = service(), commands.principal.subject

        async def discard(key: RequestKey | None) -> replay.Settled:
            return await replay.discard(running.pool, running.consumer, parked_id, by, request.reason, key)

        return await commands.execute_elsewhere(discard, request, replay.Settled)
