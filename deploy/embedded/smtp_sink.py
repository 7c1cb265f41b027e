"""A real SMTP server for the embedded start and for tests: takes every letter and keeps what it said.

    sink = SmtpSink("127.0.0.1", 2525, Path(".payesh/mail"))
    sink.start()
    sink.letters        # what arrived, compact; the letters themselves are in mail.mbox
    sink.stop()

It serves from a thread of its own, so that the launcher's work does not delay it.
"""

import asyncio
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

MAILBOX_FILE: Final = "mail.mbox"
LETTER_BYTES_MAX: Final = 1024 * 1024
DEADLINE_S: Final = 10.0
HOST_NAME: Final = "smtp-sink.payesh.invalid"
IDENT: Final = "Payesh mail sink"
ACCEPTED: Final = "250 OK"
NO_ROOM: Final = "452 4.3.1 The mailbox cannot be written now"
"""A temporary refusal: the sender keeps the letter and tries again."""

_ACKNOWLEDGE_LINK = re.compile(rb"https?://[^\s\"<>]+/acknowledge/[A-Za-z0-9._~-]+")
_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReceivedLetter:
    """What one letter said. `step` is the escalation step it was sent for, None if the letter does not say."""

    delivery_id: str
    message_id: str
    recipient: str
    subject: str
    language: str
    alert_id: str
    alert_kind: str
    step: int | None
    correlation_id: str
    acknowledge_link: str | None


class SmtpSink:
    """Listens on `host`:`port` (0: any free port, see `port` after start) and appends letters to `mailbox_directory`.

    `answer` may be replaced by a function (recipient, number of letters taken so far) -> SMTP reply, for tests that
    need a provider to fail; anything but a 2xx reply means that the letter was not taken.
    """

    def __init__(self, host: str, port: int, mailbox_directory: Path) -> None:
        self.host = host
        self.port = port
        self.letters: list[ReceivedLetter] = []
        self.refused = 0
        self.answer: Callable[[str, int], str] = _accept
        self._mailbox_directory = mailbox_directory
        self._mailbox: FileIO | None = None
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.BaseTransport] = set()
        self._arrived = threading.Condition()

    @property
    def mailbox_file(self) -> Path:
        return self._mailbox_directory / MAILBOX_FILE

    def start(self) -> None:
        """Listen; returns when connections are accepted. Raises OSError if the port is taken."""
        self._mailbox_directory.mkdir(parents=True, exist_ok=True)
        self._mailbox = self.mailbox_file.open("ab", buffering=0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-sink", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(self._loop), self._loop).result(DEADLINE_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop listening, drop connections and close the mailbox; what arrived stays readable."""
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(DEADLINE_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(DEADLINE_S)
            self._loop.close()
            self._thread = None
        if self._mailbox is not None:
            self._mailbox.close()
            self._mailbox = None

    async def __aenter__(self) -> "SmtpSink":
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def wait_for(self, count: int, timeout_s: float) -> bool:
        """Block until `count` letters were taken; False when `timeout_s` passed first. Not for an event loop."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.letters) >= count, timeout_s)

    async def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        server = await loop.create_server(lambda: _Connection(self, self._connections), self.host, self.port)
        self._server = server
        self.port = int(server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in tuple(self._connections):
            transport.close()
        await asyncio.sleep(0)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """One letter per recipient. Called by aiosmtpd."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        for recipient in envelope.rcpt_tos:
            reply = self.answer(recipient, len(self.letters))
            if not reply.startswith("2"):
                self.refused += 1
                return reply
            if not self._append(content, envelope.mail_from or ""):
                self.refused += 1
                return NO_ROOM
            letter = read_letter(content, recipient)
            with self._arrived:
                self.letters.append(letter)
                self._arrived.notify_all()
        return ACCEPTED

    def _append(self, content: bytes, sender: str) -> bool:
        """Whether the whole letter is in the mailbox; of one that did not fit nothing stays."""
        if self._mailbox is None:
            return True
        body = _FROM_LINE.sub(rb">\1", content.replace(b"\r\n", b"\n"))
        heading = f"From {sender or 'MAILER-DAEMON'} {formatdate()}\n".encode()
        letter = heading + body.rstrip(b"\n") + b"\n\n"
        end = self._mailbox.seek(0, os.SEEK_END)
        try:
            if self._mailbox.write(letter) == len(letter):
                return True
        except OSError:
            pass
        self._mailbox.truncate(end)
        return False


def read_letter(content: bytes, recipient: str) -> ReceivedLetter:
    """The compact form of a raw letter; headers that are missing are empty."""
    message = message_from_bytes(content)
    step = message.get("X-Payesh-Step", "")
    return ReceivedLetter(
        delivery_id=message.get("X-Payesh-Delivery-Id", ""),
        message_id=message.get("Message-ID", ""),
        recipient=recipient,
        subject=_decoded(str(message.get("Subject", ""))),
        language=message.get("Content-Language", ""),
        alert_id=message.get("X-Payesh-Alert-Id", ""),
        alert_kind=message.get("X-Payesh-Alert-Kind", ""),
        step=int(step) if step.isdecimal() else None,
        correlation_id=message.get("X-Correlation-Id", ""),
        acknowledge_link=_acknowledge_link(message),
    )


def _acknowledge_link(message: "Message[str, str]") -> str | None:
    part = next((part for part in message.walk() if part.get_content_type() == "text/plain"), None)
    text: object = part.get_payload(decode=True) if part is not None else None
    found = _ACKNOWLEDGE_LINK.search(text) if isinstance(text, bytes) else None
    return found.group().decode("ascii") if found else None


def _decoded(header: str) -> str:
    try:
        return str(make_header(decode_header(header)))
    except (LookupError, ValueError):
        return header


def _accept(_recipient: str, _taken: int) -> str:
    return ACCEPTED


class _Connection(SMTP):
    """One SMTP connection; known to the sink while it is open, so that stopping can end it."""

    def __init__(self, sink: SmtpSink, open_connections: "set[asyncio.BaseTransport]") -> None:
        super().__init__(sink, hostname=HOST_NAME, ident=IDENT, data_size_limit=LETTER_BYTES_MAX, enable_SMTPUTF8=True)
        self._open_connections = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._open_connections.discard(self.transport)
        super().connection_lost(error)
