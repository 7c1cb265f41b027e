"""What people read about the events is complete."""

from pathlib import Path
from types import ModuleType

import pytest

from shared.contracts.base import declared_events
from shared.contracts.catalogue import OWNER_MODULES

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("owner", OWNER_MODULES, ids=lambda module: module.__name__)
def test_the_readme_lists_every_event(owner: ModuleType) -> None:
    text = README.read_text("utf-8")
    for event_type in declared_events(owner):
        assert event_type.__name__ in text, f"{event_type.type_name()} is missing from the events table"
        assert f"`{event_type.stream.topic}`" in text
