"""Bookings on real PostgreSQL: exact under contention, whole households only, given back once (safeguards 3, 7, 11)."""

import asyncio
from uuid import UUID

import pytest

from services.nationals.casework import handlers
from services.nationals.casework.domain import refusals
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal
from tests.integration.nationals.office import Office, staff


async def test_last_places_are_exact_under_fifty_bookings_at_once(office: Office) -> None:
    centre_id = await office.centre(capacity=41)
    sizes = [1 + number % 3 for number in range(50)]
    cases = [await office.consented(adults=size) for size in sizes]

    answers = await asyncio.gather(
        *(office.book(case_id, centre_id, size) for case_id, size in zip(cases, sizes, strict=True)),
        return_exceptions=True,
    )

    held = sum(size for size, answer in zip(sizes, answers, strict=True) if isinstance(answer, handlers.PlacesBooked))
    refused = [answer for answer in answers if not isinstance(answer, handlers.PlacesBooked)]
    assert all(isinstance(answer, Refusal) and answer.reason is refusals.NOT_ENOUGH_PLACES for answer in refused)
    assert await office.places(centre_id) == (41, held, 0)
    assert 40 <= held <= 41, "a place stays free only if no waiting household fits in it"
    changes = await office.events("CentreCapacityChanged")
    assert changes[-1]["held"] == held
    assert [change["sequence"] for change in changes] == sorted(change["sequence"] for change in changes)
    assert len(await office.armed(BOOKING_EXPIRY)) == 50 - len(refused), "a refused booking leaves no timer"


async def test_thresholds_are_published_once_each_way_with_hysteresis(office: Office) -> None:
    centre_id = await office.centre(capacity=20)
    bookings = [(await office.book(await office.consented(adults=2), centre_id, 2)).booking_id for _ in range(10)]
    for booking_id in bookings[:3]:
        await office.release(booking_id)
    crossed = [
        (event["threshold_percent"], event["rising"]) for event in await office.events("CentreCapacityThresholdCrossed")
    ]
    assert crossed == [(80, True), (95, True), (100, True), (100, False), (95, False), (80, False)]
    assert await office.places(centre_id) == (20, 14, 0)


async def test_household_is_booked_whole_or_not_at_all(office: Office) -> None:
    centre_id = await office.centre(capacity=10)
    case_id = await office.consented(adults=2, children=2)
    for places in (3, 5):
        with pytest.raises(Refusal) as refused:
            await office.book(case_id, centre_id, places)
        assert refused.value.reason is refusals.HOUSEHOLD_NOT_WHOLE
    assert await office.places(centre_id) == (10, 0, 0)
    await office.set_capacity(centre_id, 2, kind=PlaceKind.ACCESSIBLE)
    places = {PlaceKind.FAMILY: 3, PlaceKind.ACCESSIBLE: 1}
    command = handlers.BookPlaces(case_id=case_id, centre_id=centre_id, places=places)
    await office.run(handlers.book_places, command)
    assert await office.places(centre_id) == (12, 4, 0)
    with pytest.raises(Refusal) as refused:
        await office.book(case_id, centre_id, 4)
    assert refused.value.reason is refusals.HOUSEHOLD_ALREADY_BOOKED


async def test_refused_booking_leaves_nothing(office: Office) -> None:
    centre_id = await office.centre(capacity=2)
    await office.set_capacity(centre_id, 1, kind=PlaceKind.SINGLE)
    case_id = await office.consented(adults=3)
    before = await office.events()
    places = {PlaceKind.FAMILY: 1, PlaceKind.SINGLE: 2}
    command = handlers.BookPlaces(case_id=case_id, centre_id=centre_id, places=places)
    with pytest.raises(Refusal) as refused:
        await office.run(handlers.book_places, command)
    assert refused.value.reason is refusals.NOT_ENOUGH_PLACES
    assert refused.value.details["place_kind"] == "single"
    assert await office.events() == before
    assert await office.places(centre_id) == (3, 0, 0)
    assert await office.state(case_id) == "consented"


async def test_withdrawal_releases_and_consent_is_possible_anew(office: Office) -> None:
    centre_id = await office.centre(capacity=4)
    case_id = await office.consented(adults=4)
    booking = await office.book(case_id, centre_id, 4)
    withdrawn = await office.withdraw(case_id)
    assert withdrawn.recorded
    assert withdrawn.released_booking_id == booking.booking_id
    assert await office.places(centre_id) == (4, 0, 0)
    assert await office.state(case_id) == "withdrawn"
    assert await office.armed(BOOKING_EXPIRY) == []
    assert not (await office.withdraw(case_id)).recorded
    assert len(await office.events("ReturnConsentWithdrawn")) == 1
    with pytest.raises(Refusal) as refused:
        await office.book(case_id, centre_id, 4)
    assert refused.value.reason is refusals.CONSENT_MISSING
    await office.consent(case_id)
    await office.book(case_id, centre_id, 4)
    assert await office.places(centre_id) == (4, 4, 0)


async def test_centre_serves_every_county_and_withdrawal_frees_it(office: Office) -> None:
    centre_id = await office.centre(capacity=2, county=County.TEHRAN)
    case_id = await office.consented(county=County.REY)
    here = staff(County.REY)
    command = handlers.BookPlaces(case_id=case_id, centre_id=centre_id, places={PlaceKind.FAMILY: 1})
    await office.run(handlers.book_places, command, here)
    assert await office.places(centre_id) == (2, 1, 0)
    await office.withdraw(case_id, here)
    assert await office.places(centre_id) == (2, 0, 0)
    assert [event["county"] for event in await office.events("CentreCapacityChanged")] == ["tehran"] * 3
    capacity = handlers.SetCapacity(centre_id=centre_id, place_kind=PlaceKind.FAMILY, capacity=9, reason=None)
    with pytest.raises(Refusal) as refused:
        await office.run(handlers.set_capacity, capacity, here)
    assert refused.value.reason is refusals.CENTRE_NOT_FOUND


async def test_expiry_gives_places_back_and_keeps_the_consent(office: Office) -> None:
    centre_id = await office.centre(capacity=2)
    case_id = await office.consented(adults=2)
    booking = await office.book(case_id, centre_id, 2)
    await office.fire(BOOKING_EXPIRY, booking.booking_id)
    assert await office.places(centre_id) == (2, 0, 0)
    assert await office.state(case_id) == "consented"
    assert (await office.events("CentreCapacityChanged"))[-1]["change"] == "expired"
    released = await office.release(booking.booking_id)
    assert (released.state, released.released) == ("expired", False)
    assert await office.places(centre_id) == (2, 0, 0)


async def test_stale_expiry_changes_nothing(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    booking = await office.book(await office.consented(), centre_id)
    fence = await office.superuser.fetchval("SELECT expiry_fence FROM casework.booking")
    await office.make_due(BOOKING_EXPIRY, booking.booking_id)
    await office.as_worker(handlers.expire_booking, booking.booking_id, fence - 1)
    await office.as_worker(handlers.expire_booking, UUID(int=7), fence)
    assert await office.places(centre_id) == (1, 1, 0)
    for _ in range(2):
        await office.as_worker(handlers.expire_booking, booking.booking_id, fence)
    assert await office.places(centre_id) == (1, 0, 0)


async def test_expiry_release_and_withdrawal_race_to_one_release(office: Office) -> None:
    centre_id = await office.centre(capacity=60)
    held = [
        (case_id, await office.book(case_id, centre_id)) for case_id in [await office.consented() for _ in range(20)]
    ]
    for _, booking in held:
        await office.make_due(BOOKING_EXPIRY, booking.booking_id)

    async def race() -> None:
        steps = [office.release(booking.booking_id) for _, booking in held]
        steps += [office.withdraw(case_id) for case_id, _ in held[::2]]
        await asyncio.gather(*steps)

    await asyncio.gather(race(), office.fire_due())
    assert await office.places(centre_id) == (60, 0, 0)
    changes = [event for event in await office.events("CentreCapacityChanged") if event["change"] != "capacity_set"]
    assert len(changes) == 40, "each booking was held once and given back once"
    assert {await office.state(case_id) for case_id, _ in held[::2]} == {"withdrawn"}
    assert {await office.state(case_id) for case_id, _ in held[1::2]} == {"consented"}


async def test_capacity_is_not_lowered_without_reason(office: Office) -> None:
    centre_id = await office.centre(capacity=5)
    with pytest.raises(Refusal) as refused:
        await office.set_capacity(centre_id, 4)
    assert refused.value.reason is refusals.LOWERING_NEEDS_REASON
    await office.set_capacity(centre_id, 4, "repairs")
    events = len(await office.events())
    await office.set_capacity(centre_id, 4)
    assert len(await office.events()) == events, "setting what is set publishes nothing"
