"""What every channel has in common: what it is given to send, what it answers, and how it says no."""

import logging
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from services.notifications.letters.letter import Letter
from services.notifications.store.deliveries import LeasedDelivery

ERROR_CHARACTERS_MAX: Final = 500


def storable(told: str) -> str:
    """A provider's words as the database takes them: what is not text in them is replaced, and they are cut."""
    return told.encode(errors="replace").decode().replace("\0", "?")[:ERROR_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address. `acknowledge_url`: the signed link for this alert and person. `tells_of`: what it tells of
    besides its own alert."""

    delivery: LeasedDelivery
    letter: Letter
    acknowledge_url: str
    tells_of: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderReceipt:
    """The provider took the message. `ask_after_s`: when it can say what became of it; None: it never will."""

    message_id: str | None = None
    status: str | None = None
    ask_after_s: float | None = None


class RefusedError(Exception):
    """The provider answered and did not take this message; it is good for the next one.

    `permanent`: it will not take this message at this address later either. `may_have_arrived`: what answered may not be
    who took it.
    """

    def __init__(self, told: str, *, permanent: bool = False, may_have_arrived: bool = False) -> None:
        super().__init__(storable(told))
        self.permanent = permanent
        self.may_have_arrived = may_have_arrived


class UntriedError(Exception):
    """Nothing was begun, because something of our own is away: it says nothing of the message or its provider."""


class ProviderAwayError(Exception):
    """No usable answer. `may_have_arrived`: the message had been handed over, so that trying again may repeat it."""

    def __init__(self, told: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(storable(told))
        self.may_have_arrived = may_have_arrived


class Sender(Protocol):
    """One channel. `sends_at_once`: how many messages it may have under way. `timeout_s` bounds one `send`."""

    sends_at_once: int
    timeout_s: float

    async def send(self, outgoing: Outgoing) -> ProviderReceipt:
        """Hand the message over within `timeout_s`. Raises RefusedError, ProviderAwayError or UntriedError."""
        ...

    async def close(self) -> None:
        """Drop what is open."""
        ...


def keep_addresses_out_of_logs(*libraries: str) -> None:
    """Let `libraries` log only warnings: at lower levels they log the addresses they call, and some hold keys."""
    for library in libraries:
        logging.getLogger(library).setLevel(logging.WARNING)
