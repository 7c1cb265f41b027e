"""Who is away says so, or an administrator does; a deputy is named for every day."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.notifications.domain.absences import require_absences
from services.notifications.domain.members import Absence, Member
from services.notifications.domain.people_columns import group_label_fa
from services.notifications.domain.people_refusals import ABSENCE_OF_ANOTHER, MEMBER_NOT_FOUND
from services.notifications.domain.refusals import OFFICE_NEEDS_PROVINCE
from services.notifications.store import absences as store
from services.notifications.store import members as people
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.transaction import Connection, Transaction

ABSENCES_MAX = 50
ADMINISTRATOR = "notifications_admin"


class AbsenceBody(BaseModel):
    """Away from `first_day` to `last_day`, both included, in Asia/Tehran; `deputy_id` is a member of the same office."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    first_day: date
    last_day: date
    deputy_id: UUID


class MemberAbsences(BaseModel):
    """All absences of a member, in the order of days."""

    member_id: UUID
    absences: Annotated[list[AbsenceBody], Field(max_length=ABSENCES_MAX)]


async def set_absences(command: MemberAbsences, tx: Transaction) -> MemberAbsences:
    """Replace a member's absences. Raises Refusal."""
    member = await member_for(tx.connection, command.member_id, tx.principal)
    county = County(member.working_group) if member.working_group in frozenset(County) else None
    if county is None and tx.principal.counties != frozenset(County):
        office_fa = group_label_fa(member.working_group)
        raise Refusal(OFFICE_NEEDS_PROVINCE, working_group=member.working_group, working_group_fa=office_fa)
    await people.lock_office(tx.connection, member.working_group)
    colleagues = await people.list_members_of(tx.connection, [member.working_group])
    known = (await store.list_absences_of(tx.connection, [member.working_group])).get(member.working_group, [])
    absences = [Absence(member.member_id, each.first_day, each.last_day, each.deputy_id) for each in command.absences]
    require_absences(
        absences,
        [absence for absence in known if absence.member_id != member.member_id],
        {colleague.member_id: colleague.name for colleague in colleagues},
    )
    await store.replace_absences(tx.connection, member.member_id, county, absences, tx.principal.subject)
    return saved_absences(member.member_id, absences)


def saved_absences(member_id: UUID, absences: Iterable[Absence]) -> MemberAbsences:
    """Those of `absences` that are this member's, in the order of days."""
    own = sorted((each for each in absences if each.member_id == member_id), key=lambda each: each.first_day)
    return MemberAbsences(member_id=member_id, absences=[AbsenceBody.model_validate(each) for each in own])


async def member_for(connection: Connection, member_id: UUID, principal: Principal) -> Member:
    """The active member, if the caller is that person or an administrator. Raises Refusal."""
    member = await people.find_member(connection, member_id)
    if member is None:
        raise Refusal(MEMBER_NOT_FOUND, member_id=str(member_id))
    if ADMINISTRATOR not in principal.roles and (member.subject is None or member.subject != principal.subject):
        raise Refusal(ABSENCE_OF_ANOTHER)
    return member
