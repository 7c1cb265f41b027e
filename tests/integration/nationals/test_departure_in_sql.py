"""Departure a second time in PostgreSQL: raw SQL as either of the casework's roles departs nobody who lacks anything."""

from uuid import UUID

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from shared.kit.connections import Connection
from tests.integration.nationals.journey import booked, depart, reconfirm, request_split
from tests.integration.nationals.office import Office
from tests.integration.nationals.test_guards_in_sql import FLAG, book_raw, raw, refused, set_state
from tests.integration.nationals.test_voluntary_guards_in_sql import HEARING, ROLES, run_as


async def give_back_raw(connection: Connection, case_id: UUID) -> None:
    await connection.execute(
        "UPDATE casework.booking SET state = 'departed', ended_at = now() WHERE case_id = $1 AND ended_at IS NULL",
        case_id,
    )


async def leave_raw(connection: Connection, case_id: UUID) -> None:
    await give_back_raw(connection, case_id)
    await set_state(connection, case_id, "departed")


async def test_departure_that_lacks_nothing_is_a_persons(office: Office) -> None:
    case_id, centre_id, _ = await booked(office, adults=2)
    await reconfirm(office, case_id)
    async with raw(office.api) as connection:
        await leave_raw(connection, case_id)
        assert await connection.fetchval("SELECT held FROM casework.centre_place") == 0
    await refused(office.worker, lambda connection: leave_raw(connection, case_id), "safeguard 6")
    await refused(office.worker, lambda connection: set_state(connection, case_id, "departed"), "safeguard 6")
    assert await office.places(centre_id) == (9, 2, 0)


@ROLES
async def test_unguarded_departure_is_refused(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    names = ("unreconfirmed", "outdated", "unscreened", "flagged", "claimed", "pressed", "divided", "unheard", "half")
    cases = {name: (await booked(office, adults=2))[0] for name in names}
    for name, case_id in cases.items():
        if name != "unreconfirmed":
            await reconfirm(office, case_id)
    await office.inform(cases["outdated"], version=2)
    await office.screen(cases["flagged"], outcome=ScreeningOutcome.VULNERABILITY_FLAG)
    await office.screen(cases["claimed"], outcome=ScreeningOutcome.PROTECTION_NEED)
    await request_split(office, cases["divided"], [1])
    superuser = office.superuser
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() WHERE case_id = $1",
        cases["unscreened"],
    )
    await superuser.execute("DELETE FROM casework.private_hearing WHERE case_id = $1", cases["unheard"])
    await superuser.execute("UPDATE casework.booking SET family_places = 1 WHERE case_id = $1", cases["half"])
    await superuser.execute("UPDATE casework.consent SET sign_of_pressure = true WHERE case_id = $1", cases["pressed"])
    await superuser.execute("SET session_replication_role = origin")
    for name, word in (
        ("unreconfirmed", "safeguard 2"),
        ("outdated", "safeguard 2"),
        ("pressed", "safeguard 2"),
        ("unscreened", "safeguard 1"),
        ("claimed", "safeguard 5"),
        ("flagged", "safeguard 9"),
        ("divided", "safeguard 7"),
        ("unheard", "safeguard 7"),
        ("half", "safeguard 7"),
    ):
        words = word if role == "api" else "safeguard 6"
        await refused(pool, lambda connection, name=name: give_back_raw(connection, cases[name]), words)
        await refused(
            pool, lambda connection, name=name: set_state(connection, cases[name], "departed"), words, "safeguard 3"
        )


async def test_what_happens_between_the_booking_and_the_state_stops_the_departure(office: Office) -> None:
    flagged, centre_id, _ = await booked(office)
    cancelled, _, _ = await booked(office)
    for case_id in (flagged, cancelled):
        await reconfirm(office, case_id)

    async def flag_on_the_way(connection: Connection) -> None:
        await give_back_raw(connection, flagged)
        await connection.execute(FLAG, flagged)
        await set_state(connection, flagged, "departed")

    async def cancel_and_leave(connection: Connection) -> None:
        await connection.execute(
            "UPDATE casework.reconfirmation SET cancelled_at = now() WHERE case_id = $1", cancelled
        )
        await leave_raw(connection, cancelled)

    async def leave_without_being_booked(connection: Connection) -> None:
        await connection.execute("UPDATE casework.booking SET state = 'released', ended_at = now()")
        await set_state(connection, flagged, "consented")
        await book_raw(connection, flagged, centre_id)
        await give_back_raw(connection, flagged)

    await refused(office.api, leave_without_being_booked, "safeguard 12")
    await refused(office.api, flag_on_the_way, "safeguard 5")
    await refused(office.api, cancel_and_leave, "safeguard 2")


@ROLES
async def test_nothing_is_recorded_after_departure_nor_withdrawn(office: Office, role: str) -> None:
    case_id, _, _ = await booked(office)
    await reconfirm(office, case_id)
    await depart(office, case_id)
    await run_as(
        office,
        role,
        "UPDATE casework.consent SET withdrawn_at = now() WHERE case_id = $1",
        case_id,
        words="safeguard 3",
    )
    for state in ("withdrawn", "booked", "closed", "opened"):
        pool = office.api if role == "api" else office.worker
        await refused(
            pool, lambda connection, state=state: set_state(connection, case_id, state), "safeguard", "closed"
        )
    await run_as(office, role, HEARING, case_id, 1, "none", "somebody", words="safeguard 12")
