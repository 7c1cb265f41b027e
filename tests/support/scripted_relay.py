"""A mail relay that answers in bytes of the test's choice, or cuts the line: what no SMTP library would do by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[str, str], bytes | None]
"""(command, recipient) -> the line to answer with; None cuts the line instead. The command of a letter's end is ``.``."""

_USUAL = {"DATA": b"354 go on"}


def as_usual(command: str, _recipient: str) -> bytes | None:
    """What a relay says that takes everything."""
    return _USUAL.get(command, b"250 OK")


@dataclass(slots=True)
class ScriptedRelay:
    """`taken`: how many letters to whom came to their end, whatever was answered."""

    answer: Answer = as_usual
    port: int = 0
    taken: Counter[str] = field(default_factory=Counter[str])

    @asynccontextmanager
    async def run(self) -> AsyncGenerator["ScriptedRelay"]:
        """Serve on 127.0.0.1, at `port`."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient, line = "", b"220 relay"
        try:
            while line is not None:
                writer.write(line + b"\r\n")
                await writer.drain()
                said = (await reader.readline()).decode().strip()
                if not said:
                    break
                command, _, rest = said.partition(" ")
                recipient = rest.partition("<")[2].partition(">")[0] if command.upper() == "RCPT" else recipient
                line = self.answer(command.upper(), recipient)
                if command.upper() == "DATA" and line is not None and line.startswith(b"354"):
                    writer.write(line + b"\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.taken[recipient] += 1
                    line = self.answer(".", recipient)
        finally:
            writer.close()
