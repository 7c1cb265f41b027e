"""What the lists and counters of the HTTP API show, and how they are read."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain.counters import COUNTERS
from services.nationals.casework.store import centres as centre_store
from services.nationals.casework.store import counters as counter_store
from services.nationals.casework.store import reviews as review_store
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind, ReviewOffice
from shared.kit.http import Page
from shared.kit.transaction import Connection


class PlacesView(BaseModel):
    capacity: int
    held: int
    used: int


class CentreView(BaseModel):
    centre_id: UUID
    name: str
    county: County
    places: dict[PlaceKind, PlacesView]


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
    """Two different people; nobody can be recorded yet."""


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
    return Page(
        items=[
            CentreView(
                centre_id=centre.centre_id,
                name=centre.name,
                county=centre.county,
                places=places.get(centre.centre_id, {}),
            )
            for centre in centres
        ],
        next=str(centres[-1].centre_id) if len(centres) == limit else None,
    )


async def read_legal_reviews(connection: Connection, after: UUID | None, limit: int) -> Page[LegalReviewView]:
    reviews = await review_store.list_open_legal_reviews(connection, after, limit)
    return Page(
        items=[
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
        next=str(reviews[-1].review_id) if len(reviews) == limit else None,
    )


async def read_counters(connection: Connection) -> Counters:
    """Counters of the counties that `connection` sees and where something was counted, each with all counters."""
    totals = await counter_store.read_case_counters(connection)
    projected: dict[UUID, dict[PlaceKind, PlacesView]] = {}
    for row in await counter_store.read_place_counters(connection):
        view = PlacesView(capacity=row.capacity, held=row.held, used=row.used)
        projected.setdefault(row.centre_id, {})[row.place_kind] = view
    return Counters(
        centres=_by_centre(await centre_store.list_places(connection, None)),
        projected_centres=projected,
        cases={
            county: {counter: totals.get((county, counter), 0) for counter in COUNTERS}
            for county in sorted({county for county, _ in totals})
        },
    )


def _by_centre(rows: list[centre_store.PlaceRow]) -> dict[UUID, dict[PlaceKind, PlacesView]]:
    by_centre: dict[UUID, dict[PlaceKind, PlacesView]] = {}
    for row in rows:
        view = PlacesView(capacity=row.places.capacity, held=row.places.held, used=row.places.used)
        by_centre.setdefault(row.centre_id, {})[row.place_kind] = view
    return by_centre
