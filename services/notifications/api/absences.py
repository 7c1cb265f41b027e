"""HTTP of who is away, and who stands in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.api.roles import ACTING, ADMINISTRATORS
from services.notifications.handlers.absences import (
    ABSENCES_MAX,
    AbsenceBody,
    MemberAbsences,
    member_for,
    saved_absences,
    set_absences,
)
from services.notifications.store.absences import list_absences_of
from shared.kit.http import Commands, Queries, allow, allow_read

router = APIRouter()


class AbsencesBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    absences: Annotated[list[AbsenceBody], Field(max_length=ABSENCES_MAX)]


@router.put("/members/{member_id}/absences")
async def put_absences(
    member_id: UUID, body: AbsencesBody, commands: Annotated[Commands, Depends(allow(*ACTING, *ADMINISTRATORS))]
) -> MemberAbsences:
    """Replace the absences of a member: one's own, or as an administrator anybody's."""
    return await commands.execute(set_absences, MemberAbsences(member_id=member_id, absences=body.absences))


@router.get("/members/{member_id}/absences")
async def get_absences(
    member_id: UUID, queries: Annotated[Queries, Depends(allow_read(*ACTING, *ADMINISTRATORS))]
) -> MemberAbsences:
    """The absences of a member, past ones too: one's own, or as an administrator anybody's."""
    async with queries.read() as connection:
        member = await member_for(connection, member_id, queries.principal)
        absences = await list_absences_of(connection, [member.working_group])
    return saved_absences(member_id, absences.get(member.working_group, ()))
