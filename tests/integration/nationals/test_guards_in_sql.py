"""Every guard a second time: raw SQL as the service's own roles is refused too, by constraint, trigger or privilege."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.nationals.casework import handlers
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.case_machine import state_changes
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome
from shared.kit.connections import Connection, Pool
from shared.kit.database import enter_compartment
from tests.integration.nationals.office import Office

EVERY_COUNTY = ",".join(County)
ARM = """
    INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, correlation_id)
    VALUES ($1, $2, nextval('timer_fence'), now() - interval '1 hour', now() + interval '1 hour', 'raw')
"""
ARM_AHEAD = ARM.replace("now() - interval '1 hour'", "now() + interval '1 hour'")
BOOK = """
    INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at, booked_by)
    VALUES ($1, $2, 'rey', $3, 'rey', $4, now() + interval '1 day', 'somebody')
"""
CONSENT = """
    INSERT INTO casework.consent (consent_id, case_id, county, language, information_version, interpreter, given_freely,
                                  sign_of_pressure, recorded_by)
    VALUES (gen_random_uuid(), $1, 'rey', 'fa', $2, $3, true, false, $4)
"""
FLAG = """
    INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
    VALUES (gen_random_uuid(), $1, 'rey', 1, 'protection_need', now() + interval '9 days', 'somebody')
"""
OPEN = """
    INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17,
                                      unaccompanied_child, voluntary_until, opened_by)
    VALUES ($1, 'rey', $2, $3, 1, 0, false, now() + interval '30 days', 'somebody')
"""


@asynccontextmanager
async def raw(pool: Pool) -> AsyncGenerator[Connection]:
    """A transaction as the casework's role of `pool`, seeing every county, always rolled back."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("SELECT set_config('payesh.counties', $1, true)", EVERY_COUNTY)
            await enter_compartment(connection, "casework")
            yield connection
        finally:
            await transaction.rollback()


async def book_raw(connection: Connection, case_id: UUID, centre_id: UUID, places: int = 1) -> UUID:
    booking_id = uuid4()
    await connection.execute(ARM, "nationals.booking_expiry", str(booking_id))
    await connection.execute(BOOK, booking_id, case_id, centre_id, places)
    return booking_id


async def set_state(connection: Connection, case_id: UUID, state: str) -> None:
    await connection.execute("UPDATE casework.return_case SET state = $2 WHERE case_id = $1", case_id, state)


async def refused(pool: Pool, step: Callable[[Connection], Awaitable[object]], *words: str) -> None:
    async with raw(pool) as connection:
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)) as error:
            await step(connection)
    if not isinstance(error.value, asyncpg.InsufficientPrivilegeError):
        said = f"{error.value} {error.value.constraint_name}".replace("_", " ")
        assert any(word in said for word in words), said


async def test_same_transitions_in_table_and_database(office: Office) -> None:
    rows = await office.superuser.fetch("SELECT from_state, to_state FROM casework.case_transition")
    in_database = {(row["from_state"], row["to_state"]) for row in rows}
    assert in_database == {(source.value, target.value) for source, target in state_changes()}


async def test_booking_that_lacks_nothing_is_taken_from_api_only(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()
    async with raw(office.api) as connection:
        await book_raw(connection, case_id, centre_id)
        assert await connection.fetchval("SELECT held FROM casework.centre_place") == 1
    await refused(office.worker, lambda connection: book_raw(connection, case_id, centre_id))
    assert await office.places(centre_id) == (1, 0, 0)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_unguarded_booking_is_refused(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id = await office.centre(capacity=9)
    opened = await office.open()
    unscreened = await office.open(adults=2)
    await office.inform(unscreened)
    await office.consent(unscreened)
    await office.screen(unscreened, persons=1)
    withdrawn = await office.consented()
    await office.withdraw(withdrawn)
    child = await office.open(adults=1, unaccompanied_child=True)
    flagged, claimed, pressed, outdated, expired, whole, waiting = [await office.consented() for _ in range(7)]
    await office.screen(flagged, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await office.screen(claimed, outcome=ScreeningOutcome.PROTECTION_NEED)
    await office.consent(pressed, sign_of_pressure=True)
    await office.inform(outdated, version=2)
    await office.superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() WHERE case_id = $1",
        expired,
    )
    await office.fire(VOLUNTARY_PERIOD, waiting)

    for case_id, word in (
        (opened, "safeguard 1"),
        (unscreened, "safeguard 1"),
        (expired, "safeguard 1"),
        (withdrawn, "safeguard 2"),
        (outdated, "safeguard 2"),
        (pressed, "safeguard 2"),
        (waiting, "safeguard 4"),
        (claimed, "safeguard 5"),
        (child, "safeguard 8"),
        (flagged, "safeguard 9"),
    ):
        await refused(pool, lambda connection, case_id=case_id: book_raw(connection, case_id, centre_id), word)
    await refused(pool, lambda connection: book_raw(connection, whole, centre_id, 2), "safeguard 7")
    await refused(pool, lambda connection: book_raw(connection, whole, uuid4()), "no such centre")
    await refused(pool, lambda connection: connection.execute(BOOK, uuid4(), whole, centre_id, 1), "safeguard 13")
    assert await office.places(centre_id) == (9, 0, 0)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_capacity_bounds_hold(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id = await office.centre(capacity=2)
    booked = await office.consented()
    booking = await office.book(booked, centre_id)
    big = await office.consented(adults=3)
    await refused(pool, lambda connection: book_raw(connection, big, centre_id, 3), "safeguard 11")
    for statement in (
        "UPDATE casework.centre_place SET held = 0",
        "UPDATE casework.centre_place SET used = 1",
        "UPDATE casework.centre_place SET capacity = 0",
        "UPDATE casework.centre_place SET capacity = -1",
        "DELETE FROM casework.booking",
        "DELETE FROM casework.centre_place",
        "UPDATE casework.booking SET family_places = 0",
        "UPDATE casework.booking SET state = 'expired', ended_at = now()",
    ):
        await refused(
            pool, lambda connection, statement=statement: connection.execute(statement), "safeguard 11", "safeguard 12"
        )
    await office.release(booking.booking_id)
    again = "UPDATE casework.booking SET state = 'held', ended_at = NULL"
    await refused(pool, lambda connection: connection.execute(again), "safeguard 11")
    twice = "UPDATE casework.booking SET state = 'released', ended_at = now()"
    await refused(pool, lambda connection: connection.execute(twice), "safeguard 11")
    assert await office.places(centre_id) == (2, 0, 0)


async def test_a_concern_between_booking_and_state_stops_the_state(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()

    async def book_flag_and_move(connection: Connection) -> None:
        await book_raw(connection, case_id, centre_id)
        await connection.execute(FLAG, case_id)
        await set_state(connection, case_id, "booked")

    await refused(office.api, book_flag_and_move, "safeguard 5")


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_states_do_not_move_without_their_guards(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id = await office.centre(capacity=3)
    opened = await office.open()
    consented = await office.consented()
    booked = await office.consented()
    await office.book(booked, centre_id)
    flagged = await office.consented()
    await office.screen(flagged, outcome=ScreeningOutcome.VULNERABILITY_FLAG)
    for case_id, state in (
        (opened, "informed"),
        (opened, "consented"),
        (opened, "booked"),
        (opened, "departed"),
        (opened, "referred_to_authority"),
        (opened, "awaiting_legal_review"),
        (consented, "opened"),
        (consented, "booked"),
        (consented, "withdrawn"),
        (consented, "awaiting_legal_review"),
        (booked, "withdrawn"),
        (booked, "consented"),
        (booked, "closed"),
        (flagged, "booked"),
        (flagged, "awaiting_legal_review"),
    ):
        await refused(
            pool,
            lambda connection, case_id=case_id, state=state: set_state(connection, case_id, state),
            "safeguard",
            "closed with outcome",
        )
    await office.superuser.execute("SET session_replication_role = replica")
    await office.superuser.execute("UPDATE casework.return_case SET voluntary_due_at = now()")
    await office.superuser.execute("SET session_replication_role = origin")
    await refused(pool, lambda connection: set_state(connection, flagged, "awaiting_legal_review"), "safeguard")
    if role == "api":
        lapse = "awaiting_legal_review"
        await refused(pool, lambda connection: set_state(connection, opened, lapse), "safeguard 4")


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_evidence_is_not_forged_rewritten_or_undone(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    case_id = await office.consented()
    withdrawn = await office.consented()
    await office.withdraw(withdrawn)
    flagged = await office.open()
    await office.screen(flagged, outcome=ScreeningOutcome.MEDICAL_FLAG)
    uninformed = await office.open()
    closed = await office.open()
    await office.run(handlers.close_case, handlers.CloseCase(case_id=closed, outcome=CaseOutcome.NOT_VIABLE))
    session = """
        INSERT INTO casework.information_session
            (session_id, case_id, county, language, information_version, interpreter, held_by)
        VALUES (gen_random_uuid(), $1, 'rey', 'fa', 1, 'none', 'somebody')
    """

    async def execute(connection: Connection, statement: str, *values: object) -> None:
        await connection.execute(statement, *values)

    screening = """
        INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
        VALUES (gen_random_uuid(), $1, 'rey', $2, 'clear', now() + $3::interval, $4)
    """
    other_county = CONSENT.replace("'rey'", "'tehran'")
    statements: list[tuple[str, tuple[object, ...]]] = [
        (CONSENT, (case_id, 2, "none", "somebody")),
        (CONSENT, (case_id, 1, "relative", "somebody")),
        (CONSENT, (case_id, 1, "decider", "somebody")),
        (CONSENT, (case_id, 1, "none", "system")),
        (CONSENT, (uninformed, 1, "none", "somebody")),
        (CONSENT, (flagged, 1, "none", "somebody")),
        (other_county, (case_id, 1, "none", "somebody")),
        (session, (closed,)),
        ("UPDATE casework.consent SET given_freely = true", ()),
        ("UPDATE casework.consent SET withdrawn_at = NULL", ()),
        ("UPDATE casework.screening SET valid_until = now() + interval '80 days'", ()),
        ("DELETE FROM casework.screening", ()),
        ("UPDATE casework.case_pause SET ended_at = now()", ()),
        ("UPDATE casework.case_pause SET safeguard = 2", ()),
        ("DELETE FROM casework.case_pause", ()),
        ("UPDATE casework.return_case SET unaccompanied_child = false", ()),
        ("UPDATE casework.return_case SET voluntary_due_at = now()", ()),
        ("UPDATE casework.return_case SET outcome = 'referred'", ()),
        ("UPDATE casework.return_case SET outcome = 'not_viable'", ()),
        ("DELETE FROM casework.case_read_log", ()),
        ("INSERT INTO casework.case_transition VALUES ('opened', 'booked')", ()),
        ("ALTER TABLE casework.booking DISABLE TRIGGER ALL", ()),
        ("SELECT casework.places_follow_booking()", ()),
    ]
    if role == "worker":
        statements.append((CONSENT, (case_id, 1, "none", "somebody")))
    for person_number, valid, by in (
        (2, "1 day", "somebody"),
        (1, "91 days", "somebody"),
        (1, "-1 day", "somebody"),
        (1, "1 day", "system"),
    ):
        text = screening.replace("$3::interval", f"interval '{valid}'").replace("$4", "$3")
        statements.append((text, (case_id, person_number, by)))
    for statement, values in statements:
        async with raw(pool) as connection:
            with pytest.raises((asyncpg.PostgresError,)) as error:
                await execute(connection, statement, *values)
            assert isinstance(
                error.value,
                asyncpg.IntegrityConstraintViolationError
                | asyncpg.InsufficientPrivilegeError
                | asyncpg.FeatureNotSupportedError,
            ), (statement, error.value)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_case_and_review_open_only_as_they_must(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    case_id = await office.open()
    waiting = await office.open()
    await office.fire(VOLUNTARY_PERIOD, waiting)

    async def open_case(connection: Connection, reference: str, adults: int = 1, arm: str = ARM_AHEAD) -> None:
        new_id = uuid4()
        if arm:
            await connection.execute(arm, "nationals.voluntary_period", str(new_id))
        await connection.execute(OPEN, new_id, reference, adults)

    for reference in ("1234567890", "A-1234567890", "09121234567", "Ahmad", "AHMADI-1", "A-1234-123456", "A-۱۲"):
        await refused(pool, lambda connection, reference=reference: open_case(connection, reference), "reference")
    await refused(pool, lambda connection: open_case(connection, "A-1", adults=0), "safeguard 8")
    await refused(pool, lambda connection: open_case(connection, "A-1", arm=""), "safeguard 13")
    await refused(pool, lambda connection: open_case(connection, "A-1", arm=ARM), "safeguard 4")

    async def open_review(connection: Connection, of_case: UUID, extra: str = "", value: str = "") -> None:
        review_id = uuid4()
        await connection.execute(ARM, "nationals.legal_review_reminder", str(review_id))
        await connection.execute(
            f"""
            INSERT INTO casework.legal_review (review_id, case_id, county, owner_office, review_by{extra})
            VALUES ($1, $2, 'rey', 'legal_office', now(){value})
            """,
            review_id,
            of_case,
        )

    await refused(pool, lambda connection: open_review(connection, case_id), "safeguard 12")
    decided = (", first_reviewer, second_reviewer", ", 'a', 'b'")
    await refused(pool, lambda connection: open_review(connection, waiting, *decided))
    async with raw(office.worker) as connection:
        await open_review(connection, waiting)
        for statement in (
            "UPDATE casework.legal_review SET state = 'case_closed', ended_at = now()",
            "UPDATE casework.legal_review SET first_reviewer = 'a', second_reviewer = 'b'",
        ):
            with pytest.raises(asyncpg.PostgresError):
                async with connection.transaction():
                    await connection.execute(statement)
