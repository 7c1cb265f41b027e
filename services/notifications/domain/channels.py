"""The ways in which a person can be told, and an address of one of them. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """`INBOX`: what a person sees after signing in; nothing has to be sent for it."""

    EMAIL = "email"
    INBOX = "inbox"
    SMS = "sms"
    CHAT = "chat"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Contact:
    """One address of a person. `address`: as `services.notifications.domain.contacts` normalises it for the channel."""

    channel: Channel
    address: str
