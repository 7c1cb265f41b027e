"""Composition root of the nationals service: its compartments share no table, no topic and no identifier (the firewall)."""

from services.nationals.casework import handlers, timers
from services.nationals.casework.api import router
from services.nationals.settings import NationalsSettings
from shared.contracts import nationals as contracts
from shared.kit.service import Part, Service

service = Service(
    name="nationals",
    settings=NationalsSettings,
    parts=[Part(router, handlers, timers, contracts, compartment="casework")],
)
