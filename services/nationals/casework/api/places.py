"""HTTP of the return centres: what they have, admission, the waiting list and its offers."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.nationals.casework.api.cases import BookingBody, CaseStaff, Caseworker, CentreStaff
from services.nationals.casework.api.views import CentreStandardsView, read_centre_standards
from services.nationals.casework.handlers.admissions import AdmitHousehold, HouseholdAdmitted, admit_household
from services.nationals.casework.handlers.bookings import BookingReleased
from services.nationals.casework.handlers.centres import CentreRecorded, RecordCentre, record_centre
from services.nationals.casework.handlers.waiting import (
    AnswerOffer,
    JoinWaitingList,
    LeaveWaitingList,
    OfferAccepted,
    WaitingListJoined,
    WaitingListLeft,
    accept_offer,
    decline_offer,
    join_waiting_list,
    leave_waiting_list,
)
from shared.kit.http import Commands, Queries, allow, allow_read

FLOOR_AREA_M2_MAX = 1_000_000
UNITS_MAX = 100_000

router = APIRouter()

CentreManager = Annotated[Commands, Depends(allow("centre_manager"))]


class CentreRecordBody(BaseModel):
    floor_area_m2: Decimal = Field(ge=0, le=FLOOR_AREA_M2_MAX, decimal_places=2, description="living space only")
    toilets: int = Field(ge=0, le=UNITS_MAX)
    staff_per_shift: int = Field(ge=0, le=UNITS_MAX)


@router.put("/centres/{centre_id}/record")
async def put_record(centre_id: UUID, body: CentreRecordBody, commands: CentreStaff) -> CentreRecorded:
    """Record what the centre has; the written standards then say how many places it may have."""
    command = RecordCentre(
        centre_id=centre_id,
        floor_area_m2=body.floor_area_m2,
        toilets=body.toilets,
        staff_per_shift=body.staff_per_shift,
    )
    return await commands.execute(record_centre, command)


@router.get("/centres/{centre_id}/record")
async def get_record(
    centre_id: UUID,
    queries: Annotated[Queries, Depends(allow_read("centre_manager", "province_officer", "caseworker"))],
) -> CentreStandardsView:
    """What is on record of the centre, the standards it was measured against, and how many places they allow."""
    async with queries.read() as connection:
        return await read_centre_standards(connection, centre_id)


@router.post("/bookings/{booking_id}/admission")
async def admit(booking_id: UUID, commands: CentreManager) -> HouseholdAdmitted:
    """The whole household arrived in the centre."""
    return await commands.execute(admit_household, AdmitHousehold(booking_id=booking_id))


@router.post("/cases/{case_id}/waiting-list", status_code=201)
async def join(case_id: UUID, body: BookingBody, commands: Caseworker) -> WaitingListJoined:
    """Wait for places of one centre, at the household's wish. The order is that of entering."""
    command = JoinWaitingList(case_id=case_id, centre_id=body.centre_id, places=body.by_kind())
    return await commands.execute(join_waiting_list, command)


@router.post("/cases/{case_id}/waiting-list/leave")
async def leave(case_id: UUID, commands: CaseStaff) -> WaitingListLeft:
    return await commands.execute(leave_waiting_list, LeaveWaitingList(case_id=case_id))


@router.post("/bookings/{booking_id}/acceptance")
async def accept(booking_id: UUID, commands: Caseworker) -> OfferAccepted:
    """The household accepts the places that were offered to it."""
    return await commands.execute(accept_offer, AnswerOffer(booking_id=booking_id))


@router.post("/bookings/{booking_id}/decline")
async def decline(booking_id: UUID, commands: Caseworker) -> BookingReleased:
    """The household says no: the places go to the next, and nothing else happens to it."""
    return await commands.execute(decline_offer, AnswerOffer(booking_id=booking_id))
