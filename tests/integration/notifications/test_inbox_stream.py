"""The live inbox over a real HTTP server: what arrives, where it goes on, and when it ends."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from deploy.issuer import mint_token
from services.notifications.api import inbox_stream, routers
from services.notifications.inbox_bell import ring_inbox_bell
from shared.contracts.counties import County
from shared.kit.health import Readiness
from shared.kit.http import connect, create_api
from tests.support.http_server import address_of, serve
from tests.support.identity import ISSUER, SIGNING_KEY, bearer, create_test_verifier
from tests.support.notifications import Desk, overdue

ME = "m0.rey"
WAIT_S = 15.0


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[uvicorn.Server]:
    """The service's HTTP by itself, with the worker that rings the bell."""
    app = create_api(service="notifications", routers=routers, readiness=Readiness(), asyncapi=dict)
    connect(app, pool=desk.api_pool, verifier=create_test_verifier())
    async with serve(app) as started:
        desk.tasks.append(asyncio.create_task(ring_inbox_bell(desk.context())))
        yield started


@pytest.fixture
def address(server: uvicorn.Server) -> str:
    return address_of(server)


@contextlib.asynccontextmanager
async def stream(address: str, **headers: str) -> AsyncGenerator[AsyncIterator[dict[str, Any]]]:
    """The events of the caller's inbox."""
    sent = bearer("member", subject=ME, counties=["rey"]) | headers
    async with (
        httpx.AsyncClient(timeout=WAIT_S) as client,
        client.stream("GET", f"{address}/inbox/stream", headers=sent) as answer,
    ):
        answer.raise_for_status()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.aiter_lines())


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    async for line in lines:
        if not line:
            if event:
                yield event
            event = {}
        else:
            name, _, value = line.partition(": ")
            event[name] = value


async def next_alert(events: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        while True:
            event = await anext(events)
            if event.get("event") == "alert":
                return event


async def test_an_alert_reaches_the_open_inbox_of_its_recipient_and_no_other(desk: Desk, address: str) -> None:
    await desk.set_group("qods")
    async with stream(address) as events:
        assert await anext(events) == {"retry": str(inbox_stream.RECONNECT_DELAY_MS)}
        await desk.take(overdue(county=County.QODS))
        mine = overdue()
        await desk.take(mine)
        event = await next_alert(events)
    body = json.loads(event["data"])
    assert body["subject_id"] == str(mine.action_id)
    assert body["county"] == "rey"


async def test_a_client_that_comes_back_goes_on_after_the_last_event_it_saw(desk: Desk, address: str) -> None:
    async with stream(address) as events:
        await anext(events)
        await desk.take(overdue())
        seen = await next_alert(events)
    missed = overdue()
    await desk.take(missed)
    async with stream(address, **{"Last-Event-ID": seen["id"]}) as events:
        event = await next_alert(events)
    assert json.loads(event["data"])["subject_id"] == str(missed.action_id)


async def test_what_was_there_before_is_for_the_list_and_not_for_the_stream(desk: Desk, address: str) -> None:
    await desk.take(overdue())
    async with stream(address) as events:
        await anext(events)
        new = overdue()
        await desk.take(new)
        assert json.loads((await next_alert(events))["data"])["subject_id"] == str(new.action_id)


async def test_it_says_that_it_is_still_there(desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_stream, "HEARTBEAT_INTERVAL_S", 0.1)
    async with stream(address) as events, asyncio.timeout(WAIT_S):
        await anext(events)
        assert await anext(events) == {"": "still here"}
    del desk


async def test_it_ends_when_the_token_expires(desk: Desk, address: str) -> None:
    token = mint_token(SIGNING_KEY, issuer=ISSUER, subject=ME, roles=["member"], counties=["rey"], lifetime_s=5)
    begun_s = time.monotonic()
    async with stream(address, Authorization=f"Bearer {token}") as events, asyncio.timeout(WAIT_S):
        assert [event async for event in events] == [{"retry": str(inbox_stream.RECONNECT_DELAY_MS)}]
    assert time.monotonic() - begun_s >= 1
    del desk


async def test_a_person_has_a_bounded_number_of_streams_and_a_closed_one_makes_room(
    desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_stream, "STREAMS_MAX_PER_PERSON", 1)
    async with stream(address) as events:
        await anext(events)
        async with httpx.AsyncClient() as client:
            refused = await client.get(
                f"{address}/inbox/stream", headers=bearer("member", subject=ME, counties=["rey"])
            )
        assert refused.status_code == 503
        assert refused.json()["code"] == "notifications.inbox.streams_busy"
    async with asyncio.timeout(WAIT_S):
        while inbox_stream._open:  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0.05)
    async with stream(address) as events:
        await anext(events)
    del desk


async def test_it_ends_when_the_service_is_asked_to_stop(server: uvicorn.Server, address: str) -> None:
    async with stream(address) as events:
        await anext(events)
        server.should_exit = True
        async with asyncio.timeout(WAIT_S):
            assert [event async for event in events] == []


async def test_other_roles_have_no_inbox(desk: Desk, address: str) -> None:
    async with httpx.AsyncClient() as client:
        refused = await client.get(f"{address}/inbox/stream", headers=bearer("operator"))
    assert refused.status_code == 403
    del desk
