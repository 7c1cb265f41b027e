"""A TCP proxy before any server, whose line can be cut, hang or go away, and come back."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

CHUNK_BYTES = 65_536

Line = Literal["open", "hangs", "away"]


class TcpProxy:
    """Listens on 127.0.0.1:`port` and passes on to `host`:`upstream_port` while `line` is open.

    `hangs`: connections are taken and nothing is ever answered. `away`: they are closed at once.
    """

    def __init__(self, host: str, upstream_port: int) -> None:
        self.line: Line = "open"
        self.port = 0
        self.taken = 0
        self._upstream = (host, upstream_port)
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def run(self) -> AsyncGenerator["TcpProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self.cut()

    async def cut(self) -> None:
        """Break every connection there is now."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def turn(self, line: Line) -> None:
        """From now on the line is so; what is connected is cut."""
        self.line = line
        await self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.taken += 1
        try:
            if self.line == "hangs":
                await asyncio.Event().wait()
            elif self.line == "open":
                await pass_on(reader, writer, *self._upstream)
        finally:
            writer.transport.abort()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Copy both ways between a connection that was taken and a new one to `host`, until both are closed."""
    with contextlib.suppress(OSError):
        up_reader, up_writer = await asyncio.open_connection(host, port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, up_writer))
                group.create_task(_copy(up_reader, writer))
        finally:
            up_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()
