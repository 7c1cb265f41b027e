"""A small token issuer for trying Payesh out on one machine. NOT for real use.

Its accounts and their one password are written below for everyone to read, it has no user management, no lockout and
no TLS, and it must listen on the loopback address only. A real installation points PAYESH_JWKS_URL and
PAYESH_JWT_ISSUER at the organisation's own OpenID Connect provider and never starts this.
"""

import hmac
import json
import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.contracts.counties import County

ALGORITHM: Final = "ES256"
AUDIENCE: Final = "payesh"
PASSWORD: Final = "payesh-local"  # noqa: S105 - published on purpose; see the module
TOKEN_LIFETIME_S: Final = 12 * 3600
FORM_BYTES_MAX: Final = 4096
COLLEAGUES_MAX: Final = 4

ROLES: Final = (
    "registry_clerk",
    "inspector",
    "submission_gateway",
    "reviewer",
    "county_chair",
    "province_officer",
    "health_officer",
    "commission_secretary",
    "caseworker",
    "casework_supervisor",
    "complaints_officer",
    "protection_officer",
    "child_protection_officer",
    "medical_officer",
    "centre_manager",
    "legal_officer",
    "services_manager",
    "legal_basis_registrar",
    "appeal_officer",
    "partner_reporter",
    "notifications_admin",
    "operations_officer",
    "alertmanager",
    "member",
    "operator",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who a token is for; `counties` are the only ones whose rows it opens."""

    username: str
    role: str
    counties: frozenset[County]


def _local_accounts() -> Iterable[Account]:
    province = frozenset(County)
    for role in ROLES:
        for colleague in ("", *(str(number) for number in range(1, COLLEAGUES_MAX + 1))):
            yield Account(f"{role}{colleague}", role, province)
            for county in County:
                yield Account(f"{role}{colleague}.{county}", role, frozenset({county}))


ACCOUNTS: Final[Mapping[str, Account]] = {account.username: account for account in _local_accounts()}
"""By username: ``reviewer`` (all counties), ``reviewer.rey`` (one), ``reviewer1`` … ``reviewer4.rey`` (colleagues)."""


def load_or_create_key(key_path: Path) -> ECKey:
    """The issuer's private key, made at first use and kept readable by its owner alone.

    Raises OSError, or ValueError when the file holds something else.
    """
    try:
        pem = key_path.read_bytes()
    except FileNotFoundError:
        pem = _create_key_file(key_path)
    key = ECKey.import_key(pem)
    if not key.is_private or key.curve_name != "P-256":
        raise ValueError(f"{key_path} does not hold a private P-256 key; delete it to have a new one made")
    key.ensure_kid()
    return key


def _create_key_file(key_path: Path) -> bytes:
    """Write a whole key or none: a start that is killed half-way leaves no half key behind."""
    key_path.parent.mkdir(parents=True, exist_ok=True)
    pem: bytes = ECKey.generate_key("P-256").as_pem(private=True)
    unfinished = key_path.with_name(f"{key_path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, key_path)
    except FileExistsError:
        return key_path.read_bytes()
    finally:
        unfinished.unlink()
    return pem


def mint_token(
    key: ECKey,
    *,
    issuer: str,
    subject: str,
    roles: Collection[str],
    counties: Collection[str],
    audience: str = AUDIENCE,
    lifetime_s: int = TOKEN_LIFETIME_S,
) -> str:
    """A signed token; a negative `lifetime_s` gives one that has already expired."""
    key.ensure_kid()
    issued_at_s = int(time.time())
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": issued_at_s,
        "exp": issued_at_s + lifetime_s,
        "roles": sorted(roles),
        "counties": sorted(counties),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


def create_issuer(issuer_url: str, key_path: Path) -> Starlette:
    """ASGI application with /.well-known/openid-configuration, /jwks and /token (form: username, password)."""
    issuer = issuer_url.rstrip("/")
    key = load_or_create_key(key_path)
    public_key = {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}

    async def configuration(_: Request) -> Response:
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/jwks",
                "token_endpoint": f"{issuer}/token",
                "grant_types_supported": ["password"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "subject_types_supported": ["public"],
                "response_types_supported": ["token"],
            }
        )

    async def jwks(_: Request) -> Response:
        return JSONResponse({"keys": [public_key]})

    async def token(request: Request) -> Response:
        form = await _read_form(request)
        if form is None:
            return _refused(413, "invalid_request", "the form is too large or not UTF-8")
        account = ACCOUNTS.get(form.get("username", ""))
        if not hmac.compare_digest(form.get("password", "").encode(), PASSWORD.encode()) or account is None:
            return _refused(400, "invalid_grant", "unknown username or wrong password")
        access_token = mint_token(
            key, issuer=issuer, subject=account.username, roles=[account.role], counties=account.counties
        )
        document = {"access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME_S}
        return JSONResponse(document, headers={"cache-control": "no-store"})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", configuration),
            Route("/jwks", jwks),
            Route("/token", token, methods=["POST"]),
        ]
    )


async def _read_form(request: Request) -> dict[str, str] | None:
    """Fields of an URL-encoded form; the last value of a repeated one. None when it is too large or unreadable."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    try:
        fields = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=16)
    except ValueError:
        return None
    return {name: values[-1] for name, values in fields.items()}


def _refused(status: int, error: str, description: str) -> Response:
    """An error as RFC 6749 §5.2 gives it."""
    body = json.dumps({"error": error, "error_description": description})
    return Response(body, status_code=status, media_type="application/json", headers={"cache-control": "no-store"})
