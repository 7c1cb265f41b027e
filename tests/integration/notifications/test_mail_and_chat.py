"""Mail over verified TLS with headers that a signature can cover, and chat through Apprise to a real HTTPS server."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default as modern
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from pydantic import SecretStr

from deploy.embedded.directories import free_port
from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.channels.chat import require_safe
from services.notifications.channels.email import compose_mail
from services.notifications.domain.channels import Channel
from services.notifications.handlers.deliveries import settle_failed
from services.notifications.letters.letter import Letter
from services.notifications.store.deliveries import lease_due
from shared.contracts.notifications import OperationsTrouble
from tests.support.channels import MOBILE, all_are, history, owe, prefer, rows, until
from tests.support.chat_services import (
    ACCESS_TOKEN,
    BOT_TOKEN,
    MATRIX_HOST,
    MATRIX_PASSWORD,
    MATRIX_USER,
    TELEGRAM_HOST,
    ChatServices,
)
from tests.support.mattermost import Mattermost, apprise_address
from tests.support.notifications import POLL_S, WAIT_S, Desk
from tests.support.tls import Authority, create_authority, https_server

FIRST, SECOND = "m0.rey@payesh.example", "second.rey@payesh.example"
PASSWORD = "correct-horse"
TROUBLE = OperationsTrouble.CHANNEL_CIRCUIT_OPEN
SOMEBODY_WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
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


class Gate:
    """A relay that takes mail only from whoever has signed in; it says STARTTLS if it has a certificate."""

    def __init__(self, certificate: ssl.SSLContext | None) -> None:
        self.mailbox = Mailbox()
        self.tried: list[tuple[bytes, bytes]] = []
        self._controller = Controller(
            self.mailbox,
            hostname="127.0.0.1",
            port=free_port(),
            tls_context=certificate,
            require_starttls=certificate is not None,
            auth_require_tls=certificate is not None,
            auth_required=True,
            authenticator=self._authenticate,
        )

    async def __aenter__(self) -> dict[str, Any]:
        """Settings that reach it."""
        await asyncio.to_thread(self._controller.start)
        return {
            "smtp_host": "localhost",
            "smtp_port": self._controller.port,
            "smtp_security": "starttls",
            "smtp_username": "payesh",
            "smtp_password": PASSWORD,
        }

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._controller.stop)

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        self.tried.append((said.login, said.password))
        return AuthResult(success=said.password == PASSWORD.encode(), handled=False)


async def test_mail_leaves_after_starttls_and_a_login(desk: Desk, authority: Authority) -> None:
    gate = Gate(authority.server_context())
    async with gate as settings:
        await owe(desk)
        desk.start_delivery(**settings, ca_file=authority.ca_file)
        await all_are(desk, "sent")
    assert gate.tried == [(b"payesh", PASSWORD.encode())]
    assert len(gate.mailbox.letters) == 1


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # so that a login without TLS would be seen
@pytest.mark.parametrize(
    ("offers_tls", "trusted", "password", "error", "signs_in"),
    [
        (True, True, "not-the-password", "535 ", True),
        (True, False, PASSWORD, "CERTIFICATE_VERIFY_FAILED", False),
        (False, True, PASSWORD, "STARTTLS", False),
    ],
)
async def test_a_relay_that_cannot_be_trusted_or_does_not_trust_us_is_away_and_learns_no_password(
    desk: Desk, authority: Authority, *, offers_tls: bool, trusted: bool, password: str, error: str, signs_in: bool
) -> None:
    gate = Gate(authority.server_context() if offers_tls else None)
    async with gate as settings:
        await owe(desk, 2)
        changed = {"smtp_password": password, "ca_file": authority.ca_file if trusted else None}
        desk.start_delivery(**settings | changed, delivery_retry_first_s=300.0, breaker_failures=1)
        found = await until(desk, lambda found: any(row["last_error"] for row in found))
        [told] = [row["last_error"] for row in found if row["last_error"]]
        async with asyncio.timeout(WAIT_S):
            while (
                await desk.pool.fetchval("SELECT name FROM operations_trouble WHERE trouble = $1", TROUBLE) != "email"
            ):
                await asyncio.sleep(POLL_S)
    assert error in told
    assert password not in told
    assert bool(gate.tried) is signs_in
    assert gate.mailbox.letters == []
    assert sum(row["attempts"] for row in await rows(desk)) == 1, "the relay is at fault, not the letters"
    assert [entry for entry, _ in await history(desk)] == ["raised", "raised"], "nothing can have come twice"


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


async def _step_by(desk: Desk, *channels: str) -> None:
    """The one step of rey's chain names these channels; its one person has an SMS contact and two e-mail addresses."""
    await prefer(desk, ("sms", MOBILE), ("email", FIRST), ("email", SECOND))
    body = {"steps": [{"position": 0, "channels": channels, "wait_s": 3600}], "repeats": 0}
    async with desk.client("notifications_admin") as client:
        (await client.put("/escalation-policies/urgent", json=body)).raise_for_status()


async def test_a_second_address_is_tried_also_where_the_step_names_several_channels(desk: Desk, sink: SmtpSink) -> None:
    sink.answer = lambda recipient, _taken: "550 no such user" if recipient == FIRST else "250 OK"
    await _step_by(desk, "sms", "email")
    await owe(desk)
    desk.start_delivery(delivery_attempts_max=2)
    found = await until(desk, lambda found: {row["state"] for row in found} == {"sent", "dead"})
    assert {row["channel"]: (row["state"], row["address"]) for row in found} == {
        "sms": ("dead", MOBILE),
        "email": ("sent", SECOND),
    }
    assert [letter.recipient for letter in sink.letters] == [SECOND]
    assert await desk.published() == ["AlertRaised"], "the person is told, so nobody is alarmed"
    assert [entry for entry, _ in await history(desk)].count("undelivered") == 1, (
        "and the history says what did not work"
    )


async def test_somebody_is_alarmed_once_when_no_channel_of_a_step_works(desk: Desk, sink: SmtpSink) -> None:
    sink.answer = lambda _recipient, _taken: "550 no such user"
    await _step_by(desk, "sms", "email")
    await owe(desk)
    desk.start_delivery(delivery_attempts_max=1)
    await all_are(desk, "dead")
    assert await desk.published() == ["AlertRaised", "AlertUndelivered"]


async def test_two_channels_that_give_up_at_the_same_time_alarm_somebody_all_the_same(desk: Desk) -> None:
    """Each waits for the other, so that the later one knows itself to be the last."""
    await _step_by(desk, "sms", "email")
    await owe(desk)
    lease_id = uuid4()
    async with desk.begin() as tx:
        [sms] = await lease_due(tx.connection, lease_id, Channel.SMS, 1, timedelta(minutes=1))
        [email] = await lease_due(tx.connection, lease_id, Channel.EMAIL, 1, timedelta(minutes=1))
    later_began = asyncio.Event()

    async def settle_later() -> None:
        async with desk.begin() as tx:
            later_began.set()
            await settle_failed(lease_id, replace(email, fallbacks=()), "550", tx)

    async with asyncio.TaskGroup() as group, desk.begin() as tx:
        await settle_failed(lease_id, replace(sms, fallbacks=()), "no account", tx)
        later = group.create_task(settle_later())
        await later_began.wait()
        async with asyncio.timeout(WAIT_S):
            while not later.done() and not await tx.connection.fetchval(SOMEBODY_WAITS):
                await asyncio.sleep(POLL_S)
    assert {row["state"] for row in await rows(desk)} == {"dead"}
    assert (await desk.published()).count("AlertUndelivered") == 1


@pytest.fixture
def mattermost(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mattermost, dict[str, Any]]]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))  # what Apprise's HTTP client trusts
    one = Mattermost()
    with https_server(one.app(), authority) as port:
        yield one, {"chat_services": {"mattermost": apprise_address("localhost", port)}}


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


@pytest.fixture
async def chats(authority_of_chats: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChatServices]:
    """Telegram and Matrix at their own names, behind a proxy."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority_of_chats.ca_file))
    one = ChatServices()
    with https_server(one.app(), authority_of_chats) as port:
        async with one.proxy(port) as address:
            for name in ("HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, address)
            for name in ("NO_PROXY", "no_proxy"):
                monkeypatch.delenv(name, raising=False)
            yield one


@pytest.fixture
def authority_of_chats(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "chats", TELEGRAM_HOST, MATRIX_HOST)


async def _chat(desk: Desk, *addresses: str) -> None:
    """One message to each."""
    for address in addresses:
        await prefer(desk, ("chat", address))
        await owe(desk)
    desk.start_delivery(
        chat_services={
            "telegram": f"tgram://{BOT_TOKEN}/{{target}}",
            "matrix": f"matrixs://{MATRIX_USER}:{MATRIX_PASSWORD}@{MATRIX_HOST}/{{target}}",
            "matrix-token": f"matrixs://:{ACCESS_TOKEN}@{MATRIX_HOST}/{{target}}",
        }
    )
    sent = await all_are(desk, "sent")
    assert [(row["channel"], row["address"]) for row in sent] == [("chat", address) for address in addresses]


async def test_a_telegram_message_reaches_its_chat(desk: Desk, chats: ChatServices) -> None:
    await _chat(desk, "telegram:@rey_desk", "telegram:-1001234567890")
    assert {message["chat_id"] for message in chats.telegram} == {"@rey_desk", -1001234567890}
    assert len(chats.telegram) == 2
    for message in chats.telegram:
        assert "اقدام اصلاحی" in message["text"]
        assert "http://service.test/acknowledge/" in message["text"]
    assert set(chats.hosts) == {f"{TELEGRAM_HOST}:443"}


async def test_a_matrix_message_reaches_its_room(desk: Desk, chats: ChatServices) -> None:
    await _chat(desk, "matrix:#rey:matrix.example", "matrix-token:!abcd:matrix.example")
    assert (set(chats.joined), chats.logins) == ({"#rey:matrix.example", "!abcd:matrix.example"}, 1)
    assert sorted(room for room, _, _ in chats.matrix) == ["!abcd:matrix.example", "!rey:matrix.example"]
    for _, _, event in chats.matrix:
        assert event["msgtype"] == "m.text"
        assert "اقدام اصلاحی" in event["body"]
        assert "http://service.test/acknowledge/" in event["body"]
    assert set(chats.hosts) == {f"{MATRIX_HOST}:443"}


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
