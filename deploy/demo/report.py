"""The end of the demo for a reader: the table, every difference spelled out, and one JSON object for machines."""

import json
from dataclasses import asdict, dataclass

from rich.console import Console

from deploy.demo.board import county_table
from deploy.demo.comparison import Comparison
from deploy.demo.observe import Figures

DIFFERENCES_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class Summary:
    """The last line of `payesh demo`.

    `events_published`: records on the topics; `events_resent` of them came again after a relay was killed, and their
    readers skip them. `effects_applied`: inbox rows. `duplicates_skipped`: counted since each process began.
    """

    ok: bool
    commands_accepted: int
    commands_refused: int
    events_published: int
    events_resent: int
    effects_applied: int
    duplicates_skipped: int
    parked: int
    alerts_raised: int
    alerts_delivered: int
    lost: int
    doubled: int
    left_over: int
    letters_resent: int
    restarts: int
    seconds: float
    first_counted_inspection_s: float
    memory_python_mb: float
    seed: int
    broker: str


def print_report(console: Console, figures: Figures, comparison: Comparison) -> None:
    """Table and differences."""
    console.print(county_table(figures, "The day, as the services counted it"))
    for title, lines in (
        ("lost", comparison.lost),
        ("doubled", comparison.doubled),
        ("left over", comparison.left_over),
    ):
        for line in lines[:DIFFERENCES_SHOWN_MAX]:
            console.print(f"{title}: {line}", markup=False, highlight=False)
        if len(lines) > DIFFERENCES_SHOWN_MAX:
            console.print(f"{title}: {len(lines) - DIFFERENCES_SHOWN_MAX} more")
    if comparison.ok:
        console.print("Every counter, alert and letter is what the ledger says it must be.")


def print_summary(summary: Summary) -> None:
    """The JSON object, unwrapped and uncoloured: the contract with scripts is that it is the very last line."""
    print(json.dumps(asdict(summary)), flush=True)
