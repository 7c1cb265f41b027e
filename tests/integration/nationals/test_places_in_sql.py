"""Places, standards and the waiting list a second time: raw SQL as the casework's own roles is refused too."""

from uuid import UUID, uuid4

import pytest

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from services.nationals.casework.handlers.waiting import LeaveWaitingList, leave_waiting_list
from services.nationals.casework.store import waiting as waiting_store
from shared.kit.connections import Connection
from tests.integration.nationals.office import Office
from tests.integration.nationals.test_guards_in_sql import ARM, book_raw, raw, refused, set_state

ADMIT = "UPDATE casework.booking SET state = 'admitted', admitted_by = $2, admitted_at = now() WHERE booking_id = $1"
CHANGE = """
    INSERT INTO casework.centre_capacity_change (centre_id, place_kind, county, capacity_before, capacity, reason, changed_by)
    VALUES ($1, 'family', 'rey', $2, $3, $4, 'somebody')
"""
RECORD = """
    INSERT INTO casework.centre_record (record_id, centre_id, county, floor_area_m2, toilets, staff_per_shift,
        standards_version, floor_area_m2_per_person, persons_per_toilet, persons_per_staff_member, recorded_by)
    VALUES (gen_random_uuid(), $1, 'rey', $2::int, 100, 100, 'x', 3.5, 20, 25, 'somebody')
"""
JOIN = """
    INSERT INTO casework.waiting_entry (entry_id, case_id, county, centre_id, centre_county, family_places, entered_by)
    VALUES ($1, $2, 'rey', $3, 'rey', $4, 'somebody')
"""
OFFER = """
    INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at, booked_by,
                                  waiting_entry_id)
    SELECT $1, case_id, county, centre_id, centre_county, $3, now() + interval '1 day', $4, entry_id
    FROM casework.waiting_entry WHERE case_id = $2 AND state = 'waiting'
"""


async def join_raw(connection: Connection, case_id: UUID, centre_id: UUID, places: int = 1) -> None:
    entry_id = uuid4()
    await connection.execute(ARM, "nationals.waiting_list_review", str(entry_id))
    await connection.execute(JOIN, entry_id, case_id, centre_id, places)


async def offer_raw(connection: Connection, case_id: UUID, places: int = 1, person: str = "caseworker.one") -> UUID:
    booking_id = uuid4()
    await connection.execute(ARM, BOOKING_EXPIRY, str(booking_id))
    await connection.execute(OFFER, booking_id, case_id, places, person)
    return booking_id


async def full_centre_with(office: Office, *sizes: int) -> tuple[UUID, UUID, list[UUID]]:
    """A centre whose one place is held; that booking; and the households that wait, in order. Its capacity is 4 afterwards."""
    centre_id = await office.centre(capacity=1)
    booking_id = (await office.book(await office.consented(), centre_id)).booking_id
    await office.set_capacity(centre_id, 4)
    await office.superuser.execute("UPDATE casework.centre_place SET waiting_list_first = true")
    cases = [await office.consented(adults=size) for size in sizes]
    for case_id, size in zip(cases, sizes, strict=True):
        await office.join(case_id, centre_id, size)
    return centre_id, booking_id, cases


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_admission_is_guarded(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id = await office.centre(capacity=9)
    flagged, outdated, expired, late, ready = [await office.consented() for _ in range(5)]
    bookings = {
        case_id: (await office.book(case_id, centre_id)).booking_id
        for case_id in (flagged, outdated, expired, late, ready)
    }
    await office.screen(flagged, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await office.inform(outdated, version=2)
    await office.superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() WHERE case_id = $1",
        expired,
    )
    await office.make_due(BOOKING_EXPIRY, bookings[late])
    for case_id, word in (
        (flagged, "safeguard 9"),
        (outdated, "safeguard 2"),
        (expired, "safeguard 1"),
        (late, "safeguard 12"),
    ):
        await refused(
            pool,
            lambda connection, case_id=case_id: connection.execute(ADMIT, bookings[case_id], "somebody"),
            word,
            "safeguard 6",
        )
    for statement in (
        "UPDATE casework.booking SET state = 'admitted' WHERE booking_id = $1",
        "UPDATE casework.booking SET admitted_by = 'x', admitted_at = now() WHERE booking_id = $1",
        "UPDATE casework.booking SET state = 'departed', ended_at = now() WHERE booking_id = $1",
        "UPDATE casework.booking SET accepted_at = now() WHERE booking_id = $1",
        "UPDATE casework.booking SET expires_at = now() + interval '1 year' WHERE booking_id = $1",
    ):
        await refused(
            pool,
            lambda connection, statement=statement: connection.execute(statement, bookings[ready]),
            "safeguard",
        )
    await refused(pool, lambda connection: connection.execute(ADMIT, bookings[ready], "system"), "check", "safeguard 6")
    await office.admit(bookings[ready])
    for state in ("held", "expired", "admitted"):
        statement = (
            f"UPDATE casework.booking SET state = '{state}', ended_at = NULL, admitted_at = now() WHERE booking_id = $1"
        )
        await refused(
            pool,
            lambda connection, statement=statement: connection.execute(statement, bookings[ready]),
            "safeguard 11",
        )
    assert await office.places(centre_id) == (9, 4, 1)


async def test_worker_releases_nothing_that_is_not_due(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    booking = await office.book(await office.consented(), centre_id)
    release = "UPDATE casework.booking SET state = 'released', ended_at = now() WHERE booking_id = $1"
    await refused(office.worker, lambda connection: connection.execute(release, booking.booking_id), "safeguard 6")


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_capacity_follows_recorded_changes_only(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id = await office.centre(capacity=4)
    await office.measure(centre_id, "35", toilets=9, staff_per_shift=9)
    await office.book(await office.consented(adults=3), centre_id, 3)
    for statement in (
        "UPDATE casework.centre_place SET capacity = 9",
        "UPDATE casework.centre_place SET capacity_target = 9",
        "UPDATE casework.centre_place SET capacity_target = 1",
        "UPDATE casework.centre_place SET used = 1",
        "UPDATE casework.centre_record SET toilets = 99",
        "DELETE FROM casework.centre_record",
        "UPDATE casework.centre_capacity_change SET reason = 'other'",
    ):
        await refused(pool, lambda connection, statement=statement: connection.execute(statement))
    change = [
        (4, 11, "more", "written standards"),
        (4, 3, None, "reason"),
        (9, 3, None, "reason"),
        (0, 1, None, "reason"),
    ]
    for before, capacity, reason, word in change:
        await refused(
            pool,
            lambda connection, values=(before, capacity, reason): connection.execute(CHANGE, centre_id, *values),
            word,
        )
    await refused(pool, lambda connection: connection.execute(CHANGE, centre_id, 4, -1, "less"), "safeguard 11")
    await refused(pool, lambda connection: connection.execute(RECORD, centre_id, 13), "written standards")
    assert await office.places(centre_id) == (4, 3, 0)


async def test_lowered_by_raw_sql_the_capacity_in_effect_stays_what_is_taken(office: Office) -> None:
    centre_id = await office.centre(capacity=4)
    await office.book(await office.consented(adults=3), centre_id, 3)
    another = await office.consented()
    async with raw(office.api) as connection:
        await connection.execute(CHANGE, centre_id, 4, 1, "less")
        row = await connection.fetchrow("SELECT capacity, capacity_target FROM casework.centre_place")
        assert row is not None
        assert tuple(row) == (3, 1)
        with pytest.raises(Exception, match="safeguard_11"):
            await book_raw(connection, another, centre_id)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_only_who_may_be_booked_waits(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id, _, [waits] = await full_centre_with(office, 1)
    opened, withdrawn, flagged, ready, booked = await office.open(), *[await office.consented() for _ in range(4)]
    await office.withdraw(withdrawn)
    await office.screen(flagged, outcome=ScreeningOutcome.PROTECTION_NEED)
    await office.book(booked, await office.centre(capacity=1))
    for case_id, places, word in (
        (opened, 1, "safeguard 1"),
        (withdrawn, 1, "safeguard 2"),
        (flagged, 1, "safeguard 5"),
        (ready, 2, "safeguard 7"),
        (booked, 1, "safeguard 7"),
        (waits, 1, "waiting entry of case"),
    ):
        await refused(
            pool,
            lambda connection, case_id=case_id, places=places: join_raw(connection, case_id, centre_id, places),
            word,
        )
    await refused(pool, lambda connection: connection.execute(JOIN, uuid4(), ready, centre_id, 1), "safeguard 13")
    for statement in (
        "UPDATE casework.waiting_entry SET state = 'offered'",
        "UPDATE casework.waiting_entry SET state = 'booked'",
        "UPDATE casework.waiting_entry SET state = 'unanswered'",
        "UPDATE casework.waiting_entry SET entered_at = now() - interval '1 year'",
        "UPDATE casework.waiting_entry SET family_places = 2",
        "DELETE FROM casework.waiting_entry",
    ):
        await refused(pool, lambda connection, statement=statement: connection.execute(statement), "waiting list")


async def test_only_the_worker_offers_only_what_was_asked_for_and_in_order(office: Office) -> None:
    centre_id, _, [first, second] = await full_centre_with(office, 1, 1)
    stranger = await office.consented()
    await refused(office.api, lambda connection: offer_raw(connection, first))
    await refused(office.worker, lambda connection: offer_raw(connection, second), "waiting list")
    await refused(
        office.worker, lambda connection: offer_raw(connection, first, places=2), "safeguard 7", "safeguard 2"
    )
    await refused(office.worker, lambda connection: offer_raw(connection, first, person="other"), "safeguard 2")
    await refused(office.worker, lambda connection: book_raw(connection, stranger, centre_id))
    await refused(office.api, lambda connection: book_raw(connection, stranger, centre_id), "waiting list")
    keep = "UPDATE casework.centre_place SET waiting_list_first = false"
    await refused(office.worker, lambda connection: connection.execute(keep), "waiting list")
    await refused(office.api, lambda connection: connection.execute(keep))
    async with raw(office.worker) as connection:
        await offer_raw(connection, first)
        await offer_raw(connection, second)
        assert await connection.fetchval("SELECT held FROM casework.centre_place WHERE capacity = 4") == 3
        assert await waiting_store.entries_in_turn(connection, centre_id, 9) == []


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_an_offer_is_no_booking_until_a_person_accepts_it(office: Office, role: str) -> None:
    pool = office.api if role == "api" else office.worker
    centre_id, _, [outdated, flagged, expired] = await full_centre_with(office, 1, 1, 1)
    await office.offer_round(centre_id)
    await refused(pool, lambda connection: set_state(connection, outdated, "booked"), "safeguard 2", "safeguard 6")
    accept = "UPDATE casework.booking SET accepted_at = now() WHERE case_id = $1"
    if role == "worker":
        await refused(pool, lambda connection: connection.execute(accept, outdated))
    await office.inform(outdated, version=2)
    await office.screen(flagged, outcome=ScreeningOutcome.VULNERABILITY_FLAG)
    await office.superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() WHERE case_id = $1",
        expired,
    )
    for case_id, word in ((outdated, "safeguard 2"), (flagged, "safeguard 9"), (expired, "safeguard 1")):
        await refused(pool, lambda connection, case_id=case_id: connection.execute(accept, case_id), word)
    offer_id = await office.superuser.fetchval("SELECT booking_id FROM casework.booking WHERE case_id = $1", outdated)
    await office.make_due(BOOKING_EXPIRY, offer_id)
    await refused(pool, lambda connection: connection.execute(accept, outdated), "safeguard 12")


async def test_nothing_is_offered_to_who_left_the_list(office: Office) -> None:
    centre_id, _, [left] = await full_centre_with(office, 1)
    await office.run(leave_waiting_list, LeaveWaitingList(case_id=left))
    await office.superuser.execute("UPDATE casework.centre_place SET waiting_list_first = false")
    offer_again = OFFER.replace("state = 'waiting'", "state = 'left'")

    async def offer(connection: Connection) -> None:
        booking_id = uuid4()
        await connection.execute(ARM, BOOKING_EXPIRY, str(booking_id))
        await connection.execute(offer_again, booking_id, left, 1, "caseworker.one")

    await refused(office.worker, offer, "safeguard 2")
    assert await office.places(centre_id) == (4, 1, 0)
