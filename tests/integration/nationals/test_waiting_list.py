"""The waiting list on real PostgreSQL: freed places are offered in the order of entering, held once, and booked by acceptance."""

import asyncio
from uuid import UUID

import pytest

from services.nationals.casework import handlers
from services.nationals.casework.domain import capacity_refusals, refusals
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from services.nationals.casework.handlers.waiting import (
    WAITING_LIST_REVIEW,
    AnswerOffer,
    JoinWaitingList,
    LeaveWaitingList,
    accept_offer,
    decline_offer,
    join_waiting_list,
    leave_waiting_list,
)
from services.nationals.casework.periods import casework_periods
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome, PlaceKind
from shared.contracts.refusals import Refusal, RefusalType
from tests.integration.nationals.office import Office, staff


async def full_centre(office: Office, *sizes: int, county: County = County.REY) -> tuple[UUID, list[UUID]]:
    """A centre in which every place is held, and the bookings that hold them."""
    centre_id = await office.centre(capacity=sum(sizes), county=county)
    bookings = [(await office.book(await office.consented(adults=size), centre_id, size)).booking_id for size in sizes]
    return centre_id, bookings


async def waiting(office: Office, centre_id: UUID, *sizes: int) -> list[UUID]:
    """Households that entered the list one after the other."""
    cases = [await office.consented(adults=size) for size in sizes]
    for case_id, size in zip(cases, sizes, strict=True):
        await office.join(case_id, centre_id, size)
    return cases


async def offers(office: Office) -> dict[UUID, UUID]:
    """Open offers: booking by case, in the order of offering."""
    rows = await office.superuser.fetch(
        """
        SELECT case_id, booking_id FROM casework.booking
        WHERE state = 'held' AND waiting_entry_id IS NOT NULL AND accepted_at IS NULL ORDER BY booked_at, booking_id
        """
    )
    return {row["case_id"]: row["booking_id"] for row in rows}


async def entry_states(office: Office, *cases: UUID) -> list[str]:
    """State of the latest entry of each case."""
    rows = await office.superuser.fetch("SELECT case_id, state FROM casework.waiting_entry ORDER BY position")
    states = {row["case_id"]: row["state"] for row in rows}
    return [states[case_id] for case_id in cases]


async def accept(office: Office, booking_id: UUID) -> None:
    await office.run(accept_offer, AnswerOffer(booking_id=booking_id))


async def refused_join(office: Office, case_id: UUID, centre_id: UUID, reason: RefusalType, places: int = 1) -> None:
    with pytest.raises(Refusal) as refused:
        await office.join(case_id, centre_id, places)
    assert refused.value.reason is reason


async def test_freed_places_are_offered_in_order_and_booked_by_acceptance(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, 1, 1)
    first, second, third = await waiting(office, centre_id, 1, 1, 1)
    await office.release(held[0])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [first]
    assert await office.state(first) == "consented", "an offer moves no case"
    assert await office.places(centre_id) == (3, 3, 0)
    [told] = await office.events("PlacesOffered")
    assert (told["case_id"], told["centre_id"], told["county"]) == (str(first), str(centre_id), "rey")
    assert (await office.events("CentreCapacityChanged"))[-1]["cause"] == "offered"
    await office.offer_round(centre_id)
    assert len(await office.events("PlacesOffered")) == 1, "a repeated event offers nothing twice"
    await accept(office, (await offers(office))[first])
    assert await office.state(first) == "booked"
    expires_at = await office.superuser.fetchval(
        "SELECT expires_at - accepted_at FROM casework.booking WHERE case_id = $1", first
    )
    assert expires_at == casework_periods().booking_hold
    await office.release(held[1])
    await office.release(held[2])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [second, third]
    assert await office.places(centre_id) == (3, 3, 0)
    assert await entry_states(office, first, second, third) == ["booked", "offered", "offered"]


async def test_nobody_is_booked_past_the_list_and_everybody_once_it_is_empty(office: Office) -> None:
    centre_id, held = await full_centre(office, 2, 2)
    [large] = await waiting(office, centre_id, 4)
    await office.release(held[0])
    newcomer = await office.consented()
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await office.book(newcomer, centre_id)
        assert refused.value.reason is capacity_refusals.WAITING_LIST_FIRST
        await office.offer_round(centre_id)
    assert await offers(office) == {}, "two places are no offer for four people"
    left = await office.run(leave_waiting_list, LeaveWaitingList(case_id=large))
    assert left.left
    assert not (await office.run(leave_waiting_list, LeaveWaitingList(case_id=large))).left
    await office.book(newcomer, centre_id)
    assert await office.places(centre_id) == (4, 3, 0)


async def test_a_large_household_is_not_passed_by_small_ones(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, 1, 1)
    large, small = await waiting(office, centre_id, 2, 1)
    for booking_id in held:
        await office.release(booking_id)
        await office.offer_round(centre_id)
    assert list(await offers(office)) == [large, small]


async def test_who_fails_a_guard_is_skipped_keeps_the_place_and_comes_first_when_ready(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, 1)
    unscreened, second, third = await waiting(office, centre_id, 1, 1, 1)
    await office.superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() WHERE case_id = $1",
        unscreened,
    )
    await office.screen(second, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await office.release(held[0])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [third]
    assert await entry_states(office, unscreened, second) == ["waiting", "waiting"]
    await office.screen(unscreened)
    await office.release(held[1])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [third, unscreened]


async def test_a_household_that_becomes_ready_is_found_without_any_event(office: Office) -> None:
    centre_id, held = await full_centre(office, 1)
    [case_id] = await waiting(office, centre_id, 1)
    await office.inform(case_id, version=2)
    await office.release(held[0])
    await office.offer_round(centre_id)
    assert await offers(office) == {}
    await office.consent(case_id, version=2)
    [entry_id] = await office.armed(WAITING_LIST_REVIEW)
    await office.fire(WAITING_LIST_REVIEW, UUID(entry_id))
    assert list(await offers(office)) == [case_id]


async def test_without_anybody_ready_the_places_are_free_for_all(office: Office) -> None:
    centre_id, held = await full_centre(office, 1)
    [case_id] = await waiting(office, centre_id, 1)
    await office.inform(case_id, version=2)
    await office.release(held[0])
    await office.offer_round(centre_id)
    await office.book(await office.consented(), centre_id)
    assert await office.places(centre_id) == (1, 1, 0)
    assert await entry_states(office, case_id) == ["waiting"]


async def test_unanswered_offer_goes_to_the_next_and_is_woken_at_its_old_place(office: Office) -> None:
    centre_id, held = await full_centre(office, 1)
    first, second, third = await waiting(office, centre_id, 1, 1, 1)
    await office.release(held[0])
    await office.offer_round(centre_id)
    offer = (await offers(office))[first]
    await office.make_due(BOOKING_EXPIRY, offer)
    with pytest.raises(Refusal) as refused:
        await accept(office, offer)
    assert refused.value.reason is capacity_refusals.OFFER_NOT_OPEN, "late, though its timer has not fired yet"
    await office.fire_due()
    assert await office.state(first) == "consented"
    assert await entry_states(office, first) == ["unanswered"]
    with pytest.raises(Refusal) as refused:
        await accept(office, offer)
    assert refused.value.reason is capacity_refusals.OFFER_NOT_OPEN
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [second]
    await office.join(first, centre_id)
    await office.run(decline_offer, AnswerOffer(booking_id=(await offers(office))[second]))
    assert await entry_states(office, second) == ["left"]
    assert await office.state(second) == "consented"
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [first], "before the third, who entered later"
    assert await entry_states(office, third) == ["waiting"]


async def test_withdrawn_closed_and_booked_cases_leave_the_list(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, 1)
    other = await office.centre(capacity=1)
    withdrawn, closed, elsewhere, offered, last = await waiting(office, centre_id, 1, 1, 1, 1, 1)
    await office.withdraw(withdrawn)
    await office.run(handlers.close_case, handlers.CloseCase(case_id=closed, outcome=CaseOutcome.REGULARISED))
    await office.book(elsewhere, other)
    await office.release(held[0])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [offered]
    await office.withdraw(offered)
    assert await entry_states(office, withdrawn, closed, elsewhere, offered) == ["left"] * 4
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [last], "a withdrawal gives the offer to the next"


async def test_the_wait_for_a_place_is_not_turned_against_a_household(office: Office) -> None:
    centre_id, held = await full_centre(office, 1)
    patient, left = await waiting(office, centre_id, 1, 1)
    await office.run(leave_waiting_list, LeaveWaitingList(case_id=left))
    await office.fire(VOLUNTARY_PERIOD, patient, left)
    assert await office.state(patient) == "consented"
    assert await office.state(left) == "awaiting_legal_review"
    assert str(patient) in await office.armed(VOLUNTARY_PERIOD), "it is looked at again"
    await office.release(held[0])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [patient]


async def test_acceptance_asks_everything_again(office: Office) -> None:
    centre_id, held = await full_centre(office, 1)
    [case_id] = await waiting(office, centre_id, 1)
    await office.release(held[0])
    await office.offer_round(centre_id)
    offer = (await offers(office))[case_id]
    await office.inform(case_id, version=2)
    with pytest.raises(Refusal) as refused:
        await accept(office, offer)
    assert refused.value.reason is refusals.CONSENT_MISSING
    with pytest.raises(Refusal) as refused:
        await office.book(case_id, centre_id)
    assert refused.value.reason.safeguard in {2, 7}
    await office.consent(case_id, version=2)
    with pytest.raises(Refusal) as refused:
        await office.admit(offer)
    assert refused.value.reason is capacity_refusals.ADMISSION_NOT_CLEARED, "an offer is no booking yet"
    await accept(office, offer)
    await office.admit(offer)
    assert await office.places(centre_id) == (1, 0, 1)


async def test_who_may_wait(office: Office) -> None:
    centre_id, held = await full_centre(office, 2)
    ready = await office.consented()
    await refused_join(office, await office.open(), centre_id, refusals.SCREENING_MISSING)
    await refused_join(office, ready, centre_id, refusals.HOUSEHOLD_NOT_WHOLE, places=2)
    await refused_join(office, ready, UUID(int=7), refusals.CENTRE_NOT_FOUND)
    await refused_join(
        office, await office.consented(adults=3), centre_id, capacity_refusals.LARGER_THAN_CENTRE, places=3
    )
    await office.join(ready, centre_id)
    await refused_join(office, ready, centre_id, capacity_refusals.ALREADY_WAITING)
    await office.release(held[0])
    late = await office.consented()
    await office.join(late, centre_id)
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [ready, late]
    empty = await office.centre(capacity=1)
    await refused_join(office, await office.consented(), empty, capacity_refusals.PLACES_ARE_FREE)
    await refused_join(office, ready, empty, refusals.HOUSEHOLD_ALREADY_BOOKED)


async def test_offers_cross_counties(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, county=County.TEHRAN)
    case_id = await office.consented(county=County.QODS)
    command = JoinWaitingList(case_id=case_id, centre_id=centre_id, places={PlaceKind.FAMILY: 1})
    await office.run(join_waiting_list, command, staff(County.QODS))
    await office.release(held[0])
    await office.offer_round(centre_id, County.TEHRAN)
    answer = AnswerOffer(booking_id=(await offers(office))[case_id])
    with pytest.raises(Refusal) as refused:
        await office.run(accept_offer, answer, staff(County.REY))
    assert refused.value.reason is refusals.BOOKING_NOT_FOUND
    accepted = await office.run(accept_offer, answer, staff(County.QODS))
    assert accepted.state == "booked"


async def test_lowered_centre_offers_nothing_until_back_in_bounds(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, 1, 1)
    first, large = await waiting(office, centre_id, 1, 3)
    await office.set_capacity(centre_id, 1, "a wing is closed")
    for booking_id in held[:2]:
        await office.release(booking_id)
        await office.offer_round(centre_id)
    assert await offers(office) == {}
    await office.release(held[2])
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [first]
    assert await entry_states(office, large) == ["waiting"], "too large now, and blocks nobody"
    await office.set_capacity(centre_id, 4)
    await office.offer_round(centre_id)
    assert list(await offers(office)) == [first, large]


async def test_two_rounds_at_once_offer_each_place_once(office: Office) -> None:
    centre_id, held = await full_centre(office, 1, 1, 1)
    cases = await waiting(office, centre_id, *[1] * 6)
    for booking_id in held:
        await office.release(booking_id)
    await asyncio.gather(*(office.offer_round(centre_id) for _ in range(4)))
    assert list(await offers(office)) == cases[:3]
    assert await office.places(centre_id) == (3, 3, 0)


async def test_households_that_change_over_between_two_centres_do_not_deadlock(office: Office) -> None:
    one, held_one = await full_centre(office, *[1] * 4)
    two, held_two = await full_centre(office, *[1] * 4)
    in_one, in_two = await waiting(office, one, *[1] * 4), await waiting(office, two, *[1] * 4)
    for booking_id in held_one + held_two:
        await office.release(booking_id)
    async with office.superuser.transaction():
        await office.superuser.execute("SET LOCAL session_replication_role = replica")
        await office.superuser.execute("UPDATE casework.centre_place SET waiting_list_first = false")
    changes = [office.book(case_id, two) for case_id in in_one] + [office.book(case_id, one) for case_id in in_two]
    await asyncio.gather(*changes)
    assert await entry_states(office, *in_one, *in_two) == ["left"] * 8
    assert (await office.places(one), await office.places(two)) == ((4, 4, 0), (4, 4, 0))


async def test_the_case_shows_its_wait_and_its_offer(office: Office) -> None:
    centre_id, held = await full_centre(office, 1)
    [case_id] = await waiting(office, centre_id, 1)
    read = handlers.ReadCase(case_id=case_id, purpose=handlers.ReadPurpose.CASEWORK)
    shown = await office.run(handlers.read_case, read)
    assert (shown.waiting_list.state, shown.waiting_list.centre_id, shown.booking) == ("waiting", centre_id, None)
    await office.release(held[0])
    await office.offer_round(centre_id)
    shown = await office.run(handlers.read_case, read)
    assert (shown.waiting_list.state, shown.booking.is_offer, shown.booking.state) == ("offered", True, "held")
    await accept(office, shown.booking.booking_id)
    shown = await office.run(handlers.read_case, read)
    assert (shown.waiting_list, shown.booking.is_offer) == (None, False)
