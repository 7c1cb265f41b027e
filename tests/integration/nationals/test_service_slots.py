"""Service centres and their slots on a real database: planned from opening hours, booked exactly, by nobody in particular."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.nationals.free_services import handlers as free_services_handlers
from services.nationals.free_services.api.service_views import read_waiting_times
from services.nationals.free_services.domain.calendar import FRIDAY
from services.nationals.free_services.domain.centre import PLANNED_DAYS, OpeningHours, Weekday
from services.nationals.free_services.handlers import bookings, service_centres, service_days
from services.nationals.free_services.public_holidays import PUBLIC_HOLIDAYS
from services.nationals.free_services.service_day_watch import watch_service_days
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.kit.consumer import BatchConsumer
from shared.kit.database import enter_compartment
from shared.kit.projections import refold
from shared.kit.relay import Relay, RelaySettings
from shared.kit.routing import collect_reactions
from shared.kit.service import WorkerContext
from shared.kit.subscription import Subscription
from shared.persian.calendar import OFFICE_ZONE, office_date
from tests.integration.nationals.office import Office
from tests.integration.nationals.service_desk import WEEK, Desk, manager

CONTENDERS = int(os.environ.get("PAYESH_TEST_SLOT_CONTENDERS", "40"))


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


async def slot_days(desk: Desk, centre_id: UUID) -> list[datetime]:
    rows = await desk.superuser.fetch(
        "SELECT starts_at FROM free_services.slot WHERE service_centre_id = $1 AND capacity > 0", centre_id
    )
    return [row["starts_at"].astimezone(OFFICE_ZONE) for row in rows]


async def test_slots_follow_the_opening_hours(desk: Desk) -> None:
    centre_id = await desk.centre(capacity=3)
    starts = await slot_days(desk, centre_id)
    assert starts
    assert {start.time() for start in starts} == {time(8), time(9), time(10), time(11)}
    today = office_date(await desk.now())
    for start in starts:
        assert start.weekday() != FRIDAY
        assert start.date() not in PUBLIC_HOLIDAYS
        assert today <= start.date() < today + timedelta(days=PLANNED_DAYS)
    again = await desk.hours(centre_id, WEEK)
    assert again.slots_changed == 0


async def test_shorter_hours_close_what_is_free_and_keep_what_is_booked(desk: Desk) -> None:
    centre_id = await desk.centre(capacity=3)
    slot_id = await desk.slot(centre_id)
    code = await desk.book(slot_id)
    await desk.hours(centre_id, [OpeningHours(Weekday.SATURDAY, time(8), time(9))])
    assert await desk.free(slot_id) == (1, 1)
    with pytest.raises(Refusal, match=r"slot\.full"):
        await desk.book(slot_id)
    assert (await desk.use(bookings.release_claim, code)).state == "released"
    assert {start.weekday() for start in await slot_days(desk, centre_id) if start.time() == time(8)} <= {5}
    await desk.hours(centre_id, WEEK)
    assert await desk.free(slot_id) == (3, 0)
    await desk.offer(centre_id, FreeService.EDUCATION, 5, active=False)
    assert await slot_days(desk, centre_id) == []


async def test_last_places_under_contention(desk: Desk) -> None:
    slot_id = await desk.slot(await desk.centre(capacity=7))
    outcomes = await asyncio.gather(*(desk.book(slot_id) for _ in range(CONTENDERS)), return_exceptions=True)
    codes = [code for code in outcomes if isinstance(code, str)]
    assert len(set(codes)) == 7
    refused = [one for one in outcomes if isinstance(one, Refusal)]
    assert len(refused) == CONTENDERS - 7
    assert {one.reason.code for one in refused} == {"nationals.slot.full"}
    released = await asyncio.gather(
        *(desk.use(bookings.release_claim, code) for code in codes * 2), return_exceptions=True
    )
    assert sum(not isinstance(one, Exception) for one in released) == 7
    assert await desk.free(slot_id) == (7, 0)


async def test_claim_code_is_all_there_is_and_only_its_hash_is_kept(desk: Desk) -> None:
    slot_id = await desk.slot(await desk.centre())
    code = await desk.book(slot_id)
    columns = await desk.superuser.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'slot_booking'"
    )
    assert {row["column_name"] for row in columns} == {
        "booking_id",
        "slot_id",
        "county",
        "claim_hash",
        "state",
        "booked_at",
        "ended_at",
    }
    row = await desk.superuser.fetchval("SELECT row_to_json(b)::text FROM free_services.slot_booking b")
    assert code not in row
    assert code.replace("-", "") not in row
    for written in (code.lower(), code.replace("-", " "), f" {code} "):
        other = await desk.book(slot_id)
        assert (await desk.use(bookings.release_claim, other)).slot_id == slot_id
        assert written.replace(" ", "").replace("-", "").upper() == code.replace("-", "")
    with pytest.raises(Refusal, match="claim_code_unreadable"):
        await desk.use(bookings.release_claim, "0012345678")
    with pytest.raises(Refusal, match="claim_code_unknown"):
        await desk.use(bookings.release_claim, "2222-2222-2222")
    with pytest.raises(Refusal, match="claim_code_unknown"):
        await desk.use(bookings.release_claim, code, manager(County.QODS))
    with pytest.raises(Refusal, match=r"slot\.not_found"):
        await desk.book(slot_id, manager(County.QODS))


async def test_check_in_measures_and_no_show_waits_for_the_end(desk: Desk) -> None:
    centre_id = await desk.centre(capacity=20)
    slot_id = await desk.slot(centre_id)
    codes = [await desk.book(slot_id) for _ in range(13)]
    with pytest.raises(Refusal, match="not_the_time_to_check_in"):
        await desk.use(bookings.check_in, codes[0])
    with pytest.raises(Refusal, match="not_over"):
        await desk.run(bookings.record_no_shows, bookings.RecordNoShows(slot_id=slot_id))
    now = await desk.now()
    started = now - timedelta(minutes=25)
    if office_date(started) != office_date(now):
        pytest.skip("just after midnight in the province")
    await desk.move(slot_id, started)
    for code in codes[:10]:
        received = await desk.use(bookings.check_in, code)
        assert received.waited_minutes == 25
    with pytest.raises(Refusal, match=r"slot\.begun"):
        await desk.book(slot_id)
    with pytest.raises(Refusal, match="booking_ended"):
        await desk.use(bookings.release_claim, codes[0])
    await desk.use(bookings.release_claim, codes[10])
    await desk.superuser.execute("UPDATE free_services.slot SET minutes = 20 WHERE slot_id = $1", slot_id)
    with pytest.raises(Refusal, match=r"slot\.over"):
        await desk.use(bookings.release_claim, codes[11])
    ended = await desk.run(bookings.record_no_shows, bookings.RecordNoShows(slot_id=slot_id))
    assert ended.bookings == 2
    async with desk.api.acquire() as connection, connection.transaction():
        await enter_compartment(connection, "free_services")
        await connection.execute("SELECT set_config('payesh.counties', 'rey', true)")
        [waiting] = await read_waiting_times(connection, None)
    assert waiting.waited_minutes_mean == 25
    assert waiting.days_until_free is not None
    assert 0 <= waiting.days_until_free < PLANNED_DAYS


async def test_guards_hold_for_raw_sql_too(desk: Desk) -> None:
    slot_id = await desk.slot(await desk.centre(capacity=1))
    await desk.book(slot_id)
    past_id = await desk.slot(await desk.centre(capacity=1))
    await desk.move(past_id, await desk.now() - timedelta(days=3))
    booking = f"""
        INSERT INTO free_services.slot_booking (booking_id, slot_id, county, claim_hash)
        SELECT gen_random_uuid(), slot_id, county, sha256('{uuid4()}') FROM free_services.slot WHERE slot_id = """
    for statement, error in (
        (f"{booking} '{slot_id}'", asyncpg.CheckViolationError),
        (f"{booking} '{past_id}'", asyncpg.CheckViolationError),
        ("UPDATE free_services.slot_booking SET state = 'no_show'", asyncpg.CheckViolationError),
        ("UPDATE free_services.slot_booking SET state = 'checked_in'", asyncpg.CheckViolationError),
        ("UPDATE free_services.slot SET capacity = 0", asyncpg.CheckViolationError),
        ("UPDATE free_services.slot SET booked = 0", asyncpg.InsufficientPrivilegeError),
        ("UPDATE free_services.slot_booking SET slot_id = slot_id", asyncpg.InsufficientPrivilegeError),
        ("DELETE FROM free_services.slot_booking", asyncpg.InsufficientPrivilegeError),
        ("SELECT * FROM casework.return_case", asyncpg.InsufficientPrivilegeError),
    ):
        with pytest.raises(error):
            async with desk.api.acquire() as connection, connection.transaction():
                await enter_compartment(connection, "free_services")
                await connection.execute("SELECT set_config('payesh.counties', 'rey', true)")
                await connection.execute(statement)
    async with desk.api.acquire() as connection, connection.transaction():
        await enter_compartment(connection, "free_services")
        await connection.execute("SELECT set_config('payesh.counties', 'qods', true)")
        for table in ("slot", "slot_booking", "tally", "need_estimate", "service_waiting_day"):
            assert await connection.fetchval(f"SELECT count(*) FROM free_services.{table}") == 0
        assert await connection.execute("UPDATE free_services.service_centre SET planned_until = NULL") == "UPDATE 0"
        assert await connection.fetchval("SELECT count(*) FROM free_services.service_centre") == 2, "a catalogue"


async def test_every_table_of_a_county_is_guarded(desk: Desk) -> None:
    tables = await desk.superuser.fetch(
        """
        SELECT relname, relrowsecurity AND relforcerowsecurity AS guarded FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'county'
        WHERE relnamespace = 'free_services'::regnamespace AND relkind = 'r'
        """
    )
    assert len(tables) >= 8
    assert all(table["guarded"] for table in tables), tables


async def test_calendar_brings_days_no_shows_and_waiting_times(desk: Desk) -> None:
    centre_id = await desk.centre(capacity=2)
    slot_id = await desk.slot(centre_id)
    await desk.book(slot_id)
    await desk.move(slot_id, await desk.now() - timedelta(days=2))
    assert await desk.as_worker(service_days.end_bookings_of_past_days) is False
    assert await desk.superuser.fetchval("SELECT state FROM free_services.slot_booking") == "no_show"
    today = office_date(await desk.now())
    await desk.superuser.execute("UPDATE free_services.service_centre SET planned_until = $1", today)
    await desk.superuser.execute("DELETE FROM free_services.slot_booking")
    await desk.superuser.execute("DELETE FROM free_services.slot")
    await desk.as_worker(service_days.plan_coming_days)
    days = {start.date() for start in await slot_days(desk, centre_id)}
    assert max(days) >= today + timedelta(days=PLANNED_DAYS - 5)
    for _ in range(2):
        await desk.as_worker(service_days.measure_waiting_times)
    [measured] = await desk.events("ServiceWaitingMeasured")
    assert measured["measured_on"] == today.isoformat()
    assert 0 <= measured["days_until_free"] < PLANNED_DAYS


async def test_examples_are_loaded_once(desk: Desk) -> None:
    first = await desk.run(service_centres.load_examples, service_centres.LoadExamples())
    assert (first.added, first.present) == (["khalij_e_fars", "gol_tappeh"], [])
    rows = "SELECT json_agg(c ORDER BY service_centre_id)::text FROM free_services.service_centre c"
    slots = "SELECT json_agg(s ORDER BY slot_id)::text FROM free_services.slot s"
    before = [await desk.superuser.fetchval(query) for query in (rows, slots)]
    events = len(await desk.events())
    again = await desk.run(service_centres.load_examples, service_centres.LoadExamples())
    assert (again.added, again.present) == ([], ["khalij_e_fars", "gol_tappeh"])
    assert [await desk.superuser.fetchval(query) for query in (rows, slots)] == before
    assert len(await desk.events()) == events
    names = await desk.superuser.fetch("SELECT name_fa, county FROM free_services.service_centre ORDER BY county")
    assert [tuple(row) for row in names] == [("گل تپه", "rey"), ("خلیج فارس", "tehran")]


async def test_worker_does_a_days_work_and_stops(desk: Desk) -> None:
    await desk.centre()
    await desk.superuser.execute(
        "DELETE FROM free_services.slot; UPDATE free_services.service_centre SET planned_until = NULL"
    )
    context: WorkerContext[Any] = WorkerContext(desk.office.worker, None, asyncio.Event())
    running = asyncio.create_task(watch_service_days(context))
    async with asyncio.timeout(10):
        while not await desk.events("ServiceWaitingMeasured"):
            await asyncio.sleep(0.02)
    context.stopping.set()
    await running
    assert await desk.superuser.fetchval("SELECT count(*) FROM free_services.slot") > 0


async def test_waiting_times_through_the_broker(desk: Desk, kafka_with_topics: str) -> None:
    for county in (County.REY, County.TEHRAN):
        await desk.centre(county)
    await desk.as_worker(service_days.measure_waiting_times)
    async with running_spine(desk, kafka_with_topics) as consumer:
        async with asyncio.timeout(30):
            while await desk.superuser.fetchval("SELECT count(*) FROM free_services.service_waiting_day") < 2:
                await asyncio.sleep(0.05)
        reactions = collect_reactions(free_services_handlers, "free_services")
        reports = await refold(desk.office.worker, kafka_with_topics, consumer.consumer_id, reactions, keep=True)
        [report] = [one for one in reports if one.table == "free_services.service_waiting_day"]
        assert report.agrees, report
    assert await desk.superuser.fetchval("SELECT count(*) FROM parked_event") == 0


@asynccontextmanager
async def running_spine(desk: Desk, kafka: str) -> AsyncGenerator[BatchConsumer]:
    relay = Relay(RelaySettings(desk.office.database.worker_url, kafka, "nationals"))
    relaying = asyncio.create_task(relay.run())
    consumer = BatchConsumer(
        desk.office.worker, collect_reactions(free_services_handlers, "free_services"), "nationals"
    )
    subscription = Subscription(
        consumer, bootstrap_servers=kafka, group="payesh-free-services", instance="1", pauses_when_idle=True
    )
    await subscription.start()
    try:
        yield consumer
    finally:
        await subscription.stop()
        relay.stop()
        await relaying
