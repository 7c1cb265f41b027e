"""kill -9 of any one process, five times at random moments of the day, changes nothing in the final table."""

import time
from pathlib import Path
from random import Random

import pytest

from shared.contracts.counties import County
from tests.support.platform_process import (
    APACHE,
    PayeshProcess,
    free_port_base,
    plays_whole_days,
    remove_installation,
    start_payesh,
)

KILLS = 5
FIRST_KILL_AFTER_S = 3.0
KILL_INTERVAL_S = (3.0, 9.0)
DAY_DEADLINE_S = 420.0
RUNNING_DEADLINE_S = 120.0
POLL_INTERVAL_S = 0.05
SCALE = "0.5"

SERVICES = ("warehouse", "nationals", "notifications")
VICTIMS = (*SERVICES, "postgresql", *(("kafka-1", "kafka-2", "kafka-3") if APACHE else ()))
"""Relay, consumer, timers and mail worker live in their service's process, so killing it kills each of them."""


def _wait_until_playing(day: PayeshProcess) -> None:
    """The day has begun when the launcher's first progress line is there."""
    end = time.monotonic() + RUNNING_DEADLINE_S
    while "events/s" not in day.output:
        assert day.process.poll() is None, day.output
        assert time.monotonic() < end, day.output
        time.sleep(POLL_INTERVAL_S)


def _final_table(day: PayeshProcess) -> list[list[str]]:
    """The counters of each county as printed, without the last column: how many alerts were answered before they
    escalated or were resolved depends on how fast people are, so it is compared with the ledger and not between days."""
    rows = [line.split("│")[1:-2] for line in day.output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope="module")
def undisturbed_table(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The final table of the same day when nothing is killed."""
    state = tmp_path_factory.mktemp("undisturbed") / "state"
    day = start_payesh(state, free_port_base(), ["demo", "--scale", SCALE])
    try:
        assert day.process.wait(DAY_DEADLINE_S) == 0, day.output
        return _final_table(day)
    finally:
        day.end()
        remove_installation(state)


@pytest.mark.slow
@plays_whole_days
@pytest.mark.timeout(2 * DAY_DEADLINE_S + 60)
@pytest.mark.parametrize("victim", VICTIMS)
def test_killing_one_process_five_times_changes_nothing(
    victim: str, tmp_path: Path, undisturbed_table: list[list[str]]
) -> None:
    random = Random(victim)
    day = start_payesh(tmp_path / "state", free_port_base(), ["demo", "--scale", SCALE])
    try:
        _wait_until_playing(day)
        time.sleep(FIRST_KILL_AFTER_S)
        kills = 0
        while kills < KILLS and day.process.poll() is None:
            kills += day.kill(victim)
            time.sleep(random.uniform(*KILL_INTERVAL_S))
        day.process.wait(DAY_DEADLINE_S)
        assert kills == KILLS, day.output
        summary = day.summary()
        assert (summary["ok"], summary["lost"], summary["doubled"]) == (True, 0, 0), day.output
        assert summary["restarts"] >= KILLS, day.output
        assert day.process.returncode == 0
        assert len(undisturbed_table) == len(County)
        assert _final_table(day) == undisturbed_table
        assert day.records() == {}
    finally:
        day.end()
        remove_installation(tmp_path / "state")
