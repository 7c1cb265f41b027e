"""`payesh up` and `payesh demo`."""

import asyncio
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

from rich.console import Console

from deploy.demo.board import make_console
from deploy.demo.day import CASEWORK_ENVIRONMENT, DaySettings, play_day, play_only, write_registry
from deploy.demo.report import print_summary
from deploy.embedded.processes import started_ticks
from deploy.launch import Options, Platform


async def stay_up(*, play: bool, seed: int, speedup: float, scale: float, port_base: int | None) -> bool:
    """Start, play if asked, print every address, and wait. Ends only by cancellation."""
    console = make_console()
    options = _played(speedup, port_base) if play else Options.from_environment("main", port_base=port_base)
    registry = asyncio.create_task(asyncio.to_thread(write_registry, seed)) if play else None
    async with Platform(options, _say(console), _process_began_at()) as platform:
        with _farewell(console):
            if registry is not None:
                await play_only(platform, DaySettings(seed, scale), await registry, console)
            _print_addresses(platform, console)
            while True:
                await asyncio.sleep(3600)


async def play_demo(*, seed: int, speedup: float, scale: float, port_base: int | None) -> bool:
    """Start, play, settle, compare, print, stop; True when nothing is lost, doubled or left over."""
    console = make_console()
    registry = asyncio.create_task(asyncio.to_thread(write_registry, seed))
    async with Platform(_played(speedup, port_base), _say(console), _process_began_at()) as platform:
        with _farewell(console):
            summary = await play_day(platform, DaySettings(seed, scale), await registry, console)
    print_summary(summary)  # only now: stopping may have had something to say
    return summary.ok


@contextmanager
def _farewell(console: Console) -> Generator[None]:
    """Answer a Ctrl-C at once, on a line of its own: stopping takes a moment."""
    try:
        yield
    except asyncio.CancelledError:
        _say(console)("\nstopping")
        raise


def _process_began_at() -> float:
    """On the clock of time.monotonic(): when this process was started, its imports included."""
    ticks = started_ticks(os.getpid()) or 0
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age_s


def _played(speedup: float, port_base: int | None) -> Options:
    """A played day begins empty, in a state of its own, so that what `payesh up` keeps is never touched."""
    return Options.from_environment(
        "day", port_base=port_base, clock_speedup=speedup, fresh=True, service_environment=CASEWORK_ENVIRONMENT
    )


def _say(console: Console) -> Callable[[str], None]:
    return partial(console.print, markup=False, highlight=False)


def _print_addresses(platform: Platform, console: Console) -> None:
    lines = [f"everything is up after {platform.elapsed_s():.1f} s", ""]
    for service, address in platform.addresses.services().items():
        lines += [
            f"{service}",
            f"  API docs    {address}/docs",
            f"  event docs  {address}/docs/events",
            f"  health      {address}/health",
            f"  ready       {address}/ready",
            f"  metrics     {address}/metrics",
        ]
    lines += [
        f"issuer        {platform.addresses.issuer}/token   (accounts for trying out only)",
        f"letters       {platform.sink.mailbox_file}",
        f"broker        {platform.bootstrap_servers}",
        f"logs          {platform.options.state / 'logs'}",
        "",
        "Ctrl-C stops everything.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
