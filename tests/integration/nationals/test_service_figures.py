"""Tallies, needs and what is published of them: exact inside, small cells hidden outside, for good."""

import io
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import openpyxl
import pytest
from persiantools.jdatetime import JalaliDate

from services.nationals.app import service
from services.nationals.free_services.domain.calendar import JalaliMonth
from services.nationals.free_services.domain.figures import CorrectionReason, EstimateSource, TallyMeasure
from services.nationals.free_services.handlers import service_days, service_figures
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.kit.database import enter_compartment
from shared.kit.http import connect
from shared.persian.calendar import office_date
from tests.integration.nationals.office import Office
from tests.integration.nationals.service_desk import Desk, manager
from tests.support.identity import bearer, client_of, create_test_verifier

SCHEMA = Path(__file__).parents[3] / "services" / "nationals" / "schema"
FEE_WORDS = re.compile(
    r"\b(fee|fees|price|prices|priced|cost|costs|tariff|payment|payments|charge|charges|paid|invoice|discount)\b|هزینه|تعرفه|کارمزد|قیمت",
    re.IGNORECASE,
)
PERSON_WORDS = re.compile(
    r"person|visitor|household|nationality|origin|ethnic|religion|passport|first_name|last_name|birth"
)


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as opened:
        yield opened


async def ask(
    client: httpx.AsyncClient, method: str, path: str, role: str, body: Any = None, status: int = 200, **headers: str
) -> Any:
    answer = await client.request(method, path, json=body, headers={**bearer(role, subject=role), **headers})
    assert answer.status_code == status, answer.text
    return answer.json()


async def month_before(desk: Desk, months: int = 1) -> JalaliMonth:
    """A month that is over."""
    today = JalaliDate(office_date(await desk.now()))
    month = JalaliMonth(today.year, today.month)
    for _ in range(months):
        month = JalaliMonth(*month.previous)
    return month


async def publish(desk: Desk, month: JalaliMonth, *counties: County) -> Any:
    command = service_figures.PublishMonth(jalali_year=month.year, jalali_month=month.month)
    return await desk.run(service_figures.publish_month, command, manager(*counties))


async def busy_month(desk: Desk, month: JalaliMonth, rey_visits: int = 3, tehran_visits: int = 60) -> tuple[UUID, UUID]:
    """A centre in Rey and one in Tehran, each with two services; `rey_visits` in education is a small cell."""
    services = (FreeService.EDUCATION, FreeService.LEGAL_AID)
    rey = await desk.centre(County.REY, services=services)
    tehran = await desk.centre(County.TEHRAN, services=services)
    day = month.first_day
    await desk.tally(rey, day, rey_visits)
    await desk.tally(rey, day, 40, FreeService.LEGAL_AID)
    await desk.tally(tehran, day, tehran_visits)
    await desk.tally(tehran, day + timedelta(days=1), 70, FreeService.LEGAL_AID)
    return rey, tehran


async def test_tally_is_append_only_and_corrected_with_a_reason(desk: Desk) -> None:
    centre_id = await desk.centre()
    today = office_date(await desk.now())
    assert (await desk.tally(centre_id, today, 12)).revision == 1
    with pytest.raises(Refusal, match=r"tally\.exists"):
        await desk.tally(centre_id, today, 13)
    assert (await desk.tally(centre_id, today, 13, reason=CorrectionReason.LATE_SHEETS)).revision == 2
    with pytest.raises(Refusal, match=r"tally\.not_found"):
        await desk.tally(centre_id, today, 1, measure=TallyMeasure.WAITING, reason=CorrectionReason.LATE_SHEETS)
    with pytest.raises(Refusal, match="in_future"):
        await desk.tally(centre_id, today + timedelta(days=1), 1)
    with pytest.raises(Refusal, match="service_not_offered"):
        await desk.tally(centre_id, today, 1, FreeService.LIVELIHOOD)
    with pytest.raises(Refusal, match=r"service_centre\.not_found"):
        command = service_figures.RecordTally(
            service_centre_id=centre_id,
            service=FreeService.EDUCATION,
            counted_on=today,
            measure=TallyMeasure.TURNED_AWAY,
            count=1,
        )
        await desk.run(service_figures.record_tally, command, manager(County.QODS))
    assert [event["corrected"] for event in await desk.events("ServiceDemandRecorded")] == [False, True]
    assert all("count" not in event for event in await desk.events("ServiceDemandRecorded"))
    for statement, error in (
        ("UPDATE free_services.tally SET count = 0", asyncpg.InsufficientPrivilegeError),
        ("DELETE FROM free_services.tally", asyncpg.InsufficientPrivilegeError),
        (tally_row(4, "'late_sheets'"), asyncpg.ForeignKeyViolationError),
        (tally_row(3, "NULL"), asyncpg.CheckViolationError),
        (tally_row(3, "'he came late'"), asyncpg.CheckViolationError),
        (tally_row(3, "'late_sheets'", "1 + current_date + 1"), asyncpg.PostgresError),
    ):
        with pytest.raises(error):
            await raw(desk, statement)


def tally_row(revision: int, reason: str, counted_on: str = "counted_on") -> str:
    return f"""
        INSERT INTO free_services.tally
            (service_centre_id, service, counted_on, measure, revision, county, count, reason, recorded_by)
        SELECT service_centre_id, service, {counted_on}, measure, {revision}, county, 1, {reason}, 'x'
        FROM free_services.tally WHERE revision = 1
    """


async def raw(desk: Desk, statement: str, counties: str = ",".join(County)) -> None:
    async with desk.api.acquire() as connection, connection.transaction():
        await enter_compartment(connection, "free_services")
        await connection.execute("SELECT set_config('payesh.counties', $1, true)", counties)
        await connection.execute(statement)


async def test_need_comes_from_tallies_unmet_requests_and_estimates(desk: Desk, client: httpx.AsyncClient) -> None:
    month = await month_before(desk)
    rey, _ = await busy_month(desk, month)
    day = month.first_day
    await desk.tally(rey, day, 5, measure=TallyMeasure.TURNED_AWAY)
    await desk.tally(rey, day, 90, measure=TallyMeasure.WAITING)
    await desk.tally(rey, day + timedelta(days=2), 20, measure=TallyMeasure.WAITING)
    await desk.tally(
        rey, day + timedelta(days=2), 24, measure=TallyMeasure.WAITING, reason=CorrectionReason.COUNTING_ERROR
    )
    await desk.past_slot(rey, day, capacity=25, used=12)
    query = f"/needs/exact?jalali_year={month.year}&jalali_month={month.month}"
    figures = {(line["county"], line["service"]): line for line in await ask(client, "GET", query, "services_manager")}
    education = figures["rey", "education"]
    assert (education["visits"], education["turned_away"], education["waiting"]) == (3, 5, 24), "the last day's level"
    assert (education["need"], education["slots_offered"], education["slots_used"]) == (32, 25, 12)
    assert education["shortage"] == 7
    estimate = {
        "county": "rey",
        "service": "education",
        "jalali_year": month.year,
        "jalali_month": month.month,
        "visits": 50,
        "source": "education_office",
        "source_document": "EDU-1405-12",
    }
    assert await ask(client, "POST", "/need-estimates", "services_manager", estimate, 201) == {"revision": 1}
    assert await ask(client, "POST", "/need-estimates", "province_officer", {**estimate, "visits": 60}, 201) == {
        "revision": 2
    }
    for document in ("Ahmad Karimi", "0012345678", "A-123456-7890", "EDU"):
        answer = await ask(
            client, "POST", "/need-estimates", "services_manager", {**estimate, "source_document": document}, 422
        )
        assert answer["code"] == "nationals.need_estimate.source_not_a_document"
        assert document not in answer["detail"]
    figures = {(line["county"], line["service"]): line for line in await ask(client, "GET", query, "services_manager")}
    assert (figures["rey", "education"]["need"], figures["rey", "education"]["shortage"]) == (60, 35)
    await ask(client, "GET", query, "member", status=403)
    elsewhere = await client.get(query, headers=bearer("services_manager", counties=["tehran"]))
    assert {line["county"] for line in elsewhere.json()} == {"tehran"}


async def test_publication_hides_small_cells_for_good(desk: Desk, client: httpx.AsyncClient) -> None:
    month = await month_before(desk)
    rey, _ = await busy_month(desk, month)
    query = f"/needs?jalali_year={month.year}&jalali_month={month.month}"
    missing = await ask(client, "GET", query, "member", status=404)
    assert missing["code"] == "nationals.figures.month_not_published"
    with pytest.raises(Refusal, match="province_only"):
        await publish(desk, month, County.REY, County.TEHRAN)
    await publish(desk, month)
    figures = {(line["area"], line["service"]): line for line in await ask(client, "GET", query, "member")}
    hidden = {key for key, line in figures.items() if line["visits"] is None}
    assert hidden == {(area, of) for area in ("rey", "tehran") for of in ("education", "legal_aid")}
    assert figures["total", "education"]["visits"] == 63
    assert figures["rey", "total"]["need"] == 43
    assert figures["rey", "education"]["shortage"] is None
    assert figures["qods", "education"]["visits"] == 0, "nothing is offered there, as everybody knows"
    await desk.tally(rey, month.first_day, 30, reason=CorrectionReason.LATE_SHEETS)
    with pytest.raises(Refusal, match="month_published"):
        await publish(desk, month)
    assert {(line["area"], line["service"]): line for line in await ask(client, "GET", query, "member")} == figures
    columns = "(jalali_year, jalali_month, area, service, visits, need, slots_offered, shortage)"
    for values in (
        f"({month.year}, {month.month}, 'x', 'total', 30, 30, 0, 30)",
        f"({month.year}, {month.month}, 'x', 'total', 3, 30, 0, 30)",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await raw(desk, f"INSERT INTO free_services.published_figure {columns} VALUES {values}")
    with pytest.raises(asyncpg.CheckViolationError, match="no_small_visits"):
        await raw(
            desk,
            f"""
            INSERT INTO free_services.published_month (jalali_year, jalali_month, published_by) VALUES (1400, 1, 'x');
            INSERT INTO free_services.published_figure {columns} VALUES (1400, 1, 'rey', 'education', 3, 30, 0, 30)
            """,
        )
    for statement in (
        "UPDATE free_services.published_figure SET visits = 0",
        "DELETE FROM free_services.published_month",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await raw(desk, statement)


async def test_running_month_is_not_published(desk: Desk) -> None:
    running = await month_before(desk, 0)
    with pytest.raises(Refusal, match="month_not_over"):
        await publish(desk, running)
    with pytest.raises(Refusal, match="month_unknown"):
        await desk.run(service_figures.publish_month, service_figures.PublishMonth(jalali_year=1405, jalali_month=13))


async def test_gap_is_told_when_it_opens_and_when_it_closes(desk: Desk) -> None:
    first, hidden, last = [await month_before(desk, months) for months in (4, 3, 2)]
    rey, tehran = await busy_month(desk, first, rey_visits=50)
    await publish(desk, first)
    found = await desk.events("ServiceGapFound")
    assert {(event["county"], event["service"]) for event in found} == {
        (county, of) for county in ("rey", "tehran") for of in ("education", "legal_aid")
    }
    assert all(event.keys() == {"county", "service", "jalali_year", "jalali_month", "type"} for event in found)
    await desk.tally(rey, hidden.first_day, 3)
    await publish(desk, hidden)
    for centre_id in (rey, tehran):
        for of in (FreeService.EDUCATION, FreeService.LEGAL_AID):
            await desk.tally(centre_id, last.first_day, 30, of)
    await desk.past_slot(rey, last.first_day, capacity=400, used=20)
    await publish(desk, last)
    await publish(desk, await month_before(desk, 5))
    assert len(await desk.events("ServiceGapFound")) == 4, "a hidden month, and one published late, tell nothing"
    [closed] = await desk.events("ServiceGapClosed")
    assert (closed["county"], closed["service"], closed["jalali_month"]) == ("rey", "education", last.month)


async def test_overview_of_month_and_year(desk: Desk, client: httpx.AsyncClient) -> None:
    months = [await month_before(desk, 3), await month_before(desk, 2)]
    if months[0].year != months[1].year:
        pytest.skip("the year has just begun")
    rey, tehran = await busy_month(desk, months[0], rey_visits=3)
    for centre_id, count in ((rey, 50), (tehran, 80)):
        await desk.tally(centre_id, months[1].first_day, count)
        await desk.tally(centre_id, months[1].first_day, 90, FreeService.LEGAL_AID)
        await desk.past_slot(centre_id, months[1].first_day, capacity=30, used=15)
    for month in months:
        await publish(desk, month)
    year = f"/service-overview?jalali_year={months[0].year}"
    second = await ask(client, "GET", f"{year}&jalali_month={months[1].month}", "county_chair")
    figures = {(line["area"], line["service"]): line for line in second["figures"]}
    assert figures["rey", "education"]["visits"] == 50
    assert figures["rey", "education"]["slots_used"] == 15
    assert figures["rey", "education"]["waited_minutes_mean"] == 15
    whole = await ask(client, "GET", year, "county_chair")
    assert whole["months"] == [month.month for month in months]
    figures = {(line["area"], line["service"]): line for line in whole["figures"]}
    assert figures["rey", "education"]["visits"] is None, "the year less the shown month would give the hidden one"
    assert figures["total", "total"]["visits"] == (3 + 40 + 60 + 70) + (50 + 80 + 90 + 90)
    answer = await client.get(year.replace("overview?", "overview.xlsx?"), headers=bearer("county_chair"))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith(f'"free-services-{months[0].year}.xlsx"')
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert len(book.sheetnames) == 4
    assert all(sheet.sheet_view.rightToLeft for sheet in book.worksheets)
    rows = {row[:2]: row[2:] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)}
    assert rows["استان", "همهٔ خدمات"][0] == figures["total", "total"]["visits"]
    assert rows["ری", "آموزش"][0] == "پنهان"


async def test_commands_over_http_are_idempotent_and_kept_to_their_role(client: httpx.AsyncClient, desk: Desk) -> None:
    key = {"Idempotency-Key": "open-1"}
    body = {"county": "rey", "name_fa": "مرکز نمونه", "name_en": "Sample"}
    opened = await ask(client, "POST", "/service-centres", "services_manager", body, 201, **key)
    assert await ask(client, "POST", "/service-centres", "services_manager", body, 201, **key) == opened
    persian = await ask(client, "POST", "/service-centres", "services_manager", body, 409, **{"Accept-Language": "fa"})
    assert "همین نام" in persian["detail"]
    path = f"/service-centres/{opened['service_centre_id']}"
    hours = {
        "hours": [
            {"weekday": day, "opens_at": "08:00", "closes_at": "12:00"} for day in ("saturday", "monday", "tuesday")
        ]
    }
    await ask(client, "PUT", f"{path}/opening-hours", "services_manager", hours)
    friday = {"hours": [{"weekday": "friday", "opens_at": "08:00", "closes_at": "12:00"}]}
    await ask(client, "PUT", f"{path}/opening-hours", "services_manager", friday, 422)
    offer = {"capacity_per_slot": 2, "slot_minutes": 60}
    assert (await ask(client, "PUT", f"{path}/services/education", "services_manager", offer))["slots_changed"] > 0
    today = office_date(await desk.now())
    query = f"{path}/slots?from_on={today + timedelta(days=1)}&days=13"
    slots = await ask(client, "GET", query, "services_manager")
    booking = f"/service-slots/{slots[-1]['slot_id']}/bookings"
    key = {"Idempotency-Key": "book-1"}
    booked = await ask(client, "POST", booking, "services_manager", status=201, **key)
    assert await ask(client, "POST", booking, "services_manager", status=201, **key) == booked
    assert [slot["free"] for slot in await ask(client, "GET", query, "services_manager")][-1] == 1
    claim = {"claim_code": booked["claim_code"]}
    assert (await ask(client, "POST", "/slot-claims/release", "services_manager", claim))["state"] == "released"
    again = await ask(client, "POST", "/slot-claims/release", "services_manager", claim, 409)
    assert again["code"] == "nationals.slot.booking_ended"
    for method, refused, role in (
        ("POST", booking, "caseworker"),
        ("GET", query, "caseworker"),
        ("GET", "/service-waiting-times", "caseworker"),
        ("POST", "/service-publications", "member"),
    ):
        await ask(client, method, refused, role, {}, 403)
    elsewhere = bearer("services_manager", counties=["qods"])
    assert (await client.put(f"{path}/services/education", json=offer, headers=elsewhere)).status_code == 404
    assert (await client.post("/service-centres", json=body, headers=elsewhere)).status_code == 403
    assert (await client.get(query, headers=elsewhere)).json() == []
    assert len((await client.get("/service-centres", headers=elsewhere)).json()["items"]) == 1
    [waiting] = await ask(client, "GET", "/service-waiting-times", "member")
    assert waiting["days_until_free"] >= 0
    assert waiting["waited_minutes_mean"] is None


async def test_waiting_days_are_folded_once(desk: Desk) -> None:
    centre_id = await desk.centre()
    await desk.as_worker(service_days.measure_waiting_times)
    [measured] = await desk.events("ServiceWaitingMeasured")
    rows = await desk.superuser.fetch("SELECT type, sequence, body FROM outbox WHERE type LIKE '%WaitingMeasured%'")
    assert len(rows) == 1
    for _ in range(2):
        await desk.as_worker(service_days.fold_waiting_days, [received(measured)])
    stored = await desk.superuser.fetchrow("SELECT * FROM free_services.service_waiting_day")
    assert stored is not None
    assert (stored["service_centre_id"], stored["days_until_free"]) == (centre_id, measured["days_until_free"])


def received(body: dict[str, Any]) -> Any:
    from datetime import UTC, datetime
    from uuid import uuid4

    from shared.contracts.free_services import ServiceWaitingMeasured
    from shared.kit.routing import Received

    return Received(ServiceWaitingMeasured.model_validate(body), uuid4(), datetime.now(UTC), 1, "test")


async def test_there_is_no_word_for_a_fee_and_no_column_for_a_person(desk: Desk) -> None:
    columns = await desk.superuser.fetch(
        "SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'free_services'"
    )
    assert len(columns) > 50
    names = " ".join(re.split(r"[._]", " ".join(row["name"] for row in columns)))
    assert FEE_WORDS.search(names) is None
    for name in (row["name"] for row in columns):
        assert PERSON_WORDS.search(name) is None, name
    for migration in SCHEMA.glob("02*.sql"):
        assert FEE_WORDS.search(migration.read_text("utf-8")) is None, migration.name
    document = service.api.openapi()
    for path, operations in document["paths"].items():
        if re.match(r"/(service|slot|need)", path):
            assert FEE_WORDS.search(str(operations).replace("_", " ")) is None, path
    for name, schema in document["components"]["schemas"].items():
        assert FEE_WORDS.search(re.sub(r"[_A-Z]", " ", f"{name} {' '.join(schema.get('properties', {}))}")) is None, (
            name
        )


def test_persian_calendar_month_ends() -> None:
    month = JalaliMonth(1405, 12)
    assert month.after_last_day == date(2027, 3, 21)
    assert JalaliMonth(1405, 1).previous == (1404, 12)
    assert EstimateSource("survey") is EstimateSource.SURVEY
