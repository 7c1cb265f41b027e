"""The whole platform on one machine: PostgreSQL, broker, issuer, mail sink and the three services, composed and supervised.

    async with Platform(Options.from_environment(profile="main"), report=print) as platform:
        platform.addresses.warehouse           # "http://127.0.0.1:8101"
        platform.sink.mails                    # what the working groups received
    # on leaving everything is stopped; nothing outlives this process, however it ends

Issuer and mail sink run inside this process; everything else is a supervised child that the kernel ends with it.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import uvicorn

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.directories import Ports, require_free_port, require_usable_directory
from deploy.embedded.disk import watch, with_reason
from deploy.embedded.errors import LauncherError
from deploy.embedded.migrations import (
    SERVICES,
    drop_databases_set_aside,
    set_databases_aside,
    set_up_databases,
)
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.smtp_sink import SmtpSink
from deploy.embedded.supervisor import Supervisor, in_thread
from deploy.issuer import create_issuer
from deploy.kafka.cluster import BROKER_IDS, MIN_INSYNC_REPLICAS, REPLICATION, KafkaCluster, default_ports
from deploy.kafka.jars import java
from deploy.key_file import load_or_create_key_file
from deploy.topics import apply_topics

BrokerKind = Literal["embedded", "apache"]

BROKER_STAGE = 0
MAIL_SENDER = "payesh@localhost"
MALLOC_ARENAS = "1"
MALLOC_TRIM_THRESHOLD_BYTES = "131072"
"""glibc's own default, made fixed: left alone it grows, and a service that read one large file keeps its memory."""
SERVER_POLL_INTERVAL_S = 0.01


class _IssuerServer(uvicorn.Server):
    """A server inside this process: Ctrl-C stays the launcher's own."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _stop_server(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Options:
    """What to start and where. `fresh`: begin with empty databases and topics instead of those of the last start."""

    state: Path
    ports: Ports
    broker: BrokerKind = "embedded"
    clock_speedup: float = 1.0
    fresh: bool = False
    service_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings that every service gets beside its addresses."""

    @classmethod
    def from_environment(
        cls,
        profile: str,
        *,
        port_base: int | None = None,
        clock_speedup: float = 1.0,
        fresh: bool = False,
        service_environment: Mapping[str, str] | None = None,
    ) -> "Options":
        """PAYESH_STATE, PAYESH_PORT_BASE and BROKER; each `profile` keeps its own state beside the others.

        Raises LauncherError when one of them cannot be used.
        """
        broker = os.environ.get("BROKER", "") or "embedded"
        if broker not in ("embedded", "apache"):
            raise LauncherError(f"BROKER={broker} is unknown. Use BROKER=embedded (the default) or BROKER=apache.")
        return cls(
            state=Path(os.environ.get("PAYESH_STATE", ".payesh")).absolute() / f"{profile}-{broker}",
            ports=Ports.from_environment() if port_base is None else Ports(port_base),
            broker=broker,
            clock_speedup=clock_speedup,
            fresh=fresh,
            service_environment=service_environment or {},
        )


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """Base addresses of everything with an HTTP port."""

    warehouse: str
    nationals: str
    notifications: str
    issuer: str

    def services(self) -> dict[str, str]:
        return {"warehouse": self.warehouse, "nationals": self.nationals, "notifications": self.notifications}


def service_addresses(ports: Ports) -> ServiceAddresses:
    """Where everything of an installation with these ports listens."""
    return ServiceAddresses(
        warehouse=f"http://127.0.0.1:{ports.warehouse}",
        nationals=f"http://127.0.0.1:{ports.nationals}",
        notifications=f"http://127.0.0.1:{ports.notifications}",
        issuer=f"http://127.0.0.1:{ports.issuer}",
    )


def bootstrap_servers(options: Options) -> str:
    """The brokers of an installation, as Kafka clients take them."""
    brokers = default_ports(options.ports)[: len(BROKER_IDS)] if options.broker == "apache" else [options.ports.broker]
    return ",".join(f"127.0.0.1:{port}" for port in brokers)


@dataclass
class Platform:
    """Starts on entering, stops on leaving. Raises LauncherError, whose message says what to do, when it cannot start."""

    options: Options
    report: Callable[[str], None] = lambda _line: None
    began_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        state, ports = self.options.state, self.options.ports
        self.server = EmbeddedPostgreSQL(state / "postgresql", ports.postgresql)
        self.supervisor = Supervisor(state, self.report)
        self.sink = SmtpSink("127.0.0.1", ports.smtp, state / "mail")
        self._embedded = EmbeddedBroker(state / "broker", ports.broker)
        self._cluster = KafkaCluster(state / "kafka", default_ports(ports)) if self.options.broker == "apache" else None
        self._stack = AsyncExitStack()

    @property
    def addresses(self) -> ServiceAddresses:
        return service_addresses(self.options.ports)

    @property
    def bootstrap_servers(self) -> str:
        return bootstrap_servers(self.options)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException as error:
            await self._stop_after(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_after(error)

    async def _start(self) -> None:
        self.supervisor.open()
        self._stack.push_async_callback(self.supervisor.stop_all)
        if self.options.fresh:
            self._forget_last_start()
        self._require_ports()
        require_usable_directory(await asyncio.to_thread(self.server.place))
        self._watch_disks()
        if self._cluster is not None:
            java()  # before anything else is started: it is what most often lacks
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_postgresql())
            group.create_task(self._start_broker())
            group.create_task(self._start_own_servers())
        self.report(f"database and broker are up after {self.elapsed_s():.1f} s")
        async with asyncio.TaskGroup() as group:
            for service in SERVICES:
                group.create_task(self._start_service(service))
        self.report(f"three services are up after {self.elapsed_s():.1f} s")
        if self.options.fresh:
            dropping = asyncio.create_task(drop_databases_set_aside(self.server), name="databases of the last start")
            self._stack.push_async_callback(_cancel, dropping)

    async def _stop_after(self, error: BaseException | None) -> None:
        """Stop everything. Raises LauncherError instead of an error that a full disk explains."""
        reason = with_reason(error, self._directories()) if isinstance(error, Exception) else None
        await self._stack.aclose()
        if reason is not None:
            raise reason from error

    def _directories(self) -> list[Path]:
        """Where this installation writes: its state, PostgreSQL's data, and temporary files."""
        return [self.options.state, self.server.data_directory.parent, Path(tempfile.gettempdir())]

    def _watch_disks(self) -> None:
        """Say it when a disk fills up, from now on."""
        watching = asyncio.create_task(watch(self._directories(), self.report), name="disks")
        self._stack.push_async_callback(_cancel, watching)

    def python_pids(self) -> dict[str, int]:
        """The services and this process itself."""
        running = self.supervisor.pids()
        return {service: running[service] for service in SERVICES if service in running} | {"launcher": os.getpid()}

    def elapsed_s(self) -> float:
        """Seconds since the launcher began."""
        return time.monotonic() - self.began_at

    def _require_ports(self) -> None:
        ports = self.options.ports
        wanted = {"issuer": ports.issuer, "mail sink": ports.smtp, "PostgreSQL": ports.postgresql}
        wanted |= {service: getattr(ports, service) for service in SERVICES}
        if self._cluster:
            wanted |= {f"Apache Kafka {number}": port for number, port in enumerate(default_ports(ports), 1)}
        else:
            wanted["broker"] = ports.broker
        for purpose, port in wanted.items():
            require_free_port(port, purpose)

    def _forget_last_start(self) -> None:
        """The broker's data and the letters of the last start. Only while this launcher holds the state directory."""
        for name in ("broker/data", "kafka", "mail"):
            shutil.rmtree(self.options.state / name, ignore_errors=True)

    async def _start_postgresql(self) -> None:
        await in_thread(self.server.prepare)
        await self.supervisor.run(
            self.server.command(), self.server.is_ready, before_start=self.server.prepare, stage=BROKER_STAGE
        )
        if self.options.fresh:
            await set_databases_aside(self.server)
        await set_up_databases(self.server)

    async def _start_broker(self) -> None:
        if self._cluster is None:
            await asyncio.to_thread(self._embedded.prepare)
            await self.supervisor.run(self._embedded.command(), self._embedded.is_ready, stage=BROKER_STAGE)
            await apply_topics(self.bootstrap_servers, replication=1)
            return
        cluster = self._cluster
        self.report("Apache Kafka starts: three brokers, replication 3; the first time its jars are fetched")
        await asyncio.to_thread(cluster.prepare)
        async with asyncio.TaskGroup() as group:
            for broker in BROKER_IDS:
                group.create_task(self.supervisor.run(cluster.command(broker), cluster.is_ready, stage=BROKER_STAGE))
        await apply_topics(self.bootstrap_servers, REPLICATION, MIN_INSYNC_REPLICAS)

    async def _start_own_servers(self) -> None:
        self.sink.start()
        self._stack.callback(self.sink.stop)
        application = create_issuer(self.addresses.issuer, self.options.state / "issuer" / "key.pem")
        configuration = uvicorn.Config(
            application, "127.0.0.1", self.options.ports.issuer, lifespan="off", log_config=None, access_log=False
        )
        server = _IssuerServer(configuration)
        task = asyncio.create_task(server.serve(), name="issuer")
        self._stack.push_async_callback(_stop_server, server, task)
        while not server.started:
            if task.done():
                raise LauncherError(f"The issuer does not start on port {self.options.ports.issuer}.")
            await asyncio.sleep(SERVER_POLL_INTERVAL_S)

    async def _start_service(self, service: str) -> None:
        address = self.addresses.services()[service]
        argv = [sys.executable, "-m", f"services.{service}"]
        await self.supervisor.start(service, argv, self._environment(service), f"{address}/ready")

    def _environment(self, service: str) -> Mapping[str, str]:
        """What the service is told beside this process's own environment."""
        return {
            "PAYESH_API_DATABASE_URL": self.server.url(f"{service}_api", service),
            "PAYESH_WORKER_DATABASE_URL": self.server.url(f"{service}_worker", service),
            "PAYESH_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "PAYESH_HTTP_HOST": "127.0.0.1",
            "PAYESH_HTTP_PORT": str(getattr(self.options.ports, service)),
            "PAYESH_JWKS_URL": f"{self.addresses.issuer}/jwks",
            "PAYESH_JWT_ISSUER": self.addresses.issuer,
            "PAYESH_TOKEN_URL": f"{self.addresses.issuer}/token",
            "PAYESH_KAFKA_PAUSES_WHEN_IDLE": str(self._cluster is None).lower(),
            "PAYESH_CLOCK_SPEEDUP": str(self.options.clock_speedup),
            "PAYESH_PHOTO_STORE": (self.options.state / "photos").as_uri(),
            "PAYESH_CASEWORK_VAULT_KEY_FILE": str(
                load_or_create_key_file(self.options.state / "vault" / "master-keys")
            ),
            "PAYESH_WEBHOOK_KEY_FILE": str(load_or_create_key_file(self.options.state / "webhooks" / "sealing-keys")),
            "MALLOC_ARENA_MAX": MALLOC_ARENAS,
            "MALLOC_TRIM_THRESHOLD_": MALLOC_TRIM_THRESHOLD_BYTES,
            "PAYESH_SMTP_HOST": "127.0.0.1",
            "PAYESH_SMTP_PORT": str(self.options.ports.smtp),
            "PAYESH_SMTP_FROM": MAIL_SENDER,
            **self.options.service_environment,
        }
