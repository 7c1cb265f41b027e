"""HTTP Basic (RFC 7617) for clients that can send nothing else, such as ODK Collect on a phone.

A username and password are exchanged at the issuer for a token (RFC 6749 §4.3), and what counts is the principal of that
token, as for everyone else. Passwords are neither kept nor logged: what was verified is remembered for a short while by
a keyed digest. Basic shows the password to whoever reads the wire, so a real installation offers it behind TLS only.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.auth import SUBJECT_CHARACTERS_MAX, Principal, TokenVerifier
from shared.kit.logging import get_logger

CREDENTIALS_CHARACTERS_MAX: Final = 2048
REMEMBERED_S_MAX: Final = 300.0
"""A password that was changed or an account that was closed still works this long where it was used just before."""
USERNAMES_MAX: Final = 10_000
"""Usernames remembered, and usernames whose tries are counted; the ones longest unused are forgotten first."""
TRIES_MAX: Final = 5
"""Wrong passwords of one username in `problems.PASSWORD_TRIES_WINDOW_S`."""
EXCHANGES_AT_ONCE_MAX: Final = 8
EXCHANGE_TIMEOUT_S: Final = 5.0
GRANT_BYTES_MAX: Final = 64 * 1024

T = TypeVar("T")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token for a username and password, and how long it lives."""

    access_token: str
    expires_in_s: float


Exchange = Callable[[str, str], Awaitable[Grant | None]]
"""``await exchange(username, password)``: None when the issuer does not take them; OSError when it cannot be asked."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    digest: bytes
    principal: Principal
    until_s: float


class PasswordVerifier:
    """Turns the credentials of HTTP Basic into a Principal, or refuses them."""

    def __init__(
        self, exchange: Exchange, verifier: TokenVerifier, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._exchange = exchange
        self._verifier = verifier
        self._monotonic_s = monotonic_s
        self._digest_key = secrets.token_bytes(32)
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._exchanges = asyncio.Semaphore(EXCHANGES_AT_ONCE_MAX)

    async def verify(self, credentials: str) -> Principal:
        """The principal of base64 `credentials`. Raises Refusal: 401 unless the issuer takes them, 429 after too many
        wrong passwords of one username, 503 while the issuer cannot be asked."""
        username, password = _read(credentials)
        digest = hmac.digest(self._digest_key, f"{username}\0{password}".encode(), hashlib.sha256)
        known = self._recall(username, digest)
        if known is not None:
            return known
        async with self._exchanges:
            known = self._recall(username, digest)
            if known is not None:
                return known
            grant = await self._grant(username, password)
            principal = await self._verifier.verify(grant.access_token)
            until_s = self._monotonic_s() + min(grant.expires_in_s, REMEMBERED_S_MAX)
            _keep(self._remembered, username, _Remembered(digest, principal, until_s))
            return principal

    async def grant(self, username: str, password: str) -> Grant:
        """The issuer's token for a username and password. Raises Refusal as `verify` does."""
        async with self._exchanges:
            return await self._grant(username, password)

    async def _grant(self, username: str, password: str) -> Grant:
        tries = self._count_try(username)
        grant = await self._ask(username, password)
        if grant is None:
            raise Refusal(problems.PASSWORD_WRONG)
        tries.clear()
        return grant

    def _recall(self, username: str, digest: bytes) -> Principal | None:
        known = self._remembered.get(username)
        if known is None or not hmac.compare_digest(known.digest, digest) or known.until_s <= self._monotonic_s():
            return None
        self._remembered.move_to_end(username)
        return known.principal

    def _count_try(self, username: str) -> deque[float]:
        """Counted before the issuer is asked, so that guesses sent side by side are counted too."""
        now_s = self._monotonic_s()
        tries = self._tries.get(username, deque())
        while tries and now_s - tries[0] >= problems.PASSWORD_TRIES_WINDOW_S:
            tries.popleft()
        if len(tries) >= TRIES_MAX:
            raise Refusal(problems.PASSWORD_TRIES_TOO_MANY)
        tries.append(now_s)
        _keep(self._tries, username, tries)
        return tries

    async def _ask(self, username: str, password: str) -> Grant | None:
        try:
            async with asyncio.timeout(EXCHANGE_TIMEOUT_S):
                return await self._exchange(username, password)
        except (OSError, ValueError) as error:
            _log.warning("token_exchange_failed", error=type(error).__name__)
            raise Refusal(problems.IDENTITY_UNAVAILABLE) from None


def exchange_over_http(url: str, client_id: str | None = None, client_secret: str | None = None) -> Exchange:
    """Asks a token endpoint, off the event loop; no proxies, no redirects, bounded time and size."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    opener.add_handler(urllib.request.HTTPDefaultErrorHandler())
    client = {"client_id": client_id, "client_secret": client_secret}

    def ask(username: str, password: str) -> Grant | None:
        form = {"grant_type": "password", "username": username, "password": password}
        form |= {name: value for name, value in client.items() if value is not None}
        request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), method="POST")  # noqa: S310 - from settings
        request.add_header("content-type", "application/x-www-form-urlencoded")
        try:
            with opener.open(request, timeout=EXCHANGE_TIMEOUT_S) as response:
                return _grant_of(response.read(GRANT_BYTES_MAX + 1))
        except urllib.error.HTTPError as error:
            if _error_of(error.read(GRANT_BYTES_MAX)) == "invalid_grant":
                return None
            raise

    async def exchange(username: str, password: str) -> Grant | None:
        return await asyncio.to_thread(ask, username, password)

    return exchange


def _read(credentials: str) -> tuple[str, str]:
    """Username and password (RFC 7617 §2, in UTF-8). Raises Refusal."""
    if len(credentials) > CREDENTIALS_CHARACTERS_MAX:
        raise Refusal(problems.PASSWORD_WRONG)
    try:
        username, separator, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refusal(problems.PASSWORD_WRONG) from None
    if not separator or not 0 < len(username) <= SUBJECT_CHARACTERS_MAX or not username.isprintable():
        raise Refusal(problems.PASSWORD_WRONG)
    return username, password


def _grant_of(body: bytes) -> Grant:
    """The grant of a successful answer (RFC 6749 §5.1). Raises ValueError."""
    document = _object_of(body)
    token, expires_in_s = document.get("access_token"), document.get("expires_in", 0)
    if not isinstance(token, str) or not isinstance(expires_in_s, int | float):
        raise ValueError("the answer holds no access token")
    return Grant(token, float(expires_in_s))


def _error_of(body: bytes) -> object:
    """The error code of a refusal (RFC 6749 §5.2). Raises ValueError."""
    return _object_of(body).get("error")


def _object_of(body: bytes) -> dict[str, Any]:
    document: object = json.loads(body) if len(body) <= GRANT_BYTES_MAX else None
    if not isinstance(document, dict):
        raise ValueError("the issuer's answer is not a JSON object")
    return cast("dict[str, Any]", document)


def _keep(kept: OrderedDict[str, T], username: str, value: T) -> None:
    kept[username] = value
    kept.move_to_end(username)
    while len(kept) > USERNAMES_MAX:
        kept.popitem(last=False)
