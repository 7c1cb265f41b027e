"""A file of people replaces the members of every office that it names: seen first in a dry run, then taken as seen."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation
from uuid_utils.compat import uuid7

from services.notifications.domain.members import Member, readdressed
from services.notifications.domain.offices import OFFICES, GroupName
from services.notifications.domain.people_refusals import PEOPLE_PLAN_CHANGED
from services.notifications.domain.people_sheet import Person, read_people
from services.notifications.handlers.groups import replace_group
from services.notifications.store import members as people
from services.notifications.store.webhooks import list_endpoint_names
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.transaction import Connection, Transaction
from shared.spreadsheet.rows import SheetRow

PLAN_PATTERN = r"^[0-9a-f]{64}$"
_COMPARED = ("email", "name", "role", "language", "position", "subject", "contacts")


class PersonChange(BaseModel):
    """What the file does to one person; `fields` says what changes."""

    working_group: GroupName
    email: str
    name: str
    change: Literal["joins", "changes", "stays", "leaves"]
    fields: list[str] = []


class PeoplePlan(BaseModel):
    """`plan` stands for the file and for the offices as they were: only the same of both is taken under it."""

    plan: str
    applied: bool
    people: list[PersonChange]


class ImportPeople(BaseModel):
    """A file, already read into rows. Its hash stands for it where two commands are compared."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    plan: Annotated[str, Field(pattern=PLAN_PATTERN)]
    file_sha256: str
    rows: Annotated[Sequence[SheetRow], SkipValidation] = Field(exclude=True)


async def plan_people(connection: Connection, rows: Sequence[SheetRow], principal: Principal) -> PeoplePlan:
    """What importing the file would do now. Raises Refusal."""
    wanted = read_people(rows, groups_of(principal), await list_endpoint_names(connection))
    return _plan(await _present(connection, wanted), wanted)


async def import_people(command: ImportPeople, tx: Transaction) -> PeoplePlan:
    """Do what the dry run showed, in every office or in none. Raises Refusal."""
    wanted = read_people(command.rows, groups_of(tx.principal), await list_endpoint_names(tx.connection))
    for group in sorted(wanted):
        await people.lock_office(tx.connection, group)
    plan = _plan(await _present(tx.connection, wanted), wanted)
    if plan.plan != command.plan:
        raise Refusal(PEOPLE_PLAN_CHANGED, plan=command.plan)
    for group, persons in sorted(wanted.items()):
        members = [_member(person) for person in persons]
        await replace_group(group, members, tx)
    return plan.model_copy(update={"applied": True})


def groups_of(principal: Principal) -> frozenset[GroupName]:
    """The offices whose people the caller may change: those of the counties, and with all counties the provincial ones."""
    whole_province = principal.counties == frozenset(County)
    return frozenset((*principal.counties, *(OFFICES if whole_province else ())))


async def _present(connection: Connection, wanted: Mapping[GroupName, Sequence[Person]]) -> dict[str, list[Member]]:
    present: dict[str, list[Member]] = {group.value: [] for group in wanted}
    for member in await people.list_members_of(connection, list(present)):
        present[member.working_group].append(member)
    return present


def _plan(present: Mapping[str, Sequence[Member]], wanted: Mapping[GroupName, Sequence[Person]]) -> PeoplePlan:
    changes: list[PersonChange] = []
    for group, persons in sorted(wanted.items()):
        known = {member.email: member for member in present[group]}
        known |= {person.email: known.pop(member.email) for member, person in readdressed(present[group], persons)}
        for person in persons:
            before = known.pop(person.email, None)
            fields = (
                [] if before is None else [name for name in _COMPARED if _value(before, name) != _value(person, name)]
            )
            change = "joins" if before is None else "changes" if fields else "stays"
            changes.append(_change(group, person, change, fields))
        changes += [_change(group, member, "leaves", []) for member in known.values()]
    return PeoplePlan(plan=_digest(present, wanted), applied=False, people=changes)


def _change(
    group: GroupName, person: Person | Member, change: Literal["joins", "changes", "stays", "leaves"], fields: list[str]
) -> PersonChange:
    return PersonChange.model_validate(
        {"working_group": group, "email": person.email, "name": person.name, "change": change, "fields": fields}
    )


def _value(person: Person | Member, name: str) -> object:
    return getattr(person, name)


def _digest(present: Mapping[str, Sequence[Member]], wanted: Mapping[GroupName, Sequence[Person]]) -> str:
    document = {
        group.value: [[asdict(member) for member in present[group]], [asdict(person) for person in persons]]
        for group, persons in wanted.items()
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def _member(person: Person) -> Member:
    return Member(
        member_id=uuid7(),
        working_group=person.group,
        name=person.name,
        role=person.role,
        language=person.language,
        email=person.email,
        position=person.position,
        subject=person.subject,
        contacts=person.contacts,
    )
