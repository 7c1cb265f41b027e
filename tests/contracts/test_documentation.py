"""What people read about the events is complete."""

import importlib
from pathlib import Path

import pytest

from shared.kit.event_documents import published_events

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("service", ["warehouse", "nationals", "notifications"])
def test_the_readme_lists_every_event(service: str) -> None:
    text = README.read_text("utf-8")
    events = published_events(importlib.import_module(f"shared.contracts.{service}"))
    assert events
    for event_type in events:
        assert event_type.__name__ in text, f"{event_type.type_name()} is missing from the events table"
        assert f"`{event_type.stream.topic}`" in text
