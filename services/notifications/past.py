"""Where a dry run finds the events of the past."""

import functools
from collections.abc import Callable, Collection, Sequence

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.base import Event
from shared.kit.past_events import PastBounds, PastRead, read_past_events
from shared.kit.routing import Received


class PastSettings(BaseSettings):
    """The broker's address, as every service has it."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_", frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = "127.0.0.1:9092"


class Past:
    """The topics of one broker."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers

    async def read(
        self,
        event_types: Collection[type[Event]],
        bounds: PastBounds,
        take: Callable[[Sequence[Received[Event]]], bool],
    ) -> PastRead:
        """See `read_past_events`. Raises PastUnavailableError."""
        return await read_past_events(self._bootstrap_servers, event_types, bounds, take)


@functools.cache
def configured_past() -> Past:
    """The broker that PAYESH_KAFKA_BOOTSTRAP_SERVERS names; a dependency of routes."""
    return Past(PastSettings().kafka_bootstrap_servers)
