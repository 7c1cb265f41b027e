"""kill -9 of the launcher itself at any moment: nothing runs on, nothing stays locked, and the next start is right."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from deploy.embedded.directories import DirectoryLock
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from tests.support.platform_process import (
    DAY_DEADLINE_S,
    PLAYED_QUICKLY,
    UP_DEADLINE_S,
    Installation,
    PayeshProcess,
    free_port_base,
    plays_whole_days,
    processes_of,
    remove_installation,
    wait_until,
    wait_up,
)

GONE_DEADLINE_S = 40.0
START_KILLS = 4
START_KILL_AFTER_S = (0.3, 3.0)
RANDOM_KILLS = 12
RANDOM_KILL_AFTER_S = (0.2, 25.0)
ASKED_FOR = bool(os.environ.get("PAYESH_FAULTS"))
FILE = """شناسه یکتا,نام انبار,نوع انبار,شهرستان,استان,مساحت (متر مربع),ظرفیت (تن),وضعیت
300000000001,انبار آریا,عمومی,ری,تهران,1000,250,فعال
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * DAY_DEADLINE_S)]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation of which nothing runs yet."""
    fresh = Installation(tmp_path / "state", free_port_base())
    yield fresh
    for process in fresh.started:
        process.end()
    remove_installation(fresh.state)


def _runs(program: str) -> Callable[[PayeshProcess], bool]:
    return lambda day: any(program in command_line for command_line in processes_of(day.state).values())


def _says(words: str) -> Callable[[PayeshProcess], bool]:
    return lambda day: words in day.output


def _has_played_s(seconds: int) -> Callable[[PayeshProcess], bool]:
    def condition(day: PayeshProcess) -> bool:
        return any(int(told) >= seconds for told in re.findall(r"^ +(\d+) s .* events/s", day.output, re.MULTILINE))

    return condition


MOMENTS: tuple[tuple[str, Callable[[PayeshProcess], bool]], ...] = (
    ("while initdb runs", _runs("initdb")),
    ("while databases are migrated", _runs("dbmate")),
    ("while services start", _says("database and broker are up")),
    ("early in the day", _says("first inspection counted")),
    *([("late in the day", _has_played_s(10))] if ASKED_FOR else []),
    ("while settling", _says("the day is over")),
    # Said only of a day that is right, and it had been killed at every earlier moment before.
    ("while stopping, after the last table", _says("Every counter, alert and letter is what the ledger says")),
)


def _kill(day: PayeshProcess) -> None:
    """kill -9, then: every process of the installation ends by itself, and its directories are free."""
    day.process.kill()
    day.process.wait()
    wait_until(lambda: not processes_of(day.state), GONE_DEADLINE_S, day)
    for profile in day.state.glob("*-*"):
        lock = DirectoryLock(profile)
        lock.acquire()
        lock.release()


def _kill_after(installation: Installation, delay_s: float) -> None:
    day = installation.start("demo", *PLAYED_QUICKLY)
    time.sleep(delay_s)
    assert day.process.poll() in (None, 0), day.output
    _kill(day)


def _assert_right(day: PayeshProcess) -> None:
    summary = day.summary()
    assert summary["ok"] is True, day.output
    assert (summary["lost"], summary["doubled"], summary["left_over"], summary["parked"]) == (0, 0, 0, 0)
    assert summary["commands_refused"] > 10
    assert summary["alerts_delivered"] > summary["alerts_raised"] > 10


@plays_whole_days
def test_killed_at_every_stage_of_a_day_the_next_one_is_right(installation: Installation) -> None:
    for moment, has_come in MOMENTS:
        day = installation.start("demo", *PLAYED_QUICKLY)
        wait_until(lambda: has_come(day), DAY_DEADLINE_S, day)  # noqa: B023 - used up before the next round
        assert day.process.poll() is None, (moment, day.output)
        _kill(day)
    installation.run("demo", *PLAYED_QUICKLY)
    _assert_right(installation.started[-1])
    assert processes_of(installation.state) == {}


def test_killed_while_starting_again_and_again_without_a_pause(installation: Installation) -> None:
    """The next launcher meets what the killed one left, while that is still ending."""
    seed = int(time.time())
    random = Random(seed)
    print(f"seed {seed}")
    for _ in range(START_KILLS):
        starting = installation.start("up")
        time.sleep(random.uniform(*START_KILL_AFTER_S))
        assert starting.process.poll() is None, starting.output
        starting.process.kill()
        starting.process.wait()
    up = installation.start("up")
    wait_up(up)
    assert "yes" in installation.run("counters", "check")
    _kill(up)


@pytest.mark.skipif(not ASKED_FOR, reason="takes minutes: run with PAYESH_FAULTS=1")
@pytest.mark.timeout(RANDOM_KILLS * RANDOM_KILL_AFTER_S[1] + 3 * DAY_DEADLINE_S)
def test_killed_at_random_moments_of_the_day(installation: Installation) -> None:
    seed = int(time.time())
    random = Random(seed)
    print(f"seed {seed}")
    for _ in range(RANDOM_KILLS):
        _kill_after(installation, random.uniform(*RANDOM_KILL_AFTER_S))
    installation.run("demo", *PLAYED_QUICKLY)
    _assert_right(installation.started[-1])


def test_what_up_has_stored_outlives_its_launcher(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    file.write_text(FILE, "utf-8")
    up = installation.start("up")
    wait_up(up)
    assert "'added': 1" in installation.run("registry", "import", str(file), "--apply")
    _kill(up)
    _leave_empty_lock_files(installation)
    again = installation.start("up")
    wait_up(again)
    assert "'added': 0" in installation.run("registry", "import", str(file), "--apply")
    assert "yes" in installation.run("counters", "check")
    again.process.terminate()
    assert again.process.wait(UP_DEADLINE_S) == 0
    assert processes_of(installation.state) == {}


def _leave_empty_lock_files(installation: Installation) -> None:
    """What a server leaves that was killed between making its lock files and writing to them."""
    [profile] = installation.state.glob("main-*")
    server = EmbeddedPostgreSQL(profile / "postgresql", installation.port_base + 32)
    server.place()
    (server.data_directory / "postmaster.pid").write_text("")
    (server.socket_directory / f".s.PGSQL.{server.port}.lock").write_text("")
