"""Commands over HTTP on real PostgreSQL: once is once, a refusal leaves nothing, and a county sees only itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from shared.contracts.counties import County
from shared.contracts.refusals import Refusal, RefusalType
from shared.kit import http
from shared.kit.connections import Pool
from shared.kit.database import open_pool
from shared.kit.health import Readiness, database_check
from shared.kit.http import Commands, Queries, allow, allow_read, connect, create_api
from shared.kit.paging import Page
from shared.kit.transaction import Transaction
from tests.support.environment import ServiceDatabase
from tests.support.identity import bearer, client_of, create_test_verifier

SCHEMA = """
CREATE TABLE note (note_id bigint GENERATED ALWAYS AS IDENTITY, county text NOT NULL, text text NOT NULL UNIQUE);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
CREATE POLICY note_api ON note TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO payesh_api;
"""
NOT_FUNNY = RefusalType("notes.not_funny", 409, "Not funny.", "بامزه نیست.")


class Note(BaseModel):
    county: County
    text: str


class Kept(BaseModel):
    note_id: int
    text: str


class Changed(BaseModel):
    rows: int


class Pause:
    """Lets a test hold a handler in the middle of its transaction."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()


pauses: dict[str, Pause] = {}
failures: dict[str, list[Exception]] = {}


async def keep_note(note: Note, tx: Transaction) -> Kept:
    note_id: int = await tx.connection.fetchval(
        "INSERT INTO note (county, text) VALUES ($1, $2) RETURNING note_id", note.county, note.text
    )
    if note.text in pauses:
        pauses[note.text].reached.set()
        await pauses[note.text].released.wait()
    if failures.get(note.text):
        raise failures[note.text].pop()
    return Kept(note_id=note_id, text=note.text)


async def overwrite_notes(note: Note, tx: Transaction) -> Changed:
    tag = await tx.connection.execute("UPDATE note SET text = $2 || note_id WHERE county = $1", note.county, note.text)
    return Changed(rows=int(tag.split()[1]))


router = APIRouter()


@router.post("/notes", status_code=201)
async def post_note(body: Note, commands: Annotated[Commands, Depends(allow("reviewer"))]) -> Kept:
    return await commands.execute(keep_note, body)


@router.put("/notes")
async def put_notes(body: Note, commands: Annotated[Commands, Depends(allow("reviewer"))]) -> Changed:
    return await commands.execute(overwrite_notes, body)


@router.put("/counties/{county}/notes")
async def put_county(county: County, body: Note, commands: Annotated[Commands, Depends(allow("reviewer"))]) -> Changed:
    commands.require_county(county)
    return await commands.execute(overwrite_notes, body)


@router.get("/notes")
async def get_notes(queries: Annotated[Queries, Depends(allow_read("reviewer", "inspector"))]) -> Page[str]:
    async with queries.read() as connection:
        rows = await connection.fetch("SELECT text FROM note ORDER BY note_id")
    return Page[str](items=[row["text"] for row in rows])


@router.get("/breaks")
async def get_broken(queries: Annotated[Queries, Depends(allow_read("reviewer"))]) -> Page[str]:
    async with queries.read() as connection:
        await connection.execute("INSERT INTO note (county, text) VALUES ('rey', 'by a reader')")
    return Page[str](items=[])


@pytest.fixture
async def warehouse(database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    one = database("warehouse")
    connection = await asyncpg.connect(one.owner_url)
    await connection.execute(SCHEMA)
    await connection.close()
    return one


def application(pool: Pool) -> FastAPI:
    readiness = Readiness()
    readiness.register("database", database_check(pool))
    app = create_api(service="notes", routers=[router], readiness=readiness, asyncapi=dict)
    connect(app, pool=pool, verifier=create_test_verifier())
    return app


async def client_on(warehouse: ServiceDatabase, size: int) -> AsyncIterator[httpx.AsyncClient]:
    pool = await open_pool(warehouse.api_url, size=size, name="test", acquire_timeout_s=5)
    async with client_of(application(pool)) as client:
        yield client
    pool.terminate()


@pytest.fixture
async def client(warehouse: ServiceDatabase) -> AsyncIterator[httpx.AsyncClient]:
    async for client in client_on(warehouse, 8):
        yield client


@pytest.fixture
async def single(warehouse: ServiceDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has one database connection for everybody."""
    async for client in client_on(warehouse, 1):
        yield client


async def as_superuser(warehouse: ServiceDatabase, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(warehouse.superuser_url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


REY = bearer("reviewer", subject="reviewer.rey", counties=["rey"])
QODS = bearer("reviewer", subject="reviewer.qods", counties=["qods"])


def note(text: str, county: str = "rey") -> dict[str, str]:
    return {"county": county, "text": text}


async def texts(client: httpx.AsyncClient, who: dict[str, str]) -> list[str]:
    answer = await client.get("/notes", headers=who)
    items: list[str] = answer.json()["items"]
    return items


async def test_twenty_concurrent_identical_posts_have_one_effect(
    client: httpx.AsyncClient, warehouse: ServiceDatabase
) -> None:
    headers = {**REY, "Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(*(client.post("/notes", json=note("once"), headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == [""] + ["true"] * 19
    assert await as_superuser(warehouse, "SELECT text FROM note") == [("once",)]


async def test_the_same_request_may_be_spelled_differently(client: httpx.AsyncClient) -> None:
    headers = {**REY, "Idempotency-Key": "k-1", "content-type": "application/json"}
    first = await client.post("/notes", content=b'{"county":"rey","text":"a"}', headers=headers)
    again = await client.post("/notes", content=b'{ "text": "\\u0061", "county": "rey" }', headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_belongs_to_one_request_of_one_subject(client: httpx.AsyncClient) -> None:
    headers = {**REY, "Idempotency-Key": "k-2"}
    assert (await client.post("/notes", json=note("first"), headers=headers)).status_code == 201
    for method, body in (("POST", note("second")), ("PUT", note("first"))):
        reused = await client.request(method, "/notes", json=body, headers=headers)
        assert (reused.status_code, reused.json()["code"]) == (422, "kit.idempotency_key_reused")
    query = await client.post("/notes?mode=apply", json=note("first"), headers=headers)
    assert query.json()["code"] == "kit.idempotency_key_reused"
    other = {**QODS, "Idempotency-Key": "k-2"}
    assert (await client.post("/notes", json=note("theirs", "qods"), headers=other)).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
async def test_a_malformed_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    headers = {**REY, "Idempotency-Key": key.encode("latin-1")}
    answer = await client.post("/notes", json=note("x"), headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (422, "kit.request_invalid")


async def test_a_refusal_leaves_nothing_and_the_key_free(client: httpx.AsyncClient, warehouse: ServiceDatabase) -> None:
    failures["pun"] = [Refusal(NOT_FUNNY)]
    headers = {**REY, "Idempotency-Key": "k-3"}
    refused = await client.post("/notes", json=note("pun"), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "notes.not_funny")
    assert await as_superuser(warehouse, "SELECT (SELECT count(*) FROM note), count(*) FROM idempotency") == [(0, 0)]
    accepted = await client.post("/notes", json=note("pun"), headers=headers)
    assert accepted.status_code == 201
    assert "idempotency-replayed" not in accepted.headers


async def test_who_waits_for_a_request_that_is_then_refused_does_the_work(client: httpx.AsyncClient) -> None:
    pause = pauses["slow"] = Pause()
    failures["slow"] = [Refusal(NOT_FUNNY)]
    headers = {**REY, "Idempotency-Key": "k-4"}
    first = asyncio.create_task(client.post("/notes", json=note("slow"), headers=headers))
    await asyncio.wait_for(pause.reached.wait(), 5)
    second = asyncio.create_task(client.post("/notes", json=note("slow"), headers=headers))
    await asyncio.sleep(0.1)
    assert not second.done()
    pause.released.set()
    assert ((await first).status_code, (await second).status_code) == (409, 201)
    assert await texts(client, REY) == ["slow"]
    del pauses["slow"]


async def test_deadlocks_are_tried_again_and_not_for_ever(client: httpx.AsyncClient) -> None:
    failures["twice"] = [asyncpg.SerializationError("x"), asyncpg.DeadlockDetectedError("x")]
    headers = {**REY, "Idempotency-Key": "k-5"}
    assert (await client.post("/notes", json=note("twice"), headers=headers)).status_code == 201
    failures["always"] = [asyncpg.DeadlockDetectedError("x") for _ in range(http.TRANSACTION_TRIES_MAX)]
    answer = await client.post("/notes", json=note("always"), headers=REY)
    assert (answer.status_code, answer.json()["code"]) == (503, "kit.contention")
    assert await texts(client, REY) == ["twice"]


async def test_a_lost_connection_means_unknown_and_asking_again_settles_it(client: httpx.AsyncClient) -> None:
    failures["lost"] = [asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")]
    headers = {**REY, "Idempotency-Key": "k-6"}
    unknown = await client.post("/notes", json=note("lost"), headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (503, "kit.outcome_unknown")
    assert "retry-after" in unknown.headers
    assert (await client.post("/notes", json=note("lost"), headers=headers)).status_code == 201
    assert await texts(client, REY) == ["lost"]


async def test_a_server_that_takes_no_more_writes_is_no_bug_of_the_command(client: httpx.AsyncClient) -> None:
    """It was the primary a moment ago."""
    failures["demoted"] = [asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction")]
    headers = {**REY, "Idempotency-Key": "k-7"}
    answer = await client.post("/notes", json=note("demoted"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "kit.outcome_unknown")
    assert (await client.post("/notes", json=note("demoted"), headers=headers)).status_code == 201


async def test_a_bug_rolls_back_and_tells_nothing(client: httpx.AsyncClient) -> None:
    failures["bug"] = [ZeroDivisionError("secret-detail")]
    answer = await client.post("/notes", json=note("bug"), headers=REY)
    assert (answer.status_code, answer.json()["code"]) == (500, "kit.internal_error")
    assert "secret-detail" not in answer.text
    assert await texts(client, REY) == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "kit.token_missing"),
        ({"Authorization": "Basic cmV2aWV3ZXI6eA=="}, 401, "kit.token_missing"),
        ({"Authorization": "Bearer x.y.z"}, 401, "kit.token_invalid"),
        (bearer("inspector"), 403, "kit.role_not_allowed"),
        (bearer("reviewer", counties=[]), 403, "kit.county_not_granted"),
    ],
)
async def test_who_may_not_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.post("/notes", json=note("x"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_one_county_cannot_read_or_write_anothers_rows_through_the_same_connection(
    single: httpx.AsyncClient, warehouse: ServiceDatabase
) -> None:
    for turn in range(3):
        assert (await single.post("/notes", json=note(f"rey {turn}", "rey"), headers=REY)).status_code == 201
        assert (await single.post("/notes", json=note(f"qods {turn}", "qods"), headers=QODS)).status_code == 201
        foreign = await single.post("/notes", json=note("planted", "qods"), headers=REY)
        assert (foreign.status_code, foreign.json()["code"]) == (403, "kit.county_not_granted")
        assert (await single.put("/notes", json=note("x", "qods"), headers=REY)).json() == {"rows": 0}
        assert (await single.put("/counties/qods/notes", json=note("x"), headers=REY)).status_code == 403
        assert await texts(single, REY) == [f"rey {number}" for number in range(turn + 1)]
        assert await texts(single, QODS) == [f"qods {number}" for number in range(turn + 1)]
    assert len(await texts(single, bearer("reviewer"))) == 6
    assert await texts(single, bearer("inspector", counties=[])) == []
    assert await as_superuser(warehouse, "SELECT count(*) FROM note WHERE text = 'planted'") == [(0,)]


async def test_an_exception_in_the_middle_leaves_no_county_on_the_connection(single: httpx.AsyncClient) -> None:
    await single.post("/notes", json=note("of rey"), headers=REY)
    failures["oops"] = [ZeroDivisionError()]
    assert (await single.post("/notes", json=note("oops"), headers=REY)).status_code == 500
    assert await texts(single, QODS) == []
    assert (await single.put("/notes", json=note("x", "rey"), headers=QODS)).json() == {"rows": 0}
    assert await texts(single, REY) == ["of rey"]


async def test_a_cancelled_request_leaves_no_county_and_no_rows_on_the_connection(single: httpx.AsyncClient) -> None:
    await single.post("/notes", json=note("of rey"), headers=REY)
    pause = pauses["cancelled"] = Pause()
    request = asyncio.create_task(single.post("/notes", json=note("cancelled"), headers=REY))
    await asyncio.wait_for(pause.reached.wait(), 5)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    del pauses["cancelled"]
    assert await texts(single, QODS) == []
    assert await texts(single, REY) == ["of rey"]


async def test_a_reader_cannot_write(client: httpx.AsyncClient) -> None:
    answer = await client.get("/breaks", headers=REY)
    assert (answer.status_code, answer.json()["code"]) == (500, "kit.internal_error")
    assert await texts(client, REY) == []


async def test_ready_follows_the_database(single: httpx.AsyncClient, warehouse: ServiceDatabase) -> None:
    assert (await single.get("/ready")).status_code == 200
    await as_superuser(
        warehouse,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test' AND datname = current_database()",
    )
    assert (await single.get("/notes", headers=REY)).status_code in (200, 503)
    assert (await single.get("/ready")).status_code == 200, "the pool connects anew"
