"""The 14 rules of safeguards.md hold whatever anybody does, in any order: over HTTP, in SQL, by timers, events and clocks.

PAYESH_SAFEGUARD_STEPS=1000000 makes it long; ``python -m tests.safeguards --steps 1000000 --seed 7`` shows how it goes.
"""

from collections.abc import Callable

import pytest

from tests.safeguards.machine import STEPS
from tests.safeguards.run import run_steps
from tests.support.environment import ServiceDatabase


@pytest.mark.slow
@pytest.mark.timeout(0 if STEPS > 20_000 else 240)
def test_rules_hold_whatever_anybody_does(database: Callable[[str], ServiceDatabase]) -> None:
    table, steps = run_steps(database("nationals"), STEPS, seed=20260101)
    print(table)
    assert steps >= STEPS
