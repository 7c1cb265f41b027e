"""What the service's own database role cannot do to timers, past the API (safeguards 13 and 4).

The spine's table of timers belongs to every compartment alike; the casework's own triggers on it look when a transaction commits.
"""

from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.kit.connections import Connection
from tests.safeguards import raw_sql as sql
from tests.safeguards.attempts import ATTEMPTS
from tests.safeguards.situations import install, script
from tests.safeguards.sql_guards import attempt
from tests.support.environment import ServiceDatabase


@pytest.fixture
async def superuser(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database("nationals").superuser_url)
    await install(connection)
    yield connection
    await connection.close()


async def household(superuser: Connection, situation: str) -> UUID:
    case_id, basis = uuid4(), uuid4()
    await superuser.execute(f"SELECT proof.basis('{basis}')")
    await superuser.execute(
        script(situation, case_id, basis=basis, ended_basis=basis, centre=basis, full=basis, listed=basis)
    )
    return case_id


WAITING = pytest.mark.parametrize(
    ("situation", "kind"),
    [
        ("flagged", "pause_review"),
        ("lapsed", "legal_review_reminder"),
        ("appealed", "appeal_reminder"),
        ("opened", "voluntary_period"),
    ],
)
WHICH = "kind = 'nationals.{kind}' AND subject_id = ANY ('{{{subjects}}}')"
AWAY = (
    "DELETE FROM timer WHERE {which}",
    "UPDATE timer SET kind = 'nationals.nobody' WHERE {which}",
    "UPDATE timer SET subject_id = gen_random_uuid()::text WHERE {which}",
    "UPDATE timer SET policy = '{{\"reminders_max\": 1}}' WHERE {which}; DELETE FROM timer WHERE {which}",
    "SET LOCAL payesh.counties = 'shemiranat'; DELETE FROM timer WHERE {which}",
)


async def timers_of(superuser: Connection, case_id: UUID, kind: str) -> str:
    """The condition that finds the timer of this kind; there is one."""
    subjects = await superuser.fetch("SELECT proof.timers_of($1) AS subject_id", case_id)
    which = WHICH.format(kind=kind, subjects=",".join(row["subject_id"] for row in subjects))
    assert await superuser.fetchval(f"SELECT count(*) FROM timer WHERE {which}") == 1
    return which


@WAITING
@pytest.mark.parametrize("role", ["casework_api", "casework_worker"])
async def test_timer_that_keeps_somebody_in_sight_stays(
    superuser: Connection, situation: str, kind: str, role: str
) -> None:
    which = await timers_of(superuser, await household(superuser, situation), kind)
    for away in AWAY:
        answer = await attempt(superuser, away.format(which=which), role)
        assert "safeguard 13" in answer.said, f"nobody would ever be told again after {away}"


@WAITING
async def test_timer_goes_when_nothing_waits_for_it(superuser: Connection, situation: str, kind: str) -> None:
    case_id = await household(superuser, situation)
    forget = f"DELETE FROM timer WHERE {await timers_of(superuser, case_id, kind)}"
    reminded = "; ".join(
        f"UPDATE casework.{table} SET reminders = 3 WHERE case_id = '{case_id}'"
        for table in ("case_pause", "legal_review", "appeal")
    )
    if kind == "voluntary_period":
        answer = await attempt(superuser, f"{forget}; {ATTEMPTS['state closed'].format(c=case_id)}", "casework_api")
    else:
        answer = await attempt(superuser, forget, "casework_worker", reminded)
    assert answer.accepted, answer.said


@pytest.mark.parametrize("kind", ["pause_review", "legal_review_reminder", "appeal_reminder", "voluntary_period"])
async def test_timer_of_an_unknown_subject_goes(superuser: Connection, kind: str) -> None:
    """A late or repeated timer, or one of a case that is gone, must not be tried for ever."""
    for subject in (f"'{uuid4()}'", "'nobody'"):
        unknown = f"DELETE FROM timer WHERE subject_id = {subject}"
        answer = await attempt(superuser, f"{sql.arm(kind, subject)}; {unknown}", "casework_worker")
        assert answer.accepted, answer.said


async def test_last_pause_ends_only_with_the_voluntary_period_running(superuser: Connection) -> None:
    case_id = await household(superuser, "clearance_proposed")
    confirmed = ATTEMPTS["confirmed by protection.three"].format(c=case_id)
    ended = ATTEMPTS["end the pauses"].format(c=case_id)
    answer = await attempt(superuser, f"{confirmed}; {ended}", "casework_api")
    assert not answer.accepted, answer.broke


async def test_appeal_window_is_as_long_as_the_decision_says(superuser: Connection) -> None:
    case_id = await household(superuser, "decided")
    window = f"SELECT proof.arm_window('{case_id}', interval '1 second')"
    answer = await attempt(
        superuser, f"{window}; {ATTEMPTS['serve'].split('; ')[-1].format(c=case_id)}", "casework_api"
    )
    assert not answer.accepted, "safeguard 4: the window that was announced as 30 days ends after a second"


async def test_voluntary_period_is_not_over_before_it_began(superuser: Connection) -> None:
    case_id = uuid4()
    opened = (
        "INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17, "
        f"unaccompanied_child, voluntary_until, opened_by) VALUES ('{case_id}', 'rey', 'Q-1', 1, 0, 0, false, now(), 'x')"
    )
    armed = f"SELECT proof.arm('nationals.voluntary_period', '{case_id}', interval '-1 hour')"
    answer = await attempt(superuser, f"{armed}; {opened}", "casework_api")
    assert not answer.accepted, "safeguard 4: the case may lapse in the same second"
