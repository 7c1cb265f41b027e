"""Chat (Telegram, Matrix, Mattermost, …) through Apprise, which is imported when the first message leaves.

Apprise is synchronous: it works in threads of this channel, a bounded number of them, and says only whether it worked.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from services.notifications.channels.base import (
    Outgoing,
    ProviderAwayError,
    ProviderReceipt,
    RefusedError,
    keep_addresses_out_of_logs,
)
from services.notifications.settings import Settings

CHAT_SCHEMES: Final = frozenset({"tgram", "matrixs", "mmosts", "rockets", "slack", "zulip", "nctalks", "ntfys"})
"""Apprise services that are spoken to over HTTPS only, by the scheme that says so."""
THREADS_MAX: Final = 4
TARGET: Final = "{target}"


class ChatSender:
    """Sends by the services that the settings name. `close` it."""

    sends_at_once = THREADS_MAX

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError if a service is not one of `CHAT_SCHEMES`, or does not verify certificates."""
        for name, address in settings.chat_services.items():
            require_safe(name, address)
        keep_addresses_out_of_logs("apprise", "urllib3", "requests")
        self.timeout_s = settings.chat_timeout_s
        self._services: Mapping[str, SecretStr] = settings.chat_services
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="chat")
        self._under_way = 0

    async def send(self, outgoing: Outgoing) -> ProviderReceipt:
        """Send subject and text. Raises RefusedError or ProviderAwayError.

        Apprise tells nothing of why a message did not go out, and no service has an idempotency key: a failed try may have
        arrived all the same.
        """
        name, _, target = outgoing.delivery.address.partition(":")
        service = self._services.get(name)
        if service is None or not target:
            raise RefusedError(f"no chat service is named {name!r}", permanent=True)
        if self._under_way >= THREADS_MAX:
            raise ProviderAwayError("all chat threads wait for an answer")
        address = service.get_secret_value().replace(TARGET, quote(target, safe=""))
        self._under_way += 1
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, _notify, address, outgoing.letter.subject, outgoing.letter.text, self.timeout_s
        )
        work.add_done_callback(self._ended)
        try:
            taken = await asyncio.wait_for(asyncio.shield(work), self.timeout_s)
        except TimeoutError:
            raise ProviderAwayError("no answer in time", may_have_arrived=True) from None
        if not taken:
            raise RefusedError(f"chat service {name!r} did not take the message", may_have_arrived=True)
        return ProviderReceipt()

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, work: "asyncio.Future[bool]") -> None:
        self._under_way -= 1
        if not work.cancelled():
            work.exception()  # looked at, so that an error after the timeout is not reported as lost


def require_safe(name: str, service: SecretStr) -> None:
    """Raises ValueError: a scheme that is not spoken over HTTPS, no place for the target, or certificates not verified."""
    parts = urlsplit(service.get_secret_value())
    if parts.scheme not in CHAT_SCHEMES:
        raise ValueError(f"chat service {name!r}: its scheme is not one of {', '.join(sorted(CHAT_SCHEMES))}")
    if TARGET not in service.get_secret_value():
        raise ValueError(f"chat service {name!r}: its address has no {TARGET}")
    if "verify" in parts.query.lower():
        raise ValueError(f"chat service {name!r}: certificates are always verified; leave `verify` out")


def _notify(address: str, subject: str, text: str, timeout_s: float) -> bool:
    import apprise  # noqa: PLC0415 - loads a hundred plugins; only where chat is used

    half_s = timeout_s / 2
    separator = "&" if "?" in address else "?"
    sender = apprise.Apprise.instantiate(f"{address}{separator}cto={half_s:.1f}&rto={half_s:.1f}")
    if not isinstance(sender, apprise.NotifyBase):
        return False
    return bool(sender.notify(body=text, title=subject, body_format=apprise.NotifyFormat.TEXT))
