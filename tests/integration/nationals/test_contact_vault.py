"""The contact vault on a real database: sealed, bound to its case, read under a logged purpose, rewrapped, found nowhere else."""

import asyncio
import base64
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.nationals.app import service
from services.nationals.casework import handlers
from services.nationals.casework.domain import vault_refusals
from services.nationals.casework.domain.access_refusals import NOT_ASSIGNED
from services.nationals.casework.handlers import contacts
from services.nationals.casework.vault.master_keys import FileMasterKeys
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome
from shared.contracts.refusals import Refusal
from shared.kit.http import connect
from tests.integration.nationals.office import Office, staff
from tests.integration.nationals.test_guards_in_sql import raw
from tests.integration.nationals.vault import KEY_FILE_SETTING, details, key_line, read, write, write_keys
from tests.support.identity import bearer, client_of, create_test_verifier

CANARIES = int(os.environ.get("PAYESH_TEST_CANARIES", "50"))
BODY = {
    "entries": [{"channel": "phone", "value": "0912 555 01 23"}],
    "preferred_language": "fa",
    "safe_times": "after sunset",
}


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_keys(tmp_path / "keys", key_line(1))
    monkeypatch.setenv(KEY_FILE_SETTING, str(path))
    return path


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api, bearer("caseworker", subject="caseworker.one")) as opened:
        yield opened


async def refused(office: Office, case_id: UUID) -> Refusal:
    with pytest.raises(Refusal) as error:
        await read(office, case_id)
    return error.value


async def test_what_is_written_is_read_back_and_each_read_is_logged(office: Office) -> None:
    case_id, silent = await office.open(), await office.open()
    assert (await write(office, case_id, "first")).entries == 1
    before = await office.superuser.fetchrow("SELECT * FROM casework.contact_vault")
    await write(office, case_id, "second")
    after = await office.superuser.fetchrow("SELECT * FROM casework.contact_vault")
    assert before is not None
    assert after is not None
    assert (before["data_key_version"], after["data_key_version"]) == (1, 2)
    assert len(before["ciphertext"]) == len(after["ciphertext"]), "padded: lengths tell nothing"
    assert await read(office, case_id) == "second"
    assert await read(office, silent) is None
    rows = await office.superuser.fetch("SELECT case_id, read_by, purpose, part FROM casework.case_read_log")
    assert [tuple(row) for row in rows] == [
        (case_id, "caseworker.one", "casework", "contacts"),
        (silent, "caseworker.one", "casework", "contacts"),
    ]


async def test_only_by_the_one_door_and_within_the_county(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    for principal, status in (
        (staff(subject="caseworker.two"), 403),
        (staff(County.VARAMIN, subject="caseworker.one"), 404),
    ):
        for step in (read(office, case_id, principal), write(office, case_id, "other", principal)):
            with pytest.raises(Refusal) as error:
                await step
            assert error.value.reason.status == status
    with pytest.raises(Refusal) as error:
        await office.run(contacts.remove_contacts, contacts.RemoveContacts(case_id=case_id), staff(subject="other"))
    assert error.value.reason is NOT_ASSIGNED
    assert await read(office, case_id) == "value"
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.case_read_log") == 1


async def test_http_answers_are_neither_cached_nor_stored(office: Office, client: httpx.AsyncClient) -> None:
    case_id = await office.open()
    key = {"Idempotency-Key": "contacts-1"}
    for _ in range(2):
        answer = await client.put(f"/cases/{case_id}/contacts", json=BODY, headers=key)
        assert (answer.status_code, answer.json()) == (200, {"case_id": str(case_id), "entries": 1})
    answer = await client.get(f"/cases/{case_id}/contacts?purpose=casework")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["contacts"] == BODY
    refused_read = await client.get(f"/cases/{case_id}/contacts?purpose=casework", headers=key)
    assert refused_read.json()["code"] == "nationals.case.read_not_repeatable"
    assert (await client.get(f"/cases/{case_id}/contacts")).status_code == 422, "a read names its purpose"
    assert await office.superuser.fetchval("SELECT count(*) FROM idempotency") == 0
    too_long = {**BODY, "entries": [{"channel": "phone", "value": "0912 555" * 99}]}
    told = await client.put(f"/cases/{case_id}/contacts", json=too_long)
    assert told.status_code == 422
    assert "0912" not in told.text
    assert "0912" not in repr(details("0912 555 01 23"))
    assert "0912" not in str(contacts.WriteContacts(case_id=case_id, details=details("0912")).model_dump())


@pytest.mark.parametrize(
    "fault", ["missing setting", "missing file", "open to others", "wrong key", "wrong version", "rubbish"]
)
async def test_unusable_master_key_says_what_to_do(
    office: Office, key_file: Path, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    if fault == "missing setting":
        monkeypatch.delenv(KEY_FILE_SETTING)
    elif fault == "missing file":
        key_file.unlink()
    elif fault == "open to others":
        key_file.chmod(0o640)
    elif fault == "wrong key":
        write_keys(key_file, key_line(1))
    elif fault == "wrong version":
        write_keys(key_file, key_line(2))
    else:
        write_keys(key_file, "1 c2hvcnQ=\n")
    refusal = await refused(office, case_id)
    if fault == "wrong key":
        assert refusal.reason is vault_refusals.UNREADABLE
    else:
        assert refusal.reason is vault_refusals.KEY_UNUSABLE
        assert "PAYESH_CASEWORK_VAULT_KEY_FILE" in refusal.text("fa")
        assert "chmod 600" in refusal.text("en")
    assert "value" not in str(refusal)
    key = key_file.read_text().split()[-1] if key_file.exists() else "nothing"
    assert key not in f"{refusal}{refusal.details}{capsys.readouterr()}"
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.case_read_log") == 0, "nothing was read"


async def test_another_implementation_can_be_named(
    office: Office, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(FileMasterKeys):
        async def current_version(self) -> int:
            return 7

    key_file.write_text(key_line(7))
    monkeypatch.setattr("tests.integration.nationals.vault.elsewhere", Elsewhere(key_file), raising=False)
    monkeypatch.delenv(KEY_FILE_SETTING)
    monkeypatch.setenv("PAYESH_CASEWORK_VAULT_MASTER_KEYS", "tests.integration.nationals.vault:elsewhere")
    case_id = await office.open()
    await write(office, case_id, "value")
    assert await read(office, case_id) == "value"
    assert await office.superuser.fetchval("SELECT master_key_version FROM casework.contact_vault") == 7
    monkeypatch.setenv("PAYESH_CASEWORK_VAULT_MASTER_KEYS", "no.such.module:thing")
    assert (await refused(office, case_id)).reason is vault_refusals.KEY_UNUSABLE


async def test_tampered_and_swapped_rows_are_refused(office: Office) -> None:
    mine, other = await office.open(), await office.open()
    await write(office, mine, "mine")
    await write(office, other, "other")
    stored = {row["case_id"]: row for row in await office.superuser.fetch("SELECT * FROM casework.contact_vault")}
    change = """
        UPDATE casework.contact_vault
        SET data_key_version = $2, master_key_version = $3, wrapped_key = $4, ciphertext = $5 WHERE case_id = $1
    """

    async def put(**columns: object) -> None:
        row = {**dict(stored[mine]), **columns}
        async with office.superuser.transaction():
            await office.superuser.execute("SET LOCAL session_replication_role = replica")
            names = ("data_key_version", "master_key_version", "wrapped_key", "ciphertext")
            await office.superuser.execute(change, mine, *(row[name] for name in names))

    flipped = bytearray(stored[mine]["ciphertext"])
    flipped[20] ^= 1
    wrapped = bytearray(stored[mine]["wrapped_key"])
    wrapped[-1] ^= 1
    for columns in (
        {"ciphertext": bytes(flipped)},
        {"wrapped_key": bytes(wrapped)},
        {"ciphertext": stored[other]["ciphertext"]},
        {"wrapped_key": stored[other]["wrapped_key"]},
        {"ciphertext": stored[other]["ciphertext"], "wrapped_key": stored[other]["wrapped_key"]},
        {"data_key_version": 2},
    ):
        await put(**columns)
        refusal = await refused(office, mine)
        assert refusal.reason is vault_refusals.UNREADABLE
    await put()
    assert await read(office, mine) == "mine"


async def test_master_key_rotates_under_reads_without_touching_details(
    office: Office, client: httpx.AsyncClient, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "REWRAP_KEYS_MAX", 3)
    cases = [await office.open(county=county) for county in (County.REY, County.VARAMIN) for _ in range(5)]
    for case_id in cases:
        await write(office, case_id, f"value {case_id}")
    sealed = "SELECT case_id, data_key_version, ciphertext FROM casework.contact_vault ORDER BY case_id"
    before = await office.superuser.fetch(sealed)
    old = key_file.read_text()
    write_keys(key_file, old, key_line(2))
    assert (await client.post("/vault/rewrap")).status_code == 403
    one_county = bearer("operator", subject="operator", counties=["rey"])
    assert (await client.post("/vault/rewrap", headers=one_county)).status_code == 403
    operator = bearer("operator", subject="operator")

    async def keep_reading() -> int:
        reads = 0
        for case_id in cases * 3:
            assert await read(office, case_id) == f"value {case_id}"
            reads += 1
        return reads

    async def rotate() -> list[dict[str, object]]:
        steps: list[dict[str, object]] = []
        while not steps or steps[-1]["rewrapped"]:
            answer = await client.post("/vault/rewrap", headers=operator)
            assert answer.status_code == 200, answer.text
            steps.append(answer.json())
        return steps

    reads, steps = await asyncio.gather(keep_reading(), rotate())
    assert reads == 30
    assert [step["rewrapped"] for step in steps] == [3, 3, 3, 1, 0]
    assert steps[-1]["keys_by_version"] == {"2": 10}
    assert await office.superuser.fetch(sealed) == before
    write_keys(key_file, key_file.read_text().removeprefix(old))
    assert await read(office, cases[0]) == f"value {cases[0]}"
    await write(office, cases[0], "new")
    assert await read(office, cases[0]) == "new"


async def test_no_role_reads_ciphertext_without_a_logged_purpose(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    insert_read = """
        INSERT INTO casework.case_read_log (case_id, county, read_by, purpose, part)
        VALUES ($1, 'rey', 'somebody', 'casework', 'contacts')
    """
    for pool in (office.api, office.worker):
        for statement in ("SELECT ciphertext FROM casework.contact_vault", "SELECT * FROM casework.contact_vault"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with raw(pool) as connection:
                    await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with pool.acquire() as connection:
                await connection.execute("SELECT case_id FROM casework.contact_vault")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with raw(office.worker) as connection:
            await connection.execute("SELECT casework.read_contacts($1)", case_id)
    assert await read(office, case_id) == "value", "an earlier read is logged, and opens no later one"
    with pytest.raises(asyncpg.CheckViolationError, match="logged reader"):
        async with raw(office.api) as connection:
            await connection.execute("SELECT casework.read_contacts($1)", case_id)
    read_of_case = insert_read.replace(", part", "").replace(", 'contacts'", "")
    with pytest.raises(asyncpg.CheckViolationError, match="logged reader"):
        async with raw(office.api) as connection:
            await connection.execute(read_of_case, case_id)
            await connection.execute("SELECT casework.read_contacts($1)", case_id)
    async with raw(office.api) as connection:
        await connection.execute(insert_read, case_id)
        assert await connection.fetchval("SELECT count(*) FROM casework.read_contacts($1)", case_id) == 1
        await connection.execute("SELECT set_config('payesh.counties', 'varamin', true)")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("SELECT casework.read_contacts($1)", case_id)


async def test_vault_rows_are_guarded_in_sql(office: Office) -> None:
    case_id, ended = await office.open(), await office.open()
    await write(office, case_id, "value")
    await office.run(handlers.close_case, handlers.CloseCase(case_id=ended, outcome=CaseOutcome.NOT_VIABLE))
    with pytest.raises(Refusal) as error:
        await write(office, ended, "late")
    assert error.value.reason is vault_refusals.CASE_HAS_ENDED
    insert = """
        INSERT INTO casework.contact_vault
            (case_id, county, data_key_version, master_key_version, wrapped_key, ciphertext, written_by)
        VALUES ($1, $2, 1, 1, sha512('a'), sha512('b'), 'somebody')
    """
    update = "UPDATE casework.contact_vault SET "
    for statement, *arguments in (
        (insert, ended, "rey"),
        (update + "ciphertext = sha512('x')",),
        (update + "ciphertext = sha512('x'), wrapped_key = sha512('y')",),
        (update + "wrapped_key = sha512('y')",),
        (update + "written_by = 'another'",),
    ):
        async with raw(office.api) as connection:
            with pytest.raises(asyncpg.CheckViolationError, match="personal data"):
                await connection.execute(statement, *arguments)
    async with raw(office.api) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM casework.contact_vault")
    async with raw(office.worker) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(update + "wrapped_key = sha512('y')")


async def test_canaries_are_in_no_table_log_or_event(
    office: Office, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries: list[str] = []
    cases = [await office.open() for _ in range(CANARIES)]
    for number, case_id in enumerate(cases):
        canary = f"09{uuid4().int % 10**9:09d}"
        canaries.append(canary)
        body = {**BODY, "entries": [{"channel": "phone", "value": canary}], "safe_times": f"times {canary}"}
        path = f"/cases/{case_id}/contacts"
        await client.put(path, json=body, headers={"Idempotency-Key": f"key-{number}"})
        seen = await client.get(f"{path}?purpose=casework")
        assert seen.json()["contacts"]["entries"][0]["value"] == canary
        if number % 5 == 0:
            await client.put(path, json={**body, "entries": [{"channel": canary, "value": canary * 99}]})
            await client.request("DELETE", path, headers={"Idempotency-Key": f"gone-{number}"})
    told = f"{caplog.text}{capsys.readouterr()}{await everything_in(office)}"
    assert str(cases[-1]) in told, "what is looked for would be found"
    for canary in canaries:
        forms = (canary, canary.encode().hex(), base64.b64encode(canary.encode()).decode())
        assert not any(form in told for form in forms)


async def everything_in(office: Office) -> str:
    """Every row of every table as text, and every byte column a second time as the characters that it holds."""
    tables = await office.superuser.fetch(
        """
        SELECT format('%I.%I', nspname, relname) AS name FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
        WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        """
    )
    names = {table["name"] for table in tables}
    assert {"public.idempotency", "public.outbox", "public.timer", "public.parked_event", "public.inbox"} <= names
    found: list[str] = []
    for name in sorted(names):
        for row in await office.superuser.fetch(f"SELECT * FROM {name}"):
            found.append(str(dict(row)))
            found += [value.decode("latin-1") for value in row.values() if isinstance(value, bytes)]
    return "\n".join(found)
