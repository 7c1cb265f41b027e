"""What every service serves beside its own routes: health, metrics, OpenAPI, AsyncAPI, and both as plain pages.

The pages load nothing from anywhere else: they are written here, from the documents themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, Final, cast

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse, Response

from shared.kit import metrics, problems
from shared.kit.health import Readiness

DocumentProvider = Callable[[], Mapping[str, Any]]

_PAGE_HEADERS: Final = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#f2f2f2;padding:.1rem .3rem;direction:ltr;unicode-bidi:embed}"
    "article{border-top:1px solid #ccc;padding:.5rem 0}table{border-collapse:collapse}"
    "td,th{border:1px solid #ddd;padding:.2rem .6rem;text-align:start}"
)
_PROBLEM_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "RFC 9457 problem; `detail` is in Persian or English by Accept-Language, `code` is stable.",
    "required": ["type", "title", "status", "detail", "code", "correlation_id", "details"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "correlation_id": {"type": "string"},
        "safeguard": {"type": "integer"},
        "safeguard_fa": {"type": "string"},
        "safeguard_en": {"type": "string"},
        "details": {"type": "object"},
    },
}


def document_router(app: FastAPI, *, readiness: Readiness, asyncapi: DocumentProvider) -> APIRouter:
    """Routes without authentication: /health /ready /metrics /openapi.json /asyncapi.json /docs /docs/events."""
    router = APIRouter(include_in_schema=False)

    async def health() -> Response:
        return JSONResponse({"status": "alive"})

    async def ready() -> Response:
        report = await readiness.report()
        is_ready = all(result.ok for result in report.values())
        checks = {name: {"ok": result.ok, "detail": result.detail} for name, result in report.items()}
        document = {
            "status": "ready" if is_ready else "not_ready",
            "failed": sorted(name for name, result in report.items() if not result.ok),
            "checks": checks,
        }
        headers = {} if is_ready else {"retry-after": str(problems.RETRY_AFTER_S)}
        return JSONResponse(document, status_code=200 if is_ready else 503, headers=headers)

    async def metrics_text() -> Response:
        return Response(metrics.exposition(), headers={"content-type": metrics.EXPOSITION_CONTENT_TYPE})

    async def openapi_json() -> Response:
        return JSONResponse(app.openapi())

    async def asyncapi_json() -> Response:
        return JSONResponse(asyncapi())

    async def http_page() -> Response:
        return HTMLResponse(_page(app.title, _operations(app.openapi())), headers=_PAGE_HEADERS)

    async def events_page() -> Response:
        return HTMLResponse(_page(f"{app.title}: events", _channels(asyncapi())), headers=_PAGE_HEADERS)

    for path, endpoint in (
        ("/health", health),
        ("/ready", ready),
        ("/metrics", metrics_text),
        ("/openapi.json", openapi_json),
        ("/asyncapi.json", asyncapi_json),
        ("/docs", http_page),
        ("/docs/events", events_page),
    ):
        router.add_api_route(path, endpoint, methods=["GET"], response_model=None)
    return router


def openapi_with_problems(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once, in which every operation's refusals are problem+json."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        refusal = {
            "description": "Refused; see `code`.",
            "content": {problems.PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for _, _, operation in _each_operation(document):
            responses = operation.setdefault("responses", {})
            responses.pop("422", None)
            responses.update({"4XX": refusal, "5XX": refusal})
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Problem"] = dict(_PROBLEM_SCHEMA)
        app.openapi_schema = document
    return app.openapi_schema


def _each_operation(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    paths = cast("dict[str, dict[str, dict[str, Any]]]", document.get("paths", {}))
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield path, method, operation


def _operations(document: Mapping[str, Any]) -> str:
    return "".join(
        f"<article><h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(operation.get('description') or operation.get('summary') or '')}</p>"
        f"{_parameters(operation)}{_body(operation)}</article>"
        for path, method, operation in _each_operation(document)
    )


def _parameters(operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item['in'])}</td>"
        f"<td>{'required' if item.get('required') else ''}</td></tr>"
        for item in operation.get("parameters", [])
    )
    return f"<table><tr><th>parameter</th><th>in</th><th></th></tr>{rows}</table>" if rows else ""


def _body(operation: Mapping[str, Any]) -> str:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    return "".join(
        f"<p>body: <code>{escape(media_type)}</code> {escape(_schema_name(description.get('schema', {})))}</p>"
        for media_type, description in content.items()
    )


def _schema_name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", schema.get("title", ""))).rpartition("/")[2]


def _channels(document: Mapping[str, Any]) -> str:
    channels = cast("Mapping[str, Mapping[str, Any]]", document.get("channels", {}))
    return "".join(
        f"<article><h2><code>{escape(str(channel.get('address', name)))}</code></h2>"
        f"<p>{escape(str(channel.get('description', '')))}</p><ul>"
        + "".join(f"<li><code>{escape(message)}</code></li>" for message in channel.get("messages", {}))
        + "</ul></article>"
        for name, channel in channels.items()
    )


def _page(title: str, content: str) -> str:
    links = '<a href="/docs">HTTP</a> · <a href="/docs/events">events</a> · <a href="/openapi.json">OpenAPI</a> · '
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f'<h1>{escape(title)}</h1><p>{links}<a href="/asyncapi.json">AsyncAPI</a></p>{content}</html>'
    )
