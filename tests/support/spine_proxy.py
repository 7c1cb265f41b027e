"""A TCP proxy before PostgreSQL that breaks the connection exactly at COMMIT."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536
COMMIT = b"COMMIT;"

Fault = Literal["request_lost", "answer_lost"]


class CommitProxy:
    """`fault`, when set, breaks the next COMMIT and is then unset: it never reaches the server, or its answer is lost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._parts = parts
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.fault: Fault | None = None
        self.faults_done = 0

    @property
    def url(self) -> str:
        """The database's address by way of this proxy."""
        account = self._parts.netloc.rpartition("@")[0]
        return self._parts._replace(netloc=f"{account}@127.0.0.1:{self._port}").geturl()

    @asynccontextmanager
    async def run(self) -> AsyncGenerator["CommitProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        answers = asyncio.create_task(_copy(up_reader, writer))
        try:
            while data := await reader.read(CHUNK_BYTES):
                if self.fault is None or COMMIT not in data:
                    up_writer.write(data)
                    continue
                fault, self.fault = self.fault, None
                self.faults_done += 1
                answers.cancel()
                await asyncio.wait([answers])  # else it still reads what only the server's answer may end
                if fault == "answer_lost":
                    up_writer.write(data)
                    await up_reader.read(CHUNK_BYTES)
                return
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            for end in (writer, up_writer):
                end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
    writer.close()
