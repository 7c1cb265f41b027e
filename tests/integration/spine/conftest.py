from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.environment import ServiceDatabase
from tests.support.spine import Spine, open_spine


@pytest.fixture
async def spine(
    database: Callable[[str], ServiceDatabase], kafka: str, make_topic: Callable[..., str]
) -> AsyncIterator[Spine]:
    """A small service of this test's own: fresh database, fresh topic."""
    async with open_spine(database("warehouse"), kafka, make_topic(partitions=3)) as one:
        yield one
