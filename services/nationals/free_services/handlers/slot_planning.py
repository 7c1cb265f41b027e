"""Slots follow from the opening hours: planned when hours or offers change, and every day for one more day."""

from datetime import date, time, timedelta

from services.nationals.free_services.domain.centre import PLANNED_DAYS, plan_slots
from services.nationals.free_services.public_holidays import PUBLIC_HOLIDAYS
from services.nationals.free_services.store import service_centres as centre_store
from services.nationals.free_services.store import slots as slot_store
from services.nationals.free_services.store.service_centres import ServiceCentre
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date, office_moment


def planned_until(today: date) -> date:
    """The first day for which no slots need be there yet."""
    return today + timedelta(days=PLANNED_DAYS)


async def plan_centre(centre: ServiceCentre, tx: Transaction) -> int:
    """Make a locked centre's coming slots agree with its hours and offers; returns how many slots changed.

    What is booked is never taken back: where hours or capacity shrink, a slot keeps as many places as are booked.
    """
    today = office_date(tx.now)
    until = max(planned_until(today), centre.planned_until or today)
    centre_ids = [centre.service_centre_id]
    hours = (await centre_store.read_hours(tx.connection, centre_ids)).get(centre.service_centre_id, [])
    offers = (await centre_store.read_offers(tx.connection, centre_ids)).get(centre.service_centre_id, [])
    planned = [
        slot
        for slot in plan_slots(hours, offers, today, (until - today).days, PUBLIC_HOLIDAYS)
        if slot.starts_at > tx.now
    ]
    changed = await slot_store.put_slots(tx.connection, centre.service_centre_id, centre.county, planned)
    closed = await slot_store.close_other_slots(
        tx.connection, centre.service_centre_id, planned, tx.now, office_moment(until, time())
    )
    await centre_store.set_planned_until(tx.connection, centre.service_centre_id, until)
    return changed + closed
