"""Who is away, and who stands in."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.notifications.domain.members import Absence
from shared.kit.transaction import Connection


async def list_absences_of(connection: Connection, working_groups: Collection[str]) -> dict[str, list[Absence]]:
    """Every absence of everybody who is or was a member of these offices, by office, in the order of days."""
    rows = await connection.fetch(
        """
        SELECT member.working_group, absence.member_id, absence.first_day, absence.last_day, absence.deputy_id
        FROM absence JOIN working_group_member AS member USING (member_id)
        WHERE member.working_group = ANY ($1) ORDER BY absence.first_day, absence.member_id
        """,
        list(working_groups),
    )
    absences: dict[str, list[Absence]] = {}
    for row in rows:
        absences.setdefault(row["working_group"], []).append(
            Absence(row["member_id"], row["first_day"], row["last_day"], row["deputy_id"])
        )
    return absences


async def replace_absences(
    connection: Connection, member_id: UUID, county: str | None, absences: Sequence[Absence], by: str
) -> None:
    """Make these the absences of a member."""
    await connection.execute("DELETE FROM absence WHERE member_id = $1", member_id)
    await connection.execute(
        """
        INSERT INTO absence (member_id, county, set_by, first_day, last_day, deputy_id)
        SELECT $1, $2, $3, first_day, last_day, deputy_id
        FROM unnest($4::date[], $5::date[], $6::uuid[]) AS absence (first_day, last_day, deputy_id)
        """,
        member_id,
        county,
        by,
        [absence.first_day for absence in absences],
        [absence.last_day for absence in absences],
        [absence.deputy_id for absence in absences],
    )
