"""Digests are wished for, composed when they are due, and ended by a click."""

from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

from services.notifications.domain.digests import SETTLED_AFTER, Period, audiences_of, due_after
from services.notifications.domain.operations import dead_digest_name
from services.notifications.domain.people_columns import group_label_fa
from services.notifications.domain.refusals import OFFICE_NEEDS_PROVINCE
from services.notifications.domain.rules import Audience
from services.notifications.domain.text_refusals import DIGEST_MEMBER_UNKNOWN
from services.notifications.domain.working_calendar import WorkingCalendar
from services.notifications.handlers.operations import end_trouble
from services.notifications.store import digests as store
from services.notifications.store.calendars import load_calendars
from services.notifications.store.members import share_memberships
from shared.contracts.counties import County
from shared.contracts.notifications import OperationsTrouble
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

DIGEST_TIMER: Final = "notifications.digest"
WISHES_MAX: Final = 100
SEAT_OF_THE_PROVINCE: Final = County.TEHRAN
"""The county under which the letters of the province's digest are kept; only who sees all counties reads the digest."""

DigestOffice = County | Literal[Audience.PROVINCE_OFFICE]


class DigestTimer(BaseModel):
    """The office and period of a timer."""

    working_group: str
    period: Period


class WishBody(BaseModel):
    """`email`: the address by which the office knows its member."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    email: Annotated[str, Field(min_length=3, max_length=254)]
    period: Period


class DigestWishes(BaseModel):
    """Who of an office wants a summary; whoever is not named wants none."""

    working_group: DigestOffice
    wishes: Annotated[list[WishBody], Field(max_length=WISHES_MAX)]


class StopDigest(BaseModel):
    member_id: UUID


class StoppedDigest(BaseModel):
    """`was_wanted` is false when it had been ended before."""

    was_wanted: bool


async def set_wishes(command: DigestWishes, tx: Transaction) -> DigestWishes:
    """Replace an office's wishes and arm what they need. Raises Refusal."""
    office_fa = group_label_fa(command.working_group)
    if command.working_group == Audience.PROVINCE_OFFICE and tx.principal.counties != frozenset(County):
        raise Refusal(OFFICE_NEEDS_PROVINCE, working_group=command.working_group, working_group_fa=office_fa)
    wishes = {wish.email.lower(): wish.period for wish in command.wishes}
    kept = await store.replace_wishes(tx.connection, command.working_group, wishes, tx.principal.subject, tx.now)
    for email in sorted(wishes.keys() - {wish.email for wish in kept}):
        raise Refusal(
            DIGEST_MEMBER_UNKNOWN, working_group=command.working_group, working_group_fa=office_fa, email=email
        )
    await arm_missing_digests(tx)
    return DigestWishes(working_group=command.working_group, wishes=[WishBody.model_validate(wish) for wish in kept])


async def stop_digest(command: StopDigest, tx: Transaction) -> StoppedDigest:
    """A member wants no more digests; the timer of an office that nobody is left in ends by itself."""
    return StoppedDigest(was_wanted=await store.drop_wish(tx.connection, command.member_id))


async def arm_missing_digests(tx: Transaction) -> None:
    """Arm the timer of every wished digest that has none; one that runs is left alone."""
    armed = await store.armed_subjects(tx.connection, DIGEST_TIMER)
    missing = [
        (working_group, period)
        for working_group, period in await store.wished_offices(tx.connection)
        if f"{working_group}/{period}" not in armed
    ]
    calendars = await load_calendars(tx.connection, {working_group for working_group, _ in missing})
    for working_group, period in missing:
        await _arm(working_group, period, calendars[working_group], tx)


async def compose_digest(working_group: str, period: Period, tx: Transaction) -> None:
    """A digest is due: compose it, owe its letters, arm the next. Where nobody wants it any more, it ends. The trouble of a
    letter of an earlier one that nobody took is over: this one says what there is now. On a day on which the office is closed
    after all, it is put off."""
    calendar = (await load_calendars(tx.connection, [working_group]))[working_group]
    if calendar.open_on(office_date(tx.now)) is None:
        await _arm(working_group, period, calendar, tx)
        return
    await end_trouble(OperationsTrouble.OPS_ALERT, name=dead_digest_name(working_group), tx=tx)
    await share_memberships(tx.connection)
    wishes = [wish for wish in await store.list_wishes(tx.connection, working_group) if wish.period is period]
    if not wishes:
        return
    await _arm(working_group, period, calendar, tx)
    county = None if working_group == Audience.PROVINCE_OFFICE else County(working_group)
    until = tx.now - SETTLED_AFTER
    since = await store.last_covered(tx.connection, working_group, period) or until - period.length
    scope = store.Scope(working_group, county, period, audiences_of(working_group), since, until)
    content = await store.summarise(tx.connection, scope)
    digest_id = uuid7()
    if not await store.insert_digest(tx.connection, digest_id, scope, content, tx.now):
        return
    letters = {uuid7(): wish for wish in wishes}
    await store.owe_letters(
        tx.connection, digest_id, county or SEAT_OF_THE_PROVINCE, letters, tx.now, tx.correlation_id
    )


async def _arm(working_group: str, period: Period, calendar: WorkingCalendar, tx: Transaction) -> None:
    delay: timedelta = due_after(tx.now, period, calendar) - tx.now
    policy = DigestTimer(working_group=working_group, period=period)
    await tx.arm_timer(DIGEST_TIMER, f"{working_group}/{period}", delay, policy)
