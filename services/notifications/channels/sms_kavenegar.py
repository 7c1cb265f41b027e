"""SMS through Kavenegar's REST interface (kavenegar.com/rest.html): send, and ask what became of what was sent.

The account's key is part of every address, so no address goes into an error, a log line or a trace.
"""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
from pydantic import BaseModel, ValidationError

from services.notifications.channels.base import (
    Outgoing,
    ProviderAwayError,
    ProviderReceipt,
    RefusedError,
    keep_addresses_out_of_logs,
)
from services.notifications.channels.sms_parts import PARTS_MAX, parts_of
from services.notifications.settings import Settings

OK: Final = 200
ASK_IDS_MAX: Final = 500
"""Messages whose state one request may ask for."""
ANSWER_BYTES_MAX: Final = 1024 * 1024
LOCAL_ID_BITS: Final = 63

AWAY_STATUSES: Final = frozenset({401, 402, 403, 407, 409, 418, 429})
"""Of the account or the provider, not of this message: inactive, failed, key not valid, address not allowed, cannot answer
now, credit spent, too many requests. Every message would be refused alike."""
PERMANENT_STATUSES: Final = frozenset({411, 413, 422})
"""Of this message: its receptor is not valid, its text is empty or too long, or has characters that are not allowed."""

STATES: Final[Mapping[int, str]] = {
    1: "queued",
    2: "scheduled",
    4: "sent",
    5: "sent",
    6: "failed",
    10: "delivered",
    11: "undelivered",
    13: "cancelled",
    14: "blocked",
    100: "unknown",
}
UNLISTED: Final = "unlisted"
UNDELIVERED_STATES: Final = frozenset({"failed", "undelivered", "cancelled", "blocked", "unknown"})
"""`unknown`: of a message that it took the provider knows nothing, so that nobody will get it."""
SETTLED_STATES: Final = UNDELIVERED_STATES | {"delivered"}

_RECEPTOR: Final = re.compile(r"(?:\+98|0098|0)?(9\d{9})")


class _Return(BaseModel):
    status: int
    message: str = ""


class _Entry(BaseModel):
    messageid: int
    status: int


class _Answer(BaseModel):
    result: _Return
    entries: list[_Entry] = []


class KavenegarSender:
    """Sends over HTTPS with a pool of connections of its own. `close` it."""

    sends_at_once = 4

    def __init__(self, settings: Settings) -> None:
        if settings.kavenegar_api_key is None:
            raise ValueError("kavenegar_api_key is not set")
        keep_addresses_out_of_logs("httpx", "httpcore")
        self.timeout_s = settings.sms_timeout_s
        self._sender = settings.kavenegar_sender
        self._ask_after_s = settings.sms_status_first_s
        context = ssl.create_default_context()
        if settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file)
        self._client = httpx.AsyncClient(
            base_url=f"{settings.kavenegar_url.rstrip('/')}/v1/{settings.kavenegar_api_key.get_secret_value()}/",
            timeout=settings.sms_timeout_s,
            verify=context,
            trust_env=False,
            follow_redirects=False,
        )

    async def send(self, outgoing: Outgoing) -> ProviderReceipt:
        """Send the letter's short form. Raises RefusedError or ProviderAwayError.

        A second try asks first whether the one before arrived: the local id is the delivery's at this number.
        """
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._send(outgoing)
        except TimeoutError:
            raise ProviderAwayError("no answer in time", may_have_arrived=True) from None

    async def _send(self, outgoing: Outgoing) -> ProviderReceipt:
        delivery, text = outgoing.delivery, outgoing.letter.short
        if (parts := parts_of(text)) > PARTS_MAX:
            raise RefusedError(f"the text takes {parts} SMS, {PARTS_MAX} at most", permanent=True)
        try:
            receptor = receptor_of(delivery.address)
        except ValueError as error:
            raise RefusedError(str(error), permanent=True) from error
        local_id = local_id_of(str(delivery.delivery_id), receptor)
        if delivery.attempts > 1 and (known := await self._known(local_id)) is not None:
            return self._receipt(known)
        form = {"receptor": receptor, "message": text, "localid": str(local_id)}
        if self._sender is not None:
            form["sender"] = self._sender
        answer = await self._call("sms/send.json", form)
        if len(answer.entries) != 1:
            raise ProviderAwayError(f"{len(answer.entries)} entries instead of one", may_have_arrived=True)
        return self._receipt(answer.entries[0])

    async def states_of(self, message_ids: Sequence[str]) -> dict[str, str]:
        """What became of up to `ASK_IDS_MAX` messages, by their id. Raises RefusedError or ProviderAwayError."""
        answer = await self._call("sms/status.json", {"messageid": ",".join(message_ids)})
        return {str(entry.messageid): STATES.get(entry.status, UNLISTED) for entry in answer.entries}

    async def close(self) -> None:
        await self._client.aclose()

    async def _known(self, local_id: int) -> _Entry | None:
        """The message that an earlier try has left with the provider."""
        try:
            answer = await self._call("sms/statuslocalmessageid.json", {"localid": str(local_id)})
        except RefusedError:
            return None
        found = [entry for entry in answer.entries if entry.messageid > 0 and STATES.get(entry.status) != "unknown"]
        return found[0] if found else None

    def _receipt(self, entry: _Entry) -> ProviderReceipt:
        return ProviderReceipt(str(entry.messageid), STATES.get(entry.status, UNLISTED), self._ask_after_s)

    async def _call(self, method: str, form: Mapping[str, str]) -> _Answer:
        try:
            async with self._client.stream("POST", method, data=dict(form)) as response:
                content = await _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ProviderAwayError(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise ProviderAwayError(type(error).__name__, may_have_arrived=True) from None
        status = response.status_code
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ProviderAwayError(f"HTTP {status}", may_have_arrived=True)
        answer = _parse(content, status)
        if answer.result.status == OK:
            return answer
        told = f"{answer.result.status} {answer.result.message}"
        if answer.result.status in AWAY_STATUSES:
            raise ProviderAwayError(told)
        raise RefusedError(told, permanent=answer.result.status in PERMANENT_STATUSES)


def receptor_of(address: str) -> str:
    """An Iranian mobile number as Kavenegar takes it (09…). Raises ValueError."""
    match = _RECEPTOR.fullmatch(address.replace(" ", "").replace("-", ""))
    if match is None:
        raise ValueError("not an Iranian mobile number")
    return f"0{match[1]}"


def local_id_of(delivery_id: str, receptor: str) -> int:
    """The idempotency key of one message to one number, as the positive 64-bit number that Kavenegar takes."""
    digest = hashlib.blake2b(f"{delivery_id} {receptor}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - LOCAL_ID_BITS) or 1


async def _read(response: httpx.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise ProviderAwayError("the answer is too long", may_have_arrived=True)
    return content


def _parse(content: bytes, status: int) -> _Answer:
    """The answer; where there is none, one made of the HTTP status. Raises ProviderAwayError."""
    import orjson  # noqa: PLC0415 - only where SMS leave

    try:
        document: Any = orjson.loads(content)
        return _Answer(result=_Return.model_validate(document["return"]), entries=document.get("entries") or [])
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        if status == OK:
            raise ProviderAwayError("the answer cannot be read", may_have_arrived=True) from None
        return _Answer(result=_Return(status=status))
