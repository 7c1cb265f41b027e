"""Every module that owns events; each service publishes from its own alone."""

from shared.contracts import complaints, free_services, nationals, notifications, warehouse
from shared.contracts.base import Event, declared_events

OWNER_MODULES = (warehouse, nationals, free_services, complaints, notifications)


def event_types() -> list[type[Event]]:
    """Every event type of every owner."""
    return declared_events(*OWNER_MODULES)
