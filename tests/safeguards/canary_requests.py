"""Requests that carry a canary in one place each, made from a service's OpenAPI document: a new route is covered by itself."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid4

from tests.safeguards.canary_identities import Identity
from tests.safeguards.canary_workbooks import Upload, uploads

METHODS = ("get", "put", "post", "delete", "patch")
MULTIPART = "multipart/form-data"
SCHEMA_DEPTH_MAX = 6
_SAMPLES = (
    "fa",
    "KHA-123",
    "1405-07",
    "2027-01-15",
    "nrc.reports",
    f"{uuid4()}/1405-07",
    "rebuild",
    "ABCDEFGHIJKLMNOPQRSTUVWX",
)
"""Values of which one fits each pattern that the documents name; a new pattern costs depth, not coverage."""
_USUAL = {
    "county": ["rey"],
    "home_county": ["rey"],
    "counties": ["rey"],
    "service": ["education"],
    "services": ["education"],
    "assignee": ["caseworker.two"],
    "preferred_language": ["fa"],
    "relation": ["professional"],
    "reason": ["workload", "fit_to_travel"],
    "opens_at": ["08:00"],
    "closes_at": ["11:00"],
    "action": ["check"],
}
"""What is valid where the first that fits a schema is not."""
_HEADERS = ("X-Correlation-Id", "traceparent", "Accept-Language", "User-Agent", "tracestate", "baggage", "Referer")


@dataclass(frozen=True, slots=True)
class Probe:
    """One request. `place` says where the canary is, `writing` how it is written."""

    method: str
    route: str
    place: str
    writing: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None
    upload: Upload | None = None


class World:
    """Ids that exist, by the name that parameters and fields give them; each is offered in turn."""

    def __init__(self, ids: Mapping[str, list[str]]) -> None:
        self._ids = {name: itertools.cycle(values) for name, values in {**_USUAL, **ids}.items() if values}

    def value(self, name: str, schema: Mapping[str, Any]) -> str | None:
        if name in self._ids:
            return next(self._ids[name])
        return str(uuid4()) if schema.get("format") == "uuid" else None


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    route: str
    parameters: list[Mapping[str, Any]]
    body: Mapping[str, Any] | None
    is_upload: bool


class Document:
    """An OpenAPI document whose operations can be asked with canaries."""

    def __init__(self, document: Mapping[str, Any], world: World) -> None:
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]
        self._world = world
        self.operations = [
            self._operation(method, route, item[method])
            for route, item in document["paths"].items()
            for method in METHODS
            if method in item
        ]

    def probes(self, people: list[Identity], repeated: bool = True) -> Iterator[Probe]:
        """Every place of every operation at least once; if `repeated`, again and again until every writing was sent."""
        all_writings = [writing for person in people for writing in person.writings()]
        writings, sent = itertools.cycle(all_writings), 0
        while True:
            for operation in self.operations:
                for probe in self._probes_of(operation, writings):
                    sent += 1
                    yield probe
            if not repeated or sent >= len(all_writings):
                return

    def plain(self, method: str) -> Iterator[Probe]:
        """One valid request to each route of a method, without a canary."""
        for operation in self.operations:
            if operation.method == method:
                yield self._request(operation, "nowhere", "")

    def _operation(self, method: str, route: str, item: Mapping[str, Any]) -> Operation:
        content: Mapping[str, Any] = item.get("requestBody", {}).get("content", {})
        body = next(iter(content.values()))["schema"] if content else None
        return Operation(method.upper(), route, item.get("parameters", []), body, MULTIPART in content)

    def _probes_of(self, operation: Operation, writings: Iterator[str]) -> Iterator[Probe]:
        for parameter in operation.parameters:
            yield self._with_parameter(operation, parameter, next(writings))
        for header in _HEADERS:
            yield self._request(operation, f"header {header}", writing := next(writings), headers={header: writing})
        yield self._request(operation, "unknown query", writing := next(writings), query={"q": writing})
        if operation.is_upload:
            for upload in uploads(next(writings)):
                yield self._request(operation, f"upload {upload.place}", upload.writing, upload=upload)
        elif operation.body is not None:
            yield from self._in_body(operation, operation.body, writings)

    def _with_parameter(self, operation: Operation, parameter: Mapping[str, Any], writing: str) -> Probe:
        name, kind = parameter["name"], parameter["in"]
        place = f"{kind} {name}"
        if kind == "path":
            return self._request(operation, place, writing, path={name: writing})
        if kind == "query":
            return self._request(operation, place, writing, query={name: writing})
        return self._request(operation, place, writing, headers={name: writing})

    def _in_body(self, operation: Operation, schema: Mapping[str, Any], writings: Iterator[str]) -> Iterator[Probe]:
        whole = self.sample(schema, optional=True)
        least = self.sample(schema)
        for path in self._leaves(schema):
            for base in (least, whole):
                writing = next(writings)
                body = _replaced(base, path, writing)
                yield self._request(operation, f"body {'.'.join(map(str, path))}", writing, body=body)
        writing = next(writings)
        number = re.sub(r"\D", "", writing)[:15]
        for path in self._leaves(schema, ("integer", "number")) if number.isascii() and number else ():
            body = _replaced(least, path, int(number))
            yield self._request(operation, f"number {'.'.join(map(str, path))}", writing, body=body)
        writing = next(writings)
        yield self._request(operation, "body unknown field", writing, body={**least, "remark": writing})
        yield self._request(operation, "body field name", writing, body={**least, writing: 1})
        yield self._request(operation, "body no object", writing, body=writing)
        yield self._request(operation, "body no JSON", writing, content=b'{"x": ' + writing.encode())

    def _request(
        self,
        operation: Operation,
        place: str,
        writing: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
        upload: Upload | None = None,
    ) -> Probe:
        filled, needed = operation.route, dict[str, str]()
        for parameter in operation.parameters:
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] == "path":
                value = (path or {}).get(name) or str(self.sample(schema, name=name))
                filled = filled.replace("{" + name + "}", quote(value, safe=""))
            elif parameter["in"] == "query" and parameter.get("required"):
                needed[name] = str(self.sample(schema, name=name))
        if body is None and content is None and operation.body is not None and not operation.is_upload:
            body = self.sample(operation.body)
        if content is None and body is not None:
            content = json.dumps(body, ensure_ascii=len(writing) % 2 == 0).encode()
        if operation.is_upload and upload is None:
            upload = next(uploads(""))
        sent = {name: _as_header(name, value) for name, value in (headers or {}).items()}
        return Probe(
            operation.method,
            operation.route,
            place,
            writing,
            filled,
            {**needed, **(query or {})},
            sent,
            content,
            upload,
        )

    def sample(self, schema: Mapping[str, Any], name: str = "", optional: bool = False, depth: int = 0) -> Any:
        """A value that fits, as far as the document tells."""
        schema = self._resolved(schema)
        if "enum" in schema:
            known = self._world.value(name, schema)
            return known if known in schema["enum"] else schema["enum"][0]
        kind = schema.get("type")
        simple: dict[Any, Any] = {
            "integer": max(int(schema.get("minimum", 1)), 1),
            "number": 1,
            "boolean": False,
            "object": {},
        }
        if "properties" in schema:
            required = schema.get("required", [])
            return {
                key: self.sample(value, key, optional, depth + 1)
                for key, value in schema["properties"].items()
                if (key in required or optional) and depth < SCHEMA_DEPTH_MAX
            }
        if kind == "array":
            return [self.sample(schema.get("items", {}), name, optional, depth + 1)]
        return simple[kind] if kind in simple else self._text(schema, name)

    def _text(self, schema: Mapping[str, Any], name: str) -> str:
        if (known := self._world.value(name, schema)) is not None:
            return known
        if schema.get("format") in ("date", "time"):
            day = datetime.now(UTC).date() + timedelta(days=-3 if name.endswith(("dated_on", "counted_on")) else 40)
            return day.isoformat() if schema["format"] == "date" else "09:00"
        pattern = schema.get("pattern")
        return next((text for text in _SAMPLES if re.search(pattern, text)), "fa") if pattern else "KHA-123"

    def _leaves(
        self, schema: Mapping[str, Any], kinds: tuple[str, ...] = ("string",), depth: int = 0
    ) -> Iterator[tuple[str | int, ...]]:
        schema = self._resolved(schema)
        if depth > SCHEMA_DEPTH_MAX:
            return
        for key, value in schema.get("properties", {}).items():
            for rest in self._leaves(value, kinds, depth + 1):
                yield (key, *rest)
        if schema.get("type") == "array":
            for rest in self._leaves(schema.get("items", {}), kinds, depth + 1):
                yield (0, *rest)
        elif "properties" not in schema and schema.get("type", "string") in kinds:
            yield ()

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rsplit("/", 1)[-1]]
            elif choices := schema.get("anyOf") or schema.get("oneOf"):
                typed = cast("list[Mapping[str, Any]]", choices)
                schema = next((one for one in typed if one.get("type") != "null"), typed[0])
            else:
                return schema


def _replaced(base: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """`base` with `value` at `path`; what the path needs is made."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        items: list[Any] = deepcopy(cast("list[Any]", base)) or [{}]
        return [_replaced(items[0], rest, value), *items[1:]]
    members = deepcopy(cast("dict[str, Any]", base)) if isinstance(base, dict) else {}
    return {**members, first: _replaced(members.get(first, {}), rest, value)}


def _as_header(name: str, writing: str) -> str:
    """A header is visible ASCII; a trace is hexadecimal."""
    digits = re.sub(r"\D", "", writing)
    if name == "traceparent" and digits.isascii() and digits:
        return f"00-{digits[-15:]:a>32}-{digits[-15:]:b>16}-01"
    return quote(writing, safe="+=@ ") if name not in ("idempotency-key", "X-Correlation-Id") else quote(writing)
