"""The live board: sixteen counties with their counters, and what moves underneath. On a pipe: a plain line now and then."""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.demo.client import DemoClient
from deploy.demo.observe import SERVICES, Figures, Progress, read_figures, read_progress
from shared.contracts.counties import County

BOARD_INTERVAL_S = 1.0
LINE_INTERVAL_S = 5.0

COLUMNS: tuple[tuple[str, str], ...] = (
    ("registered_sites", "sites"),
    ("registered_capacity_tonnes", "registered\nt"),
    ("verified_capacity_tonnes", "verified\nt"),
    ("in_use_capacity_tonnes", "in use\nt"),
    ("completed_inspections", "insp."),
    ("open_discrepancies", "discr."),
    ("open_actions", "actions"),
    ("overdue_actions", "over-\ndue"),
    ("holds", "holds"),
)
ALERT_COLUMNS = ("open", "acknowledged", "escalated")
PLAIN_WIDTH = 130
"""Columns of a console that is no terminal: wide enough for the table and for one line of progress."""


def county_table(figures: Figures, title: str) -> Table:
    """One row for each county, with its key and its Persian name."""
    table = Table(title=title, expand=False, padding=(0, 1), collapse_padding=True)
    table.add_column("county", no_wrap=True)
    table.add_column("شهرستان", justify="right", no_wrap=True)
    for heading in (*(heading for _, heading in COLUMNS), "cases", "alerts\nopen/ack/esc"):
        table.add_column(heading, justify="right", no_wrap=True)
    for county in County:
        counters = figures.warehouse.get(county, {})
        alerts = figures.alerts.get(county, {})
        table.add_row(
            county.value,
            county.label_fa,
            *(_number(counters.get(name)) for name, _ in COLUMNS),
            _number(figures.cases.get(county, {}).get("open")),
            "/".join(_number(alerts.get(name)) for name in ALERT_COLUMNS),
        )
    return table


def make_console() -> Console:
    """The reader's terminal, or plain lines of a fixed width where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)


def _number(value: Decimal | None) -> str:
    return f"{value or 0:,.0f}"


def total(counters: Mapping[str, Mapping[str, Decimal]], name: str) -> int:
    """Sum of one counter over all counties."""
    return int(sum(values.get(name, Decimal(0)) for values in counters.values()))


class Board:
    """Shows the platform while it plays; `async with` starts and stops it. It only looks, and an absent answer is no error."""

    def __init__(self, client: DemoClient, console: Console) -> None:
        self._client = client
        self._console = console
        self._live: Live | None = None
        self._task: asyncio.Task[None] | None = None
        self._began_at = time.monotonic()
        self._last: tuple[float, int] | None = None

    async def __aenter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        self._task = asyncio.create_task(self._show(), name="board")
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._live is not None:
            self._live.stop()

    def say(self, line: str) -> None:
        """One line for the reader, above the board."""
        self._console.print(line, markup=False, highlight=False)

    async def _show(self) -> None:
        while True:
            figures = await read_figures(self._client, patient=False)
            progress = await read_progress(self._client)
            rate = self._events_per_s(progress)
            if self._live is not None:
                self._live.update(
                    Group(county_table(figures, "Payesh · پایش"), Text(self._line(figures, progress, rate)))
                )
                await asyncio.sleep(BOARD_INTERVAL_S)
            else:
                self.say(self._line(figures, progress, rate))
                await asyncio.sleep(LINE_INTERVAL_S)

    def _events_per_s(self, progress: Progress) -> float:
        now = time.monotonic()
        if progress.answered < len(SERVICES):
            return 0.0
        before, self._last = self._last, (now, progress.published)
        return max(0.0, (progress.published - before[1]) / (now - before[0])) if before else 0.0

    def _line(self, figures: Figures, progress: Progress, rate: float) -> str:
        alerts = " / ".join(str(total(figures.alerts, name)) for name in ALERT_COLUMNS)
        return (
            f"{time.monotonic() - self._began_at:5.0f} s  {rate:5.0f} events/s  lag {progress.lag}  "
            f"outbox {progress.outbox}  timers {progress.timers_armed}  "
            f"inspections {total(figures.warehouse, 'completed_inspections')}  "
            f"alerts open / acknowledged / escalated {alerts}"
        )
