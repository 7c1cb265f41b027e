"""The mail sink takes what any mail client sends, keeps it readable, and refuses when told to."""

import mailbox
import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from deploy.embedded.smtp_sink import SmtpSink, read_letter

LINK = "http://127.0.0.1:8083/acknowledge/aaa.bbb-c_d.eee"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    started = SmtpSink("127.0.0.1", 0, tmp_path)
    started.start()
    yield started
    started.stop()


def letter(number: int = 1, cte: str = "base64") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "a@x.example", "b@x.example"
    message["Subject"] = f"هشدار {number}"
    message["X-Payesh-Delivery-Id"], message["X-Payesh-Step"] = f"delivery-{number}", "2"
    message.set_content(f"سلام\nFrom here on\n{LINK}\n", cte=cte)
    message["Content-Language"] = "fa"
    return message


def test_letters_arrive_readable_and_stay_in_the_mailbox(sink: SmtpSink) -> None:
    with smtplib.SMTP(sink.host, sink.port) as client:
        for number in range(3):
            client.send_message(letter(number))
    assert sink.wait_for(3, timeout_s=5)
    first = sink.letters[0]
    assert (first.subject, first.delivery_id, first.step) == ("هشدار 0", "delivery-0", 2)
    assert (first.language, first.recipient, first.acknowledge_link) == ("fa", "b@x.example", LINK)
    sink.stop()
    kept = mailbox.mbox(str(sink.mailbox_file))
    assert [message["X-Payesh-Delivery-Id"] for message in kept] == ["delivery-0", "delivery-1", "delivery-2"]


@pytest.mark.parametrize("cte", ["base64", "quoted-printable", "8bit"])
def test_the_link_is_found_in_any_transfer_encoding(cte: str) -> None:
    assert read_letter(letter(cte=cte).as_bytes(), "b@x.example").acknowledge_link == LINK


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"Subject: =?utf-8?b?!!?=\n\nx",
        b"Subject: =?klingon?q?x?=\n\nx",
        b"X-Payesh-Step: two\n\n",
        b"Content-Transfer-Encoding: base64\n\n!!!",
    ],
)
def test_a_strange_letter_is_kept_too(raw: bytes) -> None:
    assert read_letter(raw, "b@x.example").acknowledge_link is None


def test_told_to_fail_it_takes_nothing(sink: SmtpSink) -> None:
    sink.answer = lambda _recipient, _taken: "451 later"
    with smtplib.SMTP(sink.host, sink.port) as client, pytest.raises(smtplib.SMTPDataError):
        client.send_message(letter())
    assert (sink.letters, sink.refused) == ([], 1)


def test_a_taken_port_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sink = SmtpSink("127.0.0.1", taken.getsockname()[1], tmp_path)
        with pytest.raises(OSError, match=r"in use|98"):
            sink.start()
