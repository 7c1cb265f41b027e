"""Whatever a client sends: an answer in problem+json with a stable code, within limits, and never a stack trace."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, File, Request, UploadFile
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel
from structlog.testing import capture_logs

from shared.contracts.refusals import Refusal, RefusalType
from shared.kit import http_boundary
from shared.kit.database import PoolBusyError
from shared.kit.health import Readiness
from shared.kit.http import create_api
from shared.kit.http_boundary import JSON_DEPTH_MAX, read_raw_body
from shared.kit.telemetry import current_traceparent
from tests.support.identity import client_of

JSON = {"content-type": "application/json"}
TEA = RefusalType("tea.cold", 409, "The {what} is cold.", "{what} سرد است.", safeguard=3)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Body(BaseModel):
    count: int
    name: str = ""
    extra: Any = None


router = APIRouter()


@router.post("/echo/{name}", status_code=201)
async def echo(name: str, body: Body) -> Body:
    return body.model_copy(update={"name": name})


@router.get("/trace")
async def trace() -> dict[str, str | None]:
    return {"traceparent": current_traceparent()}


@router.post("/files")
async def files(file: Annotated[UploadFile, File()]) -> dict[str, int]:
    return {"bytes": len(await file.read())}


@router.get("/refuse")
async def refuse() -> None:
    raise Refusal(TEA, what="چای")


ERRORS: dict[str, Exception] = {
    "bug": ZeroDivisionError("secret-detail"),
    "busy": PoolBusyError("secret-detail"),
    "down": ConnectionRefusedError("secret-detail"),
    "lost": asyncpg.ConnectionDoesNotExistError("secret-detail"),
    "shutdown": asyncpg.AdminShutdownError("secret-detail"),
    "full": asyncpg.TooManyConnectionsError("secret-detail"),
    "locked": asyncpg.LockNotAvailableError("secret-detail"),
    "range": asyncpg.NumericValueOutOfRangeError("secret-detail"),
    "unique": asyncpg.UniqueViolationError("secret-detail"),
    "null": asyncpg.NotNullViolationError("secret-detail"),
    "county": asyncpg.InsufficientPrivilegeError("secret-detail"),
}


@router.post("/pictures")
async def take_picture(request: Request) -> dict[str, int]:
    return {"bytes": len(await read_raw_body(request, 9_000))}


@router.post("/raw")
async def raw(request: Request) -> int:
    return len(await request.body())


@router.get("/errors/{name}")
async def fail(name: str) -> None:
    raise ERRORS[name]


@pytest.fixture
def app() -> FastAPI:
    return create_api(
        service="tea",
        routers=[router],
        readiness=Readiness(),
        asyncapi=lambda: {"asyncapi": "3.0.0", "channels": {"tea": {"address": "tea-<cups>", "messages": {"Cup": {}}}}},
        json_body_bytes_max=10_000,
        upload_bytes_max=20_000,
        raw_media_types=frozenset({"text/xml"}),
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code), document
    assert document["correlation_id"] == answer.headers["x-correlation-id"]
    assert "Traceback" not in answer.text
    return document


async def test_a_good_request_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo/چای", json={"count": 1})
    assert (answer.status_code, answer.json()["name"]) == (201, "چای")
    assert answer.headers["cache-control"] == "no-store"


def nested(depth: int) -> bytes:
    return b'{"count":1,"extra":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "kit.body_not_json"),
        (b'{"count":NaN}', 400, "kit.body_not_json"),
        (b'{"count":Infinity}', 400, "kit.body_not_json"),
        (b'{"count":1,"extra":1e999}', 400, "kit.body_not_json"),
        (b'{"count":1,"name":"\xff"}', 400, "kit.body_not_json"),
        (b'{"count":1,"name":"\\ud800"}', 400, "kit.body_not_json"),
        ('{"count":1}'.encode("utf-16"), 400, "kit.body_not_json"),
        (b'{"count":1,"name":"a\\u0000b"}', 400, "kit.body_text_unstorable"),
        (b'{"count":1,"extra":{"\\u0000":1}}', 400, "kit.body_text_unstorable"),
        (b'{"count":1,"count":2}', 400, "kit.body_key_repeated"),
        (b'{"count":1,"extra":[{"a":1,"\\u0061":2}]}', 400, "kit.body_key_repeated"),
        (nested(JSON_DEPTH_MAX + 1), 400, "kit.body_too_deep"),
        (nested(4_000), 400, "kit.body_too_deep"),
        (b"[" * 9_000, 400, "kit.body_too_deep"),
        (b'{"count":' + b"9" * 5_000 + b"}", 400, "kit.body_not_json"),
        (b'{"count":"three"}', 422, "kit.request_invalid"),
        (b'{"count":null}', 422, "kit.request_invalid"),
        (b"{}", 422, "kit.request_invalid"),
        (b"[]", 422, "kit.request_invalid"),
        (b"null", 422, "kit.request_invalid"),
        (b'"text"', 422, "kit.request_invalid"),
        (b"", 422, "kit.request_invalid"),
    ],
)
async def test_a_bad_body_is_a_problem(client: httpx.AsyncClient, body: bytes, status: int, code: str) -> None:
    is_problem(await client.post("/echo/x", content=body, headers=JSON), status, code)


async def test_the_deepest_body_we_take(client: httpx.AsyncClient) -> None:
    assert (await client.post("/echo/x", content=nested(JSON_DEPTH_MAX), headers=JSON)).status_code == 201


async def test_fields_are_named_in_both_languages(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo/x", json={"count": "three"}, headers={"accept-language": "fa"})
    document = is_problem(answer, 422, "kit.request_invalid")
    assert document["title"] == "مقدار نادرست"
    assert answer.headers["content-language"] == "fa"
    [field] = document["details"]["errors"]
    assert (field["field"], field["text_fa"]) == ("body.count", "باید عدد صحیح باشد")
    assert "three" not in answer.text


async def _chunks(size_bytes: int, first: bytes = b"") -> AsyncIterator[bytes]:
    yield first
    for _ in range(size_bytes // 1000):
        yield b" " * 1000


async def test_a_body_has_a_limit_with_and_without_a_declared_length(client: httpx.AsyncClient) -> None:
    for content in (b" " * 10_001, _chunks(11_000)):
        document = is_problem(await client.post("/echo/x", content=content, headers=JSON), 413, "kit.body_too_large")
        assert document["details"] == {"bytes_max": 10_000}


async def test_a_form_has_its_own_limit_while_it_is_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/files", files={"file": b"x" * 15_000})).json() == {"bytes": 15_000}
    is_problem(await client.post("/files", files={"file": b"x" * 25_000}), 413, "kit.body_too_large")
    form = {"content-type": "multipart/form-data; boundary=b"}
    begun = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    is_problem(await client.post("/files", content=_chunks(30_000, begun), headers=form), 413, "kit.body_too_large")


async def test_a_body_of_a_named_type_passes_and_is_bounded(client: httpx.AsyncClient) -> None:
    xml = {"content-type": "text/xml; charset=utf-8"}
    assert (await client.post("/raw", content=b"<a/>", headers=xml)).json() == 4
    is_problem(await client.post("/raw", content=b"x" * 20_001, headers=xml), 413, "kit.body_too_large")
    is_problem(await client.post("/raw", content=_chunks(30_000), headers=xml), 413, "kit.body_too_large")


async def test_a_broken_form_is_a_problem(client: httpx.AsyncClient) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=b"):
        answer = await client.post("/files", content=b"no form", headers={"content-type": content_type})
        assert answer.status_code in (400, 422)
        is_problem(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "text/plain"}, {"content-type": "application/xml"}, {**JSON, "content-encoding": "gzip"}],
)
async def test_what_is_neither_json_nor_a_form_is_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    is_problem(await client.post("/echo/x", content=b"{}", headers=headers), 415, "kit.media_type_not_supported")


async def test_a_picture_is_taken_only_by_a_route_that_reads_one(client: httpx.AsyncClient) -> None:
    picture = {"content-type": "image/jpeg"}
    assert (await client.post("/pictures", content=b"x" * 9_000, headers=picture)).json() == {"bytes": 9_000}
    for content in (b"x" * 9_001, _chunks(10_000)):
        document = is_problem(
            await client.post("/pictures", content=content, headers=picture), 413, "kit.body_too_large"
        )
        assert document["details"] == {"bytes_max": 9_000}
    is_problem(await client.post("/pictures", json={}), 415, "kit.media_type_not_supported")


async def test_of_a_picture_that_no_route_reads_no_byte_is_taken(client: httpx.AsyncClient) -> None:
    taken: list[bytes] = []

    async def watched() -> AsyncIterator[bytes]:
        for chunk in (b"x", b"y"):
            taken.append(chunk)
            yield chunk

    answer = await client.post("/echo/x", content=watched(), headers={"content-type": "image/png"})
    is_problem(answer, 415, "kit.media_type_not_supported")
    assert taken == []


async def test_no_such_route_and_no_such_method(client: httpx.AsyncClient) -> None:
    is_problem(await client.get("/nowhere"), 404, "kit.route_not_found")
    answer = await client.delete("/refuse")
    is_problem(answer, 405, "kit.method_not_allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bug", 500, "kit.internal_error"),
        ("null", 500, "kit.internal_error"),
        ("busy", 503, "kit.database_unavailable"),
        ("down", 503, "kit.database_unavailable"),
        ("lost", 503, "kit.database_unavailable"),
        ("shutdown", 503, "kit.database_unavailable"),
        ("full", 503, "kit.database_unavailable"),
        ("locked", 503, "kit.database_unavailable"),
        ("range", 422, "kit.value_not_storable"),
        ("unique", 409, "kit.conflict"),
        ("county", 403, "kit.county_not_granted"),
    ],
)
async def test_errors_are_told_without_their_cause(
    client: httpx.AsyncClient, name: str, status: int, code: str
) -> None:
    with capture_logs() as logs:
        answer = await client.get(f"/errors/{name}")
    is_problem(answer, status, code)
    assert "secret-detail" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    assert any(line["log_level"] in ("error", "warning") for line in logs), "the operator does see the cause"


async def test_a_refusal_is_told_in_the_callers_language(client: httpx.AsyncClient) -> None:
    document = is_problem(await client.get("/refuse", headers={"accept-language": "fa-IR"}), 409, "tea.cold")
    assert (document["detail"], document["safeguard"]) == ("چای سرد است.", 3)
    assert is_problem(await client.get("/refuse"), 409, "tea.cold")["detail"] == "The چای is cold."


@pytest.mark.parametrize("offered", ["a b", "x" * 65, "é", "", "-leading", "a\tb"])
async def test_only_a_well_formed_correlation_id_is_taken_over(client: httpx.AsyncClient, offered: str) -> None:
    good = await client.get("/refuse", headers={"x-correlation-id": "case-7:1"})
    assert good.headers["x-correlation-id"] == "case-7:1"
    bad = await client.get("/refuse", headers=[(b"x-correlation-id", offered.encode("latin-1"))])
    assert bad.headers["x-correlation-id"] not in ("", offered)


async def test_the_trace_is_carried_on_and_ends_with_the_request(client: httpx.AsyncClient) -> None:
    assert (await client.get("/trace", headers={"traceparent": TRACEPARENT})).json() == {"traceparent": TRACEPARENT}
    assert (await client.get("/trace", headers={"traceparent": "rubbish"})).json() == {"traceparent": None}


async def test_a_service_that_follows_no_caller_gives_ids_of_its_own() -> None:
    router = APIRouter()

    @router.get("/trace")
    async def trace() -> dict[str, str | None]:
        return {"traceparent": current_traceparent()}

    app = create_api(service="test", routers=[router], readiness=Readiness(), asyncapi=dict, follows_callers=False)
    async with client_of(app) as client:
        answer = await client.get("/trace", headers={"x-correlation-id": "case-7:1", "traceparent": TRACEPARENT})
    assert answer.json() == {"traceparent": None}
    assert answer.headers["x-correlation-id"] != "case-7:1"


async def test_one_log_line_per_request_without_path_query_or_token(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get("/errors/county?secret-query=1", headers={"authorization": "Bearer secret-token"})
    [line] = [line for line in logs if line["event"] == "http_request"]
    assert (line["route"], line["status"], line["method"]) == ("/errors/{name}", 403, "GET")
    assert "secret-query" not in str(logs)
    assert "secret-token" not in str(logs)


async def test_metrics_are_by_route_never_by_path(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/nowhere/{number}")
        await client.request("BREW", f"/echo/{number}")
    text = (await client.get("/metrics")).text
    [family] = [one for one in text_string_to_metric_families(text) if one.name == "payesh_http_requests"]
    routes = {sample.labels["route"] for sample in family.samples}
    assert "unmatched" in routes
    assert not [route for route in routes if "nowhere" in route]
    methods = {sample.labels["method"] for sample in family.samples}
    assert "BREW" not in methods
    assert "other" in methods


async def test_a_client_that_leaves_while_sending_gets_no_work_done(app: FastAPI) -> None:
    sent: list[dict[str, Any]] = []
    messages = [{"type": "http.request", "body": b'{"cou', "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/echo/x",
        "raw_path": b"/echo/x",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"50")],
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    assert sent == []


async def test_the_documents_need_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    responses = document["paths"]["/echo/{name}"]["post"]["responses"]
    assert set(responses) == {"201", "4XX", "5XX"}
    assert "application/problem+json" in responses["4XX"]["content"]
    assert (await client.get("/asyncapi.json")).json()["asyncapi"] == "3.0.0"
    pages = [(await client.get(path)).text for path in ("/docs", "/docs/events")]
    assert "POST /echo/{name}" in pages[0]
    assert "tea-&lt;cups&gt;" in pages[1]
    assert not [page for page in pages if "http://" in page or "https://" in page or "<script" in page]


def test_strict_json_gives_the_value() -> None:
    value = {"a": [1, 2.5, None, True, "متن"]}
    assert http_boundary.parse_strict_json(json.dumps(value).encode()) == value
