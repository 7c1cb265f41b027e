"""HTTP for a service: FastAPI with identity, county row-level security, idempotent commands and problem+json.

A service's api.py declares routes on a plain APIRouter and takes `Commands` or `Queries` by `Depends(allow(...))`
or `Depends(allow_read(...))`; transactions, retries, keys and errors are the kit's work.
"""

import asyncio
import copy
import functools
import hashlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, cast, get_type_hints

import asyncpg
import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.http import HTTPBase
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit import idempotency, metrics, problems
from shared.kit.auth import Principal, TokenVerifier
from shared.kit.basic_auth import Grant, PasswordVerifier
from shared.kit.connections import Connection, Pool
from shared.kit.database import PoolBusyError, is_unavailable, read_transaction, wait_for_standby
from shared.kit.health import Readiness
from shared.kit.http_boundary import (
    CONTEXT_KEY,
    JSON_BODY_BYTES_MAX,
    UPLOAD_BYTES_MAX,
    HttpBoundary,
    RequestContext,
    route_of,
)
from shared.kit.http_documents import DocumentProvider, document_router, openapi_with_problems
from shared.kit.http_routes import answer_problem, require_known_query
from shared.kit.telemetry import current_traceparent
from shared.kit.transaction import Transaction, begin

COMMAND_TIMEOUT_S: Final = 60.0
TRANSACTION_TRIES_MAX: Final = 4
TRANSACTION_RETRY_DELAY_S: Final = 0.02

_COMPARTMENT_KEY: Final = "payesh.compartment"

C = TypeVar("C", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")
Handler = Callable[[C, Transaction], Coroutine[Any, Any, R]]


@dataclass(frozen=True, slots=True)
class ApiResources:
    """What requests are answered with; opened and closed by the process, not by the application."""

    pool: Pool
    verifier: TokenVerifier
    passwords: PasswordVerifier | None = None


class Commands:
    """Runs one command of an authenticated caller; made per request by `allow`."""

    def __init__(
        self, principal: Principal, resources: ApiResources, request: Request, response: Response, key: str | None
    ) -> None:
        self.principal = principal
        self._pool = resources.pool
        self._request = request
        self._response = response
        self._context = _context(request)
        self._key = key

    @property
    def correlation_id(self) -> str:
        return self._context.correlation_id

    def require_county(self, county: County) -> None:
        """Raises Refusal (403) unless the caller's token grants `county`."""
        _require_county(self.principal, county)

    def without_key(self) -> "Commands":
        """The same caller without the Idempotency-Key: for a request that is several commands, each safe to repeat."""
        unkeyed = copy.copy(self)
        unkeyed._key = None
        return unkeyed

    async def execute(self, handler: Handler[C, R], command: C, timeout_s: float = COMMAND_TIMEOUT_S) -> R:
        """Run ``handler(command, tx)`` in one transaction and return its result; the result's type must be annotated.

        With an Idempotency-Key a repeated request gets the first one's result and `Idempotency-Replayed: true`.
        Deadlocks and serialization failures are tried again. Raises Refusal; then nothing was done, unless it is
        kit.outcome_unknown.
        """
        result_type = result_type_of(handler)
        for attempt in range(TRANSACTION_TRIES_MAX):
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._run(handler, command, result_type)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                await asyncio.sleep(random.uniform(0.5, 1.5) * TRANSACTION_RETRY_DELAY_S * 2**attempt)  # noqa: S311 - jitter
            except PoolBusyError:
                raise
            except Exception as error:
                # Read only: what was the primary a moment ago.
                if isinstance(error, TimeoutError | asyncpg.ReadOnlySQLTransactionError) or is_unavailable(error):
                    raise Refusal(problems.OUTCOME_UNKNOWN) from error
                raise
        raise Refusal(problems.CONTENTION)

    async def execute_elsewhere(
        self, work: Callable[[idempotency.RequestKey | None], Awaitable[T]], command: BaseModel, result_type: type[T]
    ) -> T:
        """Run ``work(key)``, which begins transactions of its own and claims and remembers `key` in them."""
        key = None if self._key is None else self._request_key(self._key, command)
        try:
            return await work(key)
        except idempotency.AnsweredBefore as earlier:
            return self._answer_again(earlier.answer, TypeAdapter(result_type))

    async def _run(self, handler: Handler[C, R], command: C, result_type: TypeAdapter[R]) -> R:
        async with begin(
            self._pool,
            self.principal,
            self.correlation_id,
            traceparent=current_traceparent(),
            compartment=_compartment(self._request),
        ) as tx:
            if self._key is None:
                return await handler(command, tx)
            key = self._request_key(self._key, command)
            try:
                await idempotency.claim(tx.connection, key)
            except idempotency.AnsweredBefore as earlier:
                await wait_for_standby(tx.connection)
                return self._answer_again(earlier.answer, result_type)
            result = await handler(command, tx)
            status: int = getattr(self._request.scope.get("route"), "status_code", None) or 200
            await idempotency.remember(tx.connection, key, result_type.dump_json(result), status)
            return result

    def _answer_again(self, earlier: idempotency.StoredAnswer, result_type: TypeAdapter[T]) -> T:
        try:
            result = result_type.validate_json(earlier.response)
        except ValidationError as error:
            raise Refusal(problems.IDEMPOTENCY_ANSWER_UNREADABLE) from error
        self._response.headers["Idempotency-Replayed"] = "true"
        metrics.HTTP_REPLAYED.labels(route_of(self._request.scope)).inc()
        return result

    def _request_key(self, key: str, command: BaseModel) -> idempotency.RequestKey:
        body_sha256 = self._context.body_sha256
        if body_sha256 is None:
            body_sha256 = hashlib.sha256(
                orjson.dumps(
                    command.model_dump(), default=_canonical, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
                )
            ).digest()
        url = self._request.url
        request_sha256 = idempotency.fingerprint(self._request.method, url.path, url.query, body_sha256)
        compartment = _compartment(self._request)
        return idempotency.RequestKey(self.principal.subject, idempotency.digest(key, compartment), request_sha256)


class Queries:
    """Reads for an authenticated caller; made per request by `allow_read`."""

    def __init__(self, principal: Principal, resources: ApiResources, request: Request) -> None:
        self.principal = principal
        self._pool = resources.pool
        self._compartment = _compartment(request)

    def require_county(self, county: County) -> None:
        """Raises Refusal (403) unless the caller's token grants `county`."""
        _require_county(self.principal, county)

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """``async with queries.read() as connection``: one snapshot, read only, only the caller's counties."""
        return read_transaction(self._pool, self.principal, self._compartment)


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")
_basic = HTTPBase(scheme="basic", auto_error=False)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
_BasicCredentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_basic)]
_IdempotencyKey = Annotated[
    str | None,
    Header(pattern=idempotency.KEY_PATTERN, description="Ask again with the same key to get the same answer, once."),
]


def allow(*roles: str) -> Callable[..., Coroutine[Any, Any, Commands]]:
    """Dependency for commands: the caller must hold one of `roles`. Raises ValueError when none is named."""
    required = _required(roles)

    async def commands(
        request: Request, response: Response, credentials: _Credentials, idempotency_key: _IdempotencyKey = None
    ) -> Commands:
        resources = _resources(request)
        principal = await _authorise(resources, credentials, required)
        return Commands(principal, resources, request, response, idempotency_key)

    return commands


def allow_read(*roles: str) -> Callable[..., Coroutine[Any, Any, Queries]]:
    """Dependency for queries: the caller must hold one of `roles`, and name only query parameters that the route knows (a
    misspelt filter must not answer everything). Raises ValueError when none is named."""
    required = _required(roles)

    async def queries(request: Request, credentials: _Credentials) -> Queries:
        resources = _resources(request)
        principal = await _authorise(resources, credentials, required)
        require_known_query(request)
        return Queries(principal, resources, request)

    return queries


def allow_password(*roles: str) -> Callable[..., Coroutine[Any, Any, Commands]]:
    """As `allow`, for clients that can send no token: takes HTTP Basic as well."""
    required = _required(roles)

    async def commands(
        request: Request,
        response: Response,
        credentials: _Credentials,
        basic: _BasicCredentials,
        idempotency_key: _IdempotencyKey = None,
    ) -> Commands:
        resources = _resources(request)
        principal = await _authorise_any(resources, credentials, basic, required)
        return Commands(principal, resources, request, response, idempotency_key)

    return commands


def allow_password_read(*roles: str) -> Callable[..., Coroutine[Any, Any, Queries]]:
    """As `allow_read`, for clients that can send no token: takes HTTP Basic as well."""
    required = _required(roles)

    async def queries(request: Request, credentials: _Credentials, basic: _BasicCredentials) -> Queries:
        resources = _resources(request)
        return Queries(await _authorise_any(resources, credentials, basic, required), resources, request)

    return queries


async def grant_token(request: Request, username: str, password: str) -> Grant:
    """The issuer's token for a username and password, for routes that log in. Raises Refusal: 401, 429, 503."""
    passwords = _resources(request).passwords
    if passwords is None:
        raise Refusal(problems.IDENTITY_UNAVAILABLE)
    return await passwords.grant(username, password)


def create_api(
    *,
    service: str,
    routers: Sequence[APIRouter],
    readiness: Readiness,
    asyncapi: DocumentProvider,
    version: str = "0.1.0",
    lifespan: Lifespan[FastAPI] | None = None,
    json_body_bytes_max: int = JSON_BODY_BYTES_MAX,
    upload_bytes_max: int = UPLOAD_BYTES_MAX,
    raw_media_types: frozenset[str] = frozenset(),
    follows_callers: bool = True,
) -> FastAPI:
    """The HTTP application of one service. Call `connect` before it serves; exporting its documents needs no more.

    Bodies of `raw_media_types` pass as forms do: bounded, and read by the route itself. `follows_callers`: see HttpBoundary.
    """
    app = FastAPI(
        title=f"Payesh {service}",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    mount(app, routers)
    app.include_router(document_router(app, readiness=readiness, asyncapi=asyncapi))
    app.openapi = functools.partial(openapi_with_problems, app)
    for kind in (Refusal, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer_problem)
    app.add_middleware(
        HttpBoundary,
        json_body_bytes_max=json_body_bytes_max,
        upload_bytes_max=upload_bytes_max,
        raw_media_types=raw_media_types,
        follows_callers=follows_callers,
    )
    return app


def mount(app: FastAPI, routers: Iterable[APIRouter], compartment: str | None = None) -> None:
    """Add routes. What those of a compartment do in the database, they do with its role alone.

    Each router is to hold its routes itself: FastAPI builds every route again for each router around it.
    """
    dependencies = [] if compartment is None else [Depends(_in_compartment(compartment))]
    for router in routers:
        app.include_router(router, dependencies=dependencies)


def connect(app: FastAPI, *, pool: Pool, verifier: TokenVerifier, passwords: PasswordVerifier | None = None) -> None:
    """Give the application what it answers with: a pool of the api role, the verifier of tokens, that of passwords."""
    app.state.resources = ApiResources(pool, verifier, passwords)


@functools.cache
def result_type_of(handler: Callable[..., Any]) -> TypeAdapter[Any]:
    """Adapter of the handler's annotated result. Raises TypeError if the handler does not say what it returns."""
    annotations = cast("Mapping[str, Any]", getattr(handler, "__annotations__", {}))
    if "return" not in annotations:
        raise TypeError(f"{handler!r} must annotate its result, so that it can be stored and replayed")
    only_result = type("OnlyResult", (), {"__annotations__": {"return": annotations["return"]}})
    names = cast("dict[str, Any]", getattr(handler, "__globals__", {}))
    return TypeAdapter(get_type_hints(only_result, globalns=names)["return"])


async def _authorise(
    resources: ApiResources, credentials: HTTPAuthorizationCredentials | None, required: frozenset[str]
) -> Principal:
    if credentials is None:
        raise Refusal(problems.TOKEN_MISSING)
    return _require_role(await resources.verifier.verify(credentials.credentials), required)


async def _authorise_any(
    resources: ApiResources,
    token: HTTPAuthorizationCredentials | None,
    basic: HTTPAuthorizationCredentials | None,
    required: frozenset[str],
) -> Principal:
    if token is not None or resources.passwords is None:
        return await _authorise(resources, token, required)
    if basic is None or basic.scheme.lower() != "basic":
        raise Refusal(problems.PASSWORD_MISSING)
    return _require_role(await resources.passwords.verify(basic.credentials), required)


def _require_role(principal: Principal, required: frozenset[str]) -> Principal:
    if not principal.has_any_role(required):
        raise Refusal(problems.ROLE_NOT_ALLOWED, allowed=", ".join(sorted(required)))
    return principal


def _require_county(principal: Principal, county: County) -> None:
    if county not in principal.counties:
        raise Refusal(problems.COUNTY_NOT_GRANTED)


def _required(roles: tuple[str, ...]) -> frozenset[str]:
    if not roles:
        raise ValueError("name at least one role")
    return frozenset(roles)


def _in_compartment(compartment: str) -> Callable[[Request], None]:
    def enter(request: Request) -> None:
        request.scope[_COMPARTMENT_KEY] = compartment

    return enter


def _compartment(request: Request) -> str | None:
    return request.scope.get(_COMPARTMENT_KEY)


def _resources(request: Request) -> ApiResources:
    resources: ApiResources = request.app.state.resources
    return resources


def _context(request: Request) -> RequestContext:
    context: RequestContext = request.scope[CONTEXT_KEY]
    return context


def _canonical(value: object) -> object:
    """What orjson cannot encode: file contents by their hash, sets in order, the rest by their text."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in cast("frozenset[object]", value))
    return str(value)
