"""An incoming webhook of Mattermost: takes JSON, answers "ok"."""

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

TOKEN = "3ccdd113474722377935511fc85d3dd4"


class Mattermost:
    """`posts`: what came, whatever `status` was answered."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.status = 200
        self.answer_after_s = 0.0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hooks/{token}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.posts.append(await request.json())
        await asyncio.sleep(self.answer_after_s)
        return PlainTextResponse("ok", status_code=self.status)


def apprise_address(host: str, port: int) -> str:
    """The address of such a server as the service's settings take it."""
    return f"mmosts://{host}:{port}/{TOKEN}?channel={{target}}"
