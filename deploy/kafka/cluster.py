"""Apache Kafka: three brokers (each also a controller, KRaft) on loopback ports, replication 3, min.insync.replicas 2.

    cluster = KafkaCluster(Path(".payesh/kafka"), default_ports(Ports(8100)))      # 8192-8194, controllers 8195-8197
    cluster.start()                     # fetches the jars once (Maven), formats storage once; starts what does not run
    cluster.bootstrap_servers           # "127.0.0.1:8192,127.0.0.1:8193,127.0.0.1:8194"
    cluster.kill(2); cluster.start()    # kill -9 broker 2, then bring it back
    cluster.stop()

Under the Supervisor: `cluster.prepare()`, then `supervisor.run(cluster.command(id), stage=0)` for each id in BROKER_IDS,
then poll `cluster.is_ready()`: one broker alone is never ready.
In the foreground: `python -m deploy.kafka.cluster` (`make kafka`), until Ctrl-C.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.broker import metadata_brokers
from deploy.embedded.directories import DirectoryLock, Ports, require_free_port, require_usable_directory
from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import Command, ProcessRecords, log_tail, spawn, stop, wait_until
from deploy.kafka.jars import fetch_jars, java

BROKER_IDS: tuple[int, ...] = (1, 2, 3)
REPLICATION = 3
MIN_INSYNC_REPLICAS = 2
HEAP_MIB = 384
START_DEADLINE_S = 90.0
STOP_DEADLINE_S = 20.0
FORMAT_DEADLINE_S = 60.0
FREE_SPACE_BYTES_MIN = 2 * 1024**3

LOGGING = """
status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


def default_ports(ports: Ports) -> list[int]:
    """Three broker ports, then three controller ports, from the installation's base."""
    return [ports.broker + offset for offset in range(2 * len(BROKER_IDS))]


class KafkaCluster:
    """Three combined brokers with their data in `directory`; `ports`: three for clients, then three for controllers.

    Raises LauncherError when Java or Maven is missing, a port is taken, or the cluster does not come up.
    """

    def __init__(self, directory: Path, ports: Sequence[int]) -> None:
        if len(ports) != 2 * len(BROKER_IDS):
            raise ValueError(f"{2 * len(BROKER_IDS)} ports are needed: one a broker, then one a controller")
        count = len(BROKER_IDS)
        self._ports = dict(zip(BROKER_IDS, ports[:count], strict=True))
        self._controller_ports = dict(zip(BROKER_IDS, ports[count:], strict=True))
        self._state = directory.absolute()
        self._records = ProcessRecords(self._state / "processes")
        self._lock = DirectoryLock(self._state)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._jars: Path | None = None

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    def pid(self, broker: int) -> int | None:
        """The broker's pid while it runs."""
        process = self._processes.get(broker)
        return process.pid if process is not None and process.poll() is None else None

    def port(self, broker: int) -> int:
        """The broker's client port."""
        return self._ports[broker]

    def log_file(self, broker: int) -> Path:
        return self._state / f"kafka-{broker}.log"

    def prepare(self) -> None:
        """Jars, leftovers of a dead launcher, configuration, and formatted storage (once)."""
        require_usable_directory(self._state, FREE_SPACE_BYTES_MIN)
        if self._jars is None:
            self._records.end_leftovers(signal.SIGKILL)
            self._jars = fetch_jars()
            (self._state / "log4j2.properties").write_text(LOGGING)
            for broker in BROKER_IDS:
                self._configuration_file(broker).write_text(self._configuration(broker))
            self._format_storage()

    def command(self, broker: int) -> Command:
        """How to run one broker in the foreground; call prepare() first."""
        return self._java(f"kafka-{broker}", broker, ["kafka.Kafka", str(self._configuration_file(broker))])

    async def is_ready(self) -> bool:
        """Whether all three brokers answer and know of each other."""
        return await asyncio.to_thread(self._all_ready)

    def start(self) -> None:
        """Start every broker that does not run, and wait until all three answer and know of each other."""
        self._lock.acquire()
        self.prepare()
        for broker in BROKER_IDS:
            if self.pid(broker) is None:
                self.spawn_broker(broker)
        wait_until(lambda: self._all_ready() or self._ended() is not None, START_DEADLINE_S)
        if not self._all_ready():
            broker = self._ended() or next(each for each in BROKER_IDS if not self._broker_ready(each))
            self.stop()
            tail = log_tail(self.log_file(broker))
            raise LauncherError(f"Kafka broker {broker} does not start; {self.log_file(broker)} ends with:\n{tail}")

    def spawn_broker(self, broker: int) -> None:
        """Start one broker without waiting for it."""
        require_free_port(self._ports[broker], f"Kafka broker {broker}")
        require_free_port(self._controller_ports[broker], f"Kafka controller {broker}")
        process = self._processes[broker] = spawn(self.command(broker))
        self._records.write(f"kafka-{broker}", process.pid)

    def kill(self, broker: int) -> None:
        """kill -9 one broker, as a fault test does; start() brings it back."""
        process = self._processes.pop(broker)
        process.kill()
        process.wait()
        self._records.forget(f"kafka-{broker}")

    def stop(self) -> None:
        """Stop all brokers together: leaders need not move when nobody stays."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_DEADLINE_S
        for broker, process in self._processes.items():
            stop(process, signal.SIGTERM, max(0.1, deadline - time.monotonic()))
            self._records.forget(f"kafka-{broker}")
        self._processes.clear()
        self._lock.release()

    def _ended(self) -> int | None:
        return next((broker for broker, process in self._processes.items() if process.poll() is not None), None)

    def _broker_ready(self, broker: int) -> bool:
        return metadata_brokers(self._ports[broker]) == len(BROKER_IDS)

    def _all_ready(self) -> bool:
        return all(self._broker_ready(broker) for broker in BROKER_IDS)

    def _configuration_file(self, broker: int) -> Path:
        return self._state / f"kafka-{broker}.properties"

    def _configuration(self, broker: int) -> str:
        voters = ",".join(f"{each}@127.0.0.1:{port}" for each, port in self._controller_ports.items())
        settings = {
            "process.roles": "broker,controller",
            "node.id": broker,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{self._ports[broker]},"
            f"CONTROLLER://127.0.0.1:{self._controller_ports[broker]}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._ports[broker]}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self._state / f"data-{broker}",
            "default.replication.factor": REPLICATION,
            "min.insync.replicas": MIN_INSYNC_REPLICAS,
            "offsets.topic.replication.factor": REPLICATION,
            "offsets.topic.num.partitions": 6,
            "transaction.state.log.replication.factor": REPLICATION,
            "transaction.state.log.min.isr": MIN_INSYNC_REPLICAS,
            "transaction.state.log.num.partitions": 6,
            "share.coordinator.state.topic.replication.factor": REPLICATION,
            "share.coordinator.state.topic.min.isr": MIN_INSYNC_REPLICAS,
            "unclean.leader.election.enable": "false",
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "log.cleaner.dedupe.buffer.size": 16 * 1024**2,
            "broker.session.timeout.ms": 6_000,
            "broker.heartbeat.interval.ms": 1_000,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _java(self, name: str, broker: int, arguments: list[str]) -> Command:
        argv = [
            java(),
            f"-Xms{HEAP_MIB // 3}m",
            f"-Xmx{HEAP_MIB}m",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self._state / 'log4j2.properties'}",
            "-cp",
            f"{self._jars}/*",
            *arguments,
        ]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._state), "LC_ALL": "C.UTF-8"}
        return Command(name, argv, environment, self.log_file(broker), directory=self._state)

    def _format_storage(self) -> None:
        """Write each broker's storage once, all with one cluster id; a half-made one is formatted again."""
        id_file = self._state / "cluster-id"
        if not id_file.exists():
            id_file.write_text(urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        formatters: list[tuple[int, subprocess.Popen[bytes]]] = []
        for broker in BROKER_IDS:
            if not (self._state / f"formatted-{broker}").exists():
                configuration = str(self._configuration_file(broker))
                arguments = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
                arguments += [f"--cluster-id={id_file.read_text()}", "--config", configuration]
                formatters.append((broker, spawn(self._java(f"format-{broker}", broker, arguments), waited_for=True)))
        for broker, process in formatters:
            if process.wait(FORMAT_DEADLINE_S) != 0:
                raise LauncherError(f"Kafka's storage cannot be formatted:\n{log_tail(self.log_file(broker))}")
            (self._state / f"formatted-{broker}").touch()


def main() -> int:
    """Run the cluster until Ctrl-C or SIGTERM; prints its bootstrap servers. Exit code 1 when it cannot."""
    state = Path(os.environ.get("PAYESH_STATE", ".payesh")) / "kafka"
    cluster = KafkaCluster(state, default_ports(Ports.from_environment()))
    # Both, explicitly: a shell that starts this in the background has made it deaf to SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        cluster.start()
        print(f"Apache Kafka is up. Bootstrap servers: {cluster.bootstrap_servers}\nCtrl-C stops it.", flush=True)
        while True:
            signal.pause()
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
