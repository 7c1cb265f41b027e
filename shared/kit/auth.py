"""Who is calling: principals, and the verification of the JSON Web Tokens (RFC 7519) that name them.

Issuer, audience and algorithm are pinned: what a token's own header says about its algorithm never widens them.
"""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, KeySet

from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.logging import get_logger

ALGORITHM: Final = "ES256"
CLOCK_LEEWAY_S: Final = 30
TOKEN_CHARACTERS_MAX: Final = 8192
ROLES_MAX: Final = 32
SUBJECT_CHARACTERS_MAX: Final = 128
KEYS_FETCH_TIMEOUT_S: Final = 3.0
KEYS_FETCH_INTERVAL_S_MIN: Final = 5.0
"""An unknown key id, or an issuer that is down, causes at most one fetch in this time."""
KEYS_FRESH_S: Final = 600.0
KEYS_STALE_S_MAX: Final = 3600.0
"""While the issuer is down its last known keys are trusted this long, and no longer."""
KEYS_BYTES_MAX: Final = 256 * 1024

_ROLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_log = get_logger(__name__)

FetchKeys = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as its token states it: `counties` are the only ones whose rows it may read or write."""

    subject: str
    roles: frozenset[str]
    counties: frozenset[County]

    def has_any_role(self, roles: frozenset[str]) -> bool:
        return not self.roles.isdisjoint(roles)


SYSTEM: Final = Principal("system", frozenset({"system"}), frozenset(County))
"""Reactions and timers run as this. No token can name it: the role `system` is refused in claims."""


class KeySource:
    """The issuer's public keys, cached; refetched when stale or when a key id is unknown, within limits."""

    def __init__(self, fetch: FetchKeys, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._monotonic_s = monotonic_s
        self._keys: dict[str, ECKey] = {}
        self._fetched_at_s: float | None = None
        self._tried_at_s: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> ECKey | None:
        """The key, or None if the issuer does not have it. Raises Refusal (503) if the issuer cannot be asked."""
        age_s = self._age_s()
        if age_s >= KEYS_FRESH_S or key_id not in self._keys:
            await self._refresh(key_id)
            age_s = self._age_s()
        if age_s >= KEYS_STALE_S_MAX:
            raise Refusal(problems.IDENTITY_UNAVAILABLE)
        return self._keys.get(key_id)

    def _age_s(self) -> float:
        return float("inf") if self._fetched_at_s is None else self._monotonic_s() - self._fetched_at_s

    async def _refresh(self, key_id: str) -> None:
        async with self._lock:
            now_s = self._monotonic_s()
            if key_id in self._keys and self._age_s() < KEYS_FRESH_S:
                return
            if self._tried_at_s is not None and now_s - self._tried_at_s < KEYS_FETCH_INTERVAL_S_MIN:
                return
            self._tried_at_s = now_s
            try:
                async with asyncio.timeout(KEYS_FETCH_TIMEOUT_S):
                    document = await self._fetch()
                self._keys = _signing_keys(document)
                self._fetched_at_s = now_s
            except (OSError, ValueError, JoseError) as error:
                _log.warning("issuer_keys_unavailable", error=str(error))


class TokenVerifier:
    """Turns a bearer token into a Principal, or refuses it."""

    def __init__(self, *, issuer: str, audience: str, keys: KeySource) -> None:
        self._keys = keys
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Principal:
        """The token's principal. Raises Refusal: 401 for any token that is not proven good, 503 without keys."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Refusal(problems.TOKEN_INVALID)
        try:
            key_id = jws.extract_compact(token.encode("ascii")).headers().get("kid")
        except (JoseError, ValueError) as error:
            raise Refusal(problems.TOKEN_INVALID) from error
        key = await self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise Refusal(problems.TOKEN_INVALID)
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM], registry=self._registry).claims
            self._claims.validate(claims)
        except ExpiredTokenError as error:
            raise Refusal(problems.TOKEN_EXPIRED) from error
        except (JoseError, ValueError, TypeError) as error:
            raise Refusal(problems.TOKEN_INVALID) from error
        return principal_of(claims)


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """Principal of already verified claims. Raises Refusal when subject, roles or counties are not as agreed."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX or not subject.isprintable():
        raise Refusal(problems.TOKEN_INVALID)
    roles = _strings(claims.get("roles"), ROLES_MAX)
    counties = _strings(claims.get("counties"), len(County))
    if "system" in roles or not all(_ROLE.fullmatch(role) for role in roles):
        raise Refusal(problems.TOKEN_INVALID)
    if not counties <= {county.value for county in County}:
        raise Refusal(problems.TOKEN_COUNTY_UNKNOWN)
    return Principal(subject, roles, frozenset(County(name) for name in counties))


def keys_over_http(url: str) -> FetchKeys:
    """Reads a JSON Web Key Set over HTTP, off the event loop; no proxies, no redirects, bounded time and size."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    opener.add_handler(urllib.request.HTTPDefaultErrorHandler())

    def read() -> Mapping[str, Any]:
        with opener.open(url, timeout=KEYS_FETCH_TIMEOUT_S) as response:
            body: bytes = response.read(KEYS_BYTES_MAX + 1)
        if len(body) > KEYS_BYTES_MAX:
            raise ValueError("the key set is too large")
        document: object = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError("the key set is not a JSON object")
        return cast("Mapping[str, Any]", document)

    async def fetch() -> Mapping[str, Any]:
        return await asyncio.to_thread(read)

    return fetch


def create_verifier(*, jwks_url: str, issuer: str, audience: str) -> TokenVerifier:
    """The verifier that a service uses, from its settings."""
    return TokenVerifier(issuer=issuer, audience=audience, keys=KeySource(keys_over_http(jwks_url)))


def _signing_keys(document: Mapping[str, Any]) -> dict[str, ECKey]:
    """Keys by id that may sign with the pinned algorithm; others are ignored. Raises ValueError, JoseError."""
    if not isinstance(document.get("keys"), list):
        raise ValueError("the key set has no list of keys")
    key_set = KeySet.import_key_set(cast("Any", document))
    keys = {
        key.kid: key
        for key in key_set
        if isinstance(key, ECKey) and key.curve_name == "P-256" and key.kid and key.get("use", "sig") == "sig"
    }
    if not keys:
        raise ValueError(f"the key set has no key for {ALGORITHM}")
    return keys


def _strings(claim: object, count_max: int) -> frozenset[str]:
    if not isinstance(claim, list):
        raise Refusal(problems.TOKEN_INVALID)
    items = cast("list[object]", claim)
    if len(items) > count_max or not all(isinstance(item, str) for item in items):
        raise Refusal(problems.TOKEN_INVALID)
    return frozenset(cast("list[str]", items))
