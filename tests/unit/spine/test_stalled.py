"""Rule 7: when a process that has fallen behind must end."""

import pytest

from shared.kit.service import STALLED_AFTER_S, is_stalled

NOW_S = 10_000.0


class Consumer:
    """What `is_stalled` looks at."""

    def __init__(self, last_progress_s: float, halted: str | None = None) -> None:
        self.last_progress_s = last_progress_s
        self.halted = halted


@pytest.mark.parametrize(
    ("lag_since_s", "last_progress_s", "halted", "stalled"),
    [
        (None, 0.0, None, False),
        (NOW_S - STALLED_AFTER_S - 1, 0.0, None, True),
        (NOW_S - STALLED_AFTER_S - 1, NOW_S - 1, None, False),
        (NOW_S - 1, 0.0, None, False),
        (NOW_S - STALLED_AFTER_S - 1, NOW_S - STALLED_AFTER_S - 1, None, True),
        (NOW_S - STALLED_AFTER_S - 1, 0.0, "waits for a person", False),
    ],
)
def test_stalled(lag_since_s: float | None, last_progress_s: float, halted: str | None, stalled: bool) -> None:
    consumer = Consumer(last_progress_s, halted)
    assert is_stalled(lag_since_s, consumer, NOW_S) is stalled  # pyright: ignore[reportArgumentType]
