"""The provider of each channel as the fault tests disturb it, and what it truly took.

SMTP, Kavenegar, webhooks and chat (Mattermost through Apprise) are real servers on 127.0.0.1, spoken to by the service's own
code. Before each is a line that can hang; the HTTP ones are disturbed in front of the application, so that what they keep is
what they took, whatever was answered.
"""

import asyncio
import base64
import os
import re
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.embedded.smtp_sink import ACCEPTED, SmtpSink
from services.notifications.domain.channels import Channel
from services.notifications.letters.links import read_link, read_short_link
from services.notifications.store.deliveries import list_link_keys
from tests.support.kavenegar import FakeKavenegar
from tests.support.mattermost import Mattermost, apprise_address
from tests.support.notifications import Desk, members
from tests.support.tcp_proxy import TcpProxy
from tests.support.tls import Authority, create_authority, https_server
from tests.support.webhook_receiver import WebhookReceiver

HOST: Final = "127.0.0.1"
KAVENEGAR_KEY: Final = "6B4C7A2F70A1SECRET"
UNAVAILABLE: Final = 503
GATEWAY_TIMEOUT: Final = 504

_LINK: Final = re.compile(r"http://service\.test/acknowledge/(\S+)")
_SHORT_LINK: Final = re.compile(r"http://service\.test/a/(\S+)")


class Provider(Protocol):
    """One channel's provider. `settings` reach it through `line`, which may hang. It takes everything until told otherwise.

    `takes_twice`: what is sent again it takes again; otherwise the service can ask what it has.
    """

    channel: Channel
    takes_twice: bool
    line: TcpProxy

    @property
    def tries(self) -> int:
        """Messages and questions that reached it."""
        ...

    def settings(self, timeout_s: float) -> dict[str, Any]: ...

    async def enrol(self, desk: Desk) -> None:
        """The three members of rey are told by this channel first, then by e-mail."""
        ...

    def take(self) -> None: ...

    def fail(self) -> None:
        """Say 5xx (451 in SMTP), and take nothing."""
        ...

    def answer_late(self, after_s: float, times: int) -> None:
        """Take the next messages, and say so after `after_s`."""
        ...

    async def taken(self, desk: Desk) -> Counter[UUID]:
        """How often it took which delivery."""
        ...


class MailProvider:
    channel = Channel.EMAIL
    takes_twice = True

    def __init__(self, sink: SmtpSink, line: TcpProxy) -> None:
        self.line = line
        self.tries = 0
        self._sink = sink
        self.take()

    def settings(self, timeout_s: float) -> dict[str, Any]:
        return {"smtp_port": self.line.port, "smtp_timeout_s": timeout_s}

    async def enrol(self, desk: Desk) -> None:
        await desk.set_group("rey")

    def take(self) -> None:
        self._answer(ACCEPTED)

    def fail(self) -> None:
        self._answer("451 4.3.0 try again later")

    def answer_late(self, after_s: float, times: int) -> None:
        self._answer(ACCEPTED, after_s, times)

    def _answer(self, reply: str, after_s: float = 0.0, times: int = 0) -> None:
        late = iter([True] * times)

        def answer(_recipient: str, _taken: int) -> str:
            self.tries += 1
            if next(late, False):
                time.sleep(after_s)
            return reply

        self._sink.answer = answer

    async def taken(self, desk: Desk) -> Counter[UUID]:
        return handed(desk.sink)


class Disturbance:
    """Before an HTTP application: `status` instead of its answer, whether or not (`reaches`) the request gets to it; the
    next `late` requests are taken and answered after `late_s`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.requests = 0
        self.status: int | None = None
        self.reaches = True
        self.late = 0
        self.late_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        status, late_s = self.status, self.late_s if self.late > 0 else 0.0
        self.late -= 1

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(late_s)
                message = message if status is None else {**message, "status": status}
            await send(message)

        if status is not None and not self.reaches:
            await PlainTextResponse("unavailable", status)(scope, receive, send)
        else:
            await self._app(scope, receive, answer)


class HttpProvider(ABC):
    """What the three over HTTP have in common; `fake` keeps what it took."""

    channel: Channel
    takes_twice = True
    line: TcpProxy
    authority: Authority

    def __init__(self, app: ASGIApp) -> None:
        self.front = Disturbance(app)

    @property
    def tries(self) -> int:
        return self.front.requests

    def take(self) -> None:
        self.front.status = None

    def fail(self) -> None:
        self.front.status, self.front.reaches = UNAVAILABLE, False

    def take_and_fail(self) -> None:
        """A gateway before it gives up on what it takes."""
        self.front.status, self.front.reaches = GATEWAY_TIMEOUT, True

    def answer_late(self, after_s: float, times: int) -> None:
        self.front.late_s, self.front.late = after_s, times

    @abstractmethod
    def settings(self, timeout_s: float) -> dict[str, Any]: ...

    @abstractmethod
    async def taken(self, desk: Desk) -> Counter[UUID]: ...

    @abstractmethod
    def address(self, position: int) -> str:
        """Of member number `position`."""
        ...

    async def enrol(self, desk: Desk) -> None:
        enrolled = [
            member | {"contacts": [{"channel": self.channel, "address": self.address(position)}]}
            for position, member in enumerate(members("rey"))
        ]
        async with desk.client("notifications_admin") as client:
            (await client.put("/working-groups/rey", json={"members": enrolled})).raise_for_status()


class SmsProvider(HttpProvider):
    channel = Channel.SMS
    takes_twice = False

    def __init__(self) -> None:
        self.fake = FakeKavenegar(KAVENEGAR_KEY)
        super().__init__(self.fake.app())

    def settings(self, timeout_s: float) -> dict[str, Any]:
        return {
            "kavenegar_url": f"https://{HOST}:{self.line.port}",
            "kavenegar_api_key": KAVENEGAR_KEY,
            "ca_file": self.authority.ca_file,
            "sms_timeout_s": timeout_s,
            "sms_status_first_s": 0.1,
        }

    def address(self, position: int) -> str:
        return f"+98912000000{position}"

    async def taken(self, desk: Desk) -> Counter[UUID]:
        """By the link that the person would follow, not by the number that keeps two of them apart."""
        keys = await _link_keys(desk)
        tokens = [_only(_SHORT_LINK, message.text) for message in self.fake.messages]
        return Counter(read_short_link(token, keys, datetime.now(UTC)).delivery_id for token in tokens)


class WebhookProvider(HttpProvider):
    channel = Channel.WEBHOOK

    def __init__(self, directory: Path, environment: pytest.MonkeyPatch) -> None:
        self.fake = WebhookReceiver()
        super().__init__(self.fake.app())
        key_file = directory / "webhook.key"
        key_file.write_text(f"1 {base64.b64encode(os.urandom(32)).decode()}\n")
        key_file.chmod(0o600)
        environment.setenv("PAYESH_WEBHOOK_KEY_FILE", str(key_file))
        environment.setenv("PAYESH_WEBHOOK_NETWORKS", f'["{HOST}/32"]')
        self._environment = environment

    def settings(self, timeout_s: float) -> dict[str, Any]:
        self._environment.setenv("PAYESH_WEBHOOK_TIMEOUT_S", str(timeout_s))
        return {"ca_file": self.authority.ca_file}

    def address(self, position: int) -> str:
        return f"m{position}-rey"

    async def enrol(self, desk: Desk) -> None:
        url = f"https://{HOST}:{self.line.port}/hook"
        async with desk.client("notifications_admin") as client:
            for position in range(len(members("rey"))):
                body = {"name": self.address(position), "county": "rey", "url": url}
                (await client.post("/webhook-endpoints", json=body)).raise_for_status()
        await super().enrol(desk)

    async def taken(self, desk: Desk) -> Counter[UUID]:
        del desk  # a webhook says itself which it is
        return Counter(UUID(one.headers["webhook-id"]) for one in self.fake.received)


class ChatProvider(HttpProvider):
    channel = Channel.CHAT

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        import_module("apprise")  # when the first message leaves, it takes longer than the tests' timeouts
        self.fake = Mattermost()
        super().__init__(self.fake.app())
        self._environment = environment

    def settings(self, timeout_s: float) -> dict[str, Any]:
        self._environment.setenv("REQUESTS_CA_BUNDLE", str(self.authority.ca_file))  # what Apprise's HTTP client trusts
        services = {"mattermost": apprise_address(HOST, self.line.port)}
        return {"chat_services": services, "chat_timeout_s": timeout_s}

    def address(self, position: int) -> str:
        return f"mattermost:m{position}-rey"

    async def taken(self, desk: Desk) -> Counter[UUID]:
        """By the link of each post: it names alert and person."""
        keys = await _link_keys(desk)
        links = [read_link(_only(_LINK, post["text"]), keys, datetime.now(UTC)) for post in self.fake.posts]
        rows = await desk.pool.fetch("SELECT delivery_id, alert_id, member_id FROM delivery WHERE channel <> 'inbox'")
        owed = {(row["alert_id"], row["member_id"]): row["delivery_id"] for row in rows}
        assert len(owed) == len(rows), "a link tells these letters apart only if each is told once"
        return Counter(owed[link.alert_id, link.member_id] for link in links)


HTTP_PROVIDERS: Final[Mapping[Channel, Callable[[Path, pytest.MonkeyPatch], HttpProvider]]] = {
    Channel.SMS: lambda _directory, _environment: SmsProvider(),
    Channel.WEBHOOK: WebhookProvider,
    Channel.CHAT: lambda _directory, environment: ChatProvider(environment),
}


@asynccontextmanager
async def open_provider(
    channel: Channel, sink: SmtpSink, directory: Path, environment: pytest.MonkeyPatch
) -> AsyncGenerator[Provider]:
    """The provider of `channel`, which listens; `sink` is that of mail. `environment`: where some settings have to be."""
    if channel is Channel.EMAIL:
        async with TcpProxy(sink.host, sink.port).run() as line:
            yield MailProvider(sink, line)
        return
    provider = HTTP_PROVIDERS[channel](directory, environment)
    provider.authority = create_authority(directory / "tls")
    with https_server(provider.front, provider.authority) as port:
        async with TcpProxy(HOST, port).run() as line:
            provider.line = line
            yield provider


def handed(sink: SmtpSink) -> Counter[UUID]:
    """How often the provider of mail took which delivery."""
    return Counter(UUID(letter.delivery_id) for letter in sink.letters)


async def _link_keys(desk: Desk) -> list[bytes]:
    async with desk.pool.acquire() as connection:
        return await list_link_keys(connection)


def _only(pattern: re.Pattern[str], text: str) -> str:
    [found] = pattern.findall(text)
    return found
