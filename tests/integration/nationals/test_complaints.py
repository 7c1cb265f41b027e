"""The complaints office: a complaint's way from a stranger's mouth to its answer, its deadlines, and the end of its texts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.nationals.app import service
from services.nationals.complaints.domain.complaint import CASEWORK_ROLES, STAFF_ROLES
from services.nationals.complaints.handlers.deadlines import ACKNOWLEDGEMENT_TIMER, ANSWER_TIMER, RETENTION_TIMER
from shared.kit.connections import Connection, Pool
from shared.kit.database import enter_compartment
from shared.kit.http import connect
from tests.integration.nationals.complaints_office import COLLEAGUE, OFFICER, SECRET, STATED, ComplaintsOffice
from tests.integration.nationals.office import Office
from tests.support.identity import bearer, client_of, create_test_verifier

ERASE = """
    UPDATE complaints.complaint SET body = NULL, stated_reference = NULL, answer = NULL, erased_at = now(), erased_by = 'x'
"""


@pytest.fixture
async def complaints(office: Office) -> AsyncIterator[ComplaintsOffice]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as client:
        yield ComplaintsOffice(office, client)


async def state_of(client: httpx.AsyncClient, receipt: str) -> str:
    answer = await client.get(f"/complaints/receipts/{receipt}")
    assert answer.status_code == 200, answer.text
    return answer.json()["state"]


async def test_a_complaint_from_receipt_to_closure(complaints: ComplaintsOffice) -> None:
    taken = await complaints.hand_in()
    receipt = taken["receipt"]
    assert taken.keys() == {"receipt", "state", "acknowledge_by", "answer_by"}
    [listed] = (await complaints.ask("GET", "/complaints?county=rey&state=received"))["items"]
    assert not listed.keys() & {"text", "stated_reference", "answer", "received_by", "receipt"}
    complaint_id = UUID(listed["complaint_id"])
    seen = [await state_of(complaints.client, receipt)]
    for step, body in (
        ("acknowledgement", None),
        ("examination", {"no_other_officer": False}),
        ("answer", {"text": "we are sorry"}),
        ("closure", None),
    ):
        await complaints.step(complaint_id, step, body=body)
        seen.append(await state_of(complaints.client, receipt.lower().replace("-", " ")))
    assert seen == ["received", "acknowledged", "under_examination", "answered", "closed"]
    view = await complaints.ask("GET", f"/complaints/{complaint_id}")
    assert (view["text"], view["stated_reference"], view["answer"]) == (SECRET, STATED, "we are sorry")
    assert (view["received_by"], view["examiner"]) == ("caseworker.one", OFFICER)
    shown = (await complaints.client.get(f"/complaints/receipts/{receipt}")).json()
    dates = {"received_at", "acknowledge_by", "acknowledged_at", "answer_by", "answered_at", "closed_at"}
    assert shown.keys() == {"state", *dates}
    reads = await complaints.office.superuser.fetch("SELECT complaint_id, read_by FROM complaints.complaint_read_log")
    assert [tuple(read) for read in reads] == [(complaint_id, OFFICER)]
    assert (await complaints.client.get(f"/complaints/receipts/{'A' * 24}")).status_code == 404


@pytest.mark.parametrize("role", [role for role in STAFF_ROLES if role != "complaints_officer"])
async def test_any_staff_hands_one_in_and_none_of_them_reads_one(complaints: ComplaintsOffice, role: str) -> None:
    complaint_id = await complaints.received(role, "somebody")
    for method, path in (
        ("GET", "/complaints"),
        ("GET", f"/complaints/{complaint_id}"),
        ("POST", f"/complaints/{complaint_id}/acknowledgement"),
        ("POST", f"/complaints/{complaint_id}/closure"),
        ("POST", f"/complaints/{complaint_id}/erasure"),
    ):
        refusal = await complaints.ask(method, path, "somebody", None, 403, (role,))
        assert SECRET not in str(refusal)
    assert await complaints.office.superuser.fetchval("SELECT count(*) FROM complaints.complaint_read_log") == 0


@pytest.mark.parametrize("role", sorted(CASEWORK_ROLES))
async def test_an_officer_who_works_on_cases_is_no_separate_office(complaints: ComplaintsOffice, role: str) -> None:
    complaint_id = await complaints.received()
    for method, path in (("GET", "/complaints"), ("GET", f"/complaints/{complaint_id}")):
        refusal = await complaints.ask(method, path, OFFICER, None, 403, ("complaints_officer", role))
        assert (refusal["code"], refusal["safeguard"]) == ("nationals.complaint.office_not_separate", 14)


async def test_another_county_sees_nothing(complaints: ComplaintsOffice) -> None:
    complaint_id = await complaints.received()
    elsewhere = bearer("complaints_officer", counties=["varamin"])
    assert (await complaints.client.get("/complaints", headers=elsewhere)).json()["items"] == []
    assert (await complaints.client.get(f"/complaints/{complaint_id}", headers=elsewhere)).status_code == 404
    path = f"/complaints/{complaint_id}/acknowledgement"
    assert (await complaints.client.post(path, headers=elsewhere)).status_code == 404
    answer = await complaints.client.post(
        "/complaints",
        headers=elsewhere,
        json={"county": "rey", "channel": "letter", "category": "delay", "language": "fa", "text": "x"},
    )
    assert answer.status_code == 403


async def test_bad_input_is_refused_whole(complaints: ComplaintsOffice) -> None:
    for change in (
        {"category": "gossip"},
        {"channel": "telepathy"},
        {"text": " "},
        {"text": "x" * 8001},
        {"language": "farsi"},
        {"county": "atlantis"},
        {"stated_reference": "x" * 65},
    ):
        body = {"county": "rey", "channel": "letter", "category": "delay", "language": "fa", "text": "x", **change}
        await complaints.ask("POST", "/complaints", OFFICER, body, 422)
    assert await complaints.office.superuser.fetchval("SELECT count(*) FROM complaints.complaint") == 0


async def test_who_received_it_does_not_examine_it_where_there_is_a_second_officer(
    complaints: ComplaintsOffice,
) -> None:
    complaint_id = await complaints.received("complaints_officer", OFFICER)
    await complaints.step(complaint_id, "acknowledgement")
    refusal = await complaints.step(complaint_id, "examination", OFFICER, {"no_other_officer": False}, 409)
    assert (refusal["code"], refusal["safeguard"]) == ("nationals.complaint.examiner_received_it", 6)
    await complaints.step(complaint_id, "examination", OFFICER, {"no_other_officer": True})
    view = await complaints.ask("GET", f"/complaints/{complaint_id}")
    assert view["examined_alone"]
    await complaints.step(complaint_id, "examination", COLLEAGUE, {"no_other_officer": False})
    await complaints.step(complaint_id, "answer", OFFICER, {"text": "x"}, 409)
    await complaints.step(complaint_id, "answer", COLLEAGUE, {"text": "x"})
    another = await complaints.received("complaints_officer", OFFICER)
    await complaints.step(another, "acknowledgement")
    await complaints.step(another, "examination", OFFICER, {"no_other_officer": True}, 409)


async def test_no_step_is_left_out_and_none_goes_back(complaints: ComplaintsOffice) -> None:
    complaint_id = await complaints.received()
    examination, answer = {"no_other_officer": False}, {"text": "x"}
    steps = (("acknowledgement", None), ("examination", examination), ("answer", answer), ("closure", None))
    for done, (step, body) in enumerate(steps):
        for later, later_body in steps[done + 1 :]:
            await complaints.step(complaint_id, later, body=later_body, status=409)
        await complaints.step(complaint_id, step, body=body)
    for step, body in steps:
        refusal = await complaints.step(complaint_id, step, body=body, status=409)
        assert refusal["code"] == "nationals.complaint.step_not_allowed"


async def test_both_deadlines_are_chased_until_the_step_is_taken(complaints: ComplaintsOffice) -> None:
    complaint_id = await complaints.received()
    await complaints.fire(ACKNOWLEDGEMENT_TIMER, complaint_id)
    await complaints.fire(ACKNOWLEDGEMENT_TIMER, complaint_id)
    await complaints.fire(ANSWER_TIMER, complaint_id)
    overdue = await complaints.events("ComplaintOverdue")
    assert [(event["deadline"], event["reminder"]) for event in overdue] == [
        ("acknowledgement", 1),
        ("acknowledgement", 2),
        ("answer", 1),
    ]
    assert overdue[0].keys() == {"complaint_id", "county", "deadline", "due_at", "reminder", "next_reminder_at"}
    await complaints.step(complaint_id, "acknowledgement")
    assert await complaints.office.armed(ACKNOWLEDGEMENT_TIMER) == []
    assert len(await complaints.events("ComplaintAcknowledged")) == 1
    await complaints.step(complaint_id, "examination", body={"no_other_officer": False})
    await complaints.step(complaint_id, "answer", body={"text": "x"})
    assert await complaints.office.armed(ANSWER_TIMER) == []
    assert len(await complaints.events("ComplaintAnswered")) == 1


async def test_texts_end_on_their_retention_date_and_the_dates_stay(complaints: ComplaintsOffice) -> None:
    complaint_id = await complaints.answered()
    await complaints.fire(RETENTION_TIMER, complaint_id)
    assert await complaints.texts(complaint_id) == (None, None, None)
    view = await complaints.ask("GET", f"/complaints/{complaint_id}")
    assert (view["text"], view["state"], view["category"]) == (None, "answered", "pressure")
    await complaints.step(complaint_id, "closure")
    await complaints.step(complaint_id, "erasure", COLLEAGUE, status=409)


async def test_a_person_holds_the_texts_with_a_reason_and_they_go_when_the_hold_ends(
    complaints: ComplaintsOffice,
) -> None:
    complaint_id = await complaints.answered()
    await complaints.step(complaint_id, "retention-hold", body={"reason": "because"}, status=422)
    await complaints.step(complaint_id, "retention-hold", body={"reason": "legal_proceedings"})
    await complaints.fire(RETENTION_TIMER, complaint_id)
    assert None not in await complaints.texts(complaint_id)
    await complaints.step(complaint_id, "erasure", COLLEAGUE, status=409)
    await complaints.step(complaint_id, "retention-hold/end")
    await complaints.fire(RETENTION_TIMER, complaint_id)
    assert await complaints.texts(complaint_id) == (None, None, None)
    assert await complaints.office.armed(RETENTION_TIMER) == []


async def test_erasure_on_request_needs_an_answer_and_a_second_person(complaints: ComplaintsOffice) -> None:
    complaint_id = await complaints.examined()
    await complaints.step(complaint_id, "erasure", COLLEAGUE, status=409)
    await complaints.step(complaint_id, "answer", body={"text": "x"})
    refusal = await complaints.step(complaint_id, "erasure", OFFICER, status=409)
    assert refusal["safeguard"] == 6
    await complaints.step(complaint_id, "erasure", COLLEAGUE)
    assert await complaints.texts(complaint_id) == (None, None, None)
    assert await complaints.office.armed(RETENTION_TIMER) == []


async def test_asking_again_gives_the_same_receipt_and_the_key_keeps_none(complaints: ComplaintsOffice) -> None:
    body = {"county": "rey", "channel": "letter", "category": "delay", "language": "fa", "text": SECRET}
    key = {"Idempotency-Key": "k" * 20}
    first = await complaints.ask("POST", "/complaints", "caseworker.one", body, 201, ("caseworker",), **key)
    again = await complaints.ask("POST", "/complaints", "caseworker.one", body, 201, ("caseworker",), **key)
    assert first == again
    kept = await complaints.office.superuser.fetchval("SELECT convert_from(response, 'UTF8') FROM idempotency")
    assert first["receipt"].replace("-", "") not in kept.replace("-", "")
    assert SECRET not in kept


async def test_no_correlation_or_trace_of_the_client_reaches_events_or_timers(complaints: ComplaintsOffice) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"X-Correlation-Id": "one-visit-of-one-client", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    body = {"county": "rey", "channel": "letter", "category": "delay", "language": "fa", "text": SECRET}
    await complaints.ask("POST", "/complaints", "caseworker.one", body, 201, ("caseworker",), **headers)
    rows = await complaints.office.superuser.fetch(
        """
        SELECT concat_ws(' ', correlation_id, causation_id, traceparent, convert_from(body, 'UTF8')) AS text FROM outbox
        UNION ALL SELECT timer::text FROM timer
        """
    )
    assert len(rows) == 3
    for row in rows:
        assert "one-visit" not in row["text"]
        assert trace not in row["text"]
        assert SECRET not in row["text"]


async def refused(pool: Pool, step: Callable[[Connection], Awaitable[object]], words: str) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("SELECT set_config('payesh.counties', 'rey', true)")
            await enter_compartment(connection, "complaints")
            with pytest.raises(
                (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)
            ) as error:
                await step(connection)
        finally:
            await transaction.rollback()
    if not isinstance(error.value, asyncpg.InsufficientPrivilegeError):
        assert words in f"{error.value} {error.value.constraint_name}".replace("_", " ")


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_the_same_rules_hold_in_sql(complaints: ComplaintsOffice, role: str) -> None:
    pool = complaints.office.api if role == "api" else complaints.office.worker
    await complaints.received("complaints_officer", OFFICER)
    first = """
        UPDATE complaints.complaint SET state = 'acknowledged', acknowledged_by = 'complaints.one', acknowledged_at = now()
    """
    if role == "api":
        examine = (
            "UPDATE complaints.complaint SET state = 'under_examination', examiner = $1, examination_started_at = now()"
        )

        async def examine_own(sql: Connection) -> None:
            await sql.execute(first)
            await sql.execute(examine, OFFICER)

        await refused(pool, examine_own, "safeguard 6")
    for statement, words in (
        ("UPDATE complaints.complaint SET state = 'closed', closed_by = 'x', closed_at = now()", "safeguard 14"),
        ("UPDATE complaints.complaint SET state = 'answered', answer = 'x', answered_at = now()", "safeguard 14"),
        ("UPDATE complaints.complaint SET body = 'all is well'", "safeguard 14"),
        ("UPDATE complaints.complaint SET stated_reference = NULL", "safeguard 14"),
        ("UPDATE complaints.complaint SET received_by = 'x'", ""),
        (ERASE, "safeguard 14"),
        ("DELETE FROM complaints.complaint", ""),
        ("UPDATE complaints.complaint_read_log SET read_by = 'x'", ""),
    ):
        await refused(pool, lambda sql, text=statement: sql.execute(text), words)
    unchased = """
        INSERT INTO complaints.complaint (complaint_id, county, receipt, channel, category, language, body, received_by,
                                          acknowledge_by, answer_by)
        VALUES ($1, 'rey', repeat('A', 24), 'letter', 'delay', 'fa', 'x', 'x', now(), now())
    """
    await refused(pool, lambda sql: sql.execute(unchased, uuid4()), "safeguard 13")


async def test_the_worker_reads_no_text_and_erases_nothing_before_its_date(complaints: ComplaintsOffice) -> None:
    await complaints.answered()
    await refused(complaints.office.worker, lambda sql: sql.execute(ERASE), "retention date is not over")
    for column in ("body", "stated_reference", "answer", "receipt", "received_by", "examiner"):
        await refused(
            complaints.office.worker,
            lambda sql, column=column: sql.fetch(f"SELECT {column} FROM complaints.complaint"),
            "no privilege",
        )
    await complaints.ask("GET", "/complaints")
