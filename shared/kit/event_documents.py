"""AsyncAPI 3 document of one service: what it publishes and what it reads, from the contracts themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from shared.contracts.base import Event
from shared.kit.routing import Reaction


def event_document(
    service: str, version: str, published: Sequence[type[Event]], reactions: Sequence[Reaction]
) -> Callable[[], Mapping[str, Any]]:
    """Provider of the document. The broker in it only describes; it is never started."""

    def provide() -> Mapping[str, Any]:
        broker = KafkaBroker(
            "broker:9092", description="Apache Kafka; CloudEvents 1.0 in binary mode, key = aggregate id"
        )
        for event_type in published:
            broker.publisher(
                event_type.stream.topic, title=event_type.type_name(), description=event_type.__doc__, schema=event_type
            )
        for event_type in _read(reactions):
            _describe_subscriber(broker, event_type)
        description = f"Events of Payesh {service}: what it publishes (send) and what it reads (receive)."
        document = AsyncAPI(broker, title=f"Payesh {service}", version=version, description=description)
        return document.to_specification().to_jsonable()

    return provide


def _read(reactions: Sequence[Reaction]) -> Iterator[type[Event]]:
    yield from dict.fromkeys(event_type for reaction in reactions for event_type in reaction.event_types)


def _describe_subscriber(broker: KafkaBroker, event_type: type[Event]) -> None:
    async def handle(event: Any) -> None:
        del event

    handle.__annotations__ = {"event": event_type}
    subscriber = broker.subscriber(
        event_type.stream.topic,
        title=f"reads {event_type.type_name()}",
        description=event_type.__doc__,
        group_id="payesh",
    )
    subscriber(handle)
