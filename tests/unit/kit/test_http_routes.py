"""What an address takes is said by what refuses the rest: its methods, and the query parameters of what people read."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

import httpx
import pytest
from fastapi import APIRouter, Depends, Query

from shared.kit.connections import Pool
from shared.kit.health import Readiness
from shared.kit.http import Queries, allow_password_read, allow_read, connect, create_api
from tests.support.identity import bearer, client_of, create_test_verifier

ALL = {"x", "from", "limit"}
router = APIRouter()


def filters(x: int | None = None, since: Annotated[str | None, Query(alias="from")] = None) -> tuple[Any, ...]:
    return x, since


@router.get("/cups")
async def list_cups(
    queries: Annotated[Queries, Depends(allow_read("reader"))],
    found: Annotated[tuple[Any, ...], Depends(filters)],
    limit: int = 10,
) -> list[Any]:
    return [*found, limit]


@router.post("/cups")
async def add_cup() -> int:
    return 1


@router.get("/cups/{name}")
async def get_cup(name: str, queries: Annotated[Queries, Depends(allow_read("reader"))]) -> str:
    return name


@router.get("/forms")
async def list_forms(queries: Annotated[Queries, Depends(allow_password_read("reader"))]) -> int:
    return 1


@router.get("/page")
async def show_page() -> int:
    return 1


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_api(service="cups", routers=[router], readiness=Readiness(), asyncapi=dict)
    connect(app, pool=cast("Pool", None), verifier=create_test_verifier())
    async with client_of(app, bearer("reader")) as client:
        yield client


@pytest.mark.parametrize("query", ["kind=tea", "x=1&since=yesterday", "Limit=3", "limit=3&limti=4", "kind", "=1"])
async def test_an_unknown_query_parameter_is_refused_with_those_that_are_known(
    client: httpx.AsyncClient, query: str
) -> None:
    answer = await client.get(f"/cups?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "kit.query_unknown")
    details = answer.json()["details"]
    assert details["name"] in query.replace("=", "&").split("&")
    assert set(details["known"].split(", ")) == ALL


async def test_what_is_known_is_read_also_where_a_dependency_declares_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/cups?x=1&from=today&limit=3")).json() == [1, "today", 3]
    assert (await client.get("/cups")).json() == [None, None, 10]


async def test_a_long_name_is_cut_and_a_route_without_parameters_names_none(client: httpx.AsyncClient) -> None:
    details = (await client.get(f"/cups/green?{'چ' * 900}=1")).json()["details"]
    assert details == {"name": "چ" * 64, "known": "-"}


@pytest.mark.parametrize("path", ["/forms", "/page", "/health", "/openapi.json"])
async def test_field_clients_pages_and_documents_take_any_parameter(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"{path}?deviceID=collect&utm_source=mail")).status_code == 200


async def test_who_may_not_read_is_told_that_first(client: httpx.AsyncClient) -> None:
    answer = await client.get("/cups?kind=tea", headers=bearer("writer"))
    assert answer.status_code == 403


async def test_a_method_that_is_not_taken_is_answered_with_all_that_are(client: httpx.AsyncClient) -> None:
    refused = await client.delete("/cups")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")
    assert (await client.put("/page")).headers["allow"] == "GET"
