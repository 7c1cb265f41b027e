"""The embedded broker starts, keeps what an orderly stop saved, and does not outlive its launcher."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.embedded.broker import EmbeddedBroker, metadata_brokers
from deploy.embedded.directories import free_port
from deploy.embedded.errors import LauncherError
from deploy.embedded.processes import identify, is_alive, wait_until
from deploy.topics import Topic, apply_topics

LAUNCHER = """
import sys, time
from pathlib import Path
from deploy.embedded.broker import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]), int(sys.argv[2]))
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    started = EmbeddedBroker(tmp_path / "broker", free_port())
    started.start()
    yield started
    started.stop()


async def test_records_survive_an_orderly_stop(own_broker: EmbeddedBroker) -> None:
    await apply_topics(own_broker.bootstrap_servers, replication=1, topics=[Topic("kept", 1)])
    producer = AIOKafkaProducer(bootstrap_servers=own_broker.bootstrap_servers, acks="all")
    await producer.start()
    for number in range(10):
        await producer.send_and_wait("kept", str(number).encode())
    await producer.stop()
    own_broker.stop()
    own_broker.start()
    consumer = AIOKafkaConsumer("kept", bootstrap_servers=own_broker.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    values: list[object] = [(await consumer.getone()).value for _ in range(10)]
    await consumer.stop()
    assert values == [str(number).encode() for number in range(10)]


def test_nothing_answers_on_a_free_port() -> None:
    assert metadata_brokers(free_port()) == 0


def test_broker_dies_with_a_killed_launcher_and_starts_again(tmp_path: Path) -> None:
    port = free_port()
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path), str(port)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert launcher.stdout is not None
    process = identify("broker", int(launcher.stdout.readline()))
    assert process is not None
    launcher.kill()
    launcher.wait()
    assert wait_until(lambda: not is_alive(process), 5)
    again = EmbeddedBroker(tmp_path, port)
    again.start()
    again.stop()


def test_a_taken_port_is_named(own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    other = EmbeddedBroker(tmp_path / "other", own_broker.port)
    with pytest.raises(LauncherError, match=f"Port {own_broker.port} .broker. is taken"):
        other.start()
    other.stop()
