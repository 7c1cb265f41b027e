"""Places of a centre on real PostgreSQL: admission, written standards, and a capacity lowered below its use (safeguard 11)."""

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from services.nationals.casework import handlers
from services.nationals.casework.domain import capacity_refusals, refusals
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.handlers.centres import RecordCentre, record_centre
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal, RefusalType
from tests.integration.nationals.office import Office, staff


async def booked(office: Office, centre_id: UUID, size: int = 1) -> tuple[UUID, UUID]:
    """(case, booking) of a household that holds places."""
    case_id = await office.consented(adults=size)
    return case_id, (await office.book(case_id, centre_id, size)).booking_id


async def test_admission_moves_held_to_used_and_stops_the_expiry(office: Office) -> None:
    centre_id = await office.centre(capacity=5)
    case_id, booking_id = await booked(office, centre_id, 3)
    admitted = await office.admit(booking_id)
    assert (admitted.admitted, admitted.state) == (True, "admitted")
    assert await office.places(centre_id) == (5, 0, 3)
    assert await office.state(case_id) == "booked"
    assert await office.armed(BOOKING_EXPIRY) == []
    assert not (await office.admit(booking_id)).admitted, "admitted once"
    told = (await office.events("CentreCapacityChanged"))[-1]
    assert (told["change"], told["cause"], told["places"], told["held"], told["used"]) == ("held", "admitted", 0, 0, 3)
    withdrawn = await office.withdraw(case_id)
    assert withdrawn.released_booking_id == booking_id
    assert await office.places(centre_id) == (5, 0, 0)
    assert (await office.events("CentreCapacityChanged"))[-1]["change"] == "released"


async def test_older_readers_sum_of_changes_stays_what_is_taken(office: Office) -> None:
    centre_id = await office.centre(capacity=9)
    for number in range(3):
        _, booking_id = await booked(office, centre_id, number + 1)
        await office.admit(booking_id)
        if number:
            await office.release(booking_id)
    _, booking_id = await booked(office, centre_id, 2)
    signs = {"held": 1, "released": -1, "expired": -1, "capacity_set": 0}
    told = await office.events("CentreCapacityChanged")
    assert sum(signs[event["change"]] * event["places"] for event in told) == 3
    assert (told[-1]["held"], told[-1]["used"]) == (2, 1)


async def test_centre_of_another_county_admits_and_learns_nothing_of_the_case(office: Office) -> None:
    centre_id = await office.centre(capacity=5, county=County.TEHRAN)
    case_id, booking_id = await booked(office, centre_id)
    elsewhere = staff(County.QODS, subject="manager.two", role="centre_manager")
    with pytest.raises(Refusal) as refused:
        await office.admit(booking_id, elsewhere)
    assert refused.value.reason is refusals.BOOKING_NOT_FOUND
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    here = staff(County.TEHRAN, subject="manager.one", role="centre_manager")
    with pytest.raises(Refusal) as refused:
        await office.admit(booking_id, here)
    assert refused.value.reason is capacity_refusals.ADMISSION_NOT_CLEARED
    assert refused.value.reason.safeguard is None
    assert refused.value.details == {"satisfied_by": "clearance_by_the_office_of_the_case"}
    _, ready = await booked(office, centre_id)
    assert (await office.admit(ready, here)).admitted
    assert await office.places(centre_id) == (5, 1, 1)


async def test_only_a_held_unexpired_booking_is_admitted(office: Office) -> None:
    centre_id = await office.centre(capacity=5)
    _, released = await booked(office, centre_id)
    await office.release(released)
    _, late = await booked(office, centre_id)
    await office.make_due(BOOKING_EXPIRY, late)
    for booking_id, state in ((released, "released"), (late, "expired")):
        with pytest.raises(Refusal) as refused:
            await office.admit(booking_id)
        assert refused.value.reason is capacity_refusals.BOOKING_NOT_HELD
        assert refused.value.details["state"] == state
    assert await office.places(centre_id) == (5, 1, 0)


async def test_admission_and_expiry_race_to_one_of_both(office: Office) -> None:
    centre_id = await office.centre(capacity=9)
    held = [await booked(office, centre_id) for _ in range(6)]
    for _, booking_id in held[::2]:
        await office.make_due(BOOKING_EXPIRY, booking_id)
    answers = await asyncio.gather(
        office.fire_due(), *(office.admit(booking_id) for _, booking_id in held), return_exceptions=True
    )
    admitted = [answer for answer in answers[1:] if not isinstance(answer, BaseException)]
    assert len(admitted) == 3
    assert await office.places(centre_id) == (9, 0, 3)


async def refused_capacity(office: Office, centre_id: UUID, capacity: int, reason: RefusalType) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await office.set_capacity(centre_id, capacity, "asked for")
    assert refused.value.reason is reason
    return refused.value


async def test_capacity_keeps_the_written_standards_over_all_kinds(office: Office) -> None:
    opened = await office.run(handlers.open_centre, handlers.OpenCentre(name="unmeasured", county=County.REY))
    centre_id = opened.centre_id
    await refused_capacity(office, centre_id, 1, capacity_refusals.CENTRE_NOT_MEASURED)
    measured = await office.measure(centre_id, "70", toilets=5, staff_per_shift=4)
    assert (measured.places_allowed, measured.standards_version) == (20, "sphere-2018-draft-1")
    await office.set_capacity(centre_id, 12)
    await office.set_capacity(centre_id, 8, kind=PlaceKind.MEDICAL)
    refusal = await refused_capacity(office, centre_id, 13, capacity_refusals.CAPACITY_ABOVE_STANDARDS)
    assert (refusal.details["places"], refusal.details["floor_area_m2_lacking"]) == (21, "3.5")
    with pytest.raises(Refusal) as refused:
        await office.measure(centre_id, "69", toilets=5, staff_per_shift=4)
    assert refused.value.reason is capacity_refusals.RECORD_BELOW_CAPACITY
    await office.set_capacity(centre_id, 11, "a room was lost")
    assert (await office.measure(centre_id, "69", toilets=5, staff_per_shift=4)).places_allowed == 19
    await refused_capacity(office, centre_id, 12, capacity_refusals.CAPACITY_ABOVE_STANDARDS)
    elsewhere = staff(County.QODS)
    command = RecordCentre(centre_id=centre_id, floor_area_m2=Decimal(9999), toilets=99, staff_per_shift=99)
    with pytest.raises(Refusal) as refused:
        await office.run(record_centre, command, elsewhere)
    assert refused.value.reason is refusals.CENTRE_NOT_FOUND


async def test_capacity_lowered_below_its_use_takes_nobody_until_back_in_bounds(office: Office) -> None:
    centre_id = await office.centre(capacity=10)
    held = [(await booked(office, centre_id, 2))[1] for _ in range(5)]
    await office.admit(held[0])
    lowered = await office.set_capacity(centre_id, 5, "a wing is closed")
    assert (lowered.capacity, lowered.capacity_target, lowered.closed) == (10, 5, True)
    assert await office.places(centre_id) == (10, 8, 2), "nobody loses a place"
    waits = await office.consented()
    for number, (capacity, over) in enumerate(((8, 3), (6, 1))):
        await office.release(held[number])
        assert (await office.places(centre_id))[0] == capacity
        with pytest.raises(Refusal) as refused:
            await office.book(waits, centre_id)
        assert refused.value.reason is capacity_refusals.CENTRE_KIND_CLOSED
        assert refused.value.details["places_over"] == over
    await office.release(held[2])
    assert await office.places(centre_id) == (5, 4, 0)
    await office.book(waits, centre_id)
    assert await office.places(centre_id) == (5, 5, 0)
    [closed], [reopened] = await office.events("CentreClosedForBookings"), await office.events("CentreReopened")
    assert (closed["capacity_target"], closed["places_over"], reopened["capacity"]) == (5, 5, 5)
    capacities = [event["capacity"] for event in await office.events("CentreCapacityChanged")]
    assert capacities == [10] * 8 + [8, 6, 5, 5]


async def test_each_episode_is_told_once_and_raising_opens_too(office: Office) -> None:
    centre_id = await office.centre(capacity=4)
    _, booking_id = await booked(office, centre_id, 4)
    for capacity in (2, 1, 3, 4, 0, 9):
        await office.set_capacity(centre_id, capacity, "as told")
    await office.release(booking_id)
    names = [event["type"] for event in await office.events() if event["type"].startswith(("CentreClosed", "CentreRe"))]
    assert names == ["CentreClosedForBookings", "CentreReopened"] * 2
    assert await office.places(centre_id) == (9, 0, 0)


async def test_thresholds_follow_what_is_taken_of_the_capacity_in_effect(office: Office) -> None:
    centre_id = await office.centre(capacity=10)
    held = [(await booked(office, centre_id))[1] for _ in range(7)]
    await office.admit(held[0])
    assert await office.events("CentreCapacityThresholdCrossed") == []
    await office.set_capacity(centre_id, 5, "fewer beds")
    await office.admit(held[1])
    for booking_id in held[2:]:
        await office.release(booking_id)
    crossed = [
        (event["threshold_percent"], event["rising"]) for event in await office.events("CentreCapacityThresholdCrossed")
    ]
    assert crossed == [(80, True), (95, True), (100, True), (100, False), (95, False), (80, False)]
