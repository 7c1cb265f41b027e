"""Working groups, provincial offices and escalation policies are set by people."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue
from uuid_utils.compat import uuid7

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.contacts import (
    ADDRESS_CHARACTERS_MAX,
    REPEATED,
    AddressError,
    AddressReason,
    normal_address,
    require_endpoint,
    with_email,
)
from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.members import (
    CONTACTS_MAX,
    MEMBERS_MAX,
    NAME_CHARACTERS_MAX,
    POSITION_MAX,
    ROLE_PATTERN,
    SUBJECT_CHARACTERS_MAX,
    Member,
    readdressed,
)
from services.notifications.domain.offices import GroupName
from services.notifications.domain.operations import nobody_there_name
from services.notifications.domain.people_columns import HEADINGS, PeopleColumn, group_label_fa
from services.notifications.domain.people_refusals import CONTACTS_REFUSED
from services.notifications.domain.refusals import (
    GROUP_MEMBER_REPEATED,
    OFFICE_NEEDS_PROVINCE,
    POLICY_INBOX_ALONE,
    POLICY_NEEDS_PROVINCE,
    POLICY_UNKNOWN,
)
from services.notifications.domain.rule_safeguards import is_promised
from services.notifications.domain.rules import Audience
from services.notifications.handlers.leaving import readdress_letters, withdraw_letters
from services.notifications.handlers.operations import end_trouble
from services.notifications.routing_rules import rules_in_force
from services.notifications.store import groups as store
from services.notifications.store import members as people
from services.notifications.store.webhooks import list_endpoint_names
from shared.contracts.counties import County
from shared.contracts.notifications import OperationsTrouble
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.transaction import Transaction

_FIELDS_FA: Final = {
    "position": HEADINGS[PeopleColumn.POSITION][0],
    "email": HEADINGS[PeopleColumn.EMAIL][0],
}


def _one_line(value: str) -> str:
    if not value.isprintable() and not all(character.isprintable() or character == "\u200c" for character in value):
        raise ValueError("must be one line of printable text")
    return value


class ContactBody(BaseModel):
    """`address`: e-mail address, mobile number, `service:recipient` of a chat, or the name of a webhook endpoint."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=ADDRESS_CHARACTERS_MAX)]


class MemberBody(BaseModel):
    """`subject`: the sign-in name whose inbox shows this person's alerts. `position`: lowest is told first.

    `contacts`: in the person's own order of preference; the e-mail address comes last where it is not among them.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX), AfterValidator(_one_line)]
    role: Annotated[str, Field(pattern=ROLE_PATTERN)]
    language: Literal["fa", "en"]
    email: Annotated[str, Field(max_length=ADDRESS_CHARACTERS_MAX)]
    contacts: Annotated[tuple[ContactBody, ...], Field(max_length=CONTACTS_MAX)] = ()
    position: Annotated[int, Field(ge=0, le=POSITION_MAX)]
    subject: Annotated[str | None, Field(max_length=SUBJECT_CHARACTERS_MAX, min_length=1)] = None


class WorkingGroup(BaseModel):
    """A county's working group, or a provincial office, with its active members in order."""

    working_group: GroupName
    members: Annotated[list[MemberBody], Field(max_length=MEMBERS_MAX)]


class SavedMember(BaseModel):
    """`contacts` None: shown to administrators alone."""

    model_config = ConfigDict(from_attributes=True)

    member_id: UUID
    name: str
    role: str
    language: str
    email: str
    position: int
    subject: str | None
    contacts: tuple[ContactBody, ...] | None


class SavedGroup(BaseModel):
    """A working group or office as it is kept."""

    working_group: GroupName
    members: list[SavedMember]


class SetPolicy(BaseModel):
    name: str
    policy: EscalationPolicy


class SavedPolicy(BaseModel):
    """`version` 0: as it stands beside the routing rules in force."""

    name: str
    version: int
    policy: EscalationPolicy


async def set_working_group(command: WorkingGroup, tx: Transaction) -> SavedGroup:
    """Replace a group's members. Running alerts ask for the members at each step. Raises Refusal."""
    group = command.working_group
    require_authority(group, tx.principal)
    endpoints = await list_endpoint_names(tx.connection)
    members = _read_members(group, command.members, endpoints)
    saved = await replace_group(group, members, tx)
    return SavedGroup(working_group=group, members=[SavedMember.model_validate(member) for member in saved])


async def replace_group(group: GroupName, members: Sequence[Member], tx: Transaction) -> list[Member]:
    """Make these the active members of a group; returns them as kept. Who is left out gets no letter that is still owed; who
    has another e-mail address gets it there.

    Raises Refusal where two have one place or address.
    """
    require_distinct("position", [str(member.position) for member in members])
    require_distinct("email", [member.email for member in members])
    await people.lock_office(tx.connection, group)
    await people.lock_memberships(tx.connection)
    before = await people.list_members_of(tx.connection, [group])
    moved = {member.member_id: (member.email, person.email) for member, person in readdressed(before, members)}
    known = await people.set_emails(tx.connection, group, {each: email for each, (_, email) in moved.items()})
    saved = await people.replace_members(tx.connection, group, group if isinstance(group, County) else None, members)
    await withdraw_letters({member.member_id for member in before} - {member.member_id for member in saved}, tx)
    await readdress_letters({each: moved[each] for each in known}, tx)
    if saved:
        await end_trouble(OperationsTrouble.OPS_ALERT, name=nobody_there_name(group), tx=tx)
    return saved


def require_authority(group: GroupName, principal: Principal) -> None:
    """A provincial office is changed only by who has all counties. Raises Refusal."""
    if isinstance(group, Audience) and principal.counties != frozenset(County):
        raise Refusal(OFFICE_NEEDS_PROVINCE, working_group=group.value, working_group_fa=group_label_fa(group))


async def set_policy(command: SetPolicy, tx: Transaction) -> SavedPolicy:
    """Replace an escalation policy for alerts that open from now on. What nobody may forget is told by more than the inbox.
    Raises Refusal."""
    if tx.principal.counties != frozenset(County):
        raise Refusal(POLICY_NEEDS_PROVINCE)
    await store.lock_policies(tx.connection)
    book = await rules_in_force(tx.connection)
    if command.name not in book.policies:
        raise Refusal(POLICY_UNKNOWN, name=command.name, known=", ".join(sorted(book.policies)))
    promised = next((rule for rule in book.rules if rule.policy == command.name and is_promised(rule)), None)
    alone_at = command.policy.inbox_alone_at
    if promised is not None and alone_at is not None:
        raise Refusal(POLICY_INBOX_ALONE, place=f"steps.{alone_at}.channels", rule=promised.rule_id)
    version = await store.save_policy(tx.connection, command.name, command.policy, tx.principal.subject)
    return SavedPolicy(name=command.name, version=version, policy=command.policy)


def require_distinct(field: Literal["position", "email"], values: Sequence[str]) -> None:
    """Raises Refusal naming the first value that is there twice."""
    for value, number in Counter(values).items():
        if number > 1:
            raise Refusal(GROUP_MEMBER_REPEATED, field=field, field_fa=_FIELDS_FA[field], value=value)


def _read_members(group: GroupName, bodies: Sequence[MemberBody], endpoints: Collection[str]) -> list[Member]:
    """The members in their order. Raises Refusal with every address that is not one, by its place in the request."""
    problems: list[JsonValue] = []
    members = [_read_member(group, place, body, endpoints, problems) for place, body in enumerate(bodies)]
    if problems:
        raise Refusal(CONTACTS_REFUSED, refused_count=len(problems), addresses=problems)
    return sorted(members, key=lambda member: member.position)


def _read_member(
    group: GroupName, place: int, body: MemberBody, endpoints: Collection[str], problems: list[JsonValue]
) -> Member:
    def read(channel: Channel, written: str, where: str) -> Contact:
        try:
            contact = Contact(channel, normal_address(channel, written))
            require_endpoint(contact, endpoints)
        except AddressError as error:
            problems.append(_problem(f"members.{place}.{where}", error.reason))
            return Contact(channel, written)
        if contact in contacts:
            problems.append(_problem(f"members.{place}.{where}", REPEATED))
        return contact

    contacts: list[Contact] = []
    email = read(Channel.EMAIL, body.email, "email").address
    for at, each in enumerate(body.contacts):
        contacts.append(read(each.channel, each.address, f"contacts.{at}"))
    return Member(
        member_id=uuid7(),
        working_group=group,
        name=body.name,
        role=body.role,
        language=body.language,
        email=email,
        position=body.position,
        subject=body.subject,
        contacts=with_email(email, contacts),
    )


def _problem(place: str, reason: AddressReason) -> dict[str, JsonValue]:
    return {"place": place, "code": reason.code, "text_en": reason.text_en, "text_fa": reason.text_fa}
