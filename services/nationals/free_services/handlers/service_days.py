"""What the calendar alone brings: one more day of slots, bookings that nobody came for, the day's waiting times."""

from collections.abc import Sequence
from datetime import time

from services.nationals.free_services.domain.centre import PLANNED_DAYS
from services.nationals.free_services.handlers.slot_planning import plan_centre, planned_until
from services.nationals.free_services.store import service_centres as centre_store
from services.nationals.free_services.store import slots as slot_store
from shared.contracts.free_services import ServiceWaitingMeasured
from shared.kit.routing import Received, fold
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date, office_moment

CENTRES_AT_ONCE_MAX = 20
BOOKINGS_AT_ONCE_MAX = 500
MEASURED_AT_ONCE_MAX = 200


async def plan_coming_days(tx: Transaction) -> bool:
    """Plan the centres that lack days; returns whether there may be more of them."""
    centres = await centre_store.lock_centres_to_plan(
        tx.connection, planned_until(office_date(tx.now)), CENTRES_AT_ONCE_MAX
    )
    for centre in centres:
        await plan_centre(centre, tx)
    return len(centres) == CENTRES_AT_ONCE_MAX


async def end_bookings_of_past_days(tx: Transaction) -> bool:
    """Nobody came for what is still held of yesterday and before; returns whether there may be more of it."""
    today = office_moment(office_date(tx.now), time())
    ended = await slot_store.end_bookings_before(tx.connection, today, BOOKINGS_AT_ONCE_MAX)
    return ended == BOOKINGS_AT_ONCE_MAX


async def measure_waiting_times(tx: Transaction) -> bool:
    """Announce, once a day for each active offer, how far away its next free slot is; returns whether there may be more."""
    today = office_date(tx.now)
    offers = await slot_store.take_offers_to_measure(tx.connection, today, MEASURED_AT_ONCE_MAX)
    await tx.publish_many(
        [
            ServiceWaitingMeasured(
                service_centre_id=offer.service_centre_id,
                county=offer.county,
                service=offer.service,
                measured_on=today,
                days_until_free=PLANNED_DAYS
                if offer.next_free_at is None
                else (office_date(offer.next_free_at) - today).days,
            )
            for offer in offers
        ]
    )
    return len(offers) == MEASURED_AT_ONCE_MAX


@fold(ServiceWaitingMeasured, tables=("free_services.service_waiting_day",))
async def fold_waiting_days(received: Sequence[Received[ServiceWaitingMeasured]], tx: Transaction) -> None:
    """Keep each day's measurement of each centre and service."""
    days = {(item.event.service_centre_id, item.event.service, item.event.measured_on): item.event for item in received}
    await slot_store.put_waiting_days(
        tx.connection,
        [(*key, event.county, event.days_until_free) for key, event in sorted(days.items(), key=lambda day: day[0])],
    )
