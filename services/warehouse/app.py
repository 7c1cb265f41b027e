"""Composition root of the warehouse service."""

from services.warehouse import handlers, timers
from services.warehouse.api import router
from services.warehouse.settings import WarehouseSettings
from shared.contracts import warehouse as contracts
from shared.kit.service import Service

service = Service(
    name="warehouse",
    settings=WarehouseSettings,
    router=router,
    handlers=handlers,
    timers=timers,
    contracts=contracts,
)
