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

from deploy.demo import county_plan, later_file, legal_path
from deploy.demo.actors import PROVINCE_OFFICER
from deploy.demo.board import Board, total
from deploy.demo.casework import Casework
from deploy.demo.chapters import CHAPTERS, SITES_NEEDED_MAX, Chapter
from deploy.demo.client import Addresses, DemoClient
from deploy.demo.fieldwork import Site, resolve_action
from deploy.demo.fold import Periods, fold
from deploy.demo.inspections import CountyInspections, RegistryFile, import_registry, sites_of
from deploy.demo.ledger import Ledger
from deploy.demo.mistakes import COUNTY as MISTAKES_COUNTY
from deploy.demo.mistakes import make_mistakes
from deploy.demo.observe import memory_mb, metric_sums, published_events, read_alerts, read_figures, read_progress
from deploy.demo.plan import CountyPlan, DayPlan, plan_day
from deploy.demo.registry_file import RegistryFileFacts, write_registry_file
from deploy.demo.report import Summary, print_report
from deploy.demo.responders import Responders, set_up_groups
from deploy.demo.settle import compare, wait_until_quiet
from deploy.demo.settle_alerts import compare_story
from deploy.launch import Platform
from shared.contracts.counties import County

SEED_DEFAULT = 1404
SPEEDUP_DEFAULT = 80_000.0
"""One domain day lasts 1.08 s: an action of 20 working days runs overdue after 30 s."""
REGISTRY_ROWS = 5_200
ESCALATION_WAIT_S = 3.0
"""Wall seconds that each step of an escalation waits."""
INSPECTIONS_SPAN_S = 20.0
CASES_SPAN_S = 12.0
SPREAD_MIN = 0.25
LATE_ACTIONS_DEADLINE_S = 90.0
LOOK_INTERVAL_S = 0.05
FIRST_COUNTED_DEADLINE_S = 60.0
OVERDUE_LOOK_INTERVAL_S = 1.0
SITES_PAGE = 500

VOLUNTARY_PERIOD_DAYS = 30
BOOKING_HOLD_HOURS = 336
PAUSE_REVIEW_DAYS = 7
LEGAL_REVIEW_DAYS = 14
"""Longer than a legal review of the day takes on a slow machine, so that none of its own is ever late."""
REVIEW_REMINDERS = 1
CASEWORK_ENVIRONMENT = {
    "PAYESH_CASEWORK_VOLUNTARY_PERIOD_DAYS": str(VOLUNTARY_PERIOD_DAYS),
    "PAYESH_CASEWORK_BOOKING_HOLD_HOURS": str(BOOKING_HOLD_HOURS),
    "PAYESH_CASEWORK_PAUSE_REVIEW_DAYS": str(PAUSE_REVIEW_DAYS),
    "PAYESH_CASEWORK_LEGAL_REVIEW_DAYS": str(LEGAL_REVIEW_DAYS),
    "PAYESH_CASEWORK_REVIEW_REMINDERS_MAX": str(REVIEW_REMINDERS),
}
"""Casework periods that fit a day of about a minute: the household has half of it, and every chain of reminders ends."""


@dataclass(frozen=True, slots=True)
class DaySettings:
    """`scale` shrinks the number of inspections and cases; every kind of happening stays in the day."""

    seed: int = SEED_DEFAULT
    scale: float = 1.0

    @property
    def spread(self) -> float:
        """How much of the full day's span a scaled day is spread over: half a day's work needs the whole span."""
        return min(1.0, max(SPREAD_MIN, self.scale * 2))

    @property
    def is_whole(self) -> bool:
        """Whether everything of a working day is in it."""
        return self.scale >= 1.0


@dataclass(frozen=True, slots=True)
class Registry:
    """The day's registry file and what was planted in it."""

    file: RegistryFile
    facts: RegistryFileFacts


def write_registry(seed: int) -> Registry:
    """Write the registry file of the day; takes about a second, so the launcher does it while the services start."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"registry-{seed}.xlsx"
        facts = write_registry_file(path, seed, REGISTRY_ROWS)
        return Registry(RegistryFile(path.name, path.read_bytes()), facts)


class Day:
    """The parts of one day and what they share."""

    def __init__(
        self,
        platform: Platform,
        settings: DaySettings,
        registry: Registry,
        console: Console,
        *,
        board_stays: bool = False,
    ) -> None:
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
        self.board = Board(self.client, console, stays=board_stays)
        self.first_counted_inspection_s = 0.0
        self._answering: asyncio.Task[None] | None = None
        self.registry = registry
        booking_hold_s = BOOKING_HOLD_HOURS * 3600 / platform.options.clock_speedup
        self.periods = Periods(booking_hold_s, REVIEW_REMINDERS, REVIEW_REMINDERS)

    def start_answering(self) -> "asyncio.Task[None]":
        """Let the people answer their alerts beside the day; `responders.stop` ends it in order."""
        self._answering = asyncio.create_task(self.responders.run(), name="responders")
        return self._answering

    async def close(self) -> None:
        """End what is still under way, also when the day was broken off."""
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
        await self.client.close()

    async def play(self) -> None:
        """Everything that people do on this day, except answering alerts, which `responders` does beside it."""
        plan = plan_day(Random(self._settings.seed), self._settings.scale)
        escalation_wait_s = int(ESCALATION_WAIT_S * self._platform.options.clock_speedup)
        async with asyncio.TaskGroup() as group:
            group.create_task(set_up_groups(self.client, escalation_wait_s))
            group.create_task(self._import_registry())
        first = await self._inspect_first(plan.counties[0])
        async with asyncio.TaskGroup() as group:
            group.create_task(
                Casework(self.client, plan.cases, self.periods.booking_hold_s).run(
                    CASES_SPAN_S * self._settings.spread / len(plan.cases)
                )
            )
            group.create_task(self._play_legal_path())
            group.create_task(self._inspect(plan, first))
            # Once more, while the day goes on: it must change nothing.
            group.create_task(import_registry(self.client, self.registry.file, "registry.apply_again", "apply"))

    async def _import_registry(self) -> None:
        for kind, mode in (("registry.dry_run", "dry_run"), ("registry.apply", "apply")):
            await import_registry(self.client, self.registry.file, kind, mode)
        facts = self.registry.facts
        self.board.say(f"registry file: {facts.rows} rows, {facts.refused_rows} refused with their reasons")

    async def _inspect_first(self, plan: CountyPlan) -> CountyInspections:
        """The first site of the first county, before everything else, and the time until it is counted."""
        sites = await sites_of(self.client, plan.county, len(plan.sites) + 1)
        county = CountyInspections(self.client, plan, sites, str(self._settings.seed))
        await county.visit_site(plan.sites[0])
        await self._note_first_counted()
        return county

    async def _inspect(self, plan: DayPlan, first: CountyInspections) -> None:
        sites = {
            county.county: await sites_of(self.client, county.county, len(county.sites) + 1 + SITES_NEEDED_MAX)
            for county in plan.counties[1:]
        }
        others = [
            CountyInspections(self.client, county, sites[county.county], str(self._settings.seed))
            for county in plan.counties[1:]
        ]
        reserved = {county.county: sites[county.county][len(county.sites) :] for county in plan.counties[1:]}
        pause_s = INSPECTIONS_SPAN_S * self._settings.spread / max(len(county.sites) for county in plan.counties)
        async with asyncio.TaskGroup() as chapters:
            for chapter in CHAPTERS:
                chapters.create_task(self._play_chapter(chapter, reserved[chapter.county]))
            async with asyncio.TaskGroup() as visits:
                visits.create_task(first.run(pause_s, sites_done=1))
                visits.create_task(make_mistakes(self.client, reserved[MISTAKES_COUNTY][0]))
                for county in others:
                    visits.create_task(county.run(pause_s))
            self.board.say(f"{county_plan.COUNTY}: {await county_plan.play(self.client)}")
            await self._resolve_late({action for county in (first, *others) for action in county.left_open})
        self.board.say(await later_file.play(self.client))

    async def _play_legal_path(self) -> None:
        self.board.say(f"{legal_path.COUNTY}: {await legal_path.play(self.client)}")

    async def _play_chapter(self, chapter: Chapter, sites: list[Site]) -> None:
        told = await chapter.play(self.client, sites[: chapter.sites_needed])
        self.board.say(f"{chapter.county}: {told}")

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


async def play_only(platform: Platform, settings: DaySettings, registry: Registry, console: Console) -> None:
    """Play the day with the board, without the reckoning at its end."""
    day = Day(platform, settings, registry, console, board_stays=True)
    try:
        async with day.board:
            answering = day.start_answering()
            await day.play()
            day.responders.stop()
            await answering
    finally:
        await day.close()


async def play_day(platform: Platform, settings: DaySettings, registry: Registry, console: Console) -> Summary:
    """Play, settle, compare, print. The summary's `ok` is the verdict."""
    day = Day(platform, settings, registry, console)
    try:
        async with day.board:
            answering = day.start_answering()
            await day.play()
            day.board.say(f"the day is over after {platform.elapsed_s():.0f} s; waiting for what is still on its way")
            left_over = await wait_until_quiet(day.client, day.board.say)
            day.responders.stop()
            await answering
            left_over = left_over or await wait_until_quiet(day.client, day.board.say)
        return await _reckon(day, platform, settings, console, left_over)
    finally:
        await day.close()


async def _reckon(
    day: Day, platform: Platform, settings: DaySettings, console: Console, left_over: list[str]
) -> Summary:
    registry = {
        county.value: (facts.sites, Decimal(facts.capacity_tonnes))
        for county, facts in day.registry.facts.accepted.items()
    }
    expected = fold(day.ledger, registry, day.periods)
    figures = await read_figures(day.client, patient=True)
    alerts = await read_alerts(day.client)
    letters = list(platform.sink.letters)
    comparison = compare(expected, figures, alerts, letters, day.ledger)
    day.board.say(compare_story(comparison, alerts, letters, day.ledger, is_whole=settings.is_whole))
    comparison.left_over += left_over + check_registry(day.registry.facts, day.ledger)
    progress = await read_progress(day.client)
    published = await published_events(platform.bootstrap_servers)
    # A relay that was killed between the broker's acknowledgement and its own commit sends again; readers skip by id.
    if published < progress.published:
        comparison.lost.append(f"events on the topics: {published}, the outboxes published {progress.published}")
    if progress.parked:
        comparison.left_over.append(f"{progress.parked} parked events; see `payesh parked list`")
    metrics = await metric_sums(day.client, platform.addresses.services())
    summary = Summary(
        ok=comparison.ok,
        commands_accepted=day.ledger.commands_accepted(),
        commands_refused=sum(day.ledger.refusals().values()),
        events_published=published,
        events_resent=max(0, published - progress.published),
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
    print_report(console, figures, comparison)
    return summary


def check_registry(facts: RegistryFileFacts, ledger: Ledger) -> list[str]:
    """What the import said of the file against what was planted in it."""
    problems: list[str] = []
    sites = facts.accepted_rows
    planted = {(refusal.row, refusal.column, str(refusal.reason_code)) for refusal in facts.refused}
    for kind, added in (("registry.dry_run", sites), ("registry.apply", sites), ("registry.apply_again", 0)):
        for entry in ledger.accepted(kind):
            answer = entry.answer
            told = {name: answer[name] for name in ("rows", "refused_rows", "added", "changed")}
            right = {"rows": facts.rows, "refused_rows": facts.refused_rows, "added": added, "changed": 0}
            if told != right:
                problems.append(f"{kind}: {told} instead of {right}")
            seen = {(cell["row"], cell["column"], cell["reason_code"]) for cell in answer["refused"]}
            if answer["refused_omitted"] == 0 and seen != planted:
                problems.append(f"{kind}: {len(seen ^ planted)} reasons differ, the first at {min(seen ^ planted)}")
    return problems
