"""Share of a core that each service process takes when nothing happens, on the whole platform as the launcher starts it."""

import asyncio
import tempfile
from pathlib import Path

import psutil

from deploy.embedded.directories import Ports
from deploy.launch import Options, Platform
from tests.bench.environment import BrokerKind

SETTLE_S = 5.0
PORT_BASE_MIN = 20_000
PORT_BASE_STEP = 200
PORT_BASES = 100


async def measure_idle(broker: BrokerKind, measured_s: float) -> dict[str, float]:
    """Percent of one core by service, over `measured_s` seconds. Raises LauncherError when the platform does not start."""
    with tempfile.TemporaryDirectory(prefix="payesh-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        options = Options(state=Path(name) / "state", ports=Ports(_free_port_base()), broker=broker)
        async with Platform(options):
            await asyncio.sleep(SETTLE_S)
            processes = _service_processes()
            before_s = {service: _cpu_s(process) for service, process in processes.items()}
            await asyncio.sleep(measured_s)
            return {
                service: (_cpu_s(process) - before_s[service]) / measured_s * 100
                for service, process in sorted(processes.items())
            }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _service_processes() -> dict[str, psutil.Process]:
    found: dict[str, psutil.Process] = {}
    for process in psutil.Process().children(recursive=True):
        for argument in process.cmdline():
            if argument.startswith("services."):
                found[argument.removeprefix("services.")] = process
    return found


def _free_port_base() -> int:
    """A base from which no port of an installation is in use now."""
    used = {connection.laddr.port for connection in psutil.net_connections("tcp") if connection.laddr}
    for step in range(PORT_BASES):
        base = PORT_BASE_MIN + step * PORT_BASE_STEP
        if used.isdisjoint(range(base, base + PORT_BASE_STEP)):
            return base
    raise RuntimeError("no free range of ports was found")
