"""Addresses as people write them, in the one form in which they are kept; what is no address is refused. Pure."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Final

from services.notifications.domain.channels import Channel, Contact
from shared.persian.text import plain_text

ADDRESS_CHARACTERS_MAX: Final = 254
"""Of an e-mail address (RFC 5321); the others are shorter."""

_EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LOCAL_PART_CHARACTERS_MAX: Final = 64
_PHONE_SEPARATORS: Final = re.compile(r"[\s().\-/\u2010-\u2015]+")
_MOBILE: Final = re.compile(r"(?:(?:\+|00)?980?|0)?(9\d{9})", re.ASCII)
_CHAT: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}:(?!//)[!-~]{1,180}", re.ASCII)
_ENDPOINT: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AddressReason:
    """Why something is no address of its channel; stable code, both languages."""

    code: str
    text_en: str
    text_fa: str


EMAIL_INVALID = AddressReason(
    "email_invalid",
    "This is not an e-mail address such as name@example.ir.",
    "این نشانی رایانامه نیست؛ نمونه: name@example.ir.",
)
PHONE_INVALID = AddressReason(
    "phone_invalid",
    "This is not an Iranian mobile number such as 09121234567 or +989121234567.",
    "این شمارهٔ همراه ایران نیست؛ نمونه: ۰۹۱۲۱۲۳۴۵۶۷ یا ‎+989121234567.",
)
CHAT_INVALID = AddressReason(
    "chat_invalid",
    "This is not a chat address: the name of a configured chat service, a colon and the recipient, as telegram:@name.",
    "این نشانی پیام‌رسان نیست: نام سرویس پیکربندی‌شده، دونقطه و گیرنده؛ نمونه: telegram:@name.",
)
ENDPOINT_INVALID = AddressReason(
    "endpoint_invalid",
    "This is not the name of a webhook endpoint: small Latin letters, digits, - and _, beginning with a letter.",
    "این نام نقطهٔ پایانی وب‌هوک نیست: حروف کوچک لاتین، رقم، - و _ که با حرف آغاز شود.",
)
ENDPOINT_UNKNOWN = AddressReason(
    "endpoint_unknown",
    "There is no webhook endpoint of this name in your counties or of the province; make it first.",
    "نقطهٔ پایانی وب‌هوکی با این نام در شهرستان‌های شما یا برای استان نیست؛ نخست آن را بسازید.",
)
INBOX_ALWAYS = AddressReason(
    "inbox_always",
    "The inbox has no address; everybody with a sign-in name is told there in any case.",
    "صندوق سامانه نشانی ندارد؛ هر کس نام کاربری دارد در هر حال آنجا هم باخبر می‌شود.",
)

REPEATED = AddressReason(
    "repeated", "This address is already in the list above.", "این نشانی پیش‌تر در همین فهرست آمده است."
)


class AddressError(ValueError):
    """What is written is no address of its channel."""

    def __init__(self, reason: AddressReason) -> None:
        super().__init__(reason.text_en)
        self.reason = reason


def normal_address(channel: Channel, written: str) -> str:
    """The address as it is kept: e-mail in small letters, phones in E.164, any digits as ASCII. Raises AddressError."""
    normalise = _NORMALISERS.get(channel)
    if normalise is None:
        raise AddressError(INBOX_ALWAYS)
    return normalise(plain_text(written))


def require_endpoint(contact: Contact, endpoints: Collection[str]) -> None:
    """A webhook contact names one of `endpoints`. Raises AddressError."""
    if contact.channel is Channel.WEBHOOK and contact.address not in endpoints:
        raise AddressError(ENDPOINT_UNKNOWN)


def with_email(email: str, preferred: Sequence[Contact]) -> tuple[Contact, ...]:
    """A person's addresses in the order of preference; the e-mail address comes last where it is not among them."""
    own = Contact(Channel.EMAIL, email)
    return tuple(preferred) if own in preferred else (*preferred, own)


def _email(text: str) -> str:
    address = text.removeprefix("mailto:").lower()
    if (
        not _EMAIL.fullmatch(address)
        or len(address) > ADDRESS_CHARACTERS_MAX
        or address.index("@") > _LOCAL_PART_CHARACTERS_MAX
    ):
        raise AddressError(EMAIL_INVALID)
    try:
        Address(addr_spec=address)
    except (ValueError, HeaderParseError, IndexError) as error:
        raise AddressError(EMAIL_INVALID) from error
    return address


def _phone(text: str) -> str:
    found = _MOBILE.fullmatch(_PHONE_SEPARATORS.sub("", text))
    if found is None:
        raise AddressError(PHONE_INVALID)
    return f"+98{found[1]}"


def _chat(text: str) -> str:
    if not _CHAT.fullmatch(text):
        raise AddressError(CHAT_INVALID)
    return text


def _endpoint(text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise AddressError(ENDPOINT_INVALID)
    return text


_NORMALISERS: Final[Mapping[Channel, Callable[[str], str]]] = {
    Channel.EMAIL: _email,
    Channel.SMS: _phone,
    Channel.CHAT: _chat,
    Channel.WEBHOOK: _endpoint,
}
