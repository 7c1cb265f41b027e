"""HTTP as an actor of the demo sees it: a token, a command with one Idempotency-Key, asked again until it is answered.

A timeout means "unknown" (delivery rule 11): the same key is sent again until a definite answer comes, so a process
killed in the middle of a command changes nothing in the outcome.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx

from deploy.demo.ledger import OBSERVED, Entry, Ledger

REQUEST_TIMEOUT_S = 10.0
ANSWER_DEADLINE_S = 120.0
"""Longest time that one command is asked again before the demo gives up and says so."""
RETRY_DELAY_FIRST_S = 0.1
RETRY_DELAY_MAX_S = 2.0
CONCURRENT_REQUESTS_MAX = 16
TOKEN_LIFETIME_S = 240.0
LOCAL_PASSWORD = "payesh-local"
_RETRIED_STATUS = frozenset({408, 425, 429})
_RETRIED_CODES = frozenset({"warehouse.import.in_progress"})


class Unanswered(Exception):
    """A service gave no definite answer within the deadline; its log says why."""


class UnexpectedAnswer(Exception):
    """A read that must succeed was refused."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base addresses of everything the demo talks to, for example ``http://127.0.0.1:7101``."""

    warehouse: str
    nationals: str
    notifications: str
    issuer: str

    def of(self, service: str) -> str:
        return {"warehouse": self.warehouse, "nationals": self.nationals, "notifications": self.notifications}[service]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing an actor asks for. `refusal` is the code that the plan foresees, None where it must be accepted."""

    kind: str
    actor: str
    service: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    upload: tuple[str, bytes] | None = None
    raw: tuple[str, bytes] | None = None
    """A body that is neither JSON nor one uploaded file: its media type and its bytes."""
    headers: Mapping[str, str] | None = None
    """Headers of its own; an Authorization among them stands in for the token."""
    intent: Mapping[str, Any] | None = None
    refusal: str | None = None
    tolerated: frozenset[str] = frozenset()
    """Refusals that another actor may cause by being quicker; they are as good as the foreseen answer."""
    refused_until_s: float | None = None
    """Second of the day from which on the ground of `refusal` may be gone: then an acceptance is as good."""
    key: str | None = None
    """A key of an earlier command, to play a duplicate; None makes a new one."""


class DemoClient:
    """Speaks to the three services for every actor; each settled command becomes one ledger entry."""

    def __init__(self, addresses: Addresses, ledger: Ledger, run_id: str) -> None:
        self._addresses = addresses
        self._ledger = ledger
        self._run_id = run_id
        self._keys_used = 0
        self._tokens: dict[str, tuple[str, float]] = {}
        self._token_locks: dict[str, asyncio.Lock] = {}
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS_MAX)
        self._began_at = time.monotonic()
        self._http = httpx.AsyncClient(
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
            limits=httpx.Limits(max_connections=CONCURRENT_REQUESTS_MAX * 2, keepalive_expiry=5.0),
        )

    async def close(self) -> None:
        await self._http.aclose()

    def day_s(self) -> float:
        """Seconds since the day began, as the ledger counts them."""
        return round(time.monotonic() - self._began_at, 3)

    async def run(self, command: Command) -> Entry:
        """Ask until answered and record the answer.

        Raises Unanswered after ANSWER_DEADLINE_S.
        """
        key = command.key or self.new_key()
        headers = {"Idempotency-Key": key, "Accept-Language": "fa"}
        if command.upload is not None:
            # The same bytes every time: a new boundary would make the repetition another request under the same key.
            headers["Content-Type"] = f"multipart/form-data; boundary=payesh-{key}"
        if command.raw is not None:
            headers["Content-Type"] = command.raw[0]
        response, attempts = await self._ask(
            command.actor,
            command.method,
            self._addresses.of(command.service) + command.path,
            headers=headers | dict(command.headers or {}),
            body=command.body,
            upload=command.upload,
            raw=command.raw[1] if command.raw else None,
        )
        answer = _json_object(response)
        refused = response.status_code >= 400
        entry = Entry(
            kind=command.kind,
            actor=command.actor,
            intent=dict(command.intent or {}),
            status=response.status_code,
            answer=answer,
            refusal_code=str(answer.get("code", response.status_code)) if refused else None,
            expected_refusal=command.refusal,
            tolerated=sorted(command.tolerated),
            refused_until_s=command.refused_until_s,
            attempts=attempts,
            at_s=self.day_s(),
        )
        self._ledger.append(entry)
        return entry

    async def read(self, actor: str, service: str, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON of a GET, asked again until answered.

        Raises UnexpectedAnswer where it is refused, Unanswered after ANSWER_DEADLINE_S.
        """
        response, _ = await self._ask(actor, "GET", self._addresses.of(service) + path, params=params)
        if response.status_code >= 400:
            raise UnexpectedAnswer(f"GET {path} as {actor}: {response.status_code} {response.text[:300]}")
        return response.json()

    async def fetch(
        self, actor: str | None, service: str, path: str, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The bytes of a GET, asked again until answered; without an actor, no token goes with it. Raises as `read` does."""
        response, _ = await self._ask(actor, "GET", self._addresses.of(service) + path, headers=headers)
        if response.status_code >= 400:
            raise UnexpectedAnswer(f"GET {path} as {actor or 'anybody'}: {response.status_code} {response.text[:300]}")
        return response.content

    def observe(self, what: str, expected: object, seen: object) -> None:
        """Keep in the ledger what an actor was shown beside what must be shown; the fold tells where they differ."""
        self._ledger.append(Entry(OBSERVED, what, {"expected": expected}, 200, {"seen": seen}))

    async def read_once(self, actor: str, service: str, path: str) -> Any:
        """The JSON of a GET, or None where the service does not answer just now (for screens, which only look)."""
        try:
            headers = await self._authorization(actor)
            response = await self._http.get(self._addresses.of(service) + path, headers=headers, timeout=2.0)
            return response.json() if response.status_code < 300 else None
        except (httpx.TransportError, ValueError):
            return None

    async def text_once(self, url: str) -> str | None:
        """The text of an unprotected address (metrics, readiness), or None where it does not answer just now."""
        try:
            response = await self._http.get(url, timeout=2.0)
        except httpx.TransportError:
            return None
        return response.text if response.status_code < 300 else None

    async def press_link(
        self, url: str, *, kind: str, actor: str, intent: Mapping[str, Any], tolerated: frozenset[str]
    ) -> Entry:
        """Open the page behind an acknowledgement link as a person does, then press its button. No token: the link is one.

        A refusal is a page too, so its code is ``page.<status>``; 409 says that the alert is already resolved.
        """
        await self._repeat("GET", url, None, {}, None, None, None)
        response, attempts = await self._repeat("POST", url, None, {}, None, None, None)
        code = None
        if response.status_code >= 400:
            code = next(iter(tolerated), "") if response.status_code == 409 else f"page.{response.status_code}"
        entry = Entry(
            kind=kind,
            actor=actor,
            intent=dict(intent),
            status=response.status_code,
            answer={},
            refusal_code=code,
            tolerated=sorted(tolerated),
            attempts=attempts,
            at_s=round(time.monotonic() - self._began_at, 3),
        )
        self._ledger.append(entry)
        return entry

    def new_key(self) -> str:
        self._keys_used += 1
        return f"{self._run_id}-{self._keys_used}"

    async def _ask(
        self,
        actor: str | None,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        upload: tuple[str, bytes] | None = None,
        raw: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[httpx.Response, int]:
        async with self._slots:
            return await self._repeat(method, url, actor, dict(headers or {}), body, upload, params, raw)

    async def _repeat(
        self,
        method: str,
        url: str,
        actor: str | None,
        headers: dict[str, str],
        body: Mapping[str, Any] | None,
        upload: tuple[str, bytes] | None,
        params: Mapping[str, str] | None,
        raw: bytes | None = None,
    ) -> tuple[httpx.Response, int]:
        deadline = time.monotonic() + ANSWER_DEADLINE_S
        delay_s, attempts, last = RETRY_DELAY_FIRST_S, 0, "no answer"
        while time.monotonic() < deadline:
            attempts += 1
            try:
                granted = await self._authorization(actor) if actor else {}
                response = await self._send(method, url, granted | headers, body, upload, params, raw)
                if not _undecided(response):
                    return response, attempts
                last = f"{response.status_code} {response.text[:200]}"
            except httpx.TransportError as error:
                last = f"{type(error).__name__}: {error}"
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_DELAY_MAX_S)
        raise Unanswered(
            f"{method} {url}: no answer in {ANSWER_DEADLINE_S:.0f} s over {attempts} attempts; last: {last}"
        )

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        upload: tuple[str, bytes] | None,
        params: Mapping[str, str] | None,
        raw: bytes | None,
    ) -> httpx.Response:
        files = {"file": upload} if upload else None
        return await self._http.request(
            method, url, headers=headers, json=body, files=files, params=params, content=raw
        )

    async def _authorization(self, actor: str) -> dict[str, str]:
        lock = self._token_locks.setdefault(actor, asyncio.Lock())
        async with lock:
            token, fresh_until = self._tokens.get(actor, ("", 0.0))
            if time.monotonic() >= fresh_until:
                answer = await self._http.post(
                    f"{self._addresses.issuer}/token", data={"username": actor, "password": LOCAL_PASSWORD}
                )
                if answer.status_code >= 400:
                    raise UnexpectedAnswer(
                        f"the issuer gave {actor} no token: {answer.status_code} {answer.text[:200]}"
                    )
                token = str(answer.json()["access_token"])
                self._tokens[actor] = (token, time.monotonic() + TOKEN_LIFETIME_S)
        return {"Authorization": f"Bearer {token}"}


def _undecided(response: httpx.Response) -> bool:
    if response.status_code >= 500 or response.status_code in _RETRIED_STATUS:
        return True
    return response.status_code >= 400 and _json_object(response).get("code") in _RETRIED_CODES


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = response.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {"items": body}
