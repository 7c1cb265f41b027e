"""Safeguard 14: no caseworker's role reads a complaint by any way, and a complaint touches, locks and slows no case."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.nationals.app import service
from services.nationals.casework.handlers.case_reading import find_case
from services.nationals.complaints.domain.complaint import ComplaintCategory, ComplaintChannel
from services.nationals.complaints.handlers.receiving import ReceiveComplaint, receive_complaint
from shared.contracts.counties import County
from shared.kit.connections import Connection
from shared.kit.http import connect
from shared.kit.transaction import begin
from tests.integration.nationals.complaints_office import COMPLAINT, SECRET, STATED, ComplaintsOffice
from tests.integration.nationals.office import Office, staff
from tests.support.identity import client_of, create_test_verifier

QUICK_S = 5.0
"""Far below the pools' lock timeout: who waits for a lock of somebody's open transaction fails the test."""
CASEWORK_ROLES = ("casework_api", "casework_worker", "free_services_api", "free_services_worker")


@pytest.fixture
async def complaints(office: Office) -> AsyncIterator[ComplaintsOffice]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as client:
        yield ComplaintsOffice(office, client)


async def log_in_as(connection: Connection, role: str) -> None:
    """Be `role` as if it had logged in itself: `SET ROLE` is then judged by its own memberships."""
    await connection.execute("RESET SESSION AUTHORIZATION")
    await connection.execute(f"SET SESSION AUTHORIZATION {role}")
    await connection.execute(f"SELECT set_config('payesh.counties', '{','.join(County)}', false)")


@pytest.mark.parametrize("role", CASEWORK_ROLES)
async def test_no_role_of_another_compartment_reads_a_complaint(complaints: ComplaintsOffice, role: str) -> None:
    key = {"Idempotency-Key": "k" * 20}
    taken = await complaints.ask("POST", "/complaints", "caseworker.one", COMPLAINT, 201, ("caseworker",), **key)
    receipt = taken["receipt"].replace("-", "")
    await complaints.answered()
    superuser = complaints.office.superuser
    tables = [
        row["name"]
        for row in await superuser.fetch(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'complaints'::regnamespace AND relkind = 'r'"
        )
    ]
    functions = await superuser.fetch(
        "SELECT oid, proname FROM pg_proc WHERE pronamespace = 'complaints'::regnamespace"
    )
    assert {"complaints.complaint", "complaints.complaint_read_log"} <= set(tables)
    connection = await asyncpg.connect(complaints.office.database.superuser_url)
    try:
        await log_in_as(connection, role)
        for other in ("complaints_api", "complaints_worker", "nationals_api", "nationals_worker", "nationals_owner"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SET ROLE {other}")
        for table in tables:
            for statement in (
                f"TABLE {table}",
                f"SELECT count(*) FROM {table}",
                f"DELETE FROM {table}",
                f"LOCK {table}",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.execute(statement)
        for function in functions:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT complaints.{function['proname']}()")
        for statement in (
            "CREATE TABLE complaints.copy (x text)",
            "CREATE VIEW public.peek AS SELECT * FROM complaints.complaint",
            "ALTER TABLE complaints.complaint DISABLE ROW LEVEL SECURITY",
            "COPY complaints.complaint TO STDOUT",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await search_everything_readable(connection, receipt)
    finally:
        await connection.close()


async def search_everything_readable(connection: Connection, receipt: str) -> None:
    """Whatever tables the role may read (timers, outbox, heads, keys), none shows a word of a complaint or its receipt."""
    tables = await connection.fetch(
        """
        SELECT oid::regclass::text AS name FROM pg_class
        WHERE relkind IN ('r', 'v', 'm', 'p') AND has_schema_privilege(relnamespace, 'USAGE')
          AND has_table_privilege(oid, 'SELECT')
          AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        """
    )
    assert {"timer", "stream_head"} <= {table["name"] for table in tables}
    for table in tables:
        rows = await connection.fetch(f"SELECT searched::text AS text FROM {table['name']} AS searched")
        for row in rows:
            for secret in (SECRET, STATED, receipt):
                assert secret not in row["text"], table["name"]
                assert secret.encode().hex() not in row["text"], table["name"]


async def test_nor_does_the_office_read_a_case(complaints: ComplaintsOffice) -> None:
    await complaints.office.open()
    connection = await asyncpg.connect(complaints.office.database.superuser_url)
    try:
        for role in ("complaints_api", "complaints_worker"):
            await log_in_as(connection, role)
            for table in ("return_case", "case_read_log", "case_assignment", "break_glass"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"TABLE casework.{table}")
    finally:
        await connection.close()


async def test_there_is_no_column_by_which_the_two_could_be_joined(office: Office) -> None:
    columns = await office.superuser.fetch(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_schema LIKE 'c%'"
    )
    complaints = {row["column_name"] for row in columns if row["table_schema"] == "complaints"}
    assert "complaint_id" in complaints
    assert not {name for name in complaints if "case" in name or "booking" in name or name == "reference"}
    casework = [f"{row['table_name']}.{row['column_name']}" for row in columns if row["table_schema"] == "casework"]
    assert not [name for name in casework if "complaint" in name]
    keys = await office.superuser.fetch(
        """
        SELECT conname FROM pg_constraint
        JOIN pg_class AS source ON source.oid = conrelid JOIN pg_class AS target ON target.oid = confrelid
        WHERE contype = 'f' AND source.relnamespace <> target.relnamespace
          AND 'complaints'::regnamespace IN (source.relnamespace, target.relnamespace)
        """
    )
    assert keys == []


async def versions(office: Office) -> dict[str, list[str]]:
    """Which version of which row every table of the casework holds: any write, even of the same value, changes it."""
    tables = await office.superuser.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'casework'::regnamespace AND relkind = 'r'"
    )
    return {
        table["name"]: [
            row["version"]
            for row in await office.superuser.fetch(
                f"SELECT concat_ws(' ', ctid, xmin, xmax) AS version FROM {table['name']} ORDER BY ctid"
            )
        ]
        for table in tables
    }


def complaint_about(case_id: UUID) -> ReceiveComplaint:
    return ReceiveComplaint(
        county=County.REY,
        channel=ComplaintChannel.IN_PERSON,
        category=ComplaintCategory.TREATMENT,
        language="fa",
        text=SECRET,
        stated_reference=str(case_id),
    )


async def test_a_case_goes_its_way_while_its_household_complains(complaints: ComplaintsOffice) -> None:
    office = complaints.office
    centre_id = await office.centre(3)
    case_id = await office.open()
    before = await versions(office)
    async with begin(office.api, staff(), "test", compartment="complaints") as tx:
        await receive_complaint(complaint_about(case_id), tx)
        locks = await office.superuser.fetch(
            """
            SELECT relation::regclass::text AS name FROM pg_locks JOIN pg_class ON pg_class.oid = relation
            WHERE pid = $1 AND relnamespace = 'casework'::regnamespace
            """,
            await tx.connection.fetchval("SELECT pg_backend_pid()"),
        )
        assert locks == [], "the open complaint holds no lock on anything of the casework"
        assert await versions(office) == before
        async with asyncio.timeout(QUICK_S):
            await asyncio.create_task(go_to_booking(office, case_id, centre_id))
        assert await office.state(case_id) == "booked", "while the complaint's transaction is still open"
    after_booking = await versions(office)
    complaint_id = await complaints.received()
    await complaints.step(complaint_id, "acknowledgement")
    await complaints.step(complaint_id, "examination", body={"no_other_officer": False})
    await complaints.step(complaint_id, "answer", body={"text": "x"})
    assert await versions(office) == after_booking, "no step of a complaint writes a row of the casework"
    assert await office.state(case_id) == "booked"


async def go_to_booking(office: Office, case_id: UUID, centre_id: UUID) -> None:
    await office.inform(case_id)
    await office.screen(case_id)
    await office.hear(case_id)
    await office.consent(case_id)
    await office.book(case_id, centre_id)


async def test_a_locked_case_holds_up_no_complaint(complaints: ComplaintsOffice) -> None:
    office = complaints.office
    case_id = await office.open()
    async with begin(office.api, staff(), "test", compartment="casework") as tx:
        await find_case(case_id, tx)
        async with asyncio.timeout(QUICK_S):
            await asyncio.create_task(complaints.hand_in(stated_reference=str(case_id)))
