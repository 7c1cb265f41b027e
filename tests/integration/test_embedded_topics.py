"""Topics are created as declared, once, on whichever broker runs."""

from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.topics import Topic, TopicError, apply_topics, declared_topics
from tests.support.environment import on_apache


async def test_declared_topics_exist_once(kafka_with_topics: str) -> None:
    assert await apply_topics(kafka_with_topics, replication=3 if on_apache() else 1) == []
    producer = AIOKafkaProducer(bootstrap_servers=kafka_with_topics)
    await producer.start()
    try:
        for topic in declared_topics():
            assert await producer.partitions_for(topic.name) == set(range(topic.partitions))
    finally:
        await producer.stop()


async def test_a_topic_with_fewer_partitions_than_declared_is_an_error(
    kafka: str, make_topic: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.topics.VISIBLE_DEADLINE_S", 1.0)
    name = make_topic(partitions=2)
    with pytest.raises(TopicError, match=name):
        await apply_topics(kafka, replication=1, topics=[Topic(name, 3)])


async def test_records_come_back_in_order(kafka: str, make_topic: Callable[..., str]) -> None:
    topic = make_topic(partitions=1)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    for number in range(5):
        await producer.send_and_wait(topic, str(number).encode(), key=b"one")
    await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    values: list[object] = [(await consumer.getone()).value for _ in range(5)]
    await consumer.stop()
    assert values == [b"0", b"1", b"2", b"3", b"4"]
