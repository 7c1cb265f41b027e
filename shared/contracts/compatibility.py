"""Whether a changed event schema may ship under the same version: only additions may.

Two questions, each asked of `jsonsubschema`:

- closed: every event of the old schema is still an event of the new one, and no field it carried has gone
  (both schemas closed to unknown fields), so a topic's history stays readable;
- open: every event of the new schema is readable by a reader of the old one, which ignores unknown fields.

The comparison itself belongs to the development tools, so `jsonsubschema` is imported only when it is asked.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from shared.contracts.catalogue import event_types

Schema = dict[str, JsonValue]

SCHEMA_DIRECTORY = Path(__file__).parent / "schemas"
_ANNOTATION_KEYWORDS = frozenset({"title", "description", "examples", "default"})
_NAMED_SUBSCHEMAS = frozenset({"properties", "$defs"})


class IncomparableSchema(Exception):
    """The comparison tool could not decide; a person must look at the two schemas."""


def current_schemas() -> dict[str, Schema]:
    """JSON Schema of each event by its CloudEvents type, for example ``warehouse.InspectionCompleted.v1``."""
    return {event.type_name(): cast("Schema", event.model_json_schema()) for event in event_types()}


def committed_schemas(directory: Path = SCHEMA_DIRECTORY) -> dict[str, Schema]:
    """The schemas last exported to `directory`, by CloudEvents type."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(directory.glob("*.json"))}


def render(schema: Schema) -> str:
    """The committed text of one schema: stable key order, so that a diff shows only what changed."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def breaking_changes(before: Mapping[str, Schema], after: Mapping[str, Schema]) -> list[str]:
    """One sentence per event that may not ship; empty when every change only adds."""
    problems = [f"{name}: removed; readers still expect it" for name in sorted(before.keys() - after.keys())]
    for name in sorted(before.keys() & after.keys()):
        problems += [f"{name}: {problem}" for problem in schema_breaks(before[name], after[name])]
    return problems


def schema_breaks(before: Schema, after: Schema) -> list[str]:
    """Why `after` may not replace `before` within one version.

    Raises IncomparableSchema where the comparison tool gives up.
    """
    if before == after:
        return []
    problems: list[str] = []
    if not _is_subschema(_prepared(before, closed=True), _prepared(after, closed=True)):
        problems.append(
            "an event already on the topic would not fit the new schema (a field removed, narrowed or newly required)"
        )
    if not _is_subschema(_prepared(after, closed=False), _prepared(before, closed=False)):
        problems.append("a reader of the old schema could not read the new event (a field removed, widened or retyped)")
    return problems


def _is_subschema(inner: Schema, outer: Schema) -> bool:
    # A development tool: what runs in production does not have it.
    from jsonsubschema import (  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        isSubschema,  # pyright: ignore[reportUnknownVariableType]
    )

    try:
        return bool(isSubschema(inner, outer))  # pyright: ignore[reportUnknownArgumentType]
    except Exception as error:  # the tool has no base class for what it cannot decide
        raise IncomparableSchema(f"{inner.get('title')}: {error}") from error


def _prepared(schema: Schema, *, closed: bool) -> Schema:
    prepared = cast("Schema", _normalised(schema, closed=closed))
    prepared["$schema"] = "http://json-schema.org/draft-04/schema#"
    return prepared


def _normalised(node: JsonValue, *, closed: bool) -> JsonValue:
    """Without annotations; objects closed or open as asked; a `format` becomes a pattern, since the tool ignores formats."""
    if isinstance(node, list):
        return [_normalised(item, closed=closed) for item in node]
    if not isinstance(node, dict):
        return node
    result: Schema = {}
    for key, value in node.items():
        if key in _NAMED_SUBSCHEMAS and isinstance(value, dict):
            result[key] = {name: _normalised(item, closed=closed) for name, item in value.items()}
        elif key == "format":
            result["pattern"] = f"^format {value}$"
        elif key == "const":
            result["enum"] = [value]
        elif key not in _ANNOTATION_KEYWORDS:
            result[key] = _normalised(value, closed=closed) if key not in {"enum", "required"} else value
    if "properties" in result:
        result["additionalProperties"] = not closed
    return result
