"""The end of the day: wait until nothing moves, then compare every counter, alert and letter with the fold. Comparing is pure."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from deploy.demo.client import DemoClient
from deploy.demo.comparison import Comparison
from deploy.demo.expectation import AlertKey, Counters
from deploy.demo.fold import Expected
from deploy.demo.ledger import Ledger
from deploy.demo.observe import Figures, Progress, read_figures, read_progress
from deploy.demo.settle_alerts import compare_alert_counters, compare_alerts, compare_letters
from deploy.embedded.smtp_sink import ReceivedLetter
from shared.contracts.counties import County

LOOK_INTERVAL_S = 0.5
QUIET_LOOKS = 3
"""So many looks in a row must show nothing moving, with the same totals."""
PROGRESS_INTERVAL_S = 5.0
SETTLE_DEADLINE_S = 240.0


async def wait_until_quiet(
    client: DemoClient, report: Callable[[str], None], deadline_s: float = SETTLE_DEADLINE_S
) -> list[str]:
    """Wait until outboxes, lag, timers and unsent letters are all gone; returns what is left when the deadline passes."""
    end = time.monotonic() + deadline_s
    quiet, before, spoke_at = 0, (-1, -1), time.monotonic()
    progress, pending = Progress(), -1
    while time.monotonic() < end:
        progress = await read_progress(client)
        pending = await _pending_letters(client)
        totals = (progress.published, progress.applied)
        quiet = quiet + 1 if progress.is_quiet and pending == 0 and totals == before else 0
        before = totals
        if quiet >= QUIET_LOOKS:
            return []
        if progress.halted:
            return [f"consumer halted ({reason})" for reason in progress.halted]
        if time.monotonic() - spoke_at > PROGRESS_INTERVAL_S:
            spoke_at = time.monotonic()
            report(_describe(progress, pending))
        await asyncio.sleep(LOOK_INTERVAL_S)
    return [f"not settled after {deadline_s:.0f} s: {_describe(progress, pending)}"]


async def _pending_letters(client: DemoClient) -> int:
    figures = await read_figures(client, patient=False)
    return int(sum(values.get("pending", Decimal(0)) for values in figures.alerts.values())) if figures.alerts else -1


def _describe(progress: Progress, pending: int) -> str:
    wait = "" if progress.next_timer_in_s is None else f" (next in {max(0.0, progress.next_timer_in_s):.1f} s)"
    return (
        f"settling: outbox {progress.outbox}, lag {progress.lag}, timers {progress.timers_armed}{wait}, "
        f"letters to send {pending}, parked {progress.parked}"
    )


def compare(
    expected: Expected,
    figures: Figures,
    alerts: Sequence[Mapping[str, Any]],
    letters: Sequence[ReceivedLetter],
    ledger: Ledger,
) -> Comparison:
    """Every counter, every place, every alert, every delivery, every letter."""
    result = Comparison()
    result.left_over += expected.problems
    result.left_over += [
        f"{entry.kind} by {entry.actor}: {entry.refusal_code or 'accepted'} instead of {entry.expected_refusal or 'accepted'}"
        for entry in ledger.unexpected()
    ]
    _compare_counters(result, "warehouse", expected.warehouse, figures.warehouse)
    _compare_counters(result, "cases", _with_late_reviews(expected, alerts), figures.cases)
    _compare_places(result, expected, figures)
    compare_alerts(result, expected, alerts, ledger)
    compare_alert_counters(result, figures, alerts)
    compare_letters(result, alerts, letters)
    return result


def _with_late_reviews(expected: Expected, alerts: Sequence[Mapping[str, Any]]) -> Counters:
    """The case counters, with each review that only a slow machine's longer day let run late."""
    cases = {county: values.copy() for county, values in expected.cases.items()}
    found = {AlertKey(str(alert["rule_id"]), str(alert["subject_id"])) for alert in alerts}
    for key in expected.possible_alerts.keys() & found:
        if key.rule_id == "return_case_review_overdue":
            cases[expected.possible_alerts[key].county]["reviews_overdue"] += 1
    return cases


def _compare_counters(
    result: Comparison,
    title: str,
    expected: Mapping[str, Mapping[str, Decimal]],
    actual: Mapping[str, Mapping[str, Decimal]],
) -> None:
    for county in County:
        wanted, found = expected.get(county, {}), actual.get(county, {})
        for name in sorted(wanted.keys() | found.keys()):
            result.count(f"{title} {county} {name}", wanted.get(name, Decimal(0)), found.get(name, Decimal(0)))


def _compare_places(result: Comparison, expected: Expected, figures: Figures) -> None:
    for title, actual in (("centre", figures.places), ("projected centre", figures.projected)):
        for key in sorted(expected.places.keys() | actual.keys()):
            wanted, found = expected.places.get(key, {}), actual.get(key, {})
            for name in ("capacity", "held", "used"):
                result.count(f"{title} {key[0]} {key[1]} {name}", wanted.get(name, 0), found.get(name, 0))
