"""Support requests: each step by its side, history kept, an unanswered one told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.nationals.app import service
from services.nationals.free_services.handlers.support_requests import SUPPORT_ANSWER, notice_unanswered_request
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.integration.nationals.partner_office import PartnerOffice, only_bodies, today
from tests.support.identity import client_of, create_test_verifier


@pytest.fixture
async def partners(office: Office) -> AsyncIterator[PartnerOffice]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as client:
        yield PartnerOffice(office, client)


async def requested(partners: PartnerOffice, partner_id: str, status: int = 201, **changes: Any) -> Any:
    body = {
        "partner_id": partner_id,
        "county": "rey",
        "support": "space",
        "quantity": 3,
        "needed_by": (today() + timedelta(days=20)).isoformat(),
        **changes,
    }
    return await partners.ask("POST", "/support-requests", body, status)


def step_path(request: dict[str, Any]) -> str:
    return f"/support-requests/{request['request_id']}/steps"


async def test_request_goes_its_way_between_the_two_sides(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    request = await requested(partners, partner_id)
    path = step_path(request)
    refused = await partners.ask("POST", path, {"state": "accepted"}, 403)
    assert refused["code"] == "nationals.support.step_of_other_side"
    await partners.as_partner("POST", path, {"state": "accepted"})
    assert await partners.armed(SUPPORT_ANSWER) == []
    refused = await partners.as_partner("POST", path, {"state": "confirmed"}, 409)
    assert refused["details"]["possible"] == "cancelled, under_way"
    for state in ("under_way", "delivered"):
        await partners.as_partner("POST", path, {"state": state})
    await partners.ask("POST", path, {"state": "under_way"})
    await partners.as_partner("POST", path, {"state": "delivered"})
    await partners.ask("POST", path, {"state": "confirmed"})
    shown = await partners.ask("GET", f"/support-requests/{request['request_id']}")
    steps = ["requested", "accepted", "under_way", "delivered", "under_way", "delivered", "confirmed"]
    assert [step["state"] for step in shown["steps"]] == steps
    assert {step["taken_by"] for step in shown["steps"]} == {"manager.one", "nrc.reports"}
    assert [state for (state,) in only_bodies(await partners.events("SupportRequestChanged"), "state")] == steps
    assert all("quantity" not in event for event in await partners.events())


async def test_declining_takes_a_reason(partners: PartnerOffice) -> None:
    request = await requested(partners, await partners.partner())
    refused = await partners.as_partner("POST", step_path(request), {"state": "declined"}, 422)
    assert refused["code"] == "nationals.support.decline_reason"
    await partners.as_partner("POST", step_path(request), {"state": "declined", "decline_reason": "no_means"})
    shown = await partners.as_partner("GET", f"/support-requests/{request['request_id']}")
    assert (shown["state"], shown["decline_reason"]) == ("declined", "no_means")
    await partners.ask("POST", step_path(request), {"state": "cancelled"}, 409)


async def test_unanswered_request_is_told_once_and_stays_open(partners: PartnerOffice) -> None:
    request = await requested(partners, await partners.partner())
    answered = await requested(partners, (await partners.ask("GET", "/partners"))["items"][0]["partner_id"])
    await partners.as_partner("POST", step_path(answered), {"state": "accepted"})
    await partners.fire(SUPPORT_ANSWER, request["request_id"])
    told = only_bodies(await partners.events("SupportRequestUnanswered"), "request_id", "county", "support")
    assert told == [(request["request_id"], "rey", "space")]
    await partners.again(notice_unanswered_request, answered["request_id"])
    assert len(await partners.events("SupportRequestUnanswered")) == 1
    shown = await partners.ask("GET", f"/support-requests/{request['request_id']}")
    assert shown["state"] == "requested"
    assert shown["unanswered_at"]
    await partners.as_partner("POST", step_path(request), {"state": "accepted"})


async def test_wrong_request_is_refused(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    assert (await requested(partners, partner_id, 422, county="pardis"))["code"] == "nationals.support.county"
    past = (today() - timedelta(days=1)).isoformat()
    assert (await requested(partners, partner_id, 422, needed_by=past))["code"] == "nationals.support.needed_by"
    people = await requested(partners, partner_id, 422, support="transport_of_people")
    assert people["code"] == "kit.request_invalid"
    await requested(partners, partner_id, 422, quantity=0)
    ended = {
        "name_fa": "سازمان NRC",
        "name_en": "NRC",
        "home_county": "rey",
        "counties": ["rey"],
        "services": ["education"],
        "state": "ended",
    }
    await partners.ask("PUT", f"/partners/{partner_id}", ended)
    assert (await requested(partners, partner_id, 409))["code"] == "nationals.partner.ended"


async def test_other_partners_and_counties_neither_see_nor_answer(partners: PartnerOffice) -> None:
    await partners.partner()
    other = await partners.partner("UNHCR", account="unhcr")
    request = await requested(partners, other)
    path = f"/support-requests/{request['request_id']}"
    await partners.as_partner("GET", path, status=404)
    await partners.as_partner("POST", f"{path}/steps", {"state": "accepted"}, 404)
    assert (await partners.as_partner("GET", "/support-requests"))["items"] == []
    assert (await partners.as_partner("GET", f"/support-requests?partner_id={other}"))["items"] == []
    assert len((await partners.as_partner("GET", "/support-requests", subject="unhcr"))["items"]) == 1
    await partners.ask("GET", path, status=404, counties=["varamin"])
    assert (await partners.ask("GET", "/support-requests", counties=["varamin"]))["items"] == []
    for table in ("support_request", "support_request_step"):
        assert await partners.rows_seen("varamin", f"free_services.{table}") == 0
        assert await partners.rows_seen("rey", f"free_services.{table}") == 1
