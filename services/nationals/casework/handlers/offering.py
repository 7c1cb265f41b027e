"""Offering freed places to the waiting list, in order. Software only holds places for who asked for them; a person answers.

Locks in one order, cases first and places last, as every booking does; rounds of one centre take their cases in the order of the
list, so two rounds follow each other and none waits for a booking that waits for it.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.nationals.casework.domain.capacity import Places, Waiting, offers_in_order
from services.nationals.casework.domain.case_facts import Attempt
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.handlers.case_reading import read_facts
from services.nationals.casework.handlers.places import BOOKING_EXPIRY, announce_held, lock_places
from services.nationals.casework.handlers.waiting import WAITING_LIST_REVIEW
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import cases as case_store
from services.nationals.casework.store import waiting as waiting_store
from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.store.waiting import WaitingRow, WaitingState
from shared.contracts.counties import County
from shared.contracts.nationals import BookingChange, CentreCapacityChanged, PlaceKind, PlacesCause, PlacesOffered
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.routing import Received, reaction
from shared.kit.transaction import Transaction

ROUND_ENTRIES_MAX = 50
"""Households that one round looks at; with more in turn, the next round follows at once."""

log = get_logger(__name__)


@reaction(CentreCapacityChanged)
async def offer_freed_places(received: Received[CentreCapacityChanged], tx: Transaction) -> None:
    """Places were given back or added: offer them in order. A repeated or late event finds nothing left to offer."""
    if received.event.change is not BookingChange.HELD:
        await _offer_round(received.event.centre_id, received.event.county, tx)


async def review_waiting_list(entry_id: UUID, tx: Transaction) -> None:
    """While an entry waits its centre is looked at again and again: a household may be ready now that was not when places
    became free.
    """
    entry = await waiting_store.find_entry(tx.connection, entry_id)
    if entry is None or entry.state is not WaitingState.WAITING:
        return
    await tx.arm_timer(WAITING_LIST_REVIEW, entry_id, casework_periods().waiting_list_review)
    await _offer_round(entry.centre_id, entry.centre_county, tx)


async def _offer_round(centre_id: UUID, county: County, tx: Transaction) -> None:
    cases = {
        entry.entry_id: await case_store.lock_case(tx.connection, entry.case_id)
        for entry in await waiting_store.entries_in_turn(tx.connection, centre_id, ROUND_ENTRIES_MAX)
    }
    locked = await lock_places(centre_id, county, tx)
    # Read anew under the locks. A household that came in turn meanwhile is not locked: it and who is behind it wait a round.
    in_turn = {
        entry.entry_id: entry
        for entry in await waiting_store.entries_in_turn(tx.connection, centre_id, ROUND_ENTRIES_MAX)
    }
    queue = [
        Waiting(entry.entry_id, entry.places, await _may_be_offered(entry, cases.get(entry.entry_id), tx))
        for entry in in_turn.values()
    ]
    offered = offers_in_order(locked, queue)
    for waiting in offered:
        locked = await _offer(in_turn[waiting.entry_id], locked, tx)
    await waiting_store.keep_places_for_list(tx.connection, centre_id)
    if offered and len(queue) == ROUND_ENTRIES_MAX:
        for entry in await waiting_store.entries_in_turn(tx.connection, centre_id, 1):
            await tx.arm_timer(WAITING_LIST_REVIEW, entry.entry_id, timedelta(0))


async def _may_be_offered(entry: WaitingRow, case: CaseRow | None, tx: Transaction) -> bool:
    """Whether the case, read under its lock, passes every guard of a booking but the person who takes the step."""
    if case is None:
        return False
    try:
        take(Step.OFFER_PLACES, await read_facts(case, tx), Attempt(places=sum(entry.places.values())))
    except Refusal as refusal:
        log.info("offer_waits", entry_id=str(entry.entry_id), reason=refusal.reason.code)
        return False
    return True


async def _offer(entry: WaitingRow, locked: Mapping[PlaceKind, Places], tx: Transaction) -> Mapping[PlaceKind, Places]:
    """Hold the places until the household answers; returns the centre's places after it."""
    hold = casework_periods().offer_hold
    booking_id = uuid7()
    answer_by = tx.now + hold
    await tx.arm_timer(BOOKING_EXPIRY, booking_id, hold)
    await waiting_store.insert_offer(tx.connection, booking_id, entry, answer_by)
    await tx.cancel_timer(WAITING_LIST_REVIEW, entry.entry_id)
    await tx.publish(
        PlacesOffered(case_id=entry.case_id, county=entry.county, centre_id=entry.centre_id, answer_by=answer_by)
    )
    return await announce_held(entry.centre_id, entry.centre_county, locked, entry.places, PlacesCause.OFFERED, tx)
