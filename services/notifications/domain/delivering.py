"""How often and how long a delivery is tried. Pure."""

from enum import StrEnum

ATTEMPTS_MAX = 12
RETRY_DELAY_S_FIRST = 5.0
RETRY_DELAY_S_MAX = 900.0
"""Twelve tries with these delays span about 66 minutes: a provider may be away for an hour before a letter is dead."""


class DeliveryState(StrEnum):
    """`CANCELLED`: the alert was acknowledged or resolved before the message left."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


def retry_delay_s(attempts: int, first_s: float = RETRY_DELAY_S_FIRST) -> float:
    """Seconds to wait after failed try number `attempts` (1-based): doubling, capped."""
    return min(RETRY_DELAY_S_MAX, first_s * 2.0 ** (attempts - 1))
