"""Every guard of the domain's tables of transitions, each with a mutant of the table without it, tried over HTTP.

Nothing is committed: one database session keeps a transaction open around every request.
"""

import contextlib
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI
from pydantic import JsonValue

from services.nationals.app import service
from services.nationals.casework.domain import case_machine
from services.nationals.casework.domain.case_facts import Attempt, CaseFacts
from services.nationals.casework.domain.steps import Guard, Transition
from services.nationals.casework.handlers.reviews import lapse_voluntary_period
from shared.contracts.counties import County
from shared.kit.auth import SYSTEM, Principal, TokenVerifier
from shared.kit.connections import Connection, Pool
from shared.kit.http import connect
from shared.kit.transaction import begin
from tests.safeguards.calls import CALLS, POINTERS, Person
from tests.support.environment import ServiceDatabase
from tests.support.identity import client_of

Place = tuple[int, int]
"""Which line of the table, and which of its guards."""


@dataclass(slots=True)
class Tables:
    """The table of transitions as the service now uses it, with a note of the guard that refused last."""

    original: Sequence[Transition]
    refused: Place | None = None

    def noting(self, without: Place | None = None) -> tuple[Transition, ...]:
        """The table whose guards note that they refused; `without` this guard, which then never refuses."""
        return tuple(
            replace(
                line,
                guards=tuple(self._note(guard, (number, place), without) for place, guard in enumerate(line.guards)),
            )
            for number, line in enumerate(self.original)
        )

    def _note(self, guard: Guard, place: Place, without: Place | None) -> Guard:
        def fails(facts: CaseFacts, attempt: Attempt) -> dict[str, JsonValue] | None:
            details = None if place == without else guard.fails(facts, attempt)
            if details is not None:
                self.refused = place
            return details

        return replace(guard, fails=fails)

    def guard(self, place: Place) -> Guard:
        return self.original[place[0]].guards[place[1]]

    def name(self, place: Place) -> str:
        line = self.original[place[0]]
        return f"{line.step.value} from {'/'.join(sorted(line.sources))}: {self.guard(place).name}"

    def places(self) -> Iterator[Place]:
        for number, line in enumerate(self.original):
            for place in range(len(line.guards)):
                yield number, place


class _OneSession:
    """A pool of one session whose outer transaction the test holds."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @asynccontextmanager
    async def acquire(self, **_: Any) -> AsyncGenerator[Connection]:
        yield self.connection


class _PlainTokens:
    """A token is the caller's name and roles: also the service account's, which no real token can name."""

    async def verify(self, token: str) -> Principal:
        subject, roles = token.split("|")
        return Principal(subject, frozenset(roles.split(",")), frozenset({County.REY}))


@dataclass(slots=True)
class Bench:
    """Asks the service in transactions that are always rolled back."""

    tables: Tables
    client: httpx.AsyncClient
    api: Connection
    worker: Connection
    places: Mapping[str, UUID]

    async def ask(self, name: str, case_id: UUID, person: Person | None = None) -> tuple[str, int | None]:
        """(code of the answer, or what PostgreSQL said; safeguard), as `person` instead of who usually asks."""
        call = CALLS[name]
        person = person or call.person
        async with _undone(self.api):
            await self.api.execute(
                "SELECT set_config('role', 'casework_api', true), set_config('payesh.counties', 'rey', true)"
            )
            row = await self.api.fetchrow(POINTERS, case_id)
            method, path, body = call.request(case_id, {**dict(row or {}), **self.places})
            token = {"Authorization": f"Bearer {person.subject}|{','.join(person.roles)}"}
            self.tables.refused = None
            try:
                answer = await self.client.request(method, path, json=body, headers=token)
            except (asyncpg.PostgresError, LookupError, KeyError, ValueError) as error:
                return f"{type(error).__name__}: {error}", None
            problem = answer.json()
            return problem.get("code", "accepted") if not answer.is_success else "accepted", problem.get("safeguard")

    async def lapse(self, case_id: UUID, stale: bool) -> tuple[str, int | None]:
        """The voluntary period's timer fires: (state afterwards, or what PostgreSQL said; None)."""
        fence = "SELECT voluntary_fence FROM casework.return_case WHERE case_id = $1"
        async with _undone(self.worker):
            self.tables.refused = None
            try:
                async with begin(cast("Pool", _OneSession(self.worker)), SYSTEM, "proof", compartment="casework") as tx:
                    current: int = await tx.connection.fetchval(fence, case_id)
                    await lapse_voluntary_period(case_id, current - stale, tx)
                    query = "SELECT state FROM casework.return_case WHERE case_id = $1"
                    return await tx.connection.fetchval(query, case_id), None
            except asyncpg.PostgresError as error:
                return f"{type(error).__name__}: {error}", None

    @contextlib.contextmanager
    def without(self, place: Place | None) -> Generator[None]:
        """The service works with the table without this guard."""
        case_machine.TRANSITIONS = self.tables.noting(place)
        try:
            yield
        finally:
            case_machine.TRANSITIONS = tuple(self.tables.original)


@asynccontextmanager
async def _undone(connection: Connection) -> AsyncGenerator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        with contextlib.suppress(asyncpg.PostgresError):
            await transaction.rollback()


@asynccontextmanager
async def open_bench(database: ServiceDatabase, places: Mapping[str, UUID]) -> AsyncGenerator[Bench]:
    async with contextlib.AsyncExitStack() as stack:
        sessions: list[Connection] = []
        for url in (database.api_url, database.worker_url):
            sessions.append(await asyncpg.connect(url))
            stack.push_async_callback(sessions[-1].close)
        app: FastAPI = service.api
        connect(app, pool=cast("Pool", _OneSession(sessions[0])), verifier=cast("TokenVerifier", _PlainTokens()))
        client = await stack.enter_async_context(client_of(app))
        yield Bench(Tables(case_machine.TRANSITIONS), client, sessions[0], sessions[1], places)
