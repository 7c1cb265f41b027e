"""HTTP of this compartment: one module per kind of work."""

from services.nationals.free_services.api import (
    partner_reports,
    partners,
    permits,
    service_centres,
    service_figures,
    support_requests,
)

routers = (
    service_centres.router,
    service_figures.router,
    partners.router,
    partner_reports.router,
    support_requests.router,
    permits.router,
)
