"""Erasure and retention on a real database: what goes, when, who may hold it, and what raw SQL may not do."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from services.nationals.app import service
from services.nationals.casework import handlers
from services.nationals.casework.domain import vault_refusals
from services.nationals.casework.handlers import contacts, erasure
from services.nationals.casework.handlers.erasure import RETENTION, EraseCase, ErasureWaitsFor
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit import idempotency
from shared.kit.connections import Connection, Pool
from shared.kit.http import connect
from tests.integration.nationals.office import Office, staff
from tests.integration.nationals.test_contact_vault import everything_in
from tests.integration.nationals.test_guards_in_sql import raw
from tests.integration.nationals.vault import (
    KEY_FILE_SETTING,
    TEXT,
    close,
    end_as,
    erase,
    hold,
    key_line,
    put_texts,
    read,
    reference,
    write,
    write_keys,
)
from tests.support.identity import bearer, client_of, create_test_verifier

STRUCTURED = frozenset(
    {
        "county",
        "centre_county",
        "state",
        "outcome",
        "decision",
        "kind",
        "ground",
        "cause",
        "scope",
        "part",
        "purpose",
        "verdict",
        "reason_kind",
    }
    | {"end_reason", "owner_office", "language", "service_language", "interpreter", "service_interpreter", "place_kind"}
)
"""Columns whose values come from a list that the database checks."""
LISTED_REASONS = {("case_assignment", "reason"), ("pause_clearance", "reason")}
"""Reasons that come from a list, checked by a constraint or by the trigger of their table."""


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_keys(tmp_path / "keys", key_line(1))
    monkeypatch.setenv(KEY_FILE_SETTING, str(path))
    return path


async def test_request_on_an_ended_case_leaves_nothing_to_recover(office: Office) -> None:
    case_id, neighbour = await office.open(), await office.open()
    for one in (case_id, neighbour):
        await write(office, one, "value")
        await put_texts(office, one)
    old_reference = await reference(office, case_id)
    await close(office, case_id)
    answer = await erase(office, case_id)
    assert (answer.contacts_erased, answer.waits_for) == (True, None)
    assert (await reference(office, case_id)).startswith("ERASED-")
    assert await read(office, case_id) is None
    registered = await office.superuser.fetch("SELECT * FROM casework.erasable_text")
    assert len(registered) >= 8
    for row in registered:
        query = f"SELECT {row['column_name']} FROM casework.{row['table_name']} WHERE case_id = $1"
        assert await office.superuser.fetchval(query, case_id) == row["erased_value"], row
        assert await office.superuser.fetchval(query, neighbour) not in (None, row["erased_value"]), row
    assert await office.superuser.fetchval(
        "SELECT texts_erased_at FROM casework.legal_decision WHERE case_id = $1", case_id
    )
    assert await office.armed(RETENTION) == []
    assert [event["case_id"] for event in await office.events("CaseDataErased")] == [str(case_id)]
    assert await read(office, neighbour) == "value"
    stored = await everything_in(office)
    assert f"'{old_reference}'" not in stored
    assert f"'{await reference(office, neighbour)}'" in stored

    again = await erase(office, case_id)
    assert (again.contacts_erased, again.waits_for) == (False, None)
    assert len(await office.events("CaseDataErased")) == 1
    rows = await office.superuser.fetch("SELECT cause, scope, recorded_by, completed_at FROM casework.case_erasure")
    assert len(rows) == 2
    assert all(row["completed_at"] and row["recorded_by"] == "caseworker.one" for row in rows)
    with pytest.raises(Refusal) as error:
        await hold(office, case_id)
    assert error.value.reason is vault_refusals.CASE_ERASED


@pytest.mark.parametrize("end", ["departed", "split", "referred"])
async def test_texts_go_with_a_case_that_ended_otherwise(office: Office, end: str) -> None:
    case_id = await office.open()
    await put_texts(office, case_id)
    await end_as(office, case_id, end)
    assert (await erase(office, case_id)).waits_for is None
    assert TEXT not in await everything_in(office)


async def test_reference_can_be_given_again_and_markers_stay_unique(office: Office) -> None:
    first, second = await office.open(), await office.open()
    for case_id in (first, second):
        await close(office, case_id)
    freed = await reference(office, first)
    for case_id in (first, second):
        await erase(office, case_id)
    assert await reference(office, first) != await reference(office, second)
    command = handlers.OpenCase(
        reference=freed,
        county=County.REY,
        adults=1,
        children_under_5=0,
        children_5_to_17=0,
        unaccompanied_child=False,
        needs=[],
    )
    assert await office.run(handlers.open_case, command)
    with pytest.raises(Refusal):
        await office.run(handlers.open_case, command.model_copy(update={"reference": "ERASED-1"}))


async def test_digest_of_the_opening_goes_with_the_reference(office: Office) -> None:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    caseworker = bearer("caseworker", subject="caseworker.one")
    async with client_of(service.api, caseworker) as client:
        opened: list[str] = []
        for number in ("REY-0042", "REY-0043"):
            body = {"reference": number, "county": "rey", "adults": 1, "children_under_5": 0, "children_5_to_17": 0}
            answer = await client.post("/cases", json=body, headers={"Idempotency-Key": number})
            opened.append(answer.json()["case_id"])
        await close(office, UUID(opened[0]))
        answer = await client.post(f"/cases/{opened[0]}/erasure", headers={"Idempotency-Key": "erasure"})
        assert answer.json() == {"case_id": opened[0], "contacts_erased": False, "waits_for": None}
    keys = await office.superuser.fetch("SELECT key FROM idempotency")
    assert {row["key"] for row in keys} == {idempotency.digest(key, "casework") for key in ("REY-0043", "erasure")}


async def test_running_case_loses_its_contacts_at_once_and_the_rest_when_it_ends(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    kept = await reference(office, case_id)
    for contacts_erased in (True, False):
        answer = await erase(office, case_id)
        assert (answer.contacts_erased, answer.waits_for) == (contacts_erased, ErasureWaitsFor.END_OF_CASE)
    assert await read(office, case_id) is None
    assert await reference(office, case_id) == kept
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.case_erasure") == 1
    await close(office, case_id)
    await office.fire_due()
    assert (await reference(office, case_id)).startswith("ERASED-")
    assert await office.superuser.fetchval("SELECT bool_and(completed_at IS NOT NULL) FROM casework.case_erasure")
    assert len(await office.events("CaseDataErased")) == 1


async def test_contacts_alone_can_be_taken_back(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    for removed in (True, False):
        answer = await office.run(contacts.remove_contacts, contacts.RemoveContacts(case_id=case_id))
        assert answer.removed is removed
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.contact_vault") == 0
    await write(office, case_id, "given again")
    assert await read(office, case_id) == "given again"


async def test_erasure_needs_access_to_the_case(office: Office) -> None:
    case_id = await office.open()
    for who, status in ((staff(subject="another"), 403), (staff(County.VARAMIN), 404)):
        with pytest.raises(Refusal) as error:
            await office.run(erasure.erase_case, EraseCase(case_id=case_id), who)
        assert error.value.reason.status == status


async def test_erasure_is_guarded_in_sql(office: Office) -> None:
    running, ended, held = await office.open(), await office.open(), await office.open()
    for case_id in (ended, held):
        await close(office, case_id)
    await hold(office, held)
    record = """
        INSERT INTO casework.case_erasure (erasure_id, case_id, county, cause, scope, recorded_by)
        VALUES (gen_random_uuid(), $1, 'rey', 'retention', 'case', 'system')
    """

    async def recorded(connection: Connection, case_id: UUID) -> None:
        await connection.execute(record, case_id)
        await connection.execute("SELECT casework.erase_case($1)", case_id)

    async def elsewhere(connection: Connection, case_id: UUID) -> None:
        await connection.execute("SELECT set_config('payesh.counties', 'varamin', true)")
        await connection.execute("SELECT casework.erase_case($1)", case_id)

    def run(statement: str) -> Callable[[Connection, UUID], Awaitable[object]]:
        return lambda connection, case_id: connection.execute(statement, case_id)

    async def refuse(pool: Pool, step: Callable[[Connection, UUID], Awaitable[object]], case_id: UUID) -> None:
        async with raw(pool) as connection:
            with pytest.raises((asyncpg.CheckViolationError, asyncpg.InsufficientPrivilegeError)):
                await step(connection, case_id)

    for pool in (office.api, office.worker):
        await refuse(pool, recorded, running)
        await refuse(pool, recorded, held)
        await refuse(pool, elsewhere, ended)
        await refuse(pool, run("SELECT casework.erase_case($1)"), ended)
        await refuse(pool, run("SELECT casework.erase_contacts($1)"), ended)
        await refuse(pool, run("UPDATE casework.return_case SET reference = 'ERASED-9' WHERE case_id = $1"), ended)
        await refuse(pool, run("UPDATE casework.case_erasure SET completed_at = now() WHERE case_id = $1"), ended)
        await refuse(pool, run("DELETE FROM casework.retention_hold WHERE case_id = $1"), held)
        await refuse(pool, run("INSERT INTO casework.erasable_text VALUES ('return_case', $1::uuid::text)"), ended)
        async with raw(pool) as connection:
            await recorded(connection, ended)
    await refuse(office.worker, run("UPDATE casework.retention_hold SET released_by = 'x' WHERE case_id = $1"), held)
    await refuse(
        office.api,
        run(
            "INSERT INTO casework.retention_hold (hold_id, case_id, county, ground, review_by, held_by)"
            " VALUES (gen_random_uuid(), $1, 'rey', 'legal_claim', now(), 'x')"
        ),
        running,
    )


async def test_every_text_about_a_case_is_registered_for_erasure(office: Office) -> None:
    """A table of a new seam fails here until its migration registers its texts, or they are shown to come from a list."""
    rows = await office.superuser.fetch(
        """
        SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'casework'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
          AND atttypid = 'text'::regtype AND attname !~ '(_by|_reviewer)$'
          AND EXISTS (SELECT FROM pg_attribute AS key WHERE key.attrelid = pg_class.oid AND key.attname = 'case_id')
        """
    )
    registered = {
        (row["table_name"], row["column_name"])
        for row in await office.superuser.fetch("SELECT table_name, column_name FROM casework.erasable_text")
    }
    found = {(row["relname"], row["attname"]) for row in rows if row["attname"] not in STRUCTURED}
    assert (
        found - registered - LISTED_REASONS - {("return_case", "reference"), ("case_assignment", "assignee")} == set()
    )
    for table, _ in registered:
        policy = "SELECT count(*) FROM pg_policies WHERE schemaname = 'casework' AND tablename = $1 AND policyname = $2"
        assert await office.superuser.fetchval(policy, table, f"{table}_erasure") == 1
