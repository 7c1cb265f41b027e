"""HTTP of the warehouse service: a module for each kind of work."""

from services.warehouse.api import (
    central,
    compliance,
    essential_goods,
    follow_ups,
    openrosa,
    photos,
    planning,
    proposals,
    reading,
    registry,
    reviews,
    submissions,
)

routers = (
    registry.router,
    submissions.router,
    openrosa.router,
    central.router,
    photos.router,
    follow_ups.router,
    essential_goods.router,
    reading.router,
    compliance.router,
    planning.router,
    reviews.router,
    proposals.router,
)
