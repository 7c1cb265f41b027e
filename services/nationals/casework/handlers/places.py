"""Moving the places of a centre: what every booking, release and change of capacity has in common."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from services.nationals.casework.domain.capacity import Places, crossings, threshold_after
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store.bookings import BookingRow, BookingState
from shared.contracts.counties import County
from shared.contracts.nationals import BookingChange, CentreCapacityChanged, CentreCapacityThresholdCrossed, PlaceKind
from shared.kit.transaction import Transaction

BOOKING_EXPIRY = "nationals.booking_expiry"


async def lock_places(centre_id: UUID, county: County, tx: Transaction) -> dict[PlaceKind, Places]:
    """The centre's places under their lock, for a household of any county."""
    if county not in tx.principal.counties:
        await centre_store.open_county(tx.connection, county)
    return await centre_store.lock_places(tx.connection, centre_id)


async def announce_places(
    centre_id: UUID,
    county: County,
    place_kind: PlaceKind,
    places: Places,
    change: BookingChange,
    moved: int,
    tx: Transaction,
) -> None:
    """Publish the state after a change (`places`, with the threshold level before it) and each threshold it crossed."""
    await tx.publish(
        CentreCapacityChanged(
            centre_id=centre_id,
            county=county,
            place_kind=place_kind,
            change=change,
            places=moved,
            capacity=places.capacity,
            held=places.held,
            used=places.used,
        )
    )
    level = threshold_after(places)
    if level == places.threshold_percent:
        return
    await centre_store.set_threshold(tx.connection, centre_id, place_kind, level)
    for crossing in crossings(places.threshold_percent, level):
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
    tx: Transaction,
) -> None:
    """Publish that `wanted` places are now held; `locked` is the state before, under its lock."""
    for kind, count in sorted(wanted.items()):
        after = replace(locked[kind], held=locked[kind].held + count)
        await announce_places(centre_id, county, kind, after, BookingChange.HELD, count, tx)


async def give_back_places(booking: BookingRow, state: BookingState, tx: Transaction) -> None:
    """End a held booking, read under its case's lock, and give its places back: once, or not at all if it was ended before."""
    locked = await lock_places(booking.centre_id, booking.centre_county, tx)
    if not await booking_store.end_booking(tx.connection, booking.booking_id, state):
        return
    if state is BookingState.RELEASED:
        await tx.cancel_timer(BOOKING_EXPIRY, booking.booking_id)
    change = BookingChange.RELEASED if state is BookingState.RELEASED else BookingChange.EXPIRED
    for kind, count in sorted(booking.places.items()):
        after = replace(locked[kind], held=locked[kind].held - count)
        await announce_places(booking.centre_id, booking.centre_county, kind, after, change, count, tx)
