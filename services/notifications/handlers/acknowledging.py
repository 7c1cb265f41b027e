"""Somebody takes charge of an alert and of the alerts that joined it, hands it back, or says something about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue

from services.notifications.domain.escalation import UNANSWERED, AlertState, acknowledging_changes
from services.notifications.domain.grouping import is_answered_with
from services.notifications.domain.refusals import (
    ALERT_ALREADY_RESOLVED,
    ALERT_NOT_ACKNOWLEDGED,
    ALERT_NOT_FOUND,
    LINK_MEMBER_LEFT,
)
from services.notifications.handlers.acting import Acted, find_concerned
from services.notifications.handlers.telling import (
    AT_ONCE,
    BY_SYSTEM,
    ESCALATION_TIMER,
    GROUP_LETTER_TIMER,
    LAPSE_TIMER,
    RECIPIENT_LEFT,
    StepTimer,
)
from services.notifications.store import alerts as store
from services.notifications.store import groups
from services.notifications.store.alerts import Alert, HistoryLine
from services.notifications.store.members import share_memberships
from shared.contracts.notifications import AlertAcknowledged, AlertReopened
from shared.contracts.refusals import Refusal
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction

COMMENT_CHARACTERS_MAX = 2000


class AcknowledgeAlert(BaseModel):
    alert_id: UUID


class AcknowledgeByLink(BaseModel):
    """A signed link was followed and its button pressed; the signature has been checked."""

    alert_id: UUID
    member_id: UUID


class TakeOverAlert(BaseModel):
    """Another person takes charge of what somebody has acknowledged."""

    alert_id: UUID


class ReleaseAlert(BaseModel):
    """Whoever acknowledged cannot act after all, or does not: somebody else is told."""

    alert_id: UUID


class CommentOnAlert(BaseModel):
    alert_id: UUID
    text: Annotated[str, Field(min_length=1, max_length=COMMENT_CHARACTERS_MAX)]


class Acknowledgement(BaseModel):
    """`acknowledged_by` is whoever was first, until somebody takes over."""

    alert_id: UUID
    state: AlertState
    step: int
    acknowledged_by: str
    acknowledged_at: datetime


async def acknowledge_alert(command: AcknowledgeAlert, tx: Transaction) -> Acknowledgement:
    """Somebody acts: the chain of the alert, and of all of its group that its letters told of, stops; what joined since leads
    a group of its own. Acknowledging twice answers with the first. Raises Refusal."""
    await share_memberships(tx.connection)
    await find_concerned(command.alert_id, tx)
    return await _acknowledge(command.alert_id, tx.principal.subject, tx)


async def acknowledge_by_link(command: AcknowledgeByLink, tx: Transaction) -> Acknowledgement:
    """As `acknowledge_alert`, by the member whom the link names, if still a member. Raises Refusal."""
    await share_memberships(tx.connection)
    member = await groups.find_member(tx.connection, command.member_id)
    if member is None:
        raise Refusal(LINK_MEMBER_LEFT)
    return await _acknowledge(command.alert_id, member.subject or member.email, tx)


async def take_over_alert(command: TakeOverAlert, tx: Transaction) -> Acknowledgement:
    """The caller is in charge instead of who was; an unanswered alert is acknowledged. Raises Refusal."""
    await share_memberships(tx.connection)
    await find_concerned(command.alert_id, tx)
    alert = await _lock(command.alert_id, tx)
    by = tx.principal.subject
    if alert.state in UNANSWERED or alert.acknowledged_by == by:
        return await _acknowledge(command.alert_id, by, tx)
    if alert.state is AlertState.RESOLVED:
        raise Refusal(ALERT_ALREADY_RESOLVED)
    taken = await _with_its_group(alert, tx)
    await store.set_acknowledged(tx.connection, [one.alert_id for one in taken], by, tx.now)
    await _await_lapse(alert, tx)
    await _add_history(tx, taken, "taken_over", by, {"from": alert.acknowledged_by})
    return _acknowledgement(alert, by, tx.now)


async def release_alert(command: ReleaseAlert, tx: Transaction) -> Acted:
    """Undo an acknowledgement: the alert, and those acknowledged with it, are open again, and the chain goes on with the
    next step. Raises Refusal."""
    await find_concerned(command.alert_id, tx)
    alert = await _lock(command.alert_id, tx)
    if alert.state is AlertState.RESOLVED:
        raise Refusal(ALERT_ALREADY_RESOLVED)
    if alert.state is not AlertState.ACKNOWLEDGED:
        raise Refusal(ALERT_NOT_ACKNOWLEDGED)
    await _reopen(alert, "acknowledgement_released", tx.principal.subject, tx)
    return Acted(alert_id=alert.alert_id, state=AlertState.OPEN, step=alert.step)


async def lapse_acknowledgement(alert_id: UUID, tx: Transaction, *, left: str | None = None) -> None:
    """The time in which an acknowledgement should have led to something is over, or who acknowledged has `left`: if it led to
    nothing, the chain goes on."""
    alert, _ = await store.lock_with_lead(tx.connection, alert_id)
    if alert is None or alert.state is not AlertState.ACKNOWLEDGED or left not in (None, alert.acknowledged_by):
        return
    await _reopen(alert, "acknowledgement_lapsed", BY_SYSTEM, tx, {} if left is None else {"reason": RECIPIENT_LEFT})


async def comment_on_alert(command: CommentOnAlert, tx: Transaction) -> Acted:
    """Keep a remark in the history. Raises Refusal."""
    alert = await find_concerned(command.alert_id, tx)
    await _add_history(tx, [alert], "comment", tx.principal.subject, {"text": command.text})
    return Acted(alert_id=alert.alert_id, state=alert.state, step=alert.step)


async def _lock(alert_id: UUID, tx: Transaction) -> Alert:
    """The alert, locked after its lead. A lead that has ended stands for the one under which its group goes on, so that
    its letters' links still answer for the group."""
    alert, lead = await store.lock_with_lead(tx.connection, alert_id)
    if alert is None:
        raise Refusal(ALERT_NOT_FOUND, alert_id=str(alert_id))
    has_led = alert.step_told_at is not None
    if alert.state is AlertState.RESOLVED and has_led and lead is not None and lead.state is not AlertState.RESOLVED:
        return lead
    return alert


async def _acknowledge(alert_id: UUID, by: str, tx: Transaction) -> Acknowledgement:
    alert = await _lock(alert_id, tx)
    if not acknowledging_changes(alert.state):
        return _acknowledgement(alert, alert.acknowledged_by or by, alert.acknowledged_at or tx.now)
    joined = await store.lock_members(tx.connection, alert.alert_id)
    answered = answered_with(alert, joined)
    ids = [one.alert_id for one in answered]
    await store.set_acknowledged(tx.connection, ids, by, tx.now)
    await store.cancel_messages(tx.connection, ids)
    for kind in (ESCALATION_TIMER, GROUP_LETTER_TIMER):
        await tx.cancel_timer(kind, alert.alert_id)
    await _await_lapse(alert, tx)
    await _add_history(tx, answered, "acknowledged", by, {})
    await tx.publish_many(
        [AlertAcknowledged(alert_id=one.alert_id, county=one.county, step=one.step) for one in answered]
    )
    await lead_on([one for one in joined if one.state in UNANSWERED and one.alert_id not in ids], tx)
    return _acknowledgement(alert, by, tx.now)


def answered_with(alert: Alert, joined: Sequence[Alert]) -> list[Alert]:
    """What acknowledging `alert` answers of it and of those that joined it."""
    answers = (one for one in joined if is_answered_with(alert.step_told_at, one.joined_at))
    return [alert, *(one for one in answers if one.state in UNANSWERED)]


async def lead_on(untold: Sequence[Alert], tx: Transaction) -> None:
    """Nobody has heard of these: the oldest leads the others from its first step."""
    if not untold:
        return
    lead, *others = untold
    wait_s = lead.group_wait_s or 0
    await store.open_group(tx.connection, lead.alert_id, [one.alert_id for one in untold])
    await tx.arm_timers(
        GROUP_LETTER_TIMER, [Arming(str(lead.alert_id), timedelta(seconds=wait_s), None, lead.correlation_id)]
    )
    await _add_history(tx, [lead], "regrouped", BY_SYSTEM, {"group_wait_s": wait_s})
    await _add_history(tx, others, "regrouped", BY_SYSTEM, {"lead_alert_id": str(lead.alert_id)})


async def _await_lapse(alert: Alert, tx: Transaction) -> None:
    if alert.policy.acknowledged_for_s is not None:
        await tx.arm_timer(LAPSE_TIMER, alert.alert_id, timedelta(seconds=alert.policy.acknowledged_for_s))


async def _with_its_group(alert: Alert, tx: Transaction) -> list[Alert]:
    """An acknowledged alert and those that were acknowledged with it."""
    joined = await store.lock_members(tx.connection, alert.alert_id)
    return [alert, *(one for one in joined if one.acknowledged_at == alert.acknowledged_at)]


async def _reopen(
    alert: Alert, entry: str, by: str, tx: Transaction, details: Mapping[str, JsonValue] | None = None
) -> None:
    reopened = await _with_its_group(alert, tx)
    await tx.cancel_timer(LAPSE_TIMER, alert.alert_id)
    await store.set_reopened(tx.connection, [one.alert_id for one in reopened])
    await _add_history(tx, reopened, entry, by, {"acknowledged_by": alert.acknowledged_by, **(details or {})})
    await tx.publish_many([AlertReopened(alert_id=one.alert_id, county=one.county, step=one.step) for one in reopened])
    if alert.held_back is not None or alert.digest:
        return
    if alert.lead_alert_id is not None and await _rejoins(alert.alert_id, alert.lead_alert_id, tx):
        return
    timer = StepTimer(step=alert.step, reopened=True)
    await tx.arm_timers(ESCALATION_TIMER, [Arming(str(alert.alert_id), AT_ONCE, timer, alert.correlation_id)])


async def _rejoins(alert_id: UUID, lead_alert_id: UUID, tx: Transaction) -> bool:
    """Whether the lead's next letter tells of the alert again; else it has a chain of its own from now on."""
    lead = await store.lock_alert(tx.connection, lead_alert_id)
    if lead is None or lead.state not in UNANSWERED:
        await store.set_alone(tx.connection, alert_id)
        return False
    if not lead.letter_due:
        await store.set_letter_due(tx.connection, [lead.alert_id])
        await tx.arm_timer(GROUP_LETTER_TIMER, lead.alert_id, timedelta(seconds=lead.group_wait_s or 0))
    return True


async def _add_history(
    tx: Transaction, alerts: Sequence[Alert], entry: str, by: str, details: dict[str, JsonValue]
) -> None:
    lines = [HistoryLine(one.alert_id, one.county, entry, one.step, by, details) for one in alerts]
    await store.add_histories(tx.connection, lines, tx.now)


def _acknowledgement(alert: Alert, by: str, at: datetime) -> Acknowledgement:
    return Acknowledgement(
        alert_id=alert.alert_id,
        state=AlertState.ACKNOWLEDGED,
        step=alert.step,
        acknowledged_by=by,
        acknowledged_at=at,
    )
