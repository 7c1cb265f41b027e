"""Open hours that offices have saved."""

from collections.abc import Collection

from services.notifications.domain.office_hours import DEFAULT, OfficeHours
from services.notifications.domain.working_calendar import WorkingCalendar
from services.notifications.public_holidays import PUBLIC_HOLIDAYS
from shared.kit.transaction import Connection


async def list_hours_of(connection: Connection, working_groups: Collection[str]) -> dict[str, OfficeHours]:
    """The saved hours of these offices, by office; an office that has saved none is left out."""
    rows = await connection.fetch(
        """
        SELECT working_group, jsonb_build_object(
            'hours', hours, 'keeps_public_holidays', keeps_public_holidays, 'closed_days', closed_days)::text AS document
        FROM office_calendar WHERE working_group = ANY ($1)
        """,
        list(working_groups),
    )
    return {row["working_group"]: OfficeHours.model_validate_json(row["document"]) for row in rows}


async def load_calendars(connection: Connection, working_groups: Collection[str]) -> dict[str, WorkingCalendar]:
    """When each of these offices is open; one that has saved no hours has the usual ones."""
    hours = await list_hours_of(connection, working_groups)
    return {group: hours.get(group, DEFAULT).calendar(PUBLIC_HOLIDAYS) for group in working_groups}


async def save_hours(
    connection: Connection, working_group: str, county: str | None, hours: OfficeHours, by: str
) -> None:
    """Replace the hours of an office."""
    await connection.execute(
        """
        INSERT INTO office_calendar (working_group, county, hours, keeps_public_holidays, closed_days, changed_by)
        VALUES ($1, $2, $3::jsonb -> 'hours', $4, $5, $6)
        ON CONFLICT (working_group) DO UPDATE
        SET hours = excluded.hours, keeps_public_holidays = excluded.keeps_public_holidays,
            closed_days = excluded.closed_days, changed_at = now(), changed_by = excluded.changed_by
        """,
        working_group,
        county,
        hours.model_dump_json(),
        hours.keeps_public_holidays,
        hours.closed_days,
        by,
    )
