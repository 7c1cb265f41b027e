"""What the lists of service centres, slots and waiting times show, and how they are read."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from pydantic import BaseModel

from services.nationals.free_services.domain.centre import PLANNED_DAYS, Weekday
from services.nationals.free_services.domain.suppression import SMALL_CELL
from services.nationals.free_services.store import service_centres as centre_store
from services.nationals.free_services.store import slots as slot_store
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.paging import Page, page_of
from shared.kit.transaction import Connection
from shared.persian.calendar import office_date, office_moment

SLOTS_MAX = 5_000
MEASURED_DAYS = 30
"""Waiting minutes are those of the visitors received in the last so many days."""


class HoursLine(BaseModel):
    weekday: Weekday
    opens_at: time
    closes_at: time


class OfferLine(BaseModel):
    service: FreeService
    active: bool
    capacity_per_slot: int
    slot_minutes: int


class ServiceCentreView(BaseModel):
    service_centre_id: UUID
    county: County
    name_fa: str
    name_en: str
    planned_until: date | None
    """Slots are planned up to this day, itself not included."""
    opening_hours: list[HoursLine]
    services: list[OfferLine]


class SlotView(BaseModel):
    slot_id: UUID
    service: FreeService
    starts_at: datetime
    minutes: int
    capacity: int
    free: int


class WaitingTimeView(BaseModel):
    """`days_until_free`: None where nothing is free in the planned days. Minutes of fewer than ten visitors are hidden."""

    service_centre_id: UUID
    county: County
    service: FreeService
    next_free_at: datetime | None
    days_until_free: int | None
    waited_minutes_mean: int | None
    planned_days: int = PLANNED_DAYS


async def read_centres(
    connection: Connection, county: County | None, after: UUID | None, limit: int
) -> Page[ServiceCentreView]:
    centres = await centre_store.list_centres(connection, county, after, limit)
    centre_ids = [centre.service_centre_id for centre in centres]
    hours = await centre_store.read_hours(connection, centre_ids)
    offers = await centre_store.read_offers(connection, centre_ids)
    return page_of(
        [
            ServiceCentreView(
                service_centre_id=centre.service_centre_id,
                county=centre.county,
                name_fa=centre.name_fa,
                name_en=centre.name_en,
                planned_until=centre.planned_until,
                opening_hours=[
                    HoursLine(weekday=one.weekday, opens_at=one.opens_at, closes_at=one.closes_at)
                    for one in hours.get(centre.service_centre_id, [])
                ],
                services=[
                    OfferLine(
                        service=offer.service,
                        active=offer.active,
                        capacity_per_slot=offer.capacity_per_slot,
                        slot_minutes=offer.slot_minutes,
                    )
                    for offer in offers.get(centre.service_centre_id, [])
                ],
            )
            for centre in centres
        ],
        limit,
        lambda line: line.service_centre_id,
    )


async def read_slots(
    connection: Connection, service_centre_id: UUID, service: FreeService | None, from_on: date, to_on: date
) -> list[SlotView]:
    """Slots from the beginning of `from_on` up to the beginning of `to_on`."""
    slots = await slot_store.list_slots(
        connection, service_centre_id, service, office_moment(from_on, time()), office_moment(to_on, time()), SLOTS_MAX
    )
    return [
        SlotView(
            slot_id=slot.slot_id,
            service=slot.service,
            starts_at=slot.starts_at,
            minutes=slot.minutes,
            capacity=slot.capacity,
            free=slot.capacity - slot.booked,
        )
        for slot in slots
    ]


async def read_waiting_times(connection: Connection, county: County | None) -> list[WaitingTimeView]:
    now: datetime = await connection.fetchval("SELECT now()")
    times = await slot_store.read_waiting_times(connection, county, now - timedelta(days=MEASURED_DAYS))
    return [
        WaitingTimeView(
            service_centre_id=one.service_centre_id,
            county=one.county,
            service=one.service,
            next_free_at=one.next_free_at,
            days_until_free=None
            if one.next_free_at is None
            else (office_date(one.next_free_at) - office_date(now)).days,
            waited_minutes_mean=round(one.waited_minutes_mean)
            if one.waited_minutes_mean is not None and one.received >= SMALL_CELL
            else None,
        )
        for one in times
    ]
