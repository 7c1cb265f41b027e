"""Working groups, provincial offices and escalation policies."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.notifications.domain.escalation import EscalationPolicy, Member
from shared.kit.transaction import Connection


async def list_members(connection: Connection, working_group: str) -> list[Member]:
    """Active members in their order."""
    rows = await connection.fetch(
        """
        SELECT member_id, working_group, name, role, language, email, position, subject FROM working_group_member
        WHERE working_group = $1 AND active ORDER BY position
        """,
        working_group,
    )
    return [_member(row) for row in rows]


async def find_member(connection: Connection, member_id: UUID) -> Member | None:
    """The member, if still active."""
    row = await connection.fetchrow(
        """
        SELECT member_id, working_group, name, role, language, email, position, subject FROM working_group_member
        WHERE member_id = $1 AND active
        """,
        member_id,
    )
    return None if row is None else _member(row)


async def replace_members(
    connection: Connection, working_group: str, county: str | None, members: Sequence[Member]
) -> None:
    """Make `members` the group's active ones. Who is known by e-mail keeps the member id; who is left out goes inactive."""
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


async def find_policy(connection: Connection, name: str) -> EscalationPolicy | None:
    """The policy saved under this name, if one replaces that of the rules file."""
    policy: str | None = await connection.fetchval("SELECT policy::text FROM escalation_policy WHERE name = $1", name)
    return None if policy is None else EscalationPolicy.model_validate_json(policy)


async def list_policies(connection: Connection) -> dict[str, tuple[int, EscalationPolicy]]:
    """Saved policies by name, with their version."""
    rows = await connection.fetch("SELECT name, version, policy::text AS policy FROM escalation_policy ORDER BY name")
    return {row["name"]: (row["version"], EscalationPolicy.model_validate_json(row["policy"])) for row in rows}


async def save_policy(connection: Connection, name: str, policy: EscalationPolicy, by: str) -> int:
    """Save under the next version; returns it. Running alerts keep their copy."""
    version: int = await connection.fetchval(
        """
        INSERT INTO escalation_policy AS saved (name, version, policy, changed_by) VALUES ($1, 1, $2, $3)
        ON CONFLICT (name) DO UPDATE
        SET version = saved.version + 1, policy = excluded.policy, changed_at = now(), changed_by = excluded.changed_by
        RETURNING version
        """,
        name,
        policy.model_dump_json(),
        by,
    )
    return version


def _member(row: asyncpg.Record) -> Member:
    return Member(
        member_id=row["member_id"],
        working_group=row["working_group"],
        name=row["name"],
        role=row["role"],
        language=row["language"],
        email=row["email"],
        position=row["position"],
        subject=row["subject"],
    )
