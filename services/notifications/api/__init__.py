"""HTTP of the notifications service: a module for each kind of work."""

from services.notifications.api import (
    absences,
    alerts,
    calendars,
    deliveries,
    digests,
    groups,
    inbox_stream,
    link,
    monitoring,
    people_import,
    reading,
    rules,
    silences,
    templates,
    webhooks,
)

routers = (
    groups.router,
    absences.router,
    calendars.router,
    people_import.router,
    rules.router,
    reading.router,
    inbox_stream.router,
    deliveries.router,
    alerts.router,
    silences.router,
    link.router,
    templates.router,
    digests.router,
    monitoring.router,
    webhooks.router,
)
