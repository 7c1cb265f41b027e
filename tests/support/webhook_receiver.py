"""A receiver of webhooks that keeps what came, and answers as a test says."""

from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class WebhookReceiver:
    """`status` answers all; with `location` it answers as a redirect."""

    received: list[Received] = field(default_factory=list[Received])
    elsewhere: int = 0
    status: int = 204
    location: str | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/hook", self._take, methods=["POST"]),
                Route("/elsewhere", self._take_elsewhere, methods=["GET", "POST"]),
            ]
        )

    async def _take(self, request: Request) -> Response:
        self.received.append(Received(dict(request.headers), await request.body()))
        headers = {} if self.location is None else {"location": self.location}
        return Response(status_code=self.status, headers=headers)

    async def _take_elsewhere(self, _request: Request) -> Response:
        self.elsewhere += 1
        return Response(status_code=204)
