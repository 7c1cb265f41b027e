"""HTTP of this compartment: one module per kind of work."""

from fastapi import APIRouter

from services.nationals.free_services.api import (
    partner_reports,
    partners,
    permits,
    service_centres,
    service_figures,
    support_requests,
)

router = APIRouter()
router.include_router(service_centres.router)
router.include_router(service_figures.router)
router.include_router(partners.router)
router.include_router(partner_reports.router)
router.include_router(support_requests.router)
router.include_router(permits.router)
