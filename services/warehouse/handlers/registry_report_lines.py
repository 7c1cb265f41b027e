"""What became of a registry file's rows, written down line by line while the file is taken up."""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.warehouse.store import registry_imports as store
from services.warehouse.store.registry_imports import Section
from shared.kit.transaction import Connection

PART_LINES = 5_000


class ReportLines:
    """Collects lines and stores them in compressed parts; `finish` stores what is left."""

    def __init__(self, connection: Connection, import_id: UUID) -> None:
        self._connection = connection
        self._import_id = import_id
        self._waiting: defaultdict[Section, list[bytes]] = defaultdict(list)
        self._parts: defaultdict[Section, int] = defaultdict(int)

    async def add(self, section: Section, lines: Sequence[Sequence[object]]) -> None:
        """Write lines of one section, in order."""
        waiting = self._waiting[section]
        waiting.extend(orjson.dumps(line, default=str) for line in lines)
        if len(waiting) >= PART_LINES:
            await self._store(section)

    async def finish(self) -> None:
        """Store what is not stored yet."""
        for section, waiting in self._waiting.items():
            if waiting:
                await self._store(section)

    async def _store(self, section: Section) -> None:
        waiting = self._waiting[section]
        compressed = await asyncio.to_thread(zlib.compress, b"\n".join(waiting), 1)
        part = (section, self._parts[section], len(waiting), compressed)
        await store.insert_lines(self._connection, self._import_id, [part])
        self._parts[section] += 1
        waiting.clear()


def read_part(compressed: bytes) -> Iterator[list[Any]]:
    """The lines of one stored part."""
    for line in zlib.decompress(compressed).split(b"\n"):
        yield orjson.loads(line)
