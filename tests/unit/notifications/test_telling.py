"""Who is told by a step, by which contacts, and how long it then waits; without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import JsonValue

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.escalation import Step
from services.notifications.domain.members import Absence, Member, Office
from services.notifications.domain.rules import Audience
from services.notifications.domain.telling import Message, messages, office_of, tell
from services.notifications.domain.working_calendar import DEFAULT_HOURS, WorkingCalendar
from shared.contracts.counties import County

MAIL = Contact(Channel.EMAIL, "a@x.ir")
SMS = Contact(Channel.SMS, "+989120000000")
CHAT = Contact(Channel.CHAT, "telegram:@a")
INBOX = Contact(Channel.INBOX, "a@x.ir")
THURSDAY_CLOSED = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""Wednesday, 15:30 in Tehran: half an hour before the office closes until Saturday."""


def member(
    number: int, role: str = "expert", group: str = "rey", *contacts: Contact, subject: str | None = None
) -> Member:
    mail = f"m{number}@x.ir"
    return Member(
        member_id=UUID(int=number),
        working_group=group,
        name=f"name {number}",
        role=role,
        language="fa",
        email=mail,
        position=number,
        subject=subject,
        contacts=contacts or (Contact(Channel.EMAIL, mail),),
    )


def office(*members: Member, absences: tuple[Absence, ...] = ()) -> Office:
    return Office("rey", members, absences, WorkingCalendar(DEFAULT_HOURS, frozenset()))


@pytest.mark.parametrize(
    ("channels", "sent"),
    [
        (None, (Message(SMS, (MAIL, CHAT)), Message(INBOX))),
        (("email", "inbox"), (Message(MAIL, (SMS, CHAT)), Message(INBOX))),
        (("chat", "email"), (Message(CHAT, (SMS,)), Message(MAIL, (SMS,)))),
        (("inbox",), (Message(INBOX),)),
        (("webhook",), (Message(SMS, (MAIL, CHAT)),)),
    ],
)
def test_by_the_channels_of_the_step_or_else_by_the_persons_preference(
    channels: tuple[str, ...] | None, sent: tuple[Message, ...]
) -> None:
    person = replace(member(1, "expert", "rey", SMS, MAIL, CHAT, subject="a"), email="a@x.ir")
    assert messages(Step.model_validate({"position": 0, "channels": channels, "wait_s": 60}), person) == sent


def test_who_sees_no_inbox_is_told_by_the_first_contact_where_a_step_names_the_inbox_alone() -> None:
    step = Step(position=0, channels=(Channel.INBOX,), wait_s=60)
    unseen = replace(member(1, "expert", "rey", SMS, MAIL), email="a@x.ir")
    assert messages(step, unseen) == (Message(SMS, (MAIL,)), Message(INBOX))
    assert messages(step, replace(unseen, subject="a")) == (Message(INBOX),)


def test_whoever_is_away_is_told_through_the_deputy_and_the_history_says_so() -> None:
    away = Absence(UUID(int=1), date(2026, 11, 20), date(2026, 11, 30), deputy_id=UUID(int=2))
    telling = tell(Step(position=0, wait_s=60), office(member(1), member(2), absences=(away,)), THURSDAY_CLOSED)
    assert telling.details == {"told": "m2@x.ir", "role": "expert", "instead_of": "m1@x.ir"}


def test_a_case_is_told_by_the_provinces_own_channels_alone() -> None:
    person = replace(member(1, "expert", "rey", SMS, MAIL, CHAT), email="a@x.ir")
    for channels in (None, ("sms",), ("chat", "email", "inbox")):
        step = Step.model_validate({"position": 0, "channels": channels, "wait_s": 60})
        told = tell(step, office(person), THURSDAY_CLOSED, restricted=True).messages
        assert Message(MAIL) in told
        assert set(told) <= {Message(MAIL), Message(INBOX)}


def test_a_wait_counts_the_clock_or_the_open_hours() -> None:
    clock = tell(Step(position=0, wait_s=3600), office(member(1)), THURSDAY_CLOSED)
    working = tell(Step(position=0, wait_s=3600, time="working"), office(member(1)), THURSDAY_CLOSED)
    assert clock.wait == timedelta(hours=1)
    assert THURSDAY_CLOSED + working.wait == datetime(2026, 11, 28, 5, 0, tzinfo=UTC), "half an hour into Saturday"


def test_where_all_of_an_office_were_told_the_province_office_is_and_nobody_new_means_the_same_person() -> None:
    province = Office("province_office", (member(7), member(8, "chair")), (), office().calendar)
    group = office(member(1), member(2, "chair"))

    def told(place: int, *before: int, restricted: bool = False, of: Office = group) -> dict[str, JsonValue]:
        known = {UUID(int=one): "rey" if one < 7 else "province_office" for one in before}
        step = Step(position=place, wait_s=60)
        return tell(step, of, THURSDAY_CLOSED, restricted=restricted, told_before=known, province=province).details

    assert told(1) == {"told": "m2@x.ir", "role": "chair"}
    assert told(1, 1) == {"told": "m2@x.ir", "role": "chair"}
    assert told(0, 1, 2) == {"told": "m7@x.ir", "role": "expert", "instead_of_office": "rey"}
    assert told(0, 1, 2, 7) == {"told": "m8@x.ir", "role": "chair", "instead_of_office": "rey"}
    assert told(0, 1, 2, 7, 8) == {"told": "m1@x.ir", "role": "expert"}
    assert told(1, 1, 2, restricted=True) == {"told": "m2@x.ir", "role": "chair"}
    assert told(0, 7, 8, of=province) == {"told": "m7@x.ir", "role": "expert"}


def test_an_empty_office_is_told_nothing_and_its_chain_waits() -> None:
    telling = tell(Step(position=0, wait_s=60), office(), THURSDAY_CLOSED)
    assert (telling.told, telling.messages, telling.details) == (None, (), {"told": None})
    assert telling.wait == timedelta(seconds=60)


def test_a_provincial_office_without_members_is_the_countys_chair_or_the_chairs_deputy() -> None:
    away = Absence(UUID(int=3), date(2026, 11, 20), date(2026, 11, 30), deputy_id=UUID(int=2))
    group = office(member(1), member(2), member(3, "chair"))
    offices = {"rey": group, "legal_office": replace(group, working_group="legal_office", members=())}

    def of(audience: Audience, day: date = date(2026, 11, 25)) -> list[int]:
        return [one.position for one in office_of(audience, County.REY, offices, day).members]

    assert of(Audience.WORKING_GROUP) == [1, 2, 3]
    assert of(Audience.LEGAL_OFFICE) == [3]
    offices["rey"] = replace(group, absences=(away,))
    assert of(Audience.LEGAL_OFFICE) == [2]
    offices["legal_office"] = replace(group, members=(member(9),))
    assert of(Audience.LEGAL_OFFICE) == [9]


def test_the_province_office_stands_in_for_a_working_group_without_members_but_not_for_what_is_restricted() -> None:
    province = Office("province_office", (member(7), member(8, "chair")), (), office().calendar)
    offices = {"rey": office(), "province_office": province, "legal_office": replace(province, members=())}
    day = date(2026, 11, 25)
    for step, told in ((0, "m7@x.ir"), (1, "m8@x.ir")):
        stand_in = office_of(Audience.WORKING_GROUP, County.REY, offices, day)
        details = tell(Step(position=step, wait_s=60), stand_in, THURSDAY_CLOSED).details
        assert (details["told"], details["instead_of_office"]) == (told, "rey")
    for audience in (Audience.WORKING_GROUP, Audience.LEGAL_OFFICE):
        assert office_of(audience, County.REY, offices, day, restricted=True).members == ()
    offices["rey"] = office(member(1))
    telling = tell(
        Step(position=0, wait_s=60), office_of(Audience.WORKING_GROUP, County.REY, offices, day), THURSDAY_CLOSED
    )
    assert telling.details == {"told": "m1@x.ir", "role": "expert"}
