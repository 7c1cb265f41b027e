"""The casework on a real database under proof: every step that anybody can take, and the rules looked at after each."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import httpx
import structlog

from services.nationals.app import service
from services.nationals.casework import timers
from services.nationals.casework.handlers import reviews
from services.nationals.casework.store import cases as case_store
from shared.contracts.counties import County
from shared.contracts.nationals import PhaseTwoReviewRequested
from shared.kit.auth import SYSTEM
from shared.kit.connections import Connection, Pool
from shared.kit.database import open_pool
from shared.kit.http import connect
from shared.kit.routing import DueTimer, Received, collect_timers
from shared.kit.timer_worker import TimerWorker
from shared.kit.timers import TimerRow
from shared.kit.transaction import Transaction, begin
from tests.safeguards.attempts import ATTEMPTS
from tests.safeguards.calls import CALLS, POINTERS, REGISTRARS, Call, Person
from tests.safeguards.situations import SITUATIONS, install, script
from tests.support.environment import ServiceDatabase
from tests.support.identity import bearer, client_of, create_test_verifier

TOKENS_FRESH_S = 300.0
PLENTY, FEW = 1_000_000, 6
WITHOUT_REVIEW = frozenset({"state awaiting_legal_review"})


class RuleBroken(AssertionError):
    """One of the 14 rules did not hold."""


@dataclass(slots=True)
class World:
    """`steps` counts every API call, SQL attempt, timer and event; `taken` and `accepted` say of which kind."""

    superuser: Connection
    raw: Mapping[str, Connection]
    api: Pool
    worker: Pool
    client: httpx.AsyncClient
    places: dict[str, UUID]
    timer_worker: TimerWorker
    steps: int = 0
    taken: Counter[str] = field(default_factory=Counter[str])
    accepted: Counter[str] = field(default_factory=Counter[str])
    kill_at: str = ""
    tokens: dict[Person, dict[str, str]] = field(default_factory=dict[Person, dict[str, str]])
    tokens_since_s: float = 0.0

    def count(self, kind: str, accepted: bool, steps: int = 1) -> None:
        self.steps += steps
        self.taken[kind] += steps
        if accepted:
            self.accepted[kind] += steps

    def headers(self, person: Person) -> dict[str, str]:
        now_s = time.monotonic()
        if now_s - self.tokens_since_s > TOKENS_FRESH_S:
            self.tokens.clear()
            self.tokens_since_s = now_s
        if person not in self.tokens:
            self.tokens[person] = bearer(*person.roles, subject=person.subject, counties=[person.county])
        return self.tokens[person]

    async def check(self) -> None:
        """Raises RuleBroken for what a commit since the last time broke."""
        rows = await self.superuser.fetch(
            "SELECT rule, case_id, said FROM proof.violation ORDER BY violation_id LIMIT 9"
        )
        if rows:
            await self.superuser.execute("DELETE FROM proof.violation")
            raise RuleBroken("; ".join(f"rule {row['rule']}: {row['said']} (case {row['case_id']})" for row in rows))

    async def open_household(self, situation: str) -> UUID:
        case_id = uuid4()
        await self.superuser.execute(script(situation, case_id, **self.places))
        self.count(f"household {situation}", accepted=True, steps=len(SITUATIONS[situation]))
        return case_id

    async def pointers(self, case_id: UUID) -> dict[str, Any]:
        row = await self.superuser.fetchrow(POINTERS, case_id)
        return {**dict(row or {}), **self.places}

    async def call(self, name: str, case_id: UUID) -> httpx.Response:
        """One request. Raises RuleBroken if its answer is not what the rules promise."""
        call = CALLS[name]
        pointers = await self.pointers(case_id)
        answer = await self._send(call, case_id, pointers)
        self.count(f"call {name}", accepted=answer.is_success)
        _check_answer(name, call, pointers, answer)
        return answer

    async def _send(self, call: Call, case_id: UUID, pointers: Mapping[str, Any]) -> httpx.Response:
        method, path, body = call.request(case_id, pointers)
        return await self.client.request(method, path, json=body, headers=self.headers(call.person))

    async def two_officers(self, names: tuple[str, str], case_id: UUID) -> None:
        """Two requests about one case at the same time, each as the case was before."""
        pointers = await self.pointers(case_id)
        answers = await asyncio.gather(*(self._send(CALLS[name], case_id, pointers) for name in names))
        for name, answer in zip(names, answers, strict=True):
            self.count(f"two officers: {name}", accepted=answer.is_success)
            _check_answer(name, CALLS[name], pointers, answer, alone=False)

    async def killed(self, name: str, case_id: UUID, at: str) -> None:
        """One request whose database session is killed between its guards and its writes, or between those and COMMIT."""
        pointers = await self.pointers(case_id)
        before = await self.changes(case_id)
        self.kill_at = at
        try:
            answer = await self._send(CALLS[name], case_id, pointers)
        finally:
            was_killed, self.kill_at = not self.kill_at, ""
        self.count(f"killed {at}", accepted=was_killed)
        if was_killed and (answer.is_success or await self.changes(case_id) != before):
            raise RuleBroken(f"rule 12: {name} was killed {at} and has an effect")

    async def changes(self, case_id: UUID) -> int:
        query = "SELECT coalesce(max(change_id), 0) FROM proof.state_change WHERE case_id = $1"
        return await self.superuser.fetchval(query, case_id)

    async def attempt(self, name: str, role: str, case_id: UUID) -> None:
        """Raw SQL as the service's own role, committed where it is not refused."""
        statements = ATTEMPTS[name].format(c=case_id, n=self.steps, **self.places)
        accepted = True
        try:
            await self.raw[role].execute(statements)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError):
            accepted = False
        self.count(f"{role} sql {name}", accepted=accepted)

    async def turn_clock(self, case_id: UUID, hours: int) -> None:
        await self.superuser.execute("SELECT proof.turn_clock($1, $2)", case_id, timedelta(hours=hours))
        self.count("clock forward" if hours > 0 else "clock back", accepted=True)

    async def fire(self, case_id: UUID, pick: int, manner: str) -> None:
        """A timer of the case: `due` fires it as the worker does, whatever its time; the others must change nothing."""
        rows = await self.superuser.fetch(
            "SELECT kind, subject_id, fence, due_at, policy, correlation_id, tries FROM timer "
            "WHERE subject_id IN (SELECT proof.timers_of($1)) ORDER BY kind, subject_id",
            case_id,
        )
        if not rows:
            self.count(f"timer {manner}: none", accepted=True)
            return
        row = TimerRow(**dict(rows[pick % len(rows)]))
        before = await self.changes(case_id)
        try:
            if manner == "due":
                await self.timer_worker._fire(row)
            elif manner == "repeated":
                with contextlib.suppress(Exception):
                    await self.timer_worker._fire(row)
                await self.timer_worker._fire(row)
            else:
                await self._fire_wrongly(row, manner)
            accepted = True
        except Exception:
            accepted = False
        self.count(f"timer {manner}: {row.kind.removeprefix('nationals.')}", accepted=accepted)
        moved = await self.changes(case_id) != before
        if moved and (manner in {"stale", "unknown"} or (row.due_at > datetime.now(UTC) and manner == "due")):
            raise RuleBroken(f"rule 12: the {manner} timer {row.kind} moved its case")

    async def _fire_wrongly(self, row: TimerRow, manner: str) -> None:
        """With the fence of an earlier arming, or for a subject that nobody knows."""
        route = collect_timers(timers, "casework")[row.kind]
        policy = route.policy.model_validate_json(row.policy) if route.policy and row.policy else None
        subject = row.subject_id if manner == "stale" else str(uuid4())
        async with begin(self.worker, SYSTEM, "proof", compartment="casework") as tx:
            await route.call(DueTimer(row.kind, subject, row.fence - 1, row.due_at, policy), tx)

    async def event(self, case_id: UUID, times: int) -> None:
        """The request for a legal review, at any time and as often as it comes."""
        received = Received(
            PhaseTwoReviewRequested(case_id=case_id, county=County.REY, voluntary_until=datetime.now(UTC)),
            uuid4(),
            datetime.now(UTC),
            1,
            "proof",
        )
        before = await self.changes(case_id)
        for _ in range(times):
            async with begin(self.worker, SYSTEM, "proof", compartment="casework") as tx:
                await reviews.open_legal_review(received, tx)
            self.count("event PhaseTwoReviewRequested", accepted=True)
        if await self.changes(case_id) != before:
            raise RuleBroken("rule 12: an event moved a case")

    async def complain(self, case_id: UUID) -> None:
        """A complaint that names the case's reference, handed in where no caseworker reads it."""
        reference = await self.superuser.fetchval(
            "SELECT reference FROM casework.return_case WHERE case_id = $1", case_id
        )
        body = {
            "county": "rey",
            "channel": "in_person",
            "category": "pressure",
            "language": "fa",
            "text": "they pressed us",
        }
        answer = await self.client.post(
            "/complaints",
            json={**body, "stated_reference": reference},
            headers=self.headers(Person("complaints.one", ("complaints_officer",))),
        )
        self.count("complaint", accepted=answer.is_success)

    async def enter_basis(self) -> UUID:
        """A legal basis, entered by one registrar and confirmed by another over HTTP: none ships."""
        body = {"title": "t", "instrument_number": "P/1", "in_force_from": "2020-01-01", "in_force_until": "2099-01-01"}
        entered = await self.client.post("/legal-bases", json=body, headers=self.headers(REGISTRARS[0]))
        path = f"/legal-bases/{entered.json()['basis_id']}/confirmation"
        own = await self.client.post(path, headers=self.headers(REGISTRARS[0]))
        if own.status_code != 409:
            raise RuleBroken("rule 6: a registrar confirmed his own legal basis")
        (await self.client.post(path, headers=self.headers(REGISTRARS[1]))).raise_for_status()
        self.count("legal basis", accepted=True, steps=3)
        return UUID(entered.json()["basis_id"])


def _check_answer(
    name: str, call: Call, pointers: Mapping[str, Any], answer: httpx.Response, alone: bool = True
) -> None:
    """What an answer must be like. `alone`: nobody else acted at the same time, so the state before is the state it met."""
    state = pointers.get("state")
    if answer.status_code >= 500:
        raise RuleBroken(f"{name} from {state} failed: {answer.text}")
    if answer.status_code == 409 and answer.json().get("code", "").startswith("nationals.safeguard."):
        problem = answer.json()
        if (
            not 1 <= problem.get("safeguard", 0) <= 14
            or not problem["details"].get("satisfied_by")
            or not problem["detail"]
        ):
            raise RuleBroken(f"the refusal of {name} does not say which safeguard, or what would satisfy it: {problem}")
    if call.person.county != "rey" and answer.status_code not in {403, 404}:
        raise RuleBroken(f"{name}: somebody of another county got {answer.status_code}")
    if alone and name in {"withdraw", "withdraw heard by another"} and answer.is_success is (state == "departed"):
        raise RuleBroken(f"rule 3: a withdrawal from {state} was answered {answer.status_code}")
    open_outcome = name in {"close not_viable", "close regularised", "close protection_referral"}
    ended = state in {"departed", "closed", "split", "referred"}
    if alone and open_outcome and answer.is_success is ended:
        raise RuleBroken(f"rule 10: {name} from {state} was answered {answer.status_code}")


def _let_sessions_be_killed(world: World) -> contextlib.ExitStack:
    """Lets `World.killed` end the session that it names, from inside the transaction that writes."""
    undo = contextlib.ExitStack()
    flush, set_state = Transaction.flush, case_store.set_state

    async def kill(connection: Connection, at: str) -> None:
        if world.kill_at == at:
            world.kill_at = ""
            process = await connection.fetchval("SELECT pg_backend_pid()")
            await world.superuser.execute("SELECT pg_terminate_backend($1, 1000)", process)

    async def killed_flush(tx: Transaction) -> None:
        await kill(tx.connection, "before commit")
        await flush(tx)

    async def killed_set_state(connection: Connection, *arguments: Any) -> None:
        await kill(connection, "after the guards")
        await cast("Any", set_state)(connection, *arguments)

    for holder, name, wrapper, original in (
        (Transaction, "flush", killed_flush, flush),
        (case_store, "set_state", killed_set_state, set_state),
    ):
        setattr(holder, name, wrapper)
        undo.callback(setattr, holder, name, original)
    return undo


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """No log lines meanwhile: there would be several for every step."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)


@asynccontextmanager
async def open_world(database: ServiceDatabase) -> AsyncGenerator[World]:
    """A fresh office on `database`, with centres, and a legal basis that two registrars entered."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_quiet())
        superuser = await asyncpg.connect(database.superuser_url)
        stack.push_async_callback(superuser.close)
        await install(superuser)
        raw: dict[str, Connection] = {}
        for role, url in (("api", database.api_url), ("worker", database.worker_url)):
            raw[role] = await asyncpg.connect(url)
            stack.push_async_callback(raw[role].close)
            await raw[role].execute(f"SET ROLE casework_{role}; SET payesh.counties = 'rey'")
        api = await open_pool(database.api_url, size=4, name="proof-api")
        stack.callback(api.terminate)
        worker = await open_pool(database.worker_url, size=2, name="proof-worker")
        stack.callback(worker.terminate)
        connect(service.api, pool=api, verifier=create_test_verifier())
        client = await stack.enter_async_context(client_of(service.api))
        places = {name: uuid4() for name in ("centre", "full", "listed", "small")}
        for name, centre_id in places.items():
            size = PLENTY if name in {"centre", "listed"} else FEW
            await superuser.execute(f"SELECT proof.centre('{centre_id}', {size})")
        world = World(
            superuser, raw, api, worker, client, places, TimerWorker(worker, collect_timers(timers, "casework"))
        )
        if await superuser.fetchval("SELECT count(*) FROM casework.legal_basis"):
            raise RuleBroken("rule 10: a legal basis ships with the software")
        for name in ("basis", "ended_basis"):
            places[name] = await world.enter_basis()
        places["draft"] = uuid4()
        await superuser.execute(f"SELECT proof.basis('{places['draft']}', false)")
        stack.enter_context(_let_sessions_be_killed(world))
        yield world
