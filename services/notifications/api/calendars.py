"""HTTP of the open hours of offices."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.notifications.api.roles import ADMINISTRATORS, READING
from services.notifications.domain.office_hours import DEFAULT, OfficeHours
from services.notifications.domain.offices import GroupName
from services.notifications.handlers.calendars import OfficeCalendar, set_calendar
from services.notifications.store.calendars import list_hours_of
from shared.contracts.counties import County
from shared.kit.http import Commands, Queries, allow, allow_read

router = APIRouter()


@router.put("/working-groups/{working_group}/calendar")
async def put_calendar(
    working_group: GroupName, body: OfficeHours, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> OfficeCalendar:
    """Replace the open hours by which an office's waits in working time are measured."""
    if isinstance(working_group, County):
        commands.require_county(working_group)
    return await commands.execute(set_calendar, OfficeCalendar(working_group=working_group, hours=body))


@router.get("/working-groups/{working_group}/calendar")
async def get_calendar(
    working_group: GroupName, queries: Annotated[Queries, Depends(allow_read(*READING))]
) -> OfficeCalendar:
    """The hours in force: those that the office has saved, or the usual ones."""
    if isinstance(working_group, County):
        queries.require_county(working_group)
    async with queries.read() as connection:
        saved = (await list_hours_of(connection, [working_group])).get(working_group)
    return OfficeCalendar(working_group=working_group, saved=saved is not None, hours=saved or DEFAULT)
