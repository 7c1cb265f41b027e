"""E-mail: one reused SMTP connection that tells a refused letter from a provider that is away.

Letters are signed (DKIM) by the relay that sends them on, which holds the domain's key; here every header that such a
signature covers is there once, before the letter leaves, and the same at every try.
"""

import asyncio
import ssl
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any, Final

import aiosmtplib

from services.notifications.channels.base import Outgoing, ProviderAwayError, ProviderReceipt, RefusedError
from services.notifications.channels.mail_headers import MAIL
from services.notifications.letters.letter import Letter
from services.notifications.settings import Settings
from shared.kit.telemetry import current_traceparent

SERVICE_NOT_AVAILABLE: Final = 421
SENDER_NAME: Final = "Payesh"


class _Line(aiosmtplib.SMTP):
    """`handed_over`: whether a letter's text has been offered, so that the relay may have it whatever comes back."""

    handed_over = False

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        self.handed_over = True
        return await super().data(message, **options)


class EmailSender:
    """Sends letters one after the other over one connection, opened when first needed and reopened after a fault."""

    sends_at_once = 1

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: _Line | None = None
        self.timeout_s = settings.smtp_timeout_s

    async def send(self, outgoing: Outgoing) -> ProviderReceipt:
        """The receipt's id is the Message-ID. Raises RefusedError or ProviderAwayError."""
        message = compose_alert_mail(outgoing, self._settings.smtp_from)
        await self.send_bytes(outgoing.delivery.address, message.as_bytes())
        return ProviderReceipt(str(message["Message-ID"]))

    async def send_bytes(self, recipient: str, message: bytes) -> None:
        """Send a composed letter, or raise RefusedError or ProviderAwayError within the configured timeout.

        After a timeout the connection is not used again: its late answer would be taken for the next letter's.
        """
        client = None
        try:
            async with asyncio.timeout(self.timeout_s):
                client = await self._connected()
                client.handed_over = False
                await client.sendmail(self._settings.smtp_from, recipient, message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise RefusedError("; ".join(_told(refused) for refused in error.recipients)) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code == SERVICE_NOT_AVAILABLE or isinstance(
                error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPAuthenticationError
            ):
                self._drop()
                raise ProviderAwayError(_told(error)) from error
            raise RefusedError(_told(error)) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self._drop()
            handed_over = client is not None and client.handed_over
            raise ProviderAwayError(f"{type(error).__name__}: {error}", may_have_arrived=handed_over) from error

    async def close(self) -> None:
        """Drop the connection without a farewell."""
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _connected(self) -> _Line:
        if self._client is not None and self._client.is_connected:
            return self._client
        settings = self._settings
        password = settings.smtp_password
        context = ssl.create_default_context() if settings.smtp_security != "none" else None
        if context is not None and settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file)
        client = _Line(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=context,
            timeout=settings.smtp_timeout_s,
        )
        self._client = client
        await client.connect()
        return client


def compose_alert_mail(outgoing: Outgoing, sender: str) -> EmailMessage:
    """The letter of a delivery. Its Message-ID is the delivery's id, so that a receiver can drop one that comes twice."""
    delivery = outgoing.delivery
    headers = {
        "X-Payesh-Delivery-Id": str(delivery.delivery_id),
        "X-Payesh-Alert-Id": str(delivery.alert_id),
        "X-Payesh-Alert-Kind": delivery.kind,
        "X-Payesh-Step": str(delivery.step),
        "X-Correlation-Id": delivery.correlation_id,
    }
    return compose_mail(
        outgoing.letter,
        sender=sender,
        recipient=Address(delivery.recipient_name, addr_spec=delivery.address),
        message_id=str(delivery.delivery_id),
        sent_at=delivery.created_at,
        language=delivery.language,
        headers=headers,
    )


def compose_mail(
    letter: Letter,
    *,
    sender: str,
    recipient: Address,
    message_id: str,
    sent_at: datetime,
    language: str,
    headers: dict[str, str],
) -> EmailMessage:
    """The MIME message: text and HTML, and one-click unsubscription (RFC 8058) where the letter offers it.

    The relay's DKIM signature must cover List-Unsubscribe and List-Unsubscribe-Post (RFC 8058, section 4).
    """
    message = EmailMessage(policy=MAIL)
    message["From"] = Address(SENDER_NAME, addr_spec=sender)
    message["To"] = recipient
    message["Subject"] = letter.subject
    message["Date"] = sent_at
    message["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    for name, value in headers.items():
        message[name] = value
    if traceparent := current_traceparent():
        message["traceparent"] = traceparent
    if letter.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    message["Content-Language"] = language  # last: setting the content takes Content-* headers away
    return message


def _told(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {error.message}"
