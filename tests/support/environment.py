"""Types behind the fixtures `postgresql`, `database` and `kafka` of tests/conftest.py."""

import asyncio
import itertools
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import asyncpg

from deploy.embedded.migrations import create_database, migrate
from deploy.embedded.postgresql import EmbeddedPostgreSQL

Result = TypeVar("Result")


def run_aside(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in a loop and thread of its own: works in a plain test and inside an async one."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """A freshly migrated, empty database of one service, with the addresses of its roles."""

    service: str
    name: str
    owner_url: str
    api_url: str
    worker_url: str
    superuser_url: str


class Broker(Protocol):
    """What the embedded broker and the Apache cluster have in common."""

    @property
    def bootstrap_servers(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class DatabaseFactory:
    """Clones template databases: each service is migrated once a session, each call costs one CREATE DATABASE."""

    def __init__(self, server: EmbeddedPostgreSQL) -> None:
        self.server = server
        self._templates: set[str] = set()
        self._names = itertools.count(1)

    def create(self, service: str) -> ServiceDatabase:
        """A new database for `service`, cloned from its template."""
        return run_aside(self._create(service))

    async def _create(self, service: str) -> ServiceDatabase:
        template = f"{service}_template"
        if service not in self._templates:
            await create_database(self.server, service, template)
            await migrate(self.server, service, template)
            self._templates.add(service)
        name = f"{service}_test_{next(self._names)}"
        await create_database(self.server, service, name, template)
        return ServiceDatabase(
            service=service,
            name=name,
            owner_url=self.server.url(f"{service}_owner", name),
            api_url=self.server.url(f"{service}_api", name),
            worker_url=self.server.url(f"{service}_worker", name),
            superuser_url=self.server.superuser_url(name),
        )

    def drop(self, database: ServiceDatabase) -> None:
        """Remove a cloned database, ending whoever is still connected."""
        run_aside(self._drop(database.name))

    async def _drop(self, name: str) -> None:
        connection = await asyncpg.connect(self.server.superuser_url())
        try:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        finally:
            await connection.close()


def on_apache() -> bool:
    """Whether this run is on Apache Kafka (BROKER=apache)."""
    return os.environ.get("BROKER", "embedded") == "apache"
