"""The people of an office, who is away, and who is told in whose place. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, Protocol, TypeVar
from uuid import UUID

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.working_calendar import WorkingCalendar

__all__ = [
    "CHAIR",
    "Absence",
    "Channel",
    "Contact",
    "Member",
    "Office",
    "OnDuty",
    "member_at",
    "next_on_duty",
    "on_duty",
]

CHAIR: Final = "chair"
MEMBERS_MAX: Final = 100
CONTACTS_MAX: Final = 10
POSITION_MAX: Final = 1000
NAME_CHARACTERS_MAX: Final = 120
SUBJECT_CHARACTERS_MAX: Final = 128
ROLE_PATTERN: Final = r"^[a-z][a-z0-9_]{0,63}$"


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a working group or provincial office. `subject`: the person's sign-in name, where there is one.

    `contacts`: addresses in the person's own order of preference; the e-mail address is always one of them.
    """

    member_id: UUID
    working_group: str
    name: str
    role: str
    language: str
    email: str
    position: int
    subject: str | None
    contacts: tuple[Contact, ...]


class Described(Protocol):
    """A member as somebody describes one: by a request, or a file."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def subject(self) -> str | None: ...


P = TypeVar("P", bound=Described)


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away from `first_day` to `last_day`, both included; the deputy is told instead."""

    member_id: UUID
    first_day: date
    last_day: date
    deputy_id: UUID

    def covers(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class Office:
    """A county's working group or a provincial office: its active members, their absences, its open hours.

    `instead_of_office`: the working group without members in whose place its people are told.
    """

    working_group: str
    members: tuple[Member, ...]
    absences: tuple[Absence, ...]
    calendar: WorkingCalendar
    instead_of_office: str | None = None


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is told, and in whose place if that person is away."""

    member: Member
    instead_of: Member | None


def readdressed(before: Sequence[Member], after: Sequence[P]) -> list[tuple[Member, P]]:
    """Members of `before` whose e-mail address is gone, with whom of `after` they are now under an address that is new:
    whoever has the same sign-in name or, where that is not said of both, the same name and place. Nobody where two could be.
    """
    kept = {member.email for member in before} & {person.email for person in after}
    pairs = [
        (member, person)
        for member in before
        for person in after
        if not kept & {member.email, person.email} and _is_same(member, person)
    ]
    members = Counter(member.email for member, _ in pairs)
    persons = Counter(person.email for _, person in pairs)
    return [(member, person) for member, person in pairs if members[member.email] == persons[person.email] == 1]


def _is_same(member: Member, person: Described) -> bool:
    if member.subject is not None and person.subject is not None:
        return member.subject == person.subject
    return (member.name, member.position) == (person.name, person.position)


def member_at(step_position: int | Literal["chair"], members: Sequence[Member]) -> Member | None:
    """The member at a place (from 0) in the order; the chair where there is none; None in an empty group."""
    ordered = _ordered(members)
    if not ordered:
        return None
    if step_position != CHAIR and step_position < len(ordered):
        return ordered[step_position]
    return next((member for member in ordered if member.role == CHAIR), ordered[-1])


def on_duty(step_position: int | Literal["chair"], office: Office, day: date) -> OnDuty | None:
    """Who is told on `day` (in Asia/Tehran); None in an empty office.

    Whoever is away is replaced by the deputy, who may have a deputy too. Where that leads to nobody, because a deputy has
    left the office, the next in the order stands in, from the first again after the last. Where nobody at all is there,
    the one whose place it is is told all the same.
    """
    called = member_at(step_position, office.members)
    if called is None:
        return None
    ordered = _ordered(office.members)
    start = ordered.index(called)
    known = {member.member_id: member for member in ordered}
    deputies = deputies_on(office.absences, day)
    for candidate in (*ordered[start:], *ordered[:start]):
        present = _present(candidate, known, deputies)
        if present is not None:
            return OnDuty(present, None if present is called else called)
    return OnDuty(called, None)


def next_on_duty(
    step_position: int | Literal["chair"], office: Office, day: date, told: Mapping[UUID, str]
) -> OnDuty | None:
    """Who is told on `day` by a step before which these members (by id, with their office) were `told`; None where nobody
    new is there.

    The one on duty at the place, which counts those who were told and have left since; where that one was told already, the
    next in the order, from the first again after the last, who was not, and the chair after all others.
    """
    known = {member.member_id: member for member in _ordered(office.members)}
    if step_position != CHAIR:
        left = sum(group == office.working_group for each, group in told.items() if each not in known)
        step_position = max(0, step_position - left)
    due = on_duty(step_position, office, day)
    called = member_at(step_position, office.members)
    if due is None or called is None or due.member.member_id not in told:
        return due
    ordered = list(known.values())
    following = (*ordered[ordered.index(called) + 1 :], *ordered[: ordered.index(called)])
    deputies = deputies_on(office.absences, day)
    for candidate in sorted(following, key=lambda member: member.role == CHAIR):
        present = _present(candidate, known, deputies)
        if present is not None and present.member_id not in told:
            return OnDuty(present, None if present is candidate else candidate)
    return None


def deputies_on(absences: Sequence[Absence], day: date) -> dict[UUID, UUID]:
    """Who stands in for whom on `day`, by member."""
    return {absence.member_id: absence.deputy_id for absence in absences if absence.covers(day)}


def _present(member: Member, known: Mapping[UUID, Member], deputies: Mapping[UUID, UUID]) -> Member | None:
    """The member, or who in the end stands in; None where the deputies lead out of the office or in a loop."""
    at: Member | None = member
    for _ in range(len(deputies) + 1):
        if at is None or at.member_id not in deputies:
            return at
        at = known.get(deputies[at.member_id])
    return None


def _ordered(members: Sequence[Member]) -> list[Member]:
    return sorted(members, key=lambda member: member.position)
