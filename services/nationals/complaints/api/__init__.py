"""HTTP of this compartment: one module per kind of work."""

from fastapi import APIRouter

from services.nationals.complaints.api import complaints

router = APIRouter()
router.include_router(complaints.router)
