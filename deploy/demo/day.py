"""One working day of the province, played through the public interfaces only, and how it is brought to an end.

    summary = await play_day(platform, DaySettings(seed=1404), console)      # plays, settles, compares, prints
"""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

from rich.console import Console

from deploy.demo.actors import PROVINCE_OFFICER
from deploy.demo.board import Board, total
from deploy.demo.casework import Casework
from deploy.demo.client import Addresses, DemoClient
from deploy.demo.fold import Periods, fold
from deploy.demo.inspections import CountyInspections, import_registry, resolve_action, sites_of
from deploy.demo.ledger import Ledger
from deploy.demo.mistakes import COUNTY as MISTAKES_COUNTY
from deploy.demo.mistakes import make_mistakes
from deploy.demo.observe import memory_mb, metric_sums, published_events, read_alerts, read_figures, read_progress
from deploy.demo.plan import DayPlan, plan_day
from deploy.demo.registry_file import RegistryFileFacts, write_registry_file
from deploy.demo.report import Summary, print_report
from deploy.demo.responders import Responders, set_up_groups
from deploy.demo.settle import compare, wait_until_quiet
from deploy.launch import Platform
from shared.contracts.counties import County

SEED_DEFAULT = 1404
SPEEDUP_DEFAULT = 60_000.0
"""One domain day lasts 1.44 s: an action of 20 working days runs overdue after 40 s."""
REGISTRY_ROWS = 5_200
ESCALATION_WAIT_S = 5.0
"""Wall seconds that each step of an escalation waits."""
INSPECTIONS_SPAN_S = 20.0
CASES_SPAN_S = 12.0
LATE_ACTIONS_DEADLINE_S = 90.0
LOOK_INTERVAL_S = 0.05
FIRST_COUNTED_DEADLINE_S = 60.0
OVERDUE_LOOK_INTERVAL_S = 1.0
SITES_PAGE = 500

VOLUNTARY_PERIOD_DAYS = 20
BOOKING_HOLD_HOURS = 336
REVIEW_DAYS = 7
REVIEW_REMINDERS = 1
CASEWORK_ENVIRONMENT = {
    "PAYESH_CASEWORK_VOLUNTARY_PERIOD_DAYS": str(VOLUNTARY_PERIOD_DAYS),
    "PAYESH_CASEWORK_BOOKING_HOLD_HOURS": str(BOOKING_HOLD_HOURS),
    "PAYESH_CASEWORK_PAUSE_REVIEW_DAYS": str(REVIEW_DAYS),
    "PAYESH_CASEWORK_LEGAL_REVIEW_DAYS": str(REVIEW_DAYS),
    "PAYESH_CASEWORK_REVIEW_REMINDERS_MAX": str(REVIEW_REMINDERS),
}
"""Casework periods that fit a day of about a minute: the household has half of it, and every chain of reminders ends."""


@dataclass(frozen=True, slots=True)
class DaySettings:
    """`scale` shrinks the number of inspections and cases; every kind of happening stays in the day."""

    seed: int = SEED_DEFAULT
    scale: float = 1.0


class Day:
    """The parts of one day and what they share."""

    def __init__(self, platform: Platform, settings: DaySettings, console: Console) -> None:
        self._platform = platform
        self._settings = settings
        self._console = console
        addresses = platform.addresses
        self.ledger = Ledger(platform.options.state / "ledger.jsonl")
        run_id = f"day-{settings.seed}-{time.time_ns():x}"
        self.client = DemoClient(
            Addresses(addresses.warehouse, addresses.nationals, addresses.notifications, addresses.issuer),
            self.ledger,
            run_id,
        )
        self.responders = Responders(self.client, platform.sink.letters)
        self.board = Board(self.client, console)
        self.first_counted_inspection_s = 0.0
        self._registry: RegistryFileFacts | None = None

    @property
    def registry(self) -> RegistryFileFacts:
        if self._registry is None:
            raise RuntimeError("the registry file has not been written yet")
        return self._registry

    async def play(self) -> None:
        """Everything that people do on this day, except answering alerts, which `responders` does beside it."""
        plan = plan_day(Random(self._settings.seed), self._settings.scale)
        async with asyncio.TaskGroup() as group:
            group.create_task(set_up_groups(self.client, int(ESCALATION_WAIT_S * self._platform.options.clock_speedup)))
            group.create_task(self._import_registry())
        self.board.say(f"registry file: {self.registry.rows} rows, {self.registry.refused_rows} refused with their reasons")
        async with asyncio.TaskGroup() as group:
            group.create_task(Casework(self.client, plan.cases).run(CASES_SPAN_S / len(plan.cases)))
            group.create_task(self._inspect(plan))

    async def _import_registry(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / f"registry-{self._settings.seed}.xlsx"
            self._registry = await asyncio.to_thread(write_registry_file, file, self._settings.seed, REGISTRY_ROWS)
            await import_registry(self.client, file.name, file.read_bytes(), {"rows": REGISTRY_ROWS})

    async def _inspect(self, plan: DayPlan) -> None:
        needed = {county.county: len(county.sites) + 1 for county in plan.counties}
        sites = {county: await sites_of(self.client, county, needed[county]) for county in County}
        counties = [
            CountyInspections(self.client, county, sites[county.county], str(self._settings.seed))
            for county in plan.counties
        ]
        await counties[0].visit_site(plan.counties[0].sites[0])
        await self._note_first_counted()
        pause_s = INSPECTIONS_SPAN_S / max(len(county.sites) for county in plan.counties)
        async with asyncio.TaskGroup() as group:
            group.create_task(make_mistakes(self.client, sites[MISTAKES_COUNTY][-1]))
            for index, county in enumerate(counties):
                group.create_task(county.run(pause_s, sites_done=int(index == 0)))
        late = {action for county in counties for action in county.left_open.actions}
        await self._resolve_late(late)

    async def _note_first_counted(self) -> None:
        deadline = time.monotonic() + FIRST_COUNTED_DEADLINE_S
        while time.monotonic() < deadline:
            counters = await self.client.read(PROVINCE_OFFICER, "warehouse", "/counters")
            if any(values["completed_inspections"] for values in counters.values()):
                self.first_counted_inspection_s = round(self._platform.elapsed_s(), 1)
                self.board.say(f"first inspection counted {self.first_counted_inspection_s} s after the launcher began")
                return
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def _resolve_late(self, late: set[tuple[County, str]]) -> None:
        """Resolve each of these actions once it has run overdue; at the deadline also those that have not."""
        deadline = time.monotonic() + LATE_ACTIONS_DEADLINE_S
        while late:
            overdue = await self._overdue_actions() if time.monotonic() < deadline else {action for _, action in late}
            for county, action_id in sorted(late):
                if action_id in overdue:
                    await resolve_action(self.client, county, action_id)
                    late.discard((county, action_id))
            await asyncio.sleep(OVERDUE_LOOK_INTERVAL_S)

    async def _overdue_actions(self) -> set[str]:
        found: set[str] = set()
        after: str | None = None
        while True:
            params = {"state": "overdue", "limit": str(SITES_PAGE)} | ({"after": after} if after else {})
            page = await self.client.read(PROVINCE_OFFICER, "warehouse", "/corrective-actions", params)
            found |= {str(action["action_id"]) for action in page["items"]}
            after = page.get("next")
            if not after:
                return found


async def play_only(platform: Platform, settings: DaySettings, console: Console) -> None:
    """Play the day with the board, without the reckoning at its end."""
    day = Day(platform, settings, console)
    try:
        async with day.board:
            answering = asyncio.create_task(day.responders.run())
            await day.play()
            day.responders.stop()
            await answering
    finally:
        await day.client.close()


async def play_day(platform: Platform, settings: DaySettings, console: Console) -> Summary:
    """Play, settle, compare, print. The summary's `ok` is the verdict."""
    day = Day(platform, settings, console)
    try:
        async with day.board:
            answering = asyncio.create_task(day.responders.run())
            await day.play()
            day.board.say(f"the day is over after {platform.elapsed_s():.0f} s; waiting for what is still on its way")
            left_over = await wait_until_quiet(day.client, day.board.say)
            day.responders.stop()
            await answering
            left_over = left_over or await wait_until_quiet(day.client, day.board.say)
        return await _reckon(day, platform, settings, console, left_over)
    finally:
        await day.client.close()


async def _reckon(
    day: Day, platform: Platform, settings: DaySettings, console: Console, left_over: list[str]
) -> Summary:
    registry = {
        county.value: (facts.sites, Decimal(facts.capacity_tonnes)) for county, facts in day.registry.accepted.items()
    }
    expected = fold(day.ledger, registry, _periods(platform.options.clock_speedup))
    figures = await read_figures(day.client, patient=True)
    alerts = await read_alerts(day.client)
    letters = list(platform.sink.letters)
    comparison = compare(expected, figures, alerts, letters, day.ledger)
    comparison.left_over += left_over + check_registry(day.registry, day.ledger)
    progress = await read_progress(day.client)
    published = await published_events(platform.bootstrap_servers)
    comparison.count("events on the topics", progress.published, published)
    if progress.parked:
        comparison.left_over.append(f"{progress.parked} parked events; see `payesh parked list`")
    metrics = await metric_sums(day.client, platform.addresses.services())
    refusals = sum(day.ledger.refusals().values())
    summary = Summary(
        ok=comparison.ok,
        commands_accepted=len(day.ledger.entries) - refusals,
        commands_refused=refusals,
        events_published=published,
        effects_applied=progress.applied,
        duplicates_skipped=int(metrics.get("payesh_consumer_duplicate_events_total", 0)),
        parked=progress.parked,
        alerts_raised=total(figures.alerts, "raised"),
        alerts_delivered=len({letter.delivery_id for letter in letters}),
        lost=len(comparison.lost),
        doubled=len(comparison.doubled),
        left_over=len(comparison.left_over),
        letters_resent=comparison.letters_resent,
        restarts=sum(platform.supervisor.restarts().values()),
        seconds=round(platform.elapsed_s(), 1),
        first_counted_inspection_s=day.first_counted_inspection_s,
        memory_python_mb=memory_mb(platform.python_pids()),
        seed=settings.seed,
        broker=platform.options.broker,
    )
    print_report(console, figures, comparison, summary)
    return summary


def _periods(speedup: float) -> Periods:
    return Periods(BOOKING_HOLD_HOURS * 3600 / speedup, REVIEW_REMINDERS, REVIEW_REMINDERS)


def check_registry(facts: RegistryFileFacts, ledger: Ledger) -> list[str]:
    """What the import said of the file against what was planted in it."""
    problems: list[str] = []
    planted = {(refusal.row, refusal.column, str(refusal.reason_code)) for refusal in facts.refused}
    for kind, added in (("registry.dry_run", facts.accepted_rows), ("registry.apply", facts.accepted_rows), ("registry.apply_again", 0)):
        for entry in ledger.accepted(kind):
            answer = entry.answer
            seen = {(cell["row"], cell["column"], cell["reason_code"]) for cell in answer["refused"]}
            if (answer["added"], answer["changed"]) != (added, 0):
                problems.append(f"{kind}: {answer['added']} added, {answer['changed']} changed instead of {added} and 0")
            if answer["rows"] != facts.rows or answer["refused_rows"] != facts.refused_rows:
                problems.append(f"{kind}: {answer['refused_rows']} of {answer['rows']} rows refused, not {facts.refused_rows} of {facts.rows}")
            if answer["refused_omitted"] == 0 and seen != planted:
                problems.append(f"{kind}: {len(seen ^ planted)} reasons differ, first {min(seen ^ planted)}")
    return problems

