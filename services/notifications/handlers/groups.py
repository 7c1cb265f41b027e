"""Working groups, provincial offices and escalation policies are set by people."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

from services.notifications.domain.escalation import EscalationPolicy, Member
from services.notifications.domain.refusals import GROUP_MEMBER_REPEATED, OFFICE_NEEDS_PROVINCE, POLICY_UNKNOWN
from services.notifications.domain.rules import Audience
from services.notifications.routing_rules import RULES
from services.notifications.store import groups as store
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction

MEMBERS_MAX = 100
POSITION_MAX = 1000
EMAIL_PATTERN = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*$"
Office = Literal[
    Audience.PROVINCE_OFFICE,
    Audience.LEGAL_OFFICE,
    Audience.APPEAL_OFFICE,
    Audience.PROTECTION_OFFICE,
    Audience.CASEWORK_SUPERVISION,
    Audience.COMPLAINTS_OFFICE,
]


def _one_line(value: str) -> str:
    if not value.isprintable() and not all(character.isprintable() or character == "\u200c" for character in value):
        raise ValueError("must be one line of printable text")
    return value


class MemberBody(BaseModel):
    """`subject`: the sign-in name whose inbox shows this person's alerts. `position`: lowest is told first."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_one_line)]
    role: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    language: Literal["fa", "en"]
    email: Annotated[str, Field(max_length=254, pattern=EMAIL_PATTERN)]
    position: Annotated[int, Field(ge=0, le=POSITION_MAX)]
    subject: Annotated[str | None, Field(max_length=128, min_length=1)] = None


class WorkingGroup(BaseModel):
    """A county's working group, or a provincial office, with its active members in order."""

    working_group: County | Office
    members: Annotated[list[MemberBody], Field(max_length=MEMBERS_MAX)]


class SetPolicy(BaseModel):
    name: str
    policy: EscalationPolicy


class SavedPolicy(BaseModel):
    """`version` 0: as it ships in the rules file."""

    name: str
    version: int
    policy: EscalationPolicy


async def set_working_group(command: WorkingGroup, tx: Transaction) -> WorkingGroup:
    """Replace a group's members. Running alerts ask for the members at each step. Raises Refusal."""
    group = command.working_group
    if isinstance(group, Audience) and tx.principal.counties != frozenset(County):
        raise Refusal(OFFICE_NEEDS_PROVINCE, working_group=group.value)
    members = [
        member.model_copy(update={"email": member.email.lower()})
        for member in sorted(command.members, key=lambda member: member.position)
    ]
    _require_distinct("position", [str(member.position) for member in members])
    _require_distinct("email", [member.email for member in members])
    await store.replace_members(
        tx.connection,
        group,
        group if isinstance(group, County) else None,
        [Member(member_id=uuid7(), working_group=group, **member.model_dump()) for member in members],
    )
    return WorkingGroup(working_group=group, members=members)


async def set_policy(command: SetPolicy, tx: Transaction) -> SavedPolicy:
    """Replace an escalation policy for alerts that open from now on. Raises Refusal."""
    if command.name not in RULES.policies:
        raise Refusal(POLICY_UNKNOWN, name=command.name, known=", ".join(sorted(RULES.policies)))
    version = await store.save_policy(tx.connection, command.name, command.policy, tx.principal.subject)
    return SavedPolicy(name=command.name, version=version, policy=command.policy)


def _require_distinct(field: str, values: list[str]) -> None:
    for value, number in Counter(values).items():
        if number > 1:
            raise Refusal(GROUP_MEMBER_REPEATED, field=field, value=value)
