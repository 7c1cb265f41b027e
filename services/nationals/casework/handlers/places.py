"""Moving the places of a centre: what every booking, release and change of capacity has in common."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from services.nationals.casework.domain.capacity import Places, crossings, threshold_after
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store.bookings import BookingRow, BookingState
from shared.contracts.counties import County
from shared.contracts.nationals import (
    BookingChange,
    CentreCapacityChanged,
    CentreCapacityThresholdCrossed,
    CentreClosedForBookings,
    CentreReopened,
    PlaceKind,
    PlacesCause,
    PlacesOfferEnded,
)
from shared.kit.transaction import Transaction

BOOKING_EXPIRY = "nationals.booking_expiry"

CAUSE_OF_END = {
    BookingState.RELEASED: PlacesCause.RELEASED,
    BookingState.EXPIRED: PlacesCause.EXPIRED,
    BookingState.DEPARTED: PlacesCause.RELEASED,
}
_CHANGE_OF_CAUSE = {
    PlacesCause.CAPACITY_SET: BookingChange.CAPACITY_SET,
    PlacesCause.HELD: BookingChange.HELD,
    PlacesCause.OFFERED: BookingChange.HELD,
    PlacesCause.ADMITTED: BookingChange.HELD,
    PlacesCause.RELEASED: BookingChange.RELEASED,
    PlacesCause.EXPIRED: BookingChange.EXPIRED,
}
"""What a reader who knows only the older field is told: sums over `change` stay those of held + used."""


async def lock_places(centre_id: UUID, county: County, tx: Transaction) -> dict[PlaceKind, Places]:
    """The centre's places under their lock, for a household of any county."""
    if county not in tx.principal.counties:
        await centre_store.open_county(tx.connection, county)
    return await centre_store.lock_places(tx.connection, centre_id)


async def announce_places(
    centre_id: UUID,
    county: County,
    place_kind: PlaceKind,
    before: Places,
    after: Places,
    cause: PlacesCause,
    moved: int,
    tx: Transaction,
) -> None:
    """Publish the state after a change, each threshold it crossed, and whether the kind closed or opened again by it.

    Both states as of under the lock; `after` still has the threshold level of before.
    """
    await tx.publish(
        CentreCapacityChanged(
            centre_id=centre_id,
            county=county,
            place_kind=place_kind,
            change=_CHANGE_OF_CAUSE[cause],
            places=moved,
            capacity=after.capacity,
            held=after.held,
            used=after.used,
            cause=cause.value,
        )
    )
    if after.is_closed and not before.is_closed:
        await tx.publish(
            CentreClosedForBookings(
                centre_id=centre_id,
                county=county,
                place_kind=place_kind,
                capacity_target=after.capacity_target,
                places_over=after.places_over,
            )
        )
    elif before.is_closed and not after.is_closed:
        await tx.publish(
            CentreReopened(centre_id=centre_id, county=county, place_kind=place_kind, capacity=after.capacity)
        )
    level = threshold_after(after)
    if level == before.threshold_percent:
        return
    await centre_store.set_threshold(tx.connection, centre_id, place_kind, level)
    for crossing in crossings(before.threshold_percent, level):
        await tx.publish(
            CentreCapacityThresholdCrossed(
                centre_id=centre_id,
                county=county,
                place_kind=place_kind,
                threshold_percent=crossing.threshold_percent,
                rising=crossing.rising,
            )
        )


async def announce_held(
    centre_id: UUID,
    county: County,
    locked: Mapping[PlaceKind, Places],
    wanted: Mapping[PlaceKind, int],
    cause: PlacesCause,
    tx: Transaction,
) -> dict[PlaceKind, Places]:
    """Publish that `wanted` places are now held, booked or offered; `locked` is the state before, under its lock.

    Returns the state after, so that one transaction may hold places again.
    """
    now_locked = dict(locked)
    for kind, count in sorted(wanted.items()):
        after = locked[kind].moved(held=count)
        await announce_places(centre_id, county, kind, locked[kind], after, cause, count, tx)
        now_locked[kind] = replace(after, threshold_percent=threshold_after(after))
    return now_locked


async def announce_admitted(booking: BookingRow, locked: Mapping[PlaceKind, Places], tx: Transaction) -> None:
    """Publish that the booking's places are now occupied; `locked` is the state before, under its lock."""
    for kind, count in sorted(booking.places.items()):
        before = locked[kind]
        after = before.moved(held=-count, used=count)
        await announce_places(
            booking.centre_id, booking.centre_county, kind, before, after, PlacesCause.ADMITTED, 0, tx
        )


async def give_back_places(booking: BookingRow, state: BookingState, tx: Transaction) -> None:
    """End a held or admitted booking, read under its case's lock, and give its places back: once, or not at all if it was
    ended before. `state`: released, expired or departed.
    """
    locked = await lock_places(booking.centre_id, booking.centre_county, tx)
    was = await booking_store.end_booking(tx.connection, booking.booking_id, state)
    if was is None:
        return
    if state is not BookingState.EXPIRED:
        await tx.cancel_timer(BOOKING_EXPIRY, booking.booking_id)
    for kind, count in sorted(booking.places.items()):
        before = locked[kind]
        after = before.moved(used=-count) if was is BookingState.ADMITTED else before.moved(held=-count)
        await announce_places(
            booking.centre_id, booking.centre_county, kind, before, after, CAUSE_OF_END[state], count, tx
        )
    if booking.is_offer:
        await announce_offer_ended(booking, tx)


async def announce_offer_ended(offer: BookingRow, tx: Transaction) -> None:
    """Publish that nobody has to answer any more; how the household answered is not told."""
    await tx.publish(PlacesOfferEnded(case_id=offer.case_id, county=offer.county, centre_id=offer.centre_id))
