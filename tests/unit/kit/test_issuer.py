"""The local issuer: its accounts, its key file, and that its tokens pass the verifier that services use."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.issuer import ACCOUNTS, AUDIENCE, PASSWORD, ROLES, create_issuer, load_or_create_key
from shared.contracts.counties import County
from shared.kit.auth import KeySource, TokenVerifier

URL = "http://issuer.test"


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_issuer(URL, tmp_path / "key.pem")), base_url=URL)


@pytest.mark.parametrize(
    ("username", "role", "counties"),
    [
        ("reviewer", "reviewer", set(County)),
        ("reviewer.rey", "reviewer", {County.REY}),
        ("reviewer2.rey", "reviewer", {County.REY}),
        ("inspector4.robat_karim", "inspector", {County.ROBAT_KARIM}),
        ("member3.qods", "member", {County.QODS}),
        ("registry_clerk", "registry_clerk", set(County)),
    ],
)
async def test_its_tokens_pass_the_services_verifier(
    client: httpx.AsyncClient, username: str, role: str, counties: set[County]
) -> None:
    async def fetch() -> Mapping[str, Any]:
        configuration = (await client.get("/.well-known/openid-configuration")).json()
        assert configuration["issuer"] == URL
        document: Mapping[str, Any] = (await client.get(configuration["jwks_uri"])).json()
        return document

    answer = await client.post("/token", data={"username": username, "password": PASSWORD})
    verifier = TokenVerifier(issuer=URL, audience=AUDIENCE, keys=KeySource(fetch))
    principal = await verifier.verify(answer.json()["access_token"])
    assert (principal.subject, principal.roles, principal.counties) == (username, {role}, counties)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "reviewer"},
        {"username": "reviewer", "password": "guess"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "reviewer.qom", "password": PASSWORD},
        {"username": "مدیر", "password": "رمز"},
    ],
)
async def test_wrong_credentials_get_no_token(client: httpx.AsyncClient, form: dict[str, str]) -> None:
    answer = await client.post("/token", data=form)
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


async def test_a_large_or_broken_form_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/token", content=b"x" * 10_000)).status_code == 413
    assert (await client.post("/token", content=b"\xff\xfe")).status_code == 413


async def test_the_private_key_is_never_served(client: httpx.AsyncClient) -> None:
    [key] = (await client.get("/jwks")).json()["keys"]
    assert "d" not in key
    assert (key["alg"], key["crv"], bool(key["kid"])) == ("ES256", "P-256", True)


def test_the_key_file_is_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key.pem"
    first = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path).kid == first.kid
    assert list(path.parent.iterdir()) == [path]


def test_every_role_has_an_account_for_the_province_and_for_each_county() -> None:
    assert all(role in ACCOUNTS and all(f"{role}.{county}" in ACCOUNTS for county in County) for role in ROLES)
