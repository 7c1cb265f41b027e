"""When a channel whose provider is away is left alone, and when it is tried again. Pure: times are given."""

from dataclasses import dataclass
from typing import Final

FAILURES_TO_OPEN: Final = 5
OPEN_S_FIRST: Final = 15.0
OPEN_S_MAX: Final = 300.0


@dataclass(slots=True)
class CircuitBreaker:
    """Opens after `failures_to_open` failures in a row. When its time has passed one message is tried (half-open): if that
    succeeds it closes, else it stays open for twice as long, `OPEN_S_MAX` at most.
    """

    failures_to_open: int = FAILURES_TO_OPEN
    open_s_first: float = OPEN_S_FIRST
    failures: int = 0
    open_until_s: float = 0.0

    @property
    def is_open(self) -> bool:
        """Also while half-open: nothing has succeeded since it opened."""
        return self.failures >= self.failures_to_open

    def allowed(self, wanted: int, now_s: float) -> int:
        """How many messages may be begun now, of `wanted`: all, one to probe with, or none."""
        if not self.is_open:
            return wanted
        return min(1, wanted) if now_s >= self.open_until_s else 0

    def succeeded(self) -> None:
        """The provider answered, whatever it said of the message."""
        self.failures = 0

    def failed(self, now_s: float) -> None:
        """The provider was away at `now_s`."""
        self.failures += 1
        if self.is_open:
            doublings = min(self.failures - self.failures_to_open, 16)
            self.open_until_s = now_s + min(OPEN_S_MAX, self.open_s_first * 2.0**doublings)
