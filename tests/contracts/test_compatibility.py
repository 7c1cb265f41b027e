"""Within one version an event may only grow: the check refuses what breaks a reader and accepts what adds."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, create_model

from shared.contracts.compatibility import (
    Schema,
    breaking_changes,
    committed_schemas,
    current_schemas,
    render,
    schema_breaks,
)


class _Before(BaseModel):
    site_id: UUID
    county: Literal["rey", "qods"]
    capacity_tonnes: float
    happened_at: datetime
    fields: tuple[str, ...] = ()


def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema() | {"title": "SiteChanged"}


BEFORE = _schema(_Before)

ADDITIVE: dict[str, type[BaseModel]] = {
    "optional field added": create_model("_", __base__=_Before, note_code=(str | None, None)),
    "field with a default added": create_model("_", __base__=_Before, attempts=(int, 0)),
}

BREAKING: dict[str, type[BaseModel]] = {
    "required field added": create_model("_", __base__=_Before, operator=(str, ...)),
    "field retyped": create_model("_", __base__=_Before, capacity_tonnes=(str, ...)),
    "field made optional": create_model("_", __base__=_Before, capacity_tonnes=(float | None, None)),
    "enumeration widened": create_model("_", __base__=_Before, county=(Literal["rey", "qods", "malard"], ...)),
    "enumeration narrowed": create_model("_", __base__=_Before, county=(Literal["rey"], ...)),
    "format dropped": create_model("_", __base__=_Before, site_id=(str, ...)),
    "format changed": create_model("_", __base__=_Before, happened_at=(UUID, ...)),
    "item type changed": create_model("_", __base__=_Before, fields=(tuple[int, ...], ())),
}


def _without(schema: Schema, field: str) -> Schema:
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    return schema | {
        "properties": {name: value for name, value in properties.items() if name != field},
        "required": [name for name in required if name != field],
    }


@pytest.mark.parametrize("change", ADDITIVE)
def test_additive_change_is_accepted(change: str) -> None:
    assert schema_breaks(BEFORE, _schema(ADDITIVE[change])) == []


@pytest.mark.parametrize("change", BREAKING)
def test_breaking_change_is_refused(change: str) -> None:
    assert schema_breaks(BEFORE, _schema(BREAKING[change])) != []


@pytest.mark.parametrize("field", ["site_id", "fields"])
def test_removed_field_is_refused_also_when_it_was_optional(field: str) -> None:
    assert schema_breaks(BEFORE, _without(BEFORE, field)) != []


def test_new_event_is_additive_and_removed_event_is_breaking() -> None:
    assert breaking_changes({}, {"warehouse.SiteChanged.v1": BEFORE}) == []
    assert breaking_changes({"warehouse.SiteChanged.v1": BEFORE}, {}) != []


def test_a_change_of_words_alone_is_accepted() -> None:
    assert schema_breaks(BEFORE, BEFORE | {"description": "said better"}) == []


def test_every_event_is_comparable_and_fits_the_committed_schema() -> None:
    committed, current = committed_schemas(), current_schemas()
    assert breaking_changes(committed, current) == []
    assert committed.keys() == current.keys(), "run `payesh contracts export` and commit shared/contracts/schemas"
    stale = [name for name in current if render(current[name]) != render(committed[name])]
    assert stale == [], "run `payesh contracts export` and commit shared/contracts/schemas"


def test_every_current_schema_can_take_an_optional_field() -> None:
    for name, schema in current_schemas().items():
        properties = schema["properties"]
        assert isinstance(properties, dict)
        wider: Schema = dict(schema)
        wider["properties"] = {**properties, "added_later": {"type": "string"}}
        assert schema_breaks(schema, wider) == [], name
        assert schema_breaks(wider, schema) != [], name
