"""Fixtures that give every test real components of its own, cheaply.

    async def test_x(database: Callable[[str], ServiceDatabase]):
        warehouse = database("warehouse")            # not awaited; a fresh, migrated, empty clone of the template
        connection = await asyncpg.connect(warehouse.api_url)       # also .owner_url .worker_url .superuser_url .name

    async def test_y(kafka: str, make_topic: Callable[..., str]):
        topic = make_topic(partitions=3)             # not awaited; a new topic with a unique name; default 6 partitions
        producer = AIOKafkaProducer(bootstrap_servers=kafka)

    async def test_z(kafka_with_topics: str): ...    # bootstrap servers; all declared topics exist and are empty

    def test_w(postgresql: EmbeddedPostgreSQL): ...  # the session's server: .url(role, database), .superuser_url(...)

`kafka` is one embedded broker per pytest process, or, with BROKER=apache, a three-broker Apache Kafka cluster
(`apache_cluster` gives the object that kills and restarts brokers). Tests marked `apache_only` are skipped on the
embedded broker; integration tests that use no broker are left to it, unless they are marked `fault`. The clusters of
parallel pytest workers are separate. Types: tests/support/environment.py.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.directories import free_port
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.kafka.cluster import KafkaCluster
from deploy.topics import Topic, apply_topics, declared_topics
from tests.support.environment import Broker, DatabaseFactory, ServiceDatabase, on_apache, run_aside
from tests.support.kafka import delete_topics

APACHE_REPLICATION = 3
MEMORY_DIRECTORY = Path("/dev/shm")  # noqa: S108 - the directories in it are made with names of their own
MEMORY_BYTES_MIN = 4 * 1024**3
INTEGRATION = Path(__file__).parent / "integration"
APACHE_MIN_INSYNC_REPLICAS = 2


def pytest_configure() -> None:
    """Logs for people, with tracebacks as Python writes them: with every local variable, one takes seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # What takes long is begun first, so that no worker is left with it at the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if on_apache():
        without_broker = [item for item in items if _is_the_same_on_any_broker(item)]
        config.hook.pytest_deselected(items=without_broker)
        items[:] = [item for item in items if item not in without_broker]
        return
    skip = pytest.mark.skip(reason="true only on Apache Kafka: run with BROKER=apache")
    for item in items:
        if item.get_closest_marker("apache_only"):
            item.add_marker(skip)


def _is_the_same_on_any_broker(item: pytest.Item) -> bool:
    """Whether `make test` has run all that there is in it: an integration test that is given no broker, and is no fault's."""
    fixtures = frozenset(getattr(item, "fixturenames", ()))
    return (
        INTEGRATION in item.path.parents
        and not fixtures & {"broker", "broker_that_leaves"}
        and item.get_closest_marker("fault") is None
    )


def _memory_directory() -> Path | None:
    has_room = MEMORY_DIRECTORY.is_dir() and shutil.disk_usage(MEMORY_DIRECTORY).free >= MEMORY_BYTES_MIN
    return MEMORY_DIRECTORY if has_room else None


@pytest.fixture(scope="session")
def state_directory() -> Iterator[Path]:
    """A directory for the session's servers, short enough for Unix sockets and open to the server's account; in memory where
    there is enough of it, since every test makes and removes a database of some hundred files."""
    with tempfile.TemporaryDirectory(prefix="payesh-", dir=_memory_directory(), ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def postgresql(state_directory: Path) -> Iterator[EmbeddedPostgreSQL]:
    """The session's PostgreSQL. Without fsync: what it protects from, a power cut, no test can cause; nor autovacuum, which
    would visit hundreds of databases that live for a second."""
    server = EmbeddedPostgreSQL(
        state_directory / "postgresql", free_port(), settings={"fsync": "off", "autovacuum": "off"}
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def database_factory(postgresql: EmbeddedPostgreSQL) -> DatabaseFactory:
    return DatabaseFactory(postgresql)


@pytest.fixture
def database(database_factory: DatabaseFactory) -> Iterator[Callable[[str], ServiceDatabase]]:
    """Call it with a service's name for a fresh database of that service; as often as needed."""
    created: list[ServiceDatabase] = []

    def create(service: str) -> ServiceDatabase:
        created.append(database_factory.create(service))
        return created[-1]

    yield create
    for one in created:
        database_factory.drop(one)


@pytest.fixture(scope="session")
def broker(state_directory: Path) -> Iterator[Broker]:
    """The session's broker: embedded, or the Apache cluster when BROKER=apache."""
    started: Broker
    if on_apache():
        started = KafkaCluster(state_directory / "kafka", ports=[free_port() for _ in range(6)])
    else:
        started = EmbeddedBroker(state_directory / "broker", free_port())
    started.start()
    yield started
    started.stop()


@pytest.fixture
def apache_cluster(broker: Broker) -> Iterator[KafkaCluster]:
    """The Apache cluster itself; brokers that the test killed are restarted after it."""
    if not isinstance(broker, KafkaCluster):
        pytest.skip("true only on Apache Kafka: run with BROKER=apache")
    yield broker
    broker.start()


@pytest.fixture(scope="session")
def kafka(broker: Broker) -> str:
    """Bootstrap servers of the session's broker."""
    return broker.bootstrap_servers


def _create_topics(bootstrap_servers: str, topics: list[Topic]) -> None:
    if on_apache():
        run_aside(apply_topics(bootstrap_servers, APACHE_REPLICATION, APACHE_MIN_INSYNC_REPLICAS, topics))
    else:
        run_aside(apply_topics(bootstrap_servers, 1, topics=topics))


@pytest.fixture
def make_topic(kafka: str) -> Callable[..., str]:
    """Call it for a new topic: make_topic(partitions=6, **settings with _ for .) -> its unique name."""

    def make(partitions: int = 6, **settings: str | int) -> str:
        name = f"test-{uuid4().hex[:12]}"
        topic = Topic(name, partitions, {key.replace("_", "."): str(value) for key, value in settings.items()})
        _create_topics(kafka, [topic])
        return name

    return make


@pytest.fixture
def kafka_with_topics(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers where every declared topic exists and is empty (embedded: a new broker, Apache: new topics)."""
    if on_apache():
        run_aside(delete_topics(kafka, [topic.name for topic in declared_topics()]))
        _create_topics(kafka, declared_topics())
        yield kafka
        return
    fresh = EmbeddedBroker(tmp_path_factory.mktemp("broker"), free_port())
    fresh.start()
    _create_topics(fresh.bootstrap_servers, declared_topics())
    yield fresh.bootstrap_servers
    fresh.stop()
