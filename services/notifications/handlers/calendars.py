"""The open hours of an office."""

from pydantic import BaseModel

from services.notifications.domain.office_hours import OfficeHours, require_open
from services.notifications.domain.offices import GroupName
from services.notifications.handlers.groups import require_authority
from services.notifications.store import calendars as store
from shared.contracts.counties import County
from shared.kit.transaction import Transaction


class OfficeCalendar(BaseModel):
    """`saved` false: the usual hours, since the office has set none."""

    working_group: GroupName
    saved: bool = True
    hours: OfficeHours


async def set_calendar(command: OfficeCalendar, tx: Transaction) -> OfficeCalendar:
    """Replace an office's hours. A wait that runs keeps the moment at which it ends. Raises Refusal."""
    group = command.working_group
    require_authority(group, tx.principal)
    require_open(command.hours)
    county = group if isinstance(group, County) else None
    await store.save_hours(tx.connection, group, county, command.hours, tx.principal.subject)
    return OfficeCalendar(working_group=group, hours=command.hours)
