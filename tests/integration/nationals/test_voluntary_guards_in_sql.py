"""The guards of the voluntary stage a second time: raw SQL as either of the casework's roles is refused too."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.child_protection import ChildRecordKind
from services.nationals.casework.domain.clearance import ClearanceReason
from shared.kit.connections import Connection
from tests.integration.nationals.journey import (
    CHILD,
    MEDICAL,
    PROTECTION,
    booked,
    officer,
    open_pause_id,
    propose,
    reconfirm,
    record_child,
    request_split,
)
from tests.integration.nationals.office import Office
from tests.integration.nationals.test_guards_in_sql import ARM, ARM_AHEAD, OPEN, book_raw, raw, refused, set_state

ROLES = pytest.mark.parametrize("role", ["api", "worker"])
HEARING = """
    INSERT INTO casework.private_hearing (hearing_id, case_id, county, person_number, language, interpreter, heard_by)
    VALUES (gen_random_uuid(), $1, 'rey', $2, 'fa', $3, $4)
"""
RECONFIRMATION = """
    INSERT INTO casework.reconfirmation (reconfirmation_id, case_id, county, consent_id, language, interpreter, recorded_by,
                                         valid_until)
    VALUES (gen_random_uuid(), $1, 'rey', $2, 'fa', $3, $4, now() + interval '1 hour')
"""
CLEARANCE = """
    INSERT INTO casework.pause_clearance (clearance_id, pause_id, case_id, county, reason, proposed_by, proposed_as)
    VALUES (gen_random_uuid(), $1, $2, 'rey', $3, $4, '{}')
"""
CHILD_RECORD = """
    INSERT INTO casework.child_protection_record
        (record_id, case_id, county, person_number, kind, appointment_reference, determination_version, dated_on, recorded_by)
    VALUES (gen_random_uuid(), $1, 'rey', $2, $3, $4, $5, now()::date, $6)
"""
SPLIT = """
    INSERT INTO casework.household_split (split_id, case_id, county, pause_id, leaving, requested_by)
    VALUES (gen_random_uuid(), $1, 'rey', $2, $3, $4)
"""
CONFIRM = "UPDATE casework.pause_clearance SET decision = 'confirmed', decided_by = $1, decided_at = now()"
APPROVE = "UPDATE casework.household_split SET decision = 'approved', decided_by = $1, decided_at = now()"
END_PAUSE = "UPDATE casework.case_pause SET ended_at = now() WHERE case_id = $1"


PRIVILEGE = "permission denied"


async def run_as(office: Office, role: str, statement: str, *values: object, words: str) -> None:
    """Refused to the API's role with these words, and to the worker's, which may write none of it, with any."""
    async with raw(office.api if role == "api" else office.worker) as connection:
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)) as error:
            await connection.execute(statement, *values)
    if role == "worker" and isinstance(error.value, asyncpg.InsufficientPrivilegeError):
        return
    said = f"{error.value} {error.value.constraint_name}".replace("_", " ")
    assert words in said, said


async def consent_id(office: Office, case_id: UUID) -> UUID:
    return await office.superuser.fetchval("SELECT consent_id FROM casework.consent WHERE case_id = $1", case_id)


@ROLES
async def test_hearing_and_reconfirmation_are_not_forged(office: Office, role: str) -> None:
    case_id = await office.consented(adults=1, children=1)
    other = await office.consented()
    withdrawn = await office.consented()
    withdrawn_consent = await consent_id(office, withdrawn)
    await office.withdraw(withdrawn)
    flagged = await office.consented()
    await office.screen(flagged, outcome=ScreeningOutcome.PROTECTION_NEED)
    await run_as(office, role, HEARING, case_id, 2, "none", "somebody", words="safeguard 7")
    await run_as(office, role, HEARING, case_id, 1, "relative", "somebody", words="interpreter")
    await run_as(office, role, HEARING, case_id, 1, "none", "system", words="heard by")
    consent = await consent_id(office, case_id)
    for of_case, of_consent, interpreter, by, words in (
        (case_id, await consent_id(office, other), "none", "somebody", "safeguard 2"),
        (withdrawn, withdrawn_consent, "none", "somebody", "safeguard 2"),
        (case_id, consent, "decider", "somebody", "interpreter"),
        (case_id, consent, "none", "system", "recorded by"),
        (flagged, await consent_id(office, flagged), "none", "somebody", "safeguard 5"),
    ):
        await run_as(office, role, RECONFIRMATION, of_case, of_consent, interpreter, by, words=words)
    await reconfirm(office, case_id)
    for statement in (
        "UPDATE casework.reconfirmation SET valid_until = now() + interval '3 days'",
        "UPDATE casework.private_hearing SET person_number = 1",
        "DELETE FROM casework.private_hearing",
        "DELETE FROM casework.reconfirmation",
    ):
        await run_as(office, role, statement, words=PRIVILEGE)
    long = RECONFIRMATION.replace("1 hour", "8 days")
    await run_as(office, role, long, case_id, consent, "none", "somebody", words="safeguard 2 reconfirmation expires")
    await office.superuser.execute("UPDATE casework.reconfirmation SET cancelled_at = now()")
    await run_as(office, role, "UPDATE casework.reconfirmation SET cancelled_at = NULL", words="safeguard 2")


@ROLES
async def test_booking_before_every_adult_was_heard_is_refused(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id = await office.centre(capacity=9)
    case_id = await office.open(adults=2)
    await office.inform(case_id)
    await office.screen(case_id, 2)
    await office.consent(case_id)
    await office.hear(case_id, 1)
    await refused(pool, lambda connection: book_raw(connection, case_id, centre_id, 2), "safeguard 7")


@ROLES
async def test_a_pause_is_not_cleared_by_one_person_nor_by_who_recorded_it(office: Office, role: str) -> None:
    case_id = await office.consented()
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    pause_id = await open_pause_id(office, case_id, 9)
    await run_as(office, role, END_PAUSE, case_id, words="safeguard 9")
    for reason, by, words in (
        ("fit_to_travel", "protection.one", "safeguard 9"),
        ("claim_decided", "somebody", "safeguard 9"),
        ("fit_to_travel", "system", "proposed by"),
    ):
        await run_as(office, role, CLEARANCE, pause_id, case_id, reason, by, words=words)
    await propose(office, case_id, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL[0], note="erasable")
    await run_as(office, role, END_PAUSE, case_id, words="safeguard 9")
    await run_as(office, role, CONFIRM, MEDICAL[0].subject, words="safeguard 6")
    await run_as(office, role, CONFIRM, "protection.one", words="safeguard 9")
    await run_as(office, role, CONFIRM, "system", words="decided by")
    for statement in (
        "UPDATE casework.pause_clearance SET covers_to = 99",
        "UPDATE casework.pause_clearance SET proposed_by = 'x'",
        "UPDATE casework.pause_clearance SET note = 'another'",
        "DELETE FROM casework.pause_clearance",
    ):
        await run_as(office, role, statement, words=PRIVILEGE)
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await run_as(office, role, CONFIRM, "somebody else", words="safeguard 9")


async def test_a_flag_without_its_pause_stops_the_case_all_the_same(office: Office) -> None:
    centre_id = await office.centre(capacity=9)
    case_id = await office.consented()
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    clearance_id = await propose(office, case_id, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL[0])
    async with raw(office.api) as connection:
        await connection.execute(CONFIRM, "somebody else")
        await connection.execute(END_PAUSE, case_id)
        await connection.execute("DELETE FROM timer WHERE kind = 'nationals.pause_review'")
        flag = """
            INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
            VALUES (gen_random_uuid(), $1, 'rey', 1, $2, now() + interval '9 days', 'somebody')
        """
        await connection.execute(flag, case_id, "clear")
        async with connection.transaction():
            await book_raw(connection, case_id, centre_id)
        await connection.execute("UPDATE casework.booking SET state = 'released', ended_at = now()")
        await connection.execute(flag, case_id, "medical_flag")
        await connection.execute(flag, case_id, "clear")
        with pytest.raises(asyncpg.CheckViolationError, match="safeguard 9"):
            await book_raw(connection, case_id, centre_id)
    assert clearance_id


@ROLES
async def test_child_procedure_is_not_shortened(office: Office, role: str) -> None:
    accompanied = await office.open(adults=1, children=1)
    case_id = await office.open(adults=0, children=1)
    pause_id = await open_pause_id(office, case_id, 8)
    interests, reception, guardian = "best_interests_determined", "reception_verified", "guardian_appointed"
    await run_as(office, role, CHILD_RECORD, accompanied, 2, interests, None, 1, "somebody", words="safeguard 8")
    await run_as(office, role, CHILD_RECORD, case_id, 1, guardian, None, None, "somebody", words="safeguard 8")
    await run_as(office, role, CHILD_RECORD, case_id, 1, guardian, "Ahmad", None, "somebody", words="appointment")
    reason = "child_procedure_complete"
    await run_as(office, role, CLEARANCE, pause_id, case_id, reason, "somebody", words="safeguard 8")
    witness = officer("reza")
    await record_child(office, case_id, 1, ChildRecordKind.GUARDIAN_APPOINTED, witness)
    await record_child(office, case_id, 1, ChildRecordKind.BEST_INTERESTS_DETERMINED, CHILD[0])
    await run_as(office, role, CHILD_RECORD, case_id, 1, reception, None, None, CHILD[0].subject, words="safeguard 8")
    await run_as(office, role, CLEARANCE, pause_id, case_id, reason, "somebody", words="safeguard 8")
    await record_child(office, case_id, 1, ChildRecordKind.RECEPTION_VERIFIED, witness)
    await propose(office, case_id, 8, ClearanceReason.CHILD_PROCEDURE_COMPLETE, CHILD[0])
    await run_as(office, role, CONFIRM, witness.subject, words="safeguard 8")
    for statement in (
        "DELETE FROM casework.child_protection_record",
        "UPDATE casework.child_protection_record SET appointment_reference = 'GA-18'",
        "UPDATE casework.child_protection_record SET recorded_by = 'x'",
    ):
        await run_as(office, role, statement, words=PRIVILEGE)


@ROLES
async def test_household_is_not_split_without_two_officers_and_both_cases(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    case_id = await office.open(adults=2, children=1)
    unasked = await office.open(adults=2)
    split_id = await request_split(office, case_id, [1])
    pause_id = await open_pause_id(office, case_id, 7)
    for leaving, by, words in (([1, 2, 3], "x", "safeguard 13"), ([4], PROTECTION[0].subject, "safeguard 7")):
        await run_as(office, role, SPLIT, case_id, pause_id, leaving, by, words=words)
    await run_as(office, role, APPROVE, PROTECTION[0].subject, words="safeguard 6")
    for of_case in (case_id, unasked):
        await refused(pool, lambda connection, of_case=of_case: set_state(connection, of_case, "split"), "safeguard")
    assert split_id

    async def open_part(connection: Connection, approved: bool, adults: int = 1) -> None:
        if approved:
            await connection.execute(APPROVE, "somebody else")
        new_id = uuid4()
        await connection.execute(ARM_AHEAD, "nationals.voluntary_period", str(new_id))
        part = OPEN.replace("opened_by)", "opened_by, split_from)").replace("'somebody')", "'somebody', $4)")
        await connection.execute(part.replace("$3, 1, 0", "$3, 0, 0"), new_id, f"P-{adults}", adults, case_id)

    await refused(pool, lambda connection: open_part(connection, approved=False), "safeguard 7")

    async def split_with_one_case(connection: Connection) -> None:
        await open_part(connection, approved=True)
        await set_state(connection, case_id, "split")

    await refused(pool, split_with_one_case, "safeguard 7", "safeguard 6")


@ROLES
async def test_the_voluntary_period_is_never_shortened_nor_lapses_on_the_way(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    case_id, _, _ = await booked(office)
    sooner = "UPDATE casework.return_case SET voluntary_until = now() WHERE case_id = $1"
    await run_as(office, role, sooner, case_id, words="safeguard 4")

    async def rearm_sooner(connection: Connection) -> None:
        await connection.execute("DELETE FROM timer WHERE subject_id = $1", str(case_id))
        await connection.execute(ARM, "nationals.voluntary_period", str(case_id))
        later = (
            "UPDATE casework.return_case SET voluntary_until = voluntary_until + interval '9 days' WHERE case_id = $1"
        )
        await connection.execute(later, case_id)

    await refused(pool, rearm_sooner, "safeguard 4")
    await office.superuser.execute("SET session_replication_role = replica")
    await office.superuser.execute("UPDATE casework.return_case SET voluntary_due_at = now()")
    await office.superuser.execute("SET session_replication_role = origin")
    await refused(pool, lambda connection: set_state(connection, case_id, "awaiting_legal_review"), "safeguard 4")
