"""Every guard is alive: for each one there is a mutant without it, and what is refused is then no longer refused like that.

The lists of guards come from the tables of transitions and from PostgreSQL's own catalogue, never from here: a new guard that
no attempt meets fails the test. An SQL mutant is killed when an attempt that the guard refused is accepted (the table says which
rules the evidence then breaks) or refused by another guard.
"""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.nationals.casework.domain.case_facts import CaseState
from services.nationals.casework.domain.voluntary_stage import VOLUNTARY_STAGE
from shared.kit.connections import Connection
from tests.safeguards import sql_guards
from tests.safeguards.attempts import ATTEMPTS
from tests.safeguards.calls import CALLS, FIRST_OF_STEP, Person
from tests.safeguards.complaint_attempts import COMPLAINT_ATTEMPTS
from tests.safeguards.domain_guards import Bench, Place, open_bench
from tests.safeguards.shadowed import SHADOWED
from tests.safeguards.situations import SITUATIONS, install, script
from tests.safeguards.spoiled import SPOILED, refusal_of_spoiled
from tests.safeguards.sql_guards import Answer, SqlGuard, attempt
from tests.support.environment import ServiceDatabase

pytestmark = pytest.mark.slow

ROLES = ("casework_api", "casework_worker")
WORKER_SITUATIONS = frozenset(
    [
        "opened",
        "ready",
        "booked",
        "booking_over",
        "admitted",
        "reconfirmed",
        "waiting",
        "offered",
        "at_the_end",
        "flagged_at_the_end",
        "on_its_way_at_the_end",
        "booked_at_the_end",
        "lapsed",
        "served",
        "window_ended",
    ]
)
TRIES_OF_GUARD_MAX = 4
SEEN_IN_EVIDENCE = frozenset(range(1, 14))
"""Rules that a mutant of the database breaks in the eyes of ``rules.sql``: so it does not look away. Complaints are apart."""
CENTRES = {"centre": 10_000, "full": 1, "listed": 10_000, "small": 10}


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt in one situation; `before` is what the superuser does first."""

    name: str
    statements: str
    role: str
    before: str = "SELECT 1"
    tampers: bool = False
    """Whether something that guards or timers would not have let happen is done first."""


@dataclass(slots=True)
class Office:
    """A committed household in every situation; attempts on them are always rolled back."""

    database: ServiceDatabase
    superuser: Connection
    places: dict[str, UUID] = field(default_factory=dict[str, UUID])
    cases: dict[str, UUID] = field(default_factory=dict[str, UUID])

    async def fill(self) -> None:
        for name, size in CENTRES.items():
            self.places[name] = uuid4()
            await self.superuser.execute(f"SELECT proof.centre('{self.places[name]}', {size})")
        for name, confirmed in (("basis", True), ("ended_basis", True), ("draft", False)):
            self.places[name] = uuid4()
            await self.superuser.execute(f"SELECT proof.basis('{self.places[name]}', {confirmed})")
        filling = uuid4()
        await self.superuser.execute(
            f"{script('ready', filling, **self.places)}; BEGIN; SELECT proof.book('{filling}', '{self.places['full']}'); COMMIT"
        )
        for situation in SITUATIONS:
            self.cases[situation] = uuid4()
            await self.superuser.execute(script(situation, self.cases[situation], **self.places))
        await self.superuser.execute(
            "UPDATE casework.legal_basis SET ended_by = 'registrar.two' WHERE basis_id = $1", self.places["ended_basis"]
        )
        assert await self.superuser.fetchval("SELECT count(*) FROM proof.violation") == 0

    def tries(self) -> "list[Try]":
        """Every attempt in every situation as the API's role, and in some as the worker's."""
        tries: list[Try] = []
        for number, (situation, name) in enumerate(product(self.cases, ATTEMPTS)):
            statements = ATTEMPTS[name].format(c=self.cases[situation], n=number, **self.places)
            tries += [
                Try(f"{name} / {situation}", statements, role)
                for role in (ROLES if situation in WORKER_SITUATIONS else ROLES[:1])
            ]
        tries += [Try(name, text, "complaints_api") for name, text in COMPLAINT_ATTEMPTS.items()]
        for each in SHADOWED:
            names = {"c": self.cases[each.situation], "n": 0, **self.places}
            name = f"behind other guards / {each.situation}"
            tries.append(Try(name, each.attempt.format(**names), each.role, each.before.format(**names), tampers=True))
        return tries

    async def answer(self, each: Try, without: str = "SELECT 1") -> Answer:
        return await attempt(self.superuser, each.statements, each.role, f"{without}; {each.before}")


@pytest.fixture
async def office(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    nationals = database("nationals")
    superuser = await asyncpg.connect(nationals.superuser_url)
    await install(superuser)
    opened = Office(nationals, superuser)
    await opened.fill()
    yield opened
    await superuser.close()


async def test_every_guard_of_the_database_is_alive(office: Office) -> None:
    branches = await sql_guards.list_branches(office.superuser)
    constraints = await sql_guards.list_constraints(office.superuser)
    await office.superuser.execute(await sql_guards.marked_definitions(office.superuser))
    met: defaultdict[SqlGuard, list[tuple[Try, Answer]]] = defaultdict(list)
    by_name: dict[tuple[str, str | None] | None, SqlGuard] = {(guard.where, guard.says): guard for guard in constraints}
    for each in office.tries():
        answer = await office.answer(each)
        assert not answer.broke or each.tampers, f"rule broken by {each.name} as {each.role}: {answer.broke}"
        guard = branches[answer.guard] if answer.guard is not None else by_name.get(answer.constraint)
        if guard is not None and len(met[guard]) < TRIES_OF_GUARD_MAX:
            met[guard].append((each, answer))
    survivors: list[str] = []
    table: list[str] = []
    for guard in (*branches, *constraints):
        killed = await kill(office, guard, met[guard])
        table.append(f"{guard.name} | {killed or 'SURVIVES'}")
        if not killed:
            survivors.append(f"{guard.name}: {'met by no attempt' if not met[guard] else 'nothing changes without it'}")
    print("\n".join(table))
    assert not survivors, "\n".join(survivors)
    seen = {int(rule) for row in table for rule in re.findall(r"rule (\d+) \(", row)}
    assert seen >= SEEN_IN_EVIDENCE, f"no mutant breaks {sorted(SEEN_IN_EVIDENCE - seen)}: would the evidence show it?"


async def kill(office: Office, guard: SqlGuard, met: list[tuple[Try, Answer]]) -> str:
    """How the mutant without `guard` is killed; empty if it survives."""
    for each, answer in met:
        without = await office.answer(each, guard.remove)
        if without.accepted:
            return f"{each.name}: accepted" + (f", and breaks {without.broke}" if without.broke else "")
        if sql_guards.MARKED.sub("", without.said) != sql_guards.MARKED.sub("", answer.said):
            return f"{each.name}: refused otherwise ({without.said})"
    return ""


PAUSABLE = [
    "informed",
    "ready",
    "booked",
    "reconfirmed",
    "waiting",
    "offered",
    "assessed",
    "proposed",
    "decided",
    "appealed",
    "window_ended",
    "at_the_end",
]
PAUSES = (2, 5, 7, 8, 9)
SERVICE_ACCOUNT = "system"
REQUESTS_OF_GUARD_MAX = 2
Answered = tuple[str, int | None]
Question = Callable[[Bench], Awaitable[Answered]]


async def test_every_guard_of_the_domain_is_alive(office: Office) -> None:
    """Killed over HTTP: the answer is no longer the refusal with the guard's safeguard. And on facts that lack this alone."""
    await pause_everything(office)
    rows = await office.superuser.fetch("SELECT case_id, state FROM casework.return_case")
    states = {row["case_id"]: CaseState(row["state"]) for row in rows}
    async with open_bench(office.database, office.places) as bench:
        met = await ask_everything(bench, office, states)
        survivors: list[str] = []
        table: list[str] = []
        for place in bench.tables.places():
            killed = await kill_in_domain(bench, place, met[place])
            table.append(
                f"{bench.tables.name(place)} | safeguard {bench.tables.guard(place).safeguard} | {killed or 'SURVIVES'}"
            )
            if not killed:
                survivors.append(table[-1])
    print("\n".join(table))
    print(sum("over HTTP" in row for row in table), "of", len(table), "killed over HTTP")
    assert not survivors, "\n".join(survivors)


async def pause_everything(office: Office) -> None:
    """The situations that a pause could hold up, each under each kind of pause."""
    for situation, safeguard in product(PAUSABLE, PAUSES):
        case_id = office.cases[f"{situation} paused by {safeguard}"] = uuid4()
        steps = script(situation, case_id, **{**office.places, "listed": office.places["small"]})
        pause = f"BEGIN; SELECT proof.pause('{case_id}', {safeguard}, 'protection.one'); COMMIT"
        await office.superuser.execute(f"{steps}; {pause}")


async def ask_everything(
    bench: Bench, office: Office, states: dict[UUID, CaseState]
) -> defaultdict[Place, list[tuple[str, Question, Answered]]]:
    """For each guard the requests that it refused. Each request goes to the situations from which its step leads somewhere."""
    met: defaultdict[Place, list[tuple[str, Question, Answered]]] = defaultdict(list)

    async def ask(name: str, question: Question) -> bool:
        bench.tables.refused = None
        answer = await question(bench)
        place = bench.tables.refused
        if place is not None and len(met[place]) < REQUESTS_OF_GUARD_MAX:
            met[place].append((name, question, answer))
        return place is not None

    with bench.without(None):
        for situation, case_id in office.cases.items():
            if states[case_id] in VOLUNTARY_STAGE:
                for stale in (False, True):
                    await ask(f"lapse, stale {stale} / {situation}", partial(Bench.lapse, case_id=case_id, stale=stale))
        for name, call in CALLS.items():
            sources = frozenset[CaseState]().union(
                *(line.sources for line in bench.tables.original if line.step in call.steps)
            )
            account = Person(SERVICE_ACCOUNT, call.person.roles)
            by_account: set[CaseState] = set()
            for situation, case_id in office.cases.items():
                if states[case_id] not in sources:
                    continue
                await ask(f"{name} / {situation}", partial(Bench.ask, name=name, case_id=case_id))
                if states[case_id] not in by_account and name in FIRST_OF_STEP:
                    by_account.add(states[case_id])
                    await ask(
                        f"{name} by a service account / {situation}",
                        partial(Bench.ask, name=name, case_id=case_id, person=account),
                    )
    return met


async def kill_in_domain(bench: Bench, place: Place, met: list[tuple[str, Question, Answered]]) -> str:
    """How the table without one guard is killed; empty if it survives."""
    guard = bench.tables.guard(place)
    found: list[str] = []
    for name, question, answer in met:
        with bench.without(place):
            other = await question(bench)
        if other != answer:
            found.append(f"over HTTP, {name}: {answer[0]} becomes {other[0][:80]}")
            break
    if guard.name.removesuffix("_if_adverse") in SPOILED:
        line = bench.tables.original[place[0]]
        whole, without = (bench.tables.noting(each) for each in (None, place))
        said = refusal_of_spoiled(line, guard, whole)
        if said is guard.refusal and refusal_of_spoiled(line, guard, without) is not guard.refusal:
            found.append("on facts that lack this alone")
    return "; ".join(found)
