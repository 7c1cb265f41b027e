"""HTTP of the voluntary stage: a household's dignified path to its departure, a pause and its end, an unaccompanied child."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.nationals.app import service
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.integration.nationals.test_api import ask, consent_of, fold_everything, open_centre, open_household
from tests.support.identity import bearer, client_of, create_test_verifier

INTERPRETER = {"relation": "professional"}


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as opened:
        yield opened


async def ask_as(
    client: httpx.AsyncClient, path: str, role: str, subject: str, body: Any = None, status: int = 200
) -> Any:
    answer = await client.request("POST" if body else "GET", path, json=body, headers=bearer(role, subject=subject))
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_household_departs_by_http_and_nothing_counts_it(office: Office, client: httpx.AsyncClient) -> None:
    centre_id = await open_centre(client, 4)
    case_id = await open_household(client)
    await consent_of(client, case_id)
    body = {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 3}]}
    await ask(client, "POST", f"/cases/{case_id}/bookings", "caseworker", body, 201)
    refused = await ask(client, "POST", f"/cases/{case_id}/departure", "caseworker", None, 409)
    assert (refused["safeguard"], refused["details"]["satisfied_by"]) == (
        2,
        "reconfirmation_through_an_independent_interpreter",
    )
    persian = {"Accept-Language": "fa"}
    refused = await ask(client, "POST", f"/cases/{case_id}/departure", "caseworker", None, 409, **persian)
    assert "مترجم مستقل" in refused["detail"]
    body = {"language": "fa", "interpreter": INTERPRETER}
    await ask(client, "POST", f"/cases/{case_id}/reconfirmations", "caseworker", body, 201)
    seen = await ask(client, "GET", f"/cases/{case_id}?purpose=casework", "caseworker")
    assert seen["heard_privately"] == [1, 2]
    assert seen["reconfirmed_until"]
    departed = await ask(client, "POST", f"/cases/{case_id}/departure", "caseworker")
    assert departed == {"case_id": case_id, "state": "departed"}
    late = await ask(client, "POST", f"/cases/{case_id}/withdrawal", "caseworker", None, 409)
    assert (late["code"], late["safeguard"]) == ("nationals.case.departed", 3)
    assert late["details"]["satisfied_by"] == "the_protection_office"
    await fold_everything(office, chunk=2)
    counters = await ask(client, "GET", "/counters", "province_officer")
    assert counters["cases"]["rey"]["open"] == 0
    assert counters["cases"]["rey"]["closed"] == 0
    assert not any("depart" in name for name in counters["cases"]["rey"])
    assert await office.places(UUID(centre_id)) == (4, 0, 0)


async def test_pause_waits_in_its_offices_list_until_two_people_end_it(
    office: Office, client: httpx.AsyncClient
) -> None:
    case_id = await open_household(client)
    await consent_of(client, case_id)
    body = {"person_number": 2, "outcome": "medical_flag"}
    await ask(client, "POST", f"/cases/{case_id}/screenings", "protection_officer", body, 201)
    [waiting] = (await ask_as(client, "/pauses", "medical_officer", "doctor.one"))["items"]
    assert (waiting["case_id"], waiting["clearance_proposed"]) == (case_id, False)
    assert not waiting.keys() & {"safeguard", "reason", "note"}
    path = f"/cases/{case_id}/pauses/{waiting['pause_id']}/clearances"
    body = {"reason": "fit_to_travel", "note": "seen by the doctor"}
    proposed = await ask_as(client, path, "medical_officer", "doctor.one", body, 201)
    await ask_as(client, path, "caseworker", "caseworker", body, 403)
    view = await ask_as(client, f"/cases/{case_id}?purpose=protection_screening", "medical_officer", "doctor.two")
    assert [(each["note"], each["proposed_by"]) for each in view["clearances"]] == [
        ("seen by the doctor", "doctor.one")
    ]
    view = await ask(client, "GET", f"/cases/{case_id}?purpose=casework", "caseworker")
    assert (view["clearances"], view["split_request"]) == ([], None)
    path = f"/cases/{case_id}/clearances/{proposed['clearance_id']}/decision"
    own = await ask_as(client, path, "medical_officer", "doctor.one", {"decision": "confirmed"}, 409)
    assert (own["safeguard"], own["details"]["satisfied_by"]) == (6, "another_officer")
    done = await ask_as(client, path, "medical_officer", "doctor.two", {"decision": "confirmed"})
    assert done["resumed"]
    assert (await ask_as(client, "/pauses", "protection_officer", "officer.one"))["items"] == []


async def test_split_and_child_records_by_http(office: Office, client: httpx.AsyncClient) -> None:
    case_id = await open_household(client)
    path = f"/cases/{case_id}/split-requests"
    requested = await ask_as(client, path, "protection_officer", "officer.one", {"leaving": [1]}, 201)
    view = await ask_as(client, f"/cases/{case_id}?purpose=protection_screening", "protection_officer", "officer.two")
    assert view["split_request"] == {"split_id": requested["split_id"], "leaving": [1], "requested_by": "officer.one"}
    body = {"decision": "approved", "leaving_reference": "REY-11", "staying_reference": "REY-12"}
    path = f"{path}/{requested['split_id']}/decision"
    own = await ask_as(client, path, "protection_officer", "officer.one", body, 409)
    assert own["safeguard"] == 6
    done = await ask_as(client, path, "protection_officer", "officer.two", body)
    assert done["leaving_case_id"] != done["staying_case_id"]
    alone = await open_household(client, reference="REY-2", adults=0)
    path = f"/cases/{alone}/child-protection-records"
    record = {"person_number": 1, "dated_on": "2026-11-01"}
    guardian = {**record, "kind": "guardian_appointed", "appointment_reference": "GA-1"}
    answer = await ask_as(client, path, "protection_officer", "officer.one", guardian, 201)
    assert answer["missing"] == ["1:best_interests_determined", "1:reception_verified"]
    interests = {**record, "kind": "best_interests_determined", "determination_version": 1}
    refused = await ask_as(client, path, "protection_officer", "officer.one", interests, 409)
    assert refused["safeguard"] == 8
    for wrong in ({**guardian, "appointment_reference": None}, {**interests, "determination_version": None}):
        await ask_as(client, path, "child_protection_officer", "officer.three", wrong, 422)
