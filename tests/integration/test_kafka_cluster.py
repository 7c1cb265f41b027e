"""The Apache Kafka cluster keeps what it acknowledged while any one broker is killed and brought back."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from deploy.embedded.directories import Ports
from deploy.embedded.errors import LauncherError
from deploy.kafka import jars
from deploy.kafka.cluster import BROKER_IDS, KafkaCluster, default_ports

RECORDS_PER_STEP = 50
METADATA_DEADLINE_S = 30.0


@pytest.mark.apache_only
@pytest.mark.timeout(300)
async def test_acknowledged_records_survive_kill_9_of_each_broker(
    apache_cluster: KafkaCluster, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=3)
    producer = AIOKafkaProducer(bootstrap_servers=apache_cluster.bootstrap_servers, acks="all", enable_idempotence=True)
    await producer.start()
    sent = 0
    for broker in BROKER_IDS:
        apache_cluster.kill(broker)
        for _ in range(RECORDS_PER_STEP):
            await producer.send_and_wait(topic, str(sent).encode(), key=str(sent % 7).encode())
            sent += 1
        apache_cluster.start()
    await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=apache_cluster.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    values: list[object] = [(await consumer.getone()).value for _ in range(sent)]
    await consumer.stop()
    assert sorted(map(str, values)) == sorted(str(str(number).encode()) for number in range(sent))


@pytest.mark.apache_only
async def test_topics_have_three_replicas_on_three_brokers(
    apache_cluster: KafkaCluster, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=2)
    admin = AIOKafkaAdminClient(bootstrap_servers=apache_cluster.bootstrap_servers)
    await admin.start()
    replicas: list[list[int]] = []
    async with asyncio.timeout(METADATA_DEADLINE_S):  # the broker that is asked may not have heard of the topic yet
        while len(replicas) < 2:
            (description,) = await admin.describe_topics([topic])
            replicas = [sorted(partition["replicas"]) for partition in description["partitions"]]
    await admin.close()
    assert replicas == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.apache_only
def test_no_broker_elects_an_unclean_leader(apache_cluster: KafkaCluster) -> None:
    for broker in BROKER_IDS:
        settings = apache_cluster.log_file(broker).with_suffix(".properties").read_text()
        assert "unclean.leader.election.enable=false" in settings
        assert "min.insync.replicas=2" in settings


def test_a_machine_without_java_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(_program: str) -> None:
        return None

    monkeypatch.setattr(shutil, "which", absent)
    monkeypatch.setattr(jars, "TARGET", tmp_path)
    with pytest.raises(LauncherError, match="openjdk-17-jre-headless"):
        jars.fetch_jars()


def test_default_ports_follow_the_base(tmp_path: Path) -> None:
    ports = default_ports(Ports(8100))
    assert ports == [8192, 8193, 8194, 8195, 8196, 8197]
    assert KafkaCluster(tmp_path, ports).bootstrap_servers == "127.0.0.1:8192,127.0.0.1:8193,127.0.0.1:8194"
    with pytest.raises(ValueError, match="6 ports"):
        KafkaCluster(tmp_path, ports[:3])
