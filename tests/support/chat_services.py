"""Telegram's Bot API and a Matrix home server as their documentation describes them, as far as a message is sent.

(core.telegram.org/bots/api, spec.matrix.org/v1.11/client-server-api.) Both are reached at their own names through an HTTP
proxy, as a client behind one is.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.tcp_proxy import pass_on

TELEGRAM_HOST: Final = "api.telegram.org"
MATRIX_HOST: Final = "matrix.example"
BOT_TOKEN: Final = "123456789:AAF-test_token"
IDENTITY: Final[Mapping[str, str]] = {"user_id": "@payesh:matrix.example", "device_id": "DEVICE"}
MATRIX_USER, MATRIX_PASSWORD, ACCESS_TOKEN = "payesh", "a-password", "syt_test"


@dataclass(slots=True)
class ChatServices:
    """`telegram`: what ``sendMessage`` was called with. `matrix`: (room, transaction, event) that was sent. `joined`: rooms
    in the order in which they were first joined. `logins`: by Matrix password. `hosts`: which the proxy was asked for."""

    telegram: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    matrix: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list[tuple[str, str, dict[str, Any]]])
    joined: list[str] = field(default_factory=list[str])
    logins: int = 0
    hosts: list[str] = field(default_factory=list[str])

    def app(self) -> Starlette:
        client = "/_matrix/client/v3"
        return Starlette(
            routes=[
                Route("/bot{token}/sendMessage", self._send_message, methods=["POST"]),
                Route(f"{client}/login", self._log_in, methods=["POST"]),
                Route(f"{client}/account/whoami", _who, methods=["GET"]),
                Route(f"{client}/keys/upload", _take_keys, methods=["POST"]),
                Route(f"{client}/join/{{room}}", self._join, methods=["POST"]),
                Route(
                    f"{client}/rooms/{{room}}/send/m.room.message/{{transaction}}", self._send_event, methods=["PUT"]
                ),
                Route("/{path:path}", _not_found, methods=["GET", "POST", "PUT"]),
            ]
        )

    @asynccontextmanager
    async def proxy(self, port: int) -> AsyncGenerator[str]:
        """An HTTP proxy whose tunnels all end at 127.0.0.1:`port`; gives its address."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.hosts.append(head.split()[1])
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await pass_on(reader, writer, "127.0.0.1", port)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _send_message(self, request: Request) -> Response:
        if request.path_params["token"] != BOT_TOKEN:
            return JSONResponse({"ok": False, "error_code": 401, "description": "Unauthorized"}, status_code=401)
        message = await request.json()
        if not message.get("chat_id") or not message.get("text"):
            return JSONResponse({"ok": False, "error_code": 400, "description": "Bad Request"}, status_code=400)
        self.telegram.append(message)
        return JSONResponse({"ok": True, "result": {"message_id": len(self.telegram)}})

    async def _log_in(self, request: Request) -> Response:
        said = await request.json()
        if (said["identifier"]["user"], said["password"]) != (MATRIX_USER, MATRIX_PASSWORD):
            return JSONResponse({"errcode": "M_FORBIDDEN", "error": "Invalid password"}, status_code=403)
        self.logins += 1
        return JSONResponse({**IDENTITY, "access_token": ACCESS_TOKEN})

    async def _join(self, request: Request) -> Response:
        if not _is_known(request):
            return _unknown_token()
        room = request.path_params["room"]
        if room not in self.joined:
            self.joined.append(room)
        return JSONResponse({"room_id": f"!{room[1:]}"})

    async def _send_event(self, request: Request) -> Response:
        if not _is_known(request):
            return _unknown_token()
        room, transaction = request.path_params["room"], request.path_params["transaction"]
        self.matrix.append((room, transaction, await request.json()))
        return JSONResponse({"event_id": f"$event{len(self.matrix)}"})


async def _who(request: Request) -> Response:
    return JSONResponse(IDENTITY) if _is_known(request) else _unknown_token()


async def _take_keys(request: Request) -> Response:
    return JSONResponse({"one_time_key_counts": {}}) if _is_known(request) else _unknown_token()


async def _not_found(_request: Request) -> Response:
    return JSONResponse({"errcode": "M_NOT_FOUND", "error": "Not found"}, status_code=404)


def _is_known(request: Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {ACCESS_TOKEN}"


def _unknown_token() -> Response:
    return JSONResponse({"errcode": "M_UNKNOWN_TOKEN", "error": "Unknown token"}, status_code=401)
