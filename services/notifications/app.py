"""Composition root of the notifications service."""

from services.notifications import handlers, timers
from services.notifications.api import routers
from services.notifications.delivery import deliver_letters
from services.notifications.settings import Settings
from shared.contracts import notifications as contracts
from shared.kit.service import Part, Service

service = Service(
    name="notifications",
    settings=Settings,
    parts=[Part(routers, handlers, timers, contracts)],
    workers=(deliver_letters,),
)
