"""Who is told by a step, by which contacts, and how long the step then waits. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.escalation import Step
from services.notifications.domain.members import CHAIR, Member, Office, OnDuty, next_on_duty, on_duty
from services.notifications.domain.rules import Audience
from services.notifications.domain.working_calendar import after_working_time
from shared.contracts.counties import County
from shared.persian.calendar import office_date

OF_SILENCED_CRITICAL: Final = Audience.PROVINCE_OFFICE
"""The next office: its chair is told at once of a critical alert that a silence keeps from those it is for."""
NOBODY: Final[Mapping[UUID, str]] = MappingProxyType({})
OWN_CHANNELS: Final = frozenset({Channel.EMAIL, Channel.INBOX})
"""By which a case's or a complaint's id may be told: through nobody but the province's own relay and pages (safeguards)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message owed: by `contact`, and as long as nobody takes it there, by each of `fallbacks`."""

    contact: Contact
    fallbacks: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Telling:
    """What a step does: nobody is told in an empty office (`is_to_nobody`), and its chain waits all the same."""

    told: OnDuty | None
    messages: tuple[Message, ...]
    wait: timedelta
    instead_of_office: str | None = None
    is_to_nobody: bool = False

    @property
    def details(self) -> dict[str, JsonValue]:
        """For the history."""
        if self.told is None:
            return {"told": None} if self.is_to_nobody else {}
        details: dict[str, JsonValue] = {"told": self.told.member.email, "role": self.told.member.role}
        if self.told.instead_of is not None:
            details["instead_of"] = self.told.instead_of.email
        if self.instead_of_office is not None:
            details["instead_of_office"] = self.instead_of_office
        return details


def office_of(
    audience: Audience, county: County, offices: Mapping[str, Office], day: date, *, restricted: bool = False
) -> Office:
    """The office an alert goes to; while a provincial one has no members, the county's chair alone (on `day`, or the
    chair's deputy): its matters are not for everybody. While a working group has none, the province office, except where
    the alert is `restricted`. `offices` has all three."""
    working_group = offices[county]
    if audience is Audience.WORKING_GROUP:
        if working_group.members or restricted:
            return working_group
        return replace(offices[Audience.PROVINCE_OFFICE], instead_of_office=county.value)
    if offices[audience].members:
        return offices[audience]
    chair = on_duty(CHAIR, working_group, day)
    return replace(working_group, members=() if chair is None else (chair.member,), absences=())


def tell(
    step: Step,
    office: Office,
    now: datetime,
    *,
    restricted: bool = False,
    told_before: Mapping[UUID, str] = NOBODY,
    province: Office | None = None,
) -> Telling:
    """What a step does that begins `now` (UTC). `wait` is domain time, counted in the office's open hours if it says so.

    `restricted`: about a case or a complaint, so that it is told by `OWN_CHANNELS` alone, and in no other office.
    `told_before`: whom earlier steps told, by member id, with their office. Somebody else is told now: of the office, else,
    where all of it have been, of the `province` office; where nobody else is there, the same person again.
    """
    day = office_date(now)
    told = next_on_duty(step.position, office, day, told_before)
    if told is None and province is not None and not restricted and office.working_group != province.working_group:
        told = next_on_duty(0, province, day, told_before)
        office = office if told is None else replace(province, instead_of_office=office.working_group)
    if told is None:
        told = on_duty(step.position, office, day)
    wait = timedelta(seconds=step.wait_s)
    if step.time == "working":
        wait = after_working_time(now, wait, office.calendar) - now
    if told is None:
        return Telling(None, (), wait, is_to_nobody=True)
    member = _by_own_channels(told.member) if restricted else told.member
    return Telling(told, messages(step, member), wait, office.instead_of_office)


def messages(step: Step, member: Member) -> tuple[Message, ...]:
    """By the channels that the step names and the member has, else by the member's first contact; the inbox is always told
    unless the step names others. Who has no sign-in name sees no inbox, and is told by the first contact where the step names
    the inbox alone. What nobody takes goes to the member's further contacts in their order."""
    inbox = Message(Contact(Channel.INBOX, member.email))
    if step.channels is None:
        return *_preferred(member), inbox
    named = [contact for channel in step.channels if (contact := _first_of(channel, member)) is not None]
    others = tuple(contact for contact in member.contacts if contact not in named)
    sent = tuple(Message(contact, others) for contact in named)
    if not sent and (member.subject is None or set(step.channels) != {Channel.INBOX}):
        sent = _preferred(member)
    return (*sent, inbox) if Channel.INBOX in step.channels else sent


def _by_own_channels(member: Member) -> Member:
    return replace(member, contacts=tuple(one for one in member.contacts if one.channel in OWN_CHANNELS))


def _preferred(member: Member) -> tuple[Message, ...]:
    if not member.contacts:
        return ()
    return (Message(member.contacts[0], member.contacts[1:]),)


def _first_of(channel: Channel, member: Member) -> Contact | None:
    return next((contact for contact in member.contacts if contact.channel is channel), None)
