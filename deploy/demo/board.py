"""The live board: sixteen counties with their counters, and what moves underneath. On a pipe: a plain line now and then."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Self

from rich.box import HEAVY_HEAD, Box
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
DROPPED_WHERE_NARROW = (
    "registered_capacity_tonnes",
    "in_use_capacity_tonnes",
    "holds",
    "open_discrepancies",
    "verified_capacity_tonnes",
    "cases",
    "registered_sites",
    "overdue_actions",
    "open_actions",
    "completed_inspections",
)
"""What a terminal that is too narrow for everything goes without, in this order: better fewer figures than cut ones."""
HEADING_LINES = 2
FRAME_LINES = 7
"""Title, three rules, two lines of headings and a spare one."""
PLAIN_WIDTH = 130
"""Columns of a console that is no terminal: wide enough for the table and for one line of progress."""
WIDTH_MAX = 500
LEFT_TO_RIGHT_MARK = "\u200e"


def county_table(
    figures: Figures, title: str | None, *, dropped: Collection[str] = (), box: Box | None = HEAVY_HEAD
) -> Table:
    """One row for each county, with its key and its Persian name; without the columns that are `dropped`."""
    table = Table(title=title, box=box, expand=False, padding=(0, 1), collapse_padding=True, pad_edge=box is not None)
    table.add_column("county", no_wrap=True)
    table.add_column("شهرستان", justify="right", no_wrap=True)
    shown = [(name, heading) for name, heading in COLUMNS if name not in dropped]
    with_cases = "cases" not in dropped
    headings = [*(heading for _, heading in shown), *(["cases"] if with_cases else []), "alerts\nopen/ack/esc"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for county in County:
        counters = figures.warehouse.get(county, {})
        alerts = figures.alerts.get(county, {})
        cases = [_number(figures.cases.get(county, {}).get("open"))] if with_cases else []
        table.add_row(
            county.value,
            # Terminals that order right-to-left text would otherwise turn the figures after it round, too.
            f"{LEFT_TO_RIGHT_MARK}{county.label_fa}{LEFT_TO_RIGHT_MARK}",
            *(_number(counters.get(name)) for name, _ in shown),
            *cases,
            "/".join(_number(alerts.get(name)) for name in ALERT_COLUMNS),
        )
    return table


def fitted(console: Console, figures: Figures, title: str, lines: Sequence[str]) -> Group:
    """The table and `lines` as this terminal can show them: fewer columns where it is narrow, no frame where it is low.

    The lines come below the table, or above it where it is cut off.
    """
    wrapped = sum(max(1, -(-len(line) // console.width)) for line in lines)
    framed = console.height >= len(County) + FRAME_LINES + wrapped
    table = county_table(figures, None, dropped=DROPPED_WHERE_NARROW, box=None)
    unlimited = console.options.update(max_width=WIDTH_MAX)
    for kept in range(len(DROPPED_WHERE_NARROW)):
        fuller = county_table(
            figures,
            title if framed else None,
            dropped=DROPPED_WHERE_NARROW[:kept],
            box=HEAVY_HEAD if framed else None,
        )
        if console.measure(fuller, options=unlimited).maximum <= console.width:
            table = fuller
            break
    below = [Text(line) for line in lines]
    fits = framed or console.height >= len(County) + HEADING_LINES + wrapped
    return Group(table, *below) if fits else Group(*below, table)


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
    """Shows the platform while it plays; `async with` starts and stops it. It only looks, and an absent answer is no error.

    `stays`: the last board is left on the screen.
    """

    def __init__(self, client: DemoClient, console: Console, *, stays: bool = False) -> None:
        self._client = client
        self._console = console
        self._stays = stays
        self._live: Live | None = None
        self._task: asyncio.Task[None] | None = None
        self._began_at = time.monotonic()
        self._last: tuple[float, int] | None = None

    async def __aenter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=not self._stays)
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
                self._live.update(fitted(self._console, figures, "Payesh · پایش", self._lines(figures, progress, rate)))
                await asyncio.sleep(BOARD_INTERVAL_S)
            else:
                self.say("  ".join(self._lines(figures, progress, rate)))
                await asyncio.sleep(LINE_INTERVAL_S)

    def _events_per_s(self, progress: Progress) -> float:
        now = time.monotonic()
        if progress.answered < len(SERVICES):
            return 0.0
        before, self._last = self._last, (now, progress.published)
        return max(0.0, (progress.published - before[1]) / (now - before[0])) if before else 0.0

    def _lines(self, figures: Figures, progress: Progress, rate: float) -> tuple[str, str]:
        alerts = " / ".join(str(total(figures.alerts, name)) for name in ALERT_COLUMNS)
        return (
            f"{time.monotonic() - self._began_at:5.0f} s  {rate:5.0f} events/s  lag {progress.lag}  "
            f"outbox {progress.outbox}  timers {progress.timers_armed}  "
            f"inspections {total(figures.warehouse, 'completed_inspections')}",
            f"alerts open / acknowledged / escalated {alerts}",
        )
