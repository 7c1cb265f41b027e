"""People say that they do not want to be told of something for a while, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from uuid_utils.compat import uuid7

from services.notifications.domain.holding import CRITICAL_SILENCE_MAX, SILENCE_S_MAX, Silence
from services.notifications.domain.refusals import (
    SILENCE_NEEDS_PROVINCE,
    SILENCE_NOT_FOUND,
    SILENCE_OF_CASES,
    SILENCE_OF_NOTHING,
)
from services.notifications.domain.rules import Audience, RuleBook
from services.notifications.handlers.telling import AT_ONCE, RELEASE_TIMER, SILENCE_TIMER
from services.notifications.routing_rules import rules_in_force
from services.notifications.store import silences as store
from services.notifications.store.deliveries import database_now
from services.notifications.store.silences import FittingAlert
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.clock import wall_delay
from shared.kit.transaction import Connection, Transaction

REASON_CHARACTERS_MAX = 1000
PREVIEW_LOOKS_BACK = timedelta(days=7)
PREVIEW_ALERTS_MAX = 20
Name = Annotated[str, Field(min_length=1, max_length=200)]


class NewSilence(BaseModel):
    """What to keep back. `county` null: every county. A matcher that is null fits every alert; one of `kind`, `rule_id` and
    `subject_id` must be set."""

    model_config = ConfigDict(extra="forbid")

    county: County | None = None
    kind: Name | None = None
    rule_id: Name | None = None
    subject_id: Name | None = None
    lasts_s: Annotated[int, Field(ge=1, le=SILENCE_S_MAX)]
    """Domain seconds from now. Critical alerts are kept back for `CRITICAL_SILENCE_MAX` at most."""
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]

    @model_validator(mode="after")
    def _fits_something(self) -> "NewSilence":
        if self.kind is None and self.rule_id is None and self.subject_id is None:
            raise PydanticCustomError("one_required", "one of {fields}", {"fields": "kind, rule_id, subject_id"})
        return self


class SilenceItem(BaseModel):
    """`audiences`: whose alerts it holds back; `critical_until`: it holds critical ones no longer than this; `ended_at`
    null: it is running; `lifted_by`: who ended it before its time."""

    silence_id: UUID
    county: County | None
    kind: str | None
    rule_id: str | None
    subject_id: str | None
    audiences: list[str]
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime
    critical_until: datetime
    ended_at: datetime | None
    lifted_by: str | None


@dataclass(frozen=True, slots=True)
class SilencePreview:
    """How many alerts raised after `since` the silence would have held back, and the newest of them."""

    since: datetime
    critical_until: datetime
    ends_at: datetime
    number: int
    newest: list[FittingAlert]


class LiftSilence(BaseModel):
    silence_id: UUID


class SilenceTimer(BaseModel):
    """`critical_only`: the time for critical alerts is over, the silence itself is not."""

    critical_only: bool


async def create_silence(command: NewSilence, tx: Transaction) -> SilenceItem:
    """Hold back alerts that are raised from now on and fit; what is told already goes on. Raises Refusal.

    It never holds what is about a return case or a complaint, and of the provincial offices only what is for those of which
    the caller is a member.
    """
    silence = await plan_silence(command, tx.connection, tx.principal.subject, tx.principal.counties, tx.now)
    line = await store.insert_silence(tx.connection, silence, command.reason, tx.principal.subject, tx.now)
    critical = min(timedelta(seconds=command.lasts_s), CRITICAL_SILENCE_MAX)
    is_one = silence.critical_until == silence.ends_at
    await tx.arm_timer(SILENCE_TIMER, silence.silence_id, critical, SilenceTimer(critical_only=not is_one))
    return SilenceItem.model_validate(line, from_attributes=True)


async def lift_silence(command: LiftSilence, tx: Transaction) -> SilenceItem:
    """End a silence early; what it held back is told now. Raises Refusal."""
    silence = await store.lock_silence(tx.connection, command.silence_id)
    if silence is None:
        raise Refusal(SILENCE_NOT_FOUND, silence_id=str(command.silence_id))
    if silence.county is None and tx.principal.counties != frozenset(County):
        raise Refusal(SILENCE_NEEDS_PROVINCE)
    line = await store.end_silence(tx.connection, command.silence_id, tx.now, tx.principal.subject)
    await tx.cancel_timer(SILENCE_TIMER, command.silence_id)
    await tx.arm_timer(RELEASE_TIMER, command.silence_id, AT_ONCE)
    return SilenceItem.model_validate(line, from_attributes=True)


async def end_silence(silence_id: UUID, tx: Transaction, *, critical_only: bool) -> None:
    """A silence's time is over, or only that for critical alerts: look again at what it holds back."""
    silence = await store.lock_silence(tx.connection, silence_id)
    if silence is None:
        return
    if critical_only:
        left = (silence.ends_at - tx.now) / (wall_delay(timedelta(seconds=1)) / timedelta(seconds=1))
        await tx.arm_timer(SILENCE_TIMER, silence_id, max(left, AT_ONCE), SilenceTimer(critical_only=False))
    else:
        await store.end_silence(tx.connection, silence_id, tx.now, None)
    await tx.arm_timer(RELEASE_TIMER, silence_id, AT_ONCE)


async def plan_silence(
    command: NewSilence, connection: Connection, subject: str, counties: frozenset[str], now: datetime
) -> Silence:
    """The silence as it would be, kept nowhere. Raises Refusal."""
    if command.county is None and counties != frozenset(County):
        raise Refusal(SILENCE_NEEDS_PROVINCE)
    _require_effect(command, await rules_in_force(connection))
    lasts = timedelta(seconds=command.lasts_s)
    offices = await store.list_offices_of(connection, subject)
    return Silence(
        silence_id=uuid7(),
        audiences=frozenset({Audience.WORKING_GROUP, *offices}),
        county=command.county,
        kind=command.kind,
        rule_id=command.rule_id,
        subject_id=command.subject_id,
        ends_at=now + wall_delay(lasts),
        critical_until=now + wall_delay(min(lasts, CRITICAL_SILENCE_MAX)),
    )


async def preview_silence(command: NewSilence, connection: Connection, principal: Principal) -> SilencePreview:
    """Which alerts of the last days a silence would have held back. Raises Refusal."""
    now = await database_now(connection)
    silence = await plan_silence(command, connection, principal.subject, principal.counties, now)
    book = await rules_in_force(connection)
    rule_ids = [
        rule.rule_id for rule in book.rules if not rule.is_restricted and command.rule_id in (None, rule.rule_id)
    ]
    since = now - PREVIEW_LOOKS_BACK
    number, newest = await store.list_fitting(connection, silence, rule_ids, since, PREVIEW_ALERTS_MAX)
    return SilencePreview(since, silence.critical_until, silence.ends_at, number, newest)


def _require_effect(command: NewSilence, book: RuleBook) -> None:
    rules = [
        rule
        for rule in book.rules
        if command.kind in (None, rule.kind)
        and command.rule_id in (None, rule.rule_id)
        and (command.county is None or not rule.counties or command.county in rule.counties)
    ]
    if not rules:
        raise Refusal(SILENCE_OF_NOTHING)
    if all(rule.is_restricted for rule in rules):
        raise Refusal(SILENCE_OF_CASES)
