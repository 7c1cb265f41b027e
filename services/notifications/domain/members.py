"""The people of an office, who is away, and who is told in whose place. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.working_calendar import WorkingCalendar

__all__ = ["CHAIR", "Absence", "Channel", "Contact", "Member", "Office", "OnDuty", "member_at", "on_duty"]

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
