"""The heartbeat over real HTTP: what an outside service hears, and when it hears nothing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from services.notifications.workers.heartbeat import Heartbeat
from shared.kit import metrics

HANGS = 0


class Outside:
    """An outside service that notes each ping; `status` is what it answers, HANGS: nothing."""

    def __init__(self) -> None:
        self.pings: list[tuple[str, str]] = []
        self.status = 200
        self.url = ""
        self._held: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def run(self) -> AsyncGenerator["Outside"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping/6f0c"
        try:
            yield self
        finally:
            server.close()
            for writer in self._held:
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held.append(writer)
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().split("\r\n")
            [length] = [int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")]
            body = (await reader.readexactly(length)).decode()
            method, path, _ = lines[0].split()
            self.pings.append((f"{method} {path}", body))
            if self.status != HANGS:
                writer.write(
                    f"HTTP/1.1 {self.status} x\r\nLocation: /ping/elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
                )


@pytest.fixture
async def outside() -> AsyncGenerator[Outside]:
    async with Outside().run() as one:
        yield one


def failed() -> float:
    return metrics.REGISTRY.get_sample_value("payesh_heartbeats_failed_total") or 0.0


async def test_sound_rounds_ping_and_late_chains_ping_fail(outside: Outside) -> None:
    heartbeat = Heartbeat(f"{outside.url}/", interval_s=0)
    await heartbeat.tell(is_sound=True, late_chains=0)
    await heartbeat.tell(is_sound=False, late_chains=3)
    await heartbeat.close()
    assert outside.pings == [
        ("POST /ping/6f0c", "late chains: 0"),
        ("POST /ping/6f0c/fail", "late chains: 3"),
    ]


async def test_the_same_is_said_once_in_an_interval_and_a_change_at_once(outside: Outside) -> None:
    heartbeat = Heartbeat(outside.url, interval_s=60)
    for is_sound in (True, True, False, False, True):
        await heartbeat.tell(is_sound=is_sound, late_chains=0)
    await heartbeat.close()
    assert [ping.rpartition("/")[2] for ping, _ in outside.pings] == ["6f0c", "fail", "6f0c"]


@pytest.mark.parametrize("status", [500, 302, HANGS])
async def test_what_does_not_arrive_is_counted_and_said_again(outside: Outside, status: int) -> None:
    heartbeat = Heartbeat(outside.url, interval_s=60, timeout_s=0.2)
    outside.status, before = status, failed()
    await heartbeat.tell(is_sound=True, late_chains=0)
    outside.status = 200
    await heartbeat.tell(is_sound=True, late_chains=0)
    await heartbeat.close()
    assert [ping for ping, _ in outside.pings] == ["POST /ping/6f0c"] * 2, "a redirect is not followed"
    assert failed() == before + 1


async def test_nobody_there_ends_nothing_and_without_an_address_nothing_is_sent(outside: Outside) -> None:
    await Heartbeat("http://127.0.0.1:9/x").tell(is_sound=True, late_chains=0)
    await Heartbeat(None).tell(is_sound=False, late_chains=1)
    assert outside.pings == []
