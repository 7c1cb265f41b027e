"""The outermost layer of HTTP: correlation, trace, limits on bodies, metrics, one log line, and no error untold.

Plain ASGI around the application, so that nothing a client sends can pass it as a stack trace or an unbounded body.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import asyncpg
import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from shared.contracts.refusals import Refusal, RefusalType
from shared.kit import metrics, problems
from shared.kit.database import is_unavailable
from shared.kit.field_problems import describe_fields
from shared.kit.logging import bound_contextvars, get_logger
from shared.kit.telemetry import span

JSON_BODY_BYTES_MAX: Final = 1024 * 1024
UPLOAD_BYTES_MAX: Final = 32 * 1024 * 1024
JSON_DEPTH_MAX: Final = 32
CONTEXT_KEY: Final = "payesh.request"

_CORRELATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_CALLERS_IDS: Final = frozenset({b"x-correlation-id", b"traceparent"})
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FORM_TYPES: Final = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
_RAW_TYPES: Final = "image/"
"""Pictures are taken by any service, but only by a route that calls `read_raw_body`."""
_QUIET_ROUTES: Final = frozenset({"/health", "/ready", "/metrics"})
_EMPTY_SHA256: Final = hashlib.sha256(b"").digest()

_REASONS: Final[tuple[tuple[type[Exception], RefusalType], ...]] = (
    (TimeoutError, problems.DATABASE_UNAVAILABLE),
    (asyncpg.InsufficientPrivilegeError, problems.COUNTY_NOT_GRANTED),
    (asyncpg.DataError, problems.VALUE_NOT_STORABLE),
    (asyncpg.NotNullViolationError, problems.INTERNAL_ERROR),
    (asyncpg.IntegrityConstraintViolationError, problems.CONFLICT),
)
"""First match wins. Row-level security answers a write beyond the caller's counties with InsufficientPrivilegeError."""

_log = get_logger(__name__)


@dataclass(slots=True)
class RequestContext:
    """What the boundary knows of a request; the application finds it in the ASGI scope under `CONTEXT_KEY`.

    `body_sha256` is of the canonical JSON body; None for a form or a picture, which only the route can name.
    `reads_raw` is set by `read_raw_body`: until then not a byte of a picture is taken.
    """

    correlation_id: str
    language: problems.Language
    body_sha256: bytes | None = _EMPTY_SHA256
    reads_raw: bool = False


class BodyTooLargeError(HTTPException):
    """A form went over its limit while it was being read; FastAPI lets HTTPException pass, nothing else."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(status_code=413)
        self.bytes_max = bytes_max


class HttpBoundary:
    """ASGI middleware; see the module.

    A service that does not follow its callers gives each request a correlation id and a trace of its own, whatever is offered.
    """

    def __init__(
        self,
        app: ASGIApp,
        json_body_bytes_max: int = JSON_BODY_BYTES_MAX,
        upload_bytes_max: int = UPLOAD_BYTES_MAX,
        raw_media_types: frozenset[str] = frozenset(),
        follows_callers: bool = True,
    ) -> None:
        self._app = app
        self._follows_callers = follows_callers
        self._json_body_bytes_max = json_body_bytes_max
        self._upload_bytes_max = upload_bytes_max
        self._upload_types = _FORM_TYPES | raw_media_types

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers_of(scope)
        if not self._follows_callers:
            headers = {name: value for name, value in headers.items() if name not in _CALLERS_IDS}
        context = RequestContext(
            correlation_id=_correlation_id(headers.get(b"x-correlation-id")),
            language=problems.choose_language(headers.get(b"accept-language")),
        )
        scope[CONTEXT_KEY] = context
        method = scope["method"] if scope["method"] in METHODS else "other"
        with (
            bound_contextvars(correlation_id=context.correlation_id),
            span(f"HTTP {method}", headers.get(b"traceparent")) as request_span,
        ):
            started_s = time.perf_counter()
            answered = _Answered(send, context.correlation_id)
            try:
                await self._answer(scope, receive, answered, headers, context)
            finally:
                _record(scope, method, answered.status, time.perf_counter() - started_s)
                request_span.set(**{"http.route": route_of(scope), "http.response.status_code": answered.status})

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        answered: "_Answered",
        headers: Mapping[bytes, str],
        context: RequestContext,
    ) -> None:
        try:
            guarded = await self._guard_body(scope, receive, headers, context)
            if guarded is not None:
                await self._app(scope, guarded, answered.send)
        except Exception as error:
            if answered.status:
                _log.exception("http_answer_broken_off", route=route_of(scope))
                raise
            response = problem_response(error, context)
            await response(scope, receive, answered.send)

    async def _guard_body(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, str], context: RequestContext
    ) -> Receive | None:
        """The receive to give the application; None if the client left. Raises Refusal for a body we do not take."""
        length = headers.get(b"content-length", "")
        if length in ("", "0") and b"transfer-encoding" not in headers:
            return receive
        media_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        is_json = media_type == "application/json" or (
            media_type.startswith("application/") and media_type.endswith("+json")
        )
        is_raw = media_type.startswith(_RAW_TYPES)
        if (
            not (is_json or is_raw or media_type in self._upload_types)
            or headers.get(b"content-encoding", "identity") != "identity"
        ):
            raise Refusal(problems.MEDIA_TYPE_NOT_SUPPORTED)
        bytes_max = self._json_body_bytes_max if is_json else self._upload_bytes_max
        if length.isdecimal() and int(length[:20]) > bytes_max:
            raise Refusal(problems.BODY_TOO_LARGE, bytes_max=bytes_max)
        if not is_json:
            context.body_sha256 = None
            return _raw(receive, context) if is_raw else _bounded(receive, bytes_max)
        body = await _read(receive, bytes_max)
        if body is None:
            return None
        if body:
            canonical = parse_strict_json(body)
            if b"idempotency-key" in headers:
                context.body_sha256 = hashlib.sha256(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)).digest()
        return _replay(body, receive)


async def read_raw_body(request: Request, bytes_max: int) -> bytes:
    """The body of a request that sends a picture (``image/*``); only a route that calls this takes one.

    Raises Refusal for a body of another type or beyond `bytes_max`.
    """
    if not request.headers.get("content-type", "").lower().startswith(_RAW_TYPES):
        raise Refusal(problems.MEDIA_TYPE_NOT_SUPPORTED)
    context: RequestContext = request.scope[CONTEXT_KEY]
    context.reads_raw = True
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise Refusal(problems.BODY_TOO_LARGE, bytes_max=bytes_max)
    return bytes(body)


def parse_strict_json(body: bytes) -> object:
    """The value of `body`. Raises Refusal for what lenient parsers let through: NaN, infinite numbers, lone
    surrogates, repeated keys, NUL characters (PostgreSQL has no place for them), more than `JSON_DEPTH_MAX` levels.
    """
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        too_deep = "depth limit" in str(error)
        reason = problems.BODY_TOO_DEEP if too_deep else problems.BODY_NOT_JSON
        raise Refusal(reason, depth_max=JSON_DEPTH_MAX) from error
    _refuse_unstorable(value)
    json.loads(body, object_pairs_hook=_unique_keys)
    return value


def refusal_of(error: Exception) -> Refusal:
    """How to tell `error` to a client; anything unforeseen becomes an internal error that says nothing of its cause."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, RequestValidationError):
        return Refusal(problems.REQUEST_INVALID, errors=describe_fields(error.errors()))
    if isinstance(error, BodyTooLargeError):
        return Refusal(problems.BODY_TOO_LARGE, bytes_max=error.bytes_max)
    if isinstance(error, HTTPException):
        return Refusal(_reason_of_status(error.status_code))
    if is_unavailable(error):
        return Refusal(problems.DATABASE_UNAVAILABLE)
    return Refusal(next((reason for kind, reason in _REASONS if isinstance(error, kind)), problems.INTERNAL_ERROR))


def problem_response(error: Exception, context: RequestContext) -> Response:
    """The problem+json answer to `error`; logs it once, as loudly as it deserves."""
    refusal = refusal_of(error)
    reason = refusal.reason
    if reason is problems.INTERNAL_ERROR:
        _log.error("http_internal_error", exc_info=error)
    elif refusal is not error and not isinstance(error, RequestValidationError | HTTPException):
        _log.warning("http_refused", code=reason.code, error=f"{type(error).__name__}: {error}")
    else:
        _log.info("http_refused", code=reason.code)
    document = problems.problem_document(refusal, language=context.language, correlation_id=context.correlation_id)
    headers = problems.problem_headers(reason, context.language)
    if isinstance(error, HTTPException) and error.headers:
        headers |= {name.lower(): value for name, value in error.headers.items()}
    return Response(
        problems.encode_problem(document),
        status_code=reason.status,
        headers=headers,
        media_type=problems.PROBLEM_MEDIA_TYPE,
    )


def route_of(scope: Scope) -> str:
    """The route's template, which is one of a bounded set; never the path itself."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def _reason_of_status(status: int) -> RefusalType:
    known = {
        400: problems.BODY_UNREADABLE,
        403: problems.ROLE_NOT_ALLOWED,
        404: problems.ROUTE_NOT_FOUND,
        405: problems.METHOD_NOT_ALLOWED,
        415: problems.MEDIA_TYPE_NOT_SUPPORTED,
        503: problems.DATABASE_UNAVAILABLE,
    }
    if status in known:
        return known[status]
    if status >= 500:
        return problems.INTERNAL_ERROR
    title_en, title_fa = problems.title_of(status, "en"), problems.title_of(status, "fa")
    return RefusalType(f"kit.http_{status}", status, title_en, title_fa)


def _unique_keys(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Refusal(problems.BODY_KEY_REPEATED)


def _refuse_unstorable(root: object) -> None:
    remaining: list[tuple[object, int]] = [(root, 1)]
    while remaining:
        value, depth = remaining.pop()
        if isinstance(value, str):
            if "\0" in value:
                raise Refusal(problems.BODY_TEXT_UNSTORABLE)
        elif isinstance(value, dict | list):
            if depth > JSON_DEPTH_MAX:
                raise Refusal(problems.BODY_TOO_DEEP, depth_max=JSON_DEPTH_MAX)
            if isinstance(value, dict):
                members = cast("dict[str, object]", value)
                remaining.extend((key, depth) for key in members)
                remaining.extend((member, depth + 1) for member in members.values())
            else:
                remaining.extend((item, depth + 1) for item in cast("list[object]", value))


def _headers_of(scope: Scope) -> dict[bytes, str]:
    raw = cast("list[tuple[bytes, bytes]]", scope["headers"])
    return {name: value.decode("latin-1") for name, value in raw}


def _correlation_id(offered: str | None) -> str:
    return offered if offered is not None and _CORRELATION_ID.fullmatch(offered) else str(uuid7())


async def _read(receive: Receive, bytes_max: int) -> bytes | None:
    chunks: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        size_bytes += len(chunk)
        if size_bytes > bytes_max:
            raise Refusal(problems.BODY_TOO_LARGE, bytes_max=bytes_max)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def _bounded(receive: Receive, bytes_max: int) -> Receive:
    size_bytes = 0

    async def bounded() -> Message:
        nonlocal size_bytes
        message = await receive()
        size_bytes += len(message.get("body", b""))
        if size_bytes > bytes_max:
            raise BodyTooLargeError(bytes_max)
        return message

    return bounded


def _raw(receive: Receive, context: RequestContext) -> Receive:
    async def raw() -> Message:
        if not context.reads_raw:
            raise HTTPException(status_code=415)
        return await receive()

    return raw


class _Answered:
    """Wraps send: remembers the status and adds the headers that every answer carries."""

    def __init__(self, send: Send, correlation_id: str) -> None:
        self._send = send
        self._extra = [
            (b"x-correlation-id", correlation_id.encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
        ]
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *self._extra]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await self._send(message)


def _record(scope: Scope, method: str, status: int, seconds: float) -> None:
    route = route_of(scope)
    metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
    metrics.HTTP_SECONDS.labels(route).observe(seconds)
    if route not in _QUIET_ROUTES:
        _log.info("http_request", method=method, route=route, status=status, seconds=round(seconds, 6))
