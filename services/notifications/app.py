"""Composition root of the notifications service."""

from services.notifications import handlers, timers
from services.notifications.api import routers
from services.notifications.inbox_bell import ring_inbox_bell
from services.notifications.settings import Settings
from services.notifications.workers.auditor import audit_chains
from services.notifications.workers.delivery import deliver_messages
from services.notifications.workers.digest_worker import arm_digests
from shared.contracts import notifications as contracts
from shared.kit.service import Part, Service

service = Service(
    name="notifications",
    settings=Settings,
    parts=[Part(routers, handlers, timers, contracts)],
    workers=(deliver_messages, arm_digests, ring_inbox_bell, audit_chains),
)
