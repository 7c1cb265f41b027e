"""Mail over verified TLS with headers that a signature can cover, and chat through Apprise to a real HTTPS server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.embedded.directories import free_port
from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.channels.chat import require_safe
from services.notifications.channels.email import compose_mail
from services.notifications.letters.letter import Letter
from tests.support.channels import all_are, owe, prefer, until
from tests.support.notifications import Desk
from tests.support.tls import Authority, create_authority, https_server

SIGNED_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "tls")


class Mailbox:
    """Keeps letters as they came."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.letters.append(bytes(envelope.original_content or b""))
        return "250 OK"


@pytest.fixture
async def tls_relay(authority: Authority) -> AsyncIterator[tuple[Mailbox, int]]:
    """A relay that speaks TLS from the first byte."""
    mailbox = Mailbox()
    relay = Controller(mailbox, hostname="127.0.0.1", port=free_port(), ssl_context=authority.server_context())
    await asyncio.to_thread(relay.start)
    yield mailbox, relay.port
    await asyncio.to_thread(relay.stop)


async def test_mail_over_tls_has_every_signed_header_once_and_the_same_at_each_try(
    desk: Desk, tls_relay: tuple[Mailbox, int], authority: Authority
) -> None:
    mailbox, port = tls_relay
    await owe(desk)
    desk.start_delivery(smtp_host="localhost", smtp_port=port, smtp_security="tls", ca_file=authority.ca_file)
    [row] = await all_are(desk, "sent")
    await desk.pool.execute("UPDATE delivery SET state = 'pending', settled_at = NULL WHERE channel = 'email'")
    await until(desk, lambda found: len(mailbox.letters) == 2 and found[0]["state"] == "sent")
    first, second = (message_from_bytes(letter, policy=modern) for letter in mailbox.letters)
    for name in SIGNED_HEADERS:
        assert len(first.get_all(name, [])) == 1, name
    for name in ("From", "To", "Subject", "Date", "Message-ID"):
        assert first[name] == second[name], name
    assert first["Message-ID"] == row["provider_message_id"] == f"<{row['delivery_id']}@payesh.example>"
    assert first["List-Unsubscribe"] is None, "alerts are not for unsubscribing"


async def test_a_relay_whose_certificate_nobody_vouches_for_gets_no_mail(
    desk: Desk, tls_relay: tuple[Mailbox, int]
) -> None:
    mailbox, port = tls_relay
    await owe(desk)
    desk.start_delivery(smtp_host="localhost", smtp_port=port, smtp_security="tls")
    [row] = await until(desk, lambda found: found[0]["last_error"] is not None)
    assert "CERTIFICATE_VERIFY_FAILED" in row["last_error"]
    assert mailbox.letters == []


def test_a_digest_offers_one_click_unsubscription() -> None:
    """RFC 8058: both headers, an https address."""
    letter = Letter("s", ("l",), "text", "<p>html</p>", "short", "https://payesh.example/digests/stop/abc")
    message = compose_mail(
        letter,
        sender="payesh@payesh.example",
        recipient=Address("گیرنده", addr_spec="m@payesh.example"),
        message_id="1",
        sent_at=datetime(2026, 11, 22, tzinfo=UTC),
        language="fa",
        headers={},
    )
    assert message["List-Unsubscribe"] == "<https://payesh.example/digests/stop/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


class Mattermost:
    """An incoming webhook of Mattermost: takes JSON, answers "ok"."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.status = 200
        self.answer_after_s = 0.0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hooks/{token}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.posts.append(await request.json())
        await asyncio.sleep(self.answer_after_s)
        return PlainTextResponse("ok", status_code=self.status)


@pytest.fixture
def mattermost(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mattermost, dict[str, Any]]]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))  # what Apprise's HTTP client trusts
    one = Mattermost()
    with https_server(one.app(), authority) as port:
        address = f"mmosts://localhost:{port}/3ccdd113474722377935511fc85d3dd4?channel={{target}}"
        yield one, {"chat_services": {"mattermost": address}}


async def test_a_chat_message_reaches_its_target(desk: Desk, mattermost: tuple[Mattermost, dict[str, Any]]) -> None:
    chat, settings = mattermost
    await prefer(desk, ("chat", "mattermost:rey-desk"))
    await owe(desk)
    desk.start_delivery(**settings)
    await all_are(desk, "sent")
    [post] = chat.posts
    assert post["channel"] == "rey-desk"
    assert "اقدام اصلاحی" in post["text"]
    assert "http://service.test/acknowledge/" in post["text"]


async def test_a_chat_that_hangs_or_refuses_goes_on_and_delays_nothing(
    desk: Desk, sink: SmtpSink, mattermost: tuple[Mattermost, dict[str, Any]]
) -> None:
    chat, settings = mattermost
    chat.status = 500
    await prefer(desk, ("chat", "mattermost:rey-desk"))
    await owe(desk)
    desk.start_delivery(**settings, delivery_attempts_max=2)
    [row] = await until(desk, lambda found: found[0]["channel"] == "email" and found[0]["state"] == "sent")
    assert (len(sink.letters), len(chat.posts)) == (1, 2)
    chat.answer_after_s = 3.0
    await owe(desk)
    found = await until(desk, lambda found: len(found) == 2 and found[1]["attempts"] == 1)
    assert found[0]["delivery_id"] == row["delivery_id"]
    await prefer(desk)
    await owe(desk)
    await until(desk, lambda found: len(found) == 3 and found[2]["state"] == "sent")


async def test_an_unknown_chat_service_goes_on_at_once(desk: Desk, sink: SmtpSink) -> None:
    await prefer(desk, ("chat", "telegram:@somebody"))
    await owe(desk)
    desk.start_delivery()
    await until(desk, lambda found: found[0]["channel"] == "email" and found[0]["state"] == "sent")
    assert len(sink.letters) == 1


@pytest.mark.parametrize(
    "address",
    [
        "mmost://host/token?channel={target}", "matrix://u:p@host/{target}", "json://host/{target}",
        "mmosts://host/token?channel={target}&verify=no", "mmosts://host/token", "syslog://{target}", "",
    ],
)  # fmt: skip
def test_a_chat_service_that_is_not_safe_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValueError, match="chat service 'one'"):
        require_safe("one", SecretStr(address))
