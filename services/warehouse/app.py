"""Composition root of the warehouse service."""

from services.warehouse import handlers, timers
from services.warehouse.api import routers
from services.warehouse.day_end import watch_day_end
from services.warehouse.photo_sweep import sweep_photos
from services.warehouse.settings import WarehouseSettings
from shared.contracts import warehouse as contracts
from shared.kit.service import Part, Service

service = Service(
    name="warehouse",
    settings=WarehouseSettings,
    parts=[Part(routers, handlers, timers, contracts)],
    workers=(sweep_photos, watch_day_end),
    raw_media_types=frozenset({"text/xml", "application/xml"}),
)
