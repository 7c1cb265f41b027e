"""The real platform with a trace collector beside it, and people of every role who speak to it."""

import asyncio
import gzip
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.embedded.directories import Ports
from deploy.issuer import ROLES, load_or_create_key, mint_token
from deploy.launch import Options, Platform
from shared.contracts.counties import County
from tests.safeguards.canary_requests import Probe
from tests.support.environment import on_apache
from tests.support.platform_process import free_port_base, remove_installation

REQUESTS_SIDE_BY_SIDE = 8
REQUEST_TIMEOUT_S = 60.0
SETTLED_WITHIN_S = 60.0
POLL_INTERVAL_S = 0.1
FORBIDDEN = 403
SPANS_SENT_EVERY_MS = 300


@contextmanager
def collector() -> Generator[tuple[str, list[bytes]]]:
    """An OpenTelemetry collector that keeps what it is sent: its base address and the bodies."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class Answers:
    """How requests were answered."""

    accepted: dict[str, int] = field(default_factory=dict[str, int])
    refused: dict[str, int] = field(default_factory=dict[str, int])
    unforeseen: list[str] = field(default_factory=list[str])

    def count(self, probe: Probe, status: int) -> None:
        counted = self.accepted if status < 300 else self.refused
        route = f"{probe.method} {probe.route}"
        counted[route] = counted.get(route, 0) + 1
        if status >= 500:
            self.unforeseen.append(f"{status} {route} {probe.place}")


@dataclass(slots=True)
class Town:
    """A running platform. `superuser` is the test's eye and hand in the nationals service's database."""

    platform: Platform
    client: httpx.AsyncClient
    superuser: asyncpg.Connection
    traces: list[bytes]
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])

    @property
    def state(self) -> Path:
        return self.platform.options.state

    def authorization(self, subject: str, *roles: str) -> dict[str, str]:
        """A signed token of somebody with these roles in every county."""
        if (subject, *roles) not in self.tokens:
            key = load_or_create_key(self.state / "issuer" / "key.pem")
            issuer = self.platform.addresses.issuer
            token = mint_token(key, issuer=issuer, subject=subject, roles=roles, counties=tuple(County))
            self.tokens[subject, *roles] = token
        return {"Authorization": f"Bearer {self.tokens[subject, *roles]}"}

    async def ask(self, subject: str, role: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """A command or question that must succeed."""
        address = more.pop("address", self.platform.addresses.nationals)
        headers = self.authorization(subject, role) | fresh_key(method)
        answer = await self.client.request(method, address + path, json=body, headers=headers, **more)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content

    async def send(self, probes: list[Probe]) -> Answers:
        """Send every probe as somebody who may do everything."""
        answers, waiting = Answers(), iter(probes)

        async def send_some() -> None:
            for probe in waiting:
                answers.count(probe, await self._send(probe))

        await asyncio.gather(*(send_some() for _ in range(REQUESTS_SIDE_BY_SIDE)))
        return answers

    async def _send(self, probe: Probe) -> int:
        """The status; who holds every role is refused by the complaints office, so its officer asks again."""
        status = await self._send_as(probe, *ROLES)
        return await self._send_as(probe, "complaints_officer") if status == FORBIDDEN else status

    async def _send_as(self, probe: Probe, *roles: str) -> int:
        key = {} if "idempotency-key" in probe.headers else fresh_key(probe.method)
        headers = {**self.authorization(f"canary.{len(roles)}", *roles), **key, **probe.headers}
        files = None
        if probe.upload is not None:
            files = {"file": (probe.upload.file_name, probe.upload.content, "application/octet-stream")}
        elif probe.content is not None:
            headers["Content-Type"] = "application/json"
        answer = await self.client.request(
            probe.method,
            self.platform.addresses.nationals + probe.path,
            params=probe.query,
            headers=headers,
            content=probe.content,
            files=files,
        )
        return answer.status_code

    async def make_due(self, kind: str, subject_id: str) -> None:
        """Turn the database's clock for one timer, as tests/integration/nationals/office.py does."""
        async with self.superuser.transaction():
            await self.superuser.execute("SET LOCAL session_replication_role = replica")
            await self.superuser.execute(
                "UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1 AND subject_id = $2",
                kind,
                subject_id,
            )
            for statement in (
                "UPDATE casework.return_case SET voluntary_due_at = now() WHERE case_id = $1::uuid",
                "UPDATE casework.legal_decision SET window_due_at = now() WHERE decision_id = $1::uuid",
            ):
                await self.superuser.execute(statement, subject_id)

    async def until(self, condition: Callable[[], Awaitable[object]], what: str) -> None:
        try:
            async with asyncio.timeout(SETTLED_WITHIN_S):
                while not await condition():
                    await asyncio.sleep(POLL_INTERVAL_S)
        except TimeoutError:
            raise AssertionError(f"did not happen: {what}") from None

    async def settle(self) -> None:
        """Wait until every service has published and applied what there is."""

        async def is_settled() -> bool:
            for address in self.platform.addresses.services().values():
                status = await self.ask("operator.one", "operator", "GET", "/operations/status", address=address)
                if status["outbox_depth"] or sum(status["lag"].values()):
                    return False
            return True

        await self.until(is_settled, "everything is published and applied")


def fresh_key(method: str) -> dict[str, str]:
    """Commands carry a key, so that their answers are kept."""
    return {} if method == "GET" else {"Idempotency-Key": str(uuid4())}


@asynccontextmanager
async def running_town(directory: Path) -> AsyncGenerator[Town]:
    """Start everything under `directory` and stop it again."""
    with collector() as (endpoint, traces):
        options = Options(
            directory / "state" / ("main-apache" if on_apache() else "main-embedded"),
            Ports(free_port_base()),
            broker="apache" if on_apache() else "embedded",
            service_environment={
                "PAYESH_OTLP_ENDPOINT": endpoint,
                "PAYESH_LOG_LEVEL": "debug",
                "OTEL_BSP_SCHEDULE_DELAY": str(SPANS_SENT_EVERY_MS),
            },
        )
        try:
            async with (
                Platform(options) as platform,
                httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, trust_env=False) as client,
            ):
                superuser = await asyncpg.connect(platform.server.superuser_url("nationals"))
                try:
                    yield Town(platform, client, superuser, traces)
                finally:
                    await superuser.close()
        finally:
            remove_installation(options.state.parent)
