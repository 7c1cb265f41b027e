"""The documents for integrating agencies, as the command exports them."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from deploy.commands.documents import export_documents
from shared.contracts.warehouse import InspectionCompleted

SHOWING_ONLY = ("/dry-run", "/preview", "/check")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("documents")
    export_documents(Console(quiet=True), directory)
    return directory


@pytest.mark.parametrize("service", ["warehouse", "nationals", "notifications"])
def test_each_service_has_both(directory: Path, service: str) -> None:
    openapi = json.loads((directory / f"{service}.openapi.json").read_text("utf-8"))
    assert openapi["openapi"].startswith("3.")
    assert "/counters" in openapi["paths"]
    asyncapi = json.loads((directory / f"{service}.asyncapi.json").read_text("utf-8"))
    assert asyncapi["asyncapi"].startswith("3.")
    assert {operation["action"] for operation in asyncapi["operations"].values()} == {"send", "receive"}


@pytest.mark.parametrize("service", ["warehouse", "nationals", "notifications"])
def test_every_command_takes_an_idempotency_key(directory: Path, service: str) -> None:
    """Rule 11. The button of an acknowledgement link is a form without headers: its signed token is the key. A login
    changes nothing, nor does what only shows: it reads in a transaction that cannot write."""
    paths = json.loads((directory / f"{service}.openapi.json").read_text("utf-8"))["paths"]
    without = {
        path
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in {"post", "put", "patch", "delete"}
        and not path.endswith(SHOWING_ONLY)
        and "idempotency-key" not in {parameter["name"].lower() for parameter in operation.get("parameters", [])}
    }
    assert without <= {"/acknowledge/{token}", "/a/{token}", "/digests/stop/{token}", "/v1/sessions"}


def test_an_event_is_described_with_its_topic_and_fields(directory: Path) -> None:
    document = json.loads((directory / "warehouse.asyncapi.json").read_text("utf-8"))
    channel = document["channels"][InspectionCompleted.type_name()]
    assert channel["address"] == InspectionCompleted.stream.topic
    schema = document["components"]["schemas"]["InspectionCompleted"]
    assert set(InspectionCompleted.model_fields) <= schema["properties"].keys()
