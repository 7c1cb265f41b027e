"""The launcher as a person meets it: starts, answers, stops; broken starts say what to do."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.embedded.processes import is_alive
from tests.support.platform_process import (
    DAY_DEADLINE_S,
    UP_DEADLINE_S,
    Installation,
    free_port_base,
    remove_installation,
    start_payesh,
    wait_up,
)

STOP_DEADLINE_S = 40.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DAY_DEADLINE_S + 60)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on which `payesh up` runs; its launcher is the first of `started`."""
    installation = Installation(tmp_path_factory.mktemp("running") / "state", free_port_base())
    try:
        wait_up(installation.start("up"))
        yield installation
    finally:
        for process in installation.started:
            process.end()
        remove_installation(installation.state)


def _answers(url: str) -> bool:
    return httpx.get(url, timeout=5.0, trust_env=False).status_code == 200


def test_up_prints_addresses_that_answer(running: Installation) -> None:
    words = running.started[0].output.split()
    addresses = [word for word in words if word.endswith(("/docs", "/docs/events", "/health", "/ready", "/metrics"))]
    assert len(addresses) == 3 * 5
    assert all(_answers(address) for address in addresses)


def test_second_launcher_on_the_same_directory_says_who_holds_it(running: Installation) -> None:
    second = running.start("up")
    assert second.process.wait(UP_DEADLINE_S) == 1
    assert f"pid {running.started[0].process.pid}" in second.output
    assert "Traceback" not in second.output


def test_operators_see_status_parked_events_counters_and_imports(running: Installation, tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    row = "300000000001,انبار آریا,عمومی,ری,تهران,1000,250,فعال"
    header = "شناسه یکتا,نام انبار,نوع انبار,شهرستان,استان,مساحت (متر مربع),ظرفیت (تن),وضعیت"
    file.write_text(f"{header}\n{row}\n", "utf-8")
    report = tmp_path / "report.xlsx"
    assert "'added': 1" in running.run("registry", "import", str(file), "--report", str(report))
    assert report.read_bytes().startswith(b"PK")
    assert "'added': 1" in running.run("registry", "import", str(file), "--apply")
    assert "'added': 0" in running.run("registry", "import", str(file), "--apply")
    assert "warehouse" in running.run("status")
    assert "yes" in running.run("counters", "check")
    assert "nothing is parked" in running.run("parked", "list")
    running.run("contracts", "check")


def test_ctrl_c_stops_everything_and_what_was_stored_is_there_again(running: Installation) -> None:
    first = running.started[0]
    children = first.records()
    assert {"postgresql", "warehouse", "nationals", "notifications"} <= children.keys()
    os.kill(first.process.pid, signal.SIGINT)
    assert first.process.wait(STOP_DEADLINE_S) == 0, first.output
    assert not any(is_alive(record) for record in children.values())
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited, as by a background job of a shell script
    again = running.start("up")
    signal.signal(signal.SIGINT, handler)
    wait_up(again)
    assert "yes" in running.run("counters", "check")
    os.kill(again.process.pid, signal.SIGTERM)
    assert again.process.wait(STOP_DEADLINE_S) == 0, again.output


@pytest.mark.parametrize(("offset", "purpose"), [(1, "warehouse"), (25, "mail sink"), (0, "issuer")])
def test_taken_port_is_named_with_a_way_out(tmp_path: Path, offset: int, purpose: str) -> None:
    base = free_port_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + offset))
        taken.listen()
        broken = start_payesh(tmp_path / "state", base, ["up"])
        assert broken.process.wait(UP_DEADLINE_S) == 1
    assert f"Port {base + offset} ({purpose}) is taken" in broken.output
    assert "PAYESH_PORT_BASE=" in broken.output
    assert "Traceback" not in broken.output


def test_state_that_cannot_be_written_is_named_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    state = tmp_path / "file" / "state"
    broken = start_payesh(state, free_port_base(), ["up"], log=tmp_path / "output.log")
    assert broken.process.wait(UP_DEADLINE_S) == 1
    assert "PAYESH_STATE=" in broken.output
    assert "Traceback" not in broken.output


def test_apache_without_java_says_what_to_install(tmp_path: Path) -> None:
    environment = {"BROKER": "apache", "PATH": str(tmp_path)}
    broken = start_payesh(tmp_path / "state", free_port_base(), ["up"], environment)
    assert broken.process.wait(UP_DEADLINE_S) == 1
    assert "apt-get install" in broken.output
    assert "Traceback" not in broken.output


def test_status_of_nothing_says_how_to_start(tmp_path: Path) -> None:
    alone = start_payesh(tmp_path / "state", free_port_base(), ["status"])
    assert alone.process.wait(UP_DEADLINE_S) == 1
    assert "payesh up" in alone.output
    assert "Traceback" not in alone.output
