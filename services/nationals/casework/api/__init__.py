"""HTTP of the casework: one module per kind of work."""

from services.nationals.casework.api import (
    access,
    cases,
    legal_reviews,
    pauses,
    personal_data,
    places,
    protection,
    voluntary,
)

routers = (
    cases.router,
    access.router,
    legal_reviews.router,
    places.router,
    voluntary.router,
    pauses.router,
    protection.router,
    personal_data.router,
)
