"""Composition root of the nationals service."""

from services.nationals import handlers, timers
from services.nationals.api import router
from services.nationals.settings import NationalsSettings
from shared.contracts import nationals as contracts
from shared.kit.service import Service

service = Service(
    name="nationals",
    settings=NationalsSettings,
    router=router,
    handlers=handlers,
    timers=timers,
    contracts=contracts,
)
