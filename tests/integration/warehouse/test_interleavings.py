"""Whatever the order in which offline phones, retries, duplicates and reviews meet: the state of the serial run, or a
difference with a name that a person decides; nothing lost, nothing counted twice.

Each example is executed twice in an emptied province: told once and in order, and as Hypothesis drew it, batches at once on
several connections. PAYESH_TEST_INTERLEAVINGS sets how many examples are drawn; more than the usual few are random.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.warehouse.app import service
from services.warehouse.domain.submission import ConflictGround, Place, Standing
from services.warehouse.domain.submission import place as real_place
from services.warehouse.handlers import reviews, submission_conflicts, submissions
from services.warehouse.photo_store import PhotoStore, configured_store
from services.warehouse.store import conflicts as conflict_store
from services.warehouse.store import inspections as inspection_store
from services.warehouse.store import photos as photo_store
from services.warehouse.store.inspections import Inspection
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity
from shared.kit.connections import Connection
from tests.integration.warehouse.field_run import FieldRun
from tests.integration.warehouse.field_state import SiteState, check_site, compare, read_sites
from tests.integration.warehouse.field_story import (
    Channel,
    Decide,
    Finding,
    Form,
    Look,
    Scenario,
    Schedule,
    Send,
    SendPhoto,
    Story,
    disorder,
    noise,
)
from tests.integration.warehouse.phone import offer_passwords
from tests.integration.warehouse.province import Province

pytestmark = pytest.mark.slow

ASKED_FOR = os.environ.get("PAYESH_TEST_INTERLEAVINGS", "")
EXAMPLES = int(ASKED_FOR or 6)
EXAMPLES_PER_BUG_MAX = 60
EXAMPLES_FOR_ALL = 500
"""With this many every kind of conflict is met."""
RACE_WINDOW_S = 0.02
SHRINKING_S = 600
"""A failing example is made smaller for up to five minutes."""
LONG_S = 24 * 3600

Executed = tuple[FieldRun, list[SiteState]]
Attempt = Callable[[Province, Scenario], Coroutine[Any, Any, Executed]]


@pytest.fixture
async def field(province: Province) -> Province:
    """The province with phones, and with photos in memory."""
    offer_passwords(province)
    photos = PhotoStore("memory:///")
    service.api.dependency_overrides[configured_store] = lambda: photos
    return province


async def execute(province: Province, scenario: Scenario) -> Executed:
    """Run a scenario in an emptied province, and check what must hold after every run."""
    await province.superuser.execute("TRUNCATE warehouse, registry_import, outbox, county_counter, timer CASCADE")
    run = FieldRun(province, scenario)
    try:
        await run.run()
    except asyncpg.PostgresError as error:
        raise AssertionError(f"only the database stopped it: {error}") from error
    states = await read_sites(run)
    for number, state in enumerate(states):
        check_site(run, number, state)
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    return run, states


async def both_end_alike(province: Province, scenario: Scenario) -> Executed:
    """The property, for one scenario. Fails by AssertionError."""
    serial, expected = await execute(province, scenario.serial)
    run, states = await execute(province, scenario)
    compare(serial, expected, run, states)
    return run, states


async def noise_is_nothing(province: Province, scenario: Scenario) -> Executed:
    """What only repeats changes nothing at all. Fails by AssertionError."""
    serial, expected = await execute(province, scenario.serial)
    run, states = await execute(province, scenario)
    assert run.told == serial.told, "noise was answered otherwise"
    assert [state.outcome() for state in states] == [state.outcome() for state in expected]
    return run, states


async def search(
    attempt: Attempt, province: Province, scenarios: st.SearchStrategy[Scenario], examples: int, *, stop_at_first: bool
) -> Counter[tuple[str, str]]:
    """Hypothesis in a thread of its own, every example on this loop. Returns the conflicts that were met, by ground and
    decision. Fails as `attempt` does: with `stop_at_first` by the first example that fails, otherwise by the smallest that
    Hypothesis finds."""
    loop = asyncio.get_running_loop()
    failed: list[AssertionError] = []
    met: Counter[tuple[str, str]] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not ASKED_FOR,
        phases=[Phase.generate] if stop_at_first else [Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(scenarios)
    def run(scenario: Scenario) -> None:
        if failed:
            return
        try:
            _, states = asyncio.run_coroutine_threadsafe(attempt(province, scenario), loop).result()
        except AssertionError as error:
            if not stop_at_first:
                raise
            failed.append(error)
            return
        met.update((conflict["ground"], conflict["decision"]) for state in states for conflict in state.conflicts)

    await asyncio.to_thread(run)
    if failed:
        raise failed[0]
    return met


@pytest.mark.timeout(LONG_S if ASKED_FOR else SHRINKING_S)
async def test_repeats_and_retries_change_nothing(field: Province) -> None:
    await search(noise_is_nothing, field, noise(), EXAMPLES, stop_at_first=False)


@pytest.mark.timeout(LONG_S if ASKED_FOR else SHRINKING_S)
async def test_any_interleaving_ends_as_the_serial_one_or_in_a_named_conflict(field: Province) -> None:
    met = await search(both_end_alike, field, disorder(), EXAMPLES, stop_at_first=False)
    assert met, "the examples never met a conflict"
    if EXAMPLES >= EXAMPLES_FOR_ALL:
        grounds = {ground for ground, _ in met}
        assert grounds == set(ConflictGround), "the examples never met some conflicts"


def form(rank: int, instance: str, deprecated: str | None = None, *, site: int = 0, **more: Any) -> Form:
    given_form = Form(site, rank, 1, instance, deprecated, Finding.SOUND, (), None, False)
    return replace(given_form, **more)


def scenario(schedule: Schedule, *forms: Form) -> Scenario:
    stories: list[Story] = []
    for site in sorted({one.site for one in forms}):
        mine = tuple(one for one in forms if one.site == site)
        stories.append(Story(site, County.REY, mine, tuple(map(Send, mine))))
    return Scenario(tuple(stories), schedule)


FIRST, SECOND, THIRD = form(0, "a"), form(1, "b", "a"), form(2, "c", "b")
HERE, THERE = (form(0, "a", site=site, failed=(("structure", Severity.MINOR),)) for site in (0, 1))
OTHER = form(1, "b", failed=(("structure", Severity.MINOR),))
FAULTY = replace(SECOND, is_faulty=True)
KNOWN = {
    "an approval falls on an edit that the reviewer has not seen": scenario(
        ((Send(FIRST),), (Look(0), Send(FAULTY)), (Send(THIRD),)), FIRST, FAULTY, THIRD
    ),
    "an edit is sent again after its conflict was kept": scenario(
        ((Send(FIRST),), (Send(THIRD),), (Send(SECOND),), (Send(THIRD),)), FIRST, SECOND, THIRD
    ),
    "two phones send at once what is not the same": scenario(((Send(FIRST), Send(OTHER)),), FIRST, OTHER),
    "one instance id at two sites, each with its photo": scenario(
        (
            (Send(THERE),),
            (SendPhoto(THERE, "structure.jpg"),),
            (Send(HERE),),
            (Decide(0),),
            (Send(HERE, Channel.OPENROSA, HERE.photos),),
        ),
        HERE,
        THERE,
    ),
}


@pytest.mark.parametrize("name", KNOWN)
async def test_what_went_wrong_before(field: Province, name: str) -> None:
    await both_end_alike(field, KNOWN[name])


LOCK_INSPECTION, ATTACH_PHOTOS = inspection_store.lock_inspection, photo_store.attach_photos


@dataclass(frozen=True, slots=True)
class RewritingConnection:
    """A connection on which one clause of every statement reads otherwise."""

    connection: Connection
    clause: str
    instead: str

    async def fetchrow(self, query: str, *arguments: object) -> Any:
        return await self.connection.fetchrow(query.replace(self.clause, self.instead), *arguments)

    async def execute(self, query: str, *arguments: object) -> Any:
        return await self.connection.execute(query.replace(self.clause, self.instead), *arguments)


def _rewritten(connection: Connection, clause: str, instead: str) -> Any:
    return RewritingConnection(connection, clause, instead)


def no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inspection is read and then changed, without its lock."""

    async def read_inspection(connection: Connection, inspection_id: UUID) -> Inspection | None:
        found = await LOCK_INSPECTION(_rewritten(connection, "FOR NO KEY UPDATE", ""), inspection_id)
        await asyncio.sleep(RACE_WINDOW_S)
        return found

    monkeypatch.setattr(inspection_store, "lock_inspection", read_inspection)


def newest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second submission takes the first one's place, and nobody is asked."""

    def place(standing: Standing) -> Place | ConflictGround:
        placed = real_place(standing)
        return Place.TO_REVIEW if placed is ConflictGround.ALREADY_SUBMITTED else placed

    monkeypatch.setattr(submissions, "place", place)


def conflict_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The phone is told of a conflict that is not kept."""

    async def keep_conflict(*_: object) -> None:
        return

    monkeypatch.setattr(conflict_store, "keep_conflict", keep_conflict)


def pending_photos_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos that came before their submission are not attached to it."""

    async def attach_pending(*_: object) -> None:
        return

    monkeypatch.setattr(submissions, "attach_pending", attach_pending)


def photos_of_any_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo goes to every submission of its instance id, wherever it was taken."""
    clause = "AND photo.warehouse_id = inspection.warehouse_id"

    async def attach_photos(connection: Connection, instance_id: str, submitted_by: str) -> None:
        await ATTACH_PHOTOS(_rewritten(connection, clause, ""), instance_id, submitted_by)

    monkeypatch.setattr(photo_store, "attach_photos", attach_photos)


def channel_is_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same form by another way is taken for another one."""
    monkeypatch.setattr(submissions, "_TRANSPORT", set[str]())


def conflict_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent again after its conflict was kept is placed as if it had never come."""

    async def find_received(*_: object) -> None:
        return

    monkeypatch.setattr(conflict_store, "find_received", find_received)


def unseen_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision counts for whatever is in force when it comes, whatever the person looked at."""

    def require_seen(*_: object) -> None:
        return

    monkeypatch.setattr(reviews, "require_seen", require_seen)
    monkeypatch.setattr(submission_conflicts, "require_seen", require_seen)


BUGS: Sequence[tuple[Callable[[pytest.MonkeyPatch], None], Attempt, st.SearchStrategy[Scenario]]] = (
    (no_lock, both_end_alike, st.just(KNOWN["two phones send at once what is not the same"])),
    (newest_wins, both_end_alike, disorder(sites_max=1)),
    (conflict_forgotten, both_end_alike, disorder(sites_max=1)),
    (pending_photos_left, noise_is_nothing, noise()),
    (photos_of_any_site, both_end_alike, st.just(KNOWN["one instance id at two sites, each with its photo"])),
    (channel_is_content, noise_is_nothing, noise()),
    (conflict_judged_anew, both_end_alike, st.just(KNOWN["an edit is sent again after its conflict was kept"])),
    (unseen_is_decided, both_end_alike, st.just(KNOWN["an approval falls on an edit that the reviewer has not seen"])),
)


@pytest.mark.parametrize(("bug", "attempt", "scenarios"), BUGS, ids=[bug.__name__ for bug, _, _ in BUGS])
async def test_each_planted_bug_is_caught(
    field: Province,
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[pytest.MonkeyPatch], None],
    attempt: Attempt,
    scenarios: st.SearchStrategy[Scenario],
) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        await search(attempt, field, scenarios, EXAMPLES_PER_BUG_MAX, stop_at_first=True)
