"""The people of working groups and provincial offices, with their addresses."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import asyncpg

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.members import Member
from shared.kit.transaction import Connection

_MEMBER = """
    SELECT member_id, working_group, name, role, language, email, position, subject,
           ARRAY(SELECT channel FROM member_contact WHERE member_contact.member_id = member.member_id
                 ORDER BY preference) AS channels,
           ARRAY(SELECT address FROM member_contact WHERE member_contact.member_id = member.member_id
                 ORDER BY preference) AS addresses
    FROM working_group_member AS member
"""


async def list_members_of(connection: Connection, working_groups: Collection[str]) -> list[Member]:
    """Active members of several offices, each office's in its order."""
    rows = await connection.fetch(
        f"{_MEMBER} WHERE working_group = ANY ($1) AND active ORDER BY working_group, position", list(working_groups)
    )
    return [_member(row) for row in rows]


async def find_member(connection: Connection, member_id: UUID) -> Member | None:
    """The member, if still active."""
    row = await connection.fetchrow(f"{_MEMBER} WHERE member_id = $1 AND active", member_id)
    return None if row is None else _member(row)


async def lock_office(connection: Connection, working_group: str) -> None:
    """Let nobody else change the people or absences of this office until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('office/' || $1, 0))", working_group)


async def lock_memberships(connection: Connection) -> None:
    """Let nobody be told until the transaction ends, so that somebody can leave. Before any alert is locked."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('memberships', 0))")


async def share_memberships(connection: Connection) -> None:
    """Let nobody join or leave an office until the transaction ends: whom it tells is a member still when it commits.

    Before any alert is locked: whoever leaves keeps the others waiting while alerts are locked one after another.
    """
    await connection.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('memberships', 0))")


async def set_emails(connection: Connection, working_group: str, emails: Mapping[UUID, str]) -> set[UUID]:
    """Give members another e-mail address; returns who has it now. One that somebody of the office ever had stays theirs."""
    rows = await connection.fetch(
        """
        UPDATE working_group_member AS member SET email = new.email, changed_at = now()
        FROM unnest($2::uuid[], $3::text[]) AS new (member_id, email)
        WHERE member.member_id = new.member_id AND NOT EXISTS (
            SELECT FROM working_group_member AS other WHERE other.working_group = $1 AND other.email = new.email)
        RETURNING member.member_id
        """,
        working_group,
        list(emails),
        list(emails.values()),
    )
    return {row["member_id"] for row in rows}


async def replace_members(
    connection: Connection, working_group: str, county: str | None, members: Sequence[Member]
) -> list[Member]:
    """Make `members` the office's active ones; returns them as kept, in their order.

    Who is known by e-mail keeps the member id; who is left out goes inactive.
    """
    # Positions are unique among the active: those who change places have to leave theirs first.
    await connection.execute(
        "UPDATE working_group_member SET active = false, changed_at = now() WHERE working_group = $1 AND active",
        working_group,
    )
    await connection.execute(
        """
        INSERT INTO working_group_member AS known
            (member_id, working_group, county, name, role, language, email, position, subject)
        SELECT member_id, $1, $2, name, role, language, email, position, subject
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::text[])
             AS member (member_id, name, role, language, email, position, subject)
        ON CONFLICT (working_group, email) DO UPDATE
        SET name = excluded.name, role = excluded.role, language = excluded.language, position = excluded.position,
            subject = excluded.subject, active = true, changed_at = now()
        """,
        working_group,
        county,
        [member.member_id for member in members],
        [member.name for member in members],
        [member.role for member in members],
        [member.language for member in members],
        [member.email for member in members],
        [member.position for member in members],
        [member.subject for member in members],
    )
    await _replace_contacts(connection, working_group, county, members)
    return await list_members_of(connection, [working_group])


async def _replace_contacts(
    connection: Connection, working_group: str, county: str | None, members: Sequence[Member]
) -> None:
    await connection.execute(
        """
        DELETE FROM member_contact USING working_group_member AS member
        WHERE member_contact.member_id = member.member_id AND member.working_group = $1
        """,
        working_group,
    )
    contacts = [(member.email, place, one) for member in members for place, one in enumerate(member.contacts)]
    await connection.execute(
        """
        INSERT INTO member_contact (member_id, preference, county, channel, address)
        SELECT member.member_id, contact.preference, $2, contact.channel, contact.address
        FROM unnest($3::text[], $4::smallint[], $5::text[], $6::text[])
             AS contact (email, preference, channel, address)
        JOIN working_group_member AS member ON member.working_group = $1 AND member.email = contact.email
        """,
        working_group,
        county,
        [email for email, _, _ in contacts],
        [preference for _, preference, _ in contacts],
        [contact.channel.value for _, _, contact in contacts],
        [contact.address for _, _, contact in contacts],
    )


def _member(row: asyncpg.Record) -> Member:
    contacts = tuple(
        Contact(Channel(channel), address) for channel, address in zip(row["channels"], row["addresses"], strict=True)
    )
    return Member(
        member_id=row["member_id"],
        working_group=row["working_group"],
        name=row["name"],
        role=row["role"],
        language=row["language"],
        email=row["email"],
        position=row["position"],
        subject=row["subject"],
        contacts=contacts or (Contact(Channel.EMAIL, row["email"]),),
    )
