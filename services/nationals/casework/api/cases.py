"""HTTP of the casework half. There is no list of cases, no search, and no way to record a decision against anybody."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, Field

from services.nationals.casework import handlers
from services.nationals.casework.api.views import (
    CentreView,
    Counters,
    LegalReviewView,
    read_centres,
    read_counters,
    read_legal_reviews,
)
from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.access import ROLES_WITH_ACCESS
from services.nationals.casework.domain.capacity import CAPACITY_MAX
from services.nationals.casework.domain.case_facts import InterpreterRelation, ScreeningOutcome
from services.nationals.casework.domain.household import HOUSEHOLD_SIZE_MAX, HouseholdNeed
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome, PlaceKind
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page

PAGE_ITEMS_MAX = 500
INFORMATION_VERSION_MAX = 10_000
SCREENING_VALID_DAYS_MAX = 90

router = APIRouter()

Caseworker = Annotated[Commands, Depends(allow("caseworker"))]
ProtectionOfficer = Annotated[Commands, Depends(allow("protection_officer"))]
CaseStaff = Annotated[Commands, Depends(allow("caseworker", "protection_officer", "legal_officer"))]
CaseReader = Annotated[Commands, Depends(allow("caseworker", *sorted(ROLES_WITH_ACCESS)))]
CentreStaff = Annotated[Commands, Depends(allow("centre_manager", "province_officer"))]
Persons = Annotated[int, Field(ge=0, le=HOUSEHOLD_SIZE_MAX)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="ISO 639 code")]
InformationVersion = Annotated[int, Field(ge=1, le=INFORMATION_VERSION_MAX)]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


class CentreBody(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    county: County


class CapacityBody(BaseModel):
    place_kind: PlaceKind
    capacity: int = Field(ge=0, le=CAPACITY_MAX)
    reason: str | None = Field(default=None, min_length=1, max_length=500)


class CaseBody(BaseModel):
    reference: str
    county: County
    adults: Persons
    children_under_5: Persons
    children_5_to_17: Persons
    unaccompanied_child: bool = False
    needs: list[HouseholdNeed] = Field(default=[], max_length=len(HouseholdNeed))


class InterpreterBody(BaseModel):
    relation: InterpreterRelation


class InformationBody(BaseModel):
    language: Language
    information_version: InformationVersion
    interpreter: InterpreterBody = InterpreterBody(relation=InterpreterRelation.NONE)


class ScreeningBody(BaseModel):
    person_number: int = Field(ge=1, le=HOUSEHOLD_SIZE_MAX)
    outcome: ScreeningOutcome
    valid_days: int | None = Field(default=None, ge=1, le=SCREENING_VALID_DAYS_MAX)


class ConsentBody(BaseModel):
    language: Language
    interpreter: InterpreterBody
    information_version: InformationVersion
    given_freely: bool
    sign_of_pressure: bool


class PlacesBody(BaseModel):
    place_kind: PlaceKind
    places: int = Field(ge=1, le=HOUSEHOLD_SIZE_MAX)


class BookingBody(BaseModel):
    centre_id: UUID
    places: list[PlacesBody] = Field(min_length=1, max_length=len(PlaceKind))

    def by_kind(self) -> dict[PlaceKind, int]:
        """Places asked for of each kind, a kind named twice added up."""
        places: dict[PlaceKind, int] = {}
        for item in self.places:
            places[item.place_kind] = places.get(item.place_kind, 0) + item.places
        return places


class ClosureBody(BaseModel):
    outcome: CaseOutcome


@router.post("/centres", status_code=201)
async def open_centre(body: CentreBody, commands: CentreStaff) -> handlers.CentreOpened:
    commands.require_county(body.county)
    return await commands.execute(handlers.open_centre, handlers.OpenCentre(name=body.name, county=body.county))


@router.put("/centres/{centre_id}/capacity")
async def set_capacity(centre_id: UUID, body: CapacityBody, commands: CentreStaff) -> handlers.CapacityView:
    command = handlers.SetCapacity(
        centre_id=centre_id, place_kind=body.place_kind, capacity=body.capacity, reason=body.reason
    )
    return await commands.execute(handlers.set_capacity, command)


@router.get("/centres")
async def list_centres(
    queries: Annotated[Queries, Depends(allow_read("centre_manager", "province_officer", "caseworker"))],
    county: County | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[CentreView]:
    async with queries.read() as connection:
        return await read_centres(connection, county, after, limit)


@router.post("/cases", status_code=201)
async def open_case(body: CaseBody, commands: Caseworker) -> handlers.CaseOpened:
    commands.require_county(body.county)
    command = handlers.OpenCase(
        reference=body.reference,
        county=body.county,
        adults=body.adults,
        children_under_5=body.children_under_5,
        children_5_to_17=body.children_5_to_17,
        unaccompanied_child=body.unaccompanied_child,
        needs=sorted(set(body.needs)),
    )
    return await commands.execute(handlers.open_case, command)


@router.get("/cases/{case_id}")
async def read_case(
    case_id: UUID,
    purpose: handlers.ReadPurpose,
    commands: CaseReader,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> handlers.CaseView:
    """Every read is logged with its reader and purpose, so none may be answered from a stored answer."""
    if idempotency_key is not None:
        raise Refusal(refusals.READ_NOT_REPEATABLE)
    return await commands.execute(handlers.read_case, handlers.ReadCase(case_id=case_id, purpose=purpose))


@router.post("/cases/{case_id}/information-sessions", status_code=201)
async def give_information(case_id: UUID, body: InformationBody, commands: Caseworker) -> handlers.InformationGiven:
    command = handlers.GiveInformation(
        case_id=case_id,
        language=body.language,
        information_version=body.information_version,
        interpreter=body.interpreter.relation,
    )
    return await commands.execute(handlers.give_information, command)


@router.post("/cases/{case_id}/screenings", status_code=201)
async def screen_person(case_id: UUID, body: ScreeningBody, commands: ProtectionOfficer) -> handlers.PersonScreened:
    command = handlers.ScreenPerson(
        case_id=case_id, person_number=body.person_number, outcome=body.outcome, valid_days=body.valid_days
    )
    return await commands.execute(handlers.screen_person, command)


@router.post("/cases/{case_id}/consent", status_code=201)
async def record_consent(case_id: UUID, body: ConsentBody, commands: Caseworker) -> handlers.ConsentRecorded:
    """A consent that is not free is recorded as a sign of pressure: the answer says ``accepted: false``."""
    command = handlers.RecordConsent(
        case_id=case_id,
        language=body.language,
        interpreter=body.interpreter.relation,
        information_version=body.information_version,
        given_freely=body.given_freely,
        sign_of_pressure=body.sign_of_pressure,
    )
    return await commands.execute(handlers.record_consent, command)


@router.post("/cases/{case_id}/withdrawal")
async def withdraw_consent(case_id: UUID, commands: CaseStaff) -> handlers.ConsentWithdrawn:
    """Always succeeds before departure, costs nothing and gives every place back (safeguard 3)."""
    return await commands.execute(handlers.withdraw_consent, handlers.WithdrawConsent(case_id=case_id))


@router.post("/cases/{case_id}/closure")
async def close_case(case_id: UUID, body: ClosureBody, commands: CaseStaff) -> handlers.CaseClosed:
    """A person ends the case, with an outcome that is no measure; always open (safeguard 10)."""
    return await commands.execute(handlers.close_case, handlers.CloseCase(case_id=case_id, outcome=body.outcome))


@router.post("/cases/{case_id}/bookings", status_code=201)
async def book_places(case_id: UUID, body: BookingBody, commands: Caseworker) -> handlers.PlacesBooked:
    command = handlers.BookPlaces(case_id=case_id, centre_id=body.centre_id, places=body.by_kind())
    return await commands.execute(handlers.book_places, command)


@router.post("/bookings/{booking_id}/release")
async def release_booking(booking_id: UUID, commands: CaseStaff) -> handlers.BookingReleased:
    return await commands.execute(handlers.release_booking, handlers.ReleaseBooking(booking_id=booking_id))


@router.get("/legal-reviews")
async def list_legal_reviews(
    queries: Annotated[Queries, Depends(allow_read("legal_officer"))],
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[LegalReviewView]:
    """The legal office's queue. An entry says where a review waits and since when, nothing about the household."""
    async with queries.read() as connection:
        return await read_legal_reviews(connection, after, limit)


@router.get("/counters")
async def counters(
    queries: Annotated[
        Queries,
        Depends(allow_read("province_officer", "centre_manager", "legal_officer", "protection_officer", "operator")),
    ],
) -> Counters:
    """Internal figures, exact and unsuppressed: not for publication."""
    async with queries.read() as connection:
        return await read_counters(connection)
