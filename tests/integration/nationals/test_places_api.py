"""HTTP of the return centres on a real database: who may do what, what the answers say, and what a refusal tells."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.nationals.app import service
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.support.identity import bearer, client_of, create_test_verifier

CENTRE = {"name": "Centre of Rey", "county": "rey"}
MEASURED = {"floor_area_m2": "7.5", "toilets": 1, "staff_per_shift": 1}


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as opened:
        yield opened


async def ask(
    client: httpx.AsyncClient, method: str, path: str, role: str, body: Any = None, status: int = 200, *counties: str
) -> Any:
    # The office's one caseworker opened the cases, so they are assigned to it.
    subject = "caseworker.one" if role == "caseworker" else role
    who = bearer(role, subject=subject, counties=counties) if counties else bearer(role, subject=subject)
    answer = await client.request(method, path, json=body, headers=who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def open_centre(client: httpx.AsyncClient, capacity: int) -> str:
    centre_id = (await ask(client, "POST", "/centres", "centre_manager", CENTRE, 201))["centre_id"]
    await ask(client, "PUT", f"/centres/{centre_id}/record", "centre_manager", MEASURED)
    body = {"place_kind": "family", "capacity": capacity}
    await ask(client, "PUT", f"/centres/{centre_id}/capacity", "centre_manager", body)
    return centre_id


async def test_a_centre_is_measured_then_takes_what_the_standards_allow(client: httpx.AsyncClient) -> None:
    centre_id = (await ask(client, "POST", "/centres", "centre_manager", CENTRE, 201))["centre_id"]
    await ask(client, "GET", f"/centres/{centre_id}/record", "caseworker", status=404)
    capacity = {"place_kind": "family", "capacity": 3}
    refused = await ask(client, "PUT", f"/centres/{centre_id}/capacity", "centre_manager", capacity, 409)
    assert refused["code"] == "nationals.centre.not_measured"
    recorded = await ask(client, "PUT", f"/centres/{centre_id}/record", "centre_manager", MEASURED)
    assert recorded["places_allowed"] == 2
    shown = await ask(client, "GET", f"/centres/{centre_id}/record", "caseworker")
    assert (shown["floor_area_m2"], shown["persons_per_toilet"], shown["places_allowed"]) == ("7.50", 20, 2)
    refused = await ask(client, "PUT", f"/centres/{centre_id}/capacity", "centre_manager", capacity, 409)
    assert (refused["code"], refused["details"]["floor_area_m2_lacking"]) == ("nationals.centre.above_standards", "3")
    await ask(client, "PUT", f"/centres/{centre_id}/record", "caseworker", MEASURED, 403)
    await ask(client, "PUT", f"/centres/{centre_id}/record", "centre_manager", MEASURED, 404, "qods")
    for wrong in ({"floor_area_m2": "-1"}, {"floor_area_m2": "1.234"}, {"toilets": -1}, {"staff_per_shift": 1.5}):
        await ask(client, "PUT", f"/centres/{centre_id}/record", "centre_manager", {**MEASURED, **wrong}, 422)


async def test_from_the_waiting_list_to_the_centre(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 1)
    first, second = await office.consented(), await office.consented()
    body = {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 1}]}
    refused = await ask(client, "POST", f"/cases/{first}/waiting-list", "caseworker", body, 409)
    assert refused["code"] == "nationals.waiting_list.places_are_free"
    booking = await ask(client, "POST", f"/cases/{first}/bookings", "caseworker", body, 201)
    joined = await ask(client, "POST", f"/cases/{second}/waiting-list", "caseworker", body, 201)
    assert joined["state"] == "waiting"
    [centre] = (await ask(client, "GET", "/centres", "caseworker"))["items"]
    assert centre["places"]["family"]["waiting_list_first"]
    await ask(client, "POST", f"/cases/{second}/waiting-list", "centre_manager", body, 403)
    await ask(client, "POST", f"/bookings/{booking['booking_id']}/release", "caseworker")
    await office.offer_round(UUID(centre_id))
    offer = await office.superuser.fetchval("SELECT booking_id FROM casework.booking WHERE case_id = $1", second)
    await ask(client, "POST", f"/bookings/{offer}/admission", "centre_manager", status=409)
    await ask(client, "POST", f"/bookings/{offer}/acceptance", "centre_manager", status=403)
    await ask(client, "POST", f"/bookings/{offer}/acceptance", "caseworker", None, 404, "qods")
    accepted = await ask(client, "POST", f"/bookings/{offer}/acceptance", "caseworker")
    assert accepted["state"] == "booked"
    refused = await ask(client, "POST", f"/bookings/{offer}/decline", "caseworker", status=409)
    assert refused["code"] == "nationals.offer.not_open"
    await ask(client, "POST", f"/bookings/{offer}/admission", "caseworker", status=403)
    await ask(client, "POST", f"/bookings/{offer}/admission", "centre_manager", None, 404, "qods")
    admitted = await ask(client, "POST", f"/bookings/{offer}/admission", "centre_manager", None, 200, "rey")
    assert (admitted["state"], admitted["admitted"]) == ("admitted", True)
    assert "case_id" not in admitted
    assert await office.places(UUID(centre_id)) == (1, 0, 1)


async def test_declining_and_leaving_have_no_consequence(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 1)
    first, second, third = [await office.consented() for _ in range(3)]
    body = {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 1}]}
    booking = await ask(client, "POST", f"/cases/{first}/bookings", "caseworker", body, 201)
    for case_id in (second, third):
        await ask(client, "POST", f"/cases/{case_id}/waiting-list", "caseworker", body, 201)
    assert (await ask(client, "POST", f"/cases/{third}/waiting-list/leave", "caseworker"))["left"]
    await ask(client, "POST", f"/bookings/{booking['booking_id']}/release", "caseworker")
    await office.offer_round(UUID(centre_id))
    offer = await office.superuser.fetchval("SELECT booking_id FROM casework.booking WHERE case_id = $1", second)
    declined = await ask(client, "POST", f"/bookings/{offer}/decline", "caseworker")
    assert declined["released"]
    assert await office.state(second) == "consented"
    assert len(await office.events("PlacesOfferEnded")) == len(await office.events("PlacesOffered")) == 1
    await ask(client, "POST", f"/cases/{third}/bookings", "caseworker", body, 201)
    assert not (await ask(client, "POST", f"/cases/{third}/waiting-list/leave", "caseworker"))["left"]


async def test_a_closed_centre_says_when_it_opens_again(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 2)
    for _ in range(2):
        await office.book(await office.consented(), UUID(centre_id))
    lowered = {"place_kind": "family", "capacity": 1}
    refused = await ask(client, "PUT", f"/centres/{centre_id}/capacity", "centre_manager", lowered, 409)
    assert refused["safeguard"] == 11
    answer = await ask(
        client, "PUT", f"/centres/{centre_id}/capacity", "centre_manager", {**lowered, "reason": "repairs"}
    )
    assert (answer["capacity"], answer["capacity_target"], answer["closed"]) == (2, 1, True)
    case_id = await office.consented()
    body = {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 1}]}
    refused = await ask(client, "POST", f"/cases/{case_id}/bookings", "caseworker", body, 409)
    assert (refused["code"], refused["details"]["places_over"]) == ("nationals.centre.closed_for_bookings", 1)
    [centre] = (await ask(client, "GET", "/centres", "caseworker"))["items"]
    assert centre["places"]["family"]["closed"]
