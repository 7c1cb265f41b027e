"""How often and how long a delivery is tried. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from services.notifications.domain.channels import Channel

ATTEMPTS_MAX = 12
RETRY_DELAY_S_FIRST = 5.0
RETRY_DELAY_S_MAX = 900.0
"""Twelve tries with these delays span about 66 minutes: a provider may be away for an hour before a letter is dead."""

WEBHOOK_RETRY_DELAYS_S: Final[Sequence[float]] = (
    5.0,
    300.0,
    1_800.0,
    7_200.0,
    18_000.0,
    36_000.0,
    50_400.0,
    72_000.0,
    86_400.0,
)
"""Waits between the tries of a webhook that has no further contact to fall back to: the schedule that the Standard
Webhooks specification gives as its example, about three days."""
CONTACT_WAIT_SLACK: Final = 1.5
"""A message waits for one contact this many times as long as its tries would take; then the provider counts as gone."""


class DeliveryState(StrEnum):
    """`CANCELLED`: the alert was acknowledged or resolved before the message left."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


def retry_delay_s(attempts: int, first_s: float = RETRY_DELAY_S_FIRST) -> float:
    """Seconds to wait after failed try number `attempts` (1-based): doubling, capped."""
    return min(RETRY_DELAY_S_MAX, first_s * 2.0 ** (attempts - 1))


def next_try_after_s(
    channel: Channel, attempts: int, attempts_max: int, first_s: float, *, is_last_contact: bool
) -> float | None:
    """Seconds to wait after failed try number `attempts` (1-based) at one contact; None: that was the last."""
    if channel is Channel.WEBHOOK and is_last_contact:
        scale = first_s / RETRY_DELAY_S_FIRST
        return WEBHOOK_RETRY_DELAYS_S[attempts - 1] * scale if attempts <= len(WEBHOOK_RETRY_DELAYS_S) else None
    return None if attempts >= attempts_max else retry_delay_s(attempts, first_s)


def contact_wait_max_s(channel: Channel, attempts_max: int, first_s: float) -> float:
    """How long a message waits for one contact at most, also while its provider is left alone and uses up no try.

    A channel of webhooks leaves no provider alone (each endpoint is its own), so its long schedule is not cut short.
    """
    if channel is Channel.WEBHOOK:
        return sum(WEBHOOK_RETRY_DELAYS_S) * CONTACT_WAIT_SLACK
    tries_s = sum(retry_delay_s(attempts, first_s) for attempts in range(1, attempts_max))
    return max(tries_s, first_s) * CONTACT_WAIT_SLACK
