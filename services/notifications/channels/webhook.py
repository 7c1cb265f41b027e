"""Webhooks: each alert posted to the endpoint that a member's contact names, signed as Standard Webhooks says."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Final

import httpx
import orjson

from services.notifications.channels.base import Outgoing, ProviderReceipt, RefusedError, UntriedError
from services.notifications.handlers.webhooks import key_context, note_failure, note_success
from services.notifications.settings import Settings
from services.notifications.store import webhooks as store
from services.notifications.webhooks.safe_address import (
    AddressRules,
    Resolve,
    UnsafeAddressError,
    checked_destination,
    checked_url,
    resolve_by_system,
)
from services.notifications.webhooks.sealing import unseal
from services.notifications.webhooks.settings import WebhookSettings
from services.notifications.webhooks.signing import SigningKey, signatures
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.database import DATABASE_FAULTS, is_unavailable
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext
from shared.kit.telemetry import current_traceparent

SENDS_AT_ONCE: Final = 8
BODY_BYTES_MAX: Final = 64 * 1024
ALERT_TYPE: Final = "alert.notified"
DIGEST_TYPE: Final = "digest.notified"
GONE: Final = 410
"""The receiver wants no more: the endpoint is switched off at once, as the specification asks."""
USER_AGENT: Final = "Payesh-Webhooks/1"

_log = get_logger(__name__)


class WebhookSender:
    """Sends to many endpoints side by side: each is a provider of its own, so that one's failure says nothing of another.

    A failure is therefore always of this message; an endpoint that fails for long is switched off by itself.
    """

    sends_at_once = SENDS_AT_ONCE

    def __init__(
        self,
        context: WorkerContext[Settings],
        *,
        resolve: Resolve = resolve_by_system,
        read_settings: Callable[[], WebhookSettings] = WebhookSettings,
    ) -> None:
        self._context = context
        self._resolve = resolve
        self._read_settings = read_settings
        self.timeout_s = read_settings().timeout_s
        self._tls = ssl.create_default_context()
        if context.settings.ca_file is not None:
            self._tls.load_verify_locations(context.settings.ca_file)

    async def send(self, outgoing: Outgoing) -> ProviderReceipt:
        """Post once; only 2xx is success, nothing is followed. The delivery's id is ``webhook-id`` at every try.

        Raises RefusedError or UntriedError.
        """
        name, county = outgoing.delivery.address, outgoing.delivery.county
        try:
            url, keys = await self._endpoint(name, county)
        except Exception as error:
            if is_unavailable(error) or isinstance(error, OSError):
                raise UntriedError(repr(error)) from error
            raise
        try:
            async with asyncio.timeout(self.timeout_s):
                status = await self._post(url, keys, outgoing)
        except RefusedError as error:
            await self._note_failure(name, county, str(error), self._read_settings().disable_after_s)
            raise
        except TimeoutError:
            await self._note_failure(name, county, "no answer in time", self._read_settings().disable_after_s)
            raise RefusedError("no answer in time", may_have_arrived=True) from None
        if not httpx.codes.is_success(status):
            gone = status == GONE
            disable_after_s = 0.0 if gone else self._read_settings().disable_after_s
            await self._note_failure(name, county, f"HTTP {status}", disable_after_s)
            # A gateway that gave up waiting says 5xx too: the receiver behind it may have the message.
            raise RefusedError(f"HTTP {status}", permanent=gone, may_have_arrived=httpx.codes.is_server_error(status))
        with _unless_database_away(name):
            await note_success(self._context, name)
        return ProviderReceipt()

    async def close(self) -> None:
        """Nothing stays open between messages."""

    async def _endpoint(self, name: str, county: County) -> tuple[str, list[SigningKey]]:
        async with self._context.pool.acquire() as connection:
            endpoint = await store.find_endpoint(connection, name)
            stored = await store.list_keys(connection, name)
        if endpoint is None:
            raise RefusedError(f"there is no webhook endpoint named {name!r}", permanent=True)
        if endpoint.county not in (None, county):
            raise RefusedError("the endpoint is another county's", permanent=True)
        if endpoint.disabled_at is not None:
            raise RefusedError("the endpoint is switched off", permanent=True)
        try:
            keys = [SigningKey(key.scheme, unseal(key.sealed, key_context(name, key.key_id))) for key in stored]
        except Refusal as refusal:
            raise RefusedError(f"its keys cannot be opened: {refusal.reason.code}") from refusal
        return endpoint.url, keys

    async def _note_failure(self, name: str, county: County, error: str, disable_after_s: float) -> None:
        with _unless_database_away(name):
            await note_failure(self._context, name, county, error, disable_after_s)

    async def _post(self, address: str, keys: list[SigningKey], outgoing: Outgoing) -> int:
        """The answer's status; its body is not read."""
        webhooks = self._read_settings()
        rules = AddressRules(webhooks.networks, webhooks.plain_http)
        try:
            url = checked_url(address, rules)
            destination = await checked_destination(url, rules, self._resolve)
        except UnsafeAddressError as error:
            raise RefusedError(f"address refused: {error}") from error
        except OSError as error:
            raise RefusedError("its name cannot be resolved") from error
        body = body_of(outgoing)
        if len(body) > BODY_BYTES_MAX:
            raise RefusedError(f"the message has {len(body)} bytes, {BODY_BYTES_MAX} at most", permanent=True)
        # One client for each message: a kept connection is known by address and port, not by the name it was checked for.
        client = httpx.AsyncClient(verify=self._tls, trust_env=False, follow_redirects=False, timeout=self.timeout_s)
        try:
            async with (
                client,
                client.stream(
                    "POST",
                    url.copy_with(host=destination),
                    content=body,
                    headers=_headers(url, keys, outgoing, body),
                    extensions={"sni_hostname": url.host},
                ) as response,
            ):
                return response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise RefusedError(f"not reached: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise RefusedError(f"no answer: {type(error).__name__}", may_have_arrived=True) from error


@contextlib.contextmanager
def _unless_database_away(name: str) -> Generator[None]:
    """What the endpoint did is known again with its next message; that it could not be kept changes nothing of this one."""
    try:
        yield
    except DATABASE_FAULTS as error:
        _log.warning("endpoint_not_noted", endpoint=name, error=repr(error))


def body_of(outgoing: Outgoing) -> bytes:
    """The message: type, time and data. The same at every try, as far as the alert's group stays the same."""
    delivery, letter = outgoing.delivery, outgoing.letter
    is_digest = delivery.digest_id is not None
    data = {
        "delivery_id": delivery.delivery_id,
        "alert_id": delivery.alert_id,
        "county": delivery.county,
        "kind": delivery.kind,
        "severity": delivery.severity,
        "subject_id": delivery.subject_id,
        "registry_id": delivery.registry_id,
        "step": delivery.step,
        "raised_at": delivery.raised_at,
        "details": dict(delivery.details),
        "language": delivery.language,
        "subject": letter.subject,
        "text": letter.text,
        "acknowledge_url": None if is_digest else outgoing.acknowledge_url,
        "unsubscribe_url": letter.unsubscribe_url,
        "grouped_total": delivery.grouped_total,
        "grouped": [
            {
                "alert_id": one.alert_id,
                "subject_id": one.subject_id,
                "registry_id": one.registry_id,
                "raised_at": one.raised_at,
            }
            for one in delivery.grouped
        ],
    }
    document = {"type": DIGEST_TYPE if is_digest else ALERT_TYPE, "timestamp": delivery.created_at, "data": data}
    return orjson.dumps(document, default=str)  # asyncpg's UUIDs are of a subclass


def _headers(url: httpx.URL, keys: list[SigningKey], outgoing: Outgoing, body: bytes) -> dict[str, str]:
    sent_at, message_id = datetime.now(UTC), str(outgoing.delivery.delivery_id)
    headers = {
        "Host": url.netloc.decode("ascii"),
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signatures(keys, message_id, sent_at, body.decode()),
    }
    if traceparent := current_traceparent():
        headers["traceparent"] = traceparent
    return headers
