"""HTTP of working groups, provincial offices and escalation policies."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.notifications import handlers
from services.notifications.api.roles import ADMINISTRATORS, READING, require_people_of
from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.offices import GroupName
from services.notifications.handlers import MemberBody, SavedPolicy, WorkingGroup
from services.notifications.handlers.groups import SavedGroup, SavedMember
from services.notifications.routing_rules import rules_in_force
from services.notifications.store import groups
from shared.contracts.counties import County
from shared.kit.http import Commands, Queries, allow, allow_read

router = APIRouter()


class MembersBody(BaseModel):
    members: list[MemberBody]


@router.put("/working-groups/{working_group}")
async def set_working_group(
    working_group: GroupName, body: MembersBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> SavedGroup:
    """Replace the members of a county's working group or of a provincial office."""
    if isinstance(working_group, County):
        commands.require_county(working_group)
    command = WorkingGroup(working_group=working_group, members=body.members)
    return await commands.execute(handlers.set_working_group, command)


@router.get("/working-groups/{working_group}")
async def get_working_group(
    working_group: GroupName, queries: Annotated[Queries, Depends(allow_read(*READING))]
) -> SavedGroup:
    """The members in their order; their addresses other than e-mail are shown to administrators alone."""
    require_people_of(working_group, queries)
    async with queries.read() as connection:
        members = await groups.list_members(connection, working_group)
    shown = [SavedMember.model_validate(member) for member in members]
    if not queries.principal.has_any_role(frozenset(ADMINISTRATORS)):
        shown = [member.model_copy(update={"contacts": None}) for member in shown]
    return SavedGroup(working_group=working_group, members=shown)


@router.put("/escalation-policies/{name}")
async def set_policy(
    name: str, body: EscalationPolicy, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> SavedPolicy:
    """Replace a policy that routing rules name, for alerts that open from now on."""
    return await commands.execute(handlers.set_policy, handlers.SetPolicy(name=name, policy=body))


@router.get("/escalation-policies")
async def list_policies(queries: Annotated[Queries, Depends(allow_read(*READING))]) -> list[SavedPolicy]:
    """Policies in force; version 0 is what stands beside the routing rules in force."""
    async with queries.read() as connection:
        saved = await groups.list_policies(connection)
        book = await rules_in_force(connection)
    written = {name: (0, policy) for name, policy in book.policies.items()}
    return [
        SavedPolicy(name=name, version=version, policy=policy)
        for name, (version, policy) in sorted({**written, **saved}.items())
    ]
