"""Offices as they are when somebody has to be told, and escalation policies."""

from collections.abc import Collection

from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.members import Member, Office
from services.notifications.store.absences import list_absences_of
from services.notifications.store.calendars import load_calendars
from services.notifications.store.members import find_member, list_members_of
from shared.kit.transaction import Connection

__all__ = [
    "find_member",
    "find_policy",
    "list_members",
    "list_policies",
    "load_offices",
    "lock_policies",
    "save_policy",
]


async def load_offices(connection: Connection, working_groups: Collection[str]) -> dict[str, Office]:
    """Every one of these offices with its people, absences and open hours, in as many statements for one as for all.

    An office that nobody has set has no members and the usual hours.
    """
    members = await list_members_of(connection, working_groups)
    absences = await list_absences_of(connection, working_groups)
    calendars = await load_calendars(connection, working_groups)
    people: dict[str, list[Member]] = {}
    for member in members:
        people.setdefault(member.working_group, []).append(member)
    return {
        group: Office(
            working_group=group,
            members=tuple(people.get(group, ())),
            absences=tuple(absences.get(group, ())),
            calendar=calendars[group],
        )
        for group in working_groups
    }


async def list_members(connection: Connection, working_group: str) -> list[Member]:
    """Active members in their order."""
    return await list_members_of(connection, [working_group])


async def find_policy(connection: Connection, name: str) -> EscalationPolicy | None:
    """The policy saved under this name, if one replaces that of the rules file."""
    policy: str | None = await connection.fetchval("SELECT policy::text FROM escalation_policy WHERE name = $1", name)
    return None if policy is None else EscalationPolicy.model_validate_json(policy)


async def list_policies(connection: Connection) -> dict[str, tuple[int, EscalationPolicy]]:
    """Saved policies by name, with their version."""
    rows = await connection.fetch("SELECT name, version, policy::text AS policy FROM escalation_policy ORDER BY name")
    return {row["name"]: (row["version"], EscalationPolicy.model_validate_json(row["policy"])) for row in rows}


async def lock_policies(connection: Connection) -> None:
    """Let nobody else change policies, or the rules that choose them, until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('escalation_policies', 0))")


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
