"""Servers of the bench: PostgreSQL that does fsync, a broker, one database for each contender."""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import asyncpg

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.directories import free_port
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.kafka.cluster import BROKER_IDS, MIN_INSYNC_REPLICAS, REPLICATION, KafkaCluster
from deploy.topics import Topic, apply_topics
from tests.bench.workload import Counters
from tests.support.environment import DatabaseFactory, ServiceDatabase

BrokerKind = Literal["apache", "embedded"]

PARTITIONS = 6
SERVICE = "warehouse"


def default_broker() -> BrokerKind:
    """Apache Kafka where Java is installed."""
    return "apache" if shutil.which("java") else "embedded"


@dataclass(frozen=True, slots=True)
class Environment:
    """Running servers; `factory` makes databases of the warehouse service."""

    broker: BrokerKind
    bootstrap_servers: str
    factory: DatabaseFactory

    def database(self) -> ServiceDatabase:
        return self.factory.create(SERVICE)

    async def create_topics(self, *names: str) -> None:
        """Create topics of `PARTITIONS` partitions, replicated where there is more than one broker."""
        topics = [Topic(name, PARTITIONS) for name in names]
        if self.broker == "apache":
            await apply_topics(self.bootstrap_servers, REPLICATION, MIN_INSYNC_REPLICAS, topics)
        else:
            await apply_topics(self.bootstrap_servers, 1, topics=topics)


@asynccontextmanager
async def open_environment(broker: BrokerKind) -> AsyncGenerator[Environment]:
    """Start both servers in a directory of their own; stop them and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="payesh-bench-", ignore_cleanup_errors=True) as name:
        state = Path(name)
        state.chmod(0o755)
        server = EmbeddedPostgreSQL(state / "postgresql", free_port())
        started: EmbeddedBroker | KafkaCluster
        if broker == "apache":
            started = KafkaCluster(state / "kafka", ports=[free_port() for _ in range(2 * len(BROKER_IDS))])
        else:
            started = EmbeddedBroker(state / "broker", free_port())
        try:
            server.start()
            started.start()
            yield Environment(broker, started.bootstrap_servers, DatabaseFactory(server))
        finally:
            started.stop()
            server.stop()


async def empty_tables(database: ServiceDatabase, tables: str) -> None:
    """TRUNCATE `tables` and CHECKPOINT, so that no contender pays for another's pages."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute(f"TRUNCATE {tables}")
    finally:
        await owner.close()
    superuser = await asyncpg.connect(database.superuser_url)
    try:
        await superuser.execute("CHECKPOINT")
    finally:
        await superuser.close()


async def read_counters(database: ServiceDatabase) -> Counters:
    """County counters as committed."""
    connection = await asyncpg.connect(database.superuser_url)
    try:
        rows = await connection.fetch("SELECT county, counter, value FROM county_counter")
    finally:
        await connection.close()
    return {(row["county"], row["counter"]): row["value"] for row in rows}


def difference(expected: Mapping[tuple[str, str], Decimal], actual: Mapping[tuple[str, str], Decimal]) -> str | None:
    """What is wrong with `actual`, or None. A counter that is missing counts as zero."""
    wrong = [key for key in {*expected, *actual} if expected.get(key, 0) != actual.get(key, 0)]
    if not wrong:
        return None
    county, counter = min(wrong)
    found, wanted = actual.get((county, counter)), expected.get((county, counter))
    return f"{len(wrong)} counters differ, first {county}.{counter}: {found} instead of {wanted}"
