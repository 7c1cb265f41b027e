"""One reused SMTP connection that tells a refused letter from a provider that is away."""

import asyncio
from typing import Final

import aiosmtplib

from services.notifications.settings import Settings

SERVICE_NOT_AVAILABLE: Final = 421
ERROR_CHARACTERS_MAX: Final = 500


class LetterRefusedError(Exception):
    """The provider answered and did not take this letter; the connection is good for the next one."""


class ProviderAwayError(Exception):
    """No usable answer: whether the letter left is unknown. The connection was thrown away."""


class SmtpSender:
    """Sends letters one after the other over one connection, opened when first needed and reopened after a fault."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, recipient: str, message: bytes) -> None:
        """Send, or raise LetterRefusedError or ProviderAwayError within the configured timeout.

        After a timeout the connection is not used again: its late answer would be taken for the next letter's.
        """
        try:
            async with asyncio.timeout(self._settings.smtp_timeout_s):
                client = await self._connected()
                await client.sendmail(self._settings.smtp_from, recipient, message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise LetterRefusedError("; ".join(_told(refused) for refused in error.recipients)) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code == SERVICE_NOT_AVAILABLE or isinstance(
                error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPAuthenticationError
            ):
                self.close()
                raise ProviderAwayError(_told(error)) from error
            raise LetterRefusedError(_told(error)) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self.close()
            raise ProviderAwayError(f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]) from error

    def close(self) -> None:
        """Drop the connection without a farewell."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        settings = self._settings
        password = settings.smtp_password
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=settings.smtp_timeout_s,
        )
        self._client = client
        await client.connect()
        return client


def _told(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {error.message}"[:ERROR_CHARACTERS_MAX]
