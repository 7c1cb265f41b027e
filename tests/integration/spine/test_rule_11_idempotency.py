"""Rule 11: a timeout means "unknown", and asking again with the same Idempotency-Key settles it."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from shared.contracts.base import Event
from shared.kit.database import open_pool
from shared.kit.health import Readiness
from shared.kit.http import Commands, allow, connect, create_api
from shared.kit.transaction import Transaction
from tests.support.identity import bearer, client_of, create_test_verifier
from tests.support.spine import Spine
from tests.support.spine_proxy import CommitProxy, Fault


class Recording(BaseModel):
    thing_id: UUID


class Recorded(BaseModel):
    thing_id: UUID
    transaction: str


def router_for(event_type: type[Event]) -> APIRouter:
    async def record(command: Recording, tx: Transaction) -> Recorded:
        await tx.connection.execute("INSERT INTO thing (thing_id) VALUES ($1)", command.thing_id)
        await tx.publish(event_type.model_validate({"thing_id": command.thing_id}))
        transaction: str = await tx.connection.fetchval("SELECT pg_current_xact_id()::text")
        return Recorded(thing_id=command.thing_id, transaction=transaction)

    router = APIRouter()

    @router.post("/things", status_code=201)
    async def post_thing(body: Recording, commands: Annotated[Commands, Depends(allow("reviewer"))]) -> Recorded:
        return await commands.execute(record, body)

    return router


@pytest.fixture
async def proxy(quiet_spine: Spine) -> AsyncIterator[CommitProxy]:
    async with CommitProxy(quiet_spine.database.api_url).run() as running:
        yield running


@pytest.fixture
async def client(quiet_spine: Spine, proxy: CommitProxy) -> AsyncIterator[httpx.AsyncClient]:
    """A service's API whose database connections can be broken at COMMIT."""
    app = create_api(
        service="test",
        routers=[router_for(quiet_spine.event_type)],
        readiness=Readiness(),
        asyncapi=dict,
    )
    pool = await open_pool(proxy.url, size=2, name="api-behind-proxy")
    connect(app, pool=pool, verifier=create_test_verifier())
    async with client_of(app, bearer("reviewer")) as one:
        yield one
    pool.terminate()


async def ask(client: httpx.AsyncClient, thing_id: UUID, key: str) -> httpx.Response:
    return await client.post("/things", json={"thing_id": str(thing_id)}, headers={"Idempotency-Key": key})


async def effects(spine: Spine) -> tuple[int, int]:
    """Rows and events."""
    row = await spine.pool.fetchrow("SELECT (SELECT count(*) FROM thing), (SELECT count(*) FROM outbox)")
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize(("fault", "done"), [("request_lost", 0), ("answer_lost", 1)])
async def test_a_broken_commit_is_unknown_and_the_same_key_settles_it(
    quiet_spine: Spine, proxy: CommitProxy, client: httpx.AsyncClient, fault: Fault, done: int
) -> None:
    thing_id = UUID(int=1)
    proxy.fault = fault
    unknown = await ask(client, thing_id, "one")
    assert unknown.status_code >= 500
    assert unknown.json()["code"] == "kit.outcome_unknown"
    assert proxy.faults_done == 1
    assert await effects(quiet_spine) == (done, done)
    settled = [await ask(client, thing_id, "one") for _ in range(2)]
    assert [answer.status_code for answer in settled] == [201, 201]
    assert settled[0].json() == settled[1].json()
    assert settled[0].headers.get("Idempotency-Replayed") == ("true" if done else None)
    assert await effects(quiet_spine) == (1, 1)


async def test_another_key_is_another_command(quiet_spine: Spine, client: httpx.AsyncClient) -> None:
    for number in (1, 2):
        assert (await ask(client, UUID(int=number), f"key-{number}")).status_code == 201
    reused = await ask(client, UUID(int=3), "key-1")
    assert reused.status_code == 422
    assert reused.json()["code"] == "kit.idempotency_key_reused"
    assert await effects(quiet_spine) == (2, 2)


async def test_a_connection_killed_before_its_commit_leaves_nothing(
    quiet_spine: Spine, client: httpx.AsyncClient
) -> None:
    """The server itself ends the session in the middle: the trigger runs inside COMMIT."""
    superuser = await asyncpg.connect(quiet_spine.database.superuser_url)
    await superuser.execute(
        """
        CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION end_session();
        """
    )
    unknown = await ask(client, UUID(int=1), "one")
    assert unknown.json()["code"] == "kit.outcome_unknown"
    assert await effects(quiet_spine) == (0, 0)
    await superuser.execute("DROP TRIGGER at_commit ON thing")
    await superuser.close()
    assert (await ask(client, UUID(int=1), "one")).status_code == 201
    assert await effects(quiet_spine) == (1, 1)
