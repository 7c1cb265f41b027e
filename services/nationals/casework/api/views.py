"""What the lists and counters of the HTTP API show, and how they are read."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.counters import COUNTERS
from services.nationals.casework.domain.standards import places_allowed
from services.nationals.casework.store import centre_records as record_store
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store import counters as counter_store
from services.nationals.casework.store import reviews as review_store
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind, ReviewOffice
from shared.contracts.refusals import Refusal
from shared.kit.paging import Page, page_of
from shared.kit.transaction import Connection


class PlacesView(BaseModel):
    capacity: int
    held: int
    used: int


class CentrePlacesView(PlacesView):
    """`capacity` is the one in effect: above `capacity_target` the centre takes nobody until places are given back."""

    capacity_target: int
    closed: bool
    waiting_list_first: bool
    """Whether households of the waiting list come first, so that a booking is refused."""


class CentreView(BaseModel):
    centre_id: UUID
    name: str
    county: County
    places: dict[PlaceKind, CentrePlacesView]


class LegalReviewView(BaseModel):
    review_id: UUID
    case_id: UUID
    county: County
    owner_office: ReviewOffice
    opened_at: datetime
    review_by: datetime
    reminders: int
    first_reviewer: str | None
    second_reviewer: str | None
    """Two different people: who took the review, and who confirmed its outcome."""


class Counters(BaseModel):
    """`centres` are the owning rows, `projected_centres` and `cases` are folds of events: once settled they agree."""

    centres: dict[UUID, dict[PlaceKind, PlacesView]]
    projected_centres: dict[UUID, dict[PlaceKind, PlacesView]]
    cases: dict[County, dict[str, int]]


async def read_centres(
    connection: Connection, county: County | None, after: UUID | None, limit: int
) -> Page[CentreView]:
    centres = await centre_store.list_centres(connection, county, after, limit)
    places = _by_centre(await centre_store.list_places(connection, [centre.centre_id for centre in centres]))
    return page_of(
        [
            CentreView(
                centre_id=centre.centre_id,
                name=centre.name,
                county=centre.county,
                places=places.get(centre.centre_id, {}),
            )
            for centre in centres
        ],
        limit,
        lambda line: line.centre_id,
    )


async def read_legal_reviews(connection: Connection, after: UUID | None, limit: int) -> Page[LegalReviewView]:
    reviews = await review_store.list_open_legal_reviews(connection, after, limit)
    return page_of(
        [
            LegalReviewView(
                review_id=review.review_id,
                case_id=review.case_id,
                county=review.county,
                owner_office=review.owner_office,
                opened_at=review.opened_at,
                review_by=review.review_by,
                reminders=review.reminders,
                first_reviewer=review.first_reviewer,
                second_reviewer=review.second_reviewer,
            )
            for review in reviews
        ],
        limit,
        lambda line: line.review_id,
    )


async def read_counters(connection: Connection) -> Counters:
    """Counters of the counties that `connection` sees and where something was counted, each with all counters."""
    totals = await counter_store.read_case_counters(connection)
    projected: dict[UUID, dict[PlaceKind, PlacesView]] = {}
    for row in await counter_store.read_place_counters(connection):
        view = PlacesView(capacity=row.capacity, held=row.held, used=row.used)
        projected.setdefault(row.centre_id, {})[row.place_kind] = view
    owned = _by_centre(await centre_store.list_places(connection, None))
    return Counters(
        centres={
            centre_id: {
                kind: PlacesView(capacity=places.capacity, held=places.held, used=places.used)
                for kind, places in by_kind.items()
            }
            for centre_id, by_kind in owned.items()
        },
        projected_centres=projected,
        cases={
            county: {counter: totals.get((county, counter), 0) for counter in COUNTERS}
            for county in sorted({county for county, _ in totals})
        },
    )


class CentreStandardsView(BaseModel):
    """`places_allowed`: of all kinds together, by the lowest of the three measures."""

    centre_id: UUID
    floor_area_m2: Decimal
    toilets: int
    staff_per_shift: int
    standards_version: str
    floor_area_m2_per_person: Decimal
    persons_per_toilet: int
    persons_per_staff_member: int
    places_allowed: int


async def read_centre_standards(connection: Connection, centre_id: UUID) -> CentreStandardsView:
    """The record that counts. Raises Refusal (404) if nothing is on record."""
    record = await record_store.latest_record(connection, centre_id)
    if record is None:
        raise Refusal(refusals.CENTRE_NOT_FOUND)
    return CentreStandardsView(
        centre_id=centre_id,
        floor_area_m2=record.floor_area_m2,
        toilets=record.toilets,
        staff_per_shift=record.staff_per_shift,
        standards_version=record.standards.version,
        floor_area_m2_per_person=record.standards.floor_area_m2_per_person,
        persons_per_toilet=record.standards.persons_per_toilet,
        persons_per_staff_member=record.standards.persons_per_staff_member,
        places_allowed=places_allowed(record),
    )


def _by_centre(rows: list[centre_store.PlaceRow]) -> dict[UUID, dict[PlaceKind, CentrePlacesView]]:
    by_centre: dict[UUID, dict[PlaceKind, CentrePlacesView]] = {}
    for row in rows:
        view = CentrePlacesView(
            capacity=row.places.capacity,
            held=row.places.held,
            used=row.places.used,
            capacity_target=row.places.capacity_target,
            closed=row.places.is_closed,
            waiting_list_first=row.places.waiting_list_first,
        )
        by_centre.setdefault(row.centre_id, {})[row.place_kind] = view
    return by_centre
