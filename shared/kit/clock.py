"""The one place where domain time becomes wall time.

Timers run on the database's clock. For trying out, a day can be played in a minute: every delay is divided by
`clock_speedup` here and nowhere else. In production the factor is 1.
"""

from datetime import timedelta

_speedup = 1.0


def set_clock_speedup(speedup: float) -> None:
    """Set once by the composition root. Raises ValueError unless `speedup` is 1 or more."""
    global _speedup  # noqa: PLW0603 - one process, one clock
    if speedup < 1:
        raise ValueError(f"clock speedup must be 1 or more, not {speedup}")
    _speedup = speedup


def wall_delay(domain_delay: timedelta) -> timedelta:
    """How long `domain_delay` lasts on the wall."""
    return domain_delay / _speedup
