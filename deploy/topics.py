"""Topics as deploy/topics.yaml declares them, created where they are missing.

    await apply_topics("127.0.0.1:8192", replication=1)       # names of the topics that were created

Existing topics are left as they are, except that one with fewer partitions than declared is an error: keys would move.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from pydantic import BaseModel

DECLARATION = Path(__file__).parent / "topics.yaml"
REQUEST_TIMEOUT_MS = 20_000
VISIBLE_DEADLINE_S = 20.0
VISIBLE_POLL_INTERVAL_S = 0.05


class TopicError(Exception):
    """A topic cannot be created, or exists in a shape that differs from its declaration."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `settings` are broker topic settings by their Kafka names."""

    name: str
    partitions: int
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


class _Defaults(BaseModel, extra="forbid"):
    partitions: int
    settings: dict[str, str | int]


class _Declaration(BaseModel, extra="forbid"):
    defaults: _Defaults
    topics: list[str]


def declared_topics(declaration: Path = DECLARATION) -> list[Topic]:
    """The declared topics; raises pydantic.ValidationError when the file says anything unexpected."""
    content = _Declaration.model_validate(yaml.safe_load(declaration.read_text(encoding="utf-8")))
    settings = {name: str(value) for name, value in content.defaults.settings.items()}
    return [Topic(name, content.defaults.partitions, settings) for name in content.topics]


def with_prefix(topics: Iterable[Topic], prefix: str) -> list[Topic]:
    """The same topics under other names, so that tests do not meet on one broker."""
    return [replace(topic, name=f"{prefix}{topic.name}") for topic in topics]


async def apply_topics(
    bootstrap_servers: str,
    replication: int,
    min_insync_replicas: int = 1,
    topics: Iterable[Topic] | None = None,
) -> list[str]:
    """Create the missing topics and wait until all are visible with a leader; returns the names that were created.

    Raises TopicError when a topic is refused, has fewer partitions than declared, or does not become visible in time.
    """
    wanted = list(declared_topics() if topics is None else topics)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in existing]
        if missing:
            await _create(admin, missing, replication, min_insync_replicas)
        await _wait_visible(admin, wanted)
    except KafkaError as error:
        raise TopicError(f"The broker at {bootstrap_servers} refuses: {error}") from error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], replication: int, min_insync_replicas: int) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(
                name=topic.name,
                num_partitions=topic.partitions,
                replication_factor=replication,
                topic_configs={**topic.settings, "min.insync.replicas": str(min_insync_replicas)},
            )
            for topic in topics
        ]
    )
    for name, code in _topic_errors(answer):
        error = for_code(code)
        if code != 0 and error is not TopicAlreadyExistsError:
            raise TopicError(f"Topic {name} cannot be created: {error.__name__}")


def _topic_errors(answer: object) -> list[tuple[str, int]]:
    """Name and error code of each topic in a CreateTopics answer, whose shape aiokafka leaves untyped."""
    return [(str(entry[0]), int(entry[1])) for entry in getattr(answer, "topic_errors", ())]


async def _wait_visible(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    expected = {topic.name: topic.partitions for topic in topics}
    found: dict[str, int] = {}
    try:
        async with asyncio.timeout(VISIBLE_DEADLINE_S):
            while True:
                found = {
                    topic["topic"]: sum(1 for partition in topic["partitions"] if partition["leader"] >= 0)
                    for topic in await admin.describe_topics(list(expected))
                    if topic["error_code"] == 0
                }
                if all(found.get(name, 0) >= partitions for name, partitions in expected.items()):
                    return
                await asyncio.sleep(VISIBLE_POLL_INTERVAL_S)
    except TimeoutError:
        lacking = sorted(name for name, partitions in expected.items() if found.get(name, 0) < partitions)
        message = f"Topics without their declared partitions after {VISIBLE_DEADLINE_S:.0f} s: {lacking}"
        raise TopicError(message) from None
