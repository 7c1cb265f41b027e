"""A service's verifier fetches the keys of a running issuer over HTTP, and stands what a broken one answers."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from deploy.issuer import AUDIENCE, PASSWORD, create_issuer
from shared.contracts.refusals import Refusal
from shared.kit import auth
from shared.kit.auth import create_verifier
from shared.kit.basic_auth import exchange_over_http


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncGenerator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_token_from_the_issuer_is_good_at_a_service(listener: socket.socket, tmp_path: Path) -> None:
    url = address(listener)
    async with serving(create_issuer(url, tmp_path / "key.pem"), listener), httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/token", data={"username": "reviewer.rey", "password": PASSWORD})
        verifier = create_verifier(jwks_url=f"{url}/jwks", issuer=url, audience=AUDIENCE)
        assert (await verifier.verify(answer.json()["access_token"])).subject == "reviewer.rey"


async def test_a_password_is_exchanged_at_the_issuer(listener: socket.socket, tmp_path: Path) -> None:
    url = address(listener)
    exchange = exchange_over_http(f"{url}/token", "payesh", "secret")
    async with serving(create_issuer(url, tmp_path / "key.pem"), listener):
        grant = await exchange("inspector.rey", PASSWORD)
        assert grant is not None
        assert grant.expires_in_s > 0
        verifier = create_verifier(jwks_url=f"{url}/jwks", issuer=url, audience=AUDIENCE)
        assert (await verifier.verify(grant.access_token)).subject == "inspector.rey"
        assert await exchange("inspector.rey", "wrong") is None
        for path in ("/jwks", "/nothing"):
            with pytest.raises((OSError, ValueError)):
                await exchange_over_http(f"{url}{path}")("inspector.rey", PASSWORD)


async def _redirect(_: Request) -> Response:
    return RedirectResponse("/jwks")


async def _huge(_: Request) -> Response:
    return Response(b" " * (auth.KEYS_BYTES_MAX + 10))


async def _page(_: Request) -> Response:
    return Response("<html>", status_code=200)


async def _failing(_: Request) -> Response:
    return Response("down", status_code=500)


async def _slow(_: Request) -> Response:
    await asyncio.sleep(1)
    return Response("{}")


BROKEN = Starlette(
    routes=[Route(f"/{name.__name__.strip('_')}", name) for name in (_redirect, _huge, _page, _failing, _slow)]
)


@pytest.mark.parametrize("path", ["redirect", "huge", "page", "failing", "slow", "missing"])
async def test_a_broken_issuer_means_not_now_and_never_yes(
    listener: socket.socket, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "KEYS_FETCH_TIMEOUT_S", 0.3)
    keys = auth.KeySource(auth.keys_over_http(f"{address(listener)}/{path}"))
    async with serving(BROKEN, listener):
        started_s = time.monotonic()
        with pytest.raises(Refusal) as refused:
            await keys.find("any")
    assert refused.value.reason.code == "kit.identity_unavailable"
    assert time.monotonic() - started_s < 5


async def test_an_issuer_that_is_down_means_not_now(listener: socket.socket) -> None:
    url = address(listener)
    listener.close()
    with pytest.raises(Refusal) as refused:
        await auth.KeySource(auth.keys_over_http(f"{url}/jwks")).find("any")
    assert refused.value.reason.status == 503
