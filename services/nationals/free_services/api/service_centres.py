"""HTTP of service centres, their slots, and the booking of slots by claim code."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.nationals.free_services.api.service_views import (
    HoursLine,
    ServiceCentreView,
    SlotView,
    WaitingTimeView,
    read_centres,
    read_slots,
    read_waiting_times,
)
from services.nationals.free_services.domain.booking import CLAIM_TEXT_MAX
from services.nationals.free_services.domain.centre import (
    CAPACITY_PER_SLOT_MAX,
    SLOT_MINUTES_MAX,
    SLOT_MINUTES_MIN,
    OpeningHours,
    Weekday,
)
from services.nationals.free_services.handlers import bookings, service_centres
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page

PAGE_ITEMS_MAX = 500
SLOT_DAYS_MAX = 31

router = APIRouter()

Manager = Annotated[Commands, Depends(allow("services_manager"))]
Reader = Annotated[Queries, Depends(allow_read("services_manager", "province_officer", "county_chair", "member"))]
Desk = Annotated[Queries, Depends(allow_read("services_manager", "province_officer"))]


class ServiceCentreBody(BaseModel):
    county: County
    name_fa: str = Field(min_length=1, max_length=200)
    name_en: str = Field(min_length=1, max_length=200)


class OpeningHoursBody(BaseModel):
    hours: list[HoursLine] = Field(max_length=len(Weekday))


class OfferBody(BaseModel):
    active: bool = True
    capacity_per_slot: int = Field(ge=1, le=CAPACITY_PER_SLOT_MAX)
    slot_minutes: int = Field(ge=SLOT_MINUTES_MIN, le=SLOT_MINUTES_MAX)


class ClaimBody(BaseModel):
    claim_code: str = Field(min_length=1, max_length=CLAIM_TEXT_MAX)


@router.post("/service-centres", status_code=201)
async def open_service_centre(body: ServiceCentreBody, commands: Manager) -> service_centres.ServiceCentreAdded:
    """Open a centre; it has slots once it has opening hours and services."""
    commands.require_county(body.county)
    command = service_centres.OpenServiceCentre(county=body.county, name_fa=body.name_fa, name_en=body.name_en)
    return await commands.execute(service_centres.open_service_centre, command)


@router.post("/service-centres/examples")
async def load_examples(commands: Manager) -> service_centres.ExamplesLoaded:
    """Load the two centres that ship as examples, once: what is there already stays as it is."""
    return await commands.execute(service_centres.load_examples, service_centres.LoadExamples())


@router.get("/service-centres")
async def list_service_centres(
    queries: Reader,
    county: County | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)] = 100,
    after: UUID | None = None,
) -> Page[ServiceCentreView]:
    """Centres of the whole province with their hours and services: visitors may go to any of them."""
    async with queries.read() as connection:
        return await read_centres(connection, county, after, limit)


@router.put("/service-centres/{service_centre_id}/opening-hours")
async def set_opening_hours(
    service_centre_id: UUID, body: OpeningHoursBody, commands: Manager
) -> service_centres.SlotsPlanned:
    """Replace the week's opening hours (province's time); the coming slots follow, and what is booked stays booked."""
    hours = [OpeningHours(line.weekday, line.opens_at, line.closes_at) for line in body.hours]
    command = service_centres.SetOpeningHours(service_centre_id=service_centre_id, hours=hours)
    return await commands.execute(service_centres.set_opening_hours, command)


@router.put("/service-centres/{service_centre_id}/services/{service}")
async def set_offer(
    service_centre_id: UUID, service: FreeService, body: OfferBody, commands: Manager
) -> service_centres.SlotsPlanned:
    """Set what the centre offers of a service; the coming slots follow, and what is booked stays booked."""
    command = service_centres.SetOffer(service_centre_id=service_centre_id, service=service, **dict(body))
    return await commands.execute(service_centres.set_offer, command)


@router.get("/service-centres/{service_centre_id}/slots")
async def list_slots(
    service_centre_id: UUID,
    queries: Desk,
    from_on: date,
    days: Annotated[int, Query(ge=1, le=SLOT_DAYS_MAX)] = 1,
    service: FreeService | None = None,
) -> list[SlotView]:
    """Slots of `days` days from `from_on` on, in time's order; none of a centre outside the caller's counties."""
    async with queries.read() as connection:
        return await read_slots(connection, service_centre_id, service, from_on, from_on + timedelta(days=days))


@router.post("/service-slots/{slot_id}/bookings", status_code=201)
async def book_slot(slot_id: UUID, commands: Manager) -> bookings.SlotBooked:
    """Book one place. The claim code is printed for the visitor; who it is for is neither asked nor recorded."""
    return await commands.execute(bookings.book_slot, bookings.BookSlot(slot_id=slot_id))


@router.post("/service-slots/{slot_id}/no-shows")
async def record_no_shows(slot_id: UUID, commands: Manager) -> bookings.NoShowsRecorded:
    """After the slot's end: nobody came for what is still held. It has no consequence for anybody."""
    return await commands.execute(bookings.record_no_shows, bookings.RecordNoShows(slot_id=slot_id))


@router.post("/slot-claims/release")
async def release_claim(body: ClaimBody, commands: Manager) -> bookings.ClaimUsed:
    """Give the place of a claim code back."""
    return await commands.execute(bookings.release_claim, bookings.UseClaim(claim_code=body.claim_code))


@router.post("/slot-claims/check-in")
async def check_in(body: ClaimBody, commands: Manager) -> bookings.ClaimUsed:
    """The visitor with this claim code is received now; the waiting time is measured."""
    return await commands.execute(bookings.check_in, bookings.UseClaim(claim_code=body.claim_code))


@router.get("/service-waiting-times")
async def list_waiting_times(queries: Reader, county: County | None = None) -> list[WaitingTimeView]:
    """Per centre and service of the caller's counties: days until the next free slot, minutes that visitors waited."""
    async with queries.read() as connection:
        return await read_waiting_times(connection, county)
