"""Access to cases: by assignment, by an office's role, or by break-glass, in the handlers and as raw SQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest

from services.nationals.app import service
from services.nationals.casework import handlers
from services.nationals.casework.domain import access
from services.nationals.casework.handlers.break_glass import BREAK_GLASS_REVIEW
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from shared.contracts.counties import County
from shared.kit.connections import Connection
from shared.kit.http import connect
from tests.integration.nationals.office import Office, staff
from tests.integration.nationals.test_guards_in_sql import ARM, raw, refused
from tests.support.identity import bearer, client_of, create_test_verifier

SECRET = "the household's flat is on fire"
READ = "?purpose=casework"
GLASS = {"reason_kind": "danger_to_life_or_health", "reason": SECRET}
BREAK = """
    INSERT INTO casework.break_glass (break_glass_id, case_id, county, opened_by, reason_kind, reason, expires_at, review_by)
    VALUES ($1, $2, 'rey', 'caseworker.two', $3, $4, now() + $5::interval, now() + interval '2 days')
"""
ASSIGN = """
    INSERT INTO casework.case_assignment (assignment_id, case_id, county, assignee, reason, assigned_by)
    VALUES (gen_random_uuid(), $1, 'rey', $2, $3, $4)
"""
VERDICT = (
    "UPDATE casework.break_glass SET verdict = 'justified', reviewed_by = $2, reviewed_at = now() WHERE case_id = $1"
)


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as opened:
        yield opened


@pytest.fixture
async def case_id(office: Office) -> UUID:
    """A consented case of ``caseworker.one`` in Rey."""
    return await office.consented()


async def ask(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    role: str,
    subject: str,
    body: Any = None,
    status: int = 200,
    **headers: str,
) -> Any:
    answer = await client.request(method, path, json=body, headers={**bearer(role, subject=subject), **headers})
    assert answer.status_code == status, answer.text
    return answer.json()


async def as_two(client: httpx.AsyncClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    return await ask(client, method, path, "caseworker", "caseworker.two", body, status)


async def as_supervisor(client: httpx.AsyncClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    return await ask(client, method, path, "casework_supervisor", "supervisor.one", body, status)


async def test_a_caseworker_without_assignment_is_refused_everywhere_but_may_record_the_withdrawal(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    case = f"/cases/{case_id}"
    information = {"language": "fa", "information_version": 2, "interpreter": {"relation": "professional"}}
    booking = {"centre_id": str(uuid4()), "places": [{"place_kind": "family", "places": 1}]}
    for method, path, body in (
        ("GET", case + READ, None),
        ("POST", case + "/information-sessions", information),
        ("POST", case + "/bookings", booking),
        ("POST", case + "/closure", {"outcome": "regularised"}),
    ):
        refusal = await as_two(client, method, path, body, 403)
        assert refusal["code"] == "nationals.case.not_assigned"
        assert refusal["details"]["satisfied_by"] == "assignment_or_break_glass"
    headers = {**bearer("caseworker", subject="caseworker.two"), "Accept-Language": "fa"}
    persian = (await client.get(case + READ, headers=headers)).json()
    assert "سرپرست" in persian["detail"]
    assert await office.state(case_id) == "consented"
    withdrawn = await as_two(client, "POST", case + "/withdrawal")
    assert withdrawn["state"] == "withdrawn"


async def test_offices_enter_by_role_in_their_counties_and_no_other_role_does(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    reading = handlers.ReadCase(case_id=case_id, purpose=handlers.ReadPurpose.CASEWORK)
    for role in sorted(access.ROLES_WITH_ACCESS):
        seen = await office.run(handlers.read_case, reading, staff(County.REY, subject=f"{role}.one", role=role))
        assert seen.case_id == case_id
    for role in ("caseworker", "centre_manager", "complaints_officer", "operator"):
        with pytest.raises(Exception, match="not_assigned"):
            await office.run(handlers.read_case, reading, staff(County.REY, subject="somebody", role=role))
    for role in ("protection_officer", "legal_officer", "casework_supervisor"):
        headers = bearer(role, counties=["varamin"])
        assert (await client.get(f"/cases/{case_id}{READ}", headers=headers)).status_code == 404
    read_by = await office.superuser.fetch("SELECT read_by FROM casework.case_read_log")
    assert len(read_by) == len(access.ROLES_WITH_ACCESS)


async def test_timers_need_no_assignment(office: Office, case_id: UUID) -> None:
    await office.fire(VOLUNTARY_PERIOD, case_id)
    assert await office.state(case_id) == "awaiting_legal_review"


async def test_supervisor_assigns_and_unassigns_and_the_history_stays(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    path = f"/cases/{case_id}/assignments"
    body = {"assignee": "caseworker.two", "reason": "language"}
    await as_two(client, "POST", path, body, 403)
    await as_supervisor(client, "POST", path, {**body, "reason": "opened_the_case"}, 422)
    await as_supervisor(client, "POST", path, {**body, "assignee": "supervisor.one"}, 409)
    given = await as_supervisor(client, "POST", path, body, 201)
    assert [(one["assignee"], one["reason"], one["assigned_by"]) for one in given["assignments"]] == [
        ("caseworker.one", "opened_the_case", "caseworker.one"),
        ("caseworker.two", "language", "supervisor.one"),
    ]
    await as_supervisor(client, "POST", path, body, 409)
    await as_two(client, "GET", f"/cases/{case_id}{READ}")
    first, second = (one["assignment_id"] for one in given["assignments"])
    for assignment_id in (first, second):
        await as_supervisor(client, "POST", f"{path}/{assignment_id}/end", {"reason": "absence"})
    await as_supervisor(client, "POST", f"{path}/{second}/end", {"reason": "absence"}, 404)
    await as_two(client, "GET", f"/cases/{case_id}{READ}", None, 403)
    await ask(client, "GET", f"/cases/{case_id}{READ}", "caseworker", "caseworker.one", status=403)
    await as_supervisor(client, "POST", path, body, 201)
    await as_two(client, "GET", f"/cases/{case_id}{READ}")
    history = (await as_supervisor(client, "GET", path))["assignments"]
    assert [(one["assignee"], one["end_reason"], one["ended_by"]) for one in history] == [
        ("caseworker.one", "absence", "supervisor.one"),
        ("caseworker.two", "absence", "supervisor.one"),
        ("caseworker.two", None, None),
    ]


async def test_break_glass_opens_one_case_to_one_person_for_a_time_and_tells_the_supervisor_at_once(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    other = await office.open()
    path = f"/cases/{case_id}/break-glass"
    await as_two(client, "POST", path, {**GLASS, "reason_kind": "curiosity"}, 422)
    await as_two(client, "POST", path, {**GLASS, "reason": "  "}, 422)
    opened = await as_two(client, "POST", path, GLASS, 201)
    await as_two(client, "GET", f"/cases/{case_id}{READ}")
    await as_two(client, "GET", f"/cases/{other}{READ}", None, 403)
    await ask(client, "GET", f"/cases/{case_id}{READ}", "caseworker", "caseworker.three", status=403)
    assert (await as_two(client, "POST", path, GLASS, 409))["code"] == "nationals.break_glass.not_needed"

    [event] = await office.events("BreakGlassOpened")
    assert event["break_glass_id"] == opened["break_glass_id"]
    assert event.keys() - {"type", "sequence"} == {"case_id", "county", "break_glass_id", "expires_at", "review_by"}
    for row in await office.superuser.fetch("SELECT body FROM outbox"):
        assert SECRET not in row["body"].decode()
        assert b"caseworker" not in row["body"]
    timers = await office.superuser.fetch("SELECT timer::text AS row FROM timer")
    assert not any(SECRET in timer["row"] for timer in timers)
    [waiting] = (await as_supervisor(client, "GET", "/break-glass"))["items"]
    assert (waiting["opened_by"], waiting["reason"], waiting["case_id"]) == ("caseworker.two", SECRET, str(case_id))

    expire = (
        "UPDATE casework.break_glass SET opened_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'"
    )
    async with office.superuser.transaction():
        await office.superuser.execute("SET LOCAL session_replication_role = replica")
        await office.superuser.execute(expire)
    await as_two(client, "GET", f"/cases/{case_id}{READ}", None, 403)
    await as_two(client, "POST", path, GLASS, 201)
    assert len(await office.events("BreakGlassOpened")) == 2, "a new use is told anew"


async def test_a_second_person_reviews_once_and_what_was_not_justified_ends_at_once(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    opened = await as_two(client, "POST", f"/cases/{case_id}/break-glass", GLASS, 201)
    path = f"/break-glass/{opened['break_glass_id']}/review"
    verdict = {"verdict": "not_justified"}
    await as_two(client, "POST", path, verdict, 403)
    own = await ask(client, "POST", path, "casework_supervisor", "caseworker.two", verdict, 409)
    assert (own["code"], own["safeguard"]) == ("nationals.break_glass.own_review", 6)
    elsewhere = bearer("casework_supervisor", counties=["varamin"])
    assert (await client.post(path, json=verdict, headers=elsewhere)).status_code == 404
    assert (await client.get("/break-glass", headers=elsewhere)).json()["items"] == []
    await as_supervisor(client, "POST", path, verdict)
    await as_supervisor(client, "POST", path, {"verdict": "justified"}, 409)
    await as_two(client, "GET", f"/cases/{case_id}{READ}", None, 403)
    assert (await as_supervisor(client, "GET", "/break-glass"))["items"] == []
    assert await office.armed(BREAK_GLASS_REVIEW) == []
    [event] = await office.events("BreakGlassReviewed")
    assert "verdict" not in event


async def test_an_unreviewed_use_is_chased_until_the_last_reminder(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    opened = await as_two(client, "POST", f"/cases/{case_id}/break-glass", GLASS, 201)
    use = UUID(opened["break_glass_id"])
    for _ in range(3):
        await office.fire(BREAK_GLASS_REVIEW, use)
    reminded = await office.events("BreakGlassReviewOverdue")
    assert [event["reminder"] for event in reminded] == [1, 2, 3]
    assert [event["next_review_by"] is None for event in reminded] == [False, False, True]
    assert await office.armed(BREAK_GLASS_REVIEW) == []
    [waiting] = (await as_supervisor(client, "GET", "/break-glass"))["items"]
    assert waiting["reminders"] == 3


async def test_reads_are_marked_listed_and_the_listing_is_logged(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    opened = await as_two(client, "POST", f"/cases/{case_id}/break-glass", GLASS, 201)
    await as_two(client, "GET", f"/cases/{case_id}{READ}")
    await ask(client, "GET", f"/cases/{case_id}?purpose=household_request", "caseworker", "caseworker.one")
    path = f"/cases/{case_id}/reads"
    await as_two(client, "GET", path, None, 403)
    await ask(client, "GET", path, "casework_supervisor", "supervisor.one", None, 422, **{"Idempotency-Key": "k" * 20})
    listed = await as_supervisor(client, "GET", path)
    assert [(read["read_by"], read["purpose"], read["break_glass_id"]) for read in listed["reads"]] == [
        ("supervisor.one", "supervision", None),
        ("caseworker.one", "household_request", None),
        ("caseworker.two", "casework", opened["break_glass_id"]),
    ]
    page = await as_supervisor(client, "GET", f"{path}?limit=2")
    assert [read["read_by"] for read in page["reads"]] == ["supervisor.one", "supervisor.one"]
    older = await as_supervisor(client, "GET", f"{path}?limit=2&before={page['next']}")
    assert [read["read_by"] for read in older["reads"]] == ["caseworker.one", "caseworker.two"]
    elsewhere = bearer("casework_supervisor", counties=["varamin"])
    assert (await client.get(path, headers=elsewhere)).status_code == 404


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_assignments_in_sql(office: Office, case_id: UUID, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    for assignee, reason, assigned_by in (
        ("caseworker.two", "workload", "caseworker.two"),
        ("caseworker.two", "opened_the_case", "caseworker.two"),
        ("caseworker.one", "opened_the_case", "caseworker.one"),
        ("caseworker.two", "because", "supervisor.one"),
        ("system", "workload", "supervisor.one"),
    ):
        await refused(
            pool,
            lambda sql, values=(assignee, reason, assigned_by): sql.execute(ASSIGN, case_id, *values),
            "safeguard 6",
            "case assignment",
        )
    for statement in (
        "UPDATE casework.case_assignment SET assignee = 'caseworker.two'",
        "UPDATE casework.case_assignment SET ended_at = now(), ended_by = 'caseworker.one', end_reason = 'absence'",
        "UPDATE casework.case_assignment SET ended_at = now()",
        "DELETE FROM casework.case_assignment",
        "DELETE FROM casework.case_read_log",
        "UPDATE casework.case_read_log SET break_glass_id = NULL",
    ):
        await refused(pool, lambda sql, text=statement: sql.execute(text), "safeguard 6", "ended whole")
    end = "UPDATE casework.case_assignment SET ended_at = now(), ended_by = 'supervisor.one', end_reason = 'absence'"
    again = "UPDATE casework.case_assignment SET ended_at = NULL, ended_by = NULL, end_reason = NULL"
    if role == "api":
        async with raw(pool) as connection:
            await connection.execute(end)
            with pytest.raises(asyncpg.CheckViolationError, match="safeguard 6"):
                await connection.execute(again)


async def test_break_glass_in_sql(office: Office, case_id: UUID) -> None:
    async def use(sql: Connection, reason_kind: str = "deadline", reason: str = "x", for_: str = "1 hour") -> UUID:
        use_id = uuid4()
        await sql.execute(ARM, BREAK_GLASS_REVIEW, str(use_id))
        await sql.execute(BREAK.replace("$5", f"'{for_}'"), use_id, case_id, reason_kind, reason)
        return use_id

    async def unchased(sql: Connection) -> None:
        await sql.execute(BREAK.replace("$5", "'1 hour'"), uuid4(), case_id, "deadline", "x")

    async def twice(sql: Connection) -> None:
        await use(sql)
        await use(sql)

    async def own_review(sql: Connection) -> None:
        await use(sql)
        await sql.execute(VERDICT, case_id, "caseworker.two")

    async def reviewed_twice(sql: Connection) -> None:
        await use(sql)
        await sql.execute(VERDICT, case_id, "supervisor.one")
        await sql.execute(VERDICT, case_id, "supervisor.two")

    steps: tuple[tuple[Callable[[Connection], Awaitable[object]], str], ...] = (
        (lambda sql: use(sql, reason_kind="curiosity"), "break glass reason kind"),
        (lambda sql: use(sql, reason=" "), "break glass reason"),
        (lambda sql: use(sql, for_="25 hours"), "break glass is limited"),
        (lambda sql: use(sql, for_="0 hours"), "break glass is limited"),
        (unchased, "safeguard 13"),
        (twice, "not prolonged"),
        (own_review, "safeguard 6"),
        (reviewed_twice, "safeguard 6"),
    )
    for step, words in steps:
        await refused(office.api, step, words)
    await refused(office.worker, use, "nothing: the worker may insert none")
    async with raw(office.api) as connection:
        use_id = await use(connection)
        assert await connection.fetchval("SELECT casework.running_break_glass($1, 'caseworker.two')", case_id) == use_id
        forged = (
            "INSERT INTO casework.case_read_log (case_id, county, read_by, purpose) VALUES ($1, 'rey', $2, 'casework')"
        )
        await connection.execute(forged, case_id, "caseworker.two")
        assert await connection.fetchval("SELECT break_glass_id FROM casework.case_read_log") == use_id
    async with office.superuser.transaction():
        await office.superuser.execute(ARM, BREAK_GLASS_REVIEW, str(use_id))
        await office.superuser.execute(BREAK.replace("$5", "'1 hour'"), use_id, case_id, "deadline", SECRET)
        for change, words in (
            ("expires_at = now() + interval '2 hours'", "never prolonged"),
            ("reason_kind = 'household_is_present'", "never prolonged"),
            ("reason = 'something nicer'", "never rewritten"),
        ):
            with pytest.raises(asyncpg.CheckViolationError, match=words):
                async with office.superuser.transaction():
                    await office.superuser.execute(f"UPDATE casework.break_glass SET {change}")
    for pool in (office.api, office.worker):
        for change in ("expires_at = now() + interval '2 hours'", "reason = '[erased]'"):
            await refused(pool, lambda sql, text=change: sql.execute(f"UPDATE casework.break_glass SET {text}"), "none")
    async with raw(office.worker) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT reason FROM casework.break_glass")


async def test_events_of_access_say_nothing_of_the_household(
    office: Office, client: httpx.AsyncClient, case_id: UUID
) -> None:
    opened = await as_two(client, "POST", f"/cases/{case_id}/break-glass", GLASS, 201)
    await office.fire(BREAK_GLASS_REVIEW, UUID(opened["break_glass_id"]))
    await as_supervisor(client, "POST", f"/break-glass/{opened['break_glass_id']}/review", {"verdict": "justified"})
    rows = await office.superuser.fetch(
        "SELECT type, body FROM outbox WHERE type LIKE '%BreakGlass%' ORDER BY position"
    )
    allowed = {"case_id", "county", "break_glass_id", "expires_at", "review_by", "reminder", "next_review_by"}
    assert len(rows) == 3
    for row in rows:
        assert orjson.loads(row["body"]).keys() <= allowed, row["type"]
