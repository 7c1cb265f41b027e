from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from shared.kit import consumer
from tests.support.environment import ServiceDatabase
from tests.support.spine import Spine, open_spine


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries as in real life, only sooner."""
    monkeypatch.setattr(consumer, "RETRY_DELAY_S_MIN", 0.01)


@pytest.fixture
async def spine(
    database: Callable[[str], ServiceDatabase], kafka: str, make_topic: Callable[..., str]
) -> AsyncIterator[Spine]:
    """A small service of this test's own: fresh database, fresh topic."""
    async with open_spine(database("warehouse"), kafka, make_topic(partitions=3)) as one:
        yield one


@pytest.fixture
async def quiet_spine(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Spine]:
    """The same without a broker, for what happens in the database alone."""
    async with open_spine(database("warehouse"), "127.0.0.1:1", f"test-{uuid4().hex[:12]}") as one:
        yield one
