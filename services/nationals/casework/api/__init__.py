"""HTTP of the casework: one module per kind of work."""

from fastapi import APIRouter

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

router = APIRouter()
router.include_router(cases.router)
router.include_router(access.router)
router.include_router(legal_reviews.router)
router.include_router(places.router)
router.include_router(voluntary.router)
router.include_router(pauses.router)
router.include_router(protection.router)
router.include_router(personal_data.router)
