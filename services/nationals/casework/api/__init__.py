"""HTTP of the casework: one module per kind of work."""

from fastapi import APIRouter

from services.nationals.casework.api import cases

router = APIRouter()
router.include_router(cases.router)
