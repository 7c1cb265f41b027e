"""What the tests of the contact vault, of erasure and of retention share."""

import base64
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from services.nationals.casework import handlers
from services.nationals.casework.domain.contacts import ContactChannel, HoldGround
from services.nationals.casework.handlers import contacts, erasure, retention_holds
from services.nationals.casework.handlers.case_reading import ReadPurpose
from services.nationals.casework.handlers.contacts import ContactDetails, ContactEntry
from services.nationals.casework.handlers.erasure import EraseCase
from services.nationals.casework.handlers.retention_holds import HoldRecords
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome, ReturnCaseClosed
from shared.kit.auth import Principal
from shared.kit.routing import Received
from tests.integration.nationals.office import Office, staff

KEY_FILE_SETTING = "PAYESH_CASEWORK_VAULT_KEY_FILE"
SUPERVISOR = staff(subject="supervisor.one", role="casework_supervisor")
TEXT = "a text about somebody"


def key_line(version: int) -> str:
    return f"{version} {base64.b64encode(secrets.token_bytes(32)).decode()}\n"


def write_keys(path: Path, *lines: str) -> Path:
    path.touch(0o600)
    path.write_text("".join(lines))
    path.chmod(0o600)
    return path


def details(value: str, channel: ContactChannel = ContactChannel.PHONE) -> ContactDetails:
    entry = ContactEntry(channel=channel, value=SecretStr(value))
    return ContactDetails(entries=[entry], preferred_language=SecretStr("fa"), safe_times=SecretStr("never at night"))


async def write(office: Office, case_id: UUID, value: str, principal: Principal | None = None) -> Any:
    command = contacts.WriteContacts(case_id=case_id, details=details(value))
    return await office.run(contacts.write_contacts, command, principal)


async def read(office: Office, case_id: UUID, principal: Principal | None = None) -> str | None:
    command = contacts.ReadContacts(case_id=case_id, purpose=ReadPurpose.CASEWORK)
    answer = await office.run(contacts.read_contacts, command, principal)
    return answer.contacts.entries[0].value.get_secret_value() if answer.contacts else None


async def close(office: Office, case_id: UUID, tell: bool = True) -> None:
    command = handlers.CloseCase(case_id=case_id, outcome=CaseOutcome.NOT_VIABLE)
    await office.run(handlers.close_case, command)
    if tell:
        await tell_end(office, case_id)


async def tell_end(office: Office, case_id: UUID) -> None:
    event = ReturnCaseClosed(
        case_id=case_id, county=County.REY, outcome=CaseOutcome.NOT_VIABLE, was_awaiting_legal_review=False
    )
    await office.as_worker(erasure.start_retention, Received(event, uuid4(), datetime.now(UTC), 1, "test"))


async def erase(office: Office, case_id: UUID) -> Any:
    return await office.run(erasure.erase_case, EraseCase(case_id=case_id))


async def hold(office: Office, case_id: UUID, ground: HoldGround = HoldGround.LEGAL_CLAIM) -> UUID:
    answer = await office.run(retention_holds.hold_records, HoldRecords(case_id=case_id, ground=ground), SUPERVISOR)
    return answer.holds[-1].hold_id


async def reference(office: Office, case_id: UUID) -> str:
    return await office.superuser.fetchval("SELECT reference FROM casework.return_case WHERE case_id = $1", case_id)


async def put_texts(office: Office, case_id: UUID) -> None:
    """A row with texts in every table that has any, as seams elsewhere write them."""
    review_id, pause_id, decision_id = uuid4(), uuid4(), uuid4()
    async with office.superuser.transaction():
        await office.superuser.execute("SET LOCAL session_replication_role = replica")
        for statement, *arguments in (
            (
                "INSERT INTO casework.legal_review (review_id, case_id, county, owner_office, review_by)"
                " VALUES ($1, $2, 'rey', 'legal_office', now())",
                review_id,
                case_id,
            ),
            (
                "INSERT INTO casework.legal_decision (decision_id, review_id, case_id, county, outcome, proposed_by, state,"
                " reasons, appeal_instructions, return_reason, returned_by)"
                " VALUES ($1, $2, $3, 'rey', 'not_viable', 'one', 'returned', $4, $4, $4, 'two')",
                decision_id,
                review_id,
                case_id,
                TEXT,
            ),
            (
                "INSERT INTO casework.appeal (appeal_id, decision_id, case_id, county, review_by, lodged_by, late_reason,"
                " outcome_reasons, outcome, decided_by, ended_at)"
                " VALUES (gen_random_uuid(), $1, $2, 'rey', now(), 'three', $3, $3, 'annulled', 'four', now())",
                decision_id,
                case_id,
                TEXT,
            ),
            (
                "INSERT INTO casework.break_glass (break_glass_id, case_id, county, opened_by, reason_kind, reason, expires_at,"
                " review_by) VALUES (gen_random_uuid(), $1, 'rey', 'five', 'deadline', $2, now() + interval '1 hour', now())",
                case_id,
                TEXT,
            ),
            (
                "INSERT INTO casework.case_pause (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by,"
                " ended_at) VALUES ($1, $2, 'rey', 9, 'protection_office', now(), 'six', now())",
                pause_id,
                case_id,
            ),
            (
                "INSERT INTO casework.pause_clearance (clearance_id, pause_id, case_id, county, reason, note, proposed_by,"
                " proposed_as) VALUES (gen_random_uuid(), $1, $2, 'rey', 'fit_to_travel', $3, 'seven', '{medical_officer}')",
                pause_id,
                case_id,
                TEXT,
            ),
            (
                "INSERT INTO casework.child_protection_record (record_id, case_id, county, person_number, kind,"
                " appointment_reference, dated_on, recorded_by)"
                " VALUES (gen_random_uuid(), $1, 'rey', 1, 'guardian_appointed', 'GDN-77', now(), 'eight')",
                case_id,
            ),
        ):
            await office.superuser.execute(statement, *arguments)


async def end_as(office: Office, case_id: UUID, state: str) -> None:
    """The case as the step of another seam leaves it."""
    async with office.superuser.transaction():
        await office.superuser.execute("SET LOCAL session_replication_role = replica")
        await office.superuser.execute("UPDATE casework.return_case SET state = $2 WHERE case_id = $1", case_id, state)
