"""Composition root of the nationals service: its compartments share no table, no topic and no identifier (the firewall)."""

from services.nationals.casework import api as casework_api
from services.nationals.casework import handlers as casework_handlers
from services.nationals.casework import timers as casework_timers
from services.nationals.complaints import api as complaints_api
from services.nationals.complaints import handlers as complaints_handlers
from services.nationals.complaints import timers as complaints_timers
from services.nationals.free_services import api as free_services_api
from services.nationals.free_services import handlers as free_services_handlers
from services.nationals.free_services import timers as free_services_timers
from services.nationals.free_services.service_day_watch import watch_service_days
from services.nationals.settings import NationalsSettings
from shared.contracts import complaints as complaints_contracts
from shared.contracts import free_services as free_services_contracts
from shared.contracts import nationals as casework_contracts
from shared.kit.service import Part, Service

service = Service(
    name="nationals",
    settings=NationalsSettings,
    parts=[
        Part(casework_api.routers, casework_handlers, casework_timers, casework_contracts, "casework"),
        Part(
            free_services_api.routers,
            free_services_handlers,
            free_services_timers,
            free_services_contracts,
            "free_services",
        ),
        Part(complaints_api.routers, complaints_handlers, complaints_timers, complaints_contracts, "complaints"),
    ],
    workers=[watch_service_days],
)
