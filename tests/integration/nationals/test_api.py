"""The service's HTTP on a real database: a household's dignified path, refusals that say what is missing, county isolation."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.nationals.app import service
from services.nationals.casework import handlers
from services.nationals.casework.domain.counters import total_deltas
from shared.contracts import nationals as contracts
from shared.contracts.base import Event
from shared.kit.database import enter_compartment, open_pool
from shared.kit.http import connect
from shared.kit.routing import Received
from tests.integration.nationals.office import Office
from tests.support.identity import bearer, client_of, create_test_verifier

CASE = {"reference": "REY-0001", "county": "rey", "adults": 2, "children_under_5": 0, "children_5_to_17": 1}
CONSENT = {
    "language": "fa",
    "interpreter": {"relation": "professional"},
    "information_version": 3,
    "given_freely": True,
    "sign_of_pressure": False,
}
INFORMATION = {"language": "fa", "information_version": 3, "interpreter": {"relation": "professional"}}


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


async def open_household(client: httpx.AsyncClient, **changes: object) -> str:
    opened = await ask(client, "POST", "/cases", "caseworker", {**CASE, **changes}, 201)
    assert opened["state"] == "opened"
    return opened["case_id"]


async def consent_of(client: httpx.AsyncClient, case_id: str) -> None:
    await ask(client, "POST", f"/cases/{case_id}/information-sessions", "caseworker", INFORMATION, 201)
    for person in (1, 2, 3):
        body = {"person_number": person, "outcome": "clear", "valid_days": 30}
        await ask(client, "POST", f"/cases/{case_id}/screenings", "protection_officer", body, 201)
    for person in (1, 2):
        body = {"person_number": person, "language": "fa", "interpreter": {"relation": "professional"}}
        await ask(client, "POST", f"/cases/{case_id}/private-hearings", "caseworker", body, 201)
    answer = await ask(client, "POST", f"/cases/{case_id}/consent", "caseworker", CONSENT, 201)
    assert (answer["state"], answer["accepted"]) == ("consented", True)


async def open_centre(client: httpx.AsyncClient, capacity: int) -> str:
    body = {"name": f"Camp {uuid4().hex[:6]}", "county": "rey"}
    centre_id = (await ask(client, "POST", "/centres", "centre_manager", body, 201))["centre_id"]
    body = {"floor_area_m2": "3500", "toilets": 50, "staff_per_shift": 40}
    await ask(client, "PUT", f"/centres/{centre_id}/record", "centre_manager", body)
    body = {"place_kind": "family", "capacity": capacity}
    await ask(client, "PUT", f"/centres/{centre_id}/capacity", "centre_manager", body)
    return centre_id


async def fold_everything(office: Office, chunk: int) -> None:
    """Fold what was published, in batches of `chunk`, each batch's order reversed for the absolute projection."""
    rows = await office.superuser.fetch("SELECT type, sequence, body FROM outbox ORDER BY position")
    received: list[Received[Any]] = []
    for row in rows:
        event_type: type[Event] = getattr(contracts, row["type"].split(".")[1])
        event = event_type.model_validate_json(row["body"])
        received.append(Received(event, uuid4(), datetime.now(UTC), row["sequence"], "test"))
    for start in range(0, len(received), chunk):
        batch = received[start : start + chunk]
        await office.as_worker(handlers.fold_case_counters, batch)
        await office.as_worker(handlers.fold_centre_places, _places(batch))
    for item in reversed(_places(received)):
        await office.as_worker(handlers.fold_centre_places, [item])


def _places(received: Sequence[Received[Any]]) -> list[Received[Any]]:
    return [item for item in received if isinstance(item.event, contracts.CentreCapacityChanged)]


async def test_household_on_its_way_and_the_counters_that_follow(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 4)
    case_id = await open_household(client)
    await consent_of(client, case_id)
    body = {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 3}]}
    booking = await ask(client, "POST", f"/cases/{case_id}/bookings", "caseworker", body, 201)
    assert booking["state"] == "booked"
    released = await ask(client, "POST", f"/bookings/{booking['booking_id']}/release", "caseworker")
    assert (released["state"], released["released"]) == ("released", True)
    again = await ask(client, "POST", f"/cases/{case_id}/bookings", "caseworker", body, 201)
    withdrawn = await ask(client, "POST", f"/cases/{case_id}/withdrawal", "caseworker")
    assert withdrawn == {
        "case_id": case_id,
        "state": "withdrawn",
        "recorded": True,
        "released_booking_id": again["booking_id"],
    }
    closed = await ask(client, "POST", f"/cases/{case_id}/closure", "caseworker", {"outcome": "withdrawn"})
    assert closed["state"] == "closed"
    await fold_everything(office, chunk=3)
    counters = await ask(client, "GET", "/counters", "province_officer")
    assert counters["centres"] == counters["projected_centres"]
    assert counters["centres"][centre_id] == {"family": {"capacity": 4, "held": 0, "used": 0}}
    rey = counters["cases"]["rey"]
    assert {name: count for name, count in rey.items() if count} == {
        "opened": 1,
        "consented": 1,
        "withdrawn": 1,
        "closed": 1,
    }
    [centre] = (await ask(client, "GET", "/centres?county=rey", "caseworker"))["items"]
    assert centre["places"]["family"]["capacity"] == 4


async def test_refusal_names_safeguard_and_what_would_satisfy_it(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 4)
    case_id = await open_household(client)
    body = {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 3}]}
    path = f"/cases/{case_id}/bookings"
    english = await ask(client, "POST", path, "caseworker", body, 409, **{"Accept-Language": "en"})
    assert (english["code"], english["safeguard"]) == ("nationals.safeguard.screening_missing", 1)
    assert english["details"] == {"persons": [1, 2, 3], "satisfied_by": "screening_of_each_person"}
    assert "screening" in english["detail"]
    persian = await ask(client, "POST", path, "caseworker", body, 409, **{"Accept-Language": "fa"})
    assert "غربالگری" in persian["detail"]
    assert await office.places(UUID(centre_id)) == (4, 0, 0)


@pytest.mark.parametrize("secret", ["0012345678", "09123456789", "Ahmad Karimi", "۰۰۱۲۳۴۵۶۷۸", "REY-0012345678"])
async def test_reference_that_may_name_somebody_is_refused_and_not_repeated(
    office: Office, client: httpx.AsyncClient, secret: str
) -> None:
    answer = await ask(client, "POST", "/cases", "caseworker", {**CASE, "reference": secret}, 422)
    assert answer["code"] == "nationals.case.reference_not_pseudonymous"
    assert secret not in orjson.dumps(answer).decode()
    assert await office.events() == []


async def test_every_read_is_logged_and_need_to_know(office: Office, client: httpx.AsyncClient) -> None:
    case_id = await open_household(client)
    await consent_of(client, case_id)
    seen = await ask(client, "GET", f"/cases/{case_id}?purpose=casework", "caseworker")
    assert [screening["outcome"] for screening in seen["screenings"]] == [None, None, None]
    assert seen["consent_in_force"]
    seen = await ask(client, "GET", f"/cases/{case_id}?purpose=protection_screening", "protection_officer")
    assert [screening["outcome"] for screening in seen["screenings"]] == ["clear"] * 3
    for path in (f"/cases/{case_id}", f"/cases/{case_id}?purpose=curiosity"):
        await ask(client, "GET", path, "caseworker", status=422)
    await ask(client, "GET", f"/cases/{case_id}?purpose=casework", "inspector", status=403)
    await ask(
        client, "GET", f"/cases/{case_id}?purpose=casework", "caseworker", status=422, **{"Idempotency-Key": "k" * 20}
    )
    rows = await office.superuser.fetch("SELECT read_by, purpose FROM casework.case_read_log ORDER BY read_id")
    assert [tuple(row) for row in rows] == [("caseworker", "casework"), ("protection_officer", "protection_screening")]


async def test_county_is_invisible_and_untouchable_from_another(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 4)
    case_id = await open_household(client)
    elsewhere = bearer("caseworker", "centre_manager", "legal_officer", "province_officer", counties=["varamin"])
    for method, path, body in (
        ("GET", f"/cases/{case_id}?purpose=casework", None),
        ("POST", f"/cases/{case_id}/withdrawal", None),
        ("POST", f"/cases/{case_id}/closure", {"outcome": "regularised"}),
        ("POST", f"/cases/{case_id}/information-sessions", INFORMATION),
        ("PUT", f"/centres/{centre_id}/capacity", {"place_kind": "family", "capacity": 1, "reason": "x"}),
    ):
        answer = await client.request(method, path, json=body, headers=elsewhere)
        assert answer.status_code == 404, answer.text
    assert (await client.post("/cases", json=CASE, headers=elsewhere)).status_code == 403
    assert (await client.get("/legal-reviews", headers=elsewhere)).json()["items"] == []
    assert (await client.get("/counters", headers=elsewhere)).json()["cases"] == {}
    assert len((await client.get("/centres", headers=elsewhere)).json()["items"]) == 1, (
        "centres serve the whole province"
    )
    assert await office.places(UUID(centre_id)) == (4, 0, 0)
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.case_read_log") == 0


@asynccontextmanager
async def single_connection(office: Office) -> AsyncGenerator[Any]:
    pool = await open_pool(office.database.api_url, size=1, name="nationals-test-one")
    try:
        yield pool
    finally:
        pool.terminate()


async def test_reused_connection_starts_without_counties(office: Office) -> None:
    case_id = await office.consented()
    centre_id = await office.centre(1)
    await office.book(case_id, centre_id)
    await office.withdraw(case_id)
    tables = await office.superuser.fetch(
        """
        SELECT relname, relrowsecurity AND relforcerowsecurity AS guarded FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'county'
        WHERE relnamespace = 'casework'::regnamespace AND relkind = 'r'
        """
    )
    assert tables
    assert all(table["guarded"] for table in tables)
    async with single_connection(office) as pool:
        for principal_counties, rows in (("rey", 1), (None, 0), ("varamin", 0), ("rey", 1)):
            async with pool.acquire() as connection, connection.transaction():
                await enter_compartment(connection, "casework")
                if principal_counties:
                    await connection.execute("SELECT set_config('payesh.counties', $1, true)", principal_counties)
                assert await connection.fetchval("SELECT count(*) FROM casework.return_case") == rows
                assert await connection.fetchval("SELECT count(*) FROM casework.booking") == rows


async def test_events_carry_no_personal_data(office: Office, client: httpx.AsyncClient) -> None:
    case_id = await open_household(client, reference="REY-7-77")
    await consent_of(client, case_id)
    await ask(client, "POST", f"/cases/{case_id}/withdrawal", "caseworker")
    for row in await office.superuser.fetch("SELECT body FROM outbox"):
        body = orjson.loads(row["body"])
        assert "REY-7-77" not in row["body"].decode()
        assert not body.keys() & {"reference", "adults", "children_under_5", "language", "needs", "person_number"}


def test_counter_sums_do_not_depend_on_batches() -> None:
    county = contracts.County.REY
    case_id = uuid4()
    until = datetime.now(UTC)
    events: list[Event] = [
        contracts.ReturnCaseOpened(case_id=case_id, county=county, voluntary_until=until),
        contracts.PhaseTwoReviewRequested(case_id=case_id, county=county, voluntary_until=until),
        contracts.ReturnCaseClosed(
            case_id=case_id, county=county, outcome=contracts.CaseOutcome.NOT_VIABLE, was_awaiting_legal_review=True
        ),
    ]
    whole = total_deltas(events)
    assert whole[county, "open"] == whole[county, "in_legal_review"] == 0
    parts = [total_deltas([event]) for event in events]
    assert whole == {key: sum(part.get(key, 0) for part in parts) for key in whole}
