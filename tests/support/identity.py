"""Tokens and verifiers for tests, signed by a key that lives only in the test process."""

from collections.abc import Collection, Mapping
from typing import Any

import httpx
from fastapi import FastAPI
from joserfc.jwk import ECKey

from deploy.issuer import AUDIENCE, mint_token
from shared.contracts.counties import County
from shared.kit.auth import KeySource, TokenVerifier

ISSUER = "http://issuer.test"
SIGNING_KEY = ECKey.generate_key("P-256", {"kid": "test-key"})


def key_document(*keys: ECKey) -> Mapping[str, Any]:
    """The JSON Web Key Set with the public halves of `keys` (default: the tests' own)."""
    return {"keys": [key.as_dict(private=False) for key in keys or (SIGNING_KEY,)]}


def create_test_verifier() -> TokenVerifier:
    """A verifier that trusts `SIGNING_KEY`."""

    async def fetch() -> Mapping[str, Any]:
        return key_document()

    return TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=KeySource(fetch))


def bearer(*roles: str, subject: str = "somebody", counties: Collection[str] = tuple(County)) -> dict[str, str]:
    """An Authorization header of a caller with `roles` in `counties` (default: the whole province)."""
    token = mint_token(SIGNING_KEY, issuer=ISSUER, subject=subject, roles=roles, counties=counties)
    return {"Authorization": f"Bearer {token}"}


def client_of(app: FastAPI, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client that calls `app` in this process; an exception that leaves the application fails the test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test", headers=headers)
